"""Rows of runs, and what is said of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.errors import LnodeError
from lnode.runs import record
from lnode.runs.record import Run

ID = "0123456789abcdef"
RUNNING = Run("sim", ID, "running", "login1", 4711, 1000, None, None, None, "", "python a.py 'b c'")


def test_rows_are_read_and_noise_is_skipped() -> None:
    rows = [
        "Welcome to Unity!",
        f"sim {ID} running login1 4711 1000 - - - - python a.py 'b c'",
        f"fit {ID} ended login2 12 1000 4600 3 77 gpu1 x",
        f"../x {ID} running login1 1 1000 - - - - x",
        "sim nonsense running login1 4711 1000 - - - - x",
    ]
    assert record.parse_runs(rows) == (
        RUNNING,
        Run("fit", ID, "ended", "login2", 12, 1000, 4600, 3, "77", "gpu1", "x"),
    )


@given(st.text())
def test_any_row_is_read_or_skipped(row: str) -> None:
    record.parse_run(row)


@pytest.mark.parametrize(
    ("run", "clause"),
    [
        (RUNNING, "runs on login1"),
        (RUNNING._replace(job="77", session="gpu1"), "runs on login1 in the allocation of gpu1, job 77"),
        (RUNNING._replace(state="ended", ended=1000 + 3 * 3600, code=0), "ended after 3 h with exit code 0"),
        (RUNNING._replace(state="ended", ended=1005, code=137), "ended after 5 s by signal 9"),
        (RUNNING._replace(state="ended", ended=900, code=1), "ended after 0 s with exit code 1"),
        (RUNNING._replace(state="lost"), "is gone without an exit code: it was killed, or login1 was restarted"),
        (
            RUNNING._replace(state="elsewhere", host="login2"),
            "was started on login2; only that login node knows if it still runs",
        ),
    ],
)
def test_whereabouts(run: Run, clause: str) -> None:
    assert record.whereabouts(run) == clause


@pytest.mark.parametrize("name", ["sim", "a-b_C9", "x" * 100])
def test_names(name: str) -> None:
    record.check_name(name)


@pytest.mark.parametrize("name", ["", "-x", "a.b", "a/b", "..", "a b", "é", "x" * 101, "x\n"])
def test_no_names(name: str) -> None:
    with pytest.raises(LnodeError, match="a run cannot be called"):
        record.check_name(name)


def test_of_each_run_its_own_login_node_knows_best() -> None:
    here, there = f"sim {ID} running login1 4711 1000 - - - -", f"sim {ID} elsewhere login1 4711 1000 - - - -"
    other = f"fit {ID[::-1]} elsewhere login2 12 1000 - - - -"
    replies = [{"runs": [there]}, {"runs": [here, other]}, {"runs": [there]}, {}]
    assert [(run.name, run.state) for run in record.of_replies(replies)] == [("fit", "elsewhere"), ("sim", "running")]
