"""squeue's columns and durations."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.schedulers import slurm
from lnode.schedulers.job import Job, parse_duration, short_host
from lnode.schedulers.slurm import parse_jobs

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
    widths = slurm.WIDTHS
    assert set(fields) <= set(widths)
    return "".join(fields.get(field, "")[: int(width)].ljust(int(width)) for field, width in widths.items())


RUNNING = {
    "jobid": "4711", "allocsid": "900", "batchflag": "0", "submittime": "1700000000", "state": "RUNNING",
    "timeleft": "2-03:04:05", "starttime": "1700000009", "allocnodes": "login1", "nodelist": "c[007,035-037]",
    "reason": "None", "name": "interactive",
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


@pytest.mark.parametrize("starts", ["N/A", "NONE", "", "2026-11-23T01:00:00"])
def test_a_job_without_an_estimate(starts: str) -> None:
    (job,) = parse_jobs([printed(**RUNNING | {"state": "PENDING", "starttime": starts})])
    assert job.starts is None


def test_only_what_waits_has_a_start_to_come() -> None:
    (running,) = parse_jobs([printed(**RUNNING)])
    (waiting,) = parse_jobs([printed(**RUNNING | {"state": "PENDING"})])
    assert (running.starts, waiting.starts) == (None, 1700000009)


def test_a_batch_job() -> None:
    assert [job.is_batch for job in parse_jobs([printed(**RUNNING | {"batchflag": flag}) for flag in "012"])] == [
        False, True, True,
    ]  # fmt: skip


# hostlist(3) of Slurm: prefixes, and behind them at most a bracket of numbers and ranges, padded alike
numbers = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.integers(0, 10**width - 1).map(lambda number: f"{number:0{width}}")
        | st.tuples(st.integers(0, 10**width - 2), st.integers(1, 99)).map(
            lambda pair: f"{pair[0]:0{width}}-{min(pair[0] + pair[1], 10**width - 1):0{width}}"
        ),
        min_size=1,
        max_size=4,
    )
)
bracket = numbers.map(lambda parts: f"[{','.join(parts)}]")
prefix = st.from_regex(r"[a-z][a-z0-9-]{0,6}[a-z]", fullmatch=True)
hostlists = st.lists(
    st.tuples(prefix, st.one_of(st.just(""), bracket, st.tuples(bracket, prefix, bracket).map("".join))).map("".join),
    min_size=1,
    max_size=5,
).map(",".join)


@given(hostlists, st.sampled_from(["RUNNING", "COMPLETING"]), st.integers(0, 400 * DAY))
@example("c[007,035-037]", "RUNNING", 1)
@example("a[1-3,7]b[01-02]", "RUNNING", 1)
@example("gpu-a,gpu-b[1-2],login", "RUNNING", 0)
def test_a_list_of_nodes_is_kept_as_it_is(nodes: str, state: str, submitted: int) -> None:
    row = printed(**RUNNING | {"nodelist": nodes, "state": state, "submittime": str(submitted)})
    (job,) = parse_jobs([row])
    assert (job.nodes, job.state, job.submitted) == (nodes, state, submitted)


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
