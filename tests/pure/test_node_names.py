"""The names by which ssh reaches a session's node, and the block that it reads."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.node import names
from lnode.ssh.arguments import parse_config

NAMES = st.text(st.characters(codec="utf-8"), min_size=1)


@given(NAMES, NAMES)
@example("unity", "myproject")
@example("unity", "x6162")
@example("unity", "MyProject")
@example("me@login.example.edu", "*.lnode")
@example("unity", "a\udcff")
def test_every_name_comes_back_and_is_one_that_ssh_takes(alias: str, session: str) -> None:
    host = names.host_of(alias, session)
    assert names.session_of(host) == session
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*\.lnode", host)


def test_plain_names_stay_as_they_are() -> None:
    assert names.host_of("unity", "my-project_2") == "my-project_2.unity.lnode"


@pytest.mark.parametrize("host", ["", "myproject", "myproject.unity", "unity.lnode.org"])
def test_another_name_means_no_session(host: str) -> None:
    assert names.session_of(host) is None


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")
def test_ssh_reads_the_block(tmp_path: Path) -> None:
    folder = tmp_path / "Application Support"
    folder.mkdir()
    way = ["/opt/100% py/python", "-m", "lnode", "my host", "--way"]
    block = names.block(
        "my host", "alice", way=way, keys=[f"{folder}/key"], kinds=["ed25519"], known_hosts=f"{folder}/known",
        key_name="lnode",
    )  # fmt: skip
    host = names.host_of("my host", "fit")
    (folder / names.domain_of("my host")).write_text(block)
    config = tmp_path / "config"
    config.write_text(f"{names.include(str(folder))}\nUser bob\nHost *\nProxyJump gate\nHostKeyAlias other\n")
    done = subprocess.run(["ssh", "-F", config, "-G", "--", host], capture_output=True, text=True, check=True)
    said = parse_config(done.stdout)
    assert said["proxycommand"] == ("'/opt/100%% py/python' -m lnode 'my host' --way '%h'",)
    assert (said["user"], said["hostkeyalias"], said["identityfile"]) == (
        ("alice",), ("lnode",), (f"{folder}/key",)
    )  # fmt: skip
    assert said["userknownhostsfile"] == (f"{folder}/known",)
    assert said["connecttimeout"] == ("120",)  # also for the way, which may never begin
    other = subprocess.run(["ssh", "-F", config, "-G", "--", "elsewhere"], capture_output=True, text=True, check=True)
    assert parse_config(other.stdout)["user"] == ("bob",)


@pytest.mark.parametrize("warns", [True, False])
def test_an_ssh_that_would_warn_of_the_quick_exchange_of_keys_chooses_its_own(*, warns: bool) -> None:
    """Another ssh that reads the file may not know WarnWeakCrypto, and would then stop for every host."""
    block = names.block(
        "x", "alice", way=["w"], keys=[], kinds=["rsa"], known_hosts="/k", key_name="lnode", warns=warns
    )
    assert (("KexAlgorithms" in block), "WarnWeakCrypto" in block) == (not warns, False)
    assert "HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256\n" in block


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a'$(touch pwned)'", "fit"])
def test_a_name_from_a_url_is_no_command(name: str, tmp_path: Path) -> None:
    """As in CVE-2023-51385: a submodule of git may name its host as it likes."""
    block = names.block(
        "unity", "alice", way=["echo"], keys=["/key"], kinds=["ed25519"], known_hosts="/known", key_name="lnode"
    )
    command = paramiko.SSHConfig.from_text(block).lookup(f"{name}.unity.lnode").get("proxycommand", "")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == ("" if "'" in name else f"{name}.unity.lnode\n")
    assert not list(tmp_path.iterdir())


EVERY_HOST = """\
Host *
    AddKeysToAgent yes
    ControlMaster auto
    ControlPath /tmp/%C
    ForwardAgent yes
    ForwardX11 yes
    HostKeyAlgorithms rsa-sha2-512
    KbdInteractiveAuthentication yes
    LocalCommand touch pwned
    PermitLocalCommand yes
    PreferredAuthentications password
    ProxyJump gate
    ProxyUseFdpass yes
    PubkeyAcceptedKeyTypes rsa-sha2-512
    RemoteCommand tmux
    RemoteForward 1235 localhost:22
    SendEnv LANG LC_* AWS_* TOKEN
    SetEnv TERM=xterm-256color KEY=secret
    StrictHostKeyChecking no
    Tunnel yes
    UpdateHostKeys yes
    VerifyHostKeyDNS yes
"""


@pytest.fixture
def resolved(tmp_path: Path) -> Callable[..., dict[str, tuple[str, ...]]]:
    """What `ssh -G` says of a session's node, with the block first and a `Host *` for all hosts behind it."""
    if shutil.which("ssh") is None:
        pytest.skip("no ssh here")

    def resolve(*options: str, others: str = EVERY_HOST) -> dict[str, tuple[str, ...]]:
        block = names.block("unity", "alice", way=["way"], keys=["/key"], kinds=["ed25519", "ecdsa"],
                            known_hosts="/known", key_name="lnode")  # fmt: skip
        (tmp_path / names.domain_of("unity")).write_text(block)
        config = tmp_path / "config"
        config.write_text(f"{names.include(str(tmp_path))}\n{others}")
        host = names.host_of("unity", "fit")
        done = subprocess.run(
            ["ssh", "-F", config, *options, "-G", "--", host], capture_output=True, text=True, check=True
        )
        return parse_config(done.stdout)

    return resolve


Resolved = Callable[..., dict[str, tuple[str, ...]]]


def test_what_every_host_gets_a_node_does_not(resolved: Resolved) -> None:
    said = resolved()
    assert {name: said[name] for name in ("forwardagent", "forwardx11", "permitlocalcommand")} == dict.fromkeys(
        ("forwardagent", "forwardx11", "permitlocalcommand"), ("no",)
    )
    off = ("addkeystoagent", "tunnel", "updatehostkeys", "verifyhostkeydns")
    assert {name: said[name] for name in off} == dict.fromkeys(off, ("false",))
    assert said.get("remotecommand", ("none",)) == ("none",)
    assert said["proxyusefdpass"] == ("no",)
    for word in ("hostkeyalgorithms", "pubkeyacceptedalgorithms"):
        assert said.get(word, said.get("pubkeyacceptedkeytypes")) == ("ssh-ed25519,ecdsa-sha2-nistp256",)
    assert said.get("controlpath", ("none",)) == ("none",)
    assert said["preferredauthentications"] == ("publickey",)
    assert said["stricthostkeychecking"] == ("true",)


def test_the_agent_and_x11_go_where_you_ask_for_them(resolved: Resolved) -> None:
    said = resolved("-A", "-X")
    assert (said["forwardagent"], said["forwardx11"]) == (("yes",), ("yes",))


def test_what_no_block_can_keep_back_is_named(resolved: Resolved) -> None:
    assert names.passed_on(resolved()) == [
        "SendEnv AWS_*", "SendEnv TOKEN", "SetEnv KEY", "RemoteForward 1235 [localhost]:22",
    ]  # fmt: skip
    assert names.passed_on(resolved(others=EVERY_HOST.replace("Host *", "Host * !*.lnode"))) == []
    assert names.passed_on({}) == []
