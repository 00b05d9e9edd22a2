"""`--doctor` against a real host: nothing where all is well, and faults that only a real sshd and a real ssh have."""

import json

from rig import Rig, configured, wait_until
from sites import in_a_pipe, sshd_with

LAYERS = ("laptop", "alias", "network", "login", "shell", "tmux", "home", "scheduler", "node")
WELL = "".join(f"{layer:9}  ok\n" for layer in LAYERS)


def found(rig: Rig) -> list[str]:
    done = in_a_pipe(rig, "unity", "--doctor", "--json")
    checks = [one["check"] for one in json.loads(done.stdout)["findings"]]
    assert done.returncode == bool(checks)
    return checks


def test_a_well_host_has_nothing(slurm: Rig) -> None:
    done = in_a_pipe(slurm, "unity", "--doctor")
    assert (done.stdout, done.stderr, done.returncode) == (WELL, "", 0)


def test_nothing_with_a_session_on_a_node_either(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s x 'sinteractive -m 1000 -t 1:00:00'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    assert found(slurm) == []


def test_the_users_own_configuration(slurm: Rig) -> None:
    with configured(slurm, "Host unity\n    RemoteCommand tmux\n    RequestTTY force\n    LogLevel QUIET\n"):
        assert found(slurm) == ["RemoteCommand", "RequestTTY", "LogLevel"]


def test_one_session_in_a_connection(slurm: Rig) -> None:
    with sshd_with(slurm, "MaxSessions 1"):
        assert found(slurm) == ["MaxSessions"]


def test_a_host_that_is_not_there(slurm: Rig) -> None:
    with configured(slurm, "Host unity\n    Port 1\n"):
        done = in_a_pipe(slurm, "unity", "--doctor")
    assert done.returncode == 1
    assert "network    " in done.stdout and "refuses connections\n             fix: " in done.stdout
    assert "node       not reached\n" in done.stdout
