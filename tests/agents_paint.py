"""Draws as agents draw, and as programs do that only quote them: the bytes for a terminal of some width."""

import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

WAITS, WORKING, DONE = "waits for you", "working", "done"
HIDE, SHOW, ALTERNATE = "\x1b[?25l", "\x1b[?25h", "\x1b[?1049h\x1b[H\x1b[2J"

Draw = Callable[[int, int], str]
"""Returns the bytes for a terminal of so many columns and rows."""


class Scene(NamedTuple):
    """A scene, the agent that is seen in it ("" for none), its state, and a part of its question."""

    name: str
    agent: str
    state: str
    draw: Draw
    title: str = ""
    question: str = ""
    choices: int = 0


def flowed(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lay out a text as the toolkits of agents do: wrapped at words, further rows under the first."""
    rest = " " * len(first) if rest is None else rest
    return textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=rest) or [first]


def lines(rows: Sequence[str]) -> str:
    return "\r\n".join(rows)


def boxed(rows: Sequence[str], columns: int) -> list[str]:
    inner = columns - 4
    found = [f"╭{'─' * (columns - 2)}╮"]
    for row in rows:
        head = row[: len(row) - len(row.lstrip(" ❯●123456789."))]
        parts = flowed(row[len(head) :], inner, head) if row else [""]
        found += [f"│ {part.ljust(inner)} │" for part in parts]
    return [*found, f"╰{'─' * (columns - 2)}╯"]


TALK = ("I read the training script. The learning rate is fixed, so I add a schedule.", "Now I run the tests.")


def claude_dialog(question: str, choices: Sequence[str], footer: str, head: Sequence[str] = (), at: int = 0) -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [*flowed(TALK[0], columns - 1, "● "), "", "─" * columns]
        for text in head:
            rows += flowed(text, columns - 1, " ")
        rows += ["", *(flowed(question, columns - 1, " ") if question else [])]
        for number, text in enumerate(choices):
            rows += flowed(text, columns - 1, f" {'❯' if number == at else ' '} {number + 1}. ")
        rows += ["", *(flowed(footer, columns - 1, " ") if footer else [])]
        return HIDE + lines(rows) + "\r\n"

    return draw


def claude(above: Sequence[str], below: str = "? for shortcuts", typed: str = "", ends: str = HIDE) -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [row for text in above for row in (flowed(text, columns - 1) if text else [""])]
        rows += ["", "─" * columns, f"❯ {typed}", "─" * columns, *flowed(below, columns - 1, "  ")]
        return lines(rows) + ends

    return draw


def claude_before_2(above: Sequence[str], inside: Sequence[str], below: str = "") -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [row for text in above for row in flowed(text, columns - 1)]
        return HIDE + lines([*rows, "", *boxed(inside, columns), *([f"  {below}"] if below else [])]) + "\r\n"

    return draw


def codex_dialog(question: str, details: Sequence[str], choices: Sequence[str], footer: str) -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [*flowed(TALK[0], columns - 1, "• "), "", *flowed(question, columns - 1, "  "), ""]
        for text in details:
            rows += [*flowed(text, columns - 1, "  "), ""]
        for number, text in enumerate(choices):
            rows += flowed(text, columns - 1, f"{'›' if number == 0 else ' '} {number + 1}. ")
        return HIDE + lines([*rows, "", f"  {footer}"[:columns]])

    return draw


def codex(above: Sequence[str], below: str = "? for shortcuts", typed: str = "Summarize recent commits") -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [text[:columns] for text in above]
        rows += ["", f"› {typed}"[:columns], "", f"  {below}"[:columns]]
        return lines(rows) + "\x1b[2A\r\x1b[2C" + SHOW

    return draw


def gemini_dialog(question: str, choices: Sequence[str], *, framed: bool, below: Sequence[str] = ()) -> Draw:
    def draw(columns: int, _: int) -> str:
        inside = ["Shell  python -m pytest -q", ""]
        inside += [question, ""] if question else []
        for number, text in enumerate(choices):
            inside.append(f"{'●' if number == 0 else ' '} {number + 1}. {text}")
        rows = flowed(f"✦ {TALK[0]}", columns - 1)
        if framed:
            rows += boxed(inside, columns)
        else:
            rows += [row for text in inside for row in flowed(text, columns - 1, "", "     ")] + [""]
        return HIDE + lines([*rows, *(row for text in below for row in flowed(text, columns - 1, " "))]) + "\r\n"

    return draw


def gemini(above: Sequence[str]) -> Draw:
    def draw(columns: int, _: int) -> str:
        rows = [row for text in above for row in flowed(text, columns - 1)]
        placeholder = ">   Type your message or @path/to/file"
        status = "~/project   no sandbox   gemini-2.5-pro (98% context left)"
        rows += ["", *boxed([placeholder[: columns - 4]], columns), *flowed(status, columns - 1)]
        return HIDE + lines(rows)

    return draw


def aider(rows: Sequence[str], last: str, *, ruled: bool = False, cursor: str = SHOW) -> Draw:
    def draw(columns: int, _: int) -> str:
        found = [row for text in rows for row in flowed(text, columns)]
        return lines([*found, *(["─" * columns] if ruled else []), last]) + cursor

    return draw


def printed(rows: Sequence[str], last: str = "$ ") -> Draw:
    """Text on a terminal, then a shell's prompt with the cursor."""
    return lambda columns, _: SHOW + lines([*(row for text in rows for row in flowed(text, columns)), last])


def quoting(scene: Draw, after: Sequence[str], *, alternate: bool = False, at: str = "") -> Draw:
    """What `scene` drew, as text in another program whose cursor is below it, or at the place `at`."""

    def draw(columns: int, rows: int) -> str:
        text = scene(columns, rows)
        for code in (HIDE, SHOW, ALTERNATE, "\x1b[2A\r\x1b[2C"):
            text = text.replace(code, "")
        return SHOW + (ALTERNATE if alternate else "") + text.rstrip("\r\n") + "\r\n" + lines(after) + at

    return draw


def in_pager(scene: Draw, last: str) -> Draw:
    def draw(columns: int, rows: int) -> str:
        text = scene(columns, rows)
        for code in (HIDE, SHOW, "\x1b[2A\r\x1b[2C"):
            text = text.replace(code, "")
        shown = text.split("\r\n")[-(rows - 1) :]
        shown = [*[f"row {number} of a file" for number in range(rows - 1 - len(shown))], *shown]
        return SHOW + ALTERNATE + lines([*shown, last])

    return draw


_RIGHT = '"login1" 12:00 29-Nov-26'


def in_tmux(scene: Draw, cursor: str = HIDE) -> Draw:
    """A scene in a tmux inside the pane: its status line is the last row, and the cursor is hidden or at a place."""

    def draw(columns: int, rows: int) -> str:
        text = scene(columns, rows - 1).replace(ALTERNATE, "").replace(SHOW, "")
        status = f"[work] 0:bash- 1:agent* {_RIGHT:>{max(0, columns - 24)}}"[:columns]
        return f"{ALTERNATE}{text}\x1b[{rows};1H{status}{cursor}"

    return draw


def menu(question: str, choices: Sequence[str], footer: str = "", mark: str = "❯", at: int = 0) -> Draw:
    """A list of choices without numbers."""

    def draw(columns: int, _: int) -> str:
        rows = flowed(question, columns - 1)
        for number, text in enumerate(choices):
            rows += flowed(text, columns - 1, f"{mark if number == at else ' '} ")
        return HIDE + lines([*rows, *(["", *flowed(footer, columns - 1)] if footer else [])]) + "\r\n"

    return draw


def below(scene: Draw, after: Sequence[str]) -> Draw:
    """What `scene` drew, and text below it, without a cursor."""
    return lambda columns, rows: quoting(scene, after)(columns, rows).replace(SHOW, HIDE)
