"""What `--ls` shows: order, columns, words, what becomes of a picture that ages, and the JSON."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster.agents import Agent, AgentState, Choice
from lnode.cluster.sessions import Entry, Picture, State
from lnode.cluster.tmux_answers import Ended, Session
from lnode.commands.ls.document import document
from lnode.commands.ls.table import View, left_of, notes, table, why_of
from lnode.runs.record import Run
from lnode.schedulers.job import Job

NOW = 1_700_000_000


def job(state: str = "RUNNING", *, left_s: int | None = 36000, left: str = "", reason: str = "") -> Job:
    nodes = "c0512" if state != "PENDING" else ""
    return Job("4711", NOW - 60, state, left_s, "login1", nodes, reason, "x", sid=900, left=left)


def entry(name: str, state: State, of: Job | None = None, *, starts_in_s: int | None = None, **facts: Any) -> Entry:
    session = Session("$0", name, NOW - 600, NOW - 600, 0, (900,), "node")._replace(**facts)
    return Entry(session, state, of, "login1", starts_in_s)


def view(*entries: Entry, age_s: int = 0, trouble: str = "", scheduler: str = "ok") -> View:
    return View("unity", (Picture("login1", entries, scheduler, "ok", NOW),), age_s, trouble)


def shown(*views: View, all_columns: bool = False, with_host: bool = False) -> list[str]:
    columns, rows = table(views, all_columns=all_columns, with_host=with_host)
    return [" | ".join(columns), *(" | ".join(text for text, _ in row) for row in rows)]


ENDED = entry("old", State.ENDED, ended=Ended("4700", "TIMEOUT", NOW - 10800))
SOON = entry("soon", State.RUNNING, job(left_s=300))
RINGS = entry("claude", State.RUNNING, job(), alerts="!")
WAITS = entry("gpu1", State.WAITING, job("PENDING", reason="Priority"), starts_in_s=1200)
RUNS = entry("main", State.RUNNING, job(), attached=1, clients=("laptop", "10.0.0.5"), active=NOW - 30)
SHELL = entry("notes", State.SHELL, kind="login")


def test_what_needs_attention_comes_first() -> None:
    assert shown(view(SHELL, RUNS, WAITS, RINGS, SOON, ENDED)) == [
        "SESSION | KIND | STATE | NODE | JOB | LEFT | WHY | ATTACHED | IDLE",
        "old | node | ended, now a shell | login1 |  |  | job 4700, timeout, 3 h ago |  | 10 min",
        "soon | node | running | c0512 | 4711 | 5 min |  |  | 10 min",
        "claude | node | running, bell | c0512 | 4711 | 10 h |  |  | 10 min",
        "gpu1 | node | waiting |  | 4711 |  | waits its turn (Priority), about 20 min |  | 10 min",
        "main | node | running | c0512 | 4711 | 10 h |  | laptop, 10.0.0.5 | ",
        "notes | login | shell | login1 |  |  |  |  | 10 min",
    ]


@pytest.mark.parametrize(
    ("state", "of", "row"),
    [
        (State.WAITING, "SUSPENDED", "sim | node | suspended | c0512 | 4711"),
        (State.RUNNING, "STOPPED", "sim | node | stopped | c0512 | 4711"),
    ],
)
def test_a_job_that_is_paused_has_its_node_and_waits_for_none(state: State, of: str, row: str) -> None:
    assert shown(view(entry("sim", state, job(of, left_s=36000))))[1].startswith(row)


def test_a_job_that_has_lost_its_session_comes_first() -> None:
    orphan = entry("lost", State.ORPHAN, job(), pane_pids=())._replace(restarted=NOW - 1200)
    waits = entry("later", State.ORPHAN, job("PENDING", reason="Priority"), pane_pids=())
    over = entry("over", State.ENDED, pane_pids=())._replace(restarted=NOW - 1200)
    picture = Picture("login1", (ENDED,), "ok", "ok", NOW, lost=(over, orphan, waits))
    rows = shown(View("unity", (picture,)))
    assert rows[1:] == [
        "later | node | orphan | login1 | 4711 |  | its tmux on login1 is gone, it waits its turn (Priority), "
        "back with: lnode unity later | ",
        "lost | node | orphan | c0512 | 4711 | 10 h | login1 restarted 20 min ago, back with: lnode unity lost | ",
        "old | node | ended, now a shell | login1 |  |  | job 4700, timeout, 3 h ago | 10 min",
        "over | node | ended | login1 |  |  | login1 restarted 20 min ago, ended with it | ",
    ]
    (first, *_) = document(View("unity", (picture._replace(lost=(orphan,)),)))["sessions"]  # type: ignore[misc]
    assert (first["name"], first["state"], first["restarted_at"]) == ("lost", "orphan", NOW - 1200)


def test_a_session_that_was_started_again_is_not_told_as_ended() -> None:
    over = entry("main", State.ENDED, pane_pids=())._replace(restarted=NOW - 1200)
    assert len(shown(View("unity", (Picture("login1", (RUNS,), "ok", "ok", NOW, lost=(over,)),)))) == 2


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    idle = entry("notes", State.SHELL, kind="login", active=NOW)
    assert shown(view(idle)) == ["SESSION | KIND | STATE | NODE", "notes | login | shell | login1"]
    assert (
        shown(view(idle), all_columns=True)[0]
        == "SESSION | KIND | STATE | NODE | JOB | LEFT | WHY | ATTACHED | IDLE | AGENT"
    )


def test_several_hosts_and_login_nodes_are_told_apart() -> None:
    other = View("beta", (*view(RUNS).pictures, Picture("login2", (SHELL,), "ok", "ok", NOW)))
    assert shown(view(SHELL), other, with_host=True)[0].split(" | ")[0::9] == ["HOST", "LOGIN NODE"]


@pytest.mark.parametrize(
    ("of", "age_s", "state", "left"),
    [
        (job(left_s=36000), 3600, "running", "9 h"),
        (job(left_s=36000), 36001, "must have ended", "0 s"),
        (job(left_s=None, left="UNLIMITED"), 360000, "running", "no limit"),
        (job(left_s=None, left="INVALID"), 360000, "running", ""),
        (job(left_s=0), 0, "running", "0 s"),
    ],
)
def test_a_picture_ages(of: Job, age_s: int, state: str, left: str) -> None:
    columns, (row,) = table(
        [view(entry("a", State.RUNNING, of), age_s=age_s, trouble="x")], all_columns=True, with_host=False
    )
    cells = dict(zip(columns, (text for text, _ in row), strict=True))
    assert (cells["STATE"], cells["LEFT"]) == (state, left)
    assert cells["SEEN"].endswith(" ago")


def test_an_estimate_is_counted_on() -> None:
    assert shown(view(WAITS, age_s=600))[1].endswith("waits its turn (Priority), about 10 min | 20 min")
    assert "any moment now" in shown(view(WAITS, age_s=6000))[1]


def test_what_is_said_beneath() -> None:
    assert notes([view(RUNS)]) == []
    assert notes([view()]) == ["no sessions on unity (login1); start one: lnode unity"]
    assert notes([view(), View("beta", view().pictures)]) == ["no sessions on unity, beta"]
    assert notes([view(RUNS, scheduler="silent")]) == [
        "the scheduler of unity does not answer: jobs and time left are unknown"
    ]
    assert notes([view(age_s=7200, trouble="unity does not answer")]) == [
        "unity does not answer; 2 h ago it had no sessions"
    ]
    assert notes([View("unity", (), 0, "unity does not answer")]) == ["unity does not answer"]


@pytest.mark.parametrize("tmux", ["lost", "refused"])
def test_a_tmux_that_cannot_be_asked_has_not_no_sessions(tmux: str) -> None:
    for other in (View("unity", (Picture("login1", (), "ok", tmux, NOW),)), view(RUNS)):
        unknown = other._replace(pictures=(*other.pictures, Picture("login2", (), "ok", tmux, NOW)))
        said = notes([unknown])
        assert not [note for note in said if "no sessions" in note]
        assert any("tmux on unity (login2)" in note and "are not known" in note for note in said)
    remembered = View("unity", (Picture("login1", (), "ok", tmux, NOW),), 7200, "unity does not answer")
    assert "no sessions" not in " ".join(notes([remembered]))


def test_the_document() -> None:
    told = document(view(RUNS))
    assert told == {
        "host": "unity", "login_node": "login1", "scheduler": "ok", "tmux": "ok", "age_s": 0, "trouble": None,
        "silent_login_nodes": [],
        "sessions": [{
            "name": "main", "kind": "node", "state": "running", "node": "c0512", "login_node": "login1",
            "created": NOW - 600, "active": NOW - 30, "idle_s": 30, "clients": 1,
            "attached_from": ["laptop", "10.0.0.5"], "bell": False, "agent": None, "why": None, "starts_in_s": None,
            "restarted_at": None,
            "kept_until": None,
            "job": {"id": "4711", "state": "RUNNING", "nodes": "c0512", "reason": None, "left_s": 36000,
                    "submitted": NOW - 60},
            "ended": None,
        }],
        "runs": [],
    }  # fmt: skip
    assert document(view(ENDED))["sessions"][0]["ended"] == {"job": "4700", "state": "TIMEOUT", "at": NOW - 10800}  # type: ignore[index]


def test_the_document_of_a_host_that_was_never_seen() -> None:
    assert document(View("beta", (), 0, "beta does not answer")) == {
        "host": "beta", "login_node": None, "scheduler": None, "tmux": None, "age_s": None,
        "trouble": "beta does not answer",
        "silent_login_nodes": [],
        "sessions": [],
        "runs": [],
    }  # fmt: skip


@given(st.integers(0, 10**7), st.one_of(st.none(), st.integers(0, 10**7)))
def test_time_left_only_falls(age_s: int, left_s: int | None) -> None:
    left = left_of(entry("a", State.RUNNING, job(left_s=left_s)), age_s)
    assert (left is None) == (left_s is None)
    assert left is None or left == (left_s or 0) - age_s


RUN = Run("sim", "0" * 16, "running", "login1", 7, NOW - 600, None, None, "", "", "python a.py")


def test_runs_stand_below_the_sessions_what_ended_last_first() -> None:
    found = (
        RUN,
        RUN._replace(name="bad", state="ended", ended=NOW - 10800, code=3),
        RUN._replace(name="good", state="ended", ended=NOW - 60, code=0),
        RUN._replace(name="old", state="ended", ended=NOW - 8 * 86400, code=0),
        RUN._replace(name="fit", state="elsewhere", host="login2", job="77", session="gpu1"),
        RUN._replace(name="gone", state="lost"),
    )
    assert shown(view(RUNS)._replace(runs=found)) == [
        "SESSION | KIND | STATE | NODE | JOB | LEFT | WHY | ATTACHED",
        "main | node | running | c0512 | 4711 | 10 h |  | laptop, 10.0.0.5",
        "fit | run | unknown | login2 | 77 |  | in gpu1 | ",
        "gone | run | lost | login1 |  |  | killed, or its node restarted | ",
        "sim | run | running | login1 |  |  |  | ",
        "good | run | ended | login1 |  |  | exit code 0, 60 s ago | ",
        "bad | run | ended | login1 |  |  | exit code 3, 3 h ago | ",
    ]
    assert notes([view()._replace(runs=(RUN,))]) == []
    assert document(view()._replace(runs=found[3:4]))["runs"] == [
        {
            "name": "old", "state": "ended", "node": "login1", "started": NOW - 600, "ended": NOW - 8 * 86400,
            "exit_code": 0, "job": None, "session": None, "command": "python a.py",
        }
    ]  # fmt: skip


CLAUDE = Agent(
    "claude", AgentState.WAITS, "Do you want to proceed?", (Choice("1", "Yes"), Choice("2", "No")), since=NOW - 720
)


def test_a_session_in_which_an_agent_waits_for_you_comes_first() -> None:
    asks = entry("zebra", State.SHELL, kind="login")._replace(agent=CLAUDE)
    works = entry("ant", State.SHELL, kind="login")._replace(agent=Agent("codex", AgentState.WORKING))
    rows = shown(view(ENDED, works, asks))
    assert [row.partition(" ")[0] for row in rows] == ["SESSION", "zebra", "old", "ant"]
    assert "claude waits for you, 12 min" in rows[1]
    assert "codex working |" in rows[3]


def test_the_document_names_the_agent_and_its_question() -> None:
    told = document(view(entry("a", State.SHELL, kind="login")._replace(agent=CLAUDE)))
    assert told["sessions"][0]["agent"] == {  # type: ignore[index]
        "name": "claude", "state": "waits for you", "since": NOW - 720, "question": "Do you want to proceed?",
        "choices": [{"key": "1", "text": "Yes"}, {"key": "2", "text": "No"}],
    }  # fmt: skip


def test_a_narrow_window_has_the_columns_that_tell_most_and_breaks_no_word() -> None:
    views = [view(RUNS, SHELL)]
    names, rows = table(views, all_columns=False, with_host=False, within=40)
    assert {"SESSION", "STATE"} <= set(names)
    words = [[name, *(word for row in rows for word in row[at][0].split())] for at, name in enumerate(names)]
    assert sum(max(map(len, its)) + 2 for its in words) - 2 <= 40
    assert len(table(views, all_columns=False, with_host=False)[0]) > len(names)


def test_a_job_that_stays_completing_does_not_hide_how_the_allocation_has_ended() -> None:
    ended = entry("x", State.ENDED, job("COMPLETING"), ended=Ended("7", "TIMEOUT", NOW - 300))
    assert why_of(ended, view(ended)) == "job 7, timeout, 5 min ago"
