"""What a real HTCondor 23.9.6 said (tests/recorded/htcondor.txt); tests/docker/test_htcondor.py asks such a one."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lnode
from lnode.cluster.sessions import State, picture_of
from lnode.schedulers import htcondor, known
from lnode.schedulers.clients import parse_clients
from lnode.schedulers.job import Job

RECORDED = (Path(__file__).parent.parent / "recorded" / "htcondor.txt").read_text()
SCRIPT = Path(lnode.__file__).parent / "schedulers" / "htcondor.sh"
NOW = 1795977056


def answer(moment: str) -> list[str]:
    return RECORDED.partition(f"#= {moment}\n")[2].partition("\n#=")[0].split("\n")


FOUR = answer("two run, one waits for a slot, one for more memory than there is")


def test_the_jobs_are_read() -> None:
    one, two, three, four = (asked.job for asked in htcondor.parse_jobs(FOUR, NOW))
    assert one == Job(
        id="1.0", sid=0, submitted=NOW - 23, state="RUNNING", left="", left_s=None, submit_host="", nodes="login1",
        reason="", name="lnode%0",
    )  # fmt: skip
    assert (two.id, two.name, three.state, four.nodes) == ("2.0", "", "PENDING", "")
    assert known.reason_in_words(three.reason) == "waits for a free slot that has what it asks for (no match found)"
    (held,) = (asked.job for asked in htcondor.parse_jobs(answer("one is held"), NOW))
    assert known.reason_in_words(held.reason) == (
        "is held: let it go with condor_release (on hold: submitted on hold at user's request)"
    )


@pytest.mark.parametrize(("limit", "left_s"), [(3600, 3580), (10, 0), (-1, None), ("3600", None), (10**30, 0)])
def test_the_time_left(limit: object, left_s: int | None) -> None:
    ad = {"ClusterId": 1, "ProcId": 0, "JobStatus": 2, "JobCurrentStartDate": NOW - 20, "AllowedJobDuration": limit}
    assert [one.job.left_s for one in htcondor.parse_jobs([json.dumps([ad])], NOW)] == [left_s]


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
ADS = st.dictionaries(
    st.sampled_from(["ClusterId", "ProcId", "JobStatus", "QDate", "RemoteHost", "HoldReason"]), VALUES
)


@given(st.lists(st.text()) | st.permutations(FOUR) | st.lists(ADS | VALUES).map(lambda ads: [json.dumps(ads)]))
def test_no_answer_is_beyond_reading(rows: list[str]) -> None:
    assert all(one.job.id[0].isdigit() for one in htcondor.parse_jobs(rows, NOW))


@pytest.mark.parametrize("rows", [["[" * 100_000], ["9" * 100_000], ["[", "{"], ["{}"], []])
def test_an_answer_that_is_not_whole_has_no_jobs(rows: list[str]) -> None:
    assert htcondor.parse_jobs(rows, NOW) == ()


WORDS = {
    10: "condor_ssh_to_job -auto-retry -remove-on-interrupt -X 1.0", 11: "condor_ssh_to_job 1.0",
    12: "condor_ssh_to_job -proxy /tmp/alice.condor_ssh_to_job_92588af5/fdpass", 13: "condor_submit -i",
    14: "condor_submit train.sub", 15: "condor_ssh_to_job -auto-retry -remove-on-interrupt -X 3.0",
}  # fmt: skip


def test_only_a_request_of_its_own_is_a_client_and_names_its_job() -> None:
    assert [one.pid for one in parse_clients(f"client {pid} 1 {pid} 00:10 {row}" for pid, row in WORDS.items())] == [
        10, 13, 15,
    ]  # fmt: skip
    asked = "; ".join(f"htcondor_evidence {pid} 1 '{words}'" for pid, words in WORDS.items())
    done = subprocess.run(("sh", "-c", f". {SCRIPT}; {asked}"), capture_output=True, text=True, check=True)
    assert done.stdout == "number 10 1.0\nnumber 15 3.0\n"


def test_from_the_reply_to_the_sessions() -> None:
    entries = picture_of(
        {
            "host": ("login1", str(NOW)),
            "panes": tuple(f"${pid} {NOW - 60} {NOW - 60} 0 {pid} %{pid} f* knode o e w t s{pid}" for pid in WORDS),
            "processes": tuple(f"{pid} 1 {pid} 00:10 {words.split()[0][:15]}" for pid, words in WORDS.items()),
            "scheduler": ("htcondor",),
            "clients": tuple(f"client {pid} 1 {pid} 00:10 {words}" for pid, words in WORDS.items()),
            "evidence": ("number 10 1.0", "number 15 3.0"),
            "jobs-of-clients": tuple(FOUR),
            "end": (),
        }
    ).entries
    assert {entry.session.pane_pids[0]: (entry.state, entry.job and entry.job.id) for entry in entries} == {
        10: (State.RUNNING, "1.0"), 15: (State.WAITING, "3.0"),
        11: (State.UNKNOWN, None), 12: (State.UNKNOWN, None), 13: (State.UNKNOWN, None), 14: (State.UNKNOWN, None),
    }  # fmt: skip
