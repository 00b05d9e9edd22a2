"""Child processes that cannot ask you anything, and that lnode always ends."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lnode.ssh import prompts
from lnode.ssh.link.contract import MAX_OUTPUT, too_long

_GRACE_S = 1.0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a child; `status` is negative for a signal, as in subprocess."""

    stdout: bytes
    stderr: bytes
    status: int


class _Readable(Protocol):
    async def read(self, n: int = -1, /) -> bytes: ...


class Stream(NamedTuple):
    """Both ends of a stream. Close the child's end after its start, or the stream never ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    childs: socket.socket


@asynccontextmanager
async def stream() -> AsyncIterator[Stream]:
    """Yield a stream that closes with the block.

    A pipe of asyncio stays open, and wait() does not return, while any process holds the pipe's other end. A master
    without a network does not release the descriptors that it got.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            yield Stream(reader, writer, theirs)
        finally:
            writer.close()


async def run(argv: Sequence[str]) -> Done:
    """Run a child to its end without input. If cancelled, it ends the child first.

    Raises LinkFailed if its output is too long.
    """
    async with stream() as out, stream() as err:
        child = await start(
            argv, stdin=asyncio.subprocess.DEVNULL, stdout=out.childs.fileno(), stderr=err.childs.fileno()
        )
        out.childs.close()
        err.childs.close()
        try:
            stdout, stderr = await asyncio.gather(read_capped(out.reader), read_capped(err.reader))
            return Done(stdout, stderr, await child.wait())
        finally:
            await end(child)


async def start(argv: Sequence[str], *, stdin: int, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    """Start a child in its own session: without a terminal it cannot prompt, and gets no Ctrl-C meant for lnode."""
    return await asyncio.create_subprocess_exec(
        *argv, stdin=stdin, stdout=stdout, stderr=stderr, env=prompts.environment(), start_new_session=True
    )


async def end(child: asyncio.subprocess.Process) -> None:
    """End a child and its process group: SIGTERM, so that ssh ends its jump processes, then SIGKILL."""
    if child.returncode is not None:
        return
    _signal_group(child, signal.SIGTERM)
    try:
        async with asyncio.timeout(_GRACE_S):
            await child.wait()
    except TimeoutError:
        _signal_group(child, signal.SIGKILL)
        await child.wait()


def _signal_group(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(child.pid, number)


async def read_capped(source: _Readable) -> bytes:
    """Read to the end. Raises LinkFailed at more than MAX_OUTPUT bytes; then the caller ends the writer."""
    kept = bytearray()
    while chunk := await source.read(_CHUNK):
        kept += chunk
        if len(kept) > MAX_OUTPUT:
            raise too_long()
    return bytes(kept)
