"""The choices of a dialog at the bottom of a screen: numbered ones, or those among which you move by the arrow keys."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Choice(NamedTuple):
    """An answer, and the key that gives it."""

    key: str
    text: str


class Block(NamedTuple):
    """The choices, the first row and the row behind the last one. `at` is the index of the choice that has the mark."""

    top: int
    bottom: int
    choices: tuple[Choice, ...]
    at: int


LONGEST = 200  # characters of a choice
FRAME = "│┃▌▐"
RULE = re.compile(rf"^\s*[─━═▁▂▀▄╌╭╮╰╯┌┐└┘{FRAME}]{{3,}}")
NOTHING = re.compile(rf"[\s·•|,;.▲▼─━═▁▂▀▄╌╭╮╰╯┌┐└┘{FRAME}]+")
DRAFT = re.compile(r"^ {0,2}[>❯›!*] ")
_MOST_CHOICES = 12
_MOST_LINES = 6  # of a choice
_NUMBERED = re.compile(r"^\s*+([^\s\d])?\s*+(\d{1,2})[.)]\s+(\S.*)$")  # in linear time


def numbered(rows: Sequence[str], marks: str) -> Block | None:
    """Return the lowest choices on the screen that are numbered from 1 on. Exactly one row of them has a mark."""
    bottom = next((at for at in range(len(rows) - 1, -1, -1) if _numbered(rows[at], marks)), None)
    if bottom is None:
        return None
    at, found, lines, wanted = bottom, list[tuple[int, str, str, str]](), 0, -1
    while at >= 0 and lines <= _MOST_LINES and len(found) < _MOST_CHOICES and wanted:
        row = _numbered(rows[at], marks)
        if row is None:
            lines += 1
        elif found and int(row[1]) != wanted:
            break
        else:
            found.append((at, *row))
            lines, wanted = 0, int(row[1]) - 1
        at -= 1
    found.reverse()
    if wanted or len(found) < 2:  # noqa: PLR2004 (yes and no)
        return None
    end = _end_of_choice(rows, bottom)
    marked = [at for at in range(found[0][0], end) if rows[at].lstrip()[:1] in tuple(marks)]
    if len(marked) != 1:  # it may be in a row without a number: `❯  Submit`
        return None
    ends = [*(at for at, *_ in found[1:]), end]
    choices = tuple(
        Choice(key, joined([text, *(row for row in rows[at + 1 : until] if not is_blank(row))])[:LONGEST])
        for (at, _, key, text), until in zip(found, ends, strict=True)
    )
    return Block(found[0][0], end, choices, sum(at <= marked[0] for at, *_ in found) - 1)


def _numbered(row: str, marks: str) -> tuple[str, str, str] | None:
    """Return the mark, the number and the text of a row that begins a choice."""
    match = _NUMBERED.match(row)
    if match is None or (match[1] and match[1] not in marks):
        return None
    return match[1] or "", match[2], match[3].strip()


def _end_of_choice(rows: Sequence[str], at: int) -> int:
    """Return the index behind the last row of a choice: its further rows are indented as its text is."""
    match = _NUMBERED.match(rows[at])
    indent = match.start(3) if match else 0
    end = at + 1
    while end < min(len(rows), at + _MOST_LINES) and rows[end][:indent].isspace() and not is_blank(rows[end]):
        end += 1
    return end


def in_draft(rows: Sequence[str], block: Block) -> bool:
    """True if the choices stand in a text that is typed to an agent: it begins below a rule, and a rule ends it."""
    begins = any(
        RULE.match(rows[at]) and DRAFT.match(rows[at + 1]) and not _NUMBERED.match(rows[at + 1])
        for at in range(block.top - 1)
    )
    return begins and any(RULE.match(row) for row in rows[block.bottom :])


def by_arrows(rows: Sequence[str], marks: str) -> Block | None:
    """Return the lowest choices without numbers: texts in one column, exactly one with a mark before it.

    Their keys are their places, from 1 on; rows that are indented more belong to the choice above them.
    """
    marked = next((at for at in range(len(rows) - 1, -1, -1) if _column(rows[at], marks) is not None), None)
    if marked is None:
        return None
    column, top, bottom = _column(rows[marked], marks), marked, marked + 1
    while top and _indent(rows[top - 1]) == column:
        top -= 1
    while bottom < len(rows) and column is not None and _indent(rows[bottom]) >= column:
        bottom += 1
    begins = [at for at in range(top, bottom) if at == marked or _indent(rows[at]) == column]
    if not 2 <= len(begins) <= _MOST_CHOICES:  # noqa: PLR2004 (yes and no)
        return None
    texts = [joined([row[column:] for row in rows[at:until]]) for at, until in pairwise([*begins, bottom])]
    choices = tuple(Choice(str(number), text[:LONGEST]) for number, text in enumerate(texts, 1))
    return Block(top, bottom, choices, begins.index(marked))


def _column(row: str, marks: str) -> int | None:
    """Return the column of the text behind a mark, None for a row without one."""
    match = re.match(r"\s*(\S)\s+(?=\S)", row)
    return match.end() if match and match[1] in marks else None


def _indent(row: str) -> int:
    """Return the column of a row's text, -1 for an empty row."""
    return -1 if is_blank(row) else len(row) - len(row.lstrip())


def is_blank(row: str) -> bool:
    return not row.strip() or NOTHING.fullmatch(row) is not None


def joined(rows: Sequence[str]) -> str:
    return " ".join(" ".join(rows).split())
