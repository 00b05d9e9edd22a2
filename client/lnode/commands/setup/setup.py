"""`lnode HOST --setup`: add the lines of the handbook to your files on the host. `--undo` removes them.

lnode needs none of these lines. The look, the question and the deed share one connection. lnode writes exactly the
text that it showed you, or nothing if the file has changed meanwhile.
"""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from lnode.cluster import tmux
from lnode.commands.setup import livenode, rc_file
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.consent import agreed
from lnode.laptop.settings import DEFAULT_COMMAND, HostSettings, as_key, load
from lnode.locate.address import Address
from lnode.remote.reply import Reply
from lnode.schedulers.known import KNOWN, scheduler
from lnode.ssh import arguments
from lnode.ssh.question import Question
from lnode.ssh.target import Target

_OBSTACLES = {
    "link": "is a symbolic link, perhaps into a repository of yours",
    "readonly": "cannot be written",
    "special": "is no file",
    "long": "is longer than 200 kB",
}

_LONGEST = 200_000  # bytes


class _Change(NamedTuple):
    """A file on the host that would change. `which` is the script's word for it; None is a file that does not exist."""

    which: str
    path: str
    obstacle: str
    checksum: str
    before: bytes | None
    after: bytes | None


def setup(address: Address, *, undo: bool = False, yes: bool = False) -> ExitCode:
    """Show the changes, ask you, and write them. Raises LnodeError if a file could not be changed."""
    target, alias, settings = address.target, address.alias, address.settings
    live = {} if undo else {**_live(alias), **({"livenode": settings} if _filled(settings) else {})}
    with Question(target, "setup", settings.tmux) as question:
        with screen.waiting(f"asking {alias} ..."):
            reply = question.reply()
        changes = _changes(alias, reply, _wanted(reply, _fitted(reply, live)), undo=undo)
        doable = [change for change in changes if change.obstacle not in _OBSTACLES]
        _show(alias, reply, changes)
        if not undo:
            _propose(alias, reply, settings)
            _propose_alias(target)
        if not doable:
            screen.say(f"there is nothing {'to take back' if undo else 'to change'} on {alias}")
            return ExitCode.DONE
        if not _confirmed(alias, doable, yes=yes):
            return ExitCode.FAILED
        lines = [f"{change.which} {change.checksum} {_encoded(change.after)}" for change in doable]
        for change in doable:
            if change.which == "tmux_conf":
                mouse = livenode.mouse_in(change.after or b"") if undo else "on"
                lines.append(f"mouse -g {mouse}" if mouse else "mouse -gu")
        with screen.waiting(f"writing on {alias} ..."):
            complaints = question.do(*lines, "").get("said", ())
    if complaints:
        again = f"see what is there, then: lnode {alias} --setup"
        raise LnodeError(
            ExitCode.FAILED, f"not all of it could be written on {alias}", again, detail="\n".join(complaints)
        )
    screen.say(f"{alias} is as it was" if undo else f"done; it counts from your next login on {alias}")
    return ExitCode.DONE


def _live(alias: str) -> dict[str, HostSettings]:
    """Return livegpu, livecpu, ...: the profiles with complete requests and with names that a shell accepts."""
    known, live = load(), {}
    for name in known.profiles:
        with suppress(LnodeError):  # it may be meant for another host
            there = known.of_host(alias, name)
            if name.isidentifier() and name.isascii() and _filled(there):
                live[f"live{name}"] = there
    return live


def _filled(settings: HostSettings) -> str:
    try:
        return settings.filled()
    except LnodeError:
        return ""


def _wanted(reply: Reply, live: Mapping[str, HostSettings]) -> dict[str, str | None]:
    """Return the lines for the block of each file, None for a file that can have no block."""
    version = livenode.parse_version(_first(reply, "tmux"))
    named = {
        name: (there.session if tmux.is_creatable(there.session) else "livenode", there.filled(), there.cwd)
        for name, there in live.items()
    }
    return {"rc": livenode.functions(_first(reply, "shell"), named, version), "tmux_conf": livenode.tmux_conf(version)}


def _changes(alias: str, reply: Reply, wanted: Mapping[str, str | None], *, undo: bool) -> list[_Change]:
    changes = []
    for which, lines in wanted.items():
        rows = reply.get(which, ())
        if not rows or lines is None:
            continue
        try:
            obstacle, checksum, path = rows[0].split(" ", 2)
            before = None if checksum == "-" else base64.b64decode("".join(rows[1:]), validate=True)
        except ValueError:
            raise LnodeError(ExitCode.FAILED, f"the answer of {alias} cannot be read", "ask again") from None
        if len(before or b"") > _LONGEST:  # setup.sh sends none of that length
            before, obstacle = None, "long"
        after = rc_file.without_block(before) if undo else rc_file.with_block(before, lines)
        if after != before:
            changes.append(_Change(which, path, obstacle, checksum, before, after))
    return changes


def _show(alias: str, reply: Reply, changes: Sequence[_Change]) -> None:
    shell = _first(reply, "shell")
    if "rc" not in reply:
        screen.say(f"{shell} has no functions like livenode; what it would do, lnode {alias} does from here")
    with screen.output():
        for change in changes:
            if change.obstacle not in _OBSTACLES:
                screen.print_diff(rc_file.difference(change.before, change.after, change.path))
    for change in changes:
        if change.obstacle in _OBSTACLES:
            screen.say(f"{change.path} {_OBSTACLES[change.obstacle]}, so it is left alone")


def _confirmed(alias: str, changes: Sequence[_Change], *, yes: bool) -> bool:
    return agreed(f"change {' and '.join(change.path for change in changes)} on {alias}?", "--setup", yes=yes)


def _encoded(text: bytes | None) -> str:
    """Return the file for setup.sh: `-` removes the file, `=` empties it, all else is base64."""
    return "-" if text is None else base64.b64encode(text).decode() or "="


def _proposed(reply: Reply, settings: HostSettings) -> str:
    """Return a command in place of the default one if that would fail on the host, else ""."""
    letters = _first(reply, "sinteractive")[1:]  # empty if it cannot be read
    if settings.command != DEFAULT_COMMAND or ("sinteractive" in reply and (not letters or {"m", "t"} <= set(letters))):
        return ""
    known = _first(reply, "scheduler")
    if "sinteractive" in reply:
        words = (f"-{letter} {{{word}}}" for letter, word in (("m", "mem"), ("t", "time")) if letter in letters)
        return " ".join(("sinteractive", *words))
    return scheduler(known).request if known in KNOWN else ""


def _fitted(reply: Reply, live: Mapping[str, HostSettings]) -> dict[str, HostSettings]:
    """Return the settings with commands that the host has, and none of which that would leave out words."""
    fitted = {}
    for name, there in live.items():
        command = _proposed(reply, there)
        if not (command and any((there.partition, there.gpus, there.cpus))):
            fitted[name] = there._replace(command=command or there.command)
    return fitted


def _propose(alias: str, reply: Reply, settings: HostSettings) -> None:
    """Propose a command for config.toml on this laptop if the default one would fail on the host."""
    command = _proposed(reply, settings)
    if not command:
        return
    screen.say(f"for config.toml on this laptop, as lnode's own request would not do on {alias}:")
    screen.show(f"[hosts.{as_key(alias)}]", f'command = "{command}"')


def _propose_alias(target: Target) -> None:
    """Propose a block for ~/.ssh/config on this laptop if you typed the host's full name."""
    if target.hostname == target.alias.rpartition("@")[2]:
        screen.say(f"for ~/.ssh/config on this laptop, so that a short name will do for {target.hostname}:")
        screen.show(*arguments.host_block(target.hostname, target.user, target.port).split("\n"))


def _first(reply: Reply, section: str) -> str:
    return next(iter(reply.get(section, ())), "")
