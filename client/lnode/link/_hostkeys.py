"""Which host keys are trusted for a target: `ssh-keygen -F` is asked, there is no second parser of known_hosts.

It knows hashed names, patterns and negations, so all rungs judge by the same entries as ssh does.
"""

import asyncio
import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lnode.causes import Cause
from lnode.link import _child
from lnode.target import Target

_DEFAULT_PORT = 22
_FIELDS = 2  # key type and base64, after the marker and the names
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")  # one key type, three signature algorithms (RFC 8332)
_CERTIFICATE = "-cert-v01@openssh.com"

Key = tuple[str, str]  # key type, base64


@dataclass(frozen=True, slots=True)
class HostKeys:
    """What known_hosts says about one host.

    `pinned` are the types of the keys known under the host's exact name: any other key is a changed one. Keys known
    for the name without its port are trusted where no key is pinned, and do not pin (check_host_key(), sshconnect.c).
    """

    trusted: frozenset[Key]
    authorities: frozenset[Key]
    revoked: frozenset[Key]
    pinned: frozenset[str]

    def verdict(self, blob: bytes) -> Cause | None:
        """None for a trusted key, else why not. `blob` is the public key as on the wire."""
        key = (key_type(blob), base64.b64encode(blob).decode("ascii"))
        if key in self.revoked:
            return Cause.HOST_KEY_CHANGED
        if key in self.trusted:
            return None
        return Cause.HOST_KEY_CHANGED if self.pinned else Cause.HOST_KEY_UNKNOWN

    def prefer(self, algorithms: Iterable[str]) -> list[str]:
        """Host key algorithms with those first for which a key is known under the exact name, as ssh orders them.

        Certificates are asked for only where an authority is known.
        """
        known = {algorithm for kind in self.pinned for algorithm in signature_algorithms(kind)}
        usable = [name for name in algorithms if self.authorities or not name.endswith(_CERTIFICATE)]
        return sorted(usable, key=lambda name: name not in known and not name.endswith(_CERTIFICATE))


def key_type(blob: bytes) -> str:
    """The type that a public key names itself (RFC 4253, 6.6: a length and a string come first)."""
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length].decode("ascii", errors="replace")


def signature_algorithms(kind: str) -> tuple[str, ...]:
    """What a key of this type, or a certificate for it, may sign with."""
    return tuple(name + kind.removeprefix("ssh-rsa") for name in _RSA) if kind.startswith("ssh-rsa") else (kind,)


async def known_host_keys(target: Target) -> HostKeys:
    """Look the target up in its known_hosts files, under its HostKeyAlias or `[host]:port`."""
    name = target.host_key_alias or target.hostname
    aliased = target.host_key_alias is not None or target.port == _DEFAULT_PORT
    exact = name if aliased else f"[{name}]:{target.port}"
    found = await _lookup(exact, target.known_hosts_files)
    pinned = frozenset(kind for marker, (kind, _) in found if not marker)
    if exact != name:
        without_port = await _lookup(name, target.known_hosts_files)
        found += [(marker, key) for marker, key in without_port if marker == "@cert-authority" or not pinned]
    return HostKeys(_marked(found, ""), _marked(found, "@cert-authority"), _marked(found, "@revoked"), pinned)


def _marked(found: Iterable[tuple[str, Key]], marker: str) -> frozenset[Key]:
    return frozenset(key for mark, key in found if mark == marker)


async def _lookup(name: str, files: Sequence[Path]) -> list[tuple[str, Key]]:
    asked = await asyncio.gather(*(_child.run(["ssh-keygen", "-F", name, "-f", str(path)]) for path in files))
    return [entry for done in asked for entry in _entries(done.stdout.decode(errors="replace"))]


def _entries(text: str) -> Iterator[tuple[str, Key]]:
    for row in text.splitlines():
        words = row.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) > _FIELDS:
            yield marker, (words[1], words[2])
