"""The one loop around the reconnect machine: it has the clock, the sensors, the knocks and the queue of events.

Each driver uses the loop in the same way: take the `next` event, `step` the machine, and do the actions that come back.
The driver defines the terminal: an ssh on the tty, or an ssh that brings a log.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from lnode.laptop import addresses
from lnode.laptop.tasks import Beside
from lnode.reconnect import machine, sensors
from lnode.reconnect.knocks import Knocks
from lnode.reconnect.state import Action, Command, Event, Happened, Phase, Start
from lnode.reconnect.watches import Watches
from lnode.ssh.arguments import Local, Option
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

_SENSE_S = 0.5
_SENSE_IN_NEED_S = 0.2
_SENSE_UNTOLD_S = 2.0  # at most, if the kernel does not tell of routes and of sleep
_ASK_WITHIN_S = 3.0
_UNKNOWN_S = 0.5
_STIR = object()  # the source of no event
# Knocks went out by the network that was there before, or are of no use any more.
_ENDS_KNOCKS = {Happened.WOKE, Happened.ROUTE_CHANGED, Happened.OPENED}


class Loop:
    """One machine and its events. `state` is the machine's own.

    An event counts if its source is in `sources()`, or is None; earlier terminals do not count. `late_s` is the silence
    after which the heartbeat is late; None if the driver tells that itself. `calm_s()` is the pause between two looks
    at the laptop that the driver would not notice, if the kernel tells what changes. `stands_by()` is True if a standby
    waits. `led`: this window of the laptop has knocked, when the present terminal started. A Loop belongs to one event
    loop.
    """

    def __init__(
        self,
        target: Target,
        sources: Callable[[], tuple[object, ...]],
        *,
        waits: bool = False,
        late_s: float | None = None,
        calm_s: Callable[[], float] = lambda: 0.0,
        stands_by: Callable[[], bool] = lambda: False,
    ) -> None:
        self._target, self._sources, self._late_s, self._calm_s = target, sources, late_s, calm_s
        self._stands_by = stands_by
        self._clock = sensors.Clock()
        self.state = machine.first(self._clock.now(), waits=waits)
        self.ready = asyncio.Event()  # set when the first hop to the host is known
        self.beside = Beside(self._break)
        self._broken: BaseException | None = None  # the exception of a task beside the loop
        self._events: asyncio.Queue[tuple[object, Event]] = asyncio.Queue()
        self._knocks: Knocks | None = None  # from reach() on
        self.led = False
        self._sensed_at = float("-inf")
        self._watches: Watches | None = None  # from reach() on

    async def reach(self) -> None:
        """Find the first hop on the way to the host, and watch the network from then on."""
        hop = await sensors.first_hop(self._target)
        self._way = _Way(hop)
        self._aim_at(hop)
        self._watches = Watches(self._look_now)
        self.ready.set()

    async def turn_to(self, target: Target) -> bool:
        """Watch the way to another target, and knock there from now on. Return False if its name is not known here.

        Then nothing changes, unless no name was known before.
        """
        hop = await sensors.first_hop(target)
        if self._knocks and hop.is_known and not hop.addresses and self._hop.addresses:
            return False
        self._target = target
        if self._knocks:
            self._knocks.drop()
            self._way.hop = hop
            self._aim_at(hop)
        return True

    def _aim_at(self, hop: sensors.FirstHop) -> None:
        self._hop = hop
        self._knocks = Knocks(hop, self.beside, self._knocked, self._connected)
        self.state = self.state._replace(knocks=hop.hostname is not None)

    def now(self) -> float:
        """Return the seconds of being awake."""
        return self._clock.now()

    @property
    def was_stopped(self) -> bool:
        """True if WOKE came after a stop of lnode, in which the kernel went on; False after a suspend."""
        return self._clock.was_stopped

    def resume(self) -> None:
        """Skip the time in which the loop did not run: it is neither sleep nor a stop."""
        self._clock.tick(float("inf"))

    @property
    def is_idle(self) -> bool:
        """True if no event waits to be taken."""
        return self._events.empty()

    def tell(self, source: object, what: Happened, **facts: Any) -> None:
        """Queue an event of `source`. Call it in the event loop's thread."""
        self._events.put_nowait((source, Event(what, 0.0, **facts)))

    def stir(self) -> None:
        """Let `next` return soon."""
        self._events.put_nowait((_STIR, Event(Happened.TICK, 0.0)))

    def _look_now(self) -> None:
        self._sensed_at = float("-inf")
        self.stir()

    async def next(self) -> Event | None:
        """Return the next event, or None some times a second. Raises the exception of a task that has broken."""
        planned, busy_s = self._patience(), self._clock.since_tick()
        queued: tuple[object, Event] | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(planned):
                queued = await self._events.get()
        if self._broken:
            raise self._broken
        slept, at = self._clock.tick(planned + busy_s), self._clock.now()
        if slept:
            if queued:
                self._events.put_nowait(queued)
            return Event(Happened.WOKE, at, seconds=slept)
        if queued and queued[0] in (None, self._knocks and self._knocks.round, *self._sources()):
            return queued[1]._replace(at=at, jitter=random.random())  # noqa: S311 - nothing to guess
        return self._sensed(at)

    def _patience(self) -> float:
        """Return the seconds until the next look at the laptop, or until the machine's next TICK."""
        planned = self._pause_s() if self.state.phase is Phase.ATTACHED else _SENSE_IN_NEED_S
        return planned if self.state.due is None else min(planned, max(0.0, self.state.due - self.now()))

    def _pause_s(self) -> float:
        told = self._watches and self._watches.tells_routes and self._watches.tells_sleep
        return max(_SENSE_S, self._calm_s() if told else min(self._calm_s(), _SENSE_UNTOLD_S))

    def _sensed(self, at: float) -> Event | None:
        """Return an event that the loop itself finds: the laptop has moved, the heartbeat is late, or a TICK is due."""
        state, silent_s = self.state, at - self.state.alive_at
        if at - self._sensed_at >= _SENSE_IN_NEED_S:
            self._sensed_at = at
            if moved := self._way.moved(at):
                return moved
            seeks = state.blind or state.phase in (Phase.DOUBTING, Phase.WAITING)
            if seeks and self._knocks and self._knocks.hears():
                return Event(Happened.REACHED, at)
        if self._late_s is not None and state.phase is Phase.ATTACHED and silent_s > self._late_s:
            return Event(Happened.LATE, at, seconds=silent_s)
        return Event(Happened.TICK, at) if state.due is not None and at >= state.due else None

    def step(self, event: Event) -> Sequence[Action]:
        """Give the event to the machine, and knock if it says so. Return the actions for the driver."""
        if event.what in _ENDS_KNOCKS and self._knocks:
            self._knocks.drop()
            if event.what is not Happened.OPENED:
                self._hop.answered = None
        self.state, actions = machine.step(self.state, event)
        for action in actions:
            if isinstance(action, Start) and self._knocks:
                self.led = self._knocks.leads()
                if not (self.state.blind or self.state.hasty):
                    self._knocks.drop()
                self._way.renew()
            elif action is Command.KNOCK and self._knocks:
                self._look_within(self._knocks.knock())
        return [action for action in actions if action is not Command.KNOCK]

    async def end_knocks(self) -> None:
        """End all knocks, and wait until they have: sshd holds each connection that has not logged in for minutes."""
        if self._knocks:
            await self._knocks.end()

    def _look_within(self, seconds: float) -> None:
        """Let the machine's TICK come no later: it is time for the next knock then."""
        if seconds and self.state.due is not None:
            self.state = self.state._replace(due=min(self.state.due, self.now() + seconds))

    def opened(self, peer: str | None) -> None:
        """Remember that a terminal has logged in; `peer` is the address to which ssh has connected, None if unknown."""
        self._way.opened(peer)
        self.prefer(peer)

    def bound(self, local: str | None) -> None:
        """Remember this laptop's end of the terminal's own connection, None if unknown: ssh may be bound to it."""
        if local:
            self._way.bound(local)

    def expect(self, round_trip_s: float) -> None:
        """Pace the knocks by the round trip of the terminal's own connection, 0.0 if unknown."""
        if self._knocks and round_trip_s:
            self._knocks.expect(round_trip_s)

    def prefer(self, peer: str | None) -> None:
        """Remember that ssh has logged in at this address, None if unknown."""
        if peer and self._hop.is_of(self._target):
            self._hop.opened(peer)

    def toward(self, target: Target) -> Target:
        """Return the target with the kind of address that has answered last; ssh would try the others first.

        Only the kind: by its name ssh knows the host's key. To a jump host ssh passes no option.
        """
        family = self._hop.answers_one_family() if self.ready.is_set() and self._hop.is_of(target) else None
        if family is None:
            return target
        return target._replace(route=(*target.route, Option("AddressFamily", Local(family))))

    async def answers_elsewhere(self, target: Target) -> bool:
        """True if no kind of address was known to answer, and one does now: ssh may have begun with the other."""
        return self.toward(target) is target and await self.knock() is None and self.toward(target) is not target

    def local_address(self) -> str | None:
        """Return this laptop's own address on the way to the host, None without a route."""
        return self._way.here()

    async def knock(self) -> sensors.Reach:
        """Knock at sshd. Return None if it answers, else the cause of the failure."""
        return await sensors.knock(self._hop, timeout_s=_ASK_WITHIN_S)

    def round_trip_s(self) -> float:
        """Return the seconds of a round trip, as the last knock took them; half a second if none is known."""
        return (self._knocks.round_trip_s if self._knocks else 0.0) or _UNKNOWN_S

    async def is_silent(self) -> bool:
        """True if the host does not answer a knock at all; False also behind a ProxyCommand."""
        return self._hop.hostname is not None and await self.knock() is Cause.TIMED_OUT

    def _knocked(self, source: object, failure: sensors.Reach) -> None:
        if failure is None:
            self.tell(source, Happened.REACHED)
        else:
            self.tell(source, Happened.UNREACHED, cause=failure)

    def _connected(self, source: object) -> None:
        self.tell(source, Happened.CONNECTED, stands=self._stands_by())

    def _break(self, broken: BaseException) -> None:
        """Remember the exception of a task, a bug or an LnodeError, and wake the loop."""
        self._broken = broken
        self.tell(None, Happened.TICK)

    async def close(self) -> None:
        """End all tasks beside the loop."""
        if self._watches:
            self._watches.close()
        self.beside.cancel()
        await self.beside.ended()


class _Way:
    """This laptop's own end of the way to the host: now, and at the start of the terminal's connection."""

    def __init__(self, hop: sensors.FirstHop) -> None:
        self.hop = hop
        self._peer: str | None = None  # the address to which ssh has connected
        self._local = self._terminal_local = hop.local_address()

    def here(self) -> str | None:
        """Return this laptop's own address on the way to the address of ssh's connection, or to another of the hop's.

        A host with two kinds of addresses is reached on a network that has only the other kind.
        """
        return (addresses.local_address(self._peer) if self._peer else None) or self.hop.local_address()

    def renew(self) -> None:
        """Remember this laptop's address for a terminal that starts now."""
        self._terminal_local = self._local

    def opened(self, peer: str | None) -> None:
        self._peer = peer
        self._local = self._terminal_local = self.here()

    def bound(self, local: str) -> None:
        self._terminal_local = local

    def moved(self, at: float) -> Event | None:
        """Return the event if this laptop's end of the way has changed, else None."""
        local = self.here()
        if local == self._local:
            return None
        self._local = local
        if local is None:
            return Event(Happened.ROUTE_LOST, at)
        is_its = self.hop.is_known and self._terminal_local is not None  # else it may never have had that address
        dead = is_its and not addresses.is_ours(self._terminal_local or "")
        return Event(Happened.ROUTE_CHANGED, at, dead=dead)
