"""The second rung: asyncssh, configured from `ssh -G`, with keys, an agent and the keychain. It never prompts."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from copy import copy
from pathlib import Path

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from lnode.laptop.tasks import has_left
from lnode.ssh import keychain
from lnode.ssh.failures import Cause
from lnode.ssh.keychain import Password
from lnode.ssh.link import identities, known_hosts, wires
from lnode.ssh.link.child import read_capped
from lnode.ssh.link.contract import Answer, LinkFailed, link_failures
from lnode.ssh.link.public_key import is_certificate, key_type, plain
from lnode.ssh.target import Target

_AGENT_S = 2.0
_CLOSE_S = 2.0
_CHUNK = 1 << 16
_CANNOT_AGREE = (
    asyncssh.KeyExchangeFailed,
    asyncssh.ProtocolError,
    asyncssh.ProtocolNotSupported,
    UnicodeError,  # a version line that is not ASCII, which asyncssh lets through
)

logging.getLogger("asyncssh").addHandler(logging.NullHandler())


class _Client(asyncssh.SSHClient):
    """Checks the host key as ssh does, then offers the keys that lnode chose, then a password once.

    asyncssh's own check is weaker than ssh's, so it gets no key to trust, and `_host_key` takes its place. If asyncssh
    ever stops calling `_host_key`, it refuses every key, and `verified` holds back the user's keys.
    """

    def __init__(
        self, keys: list[asyncssh.SSHKeyPair], host_keys: known_hosts.HostKeys, password: Password | None = None
    ) -> None:
        self._keys = iter(keys)
        self.password = password
        self.sent_password = False
        self._host_keys = host_keys
        self._connection: asyncssh.SSHClientConnection | None = None
        self.verified = False  # the host has signed with its own, known key
        self.refused: LinkFailed | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn
        conn.validate_server_host_key = self._host_key  # type: ignore[method-assign]

    def _host_key(self, key_data: bytes) -> asyncssh.SSHKey:
        """Return the key with which the server must sign, from the key or certificate that it shows."""
        self.verified = False
        with self._refusing():
            self._host_keys.check(key_data)
        key = _verifying_key(key_data)
        verify = key.verify

        def verify_as_asked(data: bytes, sig: bytes) -> bool:
            with self._refusing():
                if not verify(data, sig):  # the server shows a key that it does not have
                    raise LinkFailed(Cause.HOST_KEY_CHANGED, "the host's signature does not match its key")
                self._host_keys.check_signature(key_data, sig)
            self.verified = True
            return True

        key.verify = verify_as_asked  # type: ignore[method-assign]
        return key

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Keep the reason why the host key is refused, and raise asyncssh's own exception for it."""
        try:
            yield
        except LinkFailed as refused:
            self.refused = refused
            raise asyncssh.HostKeyNotVerifiable(refused.story) from refused

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        return next(self._keys, None) if self.verified else None

    def password_auth_requested(self) -> str | None:
        return self._password_once() if self.password and self.password.words is None else None

    def kbdint_auth_requested(self) -> str | None:
        return "" if self.password and self.password.words and not self.sent_password else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Return the password if it is the only prompt and the one that it was kept for; [] if there is no prompt."""
        if not prompts:
            return []
        known = self.password is not None and [words for words, _ in prompts] == [self.password.words]
        password = self._password_once() if known else None
        return None if password is None else [password]

    def _password_once(self) -> str | None:
        if self.password is None or self.sent_password or not self.verified:
            return None
        self.sent_password = True
        return self.password.secret

    @property
    def host_key_awaited(self) -> bool:
        """True if the server's list of algorithms came and its host key did not.

        A server without a common algorithm hangs up at once, and asyncssh may report that before its own finding.
        asyncssh has no public name for the list; without the list this is a connection closed early.
        """
        return bool(getattr(self._connection, "_server_kexinit", b"")) and not self.verified


class AsyncsshLink:
    """A link over lnode's own asyncssh connection."""

    rung = "asyncssh"
    shared = False

    def __init__(self, connection: asyncssh.SSHClientConnection, wire: wires.Wire) -> None:
        self._connection = connection
        self._wire = wire

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` on its own channel. Raises LinkFailed when the connection or the deadline fails."""
        async with link_failures(asyncssh.Error, timeout_s=timeout_s):
            return await self._answer(line)

    async def _answer(self, line: str) -> Answer:
        process = await self._connection.create_process(line, stdin=asyncssh.DEVNULL, encoding=None)
        try:
            stdout, stderr = await asyncio.gather(read_capped(process.stdout), read_capped(process.stderr))
            await process.wait_closed()
        finally:
            process.close()
        status = process.exit_status
        if status is None and self._connection.is_closed():
            raise LinkFailed(Cause.LOST, "the connection was lost")
        return Answer(stdout, stderr, None if status == -1 else status)  # -1 is asyncssh's word for a signal

    async def start(self, line: str) -> "AsyncsshPipe":
        """Start `line` on its own channel. Raises LinkFailed when the connection fails."""
        async with link_failures(asyncssh.Error):
            process = await self._connection.create_process(line, stderr=asyncssh.DEVNULL, encoding=None)
            return AsyncsshPipe(self._connection, process)

    async def close(self) -> None:
        await _close(self._connection, self._wire)


class AsyncsshPipe:
    """A command that stays on a channel of an asyncssh connection."""

    def __init__(self, connection: asyncssh.SSHClientConnection, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._connection = connection
        self._process = process

    async def write(self, data: bytes) -> None:
        async with link_failures(asyncssh.Error):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def read(self) -> bytes:
        async with link_failures(asyncssh.Error):
            data = await self._process.stdout.read(_CHUNK)
        if not data and self._connection.is_closed():
            raise LinkFailed(Cause.LOST, "the connection was lost")
        return data

    async def close(self) -> None:
        self._process.close()


async def open_rung(target: Target) -> AsyncsshLink:
    """Sign in silently. Raises LinkFailed; paramiko can help only after NO_COMMON_ALGORITHM."""
    algorithms = _algorithms(target)
    secrets = await identities.secrets_of(target)
    async with _agent_keys(target) as agent_keys:
        file_keys, unreadable = _file_keys(target, secrets.passphrases)
        keys = identities.to_offer(target, agent_keys, file_keys, lambda key: key.public_data)
        if not keys and not secrets.password:
            raise identities.no_key(unreadable)
        wire = await wires.dial(target)
        try:
            host_keys = await known_hosts.known_host_keys(target, wire.address, algorithms["server_host_key_algs"])
            algorithms["server_host_key_algs"] = list(host_keys.offered)
            client = _Client(keys, host_keys, secrets.password)
            return AsyncsshLink(await _connect(target, client, algorithms, wire), wire)
        except BaseException:
            await wire.close()
            raise


async def _connect(
    target: Target, client: _Client, algorithms: dict[str, list[str]], wire: wires.Wire
) -> asyncssh.SSHClientConnection:
    try:
        connection = await asyncssh.connect(
            target.hostname, target.port, sock=wire.sock, config=[], client_factory=lambda: client,
            username=target.user, known_hosts=([], [], []), x509_trusted_certs=None, x509_trusted_cert_paths=[],
            client_keys=None,
            agent_path=None, agent_forwarding=False, host_based_auth=False, gss_host=None,
            preferred_auth="publickey,keyboard-interactive,password", password_auth=client.password is not None,
            kbdint_auth=client.password is not None,
            compression_algs=["none"],  # a packet of some KiB may inflate to any size
            **algorithms,
        )  # fmt: skip
    except asyncio.CancelledError as cancelled:
        if client.sent_password and not has_left(cancelled):
            keychain.refused(target.alias)
        raise
    except (asyncssh.Error, OSError, ValueError) as exc:
        cause = await _cause_of(exc, client, wire)
        if client.sent_password:  # however it ended, the same password again would be another failed login
            keychain.refused(target.alias)
            cause = Cause.LOGIN_REFUSED
        # Broken off after the host showed its key: another try would be another failed login in the site's log.
        raise LinkFailed(cause, str(exc) or type(exc).__name__, final=client.verified) from exc
    if not client.verified:  # let in without any key or password, and without a host key
        connection.abort()
        raise LinkFailed(Cause.HOST_KEY_UNKNOWN, "the host has shown no key")
    return connection


async def _cause_of(exc: Exception, client: _Client, wire: wires.Wire) -> Cause:
    if client.refused:
        return client.refused.cause
    if isinstance(exc, asyncssh.HostKeyNotVerifiable):
        return Cause.HOST_KEY_UNKNOWN
    if isinstance(exc, asyncssh.PermissionDenied) or "authentication" in str(exc).lower():
        return Cause.LOGIN_REFUSED
    if client.verified:  # past the host key there is nothing left to negotiate
        return Cause.CLOSED_EARLY
    if client.host_key_awaited or isinstance(exc, _CANNOT_AGREE):
        return Cause.NO_COMMON_ALGORITHM
    return await wire.why_lost()


async def _close(connection: asyncssh.SSHClientConnection, wire: wires.Wire) -> None:
    connection.close()
    try:
        async with asyncio.timeout(_CLOSE_S):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()
        await connection.wait_closed()
    finally:
        await wire.close()


def _verifying_key(shown: bytes) -> asyncssh.SSHKey:
    """Read a host key, or the key in a certificate once its authority's signature is verified."""
    kind = key_type(shown)
    row = f"{kind} {base64.b64encode(shown).decode('ascii')}"
    try:
        return asyncssh.import_certificate(row).key if is_certificate(kind) else asyncssh.import_public_key(row)
    except ValueError as broken:  # KeyImportError is one
        raise asyncssh.HostKeyNotVerifiable(f"cannot read the host key: {broken}") from None


def _algorithms(target: Target) -> dict[str, list[str]]:
    """Return the target's algorithms that asyncssh has, in ssh's order, by the names of asyncssh's arguments."""
    host_keys = (*get_certificate_algs(), *get_public_key_algs())
    accepted = identities.accepted_algorithms(target)
    signatures = [name.decode("ascii") for name in get_public_key_algs()]
    return {
        "kex_algs": _common(target, "kexalgorithms", get_kex_algs),
        "encryption_algs": _common(target, "ciphers", get_encryption_algs),
        "mac_algs": _common(target, "macs", get_mac_algs),
        "server_host_key_algs": _common(target, "hostkeyalgorithms", lambda: host_keys),
        "signature_algs": [x for x in signatures if accepted is None or x in map(plain, accepted)] or signatures,
    }


def _common(target: Target, keyword: str, supported: Callable[[], Iterable[bytes]]) -> list[str]:
    names = {name.decode("ascii") for name in supported()}
    common = [name for name in target.one(keyword).split(",") if name in names]
    if not common:
        raise LinkFailed(Cause.NO_COMMON_ALGORITHM, f"has none of the configured {keyword}")
    return common


@asynccontextmanager
async def _agent_keys(target: Target) -> AsyncIterator[list[asyncssh.SSHKeyPair]]:
    """Yield the agent's keys in ssh's order; none if no agent answers. They sign only while the context is open."""
    path = identities.agent_socket(target)
    if path is None:
        yield []
        return
    async with asyncssh.SSHAgentClient(path) as agent:
        keys: list[asyncssh.SSHKeyPair] = []
        with suppress(OSError, ValueError, asyncssh.Error):  # TimeoutError is an OSError
            async with asyncio.timeout(_AGENT_S):
                keys += await agent.get_keys()
        yield [*keys, *_certified(keys, target)]


def _certified(keys: list[asyncssh.SSHKeyPair], target: Target) -> Iterator[asyncssh.SSHKeyPair]:
    """Yield the agent's keys once more, with the certificates that files hold for them."""
    beside = (Path(f"{target.path(name)}-cert.pub") for name in target.options.get("identityfile", ()))
    for path in target.certificate_files or beside:
        with suppress(OSError, asyncssh.KeyImportError):
            certificate = asyncssh.read_certificate(str(path))
            for key in keys:
                if key.public_data == certificate.key.public_data:
                    with_certificate = copy(key)
                    with_certificate.set_certificate(certificate)
                    yield with_certificate


def _file_keys(target: Target, passphrases: Mapping[str, str]) -> tuple[list[asyncssh.SSHKeyPair], bool]:
    """Return keys that open without a question, and True if there are others that asyncssh cannot read."""
    certificates = [str(path) for path in target.certificate_files]
    keys: list[asyncssh.SSHKeyPair] = []
    unreadable = False
    for path in identities.private_key_files(target):
        try:
            passphrase = passphrases.get(str(path))
            keys += reversed(asyncssh.load_keypairs(str(path), passphrase=passphrase, certlist=certificates))
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError) as exc:
            unreadable = unreadable or "passphrase" not in str(exc).lower()
    return keys, unreadable
