"""Back from the dead, on real Slurm: tmux, salloc and srun are killed, and the same shell comes back."""

import itertools
import json
import re

import docker
import pytest

import rig as rigs
from full import FULL, slow
from rig import Rig, wait_until
from sites import in_a_pipe
from two_nodes import two_nodes
from window import LNODE, Window

MEM = ("-m", "1000", "-t", "1:00:00")
FAMILIES = {"srun": "sinteractive", "salloc": "sinteractive-salloc", "sbatch": "sinteractive-sbatch"}
CRASHES = 20 if FULL else 1
# As a crash does it, at one moment: all is stopped before any of it ends. A srun that sees its terminal go ends
# its step.
CRASH = """
tmux=$(tmux display-message -p '#{pid}')
in_panes=$(pgrep -s "$(tmux list-panes -a -F '#{pane_pid}' | paste -sd,)")
kill -STOP $tmux $in_panes
kill -9 $in_panes $tmux
"""


def configured(rig: Rig, family: str) -> dict[str, str]:
    """The environment of a laptop whose site has that sinteractive."""
    path = rig.home / f"{family}.toml"
    path.write_text(f'[hosts.unity]\nkeep_warm = "no"\ncommand = "{FAMILIES[family]} -m {{mem}} -t {{time}}"\n')
    return rig.env(LNODE_CONFIG=str(path))


def jobs(rig: Rig) -> list[str]:
    return rig.exec("squeue -h -u alice -o %i")[1].split()


def crash(rig: Rig) -> None:
    rig.exec(CRASH)
    wait_until(lambda: rig.exec("pgrep -u alice -x 'tmux.*|srun|salloc|sattach'")[0] == 1, "all that held it is gone")


def row(rig: Rig, name: str) -> dict[str, object]:
    """What --ls --json says of a session."""
    listed = json.loads(in_a_pipe(rig, "unity", "--ls", "--json").stdout)
    (found,) = (one for one in listed["sessions"] if one["name"] == name)
    return dict(found)


_looks = itertools.count()


def size_of(window: Window) -> str:
    """The size of its terminal, as the shell knows it."""
    number = next(_looks)
    window.press(f"\x15echo look{number} $(stty size) end\r")
    return window.find(rf"^look{number} (\d+ \d+) end")[1]


def is_same_shell(window: Window, turn: str, job: str, *, tries: int = 20) -> None:
    """Wait until it says the variable. What is typed before sattach has made the terminal its own is lost."""
    window.press(f"\x15echo {turn}=$MARK in $SLURM_JOB_ID\r")
    try:
        window.find(rf"^{turn}=four2 in {job}", within_s=3)
    except AssertionError:
        if tries == 1:
            raise
        is_same_shell(window, turn, job, tries=tries - 1)


@pytest.mark.parametrize("family", [slow("srun"), "salloc", slow("sbatch")])
def test_the_same_shell_comes_back_after_a_crash(slurm: Rig, family: str) -> None:
    env = configured(slurm, family)
    with Window([*LNODE, "unity", "x", *MEM], env) as window:
        window.wait_for("alice@login1")
        wait_until(lambda: "srun" in slurm.exec("ps -u alice -o comm=")[1], "the shell is on its node")
        window.press("MARK=four$((1 + 1)); echo set-$((6 * 7))\r")
        window.wait_for("set-42")
        window.detach()
        assert window.exit_status() == 0
    (job,) = jobs(slurm)
    for turn in range(CRASHES):
        crash(slurm)
        assert (row(slurm, "x")["state"], jobs(slurm)) == ("orphan", [job])
        with Window([*LNODE, "unity", "x", *MEM], env) as window:
            window.wait_for(f"lnode: back in the same shell of job {job}")
            is_same_shell(window, f"turn{turn}", job)
            if turn == 0:
                window.resize(24, 90)
                wait_until(lambda: size_of(window) == "23 90", "the shell knows the size of the window")
            window.detach()
            assert window.exit_status() == 0
        assert (row(slurm, "x")["state"], jobs(slurm)) == ("running", [job])
    done = in_a_pipe(slurm, "unity", "x", "--kill", "--yes")
    assert re.fullmatch(rf"lnode: x on unity has ended, job {job} \(\w+\) is cancelled\n", done.stderr), done
    wait_until(lambda: not jobs(slurm), "no job is left")
    assert slurm.exec("grep -s ' x$' ~/.local/state/lnode/requests/*")[1] == ""


@pytest.fixture
def orphan(slurm: Rig) -> str:
    """The job of a session x whose tmux and srun were killed."""
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for("alice@login1")
        wait_until(lambda: "srun" in slurm.exec("ps -u alice -o comm=")[1], "the shell is on its node")
        window.detach()
        assert window.exit_status() == 0
    crash(slurm)
    (job,) = jobs(slurm)
    return job


def test_a_new_shell_in_the_same_allocation_is_announced(slurm: Rig, orphan: str) -> None:
    slurm.exec(f"scancel --signal=KILL {orphan}.0")
    wait_until(lambda: f"{orphan}.0" not in slurm.exec(f"squeue -h -s -j {orphan} -o %i")[1], "its shell is gone")
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for(f"lnode: a new shell in job {orphan}: the one before is gone")
        window.press("echo in=$SLURM_JOB_ID\r")
        window.wait_for(f"in={orphan}")
        assert jobs(slurm) == [orphan]
        window.press("exit\r")
        window.wait_for(f"lnode: job {orphan} has ended. This shell is on the login node login1")
    wait_until(lambda: not jobs(slurm), "its job has ended with its shell")


def test_it_comes_first_and_says_what_to_type(slurm: Rig, orphan: str) -> None:
    slurm.exec("tmux new -d -s a")
    listed = in_a_pipe(slurm, "unity", "--ls").stdout.splitlines()
    assert re.fullmatch(
        rf"x +node +orphan +node01 +{orphan} +\d+ min +its tmux on login1 is gone, back with: lnode unity x( +.*)?",
        listed[1],
    ), listed
    assert listed[2].startswith("a ")
    done = in_a_pipe(slurm, "unity", "x", "--renew")
    assert (done.returncode, re.sub(r"\d+ min", "N min", done.stderr)) == (
        7, "lnode: x has lost its tmux on login1; its job runs on node01, N min left; nothing was asked\n"
        "hint:  bring it back: lnode unity x\n",
    )  # fmt: skip
    with Window([*LNODE, "unity", "x", "--kill"], slurm.env()) as window:
        window.find(
            rf"end x on unity\? it has lost its tmux on login1; its job runs on node01, \d+ min left; job {orphan} "
        )
        window.press("n\r")
        window.wait_for("lnode: x goes on")
    assert jobs(slurm) == [orphan]
    done = in_a_pipe(slurm, "unity", "x", "--kill", "--yes")
    assert done.stderr == f"lnode: x on unity has ended, job {orphan} (bash) is cancelled\n"
    wait_until(lambda: not jobs(slurm), "no job is left")
    assert "x" not in [
        one["name"] for one in json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
    ]


@pytest.mark.full
def test_a_session_that_was_made_by_hand_comes_back_too(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s 'by hand' 'sinteractive -m 1000 -t 1:00:00; bash'; tmux new -d -s own bash")
    slurm.exec("tmux send-keys -t own 'sinteractive -m 1000 -t 1:00:00' Enter")
    wait_until(lambda: len(slurm.exec("squeue -h -u alice -t running -o %i")[1].split()) == 2, "both have their nodes")
    states = {name: row(slurm, name)["state"] for name in ("by hand", "own")}
    assert states == {"by hand": "running", "own": "running"}
    crash(slurm)
    assert {name: row(slurm, name)["state"] for name in states} == {"by hand": "orphan", "own": "orphan"}
    assert "end it with: lnode unity 'by hand' --kill" in in_a_pipe(slurm, "unity", "--ls").stdout
    held = jobs(slurm)
    with Window([*LNODE, "unity", "own", *MEM], slurm.env()) as window:
        window.wait_for("lnode: back in the same shell of job")
        window.detach()
        assert window.exit_status() == 0
    assert jobs(slurm) == held
    for name in states:  # tmux would not keep every name that a hand can give: such a job can be ended only
        assert in_a_pipe(slurm, "unity", name, "--kill", "--yes").returncode == 0
    wait_until(lambda: not jobs(slurm), "no job is left")


def test_a_scheduler_that_does_not_answer_proves_nothing(slurm: Rig, orphan: str) -> None:
    slurm.exec("pkill -STOP -x slurmctld", "root")
    try:
        with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
            assert window.exit_status() == 1
            window.wait_for("the scheduler of unity does not say whether the job of x goes on, so nothing was started")
    finally:
        slurm.exec("pkill -CONT -x slurmctld", "root")
    assert slurm.exec("tmux list-sessions")[0] == 1
    wait_until(lambda: jobs(slurm) == [orphan], "its job goes on, and no other")


def test_a_crash_under_an_attach_is_told_and_a_clean_end_is_an_end(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for("alice@login1")
        (job,) = jobs(slurm)
        slurm.exec(CRASH)
        assert window.exit_status() == 7
        window.wait_for("x on unity has lost its tmux; its job goes on")
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for(f"lnode: back in the same shell of job {job}")
        window.detach()
        assert window.exit_status() == 0
    slurm.exec(f"scancel {job}")
    wait_until(lambda: not jobs(slurm), "the job has ended")
    slurm.exec("tmux kill-server")
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for("alice@login1")
        wait_until(lambda: len(jobs(slurm)) == 1 and jobs(slurm) != [job], "another request, as nothing was left")
        slurm.exec("tmux kill-server")
        assert window.exit_status() == 0
        window.wait_for("x on unity has ended")
    wait_until(lambda: not jobs(slurm), "a clean end of tmux gives the allocation back")
    assert not json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]


def test_a_session_of_a_server_that_lost_its_socket_to_another_is_no_orphan(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
        window.wait_for("alice@login1")
        wait_until(lambda: "srun" in slurm.exec("ps -u alice -o comm=")[1], "the shell is on its node")
        window.leave()
    held, server = jobs(slurm), slurm.exec("tmux display-message -p '#{pid}'")[1].strip()
    slurm.exec("rm /tmp/tmux-*/default; tmux new -d -s other")  # as tmpwatch does, and then you
    try:
        with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
            assert window.exit_status() == 1, window.text()
            assert "tmux" in window.text(), window.text()
        assert jobs(slurm) == held, "nothing is asked for, and nothing is ended"
        assert slurm.exec("tmux has-session -t x")[0] == 1
    finally:
        slurm.exec(f"kill {server}")
    wait_until(lambda: not jobs(slurm), "the job has ended")


@pytest.mark.full
def test_a_request_that_waited_is_brought_back_too(slurm: Rig) -> None:
    slurm.exec("scontrol update partition=interactive state=DOWN", "root")
    try:
        with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
            wait_until(lambda: len(jobs(slurm)) == 1, "it waits")
            window.wait_for("queued and waiting")
            window.detach()
            assert window.exit_status() == 0
        (job,) = jobs(slurm)
        crash(slurm)
        assert (row(slurm, "x")["state"], jobs(slurm)) == ("orphan", [job])
        with Window([*LNODE, "unity", "x", *MEM], slurm.env()) as window:
            window.wait_for(f"lnode: job {job} waits in the queue; its shell will start here")
            slurm.exec("scontrol update partition=interactive state=UP", "root")
            window.wait_for(f"lnode: a new shell in job {job}: it had none so far")
            window.wait_for("alice@login1")
            window.press("echo in=$SLURM_JOB_ID\r")
            window.wait_for(f"in={job}")
            assert jobs(slurm) == [job]
    finally:
        slurm.exec("scontrol update partition=interactive state=UP", "root")


@pytest.mark.skipif(not FULL, reason="LNODE_FULL=1: two login nodes, and a crash and a reboot of one")
def test_a_login_node_that_crashes_and_one_that_reboots(
    engine: docker.DockerClient, slurm_image: str, run: str
) -> None:
    with two_nodes(engine, slurm_image, run, shared_home=True) as nodes:
        rig, second = nodes.first, nodes.second
        nodes.land_on(second)
        with Window([*LNODE, "unity", "x", *MEM], rig.env()) as window:
            window.wait_for("alice@login1")  # the compute nodes are on login1
            wait_until(lambda: "srun" in second.exec("ps -u alice -o comm=")[1], "the shell is on its node")
            window.press("MARK=four$((1 + 1)); echo set-$((6 * 7))\r")
            window.wait_for("set-42")
            window.detach()
            assert window.exit_status() == 0
        (job,) = jobs(rig)

        def restart(*, crashes: bool) -> None:
            if crashes:
                second.container.kill()
            else:
                second.exec("pkill -HUP -u alice")  # as systemd ends what a user runs
                wait_until(lambda: not jobs(rig), "a clean end gives the allocation back")
                second.container.stop()
            second.container.start()
            port = rigs.port_of(second.container)
            wait_until(lambda: rigs.banner(port), "sshd of login2 answers")
            nodes.way.lead_to(port)

        restart(crashes=True)
        assert row(rig, "x")["state"] == "orphan"
        assert row(rig, "x")["restarted_at"] is not None
        listed = in_a_pipe(rig, "unity", "--ls").stdout
        assert re.search(
            r"^x +node +orphan .* login2 restarted \d+ s ago, back with: lnode unity x", listed, re.MULTILINE
        )
        with Window([*LNODE, "unity", "x", *MEM], rig.env()) as window:
            window.wait_for(f"lnode: back in the same shell of job {job}")
            window.wait_for("alice@login1")
            window.press("\x15echo mark=$MARK in $SLURM_JOB_ID\r")
            window.wait_for(f"mark=four2 in {job}")
            window.detach()
            assert window.exit_status() == 0
        assert jobs(rig) == [job]
        assert in_a_pipe(rig, "unity", "x", "--kill", "--yes").returncode == 0
        wait_until(lambda: not jobs(rig), "no job is left")

        with Window([*LNODE, "unity", "y", *MEM], rig.env()) as window:
            window.wait_for("alice@login1")
            window.detach()
            assert window.exit_status() == 0
        restart(crashes=False)
        listed = in_a_pipe(rig, "unity", "--ls").stdout
        assert re.search(
            r"^y +node +ended +login2 .*login2 restarted \d+ s ago, ended with it", listed, re.MULTILINE
        ), listed
        with Window([*LNODE, "unity", "y", *MEM], rig.env()) as window:
            window.wait_for("alice@login1")
            window.detach()
            assert window.exit_status() == 0
        assert row(rig, "y")["state"] == "running"
        assert len(jobs(rig)) == 1
