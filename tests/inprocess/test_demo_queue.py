"""The demo's sinteractive, squeue and scancel by themselves."""

import re
import subprocess
from collections.abc import Iterator

import pexpect
import pytest

from demo_rig import USER, on_terminal, prepared, queue, run, until
from lnode.demo.state import DemoFolders


@pytest.fixture(scope="module")
def plain() -> Iterator[DemoFolders]:
    """For what has nothing to do with tmux."""
    with prepared("standin") as place:
        yield place


def test_a_job_from_request_to_release(plain: DemoFolders) -> None:
    child = on_terminal(plain, "sinteractive", "-m", "48000", "-t", "72:00:00")
    child.expect(r"salloc: Pending job allocation (\d+)\r\n")
    assert isinstance(child.match, re.Match)
    number = child.match.group(1)
    child.expect_exact(f"salloc: job {number} queued and waiting for resources")
    child.expect_exact(f"salloc: Granted job allocation {number}")
    child.expect_exact("salloc: Nodes c001 are ready for job")
    child.expect_exact("a pretend compute node")
    child.expect_exact("[you@c001 ~]$ ")
    child.send("echo $SLURM_JOB_ID/$SLURM_JOB_NODELIST/$SLURMD_NODENAME; exit 4\r")
    child.expect_exact(f"{number}/c001/c001")
    child.expect_exact(f"salloc: Relinquishing job allocation {number}")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 4
    assert queue(plain, "jobid") == []
    assert queue(plain, "jobid:9,state:10,nodelist:4", all_states=True)[-1] == f"{number:9}COMPLETED c001"


@pytest.mark.parametrize(
    ("asked", "left"),
    [("90", "1:30:00"), ("0:59", "0:59"), ("12:34", "12:34"), ("23:59:59", "23:59:59"), ("1-0", "1-00:00:00"),
     ("2-03:04", "2-03:04:00"), ("72:00:00", "3-00:00:00")],
)  # fmt: skip
def test_a_pending_job_shows_its_whole_limit(plain: DemoFolders, asked: str, left: str) -> None:
    child = on_terminal(plain, "sinteractive", "-t", asked)
    seen: list[str] = []

    def pending() -> bool:
        seen[:] = queue(plain, "state:8,timeleft:12,nodelist:5,reason")
        return seen != []

    until(pending, "the job to be queued")
    child.close(force=True)
    until(lambda: not queue(plain, "jobid"), "the job to go with its terminal")
    if seen[0].startswith("PENDING"):  # on a slow machine it may run already
        assert seen == [f"PENDING {left:12}     {'Resources':20}"]


def test_a_job_of_a_dead_or_recycled_process_is_not_listed_nor_hung_up(plain: DemoFolders) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:
        (plain.jobs / "900").write_text(f"jobid=900\npid={stranger.pid}\nshell={stranger.pid}\nsid=1\nended=\n")
        assert run(plain, "scancel", "900").returncode == 1
        assert queue(plain, "jobid") == []
        assert stranger.poll() is None
        stranger.stdin.close()  # type: ignore[union-attr]
    assert not (plain.jobs / "900").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["sinteractive", "-x"],
        ["sinteractive", "-m"],
        ["sinteractive", "-m", "48G"],
        ["sinteractive", "-t", "soon"],
        ["sinteractive", "command"],
        ["squeue"],
        ["squeue", "-u", USER],
        ["squeue", "-h", "-u", USER, "-o", "%i"],
        ["squeue", "-h", "-u", USER, "-O", "jobid,gres"],
        ["squeue", "-h", "-u", USER, "-O", "jobid:x"],
        ["squeue", "-h", "-u", "somebody-else", "-O", "jobid"],
        ["scancel"],
        ["scancel", "-u", USER],
        ["srun", "true"],
        ["srun", "--version"],
    ],
)
def test_what_is_not_modelled_is_refused(plain: DemoFolders, words: list[str]) -> None:
    done = run(plain, *words)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr


def test_twenty_requests_have_twenty_numbers(plain: DemoFolders) -> None:
    children = [on_terminal(plain, "sinteractive") for _ in range(20)]
    numbers = []
    for child in children:
        child.expect(r"Pending job allocation (\d+)")
        assert isinstance(child.match, re.Match)
        numbers.append(child.match.group(1))
    for child in children:
        child.close(force=True)
    assert len(set(numbers)) == 20
    until(lambda: not queue(plain, "jobid"), "all jobs to end")
