"""The moment at which ssh gives the tty back: a sharing ssh that is done stays while the link uses its connection."""

import asyncio
from collections.abc import Callable

from lnode.attach.side_link import Companion
from lnode.attach.tty import Tty
from lnode.cluster.sessions import Picture
from lnode.laptop.tasks import Beside


class Parting:
    """Closes the link once ssh has given the tty back; `picture` is what the link has seen last."""

    def __init__(self, tty: Tty, beside: Beside, look: Callable[[str], str]) -> None:
        self._tty, self._beside, self._look = tty, beside, look
        self.picture: Picture | None = None
        self.begin()

    def begin(self) -> None:
        """Take another terminal, or one that has stopped itself: it has given the tty back for a while."""
        self._raw = False  # True once ssh has had the tty in its modes
        self._parting: asyncio.Task[None] | None = None

    def feel(self, companion: Companion | None, *, shared: bool) -> None:
        """Close the link if ssh has given the tty back. `shared`: the terminal's connection is the link's too."""
        raw = self._tty.is_raw()
        if self._raw and not raw and shared and companion and not self._parting:
            self._parting = self._beside.start(self._part(companion))
        self._raw = self._raw or raw

    async def finish(self, companion: Companion) -> None:
        """Wait until the link is closed."""
        await (self._parting or self._part(companion))

    async def _part(self, companion: Companion) -> None:
        self.picture = await companion.look(self._look)
        companion.leave()
