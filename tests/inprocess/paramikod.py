"""paramiko's own server mode, for handshakes that asyncssh as a server cannot offer."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh
import paramiko
from paramiko.common import MSG_CHANNEL_SUCCESS

from inprocess.sshd import DEADLINE_S


class Paramikod(paramiko.ServerInterface):
    """A listening server that signs anybody in and runs one command at a time."""

    def __init__(self, host_key: paramiko.PKey, *, version: str = "", kex: tuple[str, ...] = ()) -> None:
        self.connections = 0
        self._host_key = host_key
        self._version = version
        self._kex = kex
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def public_key(self) -> asyncssh.SSHKey:
        return asyncssh.import_public_key(f"{self._host_key.get_name()} {self._host_key.get_base64()}")

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            transport = _Transport(sock)
            if self._version:
                transport.local_version = self._version
            if self._kex:
                transport.get_security_options().kex = self._kex
            transport.add_server_key(self._host_key)
            self._transports.append(transport)
            transport.start_server(event=threading.Event(), server=self)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE_S)
        for transport in self._transports:
            transport.close()
            transport.join(DEADLINE_S)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        assert isinstance(channel.transport, _Transport)
        channel.transport.then = threading.Thread(target=_answer, args=(channel, command))
        return True


class _Transport(paramiko.Transport):
    """Starts a command only when its request has been answered: a fast one would close the channel before."""

    then: threading.Thread | None = None

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)  # type: ignore[misc]
        if self.then and data.asbytes()[0] == MSG_CHANNEL_SUCCESS:
            started, self.then = self.then, None
            started.start()


def _answer(channel: paramiko.Channel, command: bytes) -> None:
    done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    channel.sendall(done.stdout)
    channel.sendall_stderr(done.stderr)
    channel.send_exit_status(done.returncode)
    channel.close()


@contextmanager
def paramiko_serving(**options: object) -> Iterator[Paramikod]:
    host_key = options.pop("host_key", None) or paramiko.ECDSAKey.generate()
    server = Paramikod(host_key, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.close()
