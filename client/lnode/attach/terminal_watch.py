"""Watches one terminal: tells of its login, of an address that is silent, and of its end with the verdict on it."""

import asyncio
from collections.abc import Callable
from functools import partial

from lnode.attach import sign_in_watch
from lnode.attach.chronicle import Chronicle
from lnode.attach.course import Course
from lnode.attach.terminal import Terminal
from lnode.attach.tty import Tty
from lnode.cluster import tmux
from lnode.laptop.off_loop import in_thread
from lnode.reconnect.loop import Loop
from lnode.reconnect.state import Happened
from lnode.ssh import borrowed, failures, master, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

_OBEYS_WITHIN_S = 1.0  # an ssh that was told to end
_LOOKS_S = 1.0  # for ssh's configuration, while ssh has the tty already
_DIALS_S = 1.5  # then a dial has repeated its SYN without an answer
_ANSWERS_S = 0.15  # a standby that lives, and after a round trip


class TerminalWatch:
    """One for each attach. `rode` is the master that the last terminal had, None for none. `say` tells you a line."""

    def __init__(self, course: Course, loop: Loop, tty: Tty, past: Chronicle, say: Callable[[str], None]) -> None:
        self._course, self._loop, self._tty, self._past, self._say = course, loop, tty, past, say
        self.rode: master.Identity | None = None

    def begin(self, terminal: Terminal, target: Target, *, again: bool) -> None:
        """Watch a terminal that has just started to dial `target`. `again`: it never creates the session."""
        self._loop.beside.start(self._watch(terminal, self._course.taken, again=again))
        self._loop.beside.start(self._mind_dial(terminal, target))

    async def end(self, terminal: Terminal) -> None:
        """End the terminal, and wait until it has ended."""
        self._tty.forget_muted()  # ssh leaves the tty in modes in which its master could read keys
        terminal.end()
        ending = in_thread(terminal.wait)
        if not (await asyncio.wait([ending], timeout=_OBEYS_WITHIN_S))[0]:
            terminal.kill()
        await ending

    async def _mind_dial(self, terminal: Terminal, target: Target) -> None:
        """Tell if ssh waits at an address that is silent, while the host answers at one of the other kind.

        You hear of the first one: ssh itself says nothing for minutes.
        """
        await self._loop.ready.wait()
        await asyncio.sleep(_DIALS_S)
        dials = partial(borrowed.is_dialling, terminal.pid)
        if dials() and not terminal.silent:
            self._say(f"{target.alias} has not answered so far; Ctrl-C leaves")
        if dials() and await self._loop.answers_elsewhere(target) and dials():
            self._loop.tell(terminal, Happened.ASTRAY)

    async def _watch(self, terminal: Terminal, target: Target, *, again: bool) -> None:
        """Tell when the terminal has logged in at `target`, and how it ends."""
        waiting = in_thread(terminal.wait)
        stuck = partial(self._leave_master, terminal)
        patience_s = _ANSWERS_S + self._loop.round_trip_s()
        how = await sign_in_watch.signed_in(target, terminal, self._tty, waiting, stuck, patience_s)
        if how == sign_in_watch.UNKNOWN:
            await asyncio.wait([self._loop.beside.start(self._course.look_again(self._loop))], timeout=_LOOKS_S)
            target = self._course.took_present_way()
        if how is not None:
            said = terminal.said()
            own = target.standby and how != sign_in_watch.OVER_MASTER
            self.rode = None if own else terminal.master if target.standby else master.identity(target)
            person = verdict.learn_sign_in(target, said, terminal.watch, silent=terminal.silent)
            muxed = sign_in_watch.is_muxed(target, how, said.own)
            self._loop.tell(terminal, Happened.OPENED, person=person is True, proved=person is False, muxed=muxed)
        status = await waiting
        await self._loop.ready.wait()
        if terminal.was_ended:
            verdict.broken_off(target, terminal.said(), proved=self._loop.state.proved)
            return
        cause, began = await self._ending(terminal, target, status, again=again)
        self._loop.tell(terminal, Happened.TERMINAL_ENDED, cause=cause, began=began)

    def _leave_master(self, terminal: Terminal) -> None:
        self.rode = terminal.master
        self._loop.tell(terminal, Happened.STUCK)

    async def _ending(self, terminal: Terminal, target: Target, status: int, *, again: bool) -> verdict.Ending:
        """Return the verdict on the end; only this attach knows of other ways to the session, and of the network."""
        said = terminal.said()
        if status == tmux.ExitOfAttach.UNSTORED and again:
            return verdict.Ending(Cause.LOST, failures.has_begun(said, target.place))
        # The alias stands for several login nodes. The first attach line never ends with this code.
        if status == tmux.ExitOfAttach.OTHER_NODE and again:
            await self._course.turn_to_owner(self._past.node)
            return verdict.Ending(Cause.LOST, failures.has_begun(said, target.place))
        cause, began = await verdict.of_terminal(target, status, said, terminal.argv, silent=terminal.silent)
        is_final = began or cause in (Cause.OVER, Cause.HOST_KEY_CHANGED) or failures.wants_person(cause)
        if not (is_final or self._course.is_straight(target)):  # the direct way to the node fails for now
            self._course.go_straight()
            cause = Cause.LOST
        if cause is Cause.UNRESOLVED and _is_slip(target, self._loop):
            cause = Cause.NO_ALIAS  # --wait must not repeat it for ever
        return verdict.Ending(cause, began)


def _is_slip(target: Target, loop: Loop) -> bool:
    """True if the name that you typed is no alias and no host: there is a network, and no login was ever begun."""
    network = loop.local_address()
    return bool(network) and not loop.state.began and failures.is_no_alias(target.place)
