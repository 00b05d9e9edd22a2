"""The pulse of the terminal's own connection: what the kernel knows of the TCP socket of its ssh. Linux only.

The socket is borrowed for each look, and given back at once: see ssh/borrowed.py.
"""

import asyncio
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from lnode.laptop import addresses
from lnode.ssh import borrowed

# struct tcp_info of linux/tcp.h: tcpi_unacked; tcpi_last_data_sent, ..._data_recv, ..._ack_recv in ms; tcpi_rtt in us
_INFO = struct.Struct("24xI16xI4xII8xI")
# A probe each second, at once if it has been idle for longer. After 9 without an answer, as usual, the kernel would end
# the connection.
_PROBES = {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 127}
_LOOK_S = 0.05
_TICK_S = 0.02  # of the kernel's clock
_EDGE_S, _PRINTS_S = 2.5, 1.0  # nobody knows sooner when a silence began; a program that prints does so each second
_SENDS_S = 0.1  # for ssh, to send what it is told
_BRISK_LOOK_S = 0.01  # as long as the answer is due
_ROUND_TRIPS = 2  # to hear from the other side's program, which may take
_TAKES_S = 0.25
_DUE_S = 0.1  # after a round trip


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

    def heard_s(self) -> float:
        """Return the seconds since the last acknowledgement, infinite if the socket is gone."""
        with suppress(OSError), self._borrowed() as sock:
            return _look(sock).heard_s
        return float("inf")

    def local_address(self) -> str | None:
        """Return this laptop's own end of the connection, None if the socket is gone."""
        with suppress(OSError), self._borrowed() as sock:
            return addresses.own_end(sock)
        return None

    def round_trip_s(self) -> float:
        """Return the seconds of a round trip as TCP has measured it, 0.0 if the socket is gone."""
        with suppress(OSError), self._borrowed() as sock:
            return _look(sock).rtt_s
        return 0.0

    def stalls(self, silence: float) -> bool:
        """True if the other side waits until TCP sends once more what it printed as the silence began: see carries."""
        with suppress(OSError), self._borrowed() as sock:
            return _waits(_look(sock), (silence,))
        return False

    async def carries(self, begin: Callable[[], None], end: Callable[[], None], *, silences: Sequence[float]) -> bool:
        """True if the other side's program answers something that `begin` lets ssh send; then `end` undoes that.

        `end` comes after the answer: tmux that hears of a size and of the former one at once draws nothing. False at
        once if something is on its way already, also from the other side, which printed when the silence began: TCP
        sends it again, but the later the longer the silence was. It began one of `silences` ago, in seconds. What has
        come after that says that TCP waits no longer, like the answer to a key that the laptop sends as it wakes.
        """
        with suppress(OSError):
            with self._borrowed() as sock:
                now, began = _look(sock), time.monotonic()
            if now.unacked or _waits(now, silences):
                return False
            begin()
            try:
                await self._until(lambda told, at: told.sent_s + _TICK_S < now.sent_s + at - began, _SENDS_S)
                limit_s = _TAKES_S + _ROUND_TRIPS * now.rtt_s
                return await self._until(lambda told, at: told.got_s + _TICK_S < now.got_s + at - began, limit_s)
            finally:
                end()
        return False

    async def _until(
        self, is_so: "Callable[[_Told, float], bool]", within_s: float, *, brisk_s: float = float("inf")
    ) -> bool:
        """True once a look is so, False not before `within_s`; after `brisk_s` the looks are fewer.

        `is_so` gets the time from before the look, because a busy laptop lets some pass after it.
        """
        began = time.monotonic()
        while True:
            at = time.monotonic()
            with self._borrowed() as sock:
                if is_so(_look(sock), at):
                    return True
            if at >= began + within_s:
                return False
            await asyncio.sleep(_BRISK_LOOK_S if at < began + brisk_s else _LOOK_S)

    async def answers(self, within_s: float) -> bool:
        """True if the other side's kernel answers a probe. A probe (TCP keepalive) is no data, so ssh need not run."""
        with suppress(OSError):
            with self._borrowed() as sock:
                first, began = _look(sock), time.monotonic()
                before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                before_them = [borrowed.swap(sock, option, value) for option, value in _PROBES.items()]
            try:
                waited_s = min(first.rtt_s, within_s)  # sooner there is no answer
                await asyncio.sleep(waited_s)
                return await self._until(
                    lambda told, at: told.heard_s + _TICK_S < first.heard_s + at - began, within_s - waited_s,
                    brisk_s=_DUE_S,
                )  # fmt: skip
            finally:
                with suppress(OSError), self._borrowed() as sock:
                    for option, value in zip(_PROBES, before_them, strict=True):
                        borrowed.swap(sock, option, value)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, before)
        return False

    @contextmanager
    def _borrowed(self) -> Iterator[socket.socket]:
        with borrowed.socket_of(self._pid, self._fd) as sock:
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
        for process in [pid] if peer else borrowed.children(pid):
            for fd in sorted(map(int, os.listdir(f"/proc/{process}/fd"))):
                if (found := borrowed.peer_of(process, fd)) and (not peer or found[0] == peer):
                    return Pulse(process, fd, found, vouches=is_host(peer))
    return None


def is_host(peer: str | None) -> bool:
    """True if ssh's connection leads to the host itself: not to a jump host (None), nor to this laptop."""
    return peer is not None and peer != "::1" and not peer.startswith("127.")


class _Told(NamedTuple):
    """The segments that are not acknowledged; the seconds since data went, since data came, and an acknowledgement."""

    unacked: int
    sent_s: float
    got_s: float
    heard_s: float
    rtt_s: float


def _waits(now: _Told, silences: Sequence[float]) -> bool:
    printed = any(began_s - _EDGE_S < now.got_s < began_s + _PRINTS_S for began_s in silences)
    return printed and now.got_s >= min(*silences, _PRINTS_S)


def _look(sock: socket.socket) -> _Told:
    if sys.platform != "linux":
        raise NotImplementedError
    found = _INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
    unacked, sent_ms, got_ms, heard_ms, rtt_us = found
    return _Told(unacked, sent_ms / 1000, got_ms / 1000, heard_ms / 1000, rtt_us / 1e6)
