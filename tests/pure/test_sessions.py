"""Sessions and jobs joined: the state, the place and the time left, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.sessions import Entry, State, in_words, left_in_words, list_values, picture_of, whereabouts
from lnode.slurm import SQUEUE_FIELDS, Job
from lnode.tmux import PANES_FORMAT, Session

WIDTHS = [int(field.partition(":")[2]) for field in SQUEUE_FIELDS.split(",")]
Sections = dict[str, tuple[str, ...]]


def job_row(state: str, *, sid: int = 900, nodes: str = "c0512", reason: str = "None", left: str = "2-13:00:00") -> str:
    values = ("7", str(sid), "1700000005", state, left, "N/A", "login1", nodes, reason, "interactive")
    return "".join(value.ljust(width) for value, width in zip(values, WIDTHS, strict=True))


def reply(kind: str = "", jobs: tuple[str, ...] = (), more: Sections | None = None) -> Sections:
    panes = (f"$0 1700000000 1700000000 0 900 %0 f* k{kind} o e w t myproject",)
    return {"host": ("login1.site.edu", "1700000060"), "panes": panes, "processes": (), "jobs": jobs, "end": ()} | (
        more or {}
    )


SILENT: Sections = {"scheduler-silent": ()}
NONE: Sections = {"no-scheduler": ()}


@pytest.mark.parametrize(
    ("kind", "job", "scheduler", "state"),
    [
        *((kind, "RUNNING", {}, State.RUNNING) for kind in ("", "node", "login")),
        *(
            ("node", job, {}, State.WAITING)
            for job in ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED")
        ),
        *(("node", job, {}, State.ENDING) for job in ("COMPLETING", "TIMEOUT", "CANCELLED", "NODE_FAIL", "PREEMPTED")),
        *(("node", job, {}, State.RUNNING) for job in ("RESIZING", "SIGNALING")),
        ("node", None, {}, State.ENDED),
        ("login", None, {}, State.SHELL),
        ("", None, {}, State.SHELL),
        ("node", None, SILENT, State.UNKNOWN),
        ("", None, SILENT, State.UNKNOWN),
        ("login", None, SILENT, State.SHELL),
        ("", None, NONE, State.SHELL),
        ("login", None, NONE, State.SHELL),
    ],
)
def test_the_state_of_a_session(kind: str, job: str | None, scheduler: Sections, state: State) -> None:
    (entry,) = picture_of(reply(kind, (job_row(job),) if job else (), scheduler)).entries
    assert entry.state is state


def test_a_reply_that_was_cut_off_is_an_unknown_and_no_end() -> None:
    cut = reply("node")
    del cut["end"]
    picture = picture_of(cut)
    assert (picture.scheduler, picture.entries[0].state) == ("silent", State.UNKNOWN)


def test_the_picture_as_a_whole() -> None:
    picture = picture_of(reply("node", (job_row("RUNNING"),)))
    assert (picture.login_node, picture.scheduler, picture.has_tmux) == ("login1", "ok", True)
    entry = picture.named("myproject")
    assert entry is not None
    assert (entry.node, entry.kind) == ("c0512", "node")
    assert picture.named("myproj") is None


def test_what_is_missing_there() -> None:
    assert not picture_of(reply(more={"no-tmux": ()})).has_tmux
    assert picture_of(reply(more=NONE)).scheduler == "none"
    assert picture_of(reply(more=SILENT)).scheduler == "silent"


def test_a_session_made_by_hand_under_a_silent_scheduler_is_of_no_known_kind() -> None:
    (entry,) = picture_of(reply("", more=SILENT)).entries
    assert entry.kind != "login"


@given(st.dictionaries(st.sampled_from(["host", "panes", "jobs", "processes", "end", "x"]), st.lists(st.text())))
def test_no_reply_is_beyond_a_picture(sections: dict[str, list[str]]) -> None:
    picture_of(sections)


@pytest.mark.parametrize(
    ("kind", "job", "scheduler", "words"),
    [
        ("node", job_row("RUNNING"), {}, "runs on c0512, 61 h left"),
        ("node", job_row("RUNNING", left="UNLIMITED"), {}, "runs on c0512, no time limit"),
        ("node", job_row("RUNNING", left="INVALID"), {}, "runs on c0512"),
        ("node", job_row("PENDING", nodes="", reason="Priority"), {}, "waits for its node (Priority)"),
        ("node", job_row("CONFIGURING"), {}, "waits for its node"),
        ("node", job_row("COMPLETING"), {}, "keeps running, its allocation is ending"),
        ("node", None, {}, "has no allocation any more; its shell is on login1"),
        ("login", None, {}, "runs on login1"),
        ("node", None, SILENT,
         "keeps running; the scheduler does not answer, so its node is unknown (tmux on login1)"),
    ],
)  # fmt: skip
def test_whereabouts(kind: str, job: str | None, scheduler: Sections, words: str) -> None:
    (entry,) = picture_of(reply(kind, (job,) if job else (), scheduler)).entries
    assert whereabouts(entry) == words


def test_a_job_on_nodes_that_slurm_does_not_name_yet() -> None:
    (entry,) = picture_of(reply("node", (job_row("RUNNING", nodes=""),))).entries
    assert "on ," not in whereabouts(entry)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (61 * 3600, "61 h"),
        (4 * 86400 - 1, "95 h"), (4 * 86400, "4 d 0 h"), (4 * 86400 + 5 * 3600, "4 d 5 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def a_job(left: str, left_s: int | None) -> Job:
    return Job("7", 900, None, "RUNNING", left, left_s, "login1", "c1", "", "x")


@pytest.mark.parametrize(
    ("left", "left_s", "words"),
    [
        ("1:00:00:00", 86400, "24 h left"),
        ("UNLIMITED", None, "no time limit"),
        ("NOT_SET", None, ""),
        ("INVALID", None, ""),
    ],
)
def test_the_time_left_in_words(left: str, left_s: int | None, words: str) -> None:
    assert left_in_words(a_job(left, left_s)) == words


@given(st.sampled_from(State), st.sampled_from(["", "node", "login"]), st.booleans())
def test_every_entry_has_its_words(state: State, kind: str, with_job: bool) -> None:
    entry = Entry(Session("$0", "x", 0, 0, 0, (1,), kind), state, a_job("1:00", 60) if with_job else None, "login1")
    assert whereabouts(entry)


def test_what_the_list_is_asked_with() -> None:
    assert list_values("/opt/tmux") == (PANES_FORMAT, SQUEUE_FIELDS, "/opt/tmux")
