"""The kernel's own word that this laptop's routes, its addresses or its clock have changed, as a file to read.

Linux: a socket of rtnetlink(7), and a timer that ends when the time of day jumps, as after a sleep (timerfd_create(2),
TFD_TIMER_CANCEL_ON_SET). macOS: a socket of route(4); it has no such timer. Neither takes a privilege, sends a packet,
or says more here than that a look is due.
"""

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

# linux/rtnetlink.h: links, and for IPv4 and IPv6 the addresses, routes and rules.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 1 << 18
_PF_ROUTE = 17  # sys/socket.h of macOS
_CLOCK_REALTIME, _ABSOLUTE, _CANCEL_ON_SET = 0, 1, 2  # timerfd_create(2)
_CHUNK = 1 << 16
_REST_S = 0.1  # between two looks, because one change has many messages


class Watches:
    """Call `stirred` soon after such a change, until `close`. Belongs to the event loop in which it is made."""

    def __init__(self, stirred: Callable[[], None], *, platform: str = sys.platform) -> None:
        self._stirred, self._loop = stirred, asyncio.get_running_loop()
        routes, clock = routes_file(platform), clock_file(platform)
        self.tells_routes, self.tells_sleep = routes is not None, clock is not None
        self._files = [file for file in (routes, clock) if file is not None]
        for file in self._files:
            self._loop.add_reader(file, self._read, file)

    def _read(self, file: int) -> None:
        self._loop.remove_reader(file)
        with suppress(OSError):  # read to the end; ENOBUFS: some messages were lost; ECANCELED: the clock has jumped
            while os.read(file, _CHUNK):
                pass
        self._loop.call_later(_REST_S, self._listen, file)
        self._stirred()

    def _listen(self, file: int) -> None:
        if file in self._files:
            self._loop.add_reader(file, self._read, file)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            file = self._files.pop()
            self._loop.remove_reader(file)
            os.close(file)


def routes_file(platform: str) -> int | None:
    """Return a file that can be read after a change of routes or addresses; None if the kernel has none."""
    with suppress(OSError):
        if platform == "linux" and sys.platform == "linux":
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            sock.bind((0, _GROUPS))
        elif platform == "darwin":
            sock = socket.socket(_PF_ROUTE, socket.SOCK_RAW, 0)
        else:
            return None
        sock.setblocking(False)
        return sock.detach()
    return None


def clock_file(platform: str) -> int | None:
    """Return a file that can be read after a jump of the time of day; None if the kernel has none."""
    if platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):  # a libc without timers of this kind
        file: int = libc.timerfd_create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
        if file < 0:
            return None
        never = (1 << (8 * ctypes.sizeof(ctypes.c_long) - 1)) - 1
        when = (ctypes.c_long * 4)(0, 0, never, 0)  # struct itimerspec
        if libc.timerfd_settime(file, _ABSOLUTE | _CANCEL_ON_SET, when, None) == 0:
            return file
        os.close(file)
    return None
