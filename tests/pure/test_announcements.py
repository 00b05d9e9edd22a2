"""What an attach tells: the truth, the title, and what is new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.attach import expiry
from lnode.attach.announcements import News, Seen, news, peril, title, truth
from lnode.cluster.sessions import Entry, Picture, State
from lnode.cluster.tmux_answers import Ended, Session
from lnode.schedulers.job import Job, parse_duration

NOW = 1_800_000_000
HOUR = 3600
PICTURE = Picture("login2", (), "ok", True, NOW)
X = Session("$1", "x", NOW - 9 * HOUR, NOW, 1, (100,), "node")


def job(left: str = "61:00:00", *, state: str = "RUNNING", nodes: str = "c0512", reason: str = "") -> Job:
    seconds = parse_duration(left)
    return Job("4711", NOW - 8 * HOUR, state, seconds, "login1", nodes, reason, "x", sid=100, left=left)


def entry(state: State, of: Job | None = None, *, starts_in_s: int | None = None, **facts: object) -> Entry:
    return Entry(X._replace(**facts), state, of, "login2", starts_in_s)  # type: ignore[arg-type]


WAITING = entry(State.WAITING, job(state="PENDING", nodes="", reason="Priority"), starts_in_s=20 * 60)
RUNNING = entry(State.RUNNING, job())
UNLIMITED = entry(State.RUNNING, job("UNLIMITED"))
INVALID = entry(State.RUNNING, job("INVALID"))
NO_REQUEST_YET = entry(State.ENDED, created=NOW - 20)
ENDED = entry(State.ENDED, ended=Ended("4711", "TIMEOUT", NOW - 3 * HOUR))
UNKNOWN = entry(State.UNKNOWN)
SHELL = entry(State.SHELL, kind="login")
ENDING = entry(State.ENDING, job("0:00", state="COMPLETING"))


@pytest.mark.parametrize(
    ("shown", "line", "heading"),
    [
        (RUNNING, "x runs on c0512, job 4711, 61 h left", "x: c0512, job 4711, 61 h left"),
        (UNLIMITED, "x runs on c0512, job 4711, no time limit", "x: c0512, job 4711, no time limit"),
        (INVALID, "x runs on c0512, job 4711", "x: c0512, job 4711"),
        (
            WAITING,
            "x is waiting: waits its turn (Priority), about 20 min",
            "x: waiting: waits its turn (Priority), about 20 min",
        ),
        (
            ENDED,
            "the allocation ended 3 h ago, this shell is on login2: lnode unity x --renew",
            "x: ended, a shell on login2",
        ),
        (
            entry(State.ENDED),  # unmarked, but long ago
            "the allocation ended, this shell is on login2: lnode unity x --renew",
            "x: ended, a shell on login2",
        ),
        (
            entry(State.WAITING, job(state="SUSPENDED")),
            "x is suspended on c0512, 61 h left",
            "x: is suspended on c0512, 61 h left",
        ),
        (NO_REQUEST_YET, "", ""),
        (UNKNOWN, "the node of x is unknown", "x: node unknown"),
        (ENDING, "", "x: the allocation is ending"),
        (SHELL, "", ""),
    ],
)
def test_the_truth_and_the_title(shown: Entry, line: str, heading: str) -> None:
    assert truth(shown, "unity", PICTURE) == line
    assert title(shown, PICTURE) == heading


def test_an_option_that_ends_the_session_is_said() -> None:
    said = "a detach or a drop ends x, tmux has exit-unattached on: lnode unity --doctor"
    assert peril(entry(State.SHELL, ends_by="exit-unattached"), "unity") == said
    assert peril(SHELL, "unity") == ""


def test_without_a_clock_nothing_is_ago() -> None:
    assert truth(ENDED, "unity", PICTURE._replace(now=None)).startswith("the allocation ended, this shell")


def test_a_silent_scheduler_is_said() -> None:
    silent = PICTURE._replace(scheduler="silent")
    assert truth(UNKNOWN, "unity", silent) == "the node of x is unknown: the scheduler does not answer"


WAITS = "waiting-4711"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (WAITING, News("@lnode_told", "", WAITS, "", here=False)),
        (WAITING._replace(session=X._replace(told="4710")), News("@lnode_told", "4710", WAITS, "", here=False)),
        (WAITING._replace(session=X._replace(told=WAITS)), None),
        (
            entry(State.RUNNING, job(), told=WAITS),
            News("@lnode_told", WAITS, "4711", "x is on c0512, job 4711, 61 h left", rings=True),
        ),
        (entry(State.RUNNING, job(), told="4711"), None),
        (entry(State.RUNNING, job(), told="waiting-4710"), None),
        (RUNNING, None),  # nobody saw it wait
        (SHELL, None),
        (UNKNOWN, None),
    ],
)
def test_a_node_is_there(shown: Entry, expected: News | None) -> None:
    assert news(shown, Seen()) == expected


def test_unknown_is_not_gone() -> None:
    assert news(UNKNOWN, Seen("4711")) is None


def test_a_warning() -> None:
    shown = entry(State.RUNNING, job("14:20"), warned="4711 60")
    text = "x on c0512 ends in 15 min, job 4711"
    assert news(shown, Seen("4711")) == News("@lnode_warned", "4711 60", "4711 15", text)
    assert news(shown._replace(session=X._replace(warned="4711 15")), Seen("4711")) is None


@pytest.mark.parametrize("left", ["UNLIMITED", "INVALID", "NOT_SET", "2-03:04:05"])
def test_no_warning_without_an_end_that_is_near(left: str) -> None:
    assert news(entry(State.RUNNING, job(left)), Seen("4711")) is None


def test_more_time_takes_the_warning_back() -> None:
    shown = entry(State.RUNNING, job("2:00:00"), warned="4711 5")
    assert news(shown, Seen("4711")) == News("@lnode_warned", "4711 5", "", "", here=False)


@pytest.mark.parametrize(
    ("ended", "seen", "text"),
    [
        (Ended("4711", "TIMEOUT", NOW), Seen("4711"), "the allocation of x has ended, job 4711"),
        (Ended("", "", NOW), Seen("4711"), "the allocation of x has ended, job 4711"),
        (None, Seen("4711"), "the allocation of x has ended, job 4711"),
        (Ended("4711", "CANCELLED", NOW), Seen("4711", waited=True), "the request of x has ended, job 4711"),
        (Ended("4711", "COMPLETED", NOW), Seen("4711"), None),  # by who sits there
        (Ended("4711", "TIMEOUT", NOW), Seen(), None),  # the truth of the attach says it
    ],
)
def test_an_end_is_told_to_who_saw_it(ended: Ended | None, seen: Seen, text: str | None) -> None:
    shown = entry(State.ENDED, ended=ended, warned="4711 5")
    expected = News("@lnode_warned", "4711 5", "4711 0", text, here=False) if text else None
    assert news(shown, seen) == expected
    assert news(shown._replace(session=shown.session._replace(warned="4711 0")), seen) is None


def test_what_is_seen_stays_seen() -> None:
    seen = Seen().then(WAITING)
    assert seen == Seen("4711", waited=True)
    assert seen.then(UNKNOWN).then(ENDED).then(ENDING) == seen
    assert seen.then(RUNNING) == Seen("4711", waited=False)


# --- how often the scheduler is asked ---


def an_hour_of(shown: list[Entry], seconds: list[float]) -> int:
    """Questions in an hour in which each picture is true for some time, then the next, and so on."""
    asked, at, end, turn = 0, 0.0, 0.0, 0
    while at < HOUR:
        while at >= end:
            end, turn = end + seconds[turn % len(seconds)], turn + 1
        asked += 1
        at += expiry.pause_s(shown[turn % len(shown)], NOW)
    return asked


entries = st.one_of(
    st.sampled_from([WAITING, RUNNING, UNLIMITED, INVALID, NO_REQUEST_YET, ENDED, UNKNOWN, ENDING, SHELL]),
    st.integers(0, 2 * HOUR).map(lambda left_s: entry(State.RUNNING, job()._replace(left_s=left_s))),
)


@given(st.lists(entries, min_size=1), st.lists(st.floats(1, 2000), min_size=1))
def test_an_hour_attached_makes_at_most_120_questions(shown: list[Entry], seconds: list[float]) -> None:
    assert an_hour_of(shown, seconds) < 120  # so that there is one left for the end of the attach


@pytest.mark.parametrize(("shown", "most"), [(RUNNING, 30), (SHELL, 30), (UNKNOWN, 30), (ENDED, 30), (WAITING, 113)])
def test_most_hours_make_far_fewer(shown: Entry, most: int) -> None:
    assert an_hour_of([shown], [1.0]) <= most


@given(st.integers(1, 3 * 86400), st.sampled_from([0.0, 3600.0]))
def test_every_warning_falls_into_a_pause_that_is_short(left_s: int, quiet_s: float) -> None:
    """From one look to the next no warning gets later than half a minute."""
    pause_s = expiry.pause_s(entry(State.RUNNING, job()._replace(left_s=left_s)), quiet_s=quiet_s)
    assert pause_s >= 30
    for minutes in expiry.WARN_AT_MIN:
        if left_s > 60 * minutes > left_s - pause_s:
            assert 60 * minutes - (left_s - pause_s) <= 32


def test_a_job_that_is_suspended_and_goes_on_has_no_news() -> None:
    """Gang scheduling does so each half minute."""
    paused = entry(State.WAITING, job(state="SUSPENDED"), told="4711")
    assert news(paused, Seen("4711")) is None
    assert Seen("4711").then(paused) == Seen("4711", waited=False)
    assert news(entry(State.RUNNING, job(), told="4711"), Seen("4711")) is None
