"""A session on its node that goes on in one allocation after the other, on real Slurm: left alone, and looked at."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from faults import wired
from full import FULL, slow
from rig import Rig, seeing_tmp_of, wait_until
from sites import in_a_pipe
from window import LNODE, Window

pytestmark = pytest.mark.timeout(900)  # each waits for the half of a job's time, some for all of it

NOTES = "~/.local/state/lnode/in_jobs"
ANY = "running,pending,completing"
NEXT_S = 240  # for a job of one or two minutes: until the next one has taken its session over

# An agent as far as lnode is concerned: a program that says how it was started, and stays.
AGENT = '#!/bin/sh\necho "agent begins $*."\ntail -f /dev/null\n'


@pytest.fixture(autouse=True)
def no_notes(slurm: Rig) -> Iterator[None]:
    slurm.exec("mkdir -p /var/tmp/deep /var/tmp/beside /var/tmp/third")  # /tmp may be another one in each job
    slurm.exec(f"printf %s '{AGENT}' >/var/tmp/anagent; chmod 755 /var/tmp/anagent")
    yield
    slurm.exec("scontrol update partition=interactive state=UP; scontrol update node=node01 state=RESUME", "root")
    slurm.exec("scancel -u alice")
    wait_until(lambda: not jobs(slurm, ANY), "all jobs have ended")  # their batch scripts write notes
    slurm.exec(f"rm -rf {NOTES}")


@contextmanager
def kept(rig: Rig, time: str = "1", keep: str = "1 week") -> Iterator[Window]:
    """A window with such a session in jobs of one minute, at its prompt."""
    config = rig.home / "kept.toml"
    keys = {"where": "node", "mem": "1000", "time": time, "keep": keep, "resume": "/var/tmp/anagent --continue"}
    config.write_text("[hosts.unity]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items()))
    with Window([*LNODE, "unity", "x"], rig.env(LNODE_CONFIG=str(config))) as window:
        window.wait_for("alice@login1")
        yield window


def jobs(rig: Rig, state: str = "running") -> list[str]:
    return rig.exec(f"squeue -h -u alice -t {state} -o %i")[1].split()


def follows(rig: Rig, job: str) -> str:
    """The job that runs in its place. There are never more than two."""
    found: list[str] = []

    def has_followed() -> bool:
        both = jobs(rig, ANY)
        assert len(both) <= 2, both
        found[:] = [one for one in jobs(rig) if int(one) > int(job)]
        return bool(found) and job not in jobs(rig, "running,completing")

    wait_until(has_followed, f"another job follows {job}", within_s=NEXT_S)
    return found[0]


def has_shown(window: Window, pattern: str) -> bool:
    window.look()
    return re.search(pattern.encode(), window.raw) is not None


def windows(rig: Rig, job: str) -> str:
    rows = "#{window_index} #{window_name} #{pane_index} #{pane_current_path}"
    return rig.exec(f"{seeing_tmp_of(job)}tmux -L lnode-{job} list-panes -s -t =x: -F '{rows}'")[1]


def answers(window: Window, job: str) -> bool:
    """Does a shell in that job answer? Keys that are pressed before the connection is back are not sent."""
    window.press("\x15echo in=$SLURM_JOB_ID.\r")
    try:
        window.find(rf"in={job}\.", within_s=5)
    except AssertionError:
        return False
    return True


def shows(rig: Rig, job: str, before: str) -> bool:
    return windows(rig, job) == before


def each_shows_its_own(window: Window) -> bool:
    """Do the panes of the first window? It is chosen anew each time: the next job has another one chosen."""
    window.press("\x020")
    return {"kept-42", "beside-42", "third-42"} <= {*re.split(r"[\s│]+", window.look())}


@pytest.mark.timeout(120 + (20 if FULL else 1) * NEXT_S)
def test_it_goes_on_with_nobody_there(slurm: Rig) -> None:
    # A busy machine may need more than the half of one minute.
    with kept(slurm, time="1" if FULL else "2") as window:
        (job,) = jobs(slurm)
        window.press("cd /var/tmp/deep && echo kept-$((6 * 7))\r")
        window.wait_for("kept-42")
        window.press("\x02%")
        window.press("cd /var/tmp/beside && echo beside-$((6 * 7))\r")
        window.wait_for("beside-42")
        window.press('\x02"')
        window.press("cd /var/tmp/third && echo third-$((6 * 7))\r")
        window.wait_for("third-42")
        window.press("\x02c")
        window.wait_for("1:bash*")
        window.press("tmux rename-window train; /var/tmp/anagent\r")
        window.wait_for("agent begins .")
        before = windows(slurm, job)
        window.leave()
    folders = r"0 bash 0 /var/tmp/deep\n0 bash 1 /var/tmp/beside\n0 bash 2 /var/tmp/third\n"
    assert re.fullmatch(rf"{folders}1 train 0 .*\n", before), before
    listed = in_a_pipe(slurm, "unity", "--ls").stdout
    assert re.search(rf"^x +node +running +node0\d +{job} .*kept (6 d 23|167) h more", listed, re.MULTILINE), listed
    slurm.exec("scontrol update node=node01 state=DRAIN reason=test", "root")  # the next job has another node
    for _ in range(20 if FULL else 1):
        job = follows(slurm, job)
        wait_until(partial(shows, slurm, job, before), "names, panes and folders are as before")
    with Window([*LNODE, "unity", "x"], slurm.env()) as window:
        window.wait_for("agent begins --continue.")
        wait_until(partial(each_shows_its_own, window), "each pane shows its own")
        wait_until(lambda: has_shown(window, r"kept (6 d 23|167) h more"), "each attach says that it is kept")
        window.leave()
    (one,) = json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
    assert (one["job"]["id"], one["kept_until"] is not None) == (job, True)
    done = in_a_pipe(slurm, "unity", "x", "--keep", "no")
    assert (done.returncode, "lnode: x on unity ends with its allocation" in done.stderr) == (0, True), done
    assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 0
    wait_until(lambda: not jobs(slurm, ANY), "no job is left")


@pytest.mark.full
def test_whoever_is_there_goes_on_in_the_next_job(slurm: Rig) -> None:
    with kept(slurm) as window:
        (job,) = jobs(slurm)
        after = follows(slurm, job)
        wait_until(lambda: has_shown(window, f"job {job} has ended; x goes on in job {after}"), "it is told")
        window.press("\x15echo in=$SLURM_JOB_ID.\r")
        window.find(rf"in={after}\.", within_s=60)
        window.leave()


@pytest.mark.parametrize("how", ["kill", slow("exit"), slow("no")])
def test_neither_kill_nor_the_last_exit_leaves_a_job_that_follows(slurm: Rig, how: str) -> None:
    with kept(slurm) as window:
        (job,) = jobs(slurm)
        slurm.exec("scontrol update partition=interactive state=DOWN", "root")
        wait_until(lambda: len(jobs(slurm, "pending")) == 1, "the next one waits", within_s=NEXT_S)
        if how == "exit":
            window.press("exit\r")
            assert window.exit_status() == 0
        elif how == "kill":
            assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 0
        else:
            (waiting,) = jobs(slurm, "pending")
            done = in_a_pipe(slurm, "unity", "x", "--keep", "no")
            assert f"job {waiting}, which was to follow, is cancelled" in done.stderr, done
            assert jobs(slurm) == [job]
    wait_until(lambda: not jobs(slurm, "pending"), f"{how}: nothing waits")
    slurm.exec("scontrol update partition=interactive state=UP; scancel -u alice", "root")
    wait_until(lambda: not jobs(slurm, ANY), f"{how}: no job is left")


def test_a_session_waits_with_you_for_the_job_that_follows(slurm: Rig) -> None:
    with kept(slurm) as window:
        (job,) = jobs(slurm)
        slurm.exec("scontrol update partition=interactive state=DOWN", "root")
        wait_until(lambda: len(jobs(slurm, "pending")) == 1, "the next one waits", within_s=NEXT_S)
        (after,) = jobs(slurm, "pending")
        slurm.exec(f"scancel {job}", "root")  # as at the end of its time
        window.find(rf"lnode: x waits for its node, job {after}", within_s=60)
        (one,) = json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
        assert (one["name"], one["state"], one["job"]["id"]) == ("x", "waiting", after)
        slurm.exec("scontrol update partition=interactive state=UP", "root")
        window.find(r"alice@login1", within_s=60)
        window.press("\x15echo in=$SLURM_JOB_ID.\r")
        window.find(rf"in={after}\.", within_s=60)
        window.leave()


@pytest.mark.full
def test_what_was_refused_for_a_moment_is_asked_for_again(slurm: Rig) -> None:
    with kept(slurm, time="2") as window:
        (job,) = jobs(slurm)
        slurm.exec("scontrol update partition=interactive state=DRAIN", "root")
        wait_until(
            lambda: slurm.exec(f"test -s {NOTES}/{job}.refused")[0] == 0, "the next one is refused", within_s=NEXT_S
        )
        slurm.exec("scontrol update partition=interactive state=UP", "root")
        follows(slurm, job)
        window.leave()


@pytest.mark.full
def test_it_ends_at_its_date(slurm: Rig) -> None:
    with kept(slurm, time="2") as window:
        (job,) = jobs(slurm)
        slurm.exec(f"echo $(($(date +%s) + 200)) 0 >{NOTES}/{job}.keep")
        window.leave()
    after = follows(slurm, job)
    limit = slurm.exec(f"squeue -h -j {after} -o %l")[1].strip()
    assert limit == "1:00", limit  # what is left of the 200 s
    wait_until(lambda: not jobs(slurm, "running,pending"), "nothing follows", within_s=2 * NEXT_S)


def test_a_session_elsewhere_is_not_kept(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s plain")
    done = in_a_pipe(slurm, "unity", "plain", "--keep", "3 weeks")
    assert (done.returncode, "there is no session plain in a job of its own on unity" in done.stderr) == (7, True), done
    slurm.exec("tmux kill-server")


@pytest.mark.full
def test_a_laptop_that_was_away_during_the_change_is_back_in_it(slurm: Rig) -> None:
    with wired(slurm) as wire, kept(slurm) as window:
        (job,) = jobs(slurm)
        window.press("tmux rename-session another; clear\r")
        window.wait_for("[another]")
        wire.freeze()
        after = follows(slurm, job)
        wait_until(
            lambda: slurm.exec(f"{seeing_tmp_of(after)}tmux -L lnode-{after} has-session -t =another")[0] == 0,
            "the name it was given",
        )
        wire.heal()
        wait_until(lambda: answers(window, after), "it is back there", within_s=150)
        window.leave()


@pytest.mark.full
def test_no_is_no_wherever_the_next_job_stands(slurm: Rig) -> None:
    slurm.exec("scontrol update partition=interactive state=DOWN", "root")
    config = slurm.home / "kept.toml"
    config.write_text('[hosts.unity]\nwhere = "node"\nmem = "1000"\ntime = "1"\nkeep = "1 week"\n')
    with Window([*LNODE, "unity", "x"], slurm.env(LNODE_CONFIG=str(config))) as window:
        window.find(r"lnode: x waits for its node, job \d+")
        done = in_a_pipe(slurm, "unity", "x", "--keep", "no")
        assert done.stderr == "lnode: x on unity ends with its allocation\n", done
        slurm.exec("scontrol update partition=interactive state=UP", "root")
        window.wait_for("alice@login1")
        (job,) = jobs(slurm)
        assert "kept" not in in_a_pipe(slurm, "unity", "--ls").stdout
        assert in_a_pipe(slurm, "unity", "x", "--keep", "1 week").returncode == 0
        slurm.exec("scontrol update partition=interactive state=DOWN", "root")
        wait_until(lambda: len(jobs(slurm, "pending")) == 1, "the next one waits", within_s=NEXT_S)
        (after,) = jobs(slurm, "pending")
        slurm.exec(f"scancel {job}", "root")
        window.find(rf"lnode: x waits for its node, job {after}", within_s=60)
        done = in_a_pipe(slurm, "unity", "x", "--keep", "no")
        assert f"job {after}, which was to follow, is cancelled" in done.stderr, done
    wait_until(lambda: not jobs(slurm, ANY), "no job is left")
