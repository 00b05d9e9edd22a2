"""A scheduler that is not Slurm, for real: Grid Engine's qrsh and qlogin, whose session ids nobody keeps."""

import re
import subprocess

import pytest

from faults import LATE
from rig import Rig, wait_until
from sites import listing, state
from window import LNODE, Window

QRSH = "qrsh -now no -l h_rt=1:00:00"


def config(rig: Rig, command: str) -> None:
    path = rig.home / ".config" / "lnode" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[hosts.unity]\ncommand = "{command}"\n')


def own_job(rig: Rig, session: str) -> str:
    """The number of the job that the pane's shell runs in, by the group that Grid Engine gave to its processes."""
    rig.exec(f"tmux send-keys -t {session} 'id -G >~/groups; tmux wait-for -S {session}' Enter")
    status, groups = rig.exec(f"timeout 20 tmux wait-for {session} && cat ~alice/groups")
    assert status == 0, groups
    spool = "/var/spool/gridengine/execd/login1/active_jobs"
    status, said = rig.exec(f"grep -lx {groups.split()[-1]} {spool}/*/addgrpid", user="root")
    assert status == 0, said
    return said.removeprefix(f"{spool}/").partition(".")[0]


@pytest.mark.full
def test_each_session_has_its_own_job_and_a_third_one_waits(gridengine: Rig) -> None:
    # Both at the same moment, so that no time tells them apart; one is two shells deep, and a batch job is nobody's.
    started = (
        f"tmux new-session -d -s one '{QRSH}; exec bash' ';' new-session -d -s two \"sh -c 'sh -c qlogin; true'\";"
        " tmux new-session -d -s plain"
    )
    assert gridengine.exec(started)[0] == 0
    wait_until(lambda: {state(gridengine, name) for name in ("one", "two")} == {"running"}, "both are there")
    gridengine.exec("qsub -b y -V -o /dev/null -e /dev/null sleep 600")
    gridengine.exec(f"tmux new-session -d -s three '{QRSH}'")
    wait_until(lambda: state(gridengine, "three") == "waiting", "the third waits")

    seen = listing(gridengine)
    assert {name: seen[name]["job"]["id"] for name in ("one", "two")} == {
        name: own_job(gridengine, name) for name in ("one", "two")
    }
    assert (seen["one"]["node"], seen["two"]["job"]["left_s"], seen["plain"]["job"]) == ("login1", None, None)
    assert 0 < seen["one"]["job"]["left_s"] <= 3600
    assert "full" in seen["three"]["job"]["reason"]


def test_a_session_is_started_ended_and_cancelled_by_lnode(gridengine: Rig) -> None:
    config(gridengine, "qrsh -now no -l h_rt={time}")
    with Window([*LNODE, "unity", "work"], gridengine.env()) as window:
        wait_until(lambda: state(gridengine, "work") == "running", "the job runs")
        window.detach()
        assert window.exit_status() == 0
        assert re.search(f"detached; work (runs on login1, 7[12] h left|{LATE})", window.text())
    ended = subprocess.run(
        [*LNODE, "unity", "work", "--kill", "--yes"], env=gridengine.env(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "is cancelled" in ended.stderr
    wait_until(lambda: gridengine.exec("qstat -u alice") == (0, ""), "the job is gone")


def test_a_host_without_sinteractive_names_what_it_has(gridengine: Rig) -> None:
    config(gridengine, "sinteractive")
    with Window([*LNODE, "unity", "nothing"], gridengine.env()) as window:
        assert window.exit_status() == 8
        text = "".join(window.text().split())
    assert 'perhaps:command="qrsh-nowno-lh_rt={time}"' in text
    assert listing(gridengine) == {}
