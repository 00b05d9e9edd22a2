"""`ssh -t` on the user's own tty: start it, wait for it, end it, and leave the tty as it was.

No pty stands in between: ssh reads the keys and writes the screen itself (DESIGN, principle 7).
"""

import gc
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from lnode import screen
from lnode.sshlog import SshLog

try:
    import termios
except ImportError:  # Windows: the console keeps its modes by itself
    termios = None  # type: ignore[assignment]

# What tmux armed and would have taken back, had it not been cut off: scroll region, charset, attributes, cursor
# keys, keypad, bracketed paste, cursor, mouse (all kinds), focus reports, extended keys, alternate screen, title
# (tmux tty.c, tty_stop_tty).
_DISARM = (
    "\x1b[r\x1b(B\x1b[m\x1b[?1l\x1b>\x1b[?2004l\x1b[?25h"
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1004l\x1b[>4m\x1b[?1049l\x1b[23;0t"
)


class Terminal:
    """A running `ssh -t`. Leaving the block ends it and gives the tty back its modes.

    Ctrl-C belongs to ssh, which has the same tty: before the session is there it ends ssh, afterwards it is a key
    like any other. TERM and HUP end ssh, and so the block.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._ssh: subprocess.Popen[bytes] | None = None
        self.told_to_end = False  # by TERM or HUP
        self._log = SshLog()

    def __enter__(self) -> Self:
        self._modes = termios.tcgetattr(0) if termios else None
        self._handlers: dict[int, Any] = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
            if number is not None:
                self._handlers[number] = signal.signal(number, lambda *_: self._end_as_told())
        self._log.__enter__()
        self._ssh = subprocess.Popen(self._argv, stderr=self._log.fileno())
        if self.told_to_end:
            self.end()
        gc.enable()  # this may last for days
        return self

    def wait(self) -> int:
        """ssh's exit status, once it has ended, or the negative number of the signal that ended it."""
        return self._ssh.wait() if self._ssh else 0

    def end(self) -> None:
        """End ssh by SIGTERM, so that its jump processes end too."""
        if self._ssh and self._ssh.poll() is None:
            self._ssh.terminate()

    def _end_as_told(self) -> None:
        self.told_to_end = True
        self.end()

    def words(self) -> str:
        """What ssh itself said, at most 64 KiB."""
        return self._log.words()

    def disarm(self) -> None:
        """Take back what a tmux that was cut off had switched on in the user's terminal."""
        screen.write_control(_DISARM)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        self.wait()
        self._log.__exit__(kind, error, at)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._modes is not None:
            with suppress(termios.error):  # the window may be closed
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)
