"""Public keys and host certificates in the format of the wire: their type, size and fields.

Nothing here verifies a signature. Sources: RFC 4251, 5; RFC 4253, 6.6; RFC 8332; OpenSSH's PROTOCOL.certkeys.
"""

from collections.abc import Iterator, Set
from typing import NamedTuple

CERTIFICATE = "-cert-v01@openssh.com"
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")  # one key type, three signature algorithms

_RSA = "ssh-rsa"
_HOST = 2  # SSH2_CERT_TYPE_HOST
_KEY_FIELDS = {
    _RSA: 2,
    "ssh-ed25519": 1,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}


class Certificate(NamedTuple):
    """The unverified fields of a host certificate. `key` and `authority` are plain public keys as on the wire."""

    key: bytes
    kind: int
    principals: Set[bytes]
    valid_from: int
    valid_until: int
    critical_options: bytes
    authority: bytes
    signed_with: str

    def objection(self, name: str, now: float, algorithms: Set[str]) -> str | None:
        """Return why ssh would refuse it for the host `name`, or None (sshkey_cert_check_host, sshkey.c).

        A certificate without a name is valid for no host, as from OpenSSH 10.3 on; before, it was valid for every host.
        """
        checks = (
            (self.kind == _HOST, "it is not a host certificate"),
            (self.valid_from <= now < self.valid_until, "it is not valid at this time"),
            (name.encode() in self.principals, f"it is not for {name}"),
            (not self.critical_options, "it has critical options"),
            (self.signed_with in algorithms, f"CASignatureAlgorithms does not allow {self.signed_with}"),
        )
        return next((words for holds, words in checks if not holds), None)


def key_type(blob: bytes) -> str:
    """Return the type that a public key or a certificate names itself; "" if it names none."""
    try:
        return _Fields(blob).text()
    except ValueError:
        return ""


def is_certificate(kind: str) -> bool:
    """True if the type of a key, or an algorithm, is that of a certificate."""
    return kind.endswith(CERTIFICATE)


def plain(name: str) -> str:
    """Return the type or algorithm without the certificate: that of the key, and of the signatures it makes."""
    return name.replace("-cert-v01@", "@") if name.startswith("sk-") else name.removesuffix(CERTIFICATE)


def signature_algorithms(kind: str) -> tuple[str, ...]:
    """Return the algorithms with which a key of this type, or a certificate for it, may sign."""
    return tuple(name + kind.removeprefix(_RSA) for name in RSA_SIGNATURES) if kind.startswith(_RSA) else (kind,)


def signed_with(signature: bytes) -> str:
    """Return the algorithm that a signature names itself."""
    return key_type(signature)


def rsa_bits(blob: bytes) -> int | None:
    """Return the size of an RSA key, or of the one in a certificate; None for a key of another type.

    Raises ValueError for bytes that are no key.
    """
    fields = _Fields(blob)
    kind = fields.text()
    if plain(kind) != _RSA:
        return None
    if is_certificate(kind):
        fields.string()  # the nonce
    fields.string()  # the exponent
    return int.from_bytes(fields.string(), "big").bit_length()


def parse_certificate(blob: bytes) -> Certificate:
    """Read a certificate to its last byte. Raises ValueError for anything else."""
    fields = _Fields(blob)
    kind = fields.text()
    if not is_certificate(kind) or plain(kind) not in _KEY_FIELDS:
        raise ValueError(f"no certificate: {kind}")
    fields.string()  # the nonce
    key = [_string(fields.string()) for _ in range(_KEY_FIELDS[plain(kind)])]
    fields.number(8)  # the serial number
    purpose = fields.number(4)
    fields.string()  # the key id
    principals = frozenset(_strings(fields.string()))
    valid_from, valid_until = fields.number(8), fields.number(8)
    critical_options = fields.string()
    fields.string()  # extensions
    fields.string()  # reserved
    authority, signature = fields.string(), fields.string()
    fields.end()
    return Certificate(
        b"".join((_string(plain(kind).encode()), *key)), purpose, principals, valid_from, valid_until,
        critical_options, authority, signed_with(signature),
    )  # fmt: skip


class _Fields:
    """The fields of a packet, one after the other. Raises ValueError at the end of the packet."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._at = 0

    def _bytes(self, size: int) -> bytes:
        found = self._packet[self._at : self._at + size]
        if len(found) < size:
            raise ValueError("the packet ends too early")
        self._at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self._bytes(size), "big")

    def string(self) -> bytes:
        return self._bytes(self.number(4))

    def text(self) -> str:
        return self.string().decode("ascii")

    def more(self) -> bool:
        return self._at < len(self._packet)

    def end(self) -> None:
        if self.more():
            raise ValueError("the packet goes on too long")


def _strings(packet: bytes) -> Iterator[bytes]:
    fields = _Fields(packet)
    while fields.more():
        yield fields.string()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
