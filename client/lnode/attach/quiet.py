"""How long nobody has typed. No key is seen: the kernel notes when your terminal was read, and by inotify(7) tells it.

Linux notes the time in steps of 8 s, so that nobody learns how you type (tty_update_time() in drivers/tty/tty_io.c).
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_LONG_S = 20.0  # more than the kernel's step
_CALM_S = 10.0
_UNTOLD_S = 2.0  # if the kernel does not tell of a key
_BEATS_S = (1.0, 15.0)  # while you type, and after minutes without a key
_QUIETER = 20.0  # times as long as a pause between two beats nobody has typed
_ACCESS, _ONCE = 0x1, 0x80000000  # IN_ACCESS and IN_ONESHOT of inotify(7)
_CHUNK = 1 << 12


class Quiet:
    """Call `typed` at the first key after 20 quiet seconds. Belongs to the event loop in which it is made."""

    def __init__(self, typed: Callable[[], None], *, tty: int = 0, platform: str = sys.platform) -> None:
        self._typed, self._tty = typed, tty
        self._heard_at = time.time()
        self._is_armed = self._was_long = False
        self._inotify = _inotify() if platform == "linux" else None
        if self._inotify is not None:
            asyncio.get_running_loop().add_reader(self._inotify, self._read, self._inotify)

    def seconds(self) -> float:
        """Return the seconds since somebody typed."""
        with suppress(OSError):
            self._heard_at = max(self._heard_at, os.fstat(self._tty).st_atime)
        now = time.time()
        self._heard_at = min(self._heard_at, now)  # the time of day may be set
        return now - self._heard_at

    def beat_s(self) -> float:
        """Return the pause between two heartbeats: the longer nobody has typed, the longer is a silence unseen."""
        shortest, longest = _BEATS_S
        return max(shortest, min(self.seconds() / _QUIETER, longest))

    def calm_s(self) -> float:
        """Return the seconds in which nothing need be done: 0 while somebody types. Call it after each pause."""
        if self.seconds() < _LONG_S:
            if self._was_long:
                self._hear()
            return 0.0
        if not self._was_long and self._inotify is not None:
            self._is_armed = _watch(self._inotify, f"/proc/self/fd/{self._tty}")
            if self.seconds() < _LONG_S:  # a key has come just before
                return 0.0
        self._was_long = True
        return _CALM_S if self._is_armed else _UNTOLD_S

    def _hear(self) -> None:
        self._is_armed = self._was_long = False
        self._typed()

    def _read(self, inotify: int) -> None:
        with suppress(OSError):
            os.read(inotify, _CHUNK)
        self._heard_at = time.time()
        self._hear()

    def close(self) -> None:
        """Hear no more."""
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify)
            os.close(self._inotify)
            self._inotify = None


def _inotify() -> int | None:
    import ctypes

    with suppress(AttributeError):
        file: int = ctypes.CDLL(None).inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        return file if file >= 0 else None
    return None


def _watch(inotify: int, path: str) -> bool:
    import ctypes

    return bool(ctypes.CDLL(None).inotify_add_watch(inotify, path.encode(), ctypes.c_uint32(_ACCESS | _ONCE)) >= 0)
