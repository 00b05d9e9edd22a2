"""The whole screen of your terminal, until its block ends: lines in their places, your keys, and a bell for threads."""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Self

from lnode.laptop import keyboard, leaving, screen

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h"  # the other screen, no cursor, pastes told from keys (xterm's ctlseqs)
_LEAVE = "\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l"
_STYLES = {"bold": "1", "dim": "2", "reverse": "7"}
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "magenta": "35"}
_CHUNK = 4096

Line = Sequence[tuple[str, str]]
"""Texts with their styles: words of _STYLES and _COLOURS."""


def is_possible() -> bool:
    """True if there is a terminal on which lnode can paint and that you can type into."""
    return (
        screen.is_terminal()
        and screen.can_ask()
        and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
        and sys.platform != "win32"
    )


class Canvas:
    """The screen; what stood there before comes back when the block ends, also by SIGTERM or SIGHUP."""

    def __init__(self) -> None:
        self._painted: list[Line] = []
        self._size = (0, 0)
        self._stack = ExitStack()
        self._ringing, self._is_open = threading.Lock(), False
        styles = _STYLES if os.environ.get("NO_COLOR") else _STYLES | _COLOURS
        self._styles = {word: f"\x1b[{code}m" for word, code in styles.items()}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._bell, self._ring = stack.enter_context(_pipe())
            stack.enter_context(_resizing(self._ring))
            stack.enter_context(leaving.by_signals())
            stack.enter_context(keyboard.keys())  # for the modes of the tty alone
            stack.callback(screen.write_control, _LEAVE)
            screen.write_control(_ENTER)
            self._stack = stack.pop_all()
        self._is_open = True
        return self

    def __exit__(self, *error: object) -> None:
        with self._ringing:  # its number may soon belong to another file
            self._is_open = False
        self._stack.close()

    def size(self) -> tuple[int, int]:
        """Return columns and rows."""
        return screen.size()

    def paint(self, lines: Sequence[Line]) -> None:
        """Show the lines. Only those that have changed are written, so that a slow connection keeps up."""
        parts: list[tuple[str, str]] = []
        if self._size != self.size():
            self._size, self._painted = self.size(), []
            parts.append(("\x1b[m\x1b[2J", ""))
        for at, line in enumerate(lines):
            if self._painted[at : at + 1] != [line]:
                parts.append((f"\x1b[{at + 1};1H\x1b[m\x1b[2K", ""))
                parts += [(self._style(style), text) for text, style in line]
        for at in range(len(lines), len(self._painted)):
            parts.append((f"\x1b[{at + 1};1H\x1b[m\x1b[2K", ""))
        self._painted = list(lines)
        if parts:
            screen.paint(*parts)

    def _style(self, style: str) -> str:
        return "\x1b[m" + "".join(self._styles.get(word, "") for word in style.split())

    def read(self, within_s: float) -> bytes | None:
        """Return what you type: b"" if the bell rings first, None after some seconds. Raises EOFError for no window."""
        ready = select.select([0, self._bell], [], [], within_s)[0]
        if self._bell in ready:
            with suppress(BlockingIOError):
                os.read(self._bell, _CHUNK)
        if 0 not in ready:
            return b"" if ready else None
        with suppress(OSError):
            if typed := os.read(0, _CHUNK):
                return typed
        raise EOFError

    def ring(self) -> None:
        """End read() at once; from any thread."""
        with self._ringing, suppress(BlockingIOError):  # full, so that it rings anyway
            if self._is_open:
                os.write(self._ring, b"!")


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Yield both ends of a pipe that never blocks."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@contextmanager
def _resizing(ring: int) -> Iterator[None]:
    """Let a resized window, and each other signal, write into `ring`."""
    before = signal.getsignal(signal.SIGWINCH)
    signal.signal(signal.SIGWINCH, _pass)
    woken = signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGWINCH, before)


def _pass(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the byte in the pipe is enough."""
