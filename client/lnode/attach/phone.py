"""Messages for your phone: lets the login node of a session send them, also after the laptop has gone (phone.sh)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

from lnode.attach.scripts import Scripts
from lnode.ssh.link.contract import Link
from lnode.ssh.link.framed import replies

_WITHIN_S = 60.0
NO_POSTER = "push is set, but {alias} has neither curl nor GNU wget: your phone gets no message"
_ON_NODE = "push is set, but this session is on its node: your phone gets no message about it"
UNWRITABLE = "push is set, but lnode cannot write to your home on {alias}: your phone gets no message"

Begin = Callable[[Link], Awaitable[str]]
"""Starts the watcher, unless it runs. Returns a sentence about what keeps it from sending, "" if nothing does."""


def beginning(scripts: Scripts) -> Begin | None:
    """Return the function that lets the host begin; None if no `push` is set."""
    return partial(_begin, scripts=scripts) if scripts.address.settings.push else None


async def _begin(link: Link, *, scripts: Scripts) -> str:
    """Start the watcher, and return why it cannot send, "" if it can. Raises LinkFailed.

    The URL goes over standard input, because ps shows arguments to all users of the host.
    """
    address = scripts.address
    async with (
        asyncio.timeout(_WITHIN_S),
        aclosing(replies(link, scripts.phone, f"{address.settings.push}\n-\n")) as told,
    ):
        async for reply in told:
            if "no-poster" in reply:
                return NO_POSTER.format(alias=address.alias)
            if "no-session" in reply:
                return _ON_NODE
            if "unwritable" in reply:
                return UNWRITABLE.format(alias=address.alias)
    return ""
