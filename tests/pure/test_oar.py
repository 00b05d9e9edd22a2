"""What a real OAR 2.5.9 said (tests/recorded/oar.txt), read by oar.py; tests/docker/test_oar.py asks such a one."""

import calendar
from pathlib import Path

import pytest

from lnode.cluster.sessions import State, picture_of
from lnode.schedulers import known, oar
from lnode.schedulers.clients import parse_clients
from lnode.schedulers.job import Job

RECORDED = (Path(__file__).parent.parent / "recorded" / "oar.txt").read_text()
ASKED_AT = calendar.timegm((2026, 11, 29, 17, 49, 45))
NOW = ASKED_AT + 15


def answer(moment: str) -> list[str]:
    return RECORDED.partition(f"#= {moment}\n")[2].partition("\n#=")[0].splitlines()


RUN, AWAY = answer("two run, one waits its turn, one is held"), answer("the nodes are away")


def test_the_jobs_are_read() -> None:
    held, waiting, by_hand, own = oar.parse_jobs(RUN, NOW)
    assert own.job == Job(
        id="2", sid=0, submitted=ASKED_AT, state="RUNNING", left="", left_s=5400 - 13, submit_host="", nodes="node2",
        reason="", name="",
    )  # fmt: skip
    assert (by_hand.job.id, by_hand.job.nodes, by_hand.job.left_s) == ("1", "node1", 7200 - 13)
    assert [one.pane for one in (held, waiting, by_hand, own)] == [None, "%2", None, "%0"]
    assert (waiting.job.state, waiting.job.nodes, waiting.job.left_s) == ("PENDING", "", 4 * 3600)
    assert waiting.job.starts == ASKED_AT + 4 + 5400
    assert (held.job.name, held.job.state, held.job.left_s, held.job.starts) == ("two words", "PENDING", 7200, None)


def test_why_they_wait() -> None:
    held, waiting, *_ = (known.reason_in_words(one.job.reason) for one in oar.parse_jobs(RUN, NOW))
    assert held == "is held: let it go with oarresume; if that is refused, the site holds it (Hold)"
    assert waiting == "waits its turn (Karma=0.000,quota_ok)"
    *_, away = (known.reason_in_words(one.job.reason) for one in oar.parse_jobs(AWAY, NOW))
    meaning = "waits for nodes that are down, or asks for more than there is"
    assert away == f"{meaning} (No enough matching resources (no_matching_slot))"


@pytest.mark.parametrize(
    ("word", "state"),
    [("toLaunch", "CONFIGURING"), ("Suspended", "SUSPENDED"), ("Finishing", "COMPLETING"), ("Terminated", None)],
)
def test_states(word: str, state: str | None) -> None:
    rows = [row.replace("Running", word) for row in RUN]
    assert [one.job.state for one in oar.parse_jobs(rows, NOW)][2:] == ([state] * 2 if state else [])


def test_a_batch_job_is_nobodys() -> None:
    assert oar.parse_jobs([row.replace("INTERACTIVE", "PASSIVE") for row in RUN], NOW) == ()


def test_only_a_request_of_its_own_is_a_client() -> None:
    rows = ("oarsub -I", "oarsub --interactive -l nodes=1", "oarsub -qadmin -I", "oarsub -C 4711", "oarsub 'sleep 1'")
    found = parse_clients(f"client {pid} 1 {pid} 00:10 /usr/bin/perl {row}" for pid, row in enumerate(rows, 10))
    assert [one.pid for one in found] == [10, 11, 12]


def pane(name: str, id_: str, pid: int) -> str:
    return f"{id_} {NOW - 300} {NOW - 300} 0 {pid} %{id_[1:]} f* knode o e w t {name}"


CLIENTS = (
    "79 77 77 00:15 oarsub", "client  79 77 77 00:15  /usr/bin/perl /usr/lib/oar/oarsub -I -n lnode%0",
    "80 76 80 00:15 oarsub", "client  80 76 80 00:15  /usr/bin/perl /usr/lib/oar/oarsub -I -l nodes=1",
    "185 76 185 00:05 oarsub", "client  185 76 185 00:05  /usr/bin/perl /usr/lib/oar/oarsub -I -n lnode%2",
    "187 76 187 00:05 oarsub", "client  187 76 187 00:05  /usr/bin/perl /usr/lib/oar/oarsub -I --hold -n two words",
    "190 76 190 00:01 oarsub", "client  190 76 190 00:01  /usr/bin/perl /usr/lib/oar/oarsub -C 2",
)  # fmt: skip
REPLY = {
    "host": ("login1", str(NOW)),
    "panes": tuple(pane(f"s{pid}", f"${at}", pid) for at, pid in enumerate((77, 80, 185, 187, 190, 200))),
    "processes": ("76 1 76 05:00 tmux: server", "77 76 77 00:15 bash", "200 76 200 00:15 bash"),
    "scheduler": ("oar",),
    "clients": CLIENTS,
    "evidence": ("number 79 2", "number 80 1", "pane 79 %0", "pane 185 %2"),
    "jobs-of-clients": tuple(RUN),
    "end": (),
}


def states(**other: tuple[str, ...]) -> dict[int, tuple[State, str | None]]:
    entries = picture_of(REPLY | {name.replace("_", "-"): rows for name, rows in other.items()}).entries
    return {entry.session.pane_pids[0]: (entry.state, entry.job.id if entry.job else None) for entry in entries}


def test_a_client_that_runs_as_oar_holds_the_job_of_its_session() -> None:
    assert states() == {
        77: (State.RUNNING, "2"), 80: (State.RUNNING, "1"), 185: (State.WAITING, "3"), 187: (State.WAITING, "4"),
        190: (State.ENDED, None), 200: (State.ENDED, None),
    }  # fmt: skip


def test_a_client_without_a_proof_has_an_unknown_job() -> None:
    assert states(evidence=("number 79 2", "number 80 1")) == {
        77: (State.RUNNING, "2"), 80: (State.RUNNING, "1"), 185: (State.UNKNOWN, None), 187: (State.UNKNOWN, None),
        190: (State.ENDED, None), 200: (State.ENDED, None),
    }  # fmt: skip
