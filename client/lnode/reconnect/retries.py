"""One connection after another, for a command that blocks on each: the machine says when the next one is due.

While a connection is open, only its own end counts, which ssh's keepalive tells. Between two connections the loop runs,
and gets the events: the laptop woke, the network is back, sshd answers a knock.
"""

import asyncio
from contextlib import suppress

from lnode.errors import LnodeError
from lnode.reconnect.loop import Loop
from lnode.reconnect.state import Event, Happened, Phase, Start
from lnode.ssh.failures import Cause, SshFailed
from lnode.ssh.target import Target


class Retries:
    """The connections of one command. Call `opened` for each one that works, and `wait` when it is lost."""

    def __init__(self, target: Target) -> None:
        self._runner = asyncio.Runner()
        self._loop = Loop(target, lambda: ())
        self._reached = False
        self._peer: str | None = None

    def opened(self, peer: str | None = None) -> None:
        """Remember that a connection works; `peer` is the address to which ssh has connected, None if unknown."""
        self._peer = peer or self._peer
        self._loop.step(Event(Happened.OPENED, self._loop.now()))

    def toward(self, target: Target) -> Target:
        """Return the target with the kind of address that has answered last, as Loop.toward() does."""
        return self._loop.toward(target)

    def wait(self, error: LnodeError, *, within_s: float = float("inf")) -> None:
        """Return when it is time for the next connection, or after `within_s`.

        Raises `error`, which ended the last one, if the host has answered for too long and let no connection stay.
        """
        self._loop.resume()
        if not self._runner.run(self._wait(error, within_s)):
            raise error

    async def _wait(self, error: LnodeError, within_s: float) -> bool:
        if not self._reached:
            await self._loop.reach()
            self._reached = True
        if self._loop.state.phase is Phase.ATTACHED:
            self._loop.prefer(self._peer)
        self._loop.tell(None, Happened.TERMINAL_ENDED, **self._ending(error))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if within_s == float("inf") else within_s):
                    return await self._due()
            return True
        finally:
            await self._loop.end_knocks()  # which end by themselves only while the loop runs

    def _ending(self, error: LnodeError) -> dict[str, object]:
        """Return the facts of the end for the machine. A failure after the login costs no knock and no budget."""
        if self._loop.state.phase is Phase.ATTACHED:
            return {"cause": Cause.LOST, "began": True}
        if isinstance(error, SshFailed) and error.cause is not Cause.LOST:
            return {"cause": error.cause, "began": False}
        return {"cause": Cause.TIMED_OUT, "began": True}

    async def _due(self) -> bool:
        """Return True when the machine starts a connection, False when it has given up."""
        while self._loop.state.end is None:
            event = await self._loop.next()
            if event and any(isinstance(action, Start) for action in self._loop.step(event)):
                return True
        return False

    def close(self) -> None:
        """End the loop and all tasks beside it."""
        self._runner.run(self._loop.close())
        self._runner.close()
