"""Flux as its documents and sources have it (tests/recorded/flux.txt), read by flux.py; no Flux was asked."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lnode
from lnode.cluster.sessions import State, picture_of
from lnode.schedulers import flux, known
from lnode.schedulers.job import Job

ROWS = (Path(__file__).parent.parent / "recorded" / "flux.txt").read_text().splitlines()
SCRIPT = Path(lnode.__file__).parent / "schedulers" / "flux.sh"
SUBMITTED, NOW = 1664571163, 1664571173


def test_the_jobs_are_read() -> None:
    waiting, held, running, limited, last = (one.job for one in flux.parse_jobs(ROWS, NOW))
    assert limited == Job(
        id="f2Z5VN6B", sid=0, submitted=SUBMITTED + 1, state="RUNNING", left="", left_s=3590, submit_host="",
        nodes="asp[1-2]", reason="", name="a|name",
    )  # fmt: skip
    assert (running.id, running.state, running.left_s) == ("f2ARxLQf", "RUNNING", None)
    assert (waiting.id, waiting.state, waiting.nodes, waiting.left_s) == ("f2JmGJH5", "PENDING", "", None)
    assert (held.id, held.left_s) == ("f2RsQrcw", 3600)
    assert known.reason_in_words(held.reason) == "is held: let it go with flux job urgency (urgency 0)"
    assert known.reason_in_words(last.reason) == "waits (insufficient resources)"


@given(st.lists(st.text() | st.sampled_from(ROWS)))
def test_no_answer_is_beyond_reading(rows: list[str]) -> None:
    assert all(one.job.id.startswith("f") for one in flux.parse_jobs(rows, NOW))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("flux-job attach \u0192fARxLQ2", "number 7 ffARxLQ2\n"), ("flux-job attach fARxLQ2", "number 7 fARxLQ2\n"),
        ("flux-job attach ??fARxLQ2", "number 7 ffARxLQ2\n"), ("flux-job attach", ""), ("flux-job wait \u01922AR", ""),
    ],
)  # fmt: skip
def test_a_client_names_its_job(words: str, said: str) -> None:
    sh = ("sh", "-c", f'. {SCRIPT}; flux_evidence 7 1 "$1"', "sh", words)
    assert subprocess.run(sh, capture_output=True, text=True, check=True).stdout == said


@pytest.mark.parametrize(("age", "state"), [("00:11", State.RUNNING), ("00:03", State.UNKNOWN)])
def test_a_client_holds_the_job_only_if_it_is_the_older_one(age: str, state: State) -> None:
    """Somebody may look at any job with flux job attach."""
    entry = picture_of(
        {
            "host": ("login1", str(NOW)),
            "panes": (f"$1 {NOW - 300} {NOW - 300} 0 70 %1 f* knode o e w t x",),
            "processes": ("70 1 70 05:00 bash", f"77 70 70 {age} flux-job"),
            "scheduler": ("flux",),
            "clients": (f"client 77 70 70 {age} flux-job attach f2ARxLQf",),
            "evidence": ("number 77 f2ARxLQf",),
            "jobs-of-clients": tuple(ROWS),
            "end": (),
        }
    ).entries[0]
    assert (entry.state, entry.job.id if entry.job else None) == (state, "f2ARxLQf" if state == "running" else None)
