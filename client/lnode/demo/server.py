"""The cluster's ssh server: asyncssh on a loopback port, in a thread with its own event loop."""

import asyncio
import contextlib
import fcntl
import getpass
import logging
import os
import pty
import signal
import socket
import struct
import sys
import termios
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lnode.demo.state import DemoFolders, environment
from lnode.demo.wire import Wire
from lnode.errors import ExitCode, LnodeError

if TYPE_CHECKING:
    import asyncssh

_START_WITHIN_S = 20.0
_END_WITHIN_S = 5.0

# Makes standard input the controlling terminal, which takes a call between fork and exec. A program of its own
# does it, because Python code there (preexec_fn) may deadlock in a process with threads.
_ON_TERMINAL = """\
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[2:])
"""


@contextmanager
def serving(place: DemoFolders) -> Iterator[int]:
    """Serve until the context ends; yields the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lnode-demo", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any], within_s: float) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(within_s)

    server = _Server(place)
    try:
        try:
            port = run(server.listen(), _START_WITHIN_S)
        except (OSError, TimeoutError) as error:
            raise LnodeError(
                ExitCode.FAILED,
                "the demo's ssh server did not start",
                "remove the demo, and try again: lnode demo --reset",
                detail=str(error),
            ) from error
        yield port
    finally:
        with contextlib.suppress(TimeoutError):
            run(server.close(), _END_WITHIN_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_END_WITHIN_S)
        if not thread.is_alive():
            loop.close()


class _Server:
    """Listens, and remembers the connections so that it can end them."""

    def __init__(self, place: DemoFolders) -> None:
        self.place = place
        self.wire = Wire(self.serve)
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.commands: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        import asyncssh

        logging.getLogger("asyncssh").addHandler(logging.NullHandler())
        self.authorized = asyncssh.read_public_key(str(self.place.client_key.with_suffix(".pub"))).public_data
        return await self.wire.open(self.place.short)

    async def serve(self, sock: socket.socket, ends: str) -> None:
        """Serve one connection until its login is done; it goes on by itself then."""
        import asyncssh

        outer = self

        class Connection(asyncssh.SSHServer):
            """One connection; only the throw-away key opens it, and only for the user who runs the demo."""

            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self.conn = conn
                outer.connections.add(conn)

            def connection_lost(self, exc: Exception | None) -> None:
                outer.connections.discard(self.conn)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == getpass.getuser() and key.public_data == outer.authorized

            def session_requested(self) -> "asyncssh.SSHServerSession[bytes]":
                return _session(outer, ends)

        await asyncssh.run_server(
            sock, server_factory=Connection, server_host_keys=[str(self.place.host_key)],
            public_key_auth=True, password_auth=False, kbdint_auth=False, host_based_auth=False, gss_host=None,
            agent_forwarding=False, x11_forwarding=False, line_editor=False, encoding=None, config=[],
        )  # fmt: skip

    async def close(self) -> None:
        for connection in list(self.connections):
            connection.abort()
        await asyncio.gather(*self.commands, return_exceptions=True)
        await self.wire.close()


def _session(server: _Server, ends: str) -> "asyncssh.SSHServerSession[bytes]":
    import asyncssh

    class Session(asyncssh.SSHServerSession[bytes]):
        """One channel: passes the client's request to a _Command."""

        def __init__(self) -> None:
            self.term: str | None = None
            self.size = (80, 24, 0, 0)
            self.line: str | None = None
            self.command: _Command | None = None

        def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
            self.chan = chan

        def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Any) -> bool:
            self.term, self.size = term_type, term_size
            return True

        def shell_requested(self) -> bool:
            return True

        def exec_requested(self, command: str) -> bool:
            self.line = command
            return True

        def session_started(self) -> None:
            env = environment(server.place) | {"SSH_CONNECTION": ends}
            self.command = _Command(self.chan, env, self.line, self.term, self.size)
            task = asyncio.ensure_future(self.command.run())
            server.commands.add(task)
            task.add_done_callback(server.commands.discard)

        def data_received(self, data: bytes, datatype: Any) -> None:
            if self.command:
                self.command.write(data)

        def eof_received(self) -> bool:
            if self.command:
                self.command.write_eof()
            return True

        def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
            if self.command:
                self.command.resize((width, height, pixwidth, pixheight))

        def signal_received(self, signal: str) -> None:
            if self.command:
                self.command.kill(f"SIG{signal}")

        def pause_writing(self) -> None:
            if self.command:
                self.command.pause()

        def resume_writing(self) -> None:
            if self.command:
                self.command.resume()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.command:
                self.command.hang_up()

    return Session()


class _Input(asyncio.BaseProtocol):
    """The process's standard input; when it is full the channel waits."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self.chan = chan

    def pause_writing(self) -> None:
        self.chan.pause_reading()

    def resume_writing(self) -> None:
        # not at once: the channel would hand over data and end of file while the transport is still in the
        # middle of its own bookkeeping, and asyncio then drops what is left to write
        asyncio.get_running_loop().call_soon(self.chan.resume_reading)


class _Output(asyncio.Protocol):
    """The process's standard output or error; `closed` is set at its end."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", datatype: int | None) -> None:
        self.chan, self.datatype, self.closed = chan, datatype, asyncio.Event()

    def data_received(self, data: bytes) -> None:
        if not self.chan.is_closing():
            self.chan.write(data, self.datatype)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


class _Command:
    """A process on its own pty if the client asked for one, else on pipes, joined to a channel as in sshd(8)."""

    def __init__(
        self, chan: "asyncssh.SSHServerChannel[bytes]", env: dict[str, str], line: str | None, term: str | None,
        size: tuple[int, int, int, int],
    ) -> None:  # fmt: skip
        self.chan, self.env, self.line, self.term, self.size = chan, env, line, term, size
        self.process: asyncio.subprocess.Process | None = None
        self.input: asyncio.WriteTransport | None = None
        self.outputs: list[tuple[asyncio.ReadTransport, _Output]] = []
        self.gone = False
        self.early = bytearray()
        self.ended_input = False

    async def run(self) -> None:
        self.chan.pause_reading()  # until there is a process to read it; what came before is kept in `early`
        try:
            await (self._start_on_pipes() if self.term is None else self._start_on_pty())
            if self.gone:
                self.hang_up()
            status = await self._finished()
        except OSError as error:
            self.chan.write_stderr(f"lnode demo: {error}\n".encode())
            status = 126
        finally:
            self.gone = True
            self._close_pipes()
        if status < 0:
            self.chan.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            self.chan.exit(status)

    def _argv(self) -> list[str]:
        """Return the program, then its argv; without a command it is a login shell."""
        if self.line is None:
            return [self.env["SHELL"], "-" + os.path.basename(self.env["SHELL"])]
        return ["/bin/sh", "sh", "-c", self.line]

    async def _start_on_pipes(self) -> None:
        theirs, ours = zip(os.pipe(), os.pipe()[::-1], os.pipe()[::-1], strict=True)
        program, *argv = self._argv()
        await self._spawn(argv, program, theirs)
        await self._join(ours[0], [(ours[1], None), (ours[2], 1)])

    async def _start_on_pty(self) -> None:
        master, slave = pty.openpty()
        self.env["TERM"] = self.term or "dumb"
        argv = [sys.executable, "-I", "-S", "-c", _ON_TERMINAL, *self._argv()]
        self.master_fd = master
        self.resize(self.size)
        await self._spawn(argv, sys.executable, (slave, slave, slave))
        await self._join(os.dup(master), [(master, None)])

    async def _spawn(self, argv: list[str], program: str, theirs: tuple[int, ...]) -> None:
        try:
            self.process = await asyncio.create_subprocess_exec(
                *argv, executable=program, stdin=theirs[0], stdout=theirs[1], stderr=theirs[2],
                env=self.env, cwd=self.env["HOME"], start_new_session=True,
            )  # fmt: skip
        finally:
            for fd in set(theirs):
                os.close(fd)

    async def _join(self, write_to: int, read_from: list[tuple[int, int | None]]) -> None:
        loop = asyncio.get_running_loop()
        self.input, _ = await loop.connect_write_pipe(lambda: _Input(self.chan), os.fdopen(write_to, "wb", 0))
        self.input.write(bytes(self.early))
        for fd, datatype in read_from:
            self.outputs.append(
                await loop.connect_read_pipe(partial(_Output, self.chan, datatype), os.fdopen(fd, "rb", 0))
            )
        self.chan.resume_reading()
        if self.ended_input:
            self.write_eof()

    async def _finished(self) -> int:
        """Wait until all output is passed on. Return the exit status, negative for a signal."""
        assert self.process is not None  # noqa: S101
        status = await self.process.wait()
        for _, output in self.outputs:
            await output.closed.wait()
        return status

    def _close_pipes(self) -> None:
        for transport in (self.input, *(t for t, _ in self.outputs)):
            if transport:
                transport.close()

    def write(self, data: bytes) -> None:
        if self.input:
            self.input.write(data)
        else:
            self.early += data

    def write_eof(self) -> None:
        """Close a pipe at the end of input; a terminal stays open, as with sshd."""
        self.ended_input = True
        if self.input and self.term is None:
            self.input.close()

    def resize(self, size: tuple[int, int, int, int]) -> None:
        columns, rows, width, height = size
        if self.term is not None and not self.gone:
            fcntl.ioctl(self.master_fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, width, height))

    def kill(self, name: str) -> None:
        number = getattr(signal, name, None)
        if number and self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
                os.killpg(self.process.pid, number)

    def pause(self) -> None:
        for transport, _ in self.outputs:
            transport.pause_reading()

    def resume(self) -> None:
        for transport, _ in self.outputs:
            transport.resume_reading()

    def hang_up(self) -> None:
        """Send SIGHUP after the client has gone, and end input and output."""
        self.gone = True
        self.kill("SIGHUP")
        self._close_pipes()
