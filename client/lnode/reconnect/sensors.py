"""What the laptop knows by itself: did it sleep, has it a route, does the way to the host begin to answer?

Linux and macOS alike: time.monotonic() stands still in sleep, a connected UDP socket tells the route, a bind whether an
address is there. Where they differ is said at the constants.
"""

import asyncio
import errno
import re
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from lnode.errors import LnodeError
from lnode.laptop.off_loop import in_thread
from lnode.ssh.failures import Cause
from lnode.ssh.target import Resolving, Target

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]

Reach = Cause | None
"""Why sshd does not answer; None where it does."""

_ASLEEP_S = 3.0  # a busy laptop is late by less
_MAX_JUMPS = 8  # a jump host may name itself, and then ssh never ends either
_LOOKUP_S = 1.0  # the route to anywhere may be another than that to the host (a VPN), so its address is waited for
_PER_FAMILY = 2  # addresses that are knocked at: a round-robin name stands for a dozen login nodes
_PREAMBLE = 4096  # bytes before the banner; RFC 4253 4.2 allows lines of any text there, sshd has at most one
_ANYWHERE = ("192.0.2.1", "2001:db8::1")  # documentation addresses, RFC 5737 and 3849: out by the default route
_DISCARD = 9  # the port of a socket that sends nothing; macOS refuses 0
# Of a link-local address whose interface has gone, Linux says ENODEV, BSD sockets ENXIO.
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO})
# The answer of several addresses is that of the one where lnode came furthest.
_FURTHEST = (Cause.UNRESOLVED, Cause.NO_ROUTE, Cause.TIMED_OUT, Cause.REFUSED, Cause.CLOSED_EARLY)


class Clock:
    """Seconds awake. Call `tick` after every wait, however it ended, and only then `now`.

    A stop (SIGSTOP, a paused machine) shows in a wait that took too long, a suspend in a wall clock that ran ahead of
    the monotonic one. A wall clock that is set forward reads as sleep, which costs one needless look at the network;
    one that is set back does not count.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._ticked = monotonic(), wall()
        self._stopped_s = 0.0

    def now(self) -> float:
        """Seconds that this process could run, from an arbitrary start."""
        return self._monotonic() - self._stopped_s

    def tick(self, expected_s: float) -> float:
        """How long the laptop slept or lnode was stopped since the last tick, in seconds; 0.0 below 3.

        `expected_s` is how long the wait was to be at most. Plan short ones: a stop is seen only beyond it.
        """
        before, wall_before = self._ticked
        self._ticked = after, wall_after = self._monotonic(), self._wall()
        stopped_s = _if_long(after - before - expected_s)
        self._stopped_s += stopped_s
        return stopped_s + _if_long((wall_after - wall_before) - (after - before))


def _if_long(excess_s: float) -> float:
    return excess_s if excess_s > _ASLEEP_S else 0.0


def local_address(address: str) -> str | None:
    """This laptop's own address on the route to an IP address, None without a route. Sends no packet.

    Link-local addresses carry their interface, as in `fe80::1%2`.
    """
    with suppress(OSError):
        family, remote = _numeric(address)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(remote)
            host, _, *rest = sock.getsockname()
            return f"{host}%{rest[1]}" if rest and rest[1] else str(host)
    return None


def is_ours(local: str) -> bool:
    """Is this address on any interface? If not, no byte of a connection from it can move.

    In doubt yes. An IPv6 address that has just come back is not there for its first second (duplicate detection).
    """
    try:
        family, here = _numeric(local)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((here[0], 0, *here[2:]))
    except OSError as exc:
        return exc.errno not in _NOT_HERE
    return True


def _numeric(address: str) -> _Address:
    found = socket.getaddrinfo(address, _DISCARD, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    family, _, _, _, remote = found[0]
    return family, remote


class FirstHop:
    """Where this laptop itself connects to: the host's sshd, or its first jump host's. Belongs to one event loop.

    `hostname` is None behind a ProxyCommand: only that knows where it leads. `addresses` are those of the last lookup
    that worked, so a laptop that comes back without DNS can still knock.
    """

    def __init__(self, hostname: str | None, port: int = 22, family: socket.AddressFamily = socket.AF_UNSPEC) -> None:
        self.hostname, self.port, self.family = hostname, port, family
        self.addresses: list[_Address] = []
        self._lookup: asyncio.Future[list[_Address]] | None = None

    def local_address(self) -> str | None:
        """This laptop's own address on the route to it, None without a route; before any lookup, to anywhere."""
        toward = [remote for _, remote in self.addresses]
        names = [f"{remote[0]}%{remote[3]}" if remote[3:] and remote[3] else remote[0] for remote in toward]
        return next(filter(None, map(local_address, names or _ANYWHERE)), None)

    def look_up(self) -> asyncio.Future[list[_Address]]:
        """The lookup under way, else a new one: a dead resolver holds one thread, not a pile."""
        if self._lookup is None:
            self._lookup = in_thread(self._resolve)
            self._lookup.add_done_callback(self._remember)
        return asyncio.shield(self._lookup)

    def _resolve(self) -> list[_Address]:
        """The first addresses of each family; none where the name has none."""
        if self.hostname is None:
            return []
        try:
            rows = socket.getaddrinfo(self.hostname, self.port, self.family, socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the second for a label that is empty or too long
            return []
        kept: list[_Address] = []
        for family, _, _, _, remote in rows:
            if [kind for kind, _ in kept].count(family) < _PER_FAMILY:
                kept.append((family, remote))
        return kept

    def _remember(self, lookup: asyncio.Future[list[_Address]]) -> None:
        self._lookup = None
        self.addresses = lookup.result() or self.addresses


async def first_hop(target: Target) -> FirstHop:
    """Follow jump hosts, and theirs, to the first one, by `ssh -G`, and look it up; a slow lookup goes on for later.

    Where ssh does not accept a jump host, or they go round in a circle, it is as behind a ProxyCommand.
    """
    hop = await in_thread(partial(_follow, target)) if target.proxy_jump else _as_hop(target)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOKUP_S):
            await hop.look_up()
    return hop


# [ssh://][user@]host[:port], as parse_jump() in OpenSSH's readconf.c reads it; an IPv6 address stands in brackets.
_JUMP = re.compile(r"(?:ssh://)?(?P<user>.*@)?(?:\[(?P<v6>[^]]+)\]|(?P<name>[^:]+))(?::(?P<port>\d+))?/?")


def _follow(target: Target) -> FirstHop:
    for _ in range(_MAX_JUMPS):
        # To the first of several ssh connects by that host's own configuration, to the others through the one before.
        jump = _JUMP.fullmatch(target.proxy_jump[0])
        if jump is None:
            break
        try:
            target = Resolving((jump["user"] or "") + (jump["v6"] or jump["name"]), target.config).target()
        except (LnodeError, OSError):
            break
        if not target.proxy_jump:
            return _as_hop(target, port=jump["port"])
    return FirstHop(None)


def _as_hop(target: Target, port: str | None = None) -> FirstHop:
    if target.proxy_command:
        return FirstHop(None)
    return FirstHop(target.hostname, int(port or target.port), target.address_family)


async def knock(hop: FirstHop, *, timeout_s: float) -> Reach:
    """Does sshd answer? A fresh TCP connection that waits for its banner, says nothing and closes.

    REFUSED, NO_ROUTE, UNRESOLVED, TIMED_OUT (silence) or CLOSED_EARLY (somebody accepts who is no sshd, or hangs up).
    Remembered addresses are knocked at while their name is looked up. Behind a ProxyCommand only ssh can tell: None.
    """
    if hop.hostname is None:
        return None
    deadline = asyncio.get_running_loop().time() + timeout_s
    known = list(hop.addresses)
    return await _first([_looked_up(hop, known, deadline), *(_greeting(address, deadline) for address in known)])


async def _looked_up(hop: FirstHop, known: list[_Address], deadline: float) -> Reach:
    """Knock at those addresses that nobody knocks at yet, as soon as the lookup names them."""
    try:
        async with asyncio.timeout_at(deadline):
            found = await hop.look_up()
    except TimeoutError:
        return Cause.UNRESOLVED
    return await _first([_greeting(address, deadline) for address in found if address not in known])


async def _first(knocks: Iterable[Coroutine[Any, Any, Reach]]) -> Reach:
    """All side by side. The first that is answered wins, and the others are closed."""
    tasks = [asyncio.create_task(one) for one in knocks]
    failures = [Cause.UNRESOLVED]
    try:
        for done in asyncio.as_completed(tasks):
            failure = await done
            if failure is None:
                return None
            failures.append(failure)
        return max(failures, key=_FURTHEST.index)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _greeting(address: _Address, deadline: float) -> Reach:
    family, remote = address
    try:
        async with asyncio.timeout_at(deadline):
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setblocking(False)
                await asyncio.get_running_loop().sock_connect(sock, remote)
                return None if await _is_sshd(sock) else Cause.CLOSED_EARLY
    except ConnectionRefusedError:
        return Cause.REFUSED
    except ConnectionError:
        return Cause.CLOSED_EARLY
    except TimeoutError:
        return Cause.TIMED_OUT
    except OSError:
        return Cause.NO_ROUTE


async def _is_sshd(sock: socket.socket) -> bool:
    said = b""
    while len(said) < _PREAMBLE:
        chunk = await asyncio.get_running_loop().sock_recv(sock, _PREAMBLE)
        if not chunk:
            return False
        said += chunk
        if re.search(rb"^SSH-", said, re.MULTILINE):
            return True
    return False
