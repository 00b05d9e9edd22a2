"""The output of a session, look by look (wait.sh): the new part, and the text that you wait for."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.remote.reply import Reply


class PanePosition(NamedTuple):
    """The pane to look at: values of wait.sh. The first look has only the session's name, later ones the pane's id."""

    format: str
    value: str
    pane: str = ""
    first: str = ""  # the first new row
    last: str = ""  # length of the history at the last look


def named(name: str) -> PanePosition:
    """Return the active pane of the session of that name."""
    return PanePosition("#{session_name}", name)


def again(reply: Reply) -> PanePosition | None:
    """Return the same pane of the same session from the first reply, even if their names change."""
    match = _PANE.fullmatch(next(iter(reply.get("pane", ())), ""))
    return PanePosition("#{session_created} #{session_id}", *match.groups()) if match else None


_PANE = re.compile(r"([0-9]{1,12} \$[0-9]{1,10}) (%[0-9]{1,10}) ([0-9]{1,12}) ([0-9]{1,12})")


class Look(NamedTuple):
    """The present state of the pane. `rows` are the requested rows, wrapped lines joined."""

    first: str
    last: str
    alternate: bool
    dead: bool
    bell: bool
    rows: tuple[str, ...]


def parse_look(reply: Reply) -> Look | None:
    """Read the section `look`; None if nothing has changed since the last look."""
    rows = unbarred(reply.get("look", ()))
    match = _FACTS.fullmatch(rows[0]) if rows else None
    if match is None:
        return None
    first, last, alternate, dead, bell = match.groups()
    return Look(first, last, alternate == "1", dead == "1", bell == "yes", rows[1:])


_FACTS = re.compile(r"(-?[0-9]{1,12}) ([0-9]{1,12}) ([01]) ([01]) (yes|no)")


def unbarred(rows: Sequence[str]) -> tuple[str, ...]:
    """Return the rows of a pane without the bar before each."""
    return tuple(row.removeprefix("|") for row in rows)


class Sent(NamedTuple):
    """The typed text, and the rows before it: the cursor's row, or all rows of a full-screen program."""

    text: str
    before: tuple[str, ...]


def fresh(look: Look, sent: Sent | None) -> str:
    """Return the text in which to search: all of it, or only the output after the sent text and its echo.

    The shell draws the row of its prompt anew, perhaps with the time at its right end, and shows each further line of
    the text in a row of its own.
    """
    if sent is None:
        return _joined(look.rows)
    if look.alternate:
        old = (*sent.before, *[""] * len(look.rows))
        return _joined([row for row, was in zip(look.rows, old, strict=False) if row.rstrip() != was.rstrip()])
    first, *others = look.rows or ("",)
    was = sent.before[0].rstrip() if sent.before else ""
    typed, *more = (line.strip() for line in sent.text.split("\n"))
    prompt, echo, rest = first.rpartition(typed)
    if first.startswith(was) or not typed or not echo:
        rest = first.removeprefix(was).lstrip().removeprefix(typed)
    elif rest.startswith("  "):  # the right side of the prompt
        rest = ""
    for line in filter(None, more):
        echoes = (row for row in others if row.rstrip() in (line, f"{prompt}{line}"))
        if (found := next(echoes, None)) is not None:
            others.remove(found)
    return _joined([rest, *others])


def _joined(rows: Sequence[str]) -> str:
    return "\n".join(row.rstrip() for row in rows).rstrip("\n")


class PaneEvent(StrEnum):
    """The events that you can wait for, apart from a pattern."""

    IDLE = "idle"
    BELL = "bell"
    AGENT = "agent"
