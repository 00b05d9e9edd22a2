"""The ssh that brings a run's log in frames."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from lnode.runs.log_frames import Chunks, Frame
from lnode.ssh import brisk, failures, master
from lnode.ssh.host_label import HostLabel
from lnode.ssh.log import SshLog
from lnode.ssh.login_watch import LoginWatch
from lnode.ssh.question import argv_of
from lnode.ssh.said import Said
from lnode.ssh.target import Target

_CHUNK = 1 << 16
_LEFT_S = 0.2  # for the last bytes of an ssh that has ended
_OBEYS_WITHIN_S = 1.0


class Tail:
    """An ssh that brings frames. `begun`: its line runs; `heard`: a frame came; `rides`: over a live master."""

    def __init__(self, target: Target, nonce: str, line: str, *, may_ask: bool, fresh: bool) -> None:
        self.may_ask, self.heard, self.begun = may_ask, False, False
        self.watch = LoginWatch(target.place, may_ask=may_ask)
        self.rides: bool | None = None
        self.may_ride = not fresh and master.may_ride(target)
        self.reading: asyncio.Task[None] | None = None
        self._chunks = Chunks(nonce)
        self.argv, self._environment = argv_of(target, line, may_prompt=may_ask, fresh=fresh)
        self._log = SshLog(asks=may_ask)
        self._ssh: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        self._log.__enter__()
        # No pipe of asyncio's: if this ssh becomes a master, it holds the pipe open, and the end would never come.
        ours, theirs = socket.socketpair()
        argv = self._log.argv(self.argv)
        with theirs:
            self._reader, self._writer = await asyncio.open_connection(sock=ours)
            self._ssh = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=theirs.fileno(), stderr=self._log.fileno(),
                env=self._environment, start_new_session=not self.may_ask,
            )  # fmt: skip
            if not self.may_ride:
                brisk.hurry(self._ssh.pid)

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield the frames until the ssh ends. Raises Torn."""
        ended = asyncio.create_task(self.wait())
        try:
            while data := await self._next(ended):
                for frame in self._chunks.feed(data):
                    yield frame
        finally:
            ended.cancel()

    async def _next(self, ended: "asyncio.Task[int]") -> bytes:
        """Return the next bytes, b"" after the end of the ssh: a silent master keeps the descriptor open."""
        reading = asyncio.create_task(self._reader.read(_CHUNK))
        await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((reading,), timeout=_LEFT_S)
        if not reading.done():
            reading.cancel()
            return b""
        return reading.result()

    async def wait(self) -> int:
        return -1 if self._ssh is None else await self._ssh.wait()

    def end(self) -> None:
        if self._ssh and self._ssh.returncode is None:
            with suppress(ProcessLookupError):
                self._ssh.terminate()

    def said(self) -> Said:
        return self._log.said()

    def counts(self, place: HostLabel) -> bool:
        """True if the time counts: not while ssh may wait for you."""
        return not self.may_ask or bool(self.rides) or failures.signed_in(self.said(), place) is not None

    async def close(self) -> None:
        if self.reading and self.reading is not asyncio.current_task():
            self.reading.cancel()
        self.end()
        try:
            async with asyncio.timeout(_OBEYS_WITHIN_S):
                await self.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                if self._ssh:
                    self._ssh.kill()
            await self.wait()
        if self._writer:
            self._writer.close()
        self._log.__exit__(None, None, None)
