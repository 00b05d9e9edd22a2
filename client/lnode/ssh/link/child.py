"""Child processes that can ask nobody anything and are always ended."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lnode.ssh import prompts
from lnode.ssh.link.ladder import MAX_OUTPUT, too_long

_GRACE_S = 1.0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Done:
    """What a child left; `status` is negative for a signal, as subprocess has it."""

    stdout: bytes
    stderr: bytes
    status: int


class _Readable(Protocol):
    async def read(self, n: int = -1, /) -> bytes: ...


class Stream(NamedTuple):
    """Our end of a byte stream, and the child's; that is closed once the child has it, or the stream never ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    childs: socket.socket


@asynccontextmanager
async def stream() -> AsyncIterator[Stream]:
    """A stream that closes with the block.

    A pipe of asyncio's stays open, and the child's wait() waiting, while anybody holds its other end; and a master
    whose network is gone holds what it was handed.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            yield Stream(reader, writer, theirs)
        finally:
            writer.close()


async def run(argv: Sequence[str]) -> Done:
    """Run a child to its end without input. Cancelled, it ends the child first.

    Raises LinkFailed where its output has no end.
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
    """Start a child in a session of its own: without a terminal no prompt, and no Ctrl-C meant for lnode."""
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
    """Read to the end. Raises LinkFailed at more than MAX_OUTPUT bytes; whoever called ends the writer."""
    kept = bytearray()
    while chunk := await source.read(_CHUNK):
        kept += chunk
        if len(kept) > MAX_OUTPUT:
            raise too_long()
    return bytes(kept)
