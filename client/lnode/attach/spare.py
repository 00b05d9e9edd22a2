"""The next terminal of an attach, and a spare beside one on the standby, for the case that the standby is dead.

sshd may have ended it in the silence (ClientAliveInterval), a NAT may have forgotten it, or the host's TCP may be
waiting until it sends again. The spare's ssh goes as far as the exchange of keys, and is stopped there until it is
taken: it has signed in nowhere, and has touched no tty.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from lnode.attach.terminal import Terminal
from lnode.laptop.off_loop import in_thread
from lnode.reconnect.loop import Loop
from lnode.reconnect.state import Start
from lnode.ssh import failures, master, prompts
from lnode.ssh.target import Target

_AFTER_S = 10.0  # of silence: a standby that has just been alive needs none beside it
_LEAST_S = 0.03  # of a round trip: on a faster way it saves nothing, and could not be stopped in time
_FINDS_S = 3.0  # by then it has found no way
_LOOK_S = 0.02


class Spare:
    """At most one. `note` hears the story for -v. Belongs to one event loop."""

    def __init__(self, loop: Loop, note: Callable[[str], None]) -> None:
        self._loop, self._note = loop, note
        self._rider: Terminal | None = None  # the terminal on the standby
        self._terminal: Terminal | None = None  # the spare
        self._target: Target | None = None  # that of the spare
        self._began_at, self._is_ready = 0.0, False

    async def start(self, start: Start, target: Target, line: str) -> Terminal:
        """Return the next terminal, which has started, or take the spare if that is one like it. Raises OSError."""
        goes_again = not (start.asks or start.creates)
        rides = target.standby and master.identity(target) is not None
        if goes_again and not rides and (spare := self._take(master.without(target))):
            return spare
        self.drop()
        # In a thread, because Terminal opens the keychain first.
        made = partial(Terminal, target, line, silent=not start.asks, fresh=start.fresh, again=not start.creates)
        terminal = await in_thread(made)
        terminal.__enter__()
        if goes_again and rides and terminal.may_ride and self._is_worth_it(target):
            self._rider = terminal
            self._loop.beside.start(self._begin(terminal, master.without(target), line))
        return terminal

    def _is_worth_it(self, target: Target) -> bool:
        """True if the standby may be dead. Of several windows that come back at once, one alone tries."""
        loop = self._loop
        is_likely = loop.state.silence(loop.now()) >= _AFTER_S and "remoteforward" not in target.options
        return is_likely and loop.led and loop.round_trip_s() >= _LEAST_S and prompts.tells(target)

    async def _begin(self, rider: Terminal, target: Target, line: str) -> None:
        try:
            spare = await in_thread(partial(Terminal, target, line, silent=True, again=True))
            if self._rider is not rider:
                return
            self._terminal, self._target = spare.__enter__(), target
        except OSError:  # no memory, no free file: the rider goes on alone
            return
        self._began_at, self._is_ready = time.monotonic(), False
        while self._terminal is spare:
            said = spare.said()
            if failures.signed_in(said, target.place):  # on a very busy laptop
                self.drop()
            elif failures.came_to_login(said):
                self._is_ready = True
                spare.hold()  # once more, if something has let it go on
            await asyncio.sleep(_LOOK_S)

    def _take(self, target: Target) -> Terminal | None:
        spare, is_young = self._terminal, time.monotonic() - self._began_at < _FINDS_S
        if spare and spare.runs() and target == self._target and (self._is_ready or is_young):
            self._rider = self._terminal = None
            spare.release()
            self._note("the standby is silent: a login that has begun beside it goes on")
            return spare
        return None

    def drop(self) -> None:
        """End it: a terminal has logged in, or there is to be none now, or the laptop has moved."""
        spare, self._rider, self._terminal = self._terminal, None, None
        if spare:
            spare.end()
            with suppress(OSError):  # no thread is free: it ends with lnode
                in_thread(lambda: spare.__exit__(None, None, None))
