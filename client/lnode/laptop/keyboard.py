"""The keys that you press, one at a time."""

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Yield a function that waits some seconds for a key and returns it, or "". Ctrl-C is a key too; nothing echoes."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: only Ctrl-C
        yield _no_key
        return
    modes = termios.tcgetattr(0)

    def pressed(within_s: float) -> str:
        return os.read(0, 1).decode("latin-1") if select.select([0], [], [], within_s)[0] else ""

    try:
        tty.setcbreak(0)
        raw = termios.tcgetattr(0)
        raw[3] &= ~termios.ISIG  # the program that started lnode may have told it to ignore SIGINT
        termios.tcsetattr(0, termios.TCSANOW, raw)
        yield pressed
    finally:
        with suppress(termios.error):  # the window is closed
            termios.tcsetattr(0, termios.TCSADRAIN, modes)


def _no_key(within_s: float) -> str:
    threading.Event().wait(within_s)
    return ""
