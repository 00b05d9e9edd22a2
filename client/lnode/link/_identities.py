"""Which keys and which agent a silent login may use, as the target's ssh configuration says."""

import base64
import binascii
import os
from collections.abc import Iterator
from pathlib import Path

from lnode import sshargs
from lnode.causes import Cause
from lnode.link import LinkFailed
from lnode.target import Target


def private_key_files(target: Target) -> tuple[Path, ...]:
    """IdentityFile entries that hold a private key, encrypted or not; some only name a key of the agent."""
    return tuple(path for path in target.identity_files if b"PRIVATE KEY" in _content(path))


def certificate_files(target: Target) -> tuple[Path, ...]:
    """CertificateFile entries that exist. A `key-cert.pub` beside its key needs no entry."""
    paths = (Path(name).expanduser() for name in target.options.get("certificatefile", ()))
    return tuple(path for path in paths if path.is_file())


def agent_socket(target: Target) -> str | None:
    """Path of the agent's socket: IdentityAgent where it is set, else SSH_AUTH_SOCK; None without an agent."""
    value = target.options.get("identityagent", ("SSH_AUTH_SOCK",))[0]
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value.startswith("$"):
        return os.environ.get(value[1:].strip("{}")) or None
    home = str(Path.home())
    return str(Path(sshargs.expand_tokens(value, {"d": home, "h": target.hostname, "r": target.user})).expanduser())


def agent_order(target: Target, blobs: list[bytes]) -> list[int]:
    """Indices of the agent's keys to offer, in ssh's order: those that IdentityFile names first.

    With IdentitiesOnly no others. Keys that need a touch are left out: nobody is asked for it.
    """
    named = set(_named_blobs(target))
    usable = [i for i, blob in enumerate(blobs) if not needs_touch(blob)]
    if target.one("identitiesonly") == "yes":
        usable = [i for i in usable if blobs[i] in named]
    return sorted(usable, key=lambda i: blobs[i] not in named)


def needs_touch(blob: bytes) -> bool:
    """Whether a public key (as on the wire) belongs to a FIDO authenticator."""
    return blob[4:].startswith((b"sk-", b"webauthn-sk-"))


def no_key(unreadable: bool) -> LinkFailed:
    """No key can be used: not even connected, for to the site that would be a failed login."""
    if unreadable:
        return LinkFailed(Cause.NO_COMMON_ALGORITHM, "cannot read the keys")
    return LinkFailed(Cause.LOGIN_REFUSED, "no key that works without a person")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _named_blobs(target: Target) -> Iterator[bytes]:
    """Public keys that IdentityFile and CertificateFile name: `key.pub` beside `key`, or the file itself."""
    for name in (*target.options.get("identityfile", ()), *target.options.get("certificatefile", ())):
        for path in (Path(name).expanduser(), Path(f"{name}.pub").expanduser()):
            try:
                _, encoded, *_ = path.read_text(encoding="ascii", errors="replace").split(maxsplit=2)
                yield base64.b64decode(encoded, validate=True)
            except (OSError, ValueError, binascii.Error):
                continue
