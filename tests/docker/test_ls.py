"""`--ls` as people see it: all hosts at once, what was last seen, and the picture that stays on the screen."""

import json
import re
from collections.abc import Iterator

import pytest

from faults import wired
from rig import Rig, configured, with_settings
from sites import in_a_pipe
from window import LNODE, Window


@pytest.fixture
def sessions(slurm: Rig) -> Iterator[Rig]:
    """Two sessions of alice's, and a laptop that knows three hosts."""
    slurm.exec("tmux new -d -s first; tmux new -d -s second")
    known = "".join(f'[hosts.{alias}]\nkeep_warm = "no"\n' for alias in ("unity", "modular", "shut"))
    with with_settings(slurm, known), configured(slurm, "Host shut\n    Port 1\n"):
        yield slurm


def test_all_hosts_at_once(sessions: Rig) -> None:
    done = in_a_pipe(sessions, "--ls")
    header, *rows = (row.split() for row in done.stdout.splitlines())
    assert header[:5] == ["HOST", "SESSION", "KIND", "STATE", "NODE"]
    assert [row[:5] for row in rows] == [
        ["unity", "first", "login", "shell", "login1"], ["unity", "second", "login", "shell", "login1"],
    ]  # fmt: skip
    assert done.returncode == 4
    assert done.stderr == "lnode: shut (127.0.0.1 port 1) refuses connections\nlnode: no sessions on modular\n"
    told = json.loads(in_a_pipe(sessions, "--ls", "--json").stdout)
    assert [(host["host"], len(host["sessions"]), host["trouble"]) for host in told["hosts"]] == [
        ("modular", 0, None), ("shut", 0, "shut (127.0.0.1 port 1) refuses connections"), ("unity", 2, None),
    ]  # fmt: skip


def test_one_that_is_silent_delays_nobody_for_long(sessions: Rig) -> None:
    in_a_pipe(sessions, "unity", "--ls")
    with wired(sessions) as wire, configured(sessions, f"Host modular\n    Port {sessions.port}\n"):
        wire.freeze()
        done = in_a_pipe(sessions, "--ls")
        wire.heal()
    assert "lnode: unity did not answer in time\n" in done.stderr
    assert "lnode: no sessions on modular\n" in done.stderr
    assert re.search(r"^unity +first +login +shell +login1 .* ago$", done.stdout, re.MULTILINE)


def test_without_a_network_the_last_picture(sessions: Rig) -> None:
    assert in_a_pipe(sessions, "unity", "--ls").returncode == 0
    with configured(sessions, "Host unity\n    Port 1\n"):
        done = in_a_pipe(sessions, "unity", "--ls")
        told = json.loads(in_a_pipe(sessions, "unity", "--ls", "--json").stdout)
    assert done.returncode == 4
    assert re.search(r"^first +login +shell +login1 .* ago$", done.stdout, re.MULTILINE)
    assert done.stderr.endswith("hint:  the login node may be restarting, or the port is wrong: ssh -v unity\n")
    assert (told["trouble"], len(told["sessions"])) == ("unity (127.0.0.1 port 1) refuses connections", 2)


def test_watching(sessions: Rig) -> None:
    with wired(sessions) as wire, Window([*LNODE, "unity", "--ls", "--watch"], sessions.env()) as window:
        window.wait_for("first    login  shell  login1")
        window.wait_for("; q leaves")
        window.press("\x1b[Ax")  # keys that mean nothing here
        wire.freeze()
        window.find(r"asked (?:[3-9]|\d\d) s ago")
        window.press("q")
        assert window.exit_status() == 0
        assert window.raw.count(b"\x1b[?1049l") == 1  # the screen is as it was
        wire.heal()


def test_watching_ends_by_ctrl_c(sessions: Rig) -> None:
    with Window([*LNODE, "--ls", "--watch"], sessions.env()) as window:
        window.wait_for("unity  first")
        window.press("\x03")
        assert window.exit_status() == 0
