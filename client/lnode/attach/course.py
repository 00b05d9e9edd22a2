"""The course of an attach: the target of its next terminal."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from lnode.errors import LnodeError
from lnode.laptop.off_loop import in_thread
from lnode.locate import routes
from lnode.locate.address import Address, as_it_is_now
from lnode.remote.fields import NodeName
from lnode.ssh.target import Target


class Course:
    """`target` is the host as you asked for it, or the session's own login node behind it.

    `note` hears the story for -v.
    """

    def __init__(self, address: Address, note: Callable[[str], None]) -> None:
        self._asked = self.target = address.target
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

    def go_straight(self) -> None:
        """Go the way of the alias again."""
        self.target = self._asked

    async def look_again(self) -> bool:
        """Ask ssh's configuration again; return True if the alias leads another way now, as on another network."""
        if self._looks:  # a program of `Match exec` may hang without a network
            return False
        self._looks = True
        before = self._asked
        now = await in_thread(partial(self._look, before))
        if now is before or self._asked is not before:
            return False
        self.target = self._asked = now
        return True

    def _look(self, before: Target) -> Target:
        try:
            return as_it_is_now(before, self._settings)
        finally:
            self._looks = False
