"""The heartbeat: a remote `cat` that returns each token, and the time since it last did.

A token goes out at every beat. Only a whole one that comes back is a sign of life: the login shell's rc files may
print before it, and the host is not trusted to be quiet. The first token is in the line itself, which says it before
anything else. Until then nothing is sent: if a program has taken the login shell's place, it would read the tokens.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from lnode.remote import call
from lnode.remote.reply import MAX_BYTES
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed, Pipe

# The same to every login shell, and no alias of cat's. It says the first token.
_ECHO = "exec /bin/sh -c 'echo; echo \"$0\"; exec cat -u' {}"
_LAST_LOOK_S = 0.1  # of late_s
DOUBT_S = 1.0  # before it is late, there is a doubt
BLIND_S = 1.5  # before a token or probe went out the silence may have begun; before that nobody knows


async def beat(
    link: Link,
    *,
    every_s: Callable[[], float],
    late_s: float,
    on_beat: Callable[[], None],
    on_late: Callable[[float], Awaitable[None]],
    ask: asyncio.Event,
    on_doubt: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Tell of every beat, and once of each that is late, with the seconds since the last sign of life.

    `every_s()` is asked for each beat. A silence is not taken for older than its token, as far as that is possible.
    `on_doubt` is told a second before a beat is late.
    The first is never late: until the line runs, silence is the login shell's, which reads its rc files. After a late
    one nothing is sent until its echo is back. `ask` is taken back, and asks anew at once, whatever is on its way:
    what comes next, a beat or a late one, is the answer to it. Until cancelled. Raises LinkFailed when the link is
    lost, the `cat` ends, or `on_late` gives the link up.
    """
    loop = asyncio.get_running_loop()
    echo = _Echo()
    carrying = asyncio.create_task(echo.carry(link))
    asked = asyncio.create_task(ask.wait())
    try:
        await _first(carrying, echo.back)
        alive = loop.time()
        on_beat()
        await _first(carrying, asked, within_s=every_s())
        while True:
            if ask.is_set():
                ask.clear()
                asked.cancel()
                asked = asyncio.create_task(ask.wait())
            sent, back = loop.time(), echo.send()
            # In two parts: when this process has been stopped for long, both the deadline and the echo are there at
            # once, and the echo may still have to pass a master or a thread.
            doubt_s = max(0.0, late_s - DOUBT_S)
            await _first(carrying, asked, back, within_s=doubt_s)
            if not ask.is_set() and not back.done():
                on_doubt()
            for part_s in (late_s - doubt_s - _LAST_LOOK_S, _LAST_LOOK_S):
                await _first(carrying, asked, back, within_s=part_s)
            if not ask.is_set() and not back.done():
                await on_late(loop.time() - max(alive, sent - BLIND_S))
                await _first(carrying, asked, back)
            if not ask.is_set():
                alive = loop.time()
                on_beat()
                await _first(carrying, asked, within_s=sent + every_s() - alive)
    finally:
        asked.cancel()
        carrying.cancel()
        await asyncio.gather(asked, carrying, return_exceptions=True)


async def _first(carrying: asyncio.Task[NoReturn], *events: asyncio.Future[Any], within_s: float | None = None) -> None:
    """Wait for one of the events. Raises LinkFailed when the echo is no longer carried."""
    await asyncio.wait((carrying, *events), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    if carrying.done():
        carrying.result()


class _Echo:
    """The newest token, on its way there and back; `back` is done when it is back. The first one is in the line."""

    def __init__(self) -> None:
        self._unsent = asyncio.Event()
        self._renew()

    def _renew(self) -> None:
        self._token = f"{call.nonce()}\n".encode()
        self.back: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self) -> asyncio.Future[None]:
        """Send a new token as soon as the wire accepts it; the future is done when it is back."""
        self._renew()
        self._unsent.set()
        return self.back

    async def carry(self, link: Link) -> NoReturn:
        pipe = await link.start(_ECHO.format(self._token.decode().strip()))
        writing = asyncio.create_task(self._write(pipe))
        try:
            await self._read(pipe)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)  # why it could not write, reading tells too
            await pipe.close()

    async def _write(self, pipe: Pipe) -> NoReturn:
        while True:
            await self._unsent.wait()
            self._unsent.clear()
            await pipe.write(self._token)

    async def _read(self, pipe: Pipe) -> NoReturn:
        tail, noise = b"", 0
        while data := await pipe.read():
            tail += data
            noise += len(data)
            if self._token in tail and not self.back.done():
                self.back.set_result(None)
                noise = 0
            if noise > MAX_BYTES:  # more than rc files print; without an end it would keep this laptop busy
                raise LinkFailed(Cause.LOST, "the echo is no echo")
            tail = tail[-len(self._token) :]
        raise LinkFailed(Cause.LOST, "the echo has ended")
