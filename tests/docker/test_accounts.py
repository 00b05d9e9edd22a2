"""Slurm with slurmdbd, with LNODE_FULL=1: no request without an account, and a second cluster behind -M."""

import pytest

from rig import Rig, wait_until, with_settings
from sites import in_a_pipe, listing, state
from window import LNODE, Window

pytestmark = pytest.mark.full
REFUSED = "Invalid account or account/partition combination specified"
FAR = "salloc -M gpu -t 1:00:00"


def jobs(rig: Rig, cluster: str = "rig") -> list[str]:
    return rig.exec(f"squeue -M {cluster} -h -o %i")[1].split()


def settings(alias: str, command: str, where: str = "login") -> str:
    return f'[hosts.{alias}]\ncommand = "{command}"\nwhere = "{where}"\n'


def test_a_session_has_the_account_that_its_request_names(accounts: Rig) -> None:
    command = "salloc -A physics -t 1:00:00 srun --pty bash -l"
    with (
        with_settings(accounts, settings("unity", command)),
        Window([*LNODE, "unity", "mine"], accounts.env()) as window,
    ):
        wait_until(lambda: state(accounts, "mine") == "running", "the job runs")
        assert accounts.exec("squeue -h -o %a")[1] == "physics\n"
        window.detach()
        assert in_a_pipe(accounts, "unity", "mine", "--kill", "--yes").returncode == 0
    wait_until(lambda: not jobs(accounts), "its job has ended")


@pytest.mark.parametrize("where", ["login", "node"])
def test_a_request_without_an_account_is_refused_in_slurms_words(accounts: Rig, where: str) -> None:
    with (
        with_settings(accounts, settings("u_bash", "salloc -t 1:00:00", where)),
        Window([*LNODE, "u_bash", "none"], accounts.env()) as window,
    ):
        window.wait_for(REFUSED)
        if where == "login":
            window.wait_for("lnode: the request has ended. This shell is on the login node login1")
            window.detach()
        else:
            assert window.exit_status() == 1
    accounts.exec("tmux kill-server", "u_bash")
    assert jobs(accounts) == []


def test_a_request_that_the_account_does_not_permit_says_why_it_waits(accounts: Rig) -> None:
    limit = "sacctmgr -i modify user alice where account=physics set"
    assert accounts.exec(f"{limit} GrpTRES=cpu=1", "root")[0] == 0
    try:
        accounts.exec("tmux new-session -d -s first 'salloc -n1 -t 1:00:00'")
        wait_until(lambda: state(accounts, "first") == "running", "the first one runs")
        accounts.exec("tmux new-session -d -s second 'salloc -n1 -t 1:00:00'")
        wait_until(lambda: "AssocGrpCpuLimit" in str(listing(accounts).get("second", {}).get("why")), "it waits")
        assert state(accounts, "second") == "waiting"
    finally:
        accounts.exec(f"{limit} GrpTRES=cpu=-1", "root")


@pytest.mark.parametrize(
    "request_",
    [FAR, f"{FAR} srun --pty bash -l", "srun -M gpu -t 1:00:00 --pty bash -l"],
)
def test_a_job_of_another_cluster_is_neither_ended_nor_asked_for_twice(accounts: Rig, request_: str) -> None:
    """squeue lists those of its own cluster alone."""
    with (
        with_settings(accounts, settings("unity", request_)),
        Window([*LNODE, "unity", "far"], accounts.env()) as window,
    ):
        wait_until(lambda: bool(jobs(accounts, "gpu")), "the job runs")
        wait_until(lambda: state(accounts, "far") == "unknown", "it is not known here")
        assert listing(accounts)["far"]["job"] is None
        renewed = in_a_pipe(accounts, "unity", "far", "--renew")
        assert (renewed.returncode, len(jobs(accounts, "gpu"))) == (1, 1), renewed
        assert "whether far holds an allocation is not known, so nothing was asked" in renewed.stderr
        window.detach()
    killed = in_a_pipe(accounts, "unity", "far", "--kill", "--yes")
    assert killed.returncode == 1 and "whether it had a job is not known" in killed.stderr, killed


def test_a_session_in_a_job_is_not_made_on_another_cluster(accounts: Rig) -> None:
    with (
        with_settings(accounts, settings("unity", f"{FAR} srun --pty bash -l", "node")),
        Window([*LNODE, "unity", "far"], accounts.env()) as window,
    ):
        window.wait_for("lnode cannot make a job for a session of the command")
        assert window.exit_status() == 2
    assert (jobs(accounts), jobs(accounts, "gpu")) == ([], [])


def test_two_jobs_of_one_number_are_told_apart(accounts: Rig) -> None:
    """--kill ends that of its own cluster; both count from 1."""
    own, far = "salloc -t 1:00:00", FAR
    accounts.exec(f"tmux new-session -d -s own '{own}' ';' new-session -d -s far '{far}'")
    wait_until(lambda: bool(jobs(accounts) and jobs(accounts, "gpu")), "both run")
    (number,) = jobs(accounts)
    for _ in range(abs(int(number) - int(jobs(accounts, "gpu")[0])) + 1):
        if jobs(accounts) == jobs(accounts, "gpu"):
            break
        behind = "" if int(jobs(accounts)[0]) < int(jobs(accounts, "gpu")[0]) else "-M gpu "
        accounts.exec(f"sbatch {behind}-H --wrap true")
    done = in_a_pipe(accounts, "unity", "own", "--kill", "--yes")
    assert done.returncode == 0, done
    wait_until(lambda: number not in jobs(accounts), "its job has ended")
    assert jobs(accounts, "gpu"), "the other one goes on"
