"""An sshd inside the test's own event loop, and the throw-away site around it: keys, known_hosts, ssh_config.

Sessions run their command with `/bin/sh -c`, as a login shell of a cluster would.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh

from lnode.ssh.target import Resolving, Target

DEADLINE_S = 60.0


class Sshd:
    """A listening server that counts what a site would log, and can die at once."""

    rc = ":"  # sh that the login shell reads before its command

    def __init__(self, host_key: asyncssh.SSHKey, *, refuse: bool = False) -> None:
        self.host_key = host_key
        self.accepts: set[bytes] | None = None  # public keys; any where None
        self.seen: list[tuple[object, ...]] = []  # users, the keys that they offered, and where they went on to
        self.port = 0
        self.connections = 0
        self.logins = 0  # authentications begun, successful or not
        self.passwords = 0
        self.frozen = False  # takes commands and never answers
        self.started = asyncio.Event()  # a command has written its first bytes
        self.deserted = asyncio.Event()
        self._refuse = refuse
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def listen(self, **options: Any) -> None:
        options = {"server_host_keys": [self.host_key]} | options
        self._acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=lambda: _Session(self), process_factory=self._serve,
            encoding=None, gss_host=None, **options,
        )  # fmt: skip
        self.port = self._acceptor.get_port()

    async def listen_with(self, *more: Any) -> None:
        """Listen anew, with further host keys or (key, certificate) pairs."""
        assert self._acceptor
        self._acceptor.close()
        await self._acceptor.wait_closed()
        await self.listen(server_host_keys=[*more] if isinstance(more[0], tuple) else [self.host_key, *more])

    def accept(self, connection: asyncssh.SSHServerConnection) -> None:
        self.connections += 1
        self._open.add(connection)
        self.deserted.clear()

    def lost(self, connection: asyncssh.SSHServerConnection) -> None:
        self._open.discard(connection)
        if not self._open:
            self.deserted.set()

    def admits(self, key: asyncssh.SSHKey | None = None) -> bool:
        known = key is None or self.accepts is None or key.public_data in self.accepts
        return known and not self._refuse

    def see(self, *what: object) -> None:
        """Keep what is new: a key is asked about first, and then shown."""
        if what not in self.seen[-1:]:
            self.seen.append(what)

    def ciphers(self) -> set[str]:
        """What the clients have agreed on for what they send."""
        return {connection.get_extra_info("recv_cipher") for connection in self._open}

    def die(self) -> None:
        """Drop every connection without a word."""
        for connection in list(self._open):
            connection.abort()

    async def close(self) -> None:
        if self._acceptor:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        self.die()
        if self._open:
            async with asyncio.timeout(DEADLINE_S):
                await self.deserted.wait()
        if self._commands:
            await asyncio.wait(self._commands, timeout=DEADLINE_S)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if self.frozen:
            await process.wait_closed()
            return
        command = asyncio.current_task()
        assert command
        self._commands.add(command)
        command.add_done_callback(self._commands.discard)
        child = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", f"{self.rc}\n{process.command or ''}", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        watching = asyncio.create_task(_end_with(process, child.pid))
        feeding = asyncio.create_task(_feed(process.stdin, child.stdin))  # a command may end before its input does
        try:
            await asyncio.gather(
                self._pump(child.stdout, process.stdout),
                self._pump(child.stderr, process.stderr),
            )
            status = await child.wait()
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
        except (asyncssh.Error, OSError):
            pass  # the client went away
        finally:
            feeding.cancel()
            await watching
            assert child.stdin
            child.stdin.close()  # or its transport outlives the loop

    async def _pump(self, source: asyncio.StreamReader | None, sink: asyncssh.SSHWriter[bytes]) -> None:
        assert source
        while chunk := await source.read(1 << 16):
            sink.write(chunk)
            self.started.set()
            await sink.drain()


class _Session(asyncssh.SSHServer):
    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._sshd.accept(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sshd.lost(self._connection)

    def begin_auth(self, username: str) -> bool:
        self._sshd.logins += 1
        self._sshd.see(self._sshd.port, username)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._sshd.see(self._sshd.port, username, key.get_fingerprint())
        # paramiko asks for the service before each key; sshd lets it (auth2.c, input_service_request), asyncssh not.
        self._connection._next_service = b"ssh-userauth"
        return self._sshd.admits(key)

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._sshd.see(self._sshd.port, username, "certified", key.get_fingerprint())
        return self._sshd.admits(key)

    def password_auth_supported(self) -> bool:
        return not self._sshd.admits()

    def validate_password(self, username: str, password: str) -> bool:
        self._sshd.passwords += 1
        return False

    def connection_requested(self, dest_host: str, dest_port: int, *_: object) -> bool:
        self._sshd.see(self._sshd.port, "to", dest_host, dest_port)
        return True  # a jump host forwards


async def _end_with(process: asyncssh.SSHServerProcess[bytes], group: int) -> None:
    """A closed channel ends its command, so that a test leaves no process."""
    await process.wait_closed()
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter | None) -> None:
    assert sink
    try:
        with suppress(OSError, asyncssh.Error):
            while chunk := await source.read(1 << 16):
                sink.write(chunk)
                await sink.drain()
    finally:
        sink.close()


@asynccontextmanager
async def serving(*, refuse: bool = False, **options: Any) -> AsyncIterator[Sshd]:
    sshd = Sshd(asyncssh.generate_private_key("ssh-ed25519"), refuse=refuse)
    await sshd.listen(**options)
    try:
        yield sshd
    finally:
        await sshd.close()


class Site:
    """A folder with a client key, known_hosts and an ssh_config in which `unity` is the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.touch()
        self.key = folder / "key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(self.key)
        self.key.chmod(0o600)

    def trust(self, port: int, key: asyncssh.SSHKey, *, marker: str = "") -> None:
        """Add a line to known_hosts; `marker` is `@revoked` or `@cert-authority`."""
        public = key.export_public_key().decode().strip()
        with self.known_hosts.open("a") as known:
            known.write(f"{marker} [127.0.0.1]:{port} {public}\n".lstrip())

    def host(self, alias: str, port: int, *options: str) -> None:
        rows = (
            f"Host {alias}", "HostName 127.0.0.1", f"Port {port}", "User me", *options, f"IdentityFile {self.key}",
            "IdentitiesOnly yes", "IdentityAgent none", f"UserKnownHostsFile {self.known_hosts}",
            "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes",
        )  # fmt: skip
        with self.config.open("a") as config:
            config.write("\n  ".join(rows) + "\n")

    def target(self, port: int, *options: str) -> Target:
        self.host("unity", port, *options)
        return Resolving("unity", str(self.config)).target()

    @property
    def control_path(self) -> str:
        return f"ControlPath {self.folder}/cm"

    @asynccontextmanager
    async def master(self) -> AsyncIterator[int]:
        """The pid of a live `ssh -M` for `unity`; `-f` returns once it is signed in."""
        ssh = ("ssh", "-F", str(self.config))
        await _checked(*ssh, "-M", "-f", "-N", "-o", "ControlMaster=yes", "unity")
        words = await _checked(*ssh, "-O", "check", "unity")
        pid = int(words.partition("pid=")[2].partition(")")[0])
        try:
            yield pid
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def _checked(*argv: str) -> str:
    """Run it to its end. Return its words, by a file: a master in the background may hold a pipe open."""
    with tempfile.TemporaryFile() as words:
        child = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=words
        )
        status = await child.wait()
        words.seek(0)
        said = words.read().decode()
    assert status == 0, said
    return said
