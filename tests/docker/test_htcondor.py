"""HTCondor for real, with LNODE_FULL=1: its condor_submit becomes a condor_ssh_to_job that names its job."""

import pytest

from rig import Rig, wait_until
from sites import in_a_pipe, listing, state
from window import LNODE, Window

pytestmark = pytest.mark.full
SUBMIT = "condor_submit -interactive -a request_memory=100"


def jobs(rig: Rig) -> set[str]:
    return {row.replace(" ", ".") for row in rig.exec("condor_q -af ClusterId ProcId")[1].splitlines()}


def own_job(rig: Rig, session: str) -> str:
    """The number of the job that the pane's shell runs in, as HTCondor tells it."""
    asked = 'sed -n "s/^ClusterId = //p" $_CONDOR_JOB_AD >~/job; tmux wait-for -S'
    rig.exec(f"tmux send-keys -t {session} '{asked} {session}' Enter")
    status, job = rig.exec(f"timeout 20 tmux wait-for {session} && cat ~alice/job")
    assert status == 0, job
    return f"{job.strip()}.0"


def test_each_session_has_its_own_job_and_kill_ends_it_alone(htcondor: Rig) -> None:
    started = (
        f"tmux new-session -d -s one '{SUBMIT}; exec bash' ';' new-session -d -s two \"sh -c 'sh -c \\\"{SUBMIT}\\\";"
        " true'\" ';' new-session -d -s plain"
    )
    assert htcondor.exec(f"cd && {started}")[0] == 0
    wait_until(lambda: {state(htcondor, name) for name in ("one", "two")} == {"running"}, "both are there")
    assert htcondor.exec(f"cd && tmux new-session -d -s three '{SUBMIT}'")[0] == 0
    wait_until(lambda: "no match found" in str(listing(htcondor).get("three", {}).get("why")), "the third waits")
    seen = listing(htcondor)
    ids = {name: seen[name]["job"]["id"] for name in ("one", "two", "three")}
    assert (ids["one"], ids["two"]) == (own_job(htcondor, "one"), own_job(htcondor, "two"))
    assert (seen["one"]["node"], seen["plain"]["job"], seen["three"]["state"]) == ("login1", None, "waiting")

    for name in ("three", "one"):
        done = in_a_pipe(htcondor, "unity", name, "--kill", "--yes")
        assert (done.returncode, "is cancelled" in done.stderr) == (0, True), done.stderr
    wait_until(lambda: jobs(htcondor) == {ids["two"]}, "their jobs are gone, and no other")


def test_a_session_is_started_renewed_and_cancelled_by_lnode(htcondor: Rig) -> None:
    htcondor.settings.write_text(
        '[hosts.unity]\ncommand = "condor_submit -interactive -a request_memory={mem}"\nmem = "100"\n'
    )
    with Window([*LNODE, "unity", "work"], htcondor.env()) as window:
        wait_until(lambda: state(htcondor, "work") == "running", "the job runs")
        window.find(r"alice@login1:~\$ *$")
        window.press("exit\r")
        window.wait_for("the request has ended")
        assert in_a_pipe(htcondor, "unity", "work", "--renew").returncode == 0
        wait_until(lambda: state(htcondor, "work") == "running", "it has another job")
        window.detach()
        assert window.exit_status() == 0
    ended = in_a_pipe(htcondor, "unity", "work", "--kill", "--yes")
    assert (ended.returncode, "is cancelled" in ended.stderr) == (0, True), ended.stderr
    wait_until(lambda: not jobs(htcondor), "the job is gone")


def test_a_schedd_that_is_down_cannot_be_asked(htcondor: Rig) -> None:
    htcondor.exec(f"cd && tmux new-session -d -s one '{SUBMIT}'")
    wait_until(lambda: state(htcondor, "one") == "running", "it runs")
    assert htcondor.exec("pkill -STOP condor_schedd", user="root")[0] == 0
    try:
        assert state(htcondor, "one") == "unknown"
    finally:
        htcondor.exec("pkill -CONT condor_schedd", user="root")
    wait_until(lambda: state(htcondor, "one") == "running", "it answers again")
