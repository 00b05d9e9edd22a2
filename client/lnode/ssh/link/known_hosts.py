"""The host keys that are trusted for a target: every rung refuses each key that ssh refuses.

`ssh-keygen -F` is asked, there is no second parser of known_hosts: it knows hashed names, patterns and negations.
How its entries are judged follows check_host_key() in OpenSSH's sshconnect.c.
"""

import asyncio
import base64
import binascii
import os
import time
from collections.abc import Iterable, Iterator, Sequence, Set
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from lnode.ssh.failures import Cause
from lnode.ssh.link import child
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.public_key import (
    is_certificate,
    key_type,
    parse_certificate,
    plain,
    rsa_bits,
    signature_algorithms,
    signed_with,
)
from lnode.ssh.target import Target

_DEFAULT_PORT = 22
_FIELDS = 2  # key type and base64, after the marker and the names
_FOUND = (0, 1)  # exit codes of `ssh-keygen -F`: found, not found
_SMALLEST_RSA = 1024  # OpenSSH accepts no smaller one, whatever is configured (SSH_RSA_MINIMUM_MODULUS_SIZE)
_RSA_SIZE = ("requiredrsasize", "rsaminsize")  # OpenSSH 9.1, and Red Hat's name for it before
# For an OpenSSH below 7.9, which does not print them: the default of later versions, without SHA-1.
_CA_SIGNATURES = (
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
    "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
)


class Entry(NamedTuple):
    """A line of known_hosts: its marker, or "", and the public key as on the wire."""

    marker: str
    key: bytes


class HostKeys(NamedTuple):
    """The host keys of one host in known_hosts, and the rules of the configuration. Keys are as on the wire.

    `pinned` are known under the host's exact name: any other key is a changed one. `portless` are known for the name
    without its port: they are trusted if none is pinned. `at_address` are known under the host's address, with
    CheckHostIP: if there are some, the host has to show one of them, too. `offered` are the host key algorithms to
    negotiate, in order. A certificate must be for `name`.
    """

    offered: Sequence[str]
    pinned: Set[bytes]
    portless: Set[bytes] = frozenset()
    at_address: Set[bytes] = frozenset()
    authorities: Set[bytes] = frozenset()
    revoked: Set[bytes] = frozenset()
    name: str = ""
    ca_signatures: Set[str] = frozenset()
    smallest_rsa: int = _SMALLEST_RSA

    def check(self, shown: bytes) -> None:
        """Raise LinkFailed unless the key or certificate that the server shows is the host's."""
        if set(signature_algorithms(key_type(shown))).isdisjoint(self.offered):
            raise _changed("the host key is of a type that was not asked for")
        try:
            if is_certificate(key_type(shown)):
                self._check_certificate(shown)
            else:
                self._check_key(shown)
        except ValueError as broken:
            raise _changed(f"the host key cannot be read: {broken}") from None

    def check_signature(self, shown: bytes, signature: bytes) -> None:
        """Raise LinkFailed unless the server has signed with an algorithm that lnode offered for such a key."""
        allowed = {plain(name) for name in signature_algorithms(key_type(shown)) if name in self.offered}
        if signed_with(signature) not in allowed:
            raise _changed(f"the host signed with {signed_with(signature)}, which was not asked for")

    def _check_certificate(self, shown: bytes) -> None:
        """Check a certificate. If it is not valid for this host, check the key in it, as ssh does."""
        certificate = parse_certificate(shown)
        if certificate.authority in self.revoked:
            raise _changed("the authority of the host's certificate is revoked")
        self._check_size(certificate.authority, _SMALLEST_RSA)
        objection = certificate.objection(self.name, time.time(), self.ca_signatures)
        if certificate.authority not in self.authorities:
            objection = "its authority is not known"
        if objection is None:
            self._check_any(certificate.key)
            return
        try:
            self._check_key(certificate.key)
        except LinkFailed as failed:
            raise LinkFailed(failed.cause, f"{failed.story}; the host's certificate: {objection}") from None

    def _check_key(self, key: bytes) -> None:
        self._check_any(key)
        if key not in (self.pinned or self.portless):
            raise _changed("the host key is another one") if self.pinned else _unknown("the host key is not known")
        if self.at_address and key not in self.at_address:
            raise _changed("the host's address has another host key")

    def _check_any(self, key: bytes) -> None:
        """Make the checks that also hold for a key with a certificate."""
        if key in self.revoked:
            raise _changed("the host key is revoked")
        self._check_size(key, self.smallest_rsa)

    @staticmethod
    def _check_size(key: bytes, least: int) -> None:
        bits = rsa_bits(key)
        if bits is not None and bits < least:
            raise _unknown(f"an RSA key of {bits} bits is too short: RequiredRSASize is {least}")


def _changed(story: str) -> LinkFailed:
    return LinkFailed(Cause.HOST_KEY_CHANGED, story)


def _unknown(story: str) -> LinkFailed:
    return LinkFailed(Cause.HOST_KEY_UNKNOWN, story)


def smallest_rsa(target: Target) -> int:
    """Return the size in bits of the smallest RSA key that ssh would use, the host's or the user's."""
    return max(_SMALLEST_RSA, *(int(target.one(keyword, "0")) for keyword in _RSA_SIZE))


async def known_host_keys(target: Target, address: str | None, algorithms: Iterable[str]) -> HostKeys:
    """Look the target up in its known_hosts files, under each of its names. Raises LinkFailed.

    `address` is the host's, None behind a proxy; `algorithms` are those of HostKeyAlgorithms that the rung has.
    """
    name = target.host_key_alias or target.hostname
    exact = name if target.host_key_alias else _with_port(name, target.port)
    addressed = _with_port(address, target.port) if address else exact
    names = dict.fromkeys((exact, name, addressed, address or name))
    files = [path for path in target.known_hosts_files if os.access(path, os.R_OK)]  # ssh ignores the others
    found = dict(zip(names, await asyncio.gather(*(_lookup(one, files) for one in names)), strict=True))
    pinned = _marked(found[exact], "")
    authorities = _marked([*found[exact], *found[name]], "@cert-authority")
    offered = _in_order(algorithms, pinned, authorities)
    if not offered:
        raise _unknown(f"HostKeyAlgorithms allows only certificates, and no authority is known for {exact}")
    return HostKeys(
        offered=offered,
        pinned=pinned,
        portless=_marked(found[name], ""),
        at_address=_marked(found[addressed], "") if _address_counts(target, address) else frozenset(),
        authorities=authorities,
        revoked=_revoked([entry for entries in found.values() for entry in entries]),
        name=name,
        ca_signatures=_ca_signatures(target),
        smallest_rsa=smallest_rsa(target),
    )


def _ca_signatures(target: Target) -> frozenset[str]:
    """Return CASignatureAlgorithms; none if the list is empty."""
    names = target.options.get("casignaturealgorithms", (_CA_SIGNATURES,))[0]
    return frozenset(filter(None, names.split(",")))


def _with_port(name: str, port: int) -> str:
    return name if port == _DEFAULT_PORT else f"[{name}]:{port}"


def _address_counts(target: Target, address: str | None) -> bool:
    """True if CheckHostIP applies. ssh leaves it out for this computer and for a host that you call by its address."""
    if address is None or address == target.hostname or target.one("checkhostip") != "yes":
        return False
    return not ip_address(address.partition("%")[0]).is_loopback


def _in_order(algorithms: Iterable[str], pinned: Set[bytes], authorities: Set[bytes]) -> tuple[str, ...]:
    """Return host key algorithms in ssh's order: first those with a key that is known under the exact name.

    Certificates are among them only if an authority is known.
    """
    known = {algorithm for key in pinned for algorithm in signature_algorithms(key_type(key))}
    usable = [name for name in algorithms if authorities or not is_certificate(name)]
    return tuple(sorted(usable, key=lambda name: name not in known and not is_certificate(name)))


def _marked(found: Iterable[Entry], marker: str) -> frozenset[bytes]:
    return frozenset(entry.key for entry in found if entry.marker == marker)


def _revoked(found: Iterable[Entry]) -> frozenset[bytes]:
    """Return the revoked keys; of a revoked certificate its key, as ssh does (sshkey_equal_public)."""
    return frozenset(_plain_key(key) for key in _marked(found, "@revoked"))


def _plain_key(key: bytes) -> bytes:
    try:
        return parse_certificate(key).key
    except ValueError:
        return key


async def _lookup(name: str, files: Sequence[Path]) -> list[Entry]:
    """Return the entries for a name. Raises LinkFailed if ssh-keygen cannot say all: one may revoke a key."""
    unread = _unknown(f"cannot look up {name} in {' '.join(map(str, files))}")
    try:
        asked = await asyncio.gather(*(child.run(["ssh-keygen", "-F", name, "-f", str(path)]) for path in files))
    except LinkFailed as endless:
        raise unread from endless
    if any(done.status not in _FOUND for done in asked):
        raise unread
    return [entry for done in asked for entry in _entries(done.stdout.decode(errors="replace"))]


def _entries(text: str) -> Iterator[Entry]:
    """Yield the entries with a valid key; ssh ignores the others."""
    for row in text.splitlines():
        words = row.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) <= _FIELDS:
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue
        if key_type(key) == words[1]:
            yield Entry(marker, key)
