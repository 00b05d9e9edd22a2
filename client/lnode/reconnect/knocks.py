"""The knocks of one attach at the first hop: few at a time, and one window of this laptop for all.

A knock may hurry the next login, and must never stand in its way. sshd from 9.8 on counts each connection that leaves
before the login, and bans an address that has some of them (PerSourcePenalties); MaxStartups drops others.
"""

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from socket import AF_INET, AF_INET6

from lnode.laptop import folders
from lnode.laptop.tasks import Beside
from lnode.reconnect import sensors
from lnode.reconnect.sensors import FirstHop, Reach

_MOST = 3  # under way
_CONNECTS_S = (0.75, 3.0)  # at least and at most: one that got lost makes room for the next
_LATE_S = 0.19  # at least, beyond a known round trip; for a longer one, as long again
_APART = 1.25  # round trips: an answer on its way is waited for
_GREETS_S = 30.0  # as long as the slowest sshd that ssh itself would wait for
_ALONE_S = 10.0  # a knock that has connected is the only one: after that its connection may have died since
_SLOWEST_S = 2.0  # of round trips by which knocks are paced; a longer one was a SYN that got lost
_IDLE_S = 5.0  # a window that has the turn and does not knock, because it is stopped


class Knocks:
    """Knock at `hop` when told to, if that is of use, and call `told` with each result of the present round.

    `came` hears of a connection before that, while its greeting is waited for.

    No knock starts beside one that has just connected, nor sooner after another than the round trip takes. Belongs to
    one event loop.
    """

    def __init__(
        self,
        hop: FirstHop,
        beside: Beside,
        told: Callable[[object, Reach], None],
        came: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._hop, self._beside, self._told, self._came = hop, beside, told, came
        self._turn = Turn(f"{hop.hostname}:{hop.port}")
        self._running: set[asyncio.Task[None]] = set()
        self._connected: dict[asyncio.Task[None], float] = {}
        self._patient: asyncio.Task[None] | None = None  # for a round trip that is longer than anybody would think
        self.round_trip_s = 0.0  # that of the last knock, or of a connection before; 0.0 if unknown
        self._last = float("-inf")
        self.round = object()  # results from before the last `drop` do not count

    def expect(self, round_trip_s: float) -> None:
        """Pace the knocks by this round trip."""
        self.round_trip_s = min(round_trip_s, _SLOWEST_S)

    def knock(self) -> float:
        """Start a knock, unless another one is to be waited for. Return the seconds until it is time for one."""
        now = time.monotonic()
        early_s = self._last + max(_APART * self.round_trip_s, self._likely_s() / (_MOST - 1)) - now
        if early_s > 0:
            return early_s
        waits = any(now - since < _ALONE_S for since in self._connected.values())
        if waits or len(self._running) >= _MOST or not self._turn.take():
            return 0.0
        self._last = now
        patient = self._patient is None
        task = self._beside.start(self._knock(self.round, patient=patient))
        if patient:
            self._patient = task
        self._running.add(task)
        task.add_done_callback(self._over)
        return 0.0

    async def _knock(self, source: object, *, patient: bool) -> None:
        """Knock once. One at a time is `patient`, because another network may be slower; the others leave sooner."""
        began, me = time.monotonic(), asyncio.current_task()
        _, most = _CONNECTS_S
        timeout_s = most if patient else self._likely_s()

        def connected() -> None:
            now = time.monotonic()
            self.expect(now - began)
            if me is not None:
                self._connected[me] = now
            self._came(source)

        reach = await sensors.knock(self._hop, timeout_s=timeout_s, greets_s=_GREETS_S, connected=connected)
        if reach is None:
            self._turn.tell(self._hop.answered or 0)
        self._told(source, reach)
        if reach is None:
            self._drop_but(me)

    def _likely_s(self) -> float:
        """Return the seconds in which a knock that arrives has connected."""
        least, most = _CONNECTS_S
        known_s = self.round_trip_s
        return min(known_s + max(_LATE_S, known_s), most) if known_s else least

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._connected.pop(task, None)
        if task is self._patient:
            self._patient = None

    def leads(self) -> bool:
        """True if it is the turn of this window."""
        return self._turn.is_ours

    def hears(self) -> bool:
        """True once after another window's knock was answered; this one need not knock any more."""
        told = self._turn.was_told()
        if told:
            self._hop.answered = next((kind for kind in (AF_INET, AF_INET6) if kind == self._turn.word()), None)
        return told

    def drop(self) -> None:
        """End all knocks and begin another round. The turn goes to whoever wants it."""
        self.round = object()
        self._drop_but(None)
        self._turn.leave()

    async def end(self) -> None:
        """End all knocks, and wait until their connections are closed."""
        running = [*self._running]
        self.drop()
        await asyncio.gather(*running, return_exceptions=True)

    def _drop_but(self, one: "asyncio.Task[None] | None") -> None:
        for task in self._running - {one}:
            task.cancel()


class Turn:
    """The right of one lnode on this laptop to knock at a place, as a lock on a file; its times tell the others.

    The access time is that of the last knock, the modification time that of the last answer, and its length the kind of
    the address that gave it. Without a private folder, and on Windows, everybody has the turn.
    """

    def __init__(self, place: str) -> None:
        self._name = f"knock-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
        self._file: int | None = None
        self.is_ours = False
        self._told_at = 0

    def take(self) -> bool:
        """True if it is this lnode's turn, or nobody has knocked for some seconds. Notes a knock."""
        file = self._opened()
        if file is None:
            return True
        self.is_ours = self.is_ours or _locked(file)
        found = os.fstat(file)
        if not self.is_ours and time.time() - found.st_atime < _IDLE_S:
            return False
        with suppress(OSError):
            os.utime(file, ns=(time.time_ns(), found.st_mtime_ns))
        return True

    def tell(self, word: int = 0) -> None:
        """Tell the others that the place has answered, and a small number with it."""
        file = self._opened()
        if file is not None:
            self._told_at = time.time_ns()
            with suppress(OSError):
                os.truncate(file, word)
                os.utime(file, ns=(self._told_at, self._told_at))

    def was_told(self) -> bool:
        """True once after another lnode has told it. What was told before the first call is old."""
        file = self._file
        if file is None:
            return False
        told_at = os.fstat(file).st_mtime_ns
        new = self._told_at != told_at
        self._told_at = told_at
        return new

    def word(self) -> int:
        """Return the number of the last tell."""
        return 0 if self._file is None else os.fstat(self._file).st_size

    def leave(self) -> None:
        """Give the turn away, and forget what was told before."""
        if self._file is not None:
            os.close(self._file)
        self._file, self.is_ours = None, False

    def _opened(self) -> int | None:
        if self._file is None:
            folder = folders.private_folder()
            with suppress(OSError):
                if folder:
                    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
                    self._file = os.open(f"{folder}/{self._name}", flags, 0o600)
                    self._told_at = os.fstat(self._file).st_mtime_ns
        return self._file


def _locked(file: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
