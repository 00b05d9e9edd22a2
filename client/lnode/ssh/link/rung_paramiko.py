"""The third rung: paramiko, if asyncssh cannot agree with the server or cannot be imported.

paramiko blocks, so its calls run on the link's own threads; the end of the transport ends them all.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

import paramiko

from lnode.laptop.off_loop import in_thread
from lnode.laptop.tasks import has_left
from lnode.ssh import keychain
from lnode.ssh.failures import Cause
from lnode.ssh.keychain import Password
from lnode.ssh.link import identities, known_hosts, paramiko_keys, wires
from lnode.ssh.link.contract import MAX_OUTPUT, Answer, LinkFailed, link_failures, too_long
from lnode.ssh.link.public_key import RSA_SIGNATURES, plain
from lnode.ssh.target import Target

_THREADS = 32  # a command takes two; a queued one only starts later
_LOST = (paramiko.SSHException, EOFError)
_CLOSE_S = 2.0
_CHUNK = 1 << 16
_NEVER_S = 1e6  # for paramiko's own deadlines: the caller cancels

_T = TypeVar("_T")

logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _Transport(paramiko.Transport):
    """paramiko's connection, which keeps the host's key as on the wire, and its signature."""

    shown: tuple[bytes, bytes] | None = None
    forged = False  # the signature does not match the key

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        self.forged = True
        super()._verify_key(host_key, sig)  # type: ignore[misc]  # missing from the stubs
        self.forged = False
        self.shown = host_key, sig


class ParamikoLink:
    """A link over lnode's own paramiko transport."""

    rung = "paramiko"
    shared = False

    def __init__(self, transport: paramiko.Transport, wire: wires.Wire) -> None:
        self._transport = transport
        self._wire = wire
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="lnode-paramiko")

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` on its own channel. Raises LinkFailed when the connection or the deadline fails."""
        async with link_failures(*_LOST, timeout_s=timeout_s):
            return await self._answer(line)

    async def _answer(self, line: str) -> Answer:
        channel = await self._channel()
        try:
            await self.call(partial(channel.exec_command, line))
            await self.call(channel.shutdown_write)
            stdout, stderr = await asyncio.gather(
                self.call(partial(_drain, channel.recv)), self.call(partial(_drain, channel.recv_stderr))
            )
            status = await self.call(channel.recv_exit_status)
            await self.call(channel.close)  # the next question may find room for one channel only
        except BaseException:
            _leave(channel)
            raise
        if status != -1:
            return Answer(stdout, stderr, status)
        # A signal or a dead transport: paramiko ends the channel in the same way, and notices its own death only later.
        await self.prove()
        return Answer(stdout, stderr, None)

    async def prove(self) -> None:
        """Ask the server for a sign of life. Raises LinkFailed if the transport has died."""
        if not await self.call(partial(_still_there, self._transport)):
            raise LinkFailed(Cause.LOST, "the connection was lost")

    async def start(self, line: str) -> "ParamikoPipe":
        """Start `line` on its own channel. Raises LinkFailed when the connection fails."""
        async with link_failures(*_LOST):
            channel = await self._channel()
            try:
                await self.call(partial(channel.exec_command, line))
                return ParamikoPipe(self, channel)
            except BaseException:
                _leave(channel)
                raise

    async def _channel(self) -> paramiko.Channel:
        opening = self.submit(partial(self._transport.open_session, timeout=_NEVER_S))
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    def submit(self, blocking: Callable[[], _T]) -> "Future[_T]":
        try:
            return self._pool.submit(blocking)
        except RuntimeError:
            raise LinkFailed(Cause.LOST, "closed") from None

    async def call(self, blocking: Callable[[], _T]) -> _T:
        """Run a blocking call of paramiko on one of the link's threads."""
        return await asyncio.wrap_future(self.submit(blocking))

    async def close(self) -> None:
        try:
            with suppress(LinkFailed):  # closed before
                await self.call(self._transport.close)
                if self._transport.ident is not None:
                    await self.call(partial(self._transport.join, _CLOSE_S))
        finally:
            self._pool.shutdown(wait=False)
            await self._wire.close()


class ParamikoPipe:
    """A command that stays on a channel of a paramiko transport."""

    def __init__(self, link: ParamikoLink, channel: paramiko.Channel) -> None:
        self._link = link
        self._channel = channel
        link.submit(partial(_pass_over, channel.recv_stderr))

    async def write(self, data: bytes) -> None:
        async with link_failures(*_LOST):
            await self._link.call(partial(self._channel.sendall, data))

    async def read(self) -> bytes:
        async with link_failures(*_LOST):
            data = await self._link.call(partial(self._channel.recv, _CHUNK))
            if not data:
                await self._link.prove()  # paramiko ends the channel of a lost connection like any other
        return data

    async def close(self) -> None:
        with suppress(LinkFailed):
            self._link.submit(self._channel.close)  # it may wait for the wire


async def open_rung(target: Target) -> ParamikoLink:
    """Sign in silently, by the same rules as asyncssh. Raises LinkFailed."""
    if target.certificate_files:
        raise LinkFailed(Cause.LOGIN_REFUSED, "CertificateFile is for ssh itself")
    secrets = await identities.secrets_of(target)
    async with paramiko_keys.agent_keys(target) as agent_keys:
        file_keys = paramiko_keys.file_keys(target, secrets.passphrases)
        keys = identities.to_offer(target, agent_keys, file_keys, paramiko_keys.blob)
        if not keys and not secrets.password:
            raise identities.no_key(unreadable=False)
        wire = await wires.dial(target)
        try:
            transport = _Transport(wire.sock, disabled_algorithms=_refused_signatures(target))
        except BaseException:
            await wire.close()
            raise
        link = ParamikoLink(transport, wire)
        try:
            host_keys = await _configure(transport, target, wire.address)
            await _handshake(link, transport, wire)
            _check_host_key(transport, host_keys)
            await _sign_in(link, transport, target, keys, secrets.password)
        except BaseException:
            await link.close()
            raise
        return link


async def _configure(transport: paramiko.Transport, target: Target, address: str | None) -> known_hosts.HostKeys:
    """Set the target's algorithms that paramiko has, in ssh's order, a known host key's first. Return the host keys."""
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = _NEVER_S
    options = transport.get_security_options()
    options.compression = ("none",)  # a packet of some KiB may inflate to any size
    options.kex = _common(target, "kexalgorithms", options.kex)
    options.ciphers = _common(target, "ciphers", options.ciphers)
    options.digests = _common(target, "macs", options.digests)
    wanted = _common(target, "hostkeyalgorithms", options.key_types)
    host_keys = await known_hosts.known_host_keys(target, address, wanted)
    options.key_types = tuple(host_keys.offered)
    return host_keys


def _refused_signatures(target: Target) -> dict[str, Sequence[str]]:
    """Return the algorithms with which a user's RSA key must not sign, in paramiko's form."""
    accepted = identities.accepted_algorithms(target)
    return {"pubkeys": [name for name in RSA_SIGNATURES if accepted is not None and name not in map(plain, accepted)]}


def _common(target: Target, keyword: str, supported: Sequence[str]) -> tuple[str, ...]:
    common = tuple(name for name in target.one(keyword).split(",") if name in supported)
    if not common:
        raise LinkFailed(Cause.NO_COMMON_ALGORITHM, f"has none of the configured {keyword}")
    return common


async def _handshake(link: ParamikoLink, transport: _Transport, wire: wires.Wire) -> None:
    settled = threading.Event()
    transport.start_client(event=settled)
    try:
        await link.call(settled.wait)
    except asyncio.CancelledError:
        settled.set()  # the transport does not set it when it is closed on purpose
        raise
    if transport.is_active():
        return
    exc = transport.get_exception()
    if transport.forged:
        raise LinkFailed(Cause.HOST_KEY_CHANGED, str(exc))
    agreed = not isinstance(exc, paramiko.ssh_exception.IncompatiblePeer)
    cause = await wire.why_lost() if agreed else Cause.NO_COMMON_ALGORITHM
    raise LinkFailed(cause, str(exc) if exc else "closed during the handshake")


def _check_host_key(transport: _Transport, host_keys: known_hosts.HostKeys) -> None:
    """Raise LinkFailed unless the host's key is trusted. Until now the host got no more than every server gets."""
    if transport.shown is None:
        raise LinkFailed(Cause.HOST_KEY_UNKNOWN, "the host has shown no key")
    key, signature = transport.shown
    host_keys.check(key)
    host_keys.check_signature(key, signature)


async def _sign_in(
    link: ParamikoLink,
    transport: paramiko.Transport,
    target: Target,
    keys: list[paramiko.PKey],
    password: Password | None,
) -> None:
    for key in keys:
        try:
            more = await link.call(partial(transport.auth_publickey, target.user, key))
        except paramiko.BadAuthenticationType:
            break
        except paramiko.AuthenticationException:
            if not transport.is_active():
                break
            continue
        except (paramiko.SSHException, OSError, EOFError) as exc:
            raise LinkFailed(Cause.CLOSED_EARLY, str(exc), final=True) from exc
        if not more:
            return
        break  # the host accepted the key and asks for more
    if not (password and transport.is_active() and await _takes(link, transport, target, password)):
        raise LinkFailed(Cause.LOGIN_REFUSED, f"login refused for {target.user}")


async def _takes(link: ParamikoLink, transport: paramiko.Transport, target: Target, password: Password) -> bool:
    """True if the password lets lnode in, sent once and to the prompt that it was kept for."""
    sent = False

    def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        nonlocal sent
        if not prompts:
            return []
        if sent or [words for words, _ in prompts] != [password.words]:
            raise paramiko.AuthenticationException("asked for something else")
        sent = True
        return [password.secret]

    def note() -> None:
        """However it ended, the same password again would be another failed login."""
        if sent or password.words is None:
            keychain.refused(target.alias)

    try:
        if password.words is None:
            more = await link.call(partial(transport.auth_password, target.user, password.secret, fallback=False))
        else:
            more = await link.call(partial(transport.auth_interactive, target.user, answer))
    except paramiko.BadAuthenticationType:
        return False
    except asyncio.CancelledError as cancelled:
        if not has_left(cancelled):
            note()
        raise
    except paramiko.AuthenticationException:
        note()
        return False
    except (paramiko.SSHException, OSError, EOFError) as exc:
        note()
        raise LinkFailed(Cause.LOGIN_REFUSED, str(exc)) from exc
    return not more


def _leave(channel: paramiko.Channel) -> None:
    """Close the channel on a thread: that waits for the wire, up to 30 s while the host exchanges keys."""

    def close() -> None:
        with suppress(*_LOST):  # nobody waits for it
            channel.close()

    with suppress(OSError):
        in_thread(close)


def _drain(receive: Callable[[int], bytes]) -> bytes:
    kept = bytearray()
    while chunk := receive(_CHUNK):
        kept += chunk
        if len(kept) > MAX_OUTPUT:
            raise too_long()
    return bytes(kept)


def _pass_over(receive: Callable[[int], bytes]) -> None:
    while receive(_CHUNK):
        pass  # unread, it would fill the channel's window


def _still_there(transport: paramiko.Transport) -> bool:
    with suppress(paramiko.SSHException, OSError, EOFError):
        transport.global_request("keepalive@openssh.com", wait=True)
        return transport.is_active()
    return False


def _close_late(opening: "Future[paramiko.Channel]") -> None:
    with suppress(BaseException):
        opening.result().close()
