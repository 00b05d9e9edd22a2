"""The wire between the laptop and the demo's ssh server: a relay that `lnode demo --drop 10` can silence.

A silent wire is a dead WiFi: connections stay open, new ones open, and no byte passes until the silence is over. Then
all that was held arrives.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from lnode.demo.drop import SOCKETS, parse_seconds

_CHUNK = 1 << 16
_NOTICE_S = 0.3  # the words of the program that asked for the cut travel over the wire, too
_ASK_WITHIN_S = 5.0

Serve = Callable[[socket.socket, str], Awaitable[object]]
"""Serve a connection; the text is SSH_CONNECTION as in sshd(8): client address and port, server address and port."""


class Wire:
    """Carries connections from `port` of 127.0.0.1, chosen at the start, to a server in the same event loop."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._silence: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, folder: Path) -> int:
        """Carry connections; listen in `folder` for the words of `drop`. Return the port."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        port = int(self._listener.getsockname()[1])
        self._path = folder / f"{SOCKETS}{os.getpid()}-{port}"
        self._asked = await asyncio.start_unix_server(self._answer, self._path)
        self._begin(self._accept())
        return port

    async def close(self) -> None:
        self._asked.close()
        self._path.unlink(missing_ok=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    def silence(self, seconds: float) -> None:
        """Let nothing pass for so long, from now on."""
        if self._silence is not None:
            self._silence.cancel()
        self._flowing.clear()
        self._silence = asyncio.get_running_loop().call_later(seconds, self._flowing.set)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the number of seconds from `drop`, and return it as the answer."""
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            seconds = parse_seconds((await asyncio.wait_for(reader.readline(), _ASK_WITHIN_S)).decode())
            asyncio.get_running_loop().call_later(_NOTICE_S, self.silence, seconds)
            writer.write(b"%d\n" % seconds)
            await writer.drain()
        writer.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        while True:
            client, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self._begin(self._carry(client))

    async def _carry(self, client: socket.socket) -> None:
        """Carry one connection to its end. A cut holds back its end, too."""
        ours, servers = socket.socketpair()
        with client, ours, contextlib.suppress(OSError):
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ours.setblocking(False)
            self._begin(self._served(servers, _ends(client)))
            await asyncio.gather(self._pass(client, ours), self._pass(ours, client))

    async def _served(self, servers: socket.socket, ends: str) -> None:
        with contextlib.suppress(Exception):  # of a client that went before it was let in
            await self._serve(servers, ends)

    async def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        chunk = b"?"
        while chunk:
            with contextlib.suppress(ConnectionResetError):
                chunk = await loop.sock_recv(source, _CHUNK)
            await self._flowing.wait()
            await loop.sock_sendall(sink, chunk)
        sink.shutdown(socket.SHUT_WR)


def _ends(client: socket.socket) -> str:
    (there, there_port), (here, here_port) = client.getpeername(), client.getsockname()
    return f"{there} {there_port} {here} {here_port}"
