"""`lnode --init`: from an ssh alias to config.toml and the first session.

lnode says which host it is going to ask, signs in once, and asks one question that changes nothing. It shows the lines
that it would add on this laptop, asks you, writes them, and offers to start the session.
"""

import os
import sys
from difflib import unified_diff
from typing import NamedTuple

from lnode.commands.init import config_file, proposal
from lnode.commands.init.programs import PROGRAMS
from lnode.commands.init.proposal import Proposal
from lnode.commands.init.site import Site, parse_site
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen, your_files
from lnode.laptop.folders import PYTHON
from lnode.laptop.settings import config_path
from lnode.locate.address import Address
from lnode.ssh.question import Question


class _Change(NamedTuple):
    """A file of this laptop that would change; `before` is None if there is no file."""

    path: str
    before: bytes | None
    after: bytes


def init(address: Address, *, yes: bool = False) -> ExitCode:
    """Ask the host what it has, propose the keys for config.toml and write them. Raises LnodeError."""
    if address.target.config is not None:
        raise LnodeError(ExitCode.USAGE, "the demo needs no configuration", "try it: lnode demo")
    site = _ask(address)
    _tell(address.alias, site)
    proposed = proposal.propose(site)
    if not proposed.host:
        return _without_request(address.alias, site)
    change = _change(address.alias, proposed)
    if change and not _agreed(change, yes=yes):
        return ExitCode.FAILED
    if change:
        _write(change)
    return _first_session(address.alias, site, yes=yes)


def without_host(*, yes: bool = False) -> ExitCode:
    """Say how to name the host. Raises LnodeError."""
    raise LnodeError(ExitCode.USAGE, "HOST is missing, an ssh alias", "as in: lnode unity --init")


def _ask(address: Address) -> Site:
    target = address.target
    screen.say(
        f"signing in to {target.alias} ({target.user}@{target.hostname}) to see what it has; nothing changes there"
    )
    with Question(target, "site", address.settings.tmux, " ".join(PROGRAMS)) as question:
        return parse_site(question.reply())


def _tell(alias: str, site: Site) -> None:
    for line in proposal.found(alias, site):
        screen.say(line)
    if questions := proposal.to_ask(site):
        screen.say(f"lnode could not find everything; ask the help desk of {alias}:")
        for question in questions:
            screen.say(f"  {question}")


def _without_request(alias: str, site: Site) -> ExitCode:
    """Say how to go on at a site without a request that lnode knows."""
    header = config_file.header("hosts", alias)
    screen.say(f'with the answer, write into {your_files.shown(config_path())}: {header} and command = "..."')
    if site.tmux:
        screen.say(f"until then, a session on the login node: lnode {alias} notes --login")
    return ExitCode.MISSING_THERE


# --- config.toml


def _change(alias: str, proposed: Proposal) -> _Change | None:
    """Return the change of config.toml, None if it has a command for the host. Raises LnodeError."""
    path = config_path()
    try:
        before = your_files.read(path)
    except OSError as error:
        raise LnodeError(ExitCode.FAILED, f"cannot read {path}: {error.strerror}", "make it readable") from None
    text = (before or b"").decode()
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
            f"add below hosts.{alias} by hand: {by_hand}",
        ) from None  # fmt: skip
    return _Change(path, before, after.encode())


def _free_profile(text: str, alias: str) -> str:
    """Return a name for a profile with GPUs that config.toml does not have yet."""
    names = ["gpu", f"{alias}-gpu", *(f"{alias}-gpu{number}" for number in range(2, 100))]
    return next(name for name in names if config_file.keys_of(text, "profiles", name) is None)


def _agreed(change: _Change, *, yes: bool) -> bool:
    path = your_files.shown(change.path)
    with screen.output():
        screen.print_diff(_difference(change, path))
    if not your_files.is_changeable(change.path):
        raise LnodeError(ExitCode.FAILED, f"{path} is a link or cannot be written", "add these lines yourself")
    if yes:
        return True
    if not screen.can_ask():
        screen.say("nothing was changed; to change it without being asked: --init --yes")
        return False
    if screen.confirm(f"write {path}?"):
        return True
    screen.say("nothing was changed")
    return False


def _difference(change: _Change, path: str) -> list[str]:
    old, new = ((text or b"").decode().splitlines() for text in (change.before, change.after))
    return [*unified_diff(old, new, path, path, lineterm="")]


def _write(change: _Change) -> None:
    path = your_files.shown(change.path)
    try:
        if your_files.read(change.path) != change.before:
            raise LnodeError(ExitCode.FAILED, f"{path} has changed meanwhile; nothing was written", "ask again")
        backup = your_files.replace(change.path, change.after)
    except OSError as error:
        raise LnodeError(
            ExitCode.FAILED, f"cannot write {path}: {error.strerror}; it is as it was", "make room, then ask again"
        ) from None
    screen.say(f"{path} is written" + (f"; the file as it was is {your_files.shown(backup)}" if backup else ""))


# --- the first session


def _first_session(alias: str, site: Site, *, yes: bool) -> ExitCode:
    """Offer to start it. lnode then runs in this process's place, as if you had typed the host."""
    if not site.tmux:
        return ExitCode.MISSING_THERE
    if not yes and screen.can_ask() and screen.confirm(f"start your first session on {alias} now?"):
        os.execv(sys.executable, [*PYTHON, "-m", "lnode", alias])  # noqa: S606
    screen.say(f"your first session: lnode {alias}")
    return ExitCode.DONE
