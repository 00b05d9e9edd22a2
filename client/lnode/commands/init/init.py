"""`lnode --init`: from your ssh configuration to config.toml and the first session.

lnode says which host it is going to ask, signs in once, and asks one question that changes nothing. It shows the lines
that it would add on this laptop, asks you, writes them, and offers to start the session.
"""

import os
import sys

from lnode.commands.init import changes, config_file, new_host, proposal
from lnode.commands.init.changes import Change
from lnode.commands.init.new_host import NewHost
from lnode.commands.init.programs import PROGRAMS
from lnode.commands.init.proposal import Proposal
from lnode.commands.init.site import Site, parse_site
from lnode.demo import demo
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen, settings, your_files
from lnode.laptop.folders import PYTHON
from lnode.laptop.settings import as_key, config_path
from lnode.laptop.ssh_aliases import ssh_aliases
from lnode.locate.address import Address, resolved
from lnode.ssh.question import Question
from lnode.ssh.target import Resolving, Target

_SSH_CONFIG = "~/.ssh/config"


def init(
    address: Address,
    *,
    hostname: str | None = None,
    user: str | None = None,
    gate: str | None = None,
    yes: bool = False,
) -> ExitCode:
    """Ask the host what it has, propose the lines for your files and write them. Raises LnodeError."""
    alias = address.alias
    if address.target.config is not None:
        raise _of_demo()
    if hostname is None:
        if user or gate:
            raise LnodeError(
                ExitCode.USAGE, "--user and --gate go with --address",
                f"as in: lnode {alias} --init --address login.unity.edu --user alice",
            )  # fmt: skip
        return _from(address, None, yes=yes)
    if alias in ssh_aliases():
        raise LnodeError(
            ExitCode.USAGE, f"your ssh configuration has {alias} already", f"without --address: lnode {alias} --init"
        )
    new = new_host.described(alias, hostname, user or "", gate or "")
    return _from(_address(new), new, yes=yes)


def without_host(
    *, hostname: str | None = None, user: str | None = None, gate: str | None = None, yes: bool = False
) -> ExitCode:
    """Ask which host it is, then do the same. Raises LnodeError."""
    from lnode.commands.init.choosing import choose

    if hostname or user or gate:
        raise LnodeError(
            ExitCode.USAGE, "HOST is missing, the name for the new host",
            "as in: lnode unity --init --address login.unity.edu",
        )  # fmt: skip
    chosen = choose()
    if demo.ALIAS in (chosen, getattr(chosen, "alias", "")):
        raise _of_demo()
    if not isinstance(chosen, NewHost):
        return _from(_address(chosen), None, yes=yes)
    screen.say(f"the same in one line: {chosen.typed}")
    return _from(_address(chosen), chosen, yes=yes)


def _of_demo() -> LnodeError:
    return LnodeError(ExitCode.USAGE, "the demo needs no configuration", "try it: lnode demo")


def _address(chosen: str | NewHost) -> Address:
    alias, route = (chosen.alias, chosen.route) if isinstance(chosen, NewHost) else (chosen, ())
    return resolved(Resolving(alias, route=route), None, settings.load().of_host(alias))


def _from(address: Address, new: NewHost | None, *, yes: bool) -> ExitCode:
    site = _ask(address)
    _tell(address.alias, site)
    proposed = proposal.propose(site)
    wanted = [change for change in (_ssh_change(new), _config_change(address.alias, proposed)) if change]
    if wanted and not changes.agreed(wanted, yes=yes):
        return ExitCode.FAILED
    for change in wanted:
        changes.write(change)
    if new:
        _compare(address.target)
    if not proposed.host:
        return _without_request(address.alias, site, yes=yes)
    return _first_session(address.alias, site, yes=yes)


def _ask(address: Address) -> Site:
    target = address.target
    screen.say(
        f"signing in to {target.alias} ({target.user}@{target.hostname}) to see what it has; nothing changes there"
    )
    with Question(target, "site", address.settings.tmux, " ".join(PROGRAMS)) as question:
        reply = question.reply()
    site = parse_site(reply)
    if "late" in reply and proposal.to_ask(site):
        raise LnodeError(
            ExitCode.FAILED, f"your login shell on {target.alias} does not come to its end, and may know more",
            f"log in and see what holds it, perhaps conda or a module: ssh {target.alias}",
        )  # fmt: skip
    return site


def _tell(alias: str, site: Site) -> None:
    for line in proposal.found(alias, site):
        screen.say(line)
    if questions := proposal.to_ask(site):
        screen.say(f"lnode could not find everything; ask the help desk of {alias}:")
        for question in questions:
            screen.say(f"  {question}")


def _without_request(alias: str, site: Site, *, yes: bool) -> ExitCode:
    """Say how to go on at a site without a request that lnode knows."""
    header = config_file.header("hosts", alias)
    screen.say(f'with the answer, write into {your_files.shown(config_path())}: {header} and command = "..."')
    if site.tmux:
        _offer("a session on the login node", alias, "notes", "--login", yes=yes)
    return ExitCode.MISSING_THERE


# --- the files


def _ssh_change(new: NewHost | None) -> Change | None:
    """Return the change of ~/.ssh/config for a new host. Raises LnodeError."""
    if new is None:
        return None
    path = _behind_link(os.path.expanduser(_SSH_CONFIG))
    before = changes.read(path)
    after = new_host.with_block((before or b"").decode("utf-8", "surrogateescape"), new.block)
    return Change(path, before, after.encode("utf-8", "surrogateescape"))


def _compare(meant: Target) -> None:
    """Tell you if ssh does not take the new block as lnode took it, as when a line above it has set another value."""
    there = Resolving(meant.alias).target()
    if (there.hostname, there.user, there.port) != (meant.hostname, meant.user, meant.port):
        screen.say(f"ssh takes {meant.alias} for {there.user}@{there.hostname} port {there.port}: ssh -G {meant.alias}")


def _config_change(alias: str, proposed: Proposal) -> Change | None:
    """Return the change of config.toml, None if there is nothing to add. Raises LnodeError."""
    if not proposed.host:
        return None
    path = _behind_link(config_path())
    before = changes.read(path)
    mark = "\ufeff" if (before or b"").startswith("\ufeff".encode()) else ""
    text = (before or b"").decode().removeprefix(mark)
    if "command" in (config_file.keys_of(text, "hosts", alias) or {}):
        screen.say(f"{your_files.shown(path)} has a command for {alias}, and lnode leaves it as it is")
        return None
    try:
        after = config_file.with_keys(text, "hosts", alias, proposed.host)
        if proposed.gpus:
            after = config_file.with_keys(after, "profiles", _free_profile(text, alias), proposed.gpus)
    except ValueError as lines:
        by_hand = "; ".join(str(lines).splitlines())
        raise LnodeError(
            ExitCode.FAILED, f"lnode cannot add lines to {path} without writing it again",
            f"add below [hosts.{as_key(alias)}] by hand: {by_hand}",
        ) from None  # fmt: skip
    return Change(path, before, f"{mark}{after}".encode())


def _behind_link(path: str) -> str:
    """Return the file that lnode would write, and tell you if the path is a link to it."""
    file = your_files.behind_link(path)
    if file != path:
        screen.say(f"{your_files.shown(path)} is a link to {your_files.shown(file)}")
    return file


def _free_profile(text: str, alias: str) -> str:
    """Return a name for a profile with GPUs that config.toml does not have yet."""
    names = ["gpu", f"{alias}-gpu", *(f"{alias}-gpu{number}" for number in range(2, 100))]
    return next(name for name in names if config_file.keys_of(text, "profiles", name) is None)


# --- the first session


def _first_session(alias: str, site: Site, *, yes: bool) -> ExitCode:
    """Offer to start it. MISSING_THERE without a tmux."""
    if not site.tmux:
        screen.say(f"no session can start on {alias} without tmux")
        return ExitCode.MISSING_THERE
    _offer("your first session", alias, yes=yes)
    return ExitCode.DONE


def _offer(session: str, *words: str, yes: bool = False) -> None:
    """Offer a session. lnode then runs in this process's place, as if you had typed the words; else you see them."""
    if not yes and screen.can_ask() and screen.confirm(f"start {session} on {words[0]} now?", usual=True):
        os.execv(sys.executable, [*PYTHON, "-m", "lnode", *words])  # noqa: S606
    screen.say(f"{session}: lnode {' '.join(words)}")
