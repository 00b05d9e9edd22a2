"""The laptop's own senses: sleep, routes, and knocks at the port of the host's first hop.

They work on Linux and macOS: time.monotonic() stands still in sleep, a connected UDP socket shows the route, and a bind
shows if an address exists. The constants say how the two differ.
"""

import asyncio
import re
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from lnode.errors import LnodeError
from lnode.laptop.addresses import Address, local_address
from lnode.laptop.clock import time_since_boot
from lnode.laptop.off_loop import in_thread
from lnode.ssh.failures import Cause
from lnode.ssh.target import Resolving, Target

Reach = Cause | None
"""Why sshd does not answer; None if it does."""

_ASLEEP_S = 3.0  # a busy laptop is late by less
_MAX_JUMPS = 8  # a jump host may name itself; ssh itself never ends then
_LOOKUP_S = 1.0  # with a VPN the route to the host may be another than the default, so lnode waits for its address
_PER_FAMILY = 2  # addresses to knock at: a round-robin name stands for a dozen login nodes
_PREAMBLE = 4096  # bytes before the banner; RFC 4253 4.2 allows lines of any text, sshd has at most one
_ANYWHERE = ("192.0.2.1", "2001:db8::1")  # documentation addresses, RFC 5737 and 3849: out by the default route
# Of several addresses, the one at which lnode came furthest gives the answer.
_FURTHEST = (Cause.UNRESOLVED, Cause.NO_ROUTE, Cause.TIMED_OUT, Cause.REFUSED, Cause.CLOSED_EARLY)


class Clock:
    """Seconds awake. Call `tick` after every wait, however it ended, and only then `now`.

    A stop (SIGSTOP, a paused machine) shows as a wait that took too long, a suspend as a clock of all time that ran
    ahead of the clock of the time awake. The time of day does not count: it may be set.
    """

    def __init__(self, awake: Callable[[], float] = time.monotonic, always: Callable[[], float] | None = None) -> None:
        self._awake, self._always = awake, always or time_since_boot
        self._ticked = self._awake(), self._always()
        self._stopped_s = 0.0
        self.was_stopped = False  # at the last tick: time went on for the kernel, as it does not in a suspend

    def now(self) -> float:
        """Return the seconds that this process could run, from an arbitrary start."""
        return self._awake() - self._stopped_s

    def since_tick(self) -> float:
        """Return the seconds awake since the last tick."""
        return self._awake() - self._ticked[0]

    def tick(self, expected_s: float) -> float:
        """Return the seconds that the laptop slept or lnode was stopped since the last tick; 0.0 below 3.

        `expected_s` is the planned length of the wait. Plan short waits: a stop shows only beyond it.
        """
        before, always_before = self._ticked
        self._ticked = after, always_after = self._awake(), self._always()
        stopped_s = _if_long(after - before - expected_s)
        self.was_stopped = stopped_s > 0
        self._stopped_s += stopped_s
        return stopped_s + _if_long((always_after - always_before) - (after - before))


def _if_long(excess_s: float) -> float:
    return excess_s if excess_s > _ASLEEP_S else 0.0


class FirstHop:
    """The sshd to which this laptop itself connects: the host's, or its first jump host's. Belongs to one event loop.

    `hostname` is None behind a ProxyCommand, because only that knows its goal. `addresses` are those of the last lookup
    that worked, so a laptop that comes back without DNS can still knock. `answered` is the kind of the address that
    has last greeted a knock or ssh, None after a change of the network.
    """

    def __init__(self, hostname: str | None, port: int = 22, family: socket.AddressFamily = socket.AF_UNSPEC) -> None:
        self.hostname, self.port, self.family = hostname, port, family
        self.addresses: list[Address] = []
        self.answered: socket.AddressFamily | None = None
        self._lookup: asyncio.Future[list[Address]] | None = None

    @property
    def is_known(self) -> bool:
        """True if ssh itself connects there. That of a ProxyCommand may outlive a change of networks."""
        return self.hostname is not None

    def local_address(self) -> str | None:
        """Return this laptop's own address on the route to it, None without one.

        By the default route before a lookup, and where no known address has a route: a network of IPv6 alone has an
        address of its own for a host of IPv4 (DNS64, RFC 6147), which the next knock looks up.
        """
        toward = [remote for _, remote in self.addresses]
        names = [f"{remote[0]}%{remote[3]}" if remote[3:] and remote[3] else remote[0] for remote in toward]
        anywhere = () if self.hostname in names else _ANYWHERE  # an address is all that there is of it
        return next(filter(None, map(local_address, (*names, *anywhere))), None)

    def is_of(self, target: Target) -> bool:
        """True if the target is reached here, and not behind this hop."""
        return self.hostname == target.hostname and not (target.proxy_jump or target.proxy_command)

    def answers_one_family(self) -> str | None:
        """Return the AddressFamily for ssh of the address that has answered, None if all addresses are of one kind."""
        words = {socket.AF_INET: "inet", socket.AF_INET6: "inet6"}
        kinds = {kind for kind, _ in self.addresses}
        return words.get(self.answered) if self.answered and len(kinds) > 1 else None

    def opened(self, peer: str) -> None:
        """Remember that ssh has logged in at this address."""
        self.answered = socket.AF_INET6 if ":" in peer else socket.AF_INET

    def look_up(self) -> asyncio.Future[list[Address]]:
        """Return the running lookup, else a new one, so that a dead resolver holds only one thread."""
        if self._lookup is None:
            self._lookup = in_thread(self._resolve)
            self._lookup.add_done_callback(self._remember)
        return asyncio.shield(self._lookup)

    def _resolve(self) -> list[Address]:
        """Return the first addresses of each family; none if the name has none."""
        if self.hostname is None:
            return []
        try:
            rows = socket.getaddrinfo(self.hostname, self.port, self.family, socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # UnicodeError: a label that is empty or too long
            return []
        kept: list[Address] = []
        for family, _, _, _, remote in rows:
            if [kind for kind, _ in kept].count(family) < _PER_FAMILY:
                kept.append((family, remote))
        return kept

    def _remember(self, lookup: asyncio.Future[list[Address]]) -> None:
        self._lookup = None
        self.addresses = lookup.result() or self.addresses


async def first_hop(target: Target) -> FirstHop:
    """Follow jump hosts, and theirs, to the first one, by `ssh -G`, and look it up. A slow lookup goes on.

    If ssh does not accept a jump host, or they form a circle, the hop is as unknown as behind a ProxyCommand.
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
        # ssh connects to the first of several by that host's own configuration, to the others through the one before.
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


class Patience(NamedTuple):
    """The limits of a knock: `deadline` in the loop's time for the connection, `greets_s` from then on for the banner.

    `connected` is called for each address that has accepted the connection. A server may greet seconds later: it looks
    up your name first, or it is busy.
    """

    deadline: float
    greets_s: float
    connected: Callable[[], None]


async def knock(
    hop: FirstHop, *, timeout_s: float, greets_s: float | None = None, connected: Callable[[], None] = lambda: None
) -> Reach:
    """Return None if sshd answers, else the reason. A knock is a TCP connection that reads the banner and closes.

    REFUSED, NO_ROUTE, UNRESOLVED, TIMED_OUT (silence) or CLOSED_EARLY (the other side is no sshd, or hangs up). lnode
    knocks at remembered addresses during the lookup of their name. Behind a ProxyCommand only ssh can tell: None.
    `timeout_s` is for the connection, and `greets_s` (None: the same) for the banner after it, see Patience.
    """
    if hop.hostname is None:
        return None
    deadline = asyncio.get_running_loop().time() + timeout_s
    patience = Patience(deadline, timeout_s if greets_s is None else greets_s, connected)
    known = list(hop.addresses)
    return await _first([_looked_up(hop, known, patience), *(_greeting(hop, address, patience) for address in known)])


async def _looked_up(hop: FirstHop, known: list[Address], patience: Patience) -> Reach:
    """Knock at the new addresses as soon as the lookup names them."""
    try:
        async with asyncio.timeout_at(patience.deadline):
            found = await hop.look_up()
    except TimeoutError:
        return Cause.UNRESOLVED
    return await _first([_greeting(hop, address, patience) for address in found if address not in known])


async def _first(knocks: Iterable[Coroutine[Any, Any, Reach]]) -> Reach:
    """Run all knocks in parallel. The first answer wins, and the others are closed."""
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


async def _greeting(hop: FirstHop, address: Address, patience: Patience) -> Reach:
    family, remote = address
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout_at(patience.deadline):
                await asyncio.get_running_loop().sock_connect(sock, remote)
            patience.connected()
            async with asyncio.timeout(patience.greets_s):
                if not await _is_sshd(sock):
                    return Cause.CLOSED_EARLY
                hop.answered = family
                return None
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
