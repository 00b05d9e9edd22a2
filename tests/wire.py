"""A network between laptop and cluster, for tests: a TCP relay on 127.0.0.1 that is slow or fails on demand.

It runs in user space, so it needs neither root nor netem. What it has taken in it has acknowledged: during a silence
only an application's keepalive notices, as behind a real hole in the network.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

_CHUNK = 1 << 16
_IN_FLIGHT = 256  # chunks each way: 16 MiB in 25 ms are no limit, and a frozen wire does not eat the memory
_CALL_WITHIN_S = 60.0
_BACKLOG = 128
_LOOK_S = 0.05  # at what a middlebox holds
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on and zero: close() sends RST (socket(7))

_Chunks = asyncio.Queue[tuple[float, bytes]]


class Wire:
    """A wire from `port` on 127.0.0.1, chosen anew, to `to_port`; it carries while the block lasts.

    `delay_s` is the delay one way, so a round trip takes twice as long. It may be changed at any time, `to_port` for
    new connections. Throughput is not limited. A new connection costs its TCP handshake: the client is heard after one
    round trip, the server asked after one and a half. `dials` counts the connections that were made to the wire.
    With `waits_for_words` a middlebox holds each new connection until the client has spoken, as ssh does and a knock
    does not.
    """

    def __init__(self, to_port: int, *, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.dials = 0
        self.waits_for_words = False
        self.to_port = to_port
        self._listener: socket.socket | None = None
        self._plug: socket.socket | None = None
        self._connections: dict[asyncio.Task[None], list[socket.socket]] = {}
        self._stranded: list[socket.socket] = []  # kept open, nobody reads them
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._flowing = asyncio.Event()
        self._flowing.set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._refuse())
        self._call(self._end_all(by_reset=False))
        for sock in self._stranded:
            sock.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def carries(self) -> int:
        """How many connections it carries now, the silent ones of freeze() among them, those of cut() not."""
        return len(self._connections)

    def freeze(self) -> None:
        """Silence until heal(): nothing passes, nothing is lost. On Linux new connections get no answer either."""
        self._call(self._freeze())

    def cut(self) -> None:
        """Silence for good on the connections there are; new ones pass: the NAT on the way lost its table."""
        self._call(self._cut())

    def hang_up(self) -> None:
        """End every connection as a closing peer does (FIN). New ones pass."""
        self._call(self._end_all(by_reset=False))

    def reset(self) -> None:
        """Reset every connection on both sides (RST). New ones pass."""
        self._call(self._end_all(by_reset=True))

    def refuse(self) -> None:
        """Refuse new connections until heal(); those there are live on."""
        self._call(self._refuse())

    def heal(self) -> None:
        """Undo freeze() and refuse(). Whatever was held arrives now."""
        self._call(self._heal())

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_WITHIN_S)

    async def _start(self) -> None:
        listener = _listen(0)
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self._pass_on(listener)

    def _pass_on(self, listener: socket.socket) -> None:
        self._flowing.set()
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        client, address = listener.accept()
        if self._plug is not None and address == self._plug.getsockname():
            client.close()
            self._unplug()
            return
        self.dials += 1
        sockets = [_prompt(client)]
        connection = self._loop.create_task(self._carry(client, sockets))
        self._connections[connection] = sockets
        connection.add_done_callback(self._connections.pop)

    async def _carry(self, client: socket.socket, sockets: list[socket.socket]) -> None:
        """One connection from its handshake to its end. Its sockets are closed but by _cut()."""
        there, back = _Chunks(_IN_FLIGHT), _Chunks(_IN_FLIGHT)
        try:
            async with asyncio.TaskGroup() as ways:
                await asyncio.sleep(2 * self.delay_s)  # SYN and SYN-ACK: the client could not have sent before
                ways.create_task(self._take(client, there))
                await asyncio.sleep(self.delay_s)  # its ACK: the server accepts
                await self._flowing.wait()
                while self.waits_for_words and there.empty():
                    await asyncio.sleep(_LOOK_S)
                server = _prompt(socket.socket())
                sockets.append(server)
                await self._loop.sock_connect(server, ("127.0.0.1", self.to_port))
                ways.create_task(self._take(server, back))
                ways.create_task(self._give(there, server))
                ways.create_task(self._give(back, client))
        except* OSError:
            _close(sockets, by_reset=True)  # one side reset the connection, or refused it
        else:
            _close(sockets, by_reset=False)

    async def _take(self, source: socket.socket, chunks: _Chunks) -> None:
        chunk = b"?"
        while chunk:  # an empty chunk is the end of this way, and arrives as late as any other
            chunk = await self._loop.sock_recv(source, _CHUNK)
            await chunks.put((self._loop.time() + self.delay_s, chunk))

    async def _give(self, chunks: _Chunks, sink: socket.socket) -> None:
        while True:
            due, chunk = await chunks.get()
            await asyncio.sleep(due - self._loop.time())
            await self._flowing.wait()
            if not chunk:
                sink.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(sink, chunk)

    async def _freeze(self) -> None:
        self._flowing.clear()
        if self._listener is None:  # refusing, which is an answer
            return
        self._loop.remove_reader(self._listener)
        # Linux drops a SYN while the queue of accepted connections is full; listen(0) has room for one, the plug.
        self._listener.listen(0)
        if self._plug is None:
            self._plug = socket.socket()
            self._plug.setblocking(False)
            self._plug.connect_ex(self._listener.getsockname())

    def _unplug(self) -> None:
        if self._plug is not None:
            self._plug.close()
            self._plug = None

    async def _refuse(self) -> None:
        if self._listener is None:
            return
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        self._unplug()

    async def _heal(self) -> None:
        if self._listener is None:
            self._listener = _listen(self.port)
        self._listener.listen(_BACKLOG)
        self._pass_on(self._listener)

    async def _cut(self) -> None:
        for sockets in await self._let_go():
            self._stranded += sockets

    async def _end_all(self, *, by_reset: bool) -> None:
        for sockets in await self._let_go():
            _close(sockets, by_reset=by_reset)

    async def _let_go(self) -> list[list[socket.socket]]:
        """Stop carrying; the sockets of each connection, still open."""
        held = list(self._connections.values())
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return held


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


def _prompt(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _close(sockets: list[socket.socket], *, by_reset: bool) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            if by_reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        sock.close()
