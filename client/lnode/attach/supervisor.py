"""The imperative shell of an attach: real clock, processes and sensors around the reconnect machine.

One loop takes one event at a time, asks the machine what it means, and does that. Loaded when the first terminal is on
its way: until then every millisecond is waited for.
"""

import asyncio
import gc
import signal
import time
from contextlib import suppress

from lnode.attach.allocation import Lookout
from lnode.attach.display import Display
from lnode.attach.outcome import Outcome
from lnode.attach.scripts import Scripts
from lnode.attach.side_link import Companion
from lnode.attach.signals import Signals
from lnode.attach.terminal import Terminal
from lnode.attach.tty import Tty
from lnode.cluster import tmux
from lnode.cluster.sessions import Picture
from lnode.errors import LnodeError
from lnode.laptop import history
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.reconnect import machine, notice
from lnode.reconnect.loop import Loop
from lnode.reconnect.machine import Action, Command, End, Event, Happened, Phase, Start
from lnode.remote.fields import NodeName
from lnode.ssh import failures, master, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.link.ladder import prove_master
from lnode.ssh.target import Target

_LOOK_AGAIN_S = 0.05  # until ssh's log says that it has logged in
_OBEYS_WITHIN_S = 1.0  # an ssh that was told to end
_OVER_MASTER = "over a master"  # how it signed in; ssh says nothing there


def attend(address: Address, scripts: Scripts, first: Terminal, tty: Tty, signals: Signals, *, waits: bool) -> Outcome:
    """Stay beside the first terminal, and see to it that there is another one, until it is over."""
    gc.enable()  # this may last for days
    return asyncio.run(_Supervisor(address, scripts, first, tty, waits=waits).run(signals))


class _Supervisor:
    """One attach. `_terminal` is the ssh that has the tty, None between two; what earlier ones tell is passed over."""

    def __init__(self, address: Address, scripts: Scripts, first: Terminal, tty: Tty, *, waits: bool) -> None:
        self._target, self._session, self._scripts, self._tty = address.target, address.name, scripts, tty
        self._settings = address.settings
        self._asked = address.target  # as it was asked for; its owner may be another one
        self._terminal: Terminal | None = first
        self._companion: Companion | None = None
        self._loop = Loop(self._target, lambda: (self._terminal, self._companion), waits=waits)
        self._tell = self._loop.tell
        self._display = Display(tty, self._target.alias, self._press)
        self._status, self._words = 0, ""  # of the last terminal that ended
        self._again = False  # is this terminal one that never creates?
        self._alive_wall = time.time()
        self._node: NodeName | None = None  # where the session is
        self._seen = False  # has it been there? The link says so, else time does
        self._story: list[tuple[float, str]] = []
        self._lookout = Lookout(address.alias, scripts.look, scripts.news, self._note)
        self._rode: master.Identity | None = None  # the master that the last terminal had
        self._takes_person = False  # did signing in?
        self._raw = False  # has ssh had the tty in its modes?
        self._parting: asyncio.Task[None] | None = None  # since it has given that back
        self._picture: Picture | None = None

    async def run(self, signals: Signals) -> Outcome:
        """From the first terminal, which is on its way, to the end."""
        running = asyncio.get_running_loop()
        signals.wake = lambda: running.call_soon_threadsafe(self._obey, signals)
        self._obey(signals)
        try:
            if self._terminal:
                self._loop.beside.start(self._watch(self._terminal))
            await self._loop.reach()
            while self._loop.state.end is None:
                if event := await self._loop.next():
                    await self._turn(event)
                self._feel_end()
                self._display.show(self._loop.state, self._loop.now())
            return await self._outcome()
        finally:
            signals.wake = lambda: None
            await self._quit()

    # --- what happens

    def _obey(self, signals: Signals) -> None:
        while signals.told:
            self._tell(None, Happened.LEAVE if signals.told.pop(0) == signal.SIGINT else Happened.STOP)

    def _press(self, key: bytes) -> None:
        if key == b"r":
            self._tell(None, Happened.RETRY)
        elif key in (b"d", b"q", b"\x03"):
            self._tell(None, Happened.LEAVE)

    async def _watch(self, terminal: Terminal) -> None:
        """Tell when the terminal has logged in, and how it ends."""
        waiting = asyncio.create_task(asyncio.to_thread(terminal.wait))
        how = await self._login(terminal, waiting)
        if how is not None:
            said = terminal.said()
            self._rode = master.identity(self._target)
            self._takes_person = verdict.learn_sign_in(self._target, said)
            self._tell(terminal, Happened.OPENED, person=self._takes_person, muxed=self._is_muxed(how, said.own))
        status = await waiting
        await self._loop.ready.wait()
        cause, began = await self._ending(terminal, status)
        self._tell(terminal, Happened.TERMINAL_ENDED, cause=cause, began=began)

    async def _login(self, terminal: Terminal, waiting: "asyncio.Task[int]") -> str | None:
        """Return how the terminal has signed in, None if it ended before."""
        proof = asyncio.create_task(prove_master(self._target)) if terminal.may_ride else None
        while (how := self._signed_in(terminal)) is None:
            if (await asyncio.wait([waiting], timeout=_LOOK_AGAIN_S))[0]:
                break
            if proof and proof.done() and proof.result() is False:
                self._rode, proof = terminal.master, None
                self._tell(terminal, Happened.STUCK)
        return how

    def _signed_in(self, terminal: Terminal) -> str | None:
        """Over a master ssh does not log in, and says nothing; it takes the tty once the server has let it in."""
        how = failures.signed_in(terminal.said(), self._target.place)
        return how or (_OVER_MASTER if terminal.may_ride and self._tty.is_raw() else None)

    async def _ending(self, terminal: Terminal, status: int) -> verdict.Ending:
        """Return the verdict, and what only this attach knows about it: other ways to the session, and the network."""
        target, said = self._target, terminal.said()
        # Of an alias that stands for several login nodes; the first attach line never says it.
        if status == tmux.ExitOfAttach.OTHER_NODE and self._again:
            await self._turn_to_owner()
            return verdict.Ending(Cause.LOST, failures.has_begun(said, target.place))
        cause, began = await verdict.of_terminal(target, status, said, terminal.argv, silent=terminal.silent)
        tried = began or cause is Cause.OVER
        said_no = failures.wants_person(cause) or cause is Cause.HOST_KEY_CHANGED  # which is no more to be tried
        if not tried and not said_no and target is not self._asked:  # the way past the alias is none for now
            self._target, cause = self._asked, Cause.LOST
        if cause is Cause.UNRESOLVED and self._is_slip(target):
            cause = Cause.NO_ALIAS  # which --wait must not repeat for ever
        return verdict.Ending(cause, began)

    def _is_slip(self, target: Target) -> bool:
        network = self._loop.local_address()
        return bool(network) and not self._loop.state.began and failures.is_no_alias(target.place)

    async def _turn_to_owner(self) -> None:
        """The next terminal goes to the session's own login node; or the alias leads there some time."""
        if self._node is None:
            return
        with suppress(LnodeError):
            self._target = await asyncio.to_thread(routes.to_owner, self._asked, self._node, self._settings)
            self._note(f"going to {self._node}, where the session is")

    def _is_muxed(self, how: str, words: str) -> bool:
        """Has a master the tty, a process of its own (ControlPersist), so that stopping the terminal stops nothing?"""
        if how == _OVER_MASTER:
            return True
        persist = self._target.keep_warm or self._target.one("controlpersist", "no")
        return persist != "no" and "disabling multiplexing" not in words

    # --- what is done about it

    async def _turn(self, event: Event) -> None:
        event = await self._overdue(event)
        before, had_terminal = self._loop.state, self._terminal is not None
        actions = self._loop.step(event)
        words = notice.chronicle(before, self._loop.state, event.at)
        if words is not None:
            self._note(words)
        if before.phase in (Phase.ATTACHED, Phase.DOUBTING) and event.at - before.up_since > machine.STABLE_S:
            self._seen = True
        if event.what in (Happened.BEAT, Happened.OPENED):
            self._alive_wall = time.time()
        if event.what is Happened.TERMINAL_ENDED and self._terminal:
            self._gather(self._terminal)
        if event.what is Happened.OPENED and self._loop.state.phase is Phase.ATTACHED and self._terminal:
            self._hand_over(self._terminal)
        for action in actions:
            await self._do(action)
        if had_terminal and self._terminal is None and self._loop.state.end is None:
            self._dismiss()
            self._display.take()

    async def _overdue(self, event: Event) -> Event:
        """A silent login that waits for the keychain, or for more than that gave, was refused."""
        state, terminal = self._loop.state, self._terminal
        late = event.what is Happened.TICK and state.phase is Phase.CONNECTING and not state.asks
        if not (late and terminal and verdict.broken_off(self._target, terminal.said())):
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
            self._terminal.hold()
            self._display.listen()
        elif action is Command.MUTE:
            self._tty.mute()
        elif action is Command.RELEASE and self._terminal:
            self._tty.give_back()
            self._terminal.release()
        elif action is Command.REFRESH and self._companion:
            self._display.forget()
            self._companion.refresh()

    async def _start(self, start: Start) -> None:
        target = self._target
        if start.fresh and self._rode and self._rode == master.identity(target):  # else it is another's by now
            if self._loop.state.reached or await self._loop.knock() is None:
                await asyncio.to_thread(master.drop, target)
            else:  # it may be only the network: other windows wait on that connection
                target = master.without(target)
        self._dismiss()
        if start.asks:
            self._display.lend(self._loop.state)
        else:
            self._display.take()
        self._again = not start.creates
        line = (
            self._scripts.first()
            if start.creates
            else self._scripts.again(int(time.time() - self._alive_wall), self._node or "")
        )
        try:
            # In a thread, because whether the keychain opens is seen first.
            terminal = await asyncio.to_thread(Terminal, target, line, silent=not start.asks, fresh=start.fresh)
            self._terminal = terminal.__enter__()
        except OSError as error:  # no ssh during an upgrade, no room, no file left: for now
            self._note(f"ssh does not start: {error.strerror}")
            self._tell(None, Happened.TERMINAL_ENDED, cause=Cause.LOST)
            self._display.take()
            return
        self._tty.keep(self._terminal.pid)
        self._loop.beside.start(self._watch(self._terminal))

    def _hand_over(self, terminal: Terminal) -> None:
        """The login is done: the tty is the session's from here on, and the link may ride on it."""
        self._display.hand_over()
        self._loop.opened(failures.peer(terminal.said()))
        self._raw, self._parting = False, None
        self._dismiss()
        self._companion = Companion(
            self._target, terminal.said(), self._scripts.client, self._loop.is_silent, self._tell, self._learn,
            self._remember, self._lookout, person=self._loop.state.person,
        )  # fmt: skip

    async def _end_terminal(self) -> None:
        """End the terminal and see it end."""
        terminal = self._terminal
        if terminal is None:
            return
        self._tty.forget_muted()  # ssh leaves the tty in modes in which its master could read
        terminal.end()
        ending = asyncio.create_task(asyncio.to_thread(terminal.wait))
        if not (await asyncio.wait([ending], timeout=_OBEYS_WITHIN_S))[0]:
            terminal.kill()
        await ending
        self._gather(terminal)

    def _gather(self, terminal: Terminal) -> None:
        """What an ended terminal leaves."""
        self._status, said = terminal.wait(), terminal.said()
        self._words = str(said)
        if said.own.strip() and failures.has_begun(said, self._target.place):  # before OPENED could be told
            self._display.entered()
        self._terminal = None
        terminal.__exit__(None, None, None)

    def _feel_end(self) -> None:
        """Is the session over? A sharing ssh then gives the tty back, and stays while our link rides on it."""
        raw = self._tty.is_raw()
        if self._raw and not raw and self._loop.state.shared and self._companion and not self._parting:
            self._parting = self._loop.beside.start(self._part(self._companion))
        self._raw = self._raw or raw

    async def _part(self, companion: Companion) -> None:
        self._picture = await companion.look(self._scripts.look)
        companion.leave()

    def _dismiss(self) -> None:
        """No link without a terminal: opening one anew would be a login that the machine knows nothing of."""
        if self._companion:
            self._companion.leave()

    def _note(self, words: str) -> None:
        history.append(self._target.alias, self._session, words)
        self._remember(words)

    def _learn(self, node: NodeName | None) -> None:
        """Remember that the session was seen on `node`, None for one without a name."""
        if node is not None and node != self._node:
            if self._target.config is None:
                routes.learn_session(self._target.alias, self._session, node)
            self._note(f"the session is on {node}")
        self._node, self._seen = node, True

    def _remember(self, words: str) -> None:
        self._story.append((time.time(), words))

    # --- the end

    async def _outcome(self) -> Outcome:
        state = self._loop.state
        left = state.end is End.OVER and self._status in list(tmux.ExitOfAttach)
        self._display.end(state, left=left)
        if left and self._status == tmux.ExitOfAttach.DETACHED and self._companion:
            await (self._parting or self._part(self._companion))
        cause = state.cause or Cause.LOST
        end = state.end or End.FAILED
        story = tuple(self._story)
        return Outcome(
            end, cause, self._status, self._words, state.began, self._again, self._seen, self._alive_wall,
            self._picture, story,
        )  # fmt: skip

    async def _quit(self) -> None:
        await self._end_terminal()
        await self._loop.close()
        if self._companion:
            self._companion.leave()
            await self._companion.left()
