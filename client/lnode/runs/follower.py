"""A run's log, followed across drops. The reconnect machine decides, as for a terminal.

The machine's terminal is here an ssh that brings the log in frames, and its heartbeat is one frame each second. Every
ssh begins at the byte after the last complete frame, so no byte is lost or doubled. It asks for the run by its id, so
lnode does not follow a new run of the same name.
"""

import asyncio
import os

from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.laptop.off_loop import in_thread
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.reconnect import notice
from lnode.reconnect.loop import Loop
from lnode.reconnect.state import Command, End, Event, Happened, Phase, Start
from lnode.remote import call
from lnode.remote.fields import NodeName, number
from lnode.runs import record
from lnode.runs.log_frames import Frame, Torn
from lnode.runs.record import Run
from lnode.runs.tail import Tail
from lnode.ssh import begun, failures, sign_in_memory, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.link.rung_master import prove_master
from lnode.ssh.question import REPLY_WITHIN_S
from lnode.ssh.target import Target

_LOOK_AGAIN_S = 0.1  # at a login under way
_LATE_S = 6.0  # without a frame; one comes each second, but a login node may be busy
_TICK_S = 0.25
_UNREADABLE = 3  # answers in a row that logs.sh cannot have sent, and that bring no byte of the log


def follow(address: Address, *, lines: int | None, to_the_end: bool, log: screen.Log | None = None) -> Run:
    """Print the log of a run, from its last `lines` lines on, all lines for None. Return the run as it is at the end.

    With `to_the_end` print until the run is over, else stop at the present end of the log. Only the login node on which
    it was started knows that it is over; if that cannot be reached, any. Without a `log` to print on, only wait. Raises
    LnodeError.
    """
    follower = _Follower(address.target, address.name, lines, log, _UNTIL_ITS_END if to_the_end else _ONCE)
    try:
        return asyncio.run(follower.run())
    except _IsElsewhere as found:
        host = found.host
    try:
        there = routes.to_owner(address.target, host, address.settings)
        follower = follower.again(there)
        return asyncio.run(follower.run())
    except LnodeError as error:
        if error.code not in (ExitCode.UNREACHABLE, ExitCode.LOGIN_REFUSED):
            raise
        screen.say(f"only {host} knows if {address.name} still runs: {error.message}")
    return asyncio.run(follower.again(address.target).run())


_ONCE, _FOLLOW, _UNTIL_ITS_END = "once", "follow", "end"


class _IsElsewhere(Exception):  # noqa: N818 - no error
    """The run goes on, or has died, on another login node: `host`."""

    def __init__(self, host: NodeName) -> None:
        super().__init__(host)
        self.host = host


class _Follower:
    """One log. `_tail` is the ssh that brings it, None between two."""

    def __init__(self, target: Target, name: str, lines: int | None, log: screen.Log | None, mode: str) -> None:
        self._target, self._name, self._lines, self._log, self._mode = target, name, lines, log, mode
        self._id = ""
        self._offset: int | None = None  # the offset of the next byte
        self._over: Run | None = None
        self._unreadable = 0
        self._tail: Tail | None = None
        self._words = ""  # the words of the last ssh
        self._loop = Loop(target, lambda: (self._tail,), late_s=_LATE_S)

    def again(self, target: Target) -> "_Follower":
        """Return one for another way to the host, from the next byte on."""
        other = _Follower(target, self._name, self._lines, self._log, _FOLLOW)
        other._id, other._offset = self._id, self._offset
        return other

    async def run(self) -> Run:
        try:
            await self._start(Start(creates=False, asks=True, fresh=False))
            await self._loop.reach()
            while self._loop.state.end is None:
                if event := await self._loop.next():
                    await self._turn(event)
            if self._over is None:
                raise self._failure()
            return self._over
        finally:
            await self._end_tail()
            await self._loop.close()

    async def _turn(self, event: Event) -> None:
        before = self._loop.state
        actions = self._loop.step(event)
        words = notice.chronicle(before, self._loop.state, event.at)
        if words is not None and before.began and self._loop.state.end is None:
            self._say(f"{self._target.alias}: {words}")
        if event.what is Happened.OPENED and self._tail:
            self._loop.opened(failures.peer(self._tail.said()))
        if event.what is Happened.TERMINAL_ENDED:
            await self._end_tail()
        for action in actions:
            if isinstance(action, Start):
                await self._start(action)
            elif action is Command.END:
                await self._end_tail()
        if self._loop.state.phase is Phase.NEEDS_PERSON and before.phase is not Phase.NEEDS_PERSON:
            self._call_person()

    def _say(self, text: str) -> None:
        if self._log:
            self._log.break_line()
        screen.say(text)

    def _call_person(self) -> None:
        """Ask you to sign in after a refused login. Raises LnodeError if there is no terminal to ask in."""
        if not screen.can_ask():
            raise self._failure()
        self._say(f"{self._target.alias} needs you to sign in: Enter signs in, Ctrl-C leaves")
        self._loop.beside.start(self._wait_for_enter())

    async def _wait_for_enter(self) -> None:
        if not await in_thread(lambda: os.read(0, 1024)):
            raise self._failure()
        self._loop.tell(None, Happened.RETRY)

    async def _start(self, start: Start) -> None:
        offset = "" if self._offset is None else str(self._offset)
        lines = "" if self._lines is None else str(self._lines)
        nonce = call.nonce()
        mode = _ONCE if self._mode == _ONCE else _FOLLOW
        line = call.question("logs", nonce, self._name, self._id, offset, lines, mode)
        target, may_ask = self._loop.toward(self._target), start.asks and screen.can_ask()
        self._tail = tail = Tail(target, nonce, line, may_ask=may_ask, fresh=start.fresh)
        try:
            await tail.start()
        except OSError:  # for now: no memory, no free file
            self._loop.tell(tail, Happened.TERMINAL_ENDED, cause=Cause.LOST)
            return
        tail.reading = self._loop.beside.start(self._read(tail))
        if tail.may_ride:
            self._loop.beside.start(self._prove(tail))
        self._loop.beside.start(self._look(tail))
        if not self._loop.state.began:
            self._loop.beside.start(self._expect(tail))

    async def _look(self, tail: Tail) -> None:
        """Watch the login of a tail."""
        while self._tail is tail and not tail.heard:
            tail.watch.look(tail.said())
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _prove(self, tail: Tail) -> None:
        tail.rides = await prove_master(self._target)
        if tail.rides is False and not tail.heard:
            self._loop.tell(tail, Happened.STUCK)

    async def _read(self, tail: Tail) -> None:
        """Read the frames of one ssh, and tell the loop of the frames and of the end."""
        before, torn = self._offset, False
        try:
            async for frame in tail.frames():
                self._take(frame, tail)
        except Torn:
            torn = True
            tail.end()
        status = await tail.wait()
        if self._over is None and (torn or (tail.heard and status == 0)):  # logs.sh ends with `over`
            self._count_unreadable(is_new=self._offset != before)
        said = tail.said()
        self._words = str(said)
        answered = tail.heard or torn
        cause, began = verdict.of_ssh(self._target, status, said, tail.argv, silent=not tail.may_ask, heard=answered)
        if not answered and cause is Cause.OVER:
            raise begun.broke_off(self._target.alias) if tail.begun else begun.ended(self._target)
        if began:  # only the last frame says that the run is over
            cause = Cause.OVER if self._over else Cause.LOST
        self._loop.tell(tail, Happened.TERMINAL_ENDED, cause=cause, began=began)

    async def _expect(self, tail: Tail) -> None:
        """Raise LnodeError if no frame comes in time over the first ssh; the machine gives the later ones less time."""
        waited_s = 0.0
        while waited_s < REPLY_WITHIN_S:
            await asyncio.sleep(_TICK_S)
            if tail.heard or tail is not self._tail:
                return
            if tail.counts(self._target.place):
                waited_s += _TICK_S
            if not tail.begun and tail.may_ask and waited_s == begun.TOLD_AFTER_S:
                self._say(begun.not_yet(self._target.alias))
        raise begun.fell_silent(self._target.alias) if tail.begun else begun.not_in_time(self._target.alias)

    def _take(self, frame: Frame, tail: Tail) -> None:
        if frame.kind == "begun":
            tail.begun = True
            return
        first, tail.heard = not tail.heard, True
        if first:
            takes_person = verdict.learn_sign_in(self._target, tail.said(), tail.watch, silent=not tail.may_ask)
            self._loop.tell(tail, Happened.OPENED, person=takes_person is True, proved=takes_person is False)
        if self._loop.is_idle:  # one event in the queue is as good as thousands
            self._loop.tell(tail, Happened.BEAT, shared=True)
        if frame.kind == "gone":
            raise self._gone()
        if frame.kind in ("run", "over"):
            self._take_run(frame)
        if frame.kind == "shrunk":
            self._say(f"the log of {self._name} has become shorter on {self._target.alias}; from its beginning again")
            self._offset = 0
        if frame.kind == "beat" and self._offset is None:
            self._offset = number(frame.words)
        if frame.kind == "data":
            if self._offset is not None and frame.offset != self._offset:
                raise Torn(frame.words)
            if self._log:
                self._log.write(frame.data)
            self._offset = frame.offset + len(frame.data)

    def _take_run(self, frame: Frame) -> None:
        run = record.parse_run(frame.words)
        if run is None:
            raise Torn(frame.words)
        if self._mode == _UNTIL_ITS_END and run.state == "elsewhere" and run.host:
            raise _IsElsewhere(run.host)
        self._id = run.id
        if frame.kind == "over":
            self._over = run

    def _count_unreadable(self, *, is_new: bool) -> None:
        """Raise LnodeError if asking again has not helped: lnode would ask a broken host for ever."""
        self._unreadable = 0 if is_new else self._unreadable + 1
        if self._unreadable == _UNREADABLE:
            alias, name = self._target.alias, self._name
            raise LnodeError(
                ExitCode.FAILED, f"the answer of {alias} cannot be read", f"see the log itself: "
                f"ssh {alias} tail .local/state/lnode/runs/{name}/log",
            )  # fmt: skip

    def _gone(self) -> LnodeError:
        alias, name = self._target.alias, self._name
        if self._id:
            return LnodeError(
                ExitCode.NO_SESSION, f"the log of {name} on {alias} is gone", f"see what is there: lnode {alias} --ls"
            )
        return no_run(alias, name)

    def _failure(self) -> LnodeError:
        state, alias = self._loop.state, self._target.alias
        cause = state.cause or Cause.LOST
        if not screen.can_ask() and cause is Cause.LOGIN_REFUSED and sign_in_memory.takes_person(self._target):
            return LnodeError(
                ExitCode.LOGIN_REFUSED, f"{alias} needs you to sign in",
                f"sign in once in a terminal, then ask again: lnode {alias}",
            )  # fmt: skip
        if state.end is End.FAILED or not state.began:
            return failures.explain(cause, self._words, self._target.place)
        return LnodeError(
            ExitCode.UNREACHABLE, f"gave up on {alias}; {self._name} goes on there",
            f"come back with: lnode {alias} {self._name} --logs -f", page=Page.RECONNECT,
        )  # fmt: skip

    async def _end_tail(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            await tail.close()


def no_run(alias: str, name: str) -> LnodeError:
    """Return the error for a name that no run on the host has."""
    return LnodeError(
        ExitCode.NO_SESSION, f"there is no run {name} on {alias}",
        f"see what is there: lnode {alias} --ls; start it: lnode {alias} {name} --run -- COMMAND",
    )  # fmt: skip
