"""squeue's columns and durations, and which job belongs to which session."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode import slurm
from lnode.slurm import Job, job_of, parse_duration, parse_jobs, parse_processes, short_host
from lnode.tmux import Session

DAY = 86400


@given(st.integers(0, 400 * DAY))
@example(DAY)
@example(DAY - 1)
@example(3599)
def test_a_duration_as_slurm_writes_it(seconds: int) -> None:
    # secs2time_str(): D-HH:MM:SS from a day on, HH:MM:SS from an hour on, else MM:SS
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    text = f"{days}-{h:02}:{m:02}:{s:02}" if days else f"{h:02}:{m:02}:{s:02}" if h else f"{m:02}:{s:02}"
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["UNLIMITED", "NOT_SET", "INVALID", "N/A", "", "12", "1-02", "1-2:3", "-5:00", "5:00 "]
)
def test_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@given(st.text())
@example("9" * 5000 + ":00")
def test_no_text_is_beyond_a_duration(text: str) -> None:
    assert parse_duration(text) is None or ":" in text


def printed(**fields: str) -> str:
    """A row as `squeue -O field:width,...` prints it: padded or cut to the width, nothing in between."""
    widths = dict(field.split(":") for field in slurm.SQUEUE_FIELDS.split(","))
    assert set(fields) <= set(widths)
    return "".join(fields.get(field, "")[: int(width)].ljust(int(width)) for field, width in widths.items())


RUNNING = {
    "jobid": "4711", "allocsid": "900", "submittime": "1700000000", "state": "RUNNING", "timeleft": "2-03:04:05",
    "starttime": "1700000009",
    "allocnodes": "login1", "nodelist": "c[007,035-037]", "reason": "None", "name": "interactive",
}  # fmt: skip


def test_a_running_job() -> None:
    assert parse_jobs([printed(**RUNNING)]) == (
        Job(
            id="4711", sid=900, submitted=1700000000, state="RUNNING", left="2-03:04:05", left_s=2 * DAY + 11045,
            submit_host="login1", nodes="c[007,035-037]", reason="", name="interactive",
        ),
    )  # fmt: skip


def test_a_waiting_job() -> None:
    waiting = RUNNING | {"state": "PENDING", "timeleft": "3-00:00:00", "nodelist": "", "reason": "Priority"}
    (job,) = parse_jobs([printed(**waiting)])
    assert (job.state, job.nodes, job.reason, job.left_s) == ("PENDING", "", "Priority", 3 * DAY)


@pytest.mark.parametrize("nodes", ["", "(null)", "n/a", "None"])
def test_no_nodes_yet(nodes: str) -> None:
    (job,) = parse_jobs([printed(**RUNNING | {"nodelist": nodes})])
    assert job.nodes == ""


def test_full_columns_touch_and_are_still_told_apart() -> None:
    reason = "ReqNodeNotAvail, UnavailableNodes:" + "c001," * 30
    (job,) = parse_jobs([printed(**RUNNING | {"reason": reason, "allocnodes": "x" * 80, "name": "n" * 200})])
    assert (job.reason, job.submit_host, job.name) == (reason[:160], "x" * 80, "n" * 80)


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=80))
@example("a|b|c $(reboot)")
@example("日本語 jöb")
def test_any_name(name: str) -> None:
    (job,) = parse_jobs([printed(**RUNNING | {"name": name})])
    assert job == parse_jobs([printed(**RUNNING)])[0]._replace(name=name.strip())


@given(st.lists(st.text()))
def test_what_is_no_job_is_skipped(lines: list[str]) -> None:
    assert all(job.id[0].isdigit() for job in parse_jobs(lines))


@pytest.mark.parametrize(
    "row",
    [
        "",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        printed(**RUNNING | {"jobid": ""}),
        printed(**RUNNING | {"allocsid": "N/A"}),
        printed(**RUNNING)[:30],
    ],
)
def test_a_row_without_number_or_session_id_is_skipped(row: str) -> None:
    assert parse_jobs([row, printed(**RUNNING)])[-1:] == parse_jobs([printed(**RUNNING)])
    assert len(parse_jobs([row])) == (1 if row.startswith("4711") and "900" in row else 0)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("login1", "login1"), ("login1.site.edu", "login1"), ("", ""), ("(null)", ""), ("None", ""),
        ("10.0.0.7", ""), ("fe80::1", ""), ("3login", "3login"),
    ],
)  # fmt: skip
def test_short_host(name: str, short: str) -> None:
    assert short_host(name) == short


SESSION = Session("$1", "myproject", created=1_700_000_000, active=0, attached=0, pane_pids=(900, 950), kind="node")
JOB = Job(
    id="7", sid=900, submitted=SESSION.created + 5, state="RUNNING", left="1:00:00", left_s=3600,
    submit_host="login1", nodes="c1", reason="", name="x",
)  # fmt: skip
# pane 950 runs script(1), whose shell 961 leads a session of its own, in which salloc runs
UNDER_SCRIPT = {900: (1, 900), 950: (1, 950), 960: (950, 950), 961: (960, 961), 962: (961, 961), 77: (1, 77)}


def the(**changes: object) -> Job:
    return JOB._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([JOB], "7", id="requested by the pane's first process"),
        pytest.param([the(sid=950)], "7", id="in the second pane"),
        pytest.param([the(sid=961)], "7", id="under script(1)"),
        pytest.param([the(sid=77)], None, id="somebody else's process"),
        pytest.param([the(submit_host="login2")], None, id="the same pid on another login node"),
        pytest.param([the(submit_host="")], "7", id="Slurm does not know the host"),
        pytest.param([the(submitted=SESSION.created - 3600)], None, id="recycled pid: older than the session"),
        pytest.param([the(submitted=SESSION.created - 5)], "7", id="the controller's clock is a little behind"),
        pytest.param([the(submitted=None)], "7", id="no submit time"),
        pytest.param([JOB, the(id="8", submitted=JOB.submitted + 60)], "8", id="the newest"),  # type: ignore[operator]
        pytest.param([the(id="8", state="COMPLETING", submitted=1_700_009_999), JOB], "7", id="one that still runs"),
        pytest.param([the(id="9"), the(id="10")], "10", id="in the same second: the higher number"),
        pytest.param([the(id="8", sid=961, submitted=1_700_009_999), JOB], "7", id="the pane before its descendants"),
        pytest.param([], None, id="no jobs"),
    ],
)
def test_the_job_of_a_session(jobs: list[Job], expected: str | None) -> None:
    found = job_of(SESSION, jobs, "login1.site.edu", UNDER_SCRIPT)
    assert (found.id if found else None) == expected
    assert job_of(SESSION, jobs[::-1], "login1", UNDER_SCRIPT) == found


def test_processes_that_go_in_circles_end_the_search() -> None:
    assert job_of(SESSION, [the(sid=5)], "login1", {900: (901, 900), 901: (900, 5)}) == the(sid=5)


def test_an_address_for_the_submit_host_says_nothing() -> None:
    (job,) = parse_jobs([printed(**RUNNING | {"allocnodes": "10.0.0.7"})])
    assert job_of(SESSION, [job], "login1", {}) == job


def test_processes() -> None:
    assert parse_processes(["    1     0     1", " 42 1 42", "noise", "1 2", "a b c", ""]) == {1: (0, 1), 42: (1, 42)}


@given(st.lists(st.text()))
@example(["9" * 5000 + " 1 1"])
def test_no_process_list_is_beyond_reading(lines: list[str]) -> None:
    parse_processes(lines)
