"""The pulse of the terminal's own connection: what the kernel knows of the TCP socket of its ssh. Linux only.

The socket is borrowed for each look, by pidfd_getfd(2), and given back at once: a copy that lnode kept would hold the
connection open after ssh has ended. lnode may do so because ssh is its child (ptrace(2), access mode checking).
"""

import asyncio
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

_GETFD = 438  # pidfd_getfd in every table of system calls
# struct tcp_info of linux/tcp.h: tcpi_unacked; tcpi_last_data_sent, ..._data_recv, ..._ack_recv in ms; tcpi_rtt in us
_INFO = struct.Struct("24xI16xI4xII8xI")
_SYN_SENT = 2  # tcpi_state, the first byte of that struct; include/net/tcp_states.h
_PROBE_S = 1
_LOOK_S = 0.05
_TICK_S = 0.02  # of the kernel's clock
_EDGE_S, _PRINTS_S = 2.5, 1.0  # nobody knows sooner when a silence began; a program that prints does so each second
_SENDS_S = 0.1  # for ssh, to send what it is told
_BRISK_LOOK_S = 0.01
_ROUND_TRIPS = 2  # to hear from the other side's program, which may take
_TAKES_S = 0.25


class Pulse:
    """The socket `fd` of process `pid`, which is connected to `peer`.

    `vouches`: the other side of that socket is the host, as far as lnode knows. A jump host, or a tunnel that begins on
    this laptop, answers also if the host does not.
    """

    def __init__(self, pid: int, fd: int, peer: object, *, vouches: bool) -> None:
        self._pid, self._fd, self._peer, self.vouches = pid, fd, peer, vouches
        self._waits_since: float | None = None  # for an acknowledgement

    def silent_s(self) -> float:
        """Return the seconds for which something sent has waited for an acknowledgement, as earlier calls saw it.

        0.0 if nothing waits, because then the other side has nothing to say, or if the socket is gone.
        """
        now = time.monotonic()
        with suppress(OSError), self._borrowed() as sock:
            told = _look(sock)
            unacked, heard_s = told.unacked, told.heard_s
            if not unacked:
                self._waits_since = None
            elif self._waits_since is None or now - heard_s > self._waits_since:
                self._waits_since = now
            return 0.0 if self._waits_since is None else now - self._waits_since
        return 0.0

    async def carries(self, begin: Callable[[], None], end: Callable[[], None], *, silent_s: float) -> bool:
        """True if the other side's program answers something that `begin` and `end` let ssh send, one after the other.

        False at once if something is on its way already, also from the other side, which printed when the silence began
        `silent_s` ago: TCP sends it again, but the later the longer the silence was.
        """
        began = time.monotonic()
        with suppress(OSError):
            with self._borrowed() as sock:
                now = _look(sock)
            if now.unacked or silent_s - _EDGE_S < now.got_s < silent_s + _PRINTS_S:
                return False
            begin()
            try:
                await self._until(lambda told: told.sent_s + _TICK_S < now.sent_s + time.monotonic() - began, _SENDS_S)
            finally:
                end()
            limit_s = _TAKES_S + _ROUND_TRIPS * now.rtt_s
            return await self._until(lambda told: told.got_s + _TICK_S < now.got_s + time.monotonic() - began, limit_s)
        return False

    async def _until(self, is_so: "Callable[[_Told], bool]", within_s: float) -> bool:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with self._borrowed() as sock:
                if is_so(_look(sock)):
                    return True
            await asyncio.sleep(_BRISK_LOOK_S)
        return False

    async def answers(self, within_s: float) -> bool:
        """True if the other side's kernel answers a probe. A probe (TCP keepalive) is no data, so ssh need not run."""
        began = time.monotonic()
        with suppress(OSError):
            with self._borrowed() as sock:
                heard_s = _look(sock).heard_s
                before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                idle = _swap(sock, "TCP_KEEPIDLE", _PROBE_S)  # at once, if it has been idle for longer
                pause = _swap(sock, "TCP_KEEPINTVL", _PROBE_S)
            try:
                while time.monotonic() < began + within_s:
                    await asyncio.sleep(_LOOK_S)
                    with self._borrowed() as sock:
                        if _look(sock).heard_s + _TICK_S < heard_s + time.monotonic() - began:
                            return True
            finally:
                with suppress(OSError), self._borrowed() as sock:
                    _swap(sock, "TCP_KEEPIDLE", idle)
                    _swap(sock, "TCP_KEEPINTVL", pause)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, before)
        return False

    @contextmanager
    def _borrowed(self) -> Iterator[socket.socket]:
        with _borrowed(self._pid, self._fd) as sock:
            if sock.getpeername() != self._peer:
                raise ProcessLookupError
            yield sock


def of(pid: int, peer: str | None, *, platform: str = sys.platform) -> Pulse | None:
    """Return the pulse of an ssh that is connected to the address `peer`; None if the kernel does not show it.

    Without a peer ssh reaches the host through a child of its own (ProxyJump), whose socket it is.
    """
    if platform != "linux":
        return None
    with suppress(OSError):
        for process in [pid] if peer else _children(pid):
            for fd in sorted(map(int, os.listdir(f"/proc/{process}/fd"))):
                if (found := _connected(process, fd)) and (not peer or found[0] == peer):
                    return Pulse(process, fd, found, vouches=is_host(peer))
    return None


def is_dialling(pid: int, *, platform: str = sys.platform) -> bool:
    """True if a process waits for the answer to a TCP connection; False if the kernel does not show it."""
    if platform != "linux":
        return False
    with suppress(OSError):
        return any(_state(pid, int(fd)) == _SYN_SENT for fd in os.listdir(f"/proc/{pid}/fd"))
    return False


def is_host(peer: str | None) -> bool:
    """True if ssh's connection leads to the host itself: not to a jump host (None), nor to this laptop."""
    return peer is not None and peer != "::1" and not peer.startswith("127.")


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def _connected(pid: int, fd: int) -> tuple[str, ...] | None:
    """Return the other side's address of a TCP connection, None for any other file."""
    with suppress(OSError):
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
            with _borrowed(pid, fd) as sock:
                is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
                return tuple(sock.getpeername()) if is_tcp else None
    return None


def _state(pid: int, fd: int) -> int | None:
    """Return the state of a TCP socket, None for any other file."""
    if sys.platform != "linux":
        raise NotImplementedError
    with suppress(OSError):
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
            with _borrowed(pid, fd) as sock:
                return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return None


@contextmanager
def _borrowed(pid: int, fd: int) -> Iterator[socket.socket]:
    """Yield a copy of another process' socket. Raises OSError."""
    import ctypes

    if sys.platform != "linux":
        raise NotImplementedError
    process = os.pidfd_open(pid)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        copy = libc.syscall(_GETFD, process, fd, 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
    finally:
        os.close(process)
    os.set_inheritable(copy, False)
    with socket.socket(fileno=copy) as sock:
        yield sock


class _Told(NamedTuple):
    """The segments that are not acknowledged; the seconds since data went, since data came, and an acknowledgement."""

    unacked: int
    sent_s: float
    got_s: float
    heard_s: float
    rtt_s: float


def _look(sock: socket.socket) -> _Told:
    if sys.platform != "linux":
        raise NotImplementedError
    found = _INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
    unacked, sent_ms, got_ms, heard_ms, rtt_us = found
    return _Told(unacked, sent_ms / 1000, got_ms / 1000, heard_ms / 1000, rtt_us / 1e6)


def _swap(sock: socket.socket, option: str, value: int) -> int:
    """Set an option of TCP. Return its value before."""
    number = getattr(socket, option)
    before = sock.getsockopt(socket.IPPROTO_TCP, number)
    sock.setsockopt(socket.IPPROTO_TCP, number, value)
    return before
