"""A byte stream to the host's sshd, dialled once for the library that speaks over it.

OpenSSH runs jump hosts and proxy commands. lnode keeps its words, so that the message about a failure at the first hop
is as precise as one about the host.
"""

import asyncio
import errno
import os
import socket
from contextlib import suppress
from typing import Any

from lnode.laptop.off_loop import in_thread
from lnode.ssh import arguments, prompts
from lnode.ssh.drain import Drain
from lnode.ssh.failures import Cause, cause_of_way
from lnode.ssh.link import child
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.target import Target

_NO_ROUTE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_ONLY_SSH = ("bindinterface", "knownhostscommand", "pkcs11provider", "proxyusefdpass", "revokedhostkeys")
_EXIT_GRACE_S = 1.0

_Address = tuple[Any, ...]


class Wire:
    """An open byte stream; `sock` is a real socket, also in front of a proxy command.

    `address` is the host's, None behind a proxy.
    """

    def __init__(
        self,
        sock: socket.socket,
        proxy: asyncio.subprocess.Process | None = None,
        words: Drain | None = None,
        *,
        address: str | None = None,
    ) -> None:
        self.sock = sock
        self.address = address
        self._proxy = proxy
        self._words = words

    async def why_lost(self) -> Cause:
        """Return why the stream ended before the login; a proxy gets a second to write its last words."""
        if self._proxy is None or self._words is None:
            return Cause.CLOSED_EARLY
        with suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_GRACE_S):
                await self._proxy.wait()
        cause = cause_of_way("".join(self._words.read()))
        return Cause.CLOSED_EARLY if cause is Cause.LOST else cause

    async def close(self) -> None:
        self.sock.close()
        try:
            if self._proxy is not None:
                await child.end(self._proxy)
        finally:
            if self._words is not None:
                self._words.close()


async def dial(target: Target) -> Wire:
    """Open the stream. Raises LinkFailed with the words of the network, or of OpenSSH as a proxy.

    If the configuration has an option that only ssh supports, it does not even connect.
    """
    for keyword in _ONLY_SSH:
        if target.one(keyword, "no") != "no":
            raise LinkFailed(Cause.LOGIN_REFUSED, f"{keyword} is for ssh itself")
    argv = _proxy_argv(target)
    if argv and not prompts.can_end_ssh():
        raise LinkFailed(Cause.LOST, "an ssh on the way there could ask for a password", final=True)
    if argv:
        return await _start_proxy(argv)
    try:
        return await _connect(target)
    except OSError as exc:
        raise LinkFailed(_cause_of(exc), f"{target.hostname} port {target.port}: {exc.strerror or exc}") from exc


def _proxy_argv(target: Target) -> list[str]:
    if target.proxy_jump:
        return arguments.jump_argv(target.proxy_jump, target.hostname, target.port, target.config)
    if target.proxy_command:
        return [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {target.proxy_command}"]
    return []


async def _start_proxy(argv: list[str]) -> Wire:
    ours, theirs = socket.socketpair()
    words = Drain()  # closed by the wire
    try:
        with theirs:
            proxy = await child.start(argv, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=words.fileno())
    except BaseException:
        ours.close()
        words.close()
        raise
    return Wire(ours, proxy, words)


async def _connect(target: Target) -> Wire:
    refused: OSError | None = None
    for kind, address in await _resolve(target.peer or target.hostname, target.port, target.address_family):
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.one("bindaddress"):
                sock.bind((target.one("bindaddress"), 0))
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError as exc:
            sock.close()
            refused = exc
        except BaseException:
            sock.close()
            raise
        else:
            return Wire(sock, address=address[0])
    raise refused or OSError(errno.EADDRNOTAVAIL, "no address")


async def _resolve(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, _Address]]:
    def ask() -> list[Any]:
        try:
            return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        except UnicodeError as exc:  # a label that is empty or too long
            raise socket.gaierror(socket.EAI_NONAME, str(exc)) from exc

    return [(kind, address) for kind, _, _, _, address in await in_thread(ask)]


def _cause_of(exc: OSError) -> Cause:
    if isinstance(exc, socket.gaierror):
        return Cause.UNRESOLVED
    if isinstance(exc, ConnectionRefusedError):
        return Cause.REFUSED
    if isinstance(exc, TimeoutError):
        return Cause.TIMED_OUT
    return Cause.NO_ROUTE if exc.errno in _NO_ROUTE else Cause.LOST
