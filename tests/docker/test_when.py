"""`--when` on real Slurm: the estimate of each request, the maintenance that delays one, and no job because of it."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from faults import LATE
from rig import Rig, wait_until
from window import LNODE, Window

CONFIG = """\
[hosts.unity]
keep_warm = "no"
mem = "1000"
time = "1:00:00"

[profiles.long]
time = "30:00:00"

[profiles.huge]
mem = "9000000"

[profiles.own]
command = "salloc --mem=500M -t 2:00:00 -p short srun --pty bash -l"

[profiles.strange]
command = "salloc --comment='my work' srun --pty bash -l"
"""


@pytest.fixture
def maintained(slurm: Rig) -> Iterator[dict[str, str]]:
    """The laptop's environment; in 20 hours begins the maintenance of all nodes."""
    (slurm.home / "when.toml").write_text(CONFIG)
    maintenance = "starttime=now+20hours duration=120 flags=MAINT nodes=ALL user=root"
    assert slurm.exec(f"scontrol create reservation reservationname=m {maintenance}", "root")[0] == 0
    yield slurm.env(LNODE_CONFIG=str(slurm.home / "when.toml"))
    slurm.exec("scontrol delete reservation=m", "root")


def told(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LNODE, "unity", *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_each_request_and_the_maintenance_that_it_runs_into(slurm: Rig, maintained: dict[str, str]) -> None:
    done = told(maintained, "--when")
    at = r"\w{3} \d\d:\d\d"
    rows = [re.sub(r"  +", "  ", row) for row in done.stdout.splitlines()]
    assert rows[0] == "PROFILE  REQUEST  STARTS", done
    assert rows[1] == "-  sinteractive -m 1000 -t 1:00:00  now"
    assert re.fullmatch(
        rf"long  sinteractive -m 1000 -t 30:00:00  {at}, in 2[12] h; (19|20) h would start now, "
        rf"before the maintenance of {at}",
        rows[2],
    ), rows
    assert rows[3] == ("huge  sinteractive -m 9000000 -t 1:00:00  never: Requested node configuration is not available")
    assert rows[4] == "own  salloc --mem=500M -t 2:00:00 -p short srun --pty bash -l  now"
    assert rows[5].endswith("  lnode cannot ask about this command")
    assert (done.returncode, slurm.exec("squeue -h")[1]) == (0, "")


def test_a_request_of_your_own_words(slurm: Rig, maintained: dict[str, str]) -> None:
    done = told(maintained, "--when", "-t", "2:00:00", "-p", "nope")
    assert "-t 2:00:00 -p nope" in done.stdout.splitlines()[1]
    assert done.stdout.splitlines()[1].endswith("  never: Invalid partition name specified")


def test_an_attach_that_waits_for_the_end_of_maintenance_says_so(slurm: Rig, maintained: dict[str, str]) -> None:
    with Window([*LNODE, "unity", "x", "-P", "long"], maintained) as window:
        wait_until(lambda: "maintenance" in slurm.exec("squeue -h -o %r")[1], "it waits")
        wait_until(lambda: "N/A" not in slurm.exec("squeue -h -o %S")[1], "Slurm knows when it starts", within_s=120)
        window.detach()
        window.find(rf"detached; x (waits for nodes .*\n?.*(19|20) h would end before the maintenance|{LATE})")
        assert window.exit_status() == 0
    assert "h would end before the maintenance" in told(maintained, "--ls").stdout


@pytest.mark.full
def test_a_silent_scheduler_is_said(slurm: Rig, maintained: dict[str, str]) -> None:
    slurm.exec("pkill -STOP -x slurmctld", "root")
    try:
        done = told(maintained, "--when")
    finally:
        slurm.exec("pkill -CONT -x slurmctld", "root")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "lnode: the scheduler of unity does not answer")
