"""`--exec`: one command on the host, its outputs and its exit code, and nothing that is asked."""

import subprocess

import pytest

from faults import wired
from rig import Rig, configured, wait_until
from window import LNODE


def lnode(rig: Rig, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*LNODE, "unity", "--exec", *words], env=rig.env(), stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_the_outputs_and_the_exit_code_are_those_of_the_command(slurm: Rig) -> None:
    done = lnode(slurm, "--", "sh", "-c", r"printf 'a\000b'; printf 'no end' >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"a\0b", b"no end")
    done = lnode(slurm, "--", "printf", "%s|", "it's", "$HOME", "a b", "#{x}", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"it's|$HOME|a b|#{x}||", b"")
    for code in ("255", "7"):
        assert lnode(slurm, "--", "sh", "-c", f"exit {code}").returncode == int(code)
    done = lnode(slurm, "--", "seq", "200000")
    assert done.stdout == b"".join(b"%d\n" % number for number in range(1, 200001))
    assert lnode(slurm, "--", "cat").returncode == 0  # its input is empty
    done = lnode(slurm, "--", "no-such-program")
    assert done.returncode == 8
    assert done.stderr.startswith(b"lnode: there is no no-such-program on unity, so nothing was run\n")


def test_on_a_session_it_runs_inside_its_allocation(slurm: Rig) -> None:
    slurm.exec("tmux -u new-session -d -s fit 'srun --pty sh'")
    wait_until(lambda: slurm.exec("squeue -h -t RUNNING")[1] != "", "its job runs")
    done = lnode(slurm, "--on", "fit", "--", "sh", "-c", "echo $SLURMD_NODENAME; exit 3")
    assert (done.returncode, done.stdout[:4]) == (3, b"node")
    done = lnode(slurm, "--on", "other", "--", "true")
    assert done.returncode == 7
    assert done.stderr.startswith(b"lnode: there is no session other on unity\n")


@pytest.mark.full
def test_a_loop_is_refused_and_a_lost_connection_is_told(slurm: Rig) -> None:
    with wired(slurm) as wire:
        lost = subprocess.Popen(
            [*LNODE, "unity", "--exec", "--", "sh", "-c", "echo begun; sleep 60"], env=slurm.env(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert lost.stdout is not None
        assert lost.stdout.readline() == "begun\n"
        wire.reset()
        _, said = lost.communicate(timeout=100)
    assert lost.returncode == 4
    assert said.startswith("lnode: the connection to unity was lost, and whether the command has ended is not known\n")
    codes = [lnode(slurm, "--", "true").returncode for _ in range(21)]
    assert codes.count(1) >= 1
    assert set(codes) == {0, 1}
    done = lnode(slurm, "--", "true")
    assert done.stderr.startswith(
        b"lnode: 20 commands were run on unity within a minute, so this one was not\nhint:  to wait,"
    )


def test_it_asks_nobody(slurm: Rig) -> None:
    with configured(slurm, "Host unity\n    PubkeyAuthentication no\n"):
        done = lnode(slurm, "--", "true")
    assert done.returncode == 5, done.stderr
    assert b"lnode: unity needs you to sign in, and --exec never asks; nothing was run\n" in done.stderr
