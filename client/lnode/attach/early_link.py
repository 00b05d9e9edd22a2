"""A link from before its terminal, for a host on which the lost terminal still holds forwarded ports."""

import asyncio
from collections.abc import Callable

from lnode.remote import call
from lnode.ssh import master
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.framed import framed
from lnode.ssh.link.ladder import open_link
from lnode.ssh.target import Target

_FREE_WITHIN_S = 6.0  # the terminal waits for it


class EarlyLink:
    """A link from before its terminal. It ends the connection of the lost one, whose sshd still holds its ports."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._has_freed = False  # the ports of the terminal that was lost last

    async def free_ports(self, target: Target, client: Callable[[str, str, int], str]) -> None:
        """Let the host give up the ports of the lost terminal before the next one asks for them again.

        Once for each lost terminal, and only if it had ports and a connection of its own. Without a link a port may
        stay taken.
        """
        await self.drop()
        rides = target.one("controlpath") or (master.identity(target) and not target.standby)
        if rides or "remoteforward" not in target.options or self._has_freed:
            return
        nonce = call.nonce()
        try:
            async with asyncio.timeout(_FREE_WITHIN_S):
                self._link = await open_link(target)
                await framed(self._link, nonce, client(nonce, "free", 0), _FREE_WITHIN_S)
                self._has_freed = True
        except (TimeoutError, LinkFailed):
            await self.drop()

    def take(self) -> Link | None:
        """Return the link, which is that of a new terminal from now on."""
        link, self._link, self._has_freed = self._link, None, False
        return link

    async def drop(self) -> None:
        """Close it."""
        link, self._link = self._link, None
        if link:
            await link.close()
