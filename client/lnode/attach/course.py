"""The course of an attach: the target of its next terminal, and the connection that carries it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from lnode.errors import LnodeError
from lnode.laptop.off_loop import in_thread
from lnode.locate import routes
from lnode.locate.address import Address, as_it_is_now
from lnode.reconnect.loop import Loop
from lnode.reconnect.state import Start
from lnode.remote.fields import NodeName
from lnode.ssh import master
from lnode.ssh.link import rung_standby
from lnode.ssh.target import Target


class Course:
    """`target` is the host as you asked for it, or the session's own login node behind it.

    `taken` is the target of the last terminal, which may still be on the way that has been left since. `note` hears the
    story for -v.
    """

    def __init__(self, address: Address, note: Callable[[str], None]) -> None:
        self._asked = self.target = self.taken = address.target
        self._settings, self._note = address.settings, note
        self._looks = False  # True while ssh's configuration is asked

    async def turn_to_owner(self, node: NodeName | None) -> None:
        """Go to the session's own login node; if that is impossible, keep the alias's way."""
        if node is None:
            return
        with suppress(LnodeError):
            self.target = await in_thread(partial(routes.to_owner, self._asked, node, self._settings))
            self._note(f"going to {node}, where the session is")

    def is_straight(self, target: Target) -> bool:
        """True if that target is the host as you asked for it, and as ssh's configuration has it now."""
        return target is self._asked

    def took_present_way(self) -> Target:
        """Return the target that a terminal has really taken: the host as ssh's configuration has it now."""
        if self.is_straight(self.target):
            self.taken = self.target
        return self.taken

    def go_straight(self) -> None:
        """Go the way of the alias again."""
        self.target = self._asked

    async def connection(
        self, start: Start, loop: Loop, rode: master.Identity | None, stands_by: Callable[[], bool]
    ) -> Target:
        """Return the target with the connection that the next terminal takes; the last one `rode` on that master."""
        target, state = self.target, loop.state
        self.taken = target
        if target.standby:
            return target if state.may_ride(loop.now()) and stands_by() else master.without(target)
        if not (start.fresh and rode and rode == master.identity(target)):  # it had none, or there is a new one
            return target
        if state.reached or (not state.blind and await loop.knock() is None):
            await rung_standby.part(target)
            return target
        return master.without(target)  # perhaps only the network is down, and other windows need that connection

    async def look_again(self, loop: Loop) -> bool:
        """Ask ssh's configuration again; return True if the alias leads another way now, as on another network.

        A way whose name nobody can resolve now is none: without a network a `Match exec` or CanonicalizeHostname may
        lead anywhere.
        """
        if self._looks:  # a program of `Match exec` may hang without a network
            return False
        self._looks = True
        before = self._asked
        try:
            now = await in_thread(partial(as_it_is_now, before, self._settings))
            if now is before or self._asked is not before or not await loop.turn_to(now):
                return False
            self.target = self._asked = now
            return True
        except OSError:  # no thread is free
            return False
        finally:
            self._looks = False
