"""`--kill` on real Slurm: what its question lists ends, and nothing else, whatever was submitted where and when."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from full import slow
from rig import Rig, wait_until
from sites import in_a_pipe
from window import LNODE, Window

BATCH = "sbatch --mem=100 -o /dev/null -J work --wrap 'sleep 900'"


def jobs(slurm: Rig, *, state: str = "PENDING,RUNNING") -> dict[str, str]:
    """Number -> name."""
    return dict(row.split(" ", 1) for row in slurm.exec(f"squeue -h -t {state} -o '%i %j'")[1].splitlines())


def submit(slurm: Rig, name: str, *, times: int = 3) -> set[str]:
    """Type sbatch in the session's pane, and wait until the jobs run; their numbers."""
    before = set(jobs(slurm))
    slurm.exec(f'for i in $(seq {times}); do tmux send-keys -t ={name}: "{BATCH}" Enter; done')
    wait_until(lambda: len(set(jobs(slurm, state="RUNNING")) - before) == times, "the batch jobs run")
    return set(jobs(slurm)) - before


def start(slurm: Rig, name: str, command: str, *, kind: str = "node") -> str:
    """A session that asks for an allocation; the number of its job, once that runs."""
    before = set(jobs(slurm))
    slurm.exec(f"cd; SHELL=/bin/bash tmux new-session -d -s {name} '{command}; exec bash -l'")
    slurm.exec(f"tmux set-option -t ={name}: @lnode_kind '{kind}'")
    wait_until(lambda: len(set(jobs(slurm, state="RUNNING")) - before) == 1, "its job runs")
    return (set(jobs(slurm)) - before).pop()


def kill(slurm: Rig, name: str) -> subprocess.CompletedProcess[str]:
    return in_a_pipe(slurm, "unity", name, "--kill", "--yes")


def listed(slurm: Rig) -> dict[str, tuple[str, str | None]]:
    """Session -> its state and its job."""
    sessions = json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
    return {entry["name"]: (entry["state"], entry["job"] and entry["job"]["id"]) for entry in sessions}


@contextmanager
def nothing_starts(slurm: Rig) -> Iterator[None]:
    slurm.exec("scontrol update partition=interactive state=DOWN", "root")
    try:
        yield
    finally:
        slurm.exec("scontrol update partition=interactive state=UP", "root")


@pytest.mark.parametrize("request_", ["salloc --mem=1000 bash", "sinteractive -m 1000"])
def test_batch_jobs_that_were_submitted_in_the_allocation_go_on(slurm: Rig, request_: str) -> None:
    job = start(slurm, "mine", request_)
    batch = submit(slurm, "mine")
    assert listed(slurm)["mine"] == ("running", job)
    done = kill(slurm, "mine")
    assert done.returncode == 0, done.stderr
    assert re.match(
        rf"lnode: mine on unity has ended, job {job} \(\w+\) is cancelled; "
        r"3 batch jobs that were submitted there go on: (\d+ \(work\)(, )?){3}\n",
        done.stderr,
    ), done.stderr
    wait_until(lambda: job not in jobs(slurm), "the allocation is given back")
    assert set(jobs(slurm, state="RUNNING")) == batch


def test_batch_jobs_that_were_submitted_after_the_allocation_are_nobodys(slurm: Rig) -> None:
    config = slurm.home / ".config" / "lnode" / "config.toml"
    before = config.read_text()
    config.write_text('[hosts.unity]\nkeep_warm = "no"\ncommand = "salloc --mem=1000 bash"\n')
    try:
        with Window([*LNODE, "unity", "mine"], slurm.env()) as window:
            wait_until(lambda: window.look() != "" and len(jobs(slurm, state="RUNNING")) == 1, "the job runs")
            (job,) = jobs(slurm)
            window.find(r"alice@login1\S*\$$")
            early = submit(slurm, "mine", times=1)
            window.press("exit\r")
            window.find(rf"^lnode: job {job}( \(COMPLETED\))? has ended")
            window.find(r"alice@login1\S*\$$")
            wait_until(lambda: job not in jobs(slurm), "the job has ended")
            late = submit(slurm, "mine")
            # a step into one of them that you typed does not make it the session's
            window.press(f"srun --jobid={min(late)} --overlap --pty sh -c 'echo on-$SLURM_JOB_ID; cat'\r")
            window.wait_for(f"on-{min(late)}")
            assert listed(slurm)["mine"] == ("ended", None)
            window.press("\x04")
            window.find(r"alice@login1\S*\$$")
            window.detach()
            assert window.exit_status() == 0
        done = in_a_pipe(slurm, "unity", "mine", "--renew")
        assert done.returncode == 0, done.stderr
        wait_until(lambda: len(jobs(slurm, state="RUNNING")) == 5, "another allocation is there")
        (renewed,) = set(jobs(slurm)) - early - late
        done = kill(slurm, "mine")
        assert done.returncode == 0, done.stderr
        assert f"job {renewed} (" in done.stderr and "is cancelled" in done.stderr
        wait_until(lambda: renewed not in jobs(slurm), "the allocation is given back")
        assert set(jobs(slurm, state="RUNNING")) == early | late
    finally:
        config.write_text(before)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        slow("sinteractive", "node"),
        ("sinteractive-salloc", ""),
        ("sinteractive-sbatch", "node"),
        slow("sinteractive-sbatch", ""),
    ],
)
def test_a_wrapper_loses_its_own_job_and_no_other(slurm: Rig, family: str, kind: str) -> None:
    job = start(slurm, "mine", f"{family} -m 1000", kind=kind)
    wait_until(lambda: listed(slurm)["mine"] == ("running", job), "it is its job")
    slurm.exec("tmux new-window -t =mine: bash")
    batch = submit(slurm, "mine", times=2)
    done = kill(slurm, "mine")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: job not in jobs(slurm), "the job is given back")
    assert set(jobs(slurm, state="RUNNING")) == batch


def test_a_wrapper_of_sbatch_that_was_typed_is_told_from_what_you_submitted(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s typed bash")
    batch = submit(slurm, "typed", times=2)
    slurm.exec("tmux send-keys -t =typed: 'sinteractive-sbatch -m 1000' Enter")
    wait_until(lambda: listed(slurm)["typed"][0] == "running", "the wrapper has its job")
    (job,) = set(jobs(slurm)) - batch
    assert listed(slurm)["typed"] == ("running", job)
    assert kill(slurm, "typed").returncode == 0
    wait_until(lambda: job not in jobs(slurm), "the job is given back")
    assert set(jobs(slurm, state="RUNNING")) == batch


@pytest.mark.parametrize(
    "request_",
    [slow("sinteractive -m 1000"), slow("sinteractive-salloc -m 1000"), "sinteractive-sbatch -m 1000"],
)
def test_a_request_that_waits_ends_with_its_session_and_no_other_does(slurm: Rig, request_: str) -> None:
    with nothing_starts(slurm):
        for name in ("mine", "other"):
            slurm.exec(f"SHELL=/bin/bash tmux new-session -d -s {name} '{request_}; exec bash -l'")
            slurm.exec(f"tmux set-option -t ={name}: @lnode_kind node")
            wait_until(lambda name=name: listed(slurm)[name][0] == "waiting", f"{name} waits")  # type: ignore[misc]
        slurm.exec(BATCH)
        seen = listed(slurm)
        assert kill(slurm, "mine").returncode == 0
        left = set(jobs(slurm))
        assert seen["mine"][1] not in left
        assert seen["other"][1] in left
        assert len(left) == 2


def test_what_appears_between_question_and_answer_goes_on(slurm: Rig) -> None:
    job = start(slurm, "mine", "salloc --mem=1000 bash")
    early = submit(slurm, "mine", times=1)
    with Window([*LNODE, "unity", "mine", "--kill"], slurm.env()) as window:
        window.wait_for("[y/N]")
        asked = window.text().replace("\n", "")
        assert re.search(
            rf"end mine on unity\? it runs on node\d+, .*; job {job} \(interactive\) is cancelled; "
            rf"1 batch job that was submitted there goes on: {early.pop()} \(work\) \[y/N\]",
            asked,
        ), asked
        submit(slurm, "mine", times=2)
        window.press("y\r")
        assert window.exit_status() == 0
        assert f"job {job} (interactive) is cancelled" in window.text().replace("\n", "")
    wait_until(lambda: job not in jobs(slurm), "the allocation is given back")
    assert list(jobs(slurm, state="RUNNING").values()) == ["work"] * 3


def test_a_session_that_got_another_job_meanwhile_goes_on(slurm: Rig) -> None:
    job = start(slurm, "mine", "sinteractive -m 1000")
    with Window([*LNODE, "unity", "mine", "--kill"], slurm.env()) as window:
        window.wait_for("[y/N]")
        slurm.exec("tmux new-window -d -t =mine: 'salloc --mem=1000'")
        wait_until(lambda: len(jobs(slurm, state="RUNNING")) == 2, "it has another job")
        window.press("y\r")
        assert window.exit_status() == 1
        said = window.text().replace("\n", "")
        assert "mine on unity has asked for another job meanwhile; nothing was ended" in said
    assert len(jobs(slurm, state="RUNNING")) == 2
    done = kill(slurm, "mine")
    assert re.match(rf"lnode: mine on unity has ended, jobs \d+ \(\w+\), {job} \(\w+\) are cancelled\n", done.stderr)
    wait_until(lambda: not jobs(slurm), "both are given back")


def test_a_view_of_a_session_takes_no_job_with_it(slurm: Rig) -> None:
    job = start(slurm, "mine", "sinteractive -m 1000")
    slurm.exec("tmux new-session -d -t mine -s view")
    assert listed(slurm) == {"mine": ("running", job), "view": ("running", job)}
    done = kill(slurm, "view")
    assert (done.returncode, done.stderr) == (
        0, f"lnode: view on unity has ended; its windows are in mine too; job {job} (bash) goes on\n"
    )  # fmt: skip
    assert listed(slurm) == {"mine": ("running", job)}
    assert kill(slurm, "mine").returncode == 0
    wait_until(lambda: not jobs(slurm), "the job is given back")


def test_a_view_whose_session_ends_meanwhile_goes_on(slurm: Rig) -> None:
    start(slurm, "mine", "sinteractive -m 1000")
    slurm.exec("tmux new-session -d -t mine -s view")
    with Window([*LNODE, "unity", "view", "--kill"], slurm.env()) as window:
        window.wait_for("[y/N]")
        slurm.exec("tmux kill-session -t =mine")
        window.press("y\r")
        assert window.exit_status() == 1
    assert listed(slurm)["view"][0] == "running"


def test_where_the_scheduler_is_silent_nothing_is_ended(slurm: Rig) -> None:
    job = start(slurm, "mine", "sinteractive-sbatch -m 1000")
    wait_until(lambda: f"{job}.0" in slurm.exec("squeue -h -s")[1], "its shell runs")
    pid = slurm.exec("pidof slurmctld", user="root")[1].strip()
    slurm.exec(f"kill -STOP {pid}", user="root")
    try:
        done = kill(slurm, "mine")
    finally:
        slurm.exec(f"kill -CONT {pid}", user="root")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1, "lnode: the scheduler of unity does not answer: the jobs of mine are not known, and nothing was ended"
    )  # fmt: skip
    assert listed(slurm)["mine"] == ("running", job)


def test_a_program_that_may_wait_for_its_job_leaves_it_and_says_so(slurm: Rig) -> None:
    slurm.exec(f'cd; tmux new-session -d -s mine "{BATCH}; sleep 900; true"')
    wait_until(lambda: bool(jobs(slurm)), "it is submitted")
    (job,) = jobs(slurm)
    assert listed(slurm)["mine"][0] == "unknown"
    done = kill(slurm, "mine")
    assert (done.returncode, done.stderr) == (
        1,
        "lnode: mine on unity has ended; whether it had a job is not known; "
        f"1 batch job that was submitted there goes on: {job} (work)\n"
        "hint:  see which jobs are left: ssh unity squeue -u alice\n",
    )
    assert set(jobs(slurm)) == {job}
