"""A terminal and the standby of its host: does it ride on that, and when is it left alone there."""

import asyncio

from lnode.ssh import master
from lnode.ssh.link import rung_standby
from lnode.ssh.link.contract import Link
from lnode.ssh.link.ladder import open_link
from lnode.ssh.target import Target

_OWN_AFTER_S = 30.0  # a login that a short visit does not need


class Standby:
    """`rode` is the master that the terminal uses, None for a connection of its own."""

    def __init__(self, target: Target, rode: master.Identity | None) -> None:
        self._target, self._rode = target, rode

    def is_terminals(self) -> bool:
        """True if the present master is the terminal's connection, too."""
        return not self._target.standby or (self._rode is not None and self._rode == master.identity(self._target))

    async def part(self, heard: asyncio.Event) -> Link:
        """Leave the master to its terminals after a while, and open another one for what follows.

        Not in a silence. Raises LinkFailed.
        """
        await asyncio.sleep(_OWN_AFTER_S)
        await heard.wait()
        if self.is_terminals():
            await rung_standby.stop(self._target)
        return await open_link(self._target)
