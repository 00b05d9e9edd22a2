"""A terminal window on the laptop: a program on a real pty (pexpect), and what its screen shows (pyte)."""

import contextlib
import os
import re
import select
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, cast

import pexpect
import pyte

LNODE = (sys.executable, "-m", "lnode")


class _Screen(pyte.HistoryScreen):
    def report_device_status(self, mode: int, **private: bool) -> None:
        """Pass over `CSI ? 996 n`, the question for a dark or light screen (tmux 3.6), which pyte does not know."""
        if not private:
            super().report_device_status(mode)


class Window:
    """A program in a terminal. Leaving the block closes the window on it."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], *, columns: int = 100, rows: int = 30) -> None:
        self._screen = _Screen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.process = pexpect.spawn(argv[0], list(argv[1:]), env=dict(env), dimensions=(rows, columns), timeout=None)

    def text(self) -> str:
        """What the screen shows now, without empty lines."""
        return "\n".join(row.rstrip() for row in self._screen.display if row.strip())

    def look(self) -> str:
        """Take in what has been printed; the screen. A terminal that nobody reads stops who writes to it."""
        self._read(0)
        return self.text()

    def wait_for(self, text: str, *, within_s: float = 60) -> str:
        """Wait until the screen shows `text`; the screen. Lines broken at the right margin count as one."""
        deadline = time.monotonic() + within_s
        while text not in self.text() and text not in self.text().replace("\n", ""):
            if time.monotonic() > deadline or not self._read(0.2):
                raise AssertionError(f"never shown: {text!r}\n{self.text()}")
        return self.text()

    def find(self, pattern: str, *, within_s: float = 60) -> re.Match[str]:
        """Wait until a row of the screen, or several, matches `pattern`."""
        deadline = time.monotonic() + within_s
        while (found := re.search(pattern, self.text(), re.MULTILINE)) is None:
            if time.monotonic() > deadline or not self._read(0.2):
                raise AssertionError(f"never shown: {pattern!r}\n{self.text()}")
        return found

    def wait_again(self, text: str, *, within_s: float = 60) -> None:
        """Wait until `text` is printed from now on; that it is on the screen already does not count."""
        deadline, seen = time.monotonic() + within_s, len(self.raw)
        while text.encode() not in self.raw[seen:]:
            if time.monotonic() > deadline or not self._read(0.2):
                raise AssertionError(f"not again: {text!r}\n{self.text()}")

    def wait_without(self, text: str, *, within_s: float = 60) -> str:
        """Wait until the screen does not show `text`, or no more; the screen."""
        deadline = time.monotonic() + within_s
        while text in self.text():
            if time.monotonic() > deadline or not self._read(0.2):
                raise AssertionError(f"never gone: {text!r}\n{self.text()}")
        return self.text()

    def press(self, keys: str) -> None:
        """Send keys; Ctrl-b is `\\x02`, Enter is `\\r`."""
        self.process.send(keys)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size, as by dragging its corner."""
        self._screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def detach(self) -> None:
        """Ctrl-b d."""
        self.press("\x02d")

    def leave(self) -> None:
        """Ctrl-b d, and back at the prompt."""
        self.detach()
        assert self.exit_status() == 0, self.text()

    def exit_status(self, *, within_s: float = 60) -> int:
        """Wait until the program ends by itself: its exit status."""
        deadline = time.monotonic() + within_s
        while self._read(0.2):
            assert time.monotonic() < deadline, f"does not end:\n{self.text()}"
        self.process.wait()
        assert self.process.exitstatus is not None, f"ended by signal {self.process.signalstatus}"
        return self.process.exitstatus

    def _read(self, within_s: float) -> bool:
        """Take in what has been printed; False once the program has ended and all is read."""
        try:
            data = cast(bytes, self.process.read_nonblocking(1 << 16, timeout=within_s))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:  # it ended after the last look: what it has printed meanwhile, pexpect leaves unread
            rest = self._rest()
            self._take(rest)
            return bool(rest)
        self._take(data)
        return True

    def _rest(self) -> bytes:
        rest = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the other side, and all is read
            while select.select([self.process.child_fd], [], [], 0)[0] and (
                chunk := os.read(self.process.child_fd, 1 << 16)
            ):
                rest += chunk
        return rest

    def _take(self, data: bytes) -> None:
        self.raw += data
        self._stream.feed(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.close(force=True)
