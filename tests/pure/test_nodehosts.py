"""The names by which ssh reaches a session's node, and the block that it reads."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode import nodehosts
from lnode.sshargs import parse_config

NAMES = st.text(st.characters(codec="utf-8"), min_size=1)


@given(NAMES, NAMES)
@example("unity", "myproject")
@example("unity", "x6162")
@example("unity", "MyProject")
@example("me@login.example.edu", "*.lnode")
def test_every_name_comes_back_and_is_one_that_ssh_takes(alias: str, session: str) -> None:
    host = nodehosts.host_of(alias, session)
    assert nodehosts.session_of(host) == session
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*\.lnode", host)


def test_plain_names_stay_as_they_are() -> None:
    assert nodehosts.host_of("unity", "my-project_2") == "my-project_2.unity.lnode"


@pytest.mark.parametrize("host", ["", "myproject", "myproject.unity", "unity.lnode.org", "xff.unity.lnode"])
def test_another_name_means_no_session(host: str) -> None:
    assert nodehosts.session_of(host) is None


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")
def test_ssh_reads_the_block(tmp_path: Path) -> None:
    folder = tmp_path / "Application Support"
    folder.mkdir()
    way = ["/opt/100% py/python", "-m", "lnode", "my host", "--way"]
    block = nodehosts.block(
        "my host", "alice", way=way, key=f"{folder}/key", known_hosts=f"{folder}/known", key_name="lnode"
    )
    host = nodehosts.host_of("my host", "fit")
    (folder / nodehosts.domain_of("my host")).write_text(block)
    config = tmp_path / "config"
    config.write_text(f"{nodehosts.include(str(folder))}\nUser bob\nHost *\nProxyJump gate\nHostKeyAlias other\n")
    done = subprocess.run(["ssh", "-F", config, "-G", "--", host], capture_output=True, text=True, check=True)
    said = parse_config(done.stdout)
    assert said["proxycommand"] == ("'/opt/100%% py/python' -m lnode 'my host' --way %n",)
    assert (said["user"], said["hostkeyalias"], said["identityfile"]) == (
        ("alice",), ("lnode",), (f"{folder}/key",)
    )  # fmt: skip
    assert said["userknownhostsfile"] == (f"{folder}/known",)
    other = subprocess.run(["ssh", "-F", config, "-G", "--", "elsewhere"], capture_output=True, text=True, check=True)
    assert parse_config(other.stdout)["user"] == ("bob",)
