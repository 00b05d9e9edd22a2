"""Tells you once of each agent that waits for you in a session of this host, while you do not look at it."""

import time
from collections.abc import Callable, Sequence

from lnode.attach.waits import Key, Wait, untold, waits_of
from lnode.cluster.sessions import IN_DOUBT, Picture
from lnode.laptop import notify, told
from lnode.laptop.notify import Sound

_DRAWN_AGAIN_S = 45.0  # a dialog that is back within this has not ended: lnode has looked while it was drawn again


class AgentWatch:
    """The waits of a host's agents, over all links of an attach."""

    def __init__(self, alias: str, note: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._alias, self._note, self._clock = alias, note, clock
        self._told: dict[Key, float] = {}  # when it was last known to go on
        self.waits: Sequence[Wait] = ()

    async def see(self, picture: Picture, sound: Sound) -> None:
        """Take in a picture with its agents, and tell what is new. Raises LinkFailed."""
        if picture.tmux in IN_DOUBT:
            return
        self.waits = waits_of(picture)
        self.go_on()
        for wait in untold(self.waits, self._told):
            self._told[wait.key] = self._clock()
            if told.is_mine(*self._words(wait.key)):
                try:
                    await self._tell(wait, sound)
                except BaseException:  # the link is lost: it is told over the next one
                    self._told.pop(wait.key, None)
                    told.forget(*self._words(wait.key))
                    raise

    def go_on(self) -> None:
        """Note that the waits go on, also for other lnodes of this laptop. Forget those that have ended."""
        now = self._clock()
        for key in {wait.key for wait in self.waits} & self._told.keys():
            self._told[key] = now
            told.goes_on(*self._words(key))
        for key in [key for key, at in self._told.items() if now - at > _DRAWN_AGAIN_S]:
            del self._told[key]
            told.has_ended(*self._words(key))

    async def _tell(self, wait: Wait, sound: Sound) -> None:
        self._note(wait.text)
        await notify.show(f"lnode {self._alias}", wait.text, sound)

    def _words(self, key: Key) -> tuple[str, ...]:
        session, dialog = key
        return (self._alias, *map(str, session), dialog)
