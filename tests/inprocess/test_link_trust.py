"""Whom a link trusts, and that a refusal is final: one connection, at most one login, no next rung."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path

import asyncssh
import paramiko
import pytest

from inprocess.paramikod import paramiko_serving
from inprocess.sshd import DEADLINE_S, Site, Sshd, serving
from lnode.ssh.failures import Cause
from lnode.ssh.link import identities
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.ladder import RUNGS, open_link
from lnode.ssh.target import Target

# Each library by itself, and the whole ladder: an opener takes a target and gives a link or LinkFailed.
OPENERS = (*(f"rung_{rung}" for rung in RUNGS[1:]), "ladder")
Opener = Callable[[Target], Awaitable[Link]]


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    if request.param == "ladder":
        return open_link
    found: Opener = import_module(f"lnode.ssh.link.{request.param}").open_rung
    return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    socket = str(tmp_path / "agent")
    started = subprocess.run(["ssh-agent", "-a", socket], capture_output=True, text=True, check=True).stdout
    pid = int(started.partition("SSH_AGENT_PID=")[2].partition(";")[0])
    yield socket
    os.kill(pid, 15)


def play(scenario: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 3 * DEADLINE_S))


async def opens(opener: Opener, target: Target) -> None:
    link = await opener(target)
    try:
        assert (await link.run("echo here", timeout_s=DEADLINE_S)).stdout == b"here\n"
    finally:
        await link.close()


async def refuses(opener: Opener, target: Target, cause: Cause) -> None:
    with pytest.raises(LinkFailed) as failed:
        await opener(target)
    assert failed.value.cause is cause, failed.value.story


async def no_login_was_tried(opener: Opener, target: Target, sshd: Sshd, cause: Cause) -> None:
    await refuses(opener, target, cause)
    assert (sshd.connections, sshd.logins) == (1, 0)


def another_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def test_a_man_in_the_middle_is_refused(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, another_key())
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_CHANGED)

    play(scenario())


def test_an_unknown_host_is_refused(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port + 1, sshd.host_key)
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_UNKNOWN)

    play(scenario())


def test_no_known_hosts_file_trusts_nobody(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.known_hosts.unlink()
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_UNKNOWN)

    play(scenario())


def test_a_key_of_a_type_never_seen_is_a_changed_one_as_to_ssh(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, another_key("ecdsa-sha2-nistp256"))
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_CHANGED)

    play(scenario())


def test_a_revoked_key_is_refused_though_it_is_known(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            site.trust(sshd.port, sshd.host_key, marker="@revoked")
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_CHANGED)

    play(scenario())


class Parrot(paramiko.ECDSAKey):
    """Shows somebody else's public key and signs with its own."""

    shown: paramiko.PKey

    def asbytes(self) -> bytes:
        return self.shown.asbytes()


@pytest.mark.parametrize("module", OPENERS)
def test_showing_the_right_key_is_not_having_it(module, site):
    real, parrot = paramiko.ECDSAKey.generate(), Parrot(vals=_vals(paramiko.ECDSAKey.generate()))
    parrot.shown = real
    opener = open_link if module == "ladder" else import_module(f"lnode.ssh.link.{module}").open_rung
    with paramiko_serving(host_key=parrot) as server:
        site.trust(server.port, asyncssh.import_public_key(f"{real.get_name()} {real.get_base64()}"))
        with pytest.raises(LinkFailed) as failed:
            asyncio.run(opener(site.target(server.port)))
        assert failed.value.cause in (Cause.HOST_KEY_CHANGED, Cause.CLOSED_EARLY), failed.value.story
        assert server.connections == 1


def _vals(key: paramiko.ECDSAKey) -> tuple[object, object]:
    return key.signing_key, key.verifying_key


def test_a_refused_login_is_final(opener, site):
    async def scenario() -> None:
        async with serving(refuse=True) as sshd:
            site.trust(sshd.port, sshd.host_key)
            await refuses(opener, site.target(sshd.port), Cause.LOGIN_REFUSED)
            assert (sshd.connections, sshd.logins) == (1, 1)

    play(scenario())


def test_a_known_type_is_asked_for_first(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            older = another_key("ecdsa-sha2-nistp256")
            await sshd.listen_with(older)
            site.trust(sshd.port, older)
            await opens(opener, site.target(sshd.port))

    play(scenario())


def test_hashed_names(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            subprocess.run(["ssh-keygen", "-q", "-H", "-f", site.known_hosts], check=True, capture_output=True)
            assert "127.0.0.1" not in site.known_hosts.read_text()
            await opens(opener, site.target(sshd.port))

    play(scenario())


def test_host_key_alias(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.known_hosts.write_text(f"cluster {sshd.host_key.export_public_key().decode()}")
            await opens(opener, site.target(sshd.port, "HostKeyAlias cluster"))

    play(scenario())


def test_a_key_known_without_its_port_will_do(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.known_hosts.write_text(f"127.0.0.1 {sshd.host_key.export_public_key().decode()}")
            await opens(opener, site.target(sshd.port))

    play(scenario())


def test_a_type_that_is_known_without_its_port_is_not_asked_for_first(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            older = another_key("ecdsa-sha2-nistp256")
            await sshd.listen_with(older)
            site.known_hosts.write_text(f"127.0.0.1 {older.export_public_key().decode()}")
            await no_login_was_tried(opener, site.target(sshd.port), sshd, Cause.HOST_KEY_UNKNOWN)

    play(scenario())


def test_a_certified_host_opens_by_asyncssh_and_is_unknown_to_paramiko(site):
    async def scenario() -> None:
        authority = another_key()
        async with serving() as sshd:
            certificate = authority.generate_host_certificate(sshd.host_key, "host", principals=["127.0.0.1"])
            await sshd.listen_with((sshd.host_key, certificate))
            site.trust(sshd.port, authority, marker="@cert-authority")
            target = site.target(sshd.port)
            await opens(open_link, target)
            paramiko_alone: Opener = import_module("lnode.ssh.link.rung_paramiko").open_rung
            await refuses(paramiko_alone, target, Cause.HOST_KEY_UNKNOWN)

    play(scenario())


def test_any_of_several_files_will_do(opener, site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            known = site.known_hosts.rename(site.folder / "known hosts")
            files = f'UserKnownHostsFile {site.folder}/none "{known}"'
            await opens(opener, site.target(sshd.port, files))
            site.config.unlink()
            await opens(opener, site.target(sshd.port, "UserKnownHostsFile none", f"GlobalKnownHostsFile {known}"))

    play(scenario())


@pytest.mark.parametrize(
    "words",
    [
        "KnownHostsCommand /bin/false", "RevokedHostKeys {folder}/revoked", "PKCS11Provider {folder}/token.so",
        "ProxyUseFdpass yes", "BindInterface lo", "PubkeyAuthentication no", "PreferredAuthentications password",
        "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256", "PubkeyAcceptedAlgorithms -*",
    ],
)  # fmt: skip
def test_what_only_ssh_can_do_knocks_nowhere(opener, site, words):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, words.format(folder=site.folder))
            await refuses(opener, target, Cause.LOGIN_REFUSED)
            assert sshd.connections == 0

    play(scenario())


def test_a_key_that_others_can_read_is_not_used(opener, site):
    site.key.chmod(0o640)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            await refuses(opener, site.target(sshd.port), Cause.LOGIN_REFUSED)
            assert sshd.connections == 0

    play(scenario())


def test_each_key_is_shown_once_the_agents_first(opener, site, agent):
    second = site.folder / "second"
    another_key().write_private_key(second)
    second.chmod(0o600)
    for key in (second, site.key):
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)

    async def scenario() -> None:
        async with serving(refuse=True) as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(
                sshd.port, f"IdentityFile {site.key}", f"IdentityFile {second}", f"IdentityAgent {agent}"
            )
            await refuses(opener, target, Cause.LOGIN_REFUSED)
            shown = [asyncssh.read_private_key(key).get_fingerprint() for key in (second, site.key)]
            assert sshd.seen == [(sshd.port, "me"), *((sshd.port, "me", key) for key in shown)]

    play(scenario())


def test_a_key_that_needs_a_touch_is_never_tried(site):
    def blob(kind: bytes) -> bytes:
        return len(kind).to_bytes(4, "big") + kind

    touched = [blob(b"sk-ssh-ed25519@openssh.com"), blob(b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com")]
    plain = blob(b"ssh-ed25519")
    target = site.target(22, "IdentitiesOnly no")
    assert identities.to_offer(target, [*touched, plain], touched, lambda key: key) == [plain]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("held", ["file", "agent"])
def test_a_users_certificate(site, agent, named, held):
    """`key-cert.pub` lies beside its key, CertificateFile is elsewhere: that paramiko does not take up."""
    authority = another_key()
    certificate = authority.generate_user_certificate(asyncssh.read_private_key(site.key), "me", principals=["me"])
    path = site.folder / ("elsewhere" if named else "key-cert.pub")
    certificate.write_certificate(path)
    if held == "agent":
        subprocess.run(["ssh-add", "-q", site.key], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
        encrypt(site.key)
    words = [f"CertificateFile {path}"] if named else []

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            sshd.accepts = {authority.public_data}
            target = site.target(sshd.port, *words, f"IdentityAgent {agent if held == 'agent' else 'none'}")
            await opens(open_link, target)
            paramiko_alone: Opener = import_module("lnode.ssh.link.rung_paramiko").open_rung
            if named:
                connections = sshd.connections
                await refuses(paramiko_alone, target, Cause.LOGIN_REFUSED)
                assert sshd.connections == connections
            elif held == "file":
                await opens(paramiko_alone, target)

    Path(f"{site.key}.pub").write_text(asyncssh.read_private_key(site.key, "secret").export_public_key().decode())
    play(scenario())


def encrypt(key: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", key], check=True, capture_output=True)


def test_an_encrypted_key_alone_knocks_nowhere(opener, site):
    encrypt(site.key)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            await refuses(opener, site.target(sshd.port), Cause.LOGIN_REFUSED)
            assert sshd.connections == 0

    play(scenario())


def test_a_key_that_nobody_can_read_knocks_nowhere(site):
    site.key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            with pytest.raises(LinkFailed) as failed:
                await open_link(site.target(sshd.port))
            assert failed.value.cause is Cause.LOGIN_REFUSED
            assert "asyncssh: cannot read the keys; paramiko: no key" in failed.value.story
            assert sshd.connections == 0

    play(scenario())


def test_the_agents_key_opens_where_the_file_is_encrypted(opener, site, agent):
    subprocess.run(["ssh-add", "-q", site.key], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
    public = subprocess.run(["ssh-keygen", "-y", "-f", site.key], capture_output=True, check=True).stdout
    Path(f"{site.key}.pub").write_bytes(public)  # IdentitiesOnly names the agent's key by it
    encrypt(site.key)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            await opens(opener, site.target(sshd.port, f"IdentityAgent {agent}"))

    play(scenario())


def test_identities_only_keeps_the_agents_other_keys_home(opener, site, agent):
    other = site.folder / "other"
    another_key().write_private_key(other)
    other.chmod(0o600)
    subprocess.run(["ssh-add", "-q", other], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
    encrypt(site.key)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            await refuses(opener, site.target(sshd.port, f"IdentityAgent {agent}"), Cause.LOGIN_REFUSED)
            assert sshd.connections == 0

    play(scenario())


def test_identity_agent_none_hides_the_agent(opener, site, agent, monkeypatch):
    subprocess.run(["ssh-add", "-q", site.key], env={**os.environ, "SSH_AUTH_SOCK": agent}, check=True)
    encrypt(site.key)
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            await refuses(opener, site.target(sshd.port, "IdentitiesOnly no"), Cause.LOGIN_REFUSED)
            assert sshd.connections == 0

    play(scenario())


@pytest.mark.parametrize(
    "way", ["ProxyJump me@127.0.0.1:{port}", "ProxyJump gate", "ProxyCommand ssh -F {config} -W [%h]:%p gate"]
)
def test_through_a_jump_host_on_another_port(way, opener, site):
    async def scenario() -> None:
        async with serving() as gate, serving() as sshd:
            site.trust(gate.port, gate.host_key)
            site.trust(sshd.port, sshd.host_key)
            site.host("gate 127.0.0.1", gate.port)
            target = site.target(sshd.port, way.format(port=gate.port, config=site.config))
            await opens(opener, target)
            assert (gate.connections, sshd.connections) == (1, 1)

    play(scenario())


def test_a_jump_host_that_refuses_the_login_is_final(opener, site):
    async def scenario() -> None:
        async with serving(refuse=True) as gate, serving() as sshd:
            site.trust(gate.port, gate.host_key)
            site.trust(sshd.port, sshd.host_key)
            site.host("gate", gate.port)
            await refuses(opener, site.target(sshd.port, "ProxyJump gate"), Cause.LOGIN_REFUSED)
            assert (gate.connections, gate.logins, sshd.connections) == (1, 1, 0)

    play(scenario())


@pytest.mark.parametrize("way", ["ProxyJump outer,inner", "ProxyCommand sh -c 'ssh -F {config} -W [%h]:%p outer'"])
def test_no_hop_is_sent_an_empty_password(way, opener, site):
    async def scenario() -> None:
        async with serving(refuse=True) as outer, serving() as inner, serving() as sshd:
            for server in (outer, inner, sshd):
                site.trust(server.port, server.host_key)
            site.host("outer", outer.port)
            site.host("inner", inner.port)
            await refuses(opener, site.target(sshd.port, way.format(config=site.config)), Cause.LOGIN_REFUSED)
            assert (outer.connections, outer.logins, outer.passwords, sshd.connections) == (1, 1, 0, 0)

    play(scenario())


def test_nobody_says_yes_to_a_new_jump_host(opener, site):
    async def scenario() -> None:
        async with serving() as gate, serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            site.host("gate", gate.port)
            way = f"ProxyCommand ssh -F {site.config} -o StrictHostKeyChecking=ask -W [%h]:%p gate"
            await refuses(opener, site.target(sshd.port, way), Cause.HOST_KEY_UNKNOWN)
            assert (gate.logins, sshd.connections) == (0, 0)

    play(scenario())


def test_a_jump_host_with_another_key_is_refused(opener, site):
    """Its ssh says "HAS CHANGED", which anybody can say there: a stop, and no advice to forget a key."""

    async def scenario() -> None:
        async with serving() as gate, serving() as sshd:
            site.trust(gate.port, another_key())
            site.trust(sshd.port, sshd.host_key)
            site.host("gate", gate.port)
            await refuses(opener, site.target(sshd.port, "ProxyJump gate"), Cause.HOST_KEY_UNKNOWN)
            assert (gate.connections, gate.logins, sshd.connections) == (1, 0, 0)

    play(scenario())


def test_a_man_behind_the_jump_host_is_refused(opener, site):
    async def scenario() -> None:
        async with serving() as gate, serving() as sshd:
            site.trust(gate.port, gate.host_key)
            site.trust(sshd.port, another_key())
            site.host("gate", gate.port)
            await no_login_was_tried(opener, site.target(sshd.port, "ProxyJump gate"), sshd, Cause.HOST_KEY_CHANGED)

    play(scenario())
