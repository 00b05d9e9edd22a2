"""OAR for real: its oarsub runs as a user of its own, so that its environment and ports are closed to you."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from rig import Rig, wait_until
from sites import in_a_pipe, listing, state
from window import LNODE, Window

pytestmark = pytest.mark.full  # its programs take seconds each on a busy machine
eventually = partial(wait_until, within_s=180)  # OAR starts ten programs for a job
OARSUB = "oarsub -I -n lnode$TMUX_PANE -l walltime=1:00:00"


def config(rig: Rig, walltime: str = "{time}") -> None:
    rig.settings.write_text(f'[hosts.unity]\ncommand = "oarsub -I -n lnode$TMUX_PANE -l walltime={walltime}"\n')


def own_job(rig: Rig, session: str) -> str:
    """The number of the job that the pane's shell runs in, as OAR tells it."""
    rig.exec(f"tmux send-keys -t {session} 'echo $OAR_JOB_ID >~/job; tmux wait-for -S {session}' Enter")
    status, job = rig.exec(f"timeout 20 tmux wait-for {session} && cat ~alice/job")
    assert status == 0, job
    return job.strip()


def jobs(rig: Rig) -> set[str]:
    return {row.split()[0] for row in rig.exec("oarstat -u alice")[1].splitlines()[2:]}


@contextmanager
def silent_database(rig: Rig, stop: str, start: str) -> Iterator[None]:
    assert rig.exec(stop, user="root")[0] == 0
    try:
        yield
    finally:
        rig.exec(start, user="root")
        eventually(lambda: rig.exec("oarstat -u alice")[0] == 0, "OAR answers again")


def test_each_session_has_its_own_job_and_kill_ends_it_alone(oar: Rig) -> None:
    # Both at the same moment; one is two shells deep and has no name.
    started = (
        f"tmux new-session -d -s one '{OARSUB}; exec bash' ';' new-session -d -s two \"sh -c 'sh -c \\\"oarsub -I\\\";"
        " true'\" ';' new-session -d -s plain"
    )
    assert oar.exec(started)[0] == 0
    eventually(lambda: {state(oar, name) for name in ("one", "two")} == {"running"}, "both are there")
    seen = listing(oar)
    one, two = (seen[name]["job"] for name in ("one", "two"))
    assert (one["id"], two["id"]) == (own_job(oar, "one"), own_job(oar, "two"))
    assert {seen["one"]["node"], seen["two"]["node"]} == {"node1", "node2"}
    assert 0 < one["left_s"] <= 3600 < two["left_s"]
    assert seen["plain"]["job"] is None

    done = in_a_pipe(oar, "unity", "one", "--kill", "--yes")
    assert (done.returncode, done.stderr) == (0, f"lnode: one on unity has ended, job {one['id']} is cancelled\n")
    eventually(lambda: jobs(oar) == {two["id"]}, "its job is gone, and no other")


def test_two_wait_and_a_database_that_is_down_cannot_be_asked(oar: Rig) -> None:
    oar.exec("cd && oarsub -l nodes=2 -O /dev/null -E /dev/null 'sleep 600'")
    oar.exec(f"tmux new-session -d -s one '{OARSUB}' ';' new-session -d -s two '{OARSUB}'")
    eventually(lambda: all("(Karma=" in str(one["why"]) for one in listing(oar).values()), "both wait")
    seen = listing(oar)
    assert seen["one"]["why"].startswith("waits its turn (Karma=")
    assert {seen[name]["state"] for name in ("one", "two")} == {"waiting"}
    assert min(seen[name]["starts_in_s"] for name in ("one", "two")) > 0
    postgres = "pg_ctlcluster $(ls /usr/lib/postgresql) main"
    with silent_database(oar, f"{postgres} stop -m fast", f"{postgres} start"):
        assert {state(oar, name) for name in ("one", "two")} == {"unknown"}
        done = in_a_pipe(oar, "unity", "two", "--kill", "--yes")
        assert (done.returncode, "nothing was ended" in done.stderr) == (1, True), done.stderr

    before, doomed = jobs(oar), seen["two"]["job"]["id"]
    assert in_a_pipe(oar, "unity", "two", "--kill", "--yes").returncode == 0
    eventually(lambda: jobs(oar) == before - {doomed}, "its job is gone, and no other")


def test_a_session_is_started_ended_and_cancelled_by_lnode(oar: Rig) -> None:
    config(oar)
    with Window([*LNODE, "unity", "work"], oar.env()) as window:
        eventually(lambda: state(oar, "work") == "running", "the job runs")
        window.find(r"alice@login1:~\$ *$")
        window.detach()
        assert (window.exit_status(), "detached; work " in window.text()) == (
            0,
            True,
        )  # oarstat takes long for a last look
    ended = in_a_pipe(oar, "unity", "work", "--kill", "--yes")
    assert (ended.returncode, "is cancelled" in ended.stderr) == (0, True), ended.stderr
    eventually(lambda: not jobs(oar), "the job is gone")


def test_a_request_ends_with_its_walltime_and_is_renewed(oar: Rig) -> None:
    config(oar, "0:0:20")
    with Window([*LNODE, "unity", "work"], oar.env()) as window:
        eventually(lambda: state(oar, "work") == "running", "the job runs")
        refused = in_a_pipe(oar, "unity", "work", "--renew")
        assert (refused.returncode, "still holds job" in refused.stderr) == (1, True), refused.stderr
        window.wait_for("the request has ended", within_s=120)
        assert "Job was terminated" in window.text()
        window.detach()
    eventually(lambda: state(oar, "work") == "ended", "its job has ended")
    first = jobs(oar)
    assert in_a_pipe(oar, "unity", "work", "--renew").returncode == 0
    eventually(lambda: state(oar, "work") == "running", "it has another job")
    assert {listing(oar)["work"]["job"]["id"]} == jobs(oar) - first


def test_a_database_that_hangs_cannot_be_asked(oar: Rig) -> None:
    """oarstat is setuid: timeout(1) could not end it."""
    oar.exec(f"tmux new-session -d -s one '{OARSUB}'")
    eventually(lambda: state(oar, "one") == "running", "it runs")
    with silent_database(oar, "pkill -STOP -u postgres", "pkill -CONT -u postgres"):
        assert state(oar, "one") == "unknown"
    eventually(lambda: oar.exec("pgrep -f '[o]arstat -f'")[0] == 1, "nothing is left of the question")


def test_the_livenode_of_setup_is_a_session_of_lnode(oar: Rig) -> None:
    config(oar)
    done = in_a_pipe(oar, "unity", "--setup", "--yes")
    assert done.returncode == 0, done.stderr
    with Window(["ssh", "-t", "unity"], oar.env()) as window:
        window.press("livenode exp\r")
        eventually(lambda: state(oar, "exp") == "running", "it runs")
        assert {listing(oar)["exp"]["job"]["id"]} == jobs(oar)
        window.detach()


def test_a_host_without_sinteractive_names_what_it_has(oar: Rig) -> None:
    oar.settings.write_text('[hosts.unity]\ncommand = "sinteractive"\n')
    with Window([*LNODE, "unity", "nothing"], oar.env()) as window:
        assert window.exit_status() == 8
        text = "".join(window.text().split())
    assert 'perhaps:command="oarsub-I-nlnode$TMUX_PANE-lwalltime={time}"' in text
    assert listing(oar) == {}
