"""The sshd of your own on a port of the session's node, on real Slurm: who gets in, and the way without a port."""

import re
import shlex
from collections.abc import Iterator

import pytest

from faults import wired
from forwarded import ports
from rig import Rig, wait_until, with_settings
from sites import in_a_pipe, sshd_with, with_editor

HOST = "fit.unity.lnode"
LISTENS = "pgrep -u alice -f 'sshd.* -[D] '"


@pytest.fixture
def job(slurm: Rig) -> Iterator[str]:
    """The one behind the session fit, whose name ssh knows. No sshd is left of another test."""
    slurm.exec("rm -f ~/.local/state/lnode/sshd/*.at; mkdir -p ~/proj")
    slurm.exec("tmux new-session -d -s fit 'sinteractive -m 1000 -t 1:00:00; exec cat'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    with with_editor(slurm):
        done = in_a_pipe(slurm, "unity", "fit", "--code", "~/proj", "--yes")
        assert done.returncode == 0, done
        yield slurm.exec("squeue -h -o %i --me")[1].strip()


def way(slurm: Rig) -> str:
    """The port by which a shell there was reached; 22 is that of the login node, for a step's input and output."""
    done = slurm.ssh(HOST, "echo $SLURM_JOB_ID $SSH_CONNECTION")
    found = re.fullmatch(r"\d+ \S+ \d+ \S+ (\d+)\n", done.stdout)
    assert found, done
    return found[1]


def forget_ways(slurm: Rig) -> None:
    for path in (slurm.home / ".local/state/lnode/ways").iterdir():
        path.unlink()


def test_a_connection_goes_by_a_port_that_is_for_this_laptop_alone(slurm: Rig, job: str) -> None:
    port = way(slurm)
    assert 20000 <= int(port) < 32768
    steps = slurm.exec(f"squeue -h -s -j {job} -o %i")[1]
    assert way(slurm) == port and slurm.exec(f"squeue -h -s -j {job} -o %i")[1] == steps, "it is the same sshd"
    key = "/tmp/another-key"
    slurm.exec(f"rm -f {key}*; ssh-keygen -q -t ed25519 -N '' -f {key}; cp {key}.pub ~/.ssh/authorized_keys")
    options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    refused = slurm.exec(f"ssh {options} -i {key} -p {port} login1 true; rm -f {key}*")[1]
    assert "Permission denied (publickey)" in refused
    assert slurm.exec("stat -c %a ~/.local/state/lnode/sshd/*.port.pub | sort -u")[1] == "600\n"
    masks = {slurm.ssh(host, "umask").stdout for host in ("unity", HOST)}
    assert masks == {"0022\n"}, "files there are as open as on the login node"
    slurm.exec(f"scancel {job}")
    wait_until(lambda: slurm.exec(LISTENS)[0] != 0, "it ends with the job")


def test_the_next_connections_ask_nothing_and_sign_in_no_more(slurm: Rig, job: str) -> None:
    with with_settings(slurm, ""), wired(slurm):
        try:
            port = way(slurm)  # proves that a silent login is possible, and the next leaves its connection open
            assert way(slurm) == port
            slurm.exec("tmux rename-session -t fit other")  # a question would not find it
            before = slurm.sshd_log().count("Accepted publickey")
            assert [way(slurm) for _ in range(2)] == [port, port]
            assert slurm.sshd_log().count("Accepted publickey") == before
        finally:
            slurm.forget_connections()


@pytest.mark.parametrize("remembers", [True, False], ids=["laptop", "host"])
def test_a_port_that_has_gone_is_replaced(slurm: Rig, job: str, *, remembers: bool) -> None:
    """The laptop remembers it, or else the host tells it without a try."""
    port = way(slurm)
    steps = f"squeue -h -s -j {job} -o %i"
    before = set(slurm.exec(steps)[1].split())
    slurm.exec(f"kill $({LISTENS})")
    wait_until(lambda: slurm.exec(LISTENS)[0] != 0, "it is gone")
    wait_until(lambda: set(slurm.exec(steps)[1].split()) < before, "its step ends with it", within_s=30)
    if not remembers:
        forget_ways(slurm)
    assert way(slurm) not in (port, "22")


def test_a_port_is_told_again_and_not_tried_again(slurm: Rig, job: str) -> None:
    port = way(slurm)
    forget_ways(slurm)
    install = "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/ssh-keyscan; chmod 755 /usr/local/bin/ssh-keyscan"
    assert slurm.exec(install, "root")[0] == 0
    try:
        assert way(slurm) == port
    finally:
        slurm.exec("rm -f /usr/local/bin/ssh-keyscan", "root")


def test_without_forwarding_it_is_the_input_and_output_of_a_step(slurm: Rig, job: str) -> None:
    with sshd_with(slurm, "Match User alice\n    AllowTcpForwarding no\n"):
        assert way(slurm) == "22"
        with ports(slurm, "fit") as open_:
            assert f"localhost:{open_.port} is port 8888 of node" in open_.says()
    (remembered,) = (slurm.home / ".local/state/lnode").glob("no-relay-*")
    remembered.unlink()
    assert way(slurm) != "22"


def test_a_node_whose_ports_no_login_node_reaches(slurm: Rig, job: str) -> None:
    slurm.exec("rm -f ~/.local/state/lnode/sshd/*.at")
    forget_ways(slurm)
    keyscan = shlex.quote("#!/bin/sh\\nexit 1\\n")
    install = f"printf {keyscan} >/usr/local/bin/ssh-keyscan; chmod 755 /usr/local/bin/ssh-keyscan"
    assert slurm.exec(install, "root")[0] == 0
    try:
        assert way(slurm) == "22"
        assert slurm.exec("cat ~/.local/state/lnode/sshd/*.at")[1] == "none  ed25519\n", (
            "it is not tried again in this job"
        )
    finally:
        slurm.exec("rm -f /usr/local/bin/ssh-keyscan ~/.local/state/lnode/sshd/*.at", "root")
