"""A terminal window that is recorded; or one that must show again what a recording has shown."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import drawn
from drawn import Cell, Screen, Shown
from window import Window

_LIMIT_S = 60.0
_QUIET_S = 0.4  # a screen that stays as it is so long is complete
_DRAWN_S = 0.03  # a program writes a screen in pieces
_KEY_S = 0.07
_LONGEST_S = 1.5  # of a screen that passes: the reader has seen it


class Film(Window):
    """A window in which each step adds screens to `screens`.

    With `again`, the screens of a recording, a step adds nothing. It waits until the screen is that of the recording,
    but for numbers, the names of computers, and the last row, which tmux changes as time passes.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], *, columns: int, rows: int,
        again: Sequence[Shown] | None = None, names: Mapping[str, str],
    ) -> None:  # fmt: skip
        super().__init__(argv, env, columns=columns, rows=rows)
        self.screens: list[Screen] = []
        self.seen: set[str] = set()  # the rows of each screen there was
        self._names = names
        self._due = None if again is None else iter([one for one in again if not one.passing])

    def hold(self, pattern: str, seconds: float) -> None:
        """Wait until a row matches, and the screen is complete; it stays for so many seconds of the film."""
        self.find(pattern)
        self._complete()
        self._add(seconds)

    def heard(self, text: str) -> None:
        """Wait until the text has been printed at some time; it may be gone from the screen."""
        self._until(lambda: text.encode() in self.raw, text)

    def keys(self, text: str) -> None:
        """Type behind a prompt, each key when the last one is on the screen."""
        self._until(lambda: self._before_cursor().endswith(" "), f"a prompt for {text!r}")
        column = self._screen.cursor.x
        for number, key in enumerate(text, 1):
            self.press(key)
            self._until(partial(self._is_at, column + number), f"the echo of {text!r}")
            self._add(_KEY_S, passing=True)

    def command(self, text: str) -> None:
        """Type a line and Enter."""
        self.keys(text)
        self.press("\r")

    def watch(self, pattern: str) -> None:
        """Let all screens pass until a row matches."""
        shown, since = self.text(), time.monotonic()
        while not re.search(pattern, self.text(), re.MULTILINE):
            self._drawn(_LIMIT_S, pattern)
            if self.text() != shown:
                now = time.monotonic()
                if self.screens:
                    self.screens[-1] = self.screens[-1]._replace(
                        seconds=max(self.screens[-1].seconds, min(now - since, _LONGEST_S))
                    )
                shown, since = self.text(), now
                self._add(_KEY_S, passing=True)

    def _drawn(self, limit_s: float, what: str) -> None:
        """Wait until something is printed, and then for the rest of that screen."""
        before = len(self.raw)
        self._until(lambda: len(self.raw) > before, what, limit_s)
        while (size := len(self.raw)) and self._read(_DRAWN_S) and len(self.raw) > size:
            pass
        self._look()

    def _complete(self) -> None:
        if self._due is None:
            while (size := len(self.raw)) and self._read(_QUIET_S) and len(self.raw) > size:
                pass
            self._look()
            return
        due = next(self._due, None)
        assert due, f"the recording has no such screen:\n{self.text()}"
        wanted = [self.plain(row) for row in due.rows[:-1]]
        self._until(lambda: self._rows()[:-1] == wanted, "\n".join(wanted))

    def _until(self, holds: Callable[[], bool], what: str, limit_s: float = _LIMIT_S) -> None:
        deadline = time.monotonic() + limit_s
        self._look()
        while not holds():
            if time.monotonic() > deadline or not self._read(0.1):
                raise AssertionError(f"never shown: {what}\n-- but\n{self.text()}")
            self._look()

    def _look(self) -> None:
        self.seen |= {*self._rows()}

    def _is_at(self, column: int) -> bool:
        return bool(self._screen.cursor.x == column)

    def _before_cursor(self) -> str:
        return self._screen.display[self._screen.cursor.y][: self._screen.cursor.x]

    def _rows(self) -> list[str]:
        return [self.plain(row) for row in self._screen.display]

    def plain(self, row: str) -> str:
        return drawn.without_times(row.rstrip(), self._names)

    def _add(self, seconds: float, *, passing: bool = False) -> None:
        self._look()
        if self._due is None:
            cursor = self._screen.cursor
            rows = [[_cell(line[x]) for x in range(self._screen.columns)] for line in self._lines()]
            self.screens.append(Screen(rows, None if cursor.hidden else (cursor.x, cursor.y), seconds, passing))

    def _lines(self) -> list[Mapping[int, Any]]:
        return [self._screen.buffer[y] for y in range(self._screen.lines)]


def _cell(char: Any) -> Cell:
    """Return pyte's cell as one of ours; a colour without a name of its own is that of the text."""
    names = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
    bright = {f"bright{name}": name for name in names}
    colour, ground = (bright.get(name, name) for name in (char.fg, char.bg))
    colour, ground = (name if name in names else rest for name, rest in ((colour, "text"), (ground, "ground")))
    if char.reverse:
        colour, ground = ground, colour
    return Cell(char.data or " ", colour, ground, char.bold)
