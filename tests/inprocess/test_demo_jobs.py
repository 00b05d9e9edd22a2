"""Jobs of the demo inside sessions of real tmux and of the stand-in."""

import os
import re
import time
from collections.abc import Iterator

import pytest

from demo_rig import USER, on_terminal, prepared, queue, run, until
from lnode.demo.state import DemoFolders


@pytest.fixture(scope="module", params=["real", "standin"])
def place(request: pytest.FixtureRequest) -> Iterator[DemoFolders]:
    with prepared(request.param) as place:
        yield place


@pytest.fixture
def job(place: DemoFolders) -> Iterator[str]:
    """A session x whose shell is on the node; its job id."""
    request = "sinteractive -m 48000 -t 2-03:04:05 -g 1; exec $SHELL"
    assert run(place, "tmux", "new-session", "-d", "-s", "x", request).returncode == 0
    until(lambda: queue(place, "state:10") == ["RUNNING   "], "the job to run")
    yield queue(place, "jobid:8")[0].strip()
    run(place, "tmux", "kill-server")
    until(lambda: not queue(place, "jobid"), "the job to end with its session")


def test_the_queue_ties_the_job_to_its_session(place: DemoFolders, job: str) -> None:
    pane = run(place, "tmux", "list-panes", "-a", "-F", "#{pane_pid}").stdout.strip()
    host = os.uname().nodename.partition(".")[0]
    columns = "JobID:8,AllocNodes:70,AllocSID:12,NodeList:9,NumNodes:3,Reason:8,Name:12,UserName:20,TimeLeft:5"
    row = f"{job:8}{host:70}{pane:12}c001     1  None    interactive {USER:20}2-03:"
    assert queue(place, columns) == [row]


def test_widths_and_times(place: DemoFolders, job: str) -> None:
    assert queue(place, "state:3,state,nodelist:2") == ["RUNRUNNING             c0"]
    epoch = queue(place, "submittime", SLURM_TIME_FORMAT="%s")[0]
    assert len(epoch) == 20
    assert abs(int(epoch) - time.time()) < 3600
    assert queue(place, "submittime:30")[0].strip() == time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(int(epoch)))


def test_detach_and_reattach_with_a_job(place: DemoFolders, job: str) -> None:
    first = on_terminal(place, "tmux", "attach", "-t", "=x")
    first.expect_exact("[you@c001 ~]$ ")
    first.send("echo it is $SLURM_JOB_ID in $$.\r")
    first.expect(rf"it is {job} in (\d+)\.")
    assert isinstance(first.match, re.Match)
    shell = first.match.group(1)
    first.close(force=True)
    second = on_terminal(place, "tmux", "attach", "-t", "=x")
    second.expect_exact(f"it is {job} in {shell}.")
    second.send("echo still $$.\r")
    second.expect_exact(f"still {shell}.")
    second.close(force=True)


def test_scancel_ends_the_job_and_leaves_the_session(place: DemoFolders, job: str) -> None:
    watcher = on_terminal(place, "tmux", "attach", "-t", "=x")
    watcher.expect_exact("[you@c001 ~]$ ")
    done = run(place, "scancel", job)
    assert (done.returncode, done.stderr) == (0, "")
    watcher.expect_exact(f"salloc: Job allocation {job} has been revoked.")
    watcher.expect_exact(f"salloc: Relinquishing job allocation {job}")
    watcher.expect_exact("[you@login1 ~]$ ")  # the look-alike prompt on the login node
    watcher.close(force=True)
    assert queue(place, "jobid") == []
    assert queue(place, "jobid:9,state:9", all_states=True)[-1] == f"{job:9}CANCELLED"
    done = run(place, "scancel", job, "9999")
    assert done.returncode == 1
    assert done.stderr == "scancel: error: Kill job error on job id 9999: Invalid job id specified\n"
