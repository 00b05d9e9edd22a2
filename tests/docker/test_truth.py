"""What an attach tells of its allocation on a real cluster: the truth, the queue's end, warnings, the end; each once.

Here lnode asks every half second, through constants of the pure schedule; tests/pure/test_expiry.py shows its own pace.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from faults import clients
from full import slow
from rig import Rig, wait_until
from window import Window

HURRIED = """
import sys
from lnode.attach import expiry
expiry.OFTEN_S = expiry._SELDOM_S = 0.5
from lnode.__main__ import main
sys.argv[0] = "lnode"
main()
"""
LNODE = (sys.executable, "-c", HURRIED)


@pytest.fixture
def desktop(slurm: Rig) -> Iterator[Path]:
    """A laptop with a desktop: the file holds the notifications, one a line."""
    said = slurm.folder / "notifications"
    program = slurm.folder / "bin" / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$4" >>{said}\n')
    program.chmod(0o755)
    said.write_text("")
    yield said
    program.unlink()


def attached(slurm: Rig, name: str, *words: str) -> Window:
    return Window([*LNODE, "unity", name, *words], slurm.env())


def jobs(slurm: Rig, state: str) -> list[str]:
    return slurm.exec(f"squeue -h -t {state} -o %i")[1].split()


@contextmanager
def nodes_full(slurm: Rig) -> Iterator[list[str]]:
    """Eight requests of 48000 MB: the ninth waits."""
    status, said = slurm.exec(
        "for i in 1 2 3 4 5 6 7 8; do sbatch -o /dev/null -t 60 --mem=48000 --wrap 'sleep 900'; done"
    )
    assert status == 0, said
    wait_until(lambda: len(jobs(slurm, "RUNNING")) == 8, "the nodes are full")
    yield re.findall(r"Submitted batch job (\d+)", said)


def told(slurm: Rig, name: str) -> str:
    return slurm.exec(f"tmux show-options -qv -t {name}: @lnode_told")[1].strip()


def left(window: Window) -> str:
    """Ctrl-b d, and once more if nothing came of it: when a heartbeat is late, keys are not sent."""
    window.detach()
    with suppress(AssertionError):
        assert window.exit_status(within_s=20) == 0
        return window.text()
    window.detach()
    assert window.exit_status() == 0, window.text()
    return window.text()


def test_a_node_that_comes_is_told_once(slurm: Rig, desktop: Path) -> None:
    with nodes_full(slurm) as others, attached(slurm, "queued") as window:
        window.find(r"lnode: queued is waiting: \S+")
        (job,) = jobs(slurm, "PENDING")
        wait_until(lambda: window.look() != "" and b"\x1b]0;queued: waiting: " in window.raw, "the title says so")
        rung = window.raw.count(b"\a") - window.raw.count(b"\x1b]")
        slurm.exec(f"scancel {others[0]}")
        window.find(rf"lnode: queued is on node0\d, job {job}, ")
        wait_until(lambda: desktop.read_text() != "", "the desktop shows it")
        wait_until(
            lambda: window.look() != "" and window.raw.count(b"\a") - window.raw.count(b"\x1b]") > rung, "a bell"
        )
        assert re.fullmatch(rf"queued is on node0\d, job {job}, 7[12] h left\n", desktop.read_text())
        left(window)
        assert "set-titles" not in slurm.exec("tmux show-options -t queued:")[1]
        with attached(slurm, "queued") as again:
            again.find(rf"^lnode: queued runs on node0\d, job {job}, ")
            assert re.match(rb"[^\n]*lnode: as of \d\d:\d\d, queued runs on node0\d, job ", again.raw)
            left(again)
    assert desktop.read_text().count("\n") == 1


@pytest.mark.parametrize("how", ["detached", slow("killed")])
def test_a_node_that_comes_while_nobody_looks_is_told_at_the_next_attach(slurm: Rig, desktop: Path, how: str) -> None:
    with nodes_full(slurm) as others:
        with attached(slurm, "queued") as window:
            window.find(r"lnode: queued is waiting: ")
            (job,) = jobs(slurm, "PENDING")
            wait_until(lambda: told(slurm, "queued") == f"waiting-{job}", "its start is to be told")
            if how == "detached":
                left(window)
        wait_until(lambda: clients(slurm, "queued") == [], "nobody looks")
        slurm.exec(f"scancel {others[0]}")
        wait_until(lambda: job in jobs(slurm, "RUNNING"), "the job runs")
        assert desktop.read_text() == ""
        with attached(slurm, "queued") as window, attached(slurm, "queued") as other:
            window.find(rf"lnode: queued is on node0\d, job {job}, ")
            wait_until(lambda: desktop.read_text() != "" and other.look() != "", "the desktop shows it")
            left(window)
            left(other)
    assert desktop.read_text().count("\n") == 1


def shows(window: Window, since: int, words: str) -> None:
    """Wait until the window has shown them, perhaps for some seconds only."""
    wait_until(lambda: window.look() != "" and re.search(words.encode(), window.raw[since:]) is not None, words)


def test_warnings_before_the_end_and_after_more_time(slurm: Rig, desktop: Path) -> None:
    with attached(slurm, "timed", "-t", "3:00:00") as window, attached(slurm, "timed") as other:
        window.find(r"lnode: timed runs on node0\d, job \d+, |alice@login1")
        wait_until(lambda: len(jobs(slurm, "RUNNING")) == 1, "the job runs")
        (job,) = jobs(slurm, "RUNNING")
        # The limit counts from the start of the job, which may be minutes ago on a busy machine.
        said = {59: "5[5-9]", 14: "1[0-4]", 4: "[0-4]"}
        for limit in (59, 14, 4, 180, 59):
            before = {each: len(each.raw) for each in (window, other)}
            slurm.exec(f"scontrol update JobId={job} TimeLimit={limit}", "root")
            if limit in said:
                for each, since in before.items():
                    shows(each, since, rf"lnode: timed on node0\d ends in {said[limit]} min, job {job}")
            else:
                wait_until(
                    lambda: slurm.exec("tmux show-options -qv -t timed: @lnode_warned")[1].strip() == "", "taken back"
                )
        wait_until(lambda: desktop.read_text().count("\n") >= 4, "the desktop shows them")
        told = re.findall(r"ends in (\d+) min", desktop.read_text())
        assert re.fullmatch(" ".join(said[limit] for limit in (59, 14, 4, 59)), " ".join(told)), told
        slurm.exec(f"scancel {job}", "root")
        wait_until(lambda: "the allocation of timed has ended" in desktop.read_text(), "the end is told")
        left(window)
        left(other)
    assert desktop.read_text().count("\n") == 5


def test_the_scheduler_is_asked_for_the_user_alone_and_by_nobody_who_left(slurm: Rig) -> None:
    def asked() -> int:
        row = re.search(r"alice\s.*count:(\d+)", slurm.exec("sdiag", "root")[1])
        return int(row[1]) if row else 0

    with attached(slurm, "asks") as window:
        before = asked()
        wait_until(lambda: asked() > before + 3, "it is asked")
        left(window)
    wait_until(lambda: slurm.exec("pgrep -u alice -x squeue")[0] == 1, "nobody asks")
    after = asked()
    assert asked() == after
