"""What a session has shown, look by look (wait.sh): what of it is new, and is it what somebody waits for?"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple


class PanePosition(NamedTuple):
    """Where to look: values of wait.sh. At first only the session's name is known, then what finds its pane again."""

    format: str
    value: str
    pane: str = ""
    first: str = ""  # row that has not been seen
    last: str = ""  # length of the history then


def named(name: str) -> PanePosition:
    """The active pane of the session of that name."""
    return PanePosition("#{session_name}", name)


def again(reply: Mapping[str, Sequence[str]]) -> PanePosition | None:
    """The same pane of the same session, whatever they are called by now; from the first reply."""
    match = _PANE.fullmatch(next(iter(reply.get("pane", ())), ""))
    return PanePosition("#{session_created} #{session_id}", *match.groups()) if match else None


_PANE = re.compile(r"([0-9]{1,12} \$[0-9]{1,10}) (%[0-9]{1,10}) ([0-9]{1,12}) ([0-9]{1,12})")


class Look(NamedTuple):
    """What there is to see now. `rows` are those that were asked for, wrapped lines joined."""

    first: str
    last: str
    alternate: bool
    dead: bool
    bell: bool
    rows: tuple[str, ...]


def parse_look(reply: Mapping[str, Sequence[str]]) -> Look | None:
    """Read the section `look`; None where nothing has changed since the last one."""
    rows = unbarred(reply.get("look", ()))
    match = _FACTS.fullmatch(rows[0]) if rows else None
    if match is None:
        return None
    first, last, alternate, dead, bell = match.groups()
    return Look(first, last, alternate == "1", dead == "1", bell == "yes", rows[1:])


_FACTS = re.compile(r"(-?[0-9]{1,12}) ([0-9]{1,12}) ([01]) ([01]) (yes|no)")


def unbarred(rows: Sequence[str]) -> tuple[str, ...]:
    """Rows of a pane as they were before each got its bar."""
    return tuple(row.removeprefix("|") for row in rows)


class Sent(NamedTuple):
    """What was typed, and the rows that were there before: the cursor's, or the whole of a program's own screen."""

    text: str
    before: tuple[str, ...]


def fresh(look: Look, sent: Sent | None) -> str:
    """What may be what somebody waits for: all of it, or what came after what was sent and is not its echo."""
    if sent is None:
        return _joined(look.rows)
    if look.alternate:
        old = (*sent.before, *[""] * len(look.rows))
        return _joined([row for row, was in zip(look.rows, old, strict=False) if row.rstrip() != was.rstrip()])
    first, *others = look.rows or ("",)
    was = sent.before[0].rstrip() if sent.before else ""
    return _joined([first.removeprefix(was).lstrip().removeprefix(sent.text.partition("\n")[0].strip()), *others])


def _joined(rows: Sequence[str]) -> str:
    return "\n".join(row.rstrip() for row in rows).rstrip("\n")


class PaneEvent(StrEnum):
    """What can be waited for but for a pattern."""

    IDLE = "idle"
    BELL = "bell"
