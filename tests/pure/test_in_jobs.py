"""Sessions that live in a job: the rows of the home's notes, and what becomes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster import in_jobs
from lnode.cluster.sessions import Picture, State, kept_in_words, picture_of, whereabouts
from lnode.commands.ls.table import View
from lnode.remote.fields import JobId
from pure.test_sessions import SILENT, Sections, job_row, reply

ROW = "7 c0512 $0 1700000010,4711 1700000005 - - exp"
WAITS = "7 - - - 1700000005 - - exp"


def picture(*rows: str, jobs: tuple[str, ...] = (), more: Sections | None = None) -> Picture:
    return picture_of(reply("login", jobs, {"in-jobs": rows} | (more or {})))


@pytest.mark.parametrize(
    ("rows", "job", "more", "state", "words"),
    [
        ([ROW], "RUNNING", {}, State.RUNNING, "runs on c0512, 61 h left"),
        ([WAITS], "PENDING", {}, State.WAITING, "waits for its node"),
        ([ROW], "COMPLETING", {}, State.ENDING, "keeps running, its allocation is ending"),
        ([ROW], None, SILENT, State.UNKNOWN, "is in job 7, and the scheduler does not answer"),
        ([ROW, "7 history"], None, {}, State.ENDED, "has ended with its job; its history is kept"),
    ],
)
def test_a_note_and_the_job_tell_the_state(
    rows: list[str], job: str | None, more: Sections, state: State, words: str
) -> None:
    entry = picture(*rows, jobs=(job_row(job),) if job else (), more=more).named("exp")
    assert entry is not None
    assert (entry.state, entry.kind, whereabouts(entry)) == (state, "node", words)
    assert not entry.is_lost


def test_a_job_that_has_ended_without_a_history_is_not_listed() -> None:
    assert [entry.session.name for entry in picture(ROW).entries] == ["myproject"]


def test_it_is_of_no_login_node_and_its_job_of_no_other_session() -> None:
    seen = picture(ROW, jobs=(job_row("RUNNING", sid=900),))
    assert seen.names == ["myproject"]
    own, exp = seen.entries
    assert (own.job, exp.job and exp.job.id, exp.ending.jobs) == (None, "7", (exp.job,))


SHOWN = (
    "$0 1700000010 1700000100 2 900 %0 f*! knode o e w t a-new-name",
    "$1 1700000011 1700000000 0 901 %1 f k o e w t other",
    "%0 c1 a0 t1700000100 a title",
    "|Do you want to proceed?",
    ">",
)


def test_what_its_job_has_shown_tells_who_looks_and_since_when_it_is_quiet() -> None:
    entry = picture(ROW, jobs=(job_row("RUNNING"),), more={"shown-7": SHOWN}).named("exp")
    assert entry is not None and entry.session.is_seen
    session = entry.session
    assert (session.active, session.attached, session.alerts, session.pane_ids) == (1700000100, 2, "!", ("%0",))
    assert [list(one.screen.rows) for one in session.screens] == [["Do you want to proceed?", ""]]
    assert (session.birth, session.in_job) == (("$0", 1700000010, 4711), "7"), "as the note has it"


@pytest.mark.parametrize("job", [None, "PENDING", "COMPLETING"])
def test_what_a_job_has_shown_that_does_not_run_is_old(job: str | None) -> None:
    more: Sections = {"shown-7": SHOWN}
    entry = picture(ROW, "7 history", jobs=(job_row(job),) if job else (), more=more).named("exp")
    assert entry is not None and not entry.session.is_seen and entry.session.screens == ()


def test_two_login_nodes_list_it_once() -> None:
    both = (picture(ROW, jobs=(job_row("RUNNING"),)), picture(ROW, jobs=(job_row("RUNNING"),)))
    assert [entry.session.name for entry in View("unity", both).entries].count("exp") == 1


def test_of_two_jobs_of_a_name_the_one_that_goes_on_is_it() -> None:
    notes = in_jobs.parse_notes([ROW, ROW.replace("7 ", "12 ", 1)]).values()
    assert [note.job for note in in_jobs.latest(notes, [JobId("7")])] == ["7"]
    assert [note.job for note in in_jobs.latest(notes, [])] == ["12"]


def test_numbers_of_jobs_that_begin_anew_are_later() -> None:
    first, after = ROW.replace("7 ", "8123456 ", 1), ROW.replace(" 1700000005 ", " 1700999999 ")
    notes = in_jobs.parse_notes([first, after]).values()
    assert [note.job for note in in_jobs.latest(notes, [])] == ["7"]


def test_the_marks_of_news_are_those_of_the_session() -> None:
    row = ROW.replace("- - exp", "waiting-7 7/60 exp")
    session = in_jobs.session_of(in_jobs.parse_notes([row])[JobId("7")])
    assert (session.told, session.warned, session.birth) == ("waiting-7", "7 60", ("$0", 1700000010, 4711))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("7 kept 1700604800", "kept 6 d"),
        ("7 kept 9", "kept 0 s more"),
        ("7 kept x", ""),
        ("7 kept", ""),
        ("8 kept 1700604800", ""),
    ],
)
def test_how_long_it_outlives_its_job(row: str, words: str) -> None:
    seen = picture(ROW, row, jobs=(job_row("RUNNING"),))
    entry = seen.named("exp")
    assert entry is not None
    assert kept_in_words(entry, seen.now).startswith(words)
    assert bool(kept_in_words(entry, seen.now)) == bool(words)


@pytest.mark.parametrize(
    "row",
    ["", "7", "7 history", ROW.replace("exp", "a b"), ROW.replace("exp", "-" * 201), ROW.replace("$0", "0"),
     ROW.replace("4711", "x"), "7;x " + ROW[2:], ROW + "\x1b[31m"],
)  # fmt: skip
def test_another_row_is_none(row: str) -> None:
    assert in_jobs.parse_notes([row]) == {}


@given(st.lists(st.text() | st.just(ROW)))
def test_any_rows_are_read(rows: list[str]) -> None:
    assert set(in_jobs.parse_notes(rows)) <= {JobId("7")}


@pytest.mark.parametrize("more", [{}, SILENT])
def test_a_job_that_has_ended_hides_no_session_of_its_name(more: Sections) -> None:
    """myproject is on the login node; it was in job 7 before."""
    seen = picture(ROW.replace(" exp", " myproject"), "7 history", more=more)
    assert [entry.session.in_job for entry in seen.entries] == [None]
    assert not seen.is_twice("myproject")
