"""What ssh refuses of a host key or certificate, the library rungs refuse: each case is put to ssh too."""

import asyncio
import base64
import functools
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inprocess.sshd import DEADLINE_S, Site, Sshd, serving
from lnode.errors import LnodeError
from lnode.ssh.failures import Cause, is_fatal, wants_person
from lnode.ssh.keychain import Password
from lnode.ssh.link import rung_asyncssh
from lnode.ssh.link.contract import MAX_OUTPUT, LinkFailed
from lnode.ssh.link.known_hosts import HostKeys, known_host_keys
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.link.public_key import parse_certificate
from lnode.ssh.target import Target

CERT = "-cert-v01@openssh.com"
ALL = frozenset({"ssh", *RUNGS[1:]})
CERTIFIED = ALL - {"paramiko"}  # which asks for no certificate
NONE: frozenset[str] = frozenset()
ANY = None  # ssh's verdict is its version's: that of the rungs is none


class Case(NamedTuple):
    """A server's host key, what the laptop knows and has configured, and who connects.

    `known` has lines of known_hosts: @ port, {name} a public key. `shows` names the key, `cert` has the words of
    ssh-keygen for its certificate.
    """

    shows: str
    known: str
    opens: frozenset[str] | None
    options: Sequence[str] = ()
    cert: Sequence[str] = ()
    signs: str = ""  # with this algorithm, whatever was agreed
    agrees: str = ""  # on this algorithm, whatever the key is


EXACT, BARE = "[127.0.0.1]:{port}", "127.0.0.1"
GOOD = ("-s", "ca", "-h", "-n", "127.0.0.1")
KNOWN_CA = f"@cert-authority {EXACT} {{ca}}"
BY_RSA = ("-s", "rsa_ca", "-h", "-n", "127.0.0.1")
KNOWN_RSA_CA = f"@cert-authority {EXACT} {{rsa_ca}}"

CASES: Mapping[str, Case] = {
    "known": Case("ed", f"{EXACT} {{ed}}", ALL),
    "rsa": Case("rsa2048", f"{EXACT} {{rsa2048}}", ALL),
    "rsa that is too short": Case("rsa2048", f"{EXACT} {{rsa2048}}", NONE, ["RequiredRSASize 3072"]),
    "short rsa": Case("rsa1024", f"{EXACT} {{rsa1024}}", ALL, ["RequiredRSASize 1024"]),
    "short rsa that is too short": Case("rsa1024", f"{EXACT} {{rsa1024}}", NONE, ["RequiredRSASize 2048"]),
    "certified": Case("ed", KNOWN_CA, CERTIFIED, cert=GOOD),
    "certified, authority without port": Case("ed", f"@cert-authority {BARE} {{ca}}", CERTIFIED, cert=GOOD),
    "certified, other key without port": Case("ed", f"{KNOWN_CA}\n{BARE} {{other}}", CERTIFIED, cert=GOOD),
    "certified, any host's authority": Case("ed", "@cert-authority * {ca}", CERTIFIED, cert=GOOD),
    "certified, but not this host": Case("ed", "@cert-authority !*127.0.0.1*,* {ca}", NONE, cert=GOOD),
    "certified under an alias": Case(
        "ed", "@cert-authority cluster {ca}", CERTIFIED, ["HostKeyAlias cluster"], cert=(*GOOD[:4], "cluster")
    ),
    "certified for the host, not for its alias": Case(
        "ed", "@cert-authority cluster {ca}", NONE, ["HostKeyAlias cluster"], cert=GOOD
    ),
    "unknown authority": Case("ed", f"@cert-authority {EXACT} {{other}}", NONE, cert=GOOD),
    "authority as a plain key": Case("ed", f"{EXACT} {{ca}}", NONE, cert=GOOD),
    "authority of another port": Case("ed", "@cert-authority [127.0.0.1]:1 {ca}", NONE, cert=GOOD),
    "expired": Case("ed", KNOWN_CA, NONE, cert=(*GOOD, "-V", "-2d:-1d")),
    "not yet valid": Case("ed", KNOWN_CA, NONE, cert=(*GOOD, "-V", "+1d:+2d")),
    "valid now": Case("ed", KNOWN_CA, CERTIFIED, cert=(*GOOD, "-V", "-1d:+1d")),
    "other principal": Case("ed", KNOWN_CA, NONE, cert=(*GOOD[:4], "127.0.0.2")),
    "one of the principals": Case("ed", KNOWN_CA, CERTIFIED, cert=(*GOOD[:4], "a,127.0.0.1,b")),
    "principal that is a pattern": Case("ed", KNOWN_CA, ANY, cert=(*GOOD[:4], "127.0.0.*")),
    "no principal": Case("ed", KNOWN_CA, ANY, cert=GOOD[:3]),
    "user's certificate": Case("ed", KNOWN_CA, NONE, cert=("-s", "ca", "-n", "127.0.0.1")),
    "critical option": Case("ed", KNOWN_CA, NONE, cert=(*GOOD, "-O", "critical:of@a.test=x")),
    "extension": Case("ed", KNOWN_CA, CERTIFIED, cert=(*GOOD, "-O", "extension:of@a.test=x")),
    "refused certificate, known key": Case(
        "ed", f"{KNOWN_CA}\n{EXACT} {{ed}}", CERTIFIED, cert=(*GOOD, "-V", "-2d:-1d")
    ),
    "refused certificate, another key": Case(
        "ed", f"{KNOWN_CA}\n{EXACT} {{other}}", NONE, cert=(*GOOD, "-V", "-2d:-1d")
    ),
    "authority of a disallowed type": Case("ed", KNOWN_CA, NONE, ["CASignatureAlgorithms rsa-sha2-512"], cert=GOOD),
    "no authority is allowed": Case("ed", KNOWN_CA, NONE, ["CASignatureAlgorithms -*"], cert=GOOD),
    "rsa authority": Case("ed", KNOWN_RSA_CA, CERTIFIED, cert=BY_RSA),
    "authority that signs with SHA-1": Case("ed", KNOWN_RSA_CA, NONE, cert=("-t", "ssh-rsa", *BY_RSA)),
    "authority that may sign with SHA-1": Case(
        "ed", KNOWN_RSA_CA, CERTIFIED, ["CASignatureAlgorithms +ssh-rsa"], cert=("-t", "ssh-rsa", *BY_RSA)
    ),
    "authority that signs with the disallowed SHA-2": Case(
        "ed", KNOWN_RSA_CA, NONE, ["CASignatureAlgorithms rsa-sha2-512"], cert=("-t", "rsa-sha2-256", *BY_RSA)
    ),
    "certified rsa": Case("rsa2048", KNOWN_CA, CERTIFIED, cert=GOOD),
    "certified rsa that is too short": Case("rsa2048", KNOWN_CA, NONE, ["RequiredRSASize 3072"], cert=GOOD),
    "revoked": Case("ed", f"{EXACT} {{ed}}\n@revoked {EXACT} {{ed}}", NONE),
    "revoked everywhere": Case("ed", f"{EXACT} {{ed}}\n@revoked * {{ed}}", NONE),
    "revoked in hashed form": Case("ed", f"{EXACT} {{ed}}\n@revoked {{hash}} {{ed}}", NONE),
    "revoked without port": Case("ed", f"{EXACT} {{ed}}\n@revoked {BARE} {{ed}}", ANY),
    "known and revoked without port": Case("ed", f"{BARE} {{ed}}\n@revoked {BARE} {{ed}}", NONE),
    "another is revoked": Case("ed", f"{EXACT} {{ed}}\n@revoked {EXACT} {{other}}", ALL),
    "revoked authority": Case("ed", f"{KNOWN_CA}\n@revoked {EXACT} {{ca}}", NONE, cert=GOOD),
    "revoked authority, known key": Case(
        "ed", f"{KNOWN_CA}\n{EXACT} {{ed}}\n@revoked {EXACT} {{ca}}", NONE, cert=GOOD
    ),
    "revoked authority beside a key": Case(
        "ed", f"{EXACT} {{other}}\n@cert-authority {BARE} {{ca}}\n@revoked {BARE} {{ca}}", NONE, cert=GOOD
    ),
    "certified and revoked": Case("ed", f"{KNOWN_CA}\n@revoked {EXACT} {{ed}}", NONE, cert=GOOD),
    "certified and revoked beside a key": Case(
        "ed", f"{EXACT} {{other}}\n@cert-authority {BARE} {{ca}}\n@revoked {BARE} {{ed}}", NONE, cert=GOOD
    ),
    "revoked as a certificate": Case("ed", f"{EXACT} {{ed}}\n@revoked {EXACT} {{cert}}", NONE),
    "only a certificate will do": Case("ed", f"{EXACT} {{ed}}", NONE, [f"HostKeyAlgorithms ssh-ed25519{CERT}"]),
    "no host key algorithm": Case("ed", f"{EXACT} {{ed}}", NONE, ["HostKeyAlgorithms -*"]),
    "SHA-1": Case("rsa2048", f"{EXACT} {{rsa2048}}", NONE, signs="ssh-rsa"),
    "other SHA-2": Case(
        "rsa2048", f"{EXACT} {{rsa2048}}", NONE, ["HostKeyAlgorithms rsa-sha2-512"], signs="rsa-sha2-256"
    ),
    "certified, SHA-1": Case("rsa2048", KNOWN_CA, NONE, cert=GOOD, signs="ssh-rsa"),
    "a type that was not agreed on": Case(
        "ed", f"{EXACT} {{ed}}", NONE, ["HostKeyAlgorithms ecdsa-sha2-nistp256"], agrees="ecdsa-sha2-nistp256"
    ),
    "a certificate where none was agreed on": Case(
        "ed", f"{EXACT} {{ed}}", NONE, ["HostKeyAlgorithms ssh-ed25519"], cert=GOOD, agrees="ssh-ed25519"
    ),
    "what a certificate is not": Case("ed", KNOWN_CA, NONE, agrees=f"ssh-ed25519{CERT}"),
}  # fmt: skip


@functools.cache
def key(name: str) -> asyncssh.SSHKey:
    if name.startswith("rsa"):
        bits = 2048 if name == "rsa_ca" else int(name.removeprefix("rsa"))
        return asyncssh.generate_private_key("ssh-rsa", key_size=bits)
    return asyncssh.generate_private_key("ssh-ed25519")


def public(name: str) -> str:
    return key(name).export_public_key().decode().strip()


def certificate(folder: Path, name: str, words: Sequence[str]) -> str:
    """What `ssh-keygen -s` makes for the key: the certificate as a line."""
    for one in (name, *(word for word in words if word in ("ca", "rsa_ca"))):
        path = folder / one
        path.write_bytes(key(one).export_private_key())
        path.chmod(0o600)
        Path(f"{path}.pub").write_text(public(one))
    words = [str(folder / word) if word in ("ca", "rsa_ca") else word for word in words]
    subprocess.run(["ssh-keygen", "-q", *words, "-I", "id", f"{folder / name}.pub"], check=True, capture_output=True)
    return (folder / f"{name}-cert.pub").read_text()


def pair(case: Case, folder: Path) -> asyncssh.SSHKeyPair:
    """The server's key, which shows what the case says, though asyncssh would have it otherwise."""
    found = asyncssh.load_keypairs([key(case.shows)])[0]
    algorithms = found.host_key_algorithms
    if case.cert:
        found.public_data = base64.b64decode(certificate(folder, case.shows, case.cert).split()[1])
        algorithms = [f"{name.decode()}{CERT}".encode() for name in algorithms]
    found.host_key_algorithms = [case.agrees.encode()] if case.agrees else algorithms
    if case.signs or case.agrees or not case.shows.startswith("rsa"):
        found.sig_algorithm = (case.signs or "ssh-ed25519").encode()
        found.set_sig_algorithm = lambda name: None
    return found


def known(case: Case, site: Site, port: int) -> str:
    fill = {name: public(name) for name in ("ed", "other", "ca", "rsa_ca", case.shows)}
    if "{cert}" in case.known:
        fill["cert"] = certificate(site.folder, case.shows, GOOD)
    return case.known.replace("{hash}", "{exact}").format(port=port, exact=f"[127.0.0.1]:{port}", **fill) + "\n"


def configured(site: Site, port: int, *options: str) -> Target:
    try:
        return site.target(port, *options)
    except LnodeError as refused:
        assert "Bad configuration option" in refused.detail
        pytest.skip("this OpenSSH has not got the option")


async def by_ssh(site: Site) -> bool:
    ssh = await asyncio.create_subprocess_exec(
        "ssh", "-F", str(site.config), "-o", "BatchMode=yes", "unity", "true", stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await asyncio.wait_for(ssh.communicate(), DEADLINE_S)
    return ssh.returncode == 0


async def by_rung(rung: str, target: Target, sshd: Sshd) -> bool:
    """Whether the rung connects. A refusal is final, and comes before any login."""
    before = sshd.logins
    try:
        link = await asyncio.wait_for(import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target), DEADLINE_S)
    except LinkFailed as failed:
        final = wants_person(failed.cause) or is_fatal(failed.cause)
        assert final, failed.story
        assert sshd.logins == before, failed.story
        return False
    await link.close()
    return True


def play(scenario: Callable[[], object]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 4 * DEADLINE_S))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
def test_the_rungs_refuse_what_ssh_refuses(name: str, tmp_path: Path) -> None:
    case, site = CASES[name], Site(tmp_path)

    async def scenario() -> None:
        async with serving(server_host_keys=[pair(case, tmp_path)]) as sshd:
            site.known_hosts.write_text(known(case, site, sshd.port))
            if "{hash}" in case.known:
                subprocess.run(["ssh-keygen", "-q", "-H", "-f", site.known_hosts], check=True, capture_output=True)
            target = configured(site, sshd.port, *case.options)
            opened = {"ssh"} if await by_ssh(site) else set()
            opened |= {rung for rung in RUNGS[1:] if await by_rung(rung, target, sshd)}
            assert opened == case.opens or (case.opens is ANY and opened <= {"ssh"})

    play(scenario)


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_key_of_yours_that_is_too_short_stays_here(rung: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.key.write_bytes(key("rsa1024").export_private_key("openssh"))

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = configured(site, sshd.port, "RequiredRSASize 2048")
            assert not await by_ssh(site)
            connections = sshd.connections
            with pytest.raises(LinkFailed) as failed:
                await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)
            assert (failed.value.cause, sshd.connections) == (Cause.LOGIN_REFUSED, connections)
            await opens(rung, target._replace(options={**target.options, "requiredrsasize": ("1024",)}))

    play(scenario)


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_key_of_yours_signs_only_with_accepted_algorithms(rung: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.key.write_bytes(key("rsa2048").export_private_key("openssh"))

    async def scenario() -> None:
        async with serving(signature_algs=["rsa-sha2-256"]) as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, "PubkeyAcceptedAlgorithms rsa-sha2-512")
            assert not await by_ssh(site)
            with pytest.raises(LinkFailed) as failed:
                await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)
            assert failed.value.cause is Cause.LOGIN_REFUSED
            await opens(
                rung, target._replace(options={**target.options, "pubkeyacceptedalgorithms": ("rsa-sha2-256",)})
            )

    play(scenario)


async def opens(rung: str, target: Target) -> None:
    await (await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)).close()


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_known_hosts_that_cannot_be_read_to_the_end_trusts_nobody(rung: str, tmp_path: Path) -> None:
    site = Site(tmp_path)

    async def scenario() -> None:
        async with serving(server_host_keys=[key("ed")]) as sshd:
            row = f"* {public('ed')} {'x' * 8000}\n"  # long: what ssh does takes the square of the number of rows
            site.known_hosts.write_text(row * (MAX_OUTPUT // len(row) + 1) + f"@revoked * {public('ed')}\n")
            target = site.target(sshd.port)
            assert not await by_ssh(site)
            assert not await by_rung(rung, target, sshd)

    play(scenario)


def test_asyncssh_is_given_nothing_before_the_host_key_is_verified() -> None:
    keys = asyncssh.load_keypairs([key("ed")])
    client = rung_asyncssh._Client(keys, HostKeys([], set()), Password("me@unity's password: ", "secret"))
    assert client.public_key_auth_requested() is None
    assert client.password_auth_requested() is None
    assert not client.validate_host_public_key("unity", "", 22, key("ed"))
    assert not client.validate_host_ca_key("unity", "", 22, key("ed"))


def blob(name: str) -> bytes:
    return key(name).public_data


def rsa(bits: int) -> bytes:
    """A public RSA key of a size that no library makes."""
    fields = (b"ssh-rsa", b"\x01\x00\x01", (1 << (bits - 1)).to_bytes(bits // 8 + 1, "big"))
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def checked(host_keys: HostKeys, shown: bytes) -> Cause | None:
    try:
        host_keys.check(shown)
    except LinkFailed as failed:
        return failed.cause
    return None


def test_another_key_at_the_hosts_address_is_a_changed_one() -> None:
    known = HostKeys(["ssh-ed25519"], {blob("ed")})
    assert checked(known, blob("ed")) is None
    assert checked(known._replace(at_address={blob("ed"), blob("other")}), blob("ed")) is None
    assert checked(known._replace(at_address={blob("other")}), blob("ed")) is Cause.HOST_KEY_CHANGED


@pytest.mark.parametrize(("address", "counts"), [
    ("192.0.2.1", True), ("2001:db8::1", True), ("fe80::1%eth0", True), ("127.0.0.1", False), ("::1", False),
    (None, False),
])  # fmt: skip
def test_check_host_ip(address: str | None, counts: bool, tmp_path: Path) -> None:
    """Not on this computer itself, nor behind a proxy, nor where the address is the name (check_host_key)."""
    site = Site(tmp_path)
    target = site.target(22, "HostKeyAlias unity", "CheckHostIP yes")
    target = target._replace(options={**target.options, "hostname": ("unity.test",)})
    site.known_hosts.write_text(f"unity {public('ed')}\n{address} {public('other')}\n")
    for one, expected in (
        (target, counts),
        (target._replace(options={**target.options, "hostname": (str(address),)}), False),
        (target._replace(options={**target.options, "checkhostip": ("no",)}), False),
    ):
        known = asyncio.run(known_host_keys(one, address, ["ssh-ed25519"]))
        assert bool(known.at_address) is expected
        assert known.pinned == {blob("ed")}


@pytest.mark.parametrize("port", [22, 2222])
def test_a_key_is_revoked_under_any_name_of_the_host(port: int, tmp_path: Path) -> None:
    site = Site(tmp_path)
    target = site.target(port, "CheckHostIP no")
    target = target._replace(options={**target.options, "hostname": ("unity.test",)})
    for name in ("unity.test", f"[unity.test]:{port}" if port != 22 else "unity.*", "192.0.2.1", "192.0.2.*"):
        site.known_hosts.write_text(f"* {public('ed')}\n@revoked {name} {public('ed')}\n")
        known = asyncio.run(known_host_keys(target, "192.0.2.1", ["ssh-ed25519"]))
        assert checked(known, blob("ed")) is Cause.HOST_KEY_CHANGED


def test_no_rsa_key_is_shorter_than_ssh_reads() -> None:
    known = HostKeys(["rsa-sha2-512"], {rsa(1016), rsa(1024)}, smallest_rsa=1024)
    assert checked(known, rsa(1024)) is None
    assert checked(known, rsa(1016)) is Cause.HOST_KEY_UNKNOWN


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    row = certificate(tmp_path_factory.mktemp("certified"), "ed", (*GOOD, "-V", "-1d:+1d"))
    return base64.b64decode(row.split()[1])


def test_a_certificate_is_read_whole(certified: bytes) -> None:
    found = parse_certificate(certified)
    assert (found.key, found.authority, found.principals) == (blob("ed"), blob("ca"), {b"127.0.0.1"})
    for end in range(len(certified)):
        with pytest.raises(ValueError):
            parse_certificate(certified[:end])
    with pytest.raises(ValueError):
        parse_certificate(certified + b"\0")


@given(st.data())
def test_no_key_is_beyond_reading(certified: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(certified)))
    cut = data.draw(st.integers(at, min(len(certified), at + 40)))
    shown = certified[:at] + data.draw(st.binary(max_size=40)) + certified[cut:]
    known = HostKeys([f"ssh-ed25519{CERT}", "ssh-ed25519", "rsa-sha2-512"], {blob("ed")}, authorities={blob("ca")})
    for one in (shown, data.draw(st.binary(max_size=60))):
        if checked(known, one) is None:
            assert parse_certificate(one).key == blob("ed")
        with suppress(LinkFailed):
            known.check_signature(one, one)
