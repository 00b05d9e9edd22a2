"""The keys and the agent that a silent login may use, as the target's ssh configuration says."""

import base64
import binascii
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from lnode.laptop.off_loop import in_thread
from lnode.ssh import keychain
from lnode.ssh.failures import Cause
from lnode.ssh.keychain import Password
from lnode.ssh.link import known_hosts
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.public_key import key_type, rsa_bits, signature_algorithms
from lnode.ssh.target import Target

K = TypeVar("K")  # a library's key


class Secrets(NamedTuple):
    """The keychain's answers for a silent login: a password, and passphrases by key file."""

    password: Password | None = None
    passphrases: Mapping[str, str] = {}


async def secrets_of(target: Target) -> Secrets:
    """Return the keychain's answers; none, at once, if it has none. Raises LinkFailed if the keychain fails.

    There is no password if StrictHostKeyChecking is off, because then ssh itself adds every new key to known_hosts.
    """
    if not keychain.is_kept(target):
        return Secrets()
    keychain.leave_no_core()
    secrets = await in_thread(lambda: Secrets(keychain.password(target), keychain.passphrases(target)))
    if not (secrets.password or secrets.passphrases):
        raise LinkFailed(Cause.LOST, "the keychain does not open", final=True)
    checked = target.one("stricthostkeychecking") not in ("false", "no", "off")
    return secrets if checked else secrets._replace(password=None)


def private_key_files(target: Target) -> tuple[Path, ...]:
    """Return IdentityFile entries with a private key, encrypted or not; other entries only name a key of the agent.

    A file that others can read does not count: ssh ignores it (authfile.c, sshkey_perm_ok).
    """
    return tuple(path for path in target.identity_files if b"PRIVATE KEY" in _content(path) and _is_private(path))


def agent_socket(target: Target) -> str | None:
    """Return the path of the agent's socket: IdentityAgent if set, else SSH_AUTH_SOCK; None without an agent."""
    value = target.options.get("identityagent", ("SSH_AUTH_SOCK",))[0]
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:]) or None
    return str(target.path(value))


def to_offer(target: Target, agents: Sequence[K], files: Sequence[K], blob: Callable[[K], bytes]) -> list[K]:
    """Return the keys that ssh would offer, in its order, each once. `blob` returns a key's public half as on the wire.

    CertificateFile's certificates, then the agent's keys that IdentityFile names, the agent's others unless
    IdentitiesOnly forbids, then files (pubkey_prepare(), sshconnect2.c). Keys that need a touch are left out.
    """
    if not _may_sign(target):
        return []
    certified = set(_blobs(target.certificate_files))
    named = {*_named_blobs(target), *map(blob, files)}
    if target.one("identitiesonly") == "yes":
        agents = [key for key in agents if blob(key) in named or blob(key) in certified]
    accepted, least = accepted_algorithms(target), known_hosts.smallest_rsa(target)
    found: dict[bytes, K] = {}
    for key in (*agents, *files):
        if not needs_touch(blob(key)) and _is_accepted(blob(key), accepted, least):
            found.setdefault(blob(key), key)
    held = {blob(key) for key in agents}
    return [found[one] for one in sorted(found, key=lambda b: (b not in certified, b not in held, b not in named))]


def _may_sign(target: Target) -> bool:
    ways = target.one("preferredauthentications", "publickey").split(",")
    return target.one("pubkeyauthentication", "yes") not in ("no", "false") and "publickey" in ways


def accepted_algorithms(target: Target) -> frozenset[str] | None:
    """Return PubkeyAcceptedAlgorithms, ssh's signature algorithms; None if an old ssh does not print them."""
    for keyword in ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"):  # the latter before OpenSSH 8.5
        if keyword in target.options:
            return frozenset(target.one(keyword).split(","))
    return None


def _is_accepted(blob: bytes, accepted: frozenset[str] | None, least: int) -> bool:
    try:
        bits = rsa_bits(blob)
    except ValueError:
        return False
    long_enough = bits is None or bits >= least
    return long_enough and (accepted is None or not accepted.isdisjoint(signature_algorithms(key_type(blob))))


def needs_touch(blob: bytes) -> bool:
    """True if a public key (as on the wire) belongs to a FIDO authenticator."""
    return blob[4:].startswith((b"sk-", b"webauthn-sk-"))


def no_key(unreadable: bool) -> LinkFailed:
    """Return the failure without a key. lnode does not even connect: the site would count a failed login."""
    if unreadable:
        return LinkFailed(Cause.NO_COMMON_ALGORITHM, "cannot read the keys")
    return LinkFailed(Cause.LOGIN_REFUSED, "no key that works without a person")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_private(path: Path) -> bool:
    found = path.stat()
    return found.st_uid != os.getuid() or not found.st_mode & 0o077


def _named_blobs(target: Target) -> Iterator[bytes]:
    """Yield public keys that IdentityFile names: `key.pub` and `key-cert.pub` beside `key`, or the file itself."""
    names = [str(target.path(name)) for name in target.options.get("identityfile", ())]
    return _blobs(Path(f"{name}{suffix}") for name in names for suffix in ("", ".pub", "-cert.pub"))


def _blobs(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        try:
            _, encoded, *_ = path.read_text(encoding="ascii", errors="replace").split(maxsplit=2)
            yield base64.b64decode(encoded, validate=True)
        except (OSError, ValueError, binascii.Error):
            continue
