"""When a request would start: Slurm's words for it, the answers, and the maintenance that it runs into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.commands import when
from lnode.laptop.settings import HostSettings
from lnode.remote.fields import JobId
from lnode.schedulers.estimate import (
    Closure,
    Estimate,
    is_at_once,
    limit_s,
    obstacle,
    parse_closures,
    parse_estimates,
    room_before,
    room_s,
)
from lnode.schedulers.job import Job
from lnode.schedulers.slurm import estimated

NOW = 1_700_000_000
HOUR = 3600
SOON = Closure(NOW + 20 * HOUR, NOW + 22 * HOUR)


@pytest.mark.parametrize(
    ("words", "command", "asked"),
    [
        ({"mem": "48000", "time": "72:00:00"}, "sinteractive -m 48000", ("--mem=48000M", "--time=72:00:00")),
        ({"mem": "48G", "gpus": "2", "cpus": "4", "partition": "gpu"}, "/opt/bin/sinteractive",
         ("--mem=48G", "--gres=gpu:2", "--cpus-per-task=4", "--partition=gpu")),
        ({"mem": "1"}, "salloc -A acct --qos=x -t 1:00:00 srun --pty bash -l",
         ("-A", "acct", "--qos=x", "-t", "1:00:00")),
        ({}, "srun --pty -p short --mem=1G bash -l", ("-p", "short", "--mem=1G")),
        ({}, "salloc", ("--ntasks=1",)),
        ({}, "salloc --mem=8G --exclusive srun --pty bash -l", ("--mem=8G", "--exclusive")),
        ({}, "srun --pty -v -p gpu --hold bash -l", ("-v", "-p", "gpu", "--hold")),
        ({"mem": "48000", "cpus": "4"}, "sinteractive -m 48000 --cpus=4", ("--mem=48000M", "--cpus-per-task=4")),
        ({"mem": "4000"}, "sinteractive -m4000M", ("--mem=4000M",)),
        ({"mem": "4000"}, "sinteractive -m 4000M", ("--mem=4000M",)),
        ({"mem": "4000", "gpus": "1", "partition": "gpu"},
         "interactive --partition=gpu --gres=gpu:1 --mem=4000M",
         ("--mem=4000M", "--gres=gpu:1", "--partition=gpu")),
        ({}, "sinteractive -m 48000", None),
        ({"mem": "4000"}, "sinteractive -A proj -m 4000", None),
        ({"mem": "4000"}, "sinteractive -m 4000 --qos=long", None),
        ({"cpus": "1"}, "sinteractive -c 1 -Aproj1", None),
        ({"mem": "4000"}, "sinteractive -m 4000 -X", None),
        ({}, "salloc -M gpu -t 1:00:00", None),
        ({}, "salloc --clusters=gpu srun --pty bash", None),
        ({}, "salloc -Mgpu", None),
        ({}, "salloc --cluster-constraint=x", ("--cluster-constraint=x",)),
        ({}, "salloc --comment='my work' srun", None),
        ({}, "salloc -A $(id -gn) bash", None),
    ],
)  # fmt: skip
def test_a_request_as_slurm_is_asked(words: dict[str, str], command: str, asked: tuple[str, ...] | None) -> None:
    assert estimated(words, command) == asked


@pytest.mark.parametrize(
    ("command", "limit_s"),
    [("salloc -t {time}", 72 * HOUR), ("salloc -t 24:00:00", None), ("sinteractive", 72 * HOUR), ("salloc", None)],
)
def test_the_time_limit_is_that_of_the_command(command: str, limit_s: int | None) -> None:
    assert when._asked("", HostSettings(command=command)).limit_s == limit_s


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (f"0 starts {NOW}", {0: Estimate(NOW)}), ("12 never no such node", {12: Estimate(None, "no such node", True)}),
        ("1 refuses closed", {1: Estimate(None, "closed")}),
        ("3 silent", {3: Estimate(None)}), ("3", {}), ("x starts 1", {}), (f"0 starts {'9' * 12}", {}),
        (f"0 starts {'9' * 99}", {}), ("0 never ", {}), (f"0 refuses {'x' * 201}", {}),
    ],
)  # fmt: skip
def test_an_answer(row: str, found: dict[int, Estimate]) -> None:
    assert parse_estimates([row]) == found


@given(st.text())
def test_no_answer_breaks_it(row: str) -> None:
    parse_estimates([row])
    parse_closures([row])


def test_closures_come_in_order() -> None:
    assert parse_closures(["30 40", "x", "10 20", "1 2 3", "-1 5", f"{'9' * 30} 5"]) == (
        Closure(10, 20),
        Closure(30, 40),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("72:00:00", 72 * HOUR),
        ("2-00:00:00", 48 * HOUR),
        ("90", 5400),
        ("1:30", 90),
        (None, None),
        ("", None),
        ("x", None),
    ],
)
def test_a_time_limit(text: str | None, seconds: int | None) -> None:
    assert limit_s(text) == seconds


@pytest.mark.parametrize(
    ("starts", "asked_s", "runs_into"),
    [
        (SOON.end, 30 * HOUR, SOON), (SOON.start, 30 * HOUR, SOON),
        (NOW + 30, 30 * HOUR, None),  # it starts at once, beside the maintenance
        (NOW + HOUR, 30 * HOUR, None),  # it waits for something else
        (SOON.end, 10 * HOUR, None), (SOON.end, None, None),
    ],
)  # fmt: skip
def test_what_a_request_runs_into(starts: int, asked_s: int | None, runs_into: Closure | None) -> None:
    assert obstacle((Closure(NOW - 60, NOW + 60), SOON), starts, asked_s, NOW) == runs_into


def test_the_room_before() -> None:
    assert room_s(SOON, NOW) == 20 * HOUR - 300
    assert room_s(Closure(NOW + 800, NOW + HOUR), NOW) == 0
    reserved = "ReqNodeNotAvail, Reserved for maintenance"
    job = Job(JobId("7"), NOW, "PENDING", 30 * HOUR, "login1", "", reserved, "x", sid=900, starts=SOON.end)
    assert room_before((SOON,), job, NOW) == 20 * HOUR - 300
    assert room_before((SOON,), job._replace(starts=None), NOW) == room_before((SOON,), job, None) == 0
    assert room_before((SOON,), job._replace(reason="Priority"), NOW) == 0
    assert is_at_once(NOW + 60, NOW) and not is_at_once(NOW + 61, NOW)
