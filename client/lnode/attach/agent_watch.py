"""Tells you once of each agent that waits for you in a session of this host, while you do not look at it."""

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from lnode.attach.waits import Wait, told_then, untold, waits_of
from lnode.cluster.sessions import IN_DOUBT, Picture
from lnode.cluster.tmux_answers import Birth
from lnode.laptop import notify, told
from lnode.laptop.off_loop import in_thread

Sound = Callable[[str], Awaitable[object]]
"""Sends a sequence to this attach's own terminal."""


class AgentWatch:
    """The waits of a host's agents, over all links of an attach."""

    def __init__(self, alias: str, note: Callable[[str], None]) -> None:
        self._alias, self._note = alias, note
        self._told: dict[Birth, str] = {}
        self.waits: Sequence[Wait] = ()

    async def see(self, picture: Picture, sound: Sound) -> None:
        """Take in a picture with its agents, and tell what is new. Raises LinkFailed."""
        if picture.tmux in IN_DOUBT:
            return
        self.waits = waits_of(picture)
        for session, dialog in self._told.items():
            if not any(wait.session == session and wait.dialog == dialog for wait in self.waits):
                told.has_ended(*self._key(session, dialog))
        telling = untold(self.waits, self._told)
        self._told = told_then(self.waits, self._told, telling)
        for wait in self.waits:
            if wait not in telling and wait.session in self._told:
                told.goes_on(*self._key(wait.session, wait.dialog))
        for wait in telling:
            if told.is_mine(*self._key(wait.session, wait.dialog)):
                await self._tell(wait, sound)

    async def _tell(self, wait: Wait, sound: Sound) -> None:
        self._note(wait.text)
        words = (f"lnode {self._alias}", wait.text)
        if not await in_thread(partial(notify.send, *words)):
            await sound(notify.for_terminal(*words, os.environ))

    def _key(self, session: Birth, dialog: str) -> tuple[str, ...]:
        return (self._alias, *map(str, session), dialog)
