"""Your keys as paramiko takes them: those of the ssh agent, and those of files that open without a question."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from copy import copy

import paramiko
from paramiko.agent import AgentSSH

from lnode.ssh.link import identities
from lnode.ssh.target import Target

_AGENT_S = 2.0


class _Agent(AgentSSH):
    """paramiko's agent on a given socket; paramiko itself reads only SSH_AUTH_SOCK."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_AGENT_S)
        try:
            self._socket.connect(path)
            self._connect(self._socket)  # type: ignore[attr-defined]  # its one way in; missing from the stubs
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for a signature
        self._socket.close()


@asynccontextmanager
async def agent_keys(target: Target) -> AsyncIterator[list[paramiko.PKey]]:
    """Yield the agent's keys in ssh's order; none if no agent answers. They sign only while the context is open."""
    path = identities.agent_socket(target)
    agent = None
    if path is not None:
        with suppress(OSError, paramiko.SSHException):
            agent = await asyncio.to_thread(_Agent, path)
    try:
        yield list(agent.get_keys()) if agent else []
    finally:
        if agent:
            agent.close()


def file_keys(target: Target, passphrases: Mapping[str, str]) -> list[paramiko.PKey]:
    """Return keys that open without a question, each once more with the certificate beside it."""
    keys = []
    for path in identities.private_key_files(target):
        # paramiko raises one of half a dozen exceptions, also cryptography's, for a file that it cannot read.
        with suppress(Exception):
            passphrase = passphrases.get(str(path))
            key = paramiko.PKey.from_path(path, passphrase.encode() if passphrase else None)  # type: ignore[arg-type]
            plain = copy(key)
            plain.public_blob = None
            keys += [plain, key]
    return keys


def blob(key: paramiko.PKey) -> bytes:
    """Return the public key as on the wire, or the certificate in its place."""
    return key.public_blob.key_blob if key.public_blob else key.asbytes()
