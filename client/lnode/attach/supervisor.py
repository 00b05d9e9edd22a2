"""The imperative shell of an attach: real clock, processes and sensors around the reconnect machine.

One loop takes one event at a time, gives it to the machine, and does the actions that come back. Loaded after the first
terminal has started, because until then you wait for every millisecond.
"""

import asyncio
import gc
import signal
import time
from collections.abc import Callable

from lnode.attach import phone
from lnode.attach.allocation import Lookout
from lnode.attach.chronicle import Chronicle
from lnode.attach.course import Course
from lnode.attach.display import Display
from lnode.attach.early_link import EarlyLink
from lnode.attach.login_shell import LoginShell
from lnode.attach.outcome import Outcome
from lnode.attach.parting import Parting
from lnode.attach.quiet import Quiet
from lnode.attach.scripts import Scripts
from lnode.attach.shell_notice import ShellNotice
from lnode.attach.side_link import Companion
from lnode.attach.signals import Signals
from lnode.attach.spare import Spare
from lnode.attach.standby import Standby
from lnode.attach.storing import Storing
from lnode.attach.terminal import Terminal
from lnode.attach.terminal_watch import TerminalWatch
from lnode.attach.tty import Tty, event_loop
from lnode.cluster import tmux
from lnode.locate.address import Address
from lnode.reconnect.loop import Loop
from lnode.reconnect.machine import is_overdue
from lnode.reconnect.state import Action, Command, End, Event, Happened, Phase, Start
from lnode.remote.fields import NodeName
from lnode.ssh import failures, forwarding, master, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.site_words import in_one_line
from lnode.ssh.target import Target

_LOOKS_S = 2.0  # for ssh's configuration, while you wait
_KEYS = {b"r": Happened.RETRY, b"d": Happened.LEAVE, b"q": Happened.LEAVE, b"\x03": Happened.LEAVE}


def attend(address: Address, scripts: Scripts, first: Terminal, tty: Tty, signals: Signals, *, waits: bool) -> Outcome:
    """Keep a terminal attached until the attach is over: watch the first one, and replace it when it is lost."""
    gc.enable()  # this may last for days
    with asyncio.Runner(loop_factory=event_loop) as runner:
        return runner.run(_Supervisor(address, scripts, first, tty, waits=waits).run(signals))


class _Supervisor:
    """One attach. `_terminal` is the ssh that has the tty, None between two. Events of earlier ones do not count."""

    def __init__(self, address: Address, scripts: Scripts, first: Terminal, tty: Tty, *, waits: bool) -> None:
        self._scripts, self._tty = scripts, tty
        self._past = Chronicle(address.target, address.name)
        self._course = Course(address, self._past.note)
        self._terminal: Terminal | None = first
        self._companion: Companion | None = None
        self._early = EarlyLink()
        self._loop = Loop(
            self._target, lambda: (self._terminal, self._companion), waits=waits, calm_s=self._calm_s,
            stands_by=self._stands_by,
        )  # fmt: skip
        self._spare = Spare(self._loop, self._past.note)
        self._tell = self._loop.tell
        self._display = Display(tty, self._target.alias, self._press)
        self._status, self._words = 0, ""  # of the last terminal that ended
        self._again = False  # True if this terminal never creates
        self._storing = Storing(scripts, lambda: self._target)
        self._lookout = Lookout(
            address.alias, look=scripts.watch, glance=scripts.glance, line=scripts.news, note=self._past.note,
            quiet_s=self._quiet_s, push=phone.beginning(scripts), store=self._storing.store,
        )  # fmt: skip
        self._end_trial: Callable[[], object] = bool  # that of a doubted terminal
        self._watch = TerminalWatch(self._course, self._loop, tty, self._past, self._display.say)
        self._parting = Parting(tty, self._loop.beside, scripts.look)
        self._shell_notice = ShellNotice(address.alias, self._past.session, self._display)

    @property
    def _target(self) -> Target:
        return self._course.target

    async def run(self, signals: Signals) -> Outcome:
        """Return the outcome at the end; the first terminal has already started."""
        running = asyncio.get_running_loop()
        signals.wake = lambda: running.call_soon_threadsafe(self._obey, signals)
        self._obey(signals)
        self._quiet = Quiet(self._typed)
        try:
            if self._terminal:
                self._watch.begin(self._terminal, self._target, again=False)
            await self._loop.reach()
            while self._loop.state.end is None:
                if event := await self._loop.next():
                    await self._turn(event)
                if self._terminal and self._terminal.stop_too():
                    self._parting.begin()
                self._parting.feel(self._companion, shared=self._loop.state.shared)
                if not self._loop.state.reviving:
                    self._display.show(self._loop.state, self._loop.now())
            return await self._outcome()
        finally:
            signals.wake = lambda: None
            self._quiet.close()
            await self._quit()

    def _quiet_s(self) -> float:
        return self._quiet.seconds()

    def _typed(self) -> None:
        """Look at once at what was looked at rarely while nobody typed."""
        self._loop.stir()
        if self._companion:
            self._companion.ask()

    def _calm_s(self) -> float:
        """Return a pause that nobody notices. An ssh that shares gives the tty back without a word: see parting.py."""
        return self._quiet.calm_s() if self._loop.state.muxed or not self._loop.state.shared else 0.0

    def _obey(self, signals: Signals) -> None:
        while signals.told:
            self._tell(None, Happened.LEAVE if signals.told.pop(0) == signal.SIGINT else Happened.STOP)

    def _press(self, key: bytes) -> None:
        if what := _KEYS.get(key):
            self._tell(None, what)

    async def _turn(self, event: Event) -> None:
        event = await self._by_login(event)
        if event.what is Happened.WOKE:
            event = event._replace(stands=self._is_stalled(event.seconds) and self._stands_by())
        if event.what is Happened.RETRY:
            await asyncio.wait([self._loop.beside.start(self._course.look_again(self._loop))], timeout=_LOOKS_S)
        before, had_terminal = self._loop.state, self._terminal is not None
        actions = self._loop.step(event)
        moved = event.what in (Happened.WOKE, Happened.ROUTE_CHANGED)
        if moved or event.what is Happened.TERMINAL_ENDED or self._loop.state.phase is not Phase.CONNECTING:
            self._spare.drop()
        if moved or (self._loop.state.phase is Phase.WAITING and before.phase is not Phase.WAITING):
            self._loop.beside.start(self._course.look_again(self._loop))
        self._past.step(before, self._loop.state, event)
        if event.what is Happened.TERMINAL_ENDED and self._terminal:
            self._gather(self._terminal)
            if failures.came_before_session(event.cause) and not self._again:
                self._display.not_entered()
        if event.what is Happened.OPENED and self._loop.state.phase is Phase.ATTACHED and self._terminal:
            self._hand_over(self._terminal)
        for action in actions:
            await self._do(action)
        if had_terminal and self._terminal is None and self._loop.state.end is None:
            self._dismiss()
            self._display.take()

    async def _by_login(self, event: Event) -> Event:
        """Return the event, or what the words of the login under way make of it.

        A login that has come through knows more than a knock has found. A silent one that waits for you or the keychain
        is refused once its time is over.
        """
        state, terminal = self._loop.state, self._terminal
        found = event.what in (Happened.REACHED, Happened.CONNECTED)
        if found and state.blind and terminal and failures.came_to_login(terminal.said()):
            return event._replace(what=Happened.SIGNING_IN)
        late = event.what is Happened.TICK and is_overdue(state, event.at)
        if not (late and terminal and verdict.broken_off(self._course.taken, terminal.said(), proved=state.proved)):
            return event
        await self._end_terminal()
        return Event(Happened.TERMINAL_ENDED, event.at, cause=Cause.LOGIN_REFUSED)

    async def _do(self, action: Action) -> None:
        if isinstance(action, Start):
            await self._start(action)
        elif action is Command.END:
            await self._end_terminal()
        elif action is Command.ASK and self._companion:
            self._companion.ask()
        elif action is Command.HOLD and self._terminal:
            self._end_trial()
            self._terminal.hold()
            self._display.listen()
        elif action is Command.MUTE:
            self._tty.mute()
        elif action is Command.RELEASE and self._terminal:
            self._tty.give_back()
            self._terminal.release()
        elif action is Command.REVIVE and self._terminal:
            self._end_trial = self._loop.beside.start(self._revive(self._terminal)).cancel
        elif action is Command.REFRESH and self._companion:
            self._display.forget()
            self._companion.refresh()

    async def _revive(self, terminal: Terminal) -> None:
        """Let the terminal go on, and tell if its connection carries: then the session is drawn anew."""
        self._tty.give_back()
        terminal.release()
        silences = self._loop.state.kernel_silences(self._loop.now())
        own = self._companion and self._companion.pulse
        carries = own and await own.carries(self._tty.shrink, self._tty.unshrink, silences=silences)
        self._tell(terminal, Happened.REVIVED if carries else Happened.DEAF)

    async def _start(self, start: Start) -> None:
        try:
            way = await self._course.connection(start, self._loop, self._watch.rode, self._stands_by)
        except OSError as error:
            self._not_started(error)
            return
        target = self._loop.toward(way)
        self._dismiss()
        if start.asks:
            self._display.lend(self._loop.state)
        else:
            self._display.take()
        self._again = not start.creates
        if not (start.asks or start.creates) and self._companion and not self._companion.shared_only:
            await self._early.free_ports(target, self._scripts.client)
        else:
            await self._early.drop()
        away_s = int(time.time() - self._past.last_seen)
        node, short = self._past.node or "", self._storing.serves(self._status)
        line = self._scripts.first() if start.creates else self._scripts.again(away_s, node, short=short)
        try:
            self._terminal = terminal = await self._spare.start(start, target, line)
        except OSError as error:
            self._not_started(error)
            return
        self._tty.keep(self._terminal.pid)
        self._watch.begin(terminal, target, again=self._again)

    def _not_started(self, error: OSError) -> None:
        """Wait, and try again: there is no ssh during an upgrade, no memory, no free file."""
        self._past.note(f"ssh does not start: {error.strerror}")
        self._tell(None, Happened.TERMINAL_ENDED, cause=Cause.LOST)
        self._display.take()

    def _is_stalled(self, asleep_s: float) -> bool:
        """True if the terminal's own connection carries nothing soon after such a sleep, as its kernel tells."""
        own = self._companion.pulse if self._companion else None
        silence = asleep_s if self._loop.was_stopped else 0.0  # by the times of TCP, which stand still in a suspend
        return own is not None and own.stalls(silence)

    def _stands_by(self) -> bool:
        """True if a standby may carry the next terminal: not the master of the last one, and nothing waits on it."""
        there = master.identity(self._target) if self._target.standby else None
        quiet = self._companion is None or self._companion.quiet
        return there is not None and quiet and there != self._watch.rode

    def _hand_over(self, terminal: Terminal) -> None:
        """Give the tty to the session after the login, and start the link, which may use the terminal's connection."""
        self._display.hand_over()
        self._loop.opened(failures.peer(terminal.said()))
        self._parting.begin()
        self._shell_notice.begin()
        self._dismiss()
        self._companion = Companion(
            self._target, terminal.said(), self._scripts.client, self._loop.is_silent, self._tell, self._learn,
            self._past.remember, self._lookout, self._see_unbegun,
            self._quiet.beat_s, Standby(self._target, self._watch.rode),
            person=self._loop.state.kept, pid=terminal.pid, link=self._early.take(),
            trouble=lambda: forwarding.missing(terminal.said().own),
            covered=self._again, login_s=terminal.watch.took_s,
        )  # fmt: skip
        if own := self._companion.pulse:
            self._loop.expect(own.round_trip_s())
            self._loop.bound(own.local_address())

    def _see_unbegun(self, shell: LoginShell | None, *, ended: bool) -> None:
        attached = self._terminal is not None and self._loop.state.phase is Phase.ATTACHED
        if attached and (words := self._shell_notice.see(shell, ended=ended)):
            self._past.remember(words)

    def _learn(self, node: NodeName | None) -> None:
        self._shell_notice.shell = None
        self._past.learn(node)

    async def _end_terminal(self) -> None:
        """End the terminal, and wait until it has ended."""
        if (terminal := self._terminal) is None:
            return
        await self._watch.end(terminal)
        self._gather(terminal)

    def _gather(self, terminal: Terminal) -> None:
        """Remember the exit status and the words of the ended terminal."""
        self._status, said = terminal.wait(), terminal.said()
        self._words = str(said)
        began = failures.has_begun(said, self._course.taken.place)
        self._display.words = "" if began else in_one_line(self._words)
        if said.own.strip() and began:  # before OPENED could be told
            self._display.entered()
        self._terminal = None
        terminal.__exit__(None, None, None)

    def _dismiss(self) -> None:
        """Close the link with its terminal: a link that opened again would log in without the machine's knowledge."""
        if self._companion:
            self._companion.leave(silent=self._loop.state.is_silent)

    async def _outcome(self) -> Outcome:
        state = self._loop.state
        left = state.end is End.OVER and self._status in list(tmux.ExitOfAttach)
        self._display.end(state, left=left)
        if left and self._status == tmux.ExitOfAttach.DETACHED and self._companion:
            await self._parting.finish(self._companion)
        cause, end, past = state.cause or Cause.LOST, state.end or End.FAILED, self._past
        return Outcome(
            end, cause, self._status, self._words, state.began, self._again, past.seen, past.last_seen,
            self._parting.picture, tuple(past.story), self._shell_notice.shell,
        )  # fmt: skip

    async def _quit(self) -> None:
        await self._end_terminal()
        if self._loop.state.end is None:  # an exception is on its way: what tmux has switched on must not stay
            self._display.leave_screen()
        self._spare.drop()
        await self._early.drop()
        await self._loop.close()
        if self._companion:
            self._companion.leave()
            await self._companion.left()
