"""Sessions and jobs joined: the state, the place and the time left, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster.sessions import Entry, State, picture_of, whereabouts
from lnode.cluster.tmux_answers import PANES_FORMAT, Session, list_values
from lnode.schedulers.job import Job, left_in_words
from lnode.schedulers.slurm import WIDTHS as FIELDS
from lnode.text import in_words

WIDTHS = list(FIELDS.values())
Sections = dict[str, tuple[str, ...]]


def job_row(
    state: str,
    *,
    sid: int = 900,
    nodes: str = "c0512",
    reason: str = "None",
    left: str = "2-13:00:00",
    starts: str = "N/A",
    submitted: int = 1700000005,
) -> str:
    values = ("7", str(sid), "0", str(submitted), state, left, starts, "login1", nodes, reason, "interactive")
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
            for job in ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "OF_THE_FUTURE")
        ),
        *(("node", job, {}, State.ENDING) for job in ("COMPLETING", "TIMEOUT", "CANCELLED", "NODE_FAIL", "PREEMPTED")),
        *(("node", job, {}, State.RUNNING) for job in ("RESIZING", "SIGNALING", "STOPPED")),
        ("node", "REVOKED", {}, State.UNKNOWN),
        ("node", "UNKNOWN", {}, State.UNKNOWN),
        ("node", "SPECIAL_EXIT", {}, State.WAITING),
        ("node", None, {}, State.ENDED),
        ("login", None, {}, State.SHELL),
        ("", None, {}, State.SHELL),
        ("node", None, SILENT, State.UNKNOWN),
        ("", None, SILENT, State.UNKNOWN),
        ("login", None, SILENT, State.SHELL),
        ("", None, NONE, State.SHELL),
        ("login", None, NONE, State.SHELL),
        ("node", None, NONE, State.SHELL),  # a command of your own, as ssh to a machine
    ],
)
def test_the_state_of_a_session(kind: str, job: str | None, scheduler: Sections, state: State) -> None:
    (entry,) = picture_of(reply(kind, (job_row(job),) if job else (), scheduler)).entries
    assert entry.state is state


@pytest.mark.parametrize(("noted", "state"), [("7 TIMEOUT", State.ENDED), ("6 TIMEOUT", State.ENDING)])
def test_a_job_that_stays_completing_has_ended_for_the_session_whose_request_has_ended(
    noted: str, state: State
) -> None:
    panes = (f"$0 1700000000 1700000000 0 900 %0 f* knode o e{noted} 1700000050 w t myproject",)
    (entry,) = picture_of(reply("node", (job_row("COMPLETING"),), {"panes": panes})).entries
    assert entry.state is state


def test_a_reply_that_was_cut_off_is_an_unknown_and_no_end() -> None:
    cut = reply("node")
    del cut["end"]
    picture = picture_of(cut)
    assert (picture.scheduler, picture.entries[0].state) == ("silent", State.UNKNOWN)


def test_the_picture_as_a_whole() -> None:
    picture = picture_of(reply("node", (job_row("RUNNING"),)))
    assert (picture.login_node, picture.scheduler, picture.tmux) == ("login1", "ok", "ok")
    entry = picture.named("myproject")
    assert entry is not None
    assert (entry.node, entry.kind) == ("c0512", "node")
    assert picture.named("myproj") is None


def test_what_is_missing_there() -> None:
    assert picture_of(reply(more={"no-tmux": ()})).tmux == "missing"
    assert picture_of(reply(more={"lost-tmux": ()})).tmux == "lost"
    assert picture_of(reply(more=NONE)).scheduler == "none"
    assert picture_of(reply(more=SILENT)).scheduler == "silent"


@given(st.integers(-86400, 86400), st.integers(0, 10**6))
def test_an_estimate_is_right_whatever_the_controllers_clock_says(skew: int, starts_in_s: int) -> None:
    job = job_row("PENDING", nodes="", submitted=1700000000 + skew, starts=str(1700000060 + starts_in_s + skew))
    processes = ("900 800 900 01:00 bash", "901 900 900 01:00 salloc")
    (entry,) = picture_of(reply("", (job,), {"processes": processes})).entries
    assert (entry.state, entry.starts_in_s) == (State.WAITING, starts_in_s)


def test_a_request_without_a_job_is_unknown_and_no_login_shell() -> None:
    processes = ("900 800 900 01:00 bash", "901 900 900 01:00 salloc")
    for kind in ("", "node"):
        (entry,) = picture_of(reply(kind, (), {"processes": processes})).entries
        assert (entry.state, entry.kind) == (State.UNKNOWN, kind or "unknown")


def test_a_session_made_by_hand_whose_request_has_ended_by_its_own_word() -> None:
    panes = ("$0 1700000000 1700000000 0 900 %0 f* k o e7 TIMEOUT 1700000050 w t myproject",)
    (entry,) = picture_of(reply(more={"panes": panes})).entries
    assert entry.state is State.ENDED
    (entry,) = picture_of(reply(more={"panes": panes} | SILENT)).entries
    assert entry.state is State.UNKNOWN


CLIENT = {
    "panes": (
        "client $0 77 /dev/pts/3", "client $0 78 /dev/pts/4", "client $0 79 /dev/pts/5",
        "$0 1700000000 1700000000 3 900 %0 f* knode ofeed,1700000040,my-laptop,k e w t myproject",
    ),
    "marks": ('@lnode_run_00ff "/dev/pts/3 70 1700000040"', '@lnode_run_11ff "/dev/pts/4 71 1700000010"'),
    "who": ("alice    pts/4        2026-11-23 01:00 (desk.example.org)", "alice    tty1         2026-11-23 01:00"),
    "processes": ("77 70 70 00:10 tmux", "78 71 71 00:10 tmux", "79 72 72 00:10 tmux"),
}  # fmt: skip


def clients(**changes: tuple[str, ...]) -> tuple[str, ...]:
    (entry,) = picture_of(reply(more=CLIENT | changes)).entries
    return entry.session.clients


def test_where_clients_come_from() -> None:
    assert clients() == ("my-laptop", "desk.example.org", "pts/5")


def test_a_laptop_that_came_back_by_itself_is_still_the_one_that_asked() -> None:
    assert clients(marks=('@lnode_run_00ff "/dev/pts/3 70 1700000900"',))[0] == "my-laptop"


@pytest.mark.parametrize("section", ["marks", "processes"])
def test_a_laptop_is_named_only_on_proof(section: str) -> None:
    assert clients(**{section: ()})[0] == "pts/3"


def test_a_tty_that_somebody_else_has_by_now_is_not_the_laptops() -> None:
    assert clients(processes=("77 60 70 00:10 tmux",))[0] == "pts/3"


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
        ("node", job_row("PENDING", nodes="", reason="Priority"), {}, "waits its turn (Priority)"),
        ("node", job_row("PENDING", nodes="", reason="Priority", starts="1700001260"), {},
         "waits its turn (Priority), about 20 min"),
        ("node", job_row("PENDING", nodes="", reason="Resources", starts="1700000000"), {},
         "waits its turn (Resources), any moment now"),
        ("node", job_row("PENDING", nodes="", reason="Sunspots"), {}, "waits (Sunspots)"),
        ("node", job_row("CONFIGURING"), {}, "waits for its node"),
        ("node", job_row("COMPLETING"), {}, "keeps running, its allocation is ending"),
        ("node", job_row("STOPPED"), {}, "is stopped on c0512, 61 h left"),
        ("node", job_row("SUSPENDED"), {}, "is suspended on c0512, 61 h left"),
        ("node", None, {}, "no longer has an allocation; its shell is on login1"),
        ("login", None, {}, "runs on login1"),
        ("node", None, SILENT, "keeps running; its node is unknown (tmux on login1)"),
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
    return Job("7", None, "RUNNING", left_s, "login1", "c1", "", "x", sid=900, left=left)


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
    assert list_values("/opt/tmux") == (PANES_FORMAT, "/opt/tmux", "")
    assert list_values("", ("a", "b c")) == (PANES_FORMAT, "", "a\nb c")


# --- what ends with a session ---

SALLOC: Sections = {"processes": ("900 1 900 01:00 sh", "901 900 900 00:50 salloc")}


def test_two_servers_may_have_sessions_and_panes_of_one_number() -> None:
    row = "$0 1700000000 1700000000 0 {} %0 f* k o e w t {}"
    panes = {"panes": (row.format(900, "mine"),), "panes-2": (row.format(950, "other"),)}
    jobs = (job_row("RUNNING"), job_row("RUNNING", sid=950).replace("7 ", "8 ", 1))
    picture = picture_of(reply(jobs=jobs, more=panes))
    ends = [
        (entry.session.name, [job.id for job in entry.ending.jobs], entry.ending.shown_in) for entry in picture.entries
    ]
    assert ends == [("mine", ["7"], ()), ("other", ["8"], ())]


@pytest.mark.parametrize("names", [("mine", "other"), ("mine", "mine")])
def test_a_name_that_two_servers_have(names: tuple[str, str]) -> None:
    rows = [f"$0 1700000000 1700000000 0 900 %0 f* k o e w t {name}" for name in names]
    picture = picture_of(reply(more={"panes": (rows[0],), "panes-2": (rows[1],)}))
    assert picture.is_twice("mine") is (names[0] == names[1])


@pytest.mark.parametrize(("section", "word"), [("refused-tmux", "refused"), ("unasked-tmux", "partly")])
def test_what_tmux_says_if_it_cannot_be_asked(section: str, word: str) -> None:
    picture = picture_of(reply(more={section: ("no", "way")}))
    assert (picture.tmux, picture.tmux_says) == (word, "no\nway")


def test_a_job_in_windows_that_another_session_shows_does_not_end_with_one_of_them() -> None:
    row = "${} 1700000000 1700000000 0 {} %{} f* k o e w t {}"
    rows = [(0, 900, 0, "mine"), (1, 900, 0, "view"), (1, 950, 1, "view"), (2, 960, 2, "other")]
    jobs = (job_row("RUNNING"), job_row("RUNNING", sid=950), job_row("RUNNING", sid=960))
    jobs = tuple(text.replace("7 ", f"{number} ", 1) for number, text in zip((7, 8, 9), jobs, strict=True))
    picture = picture_of(reply(jobs=jobs, more={"panes": tuple(row.format(*one) for one in rows)}))
    shown = {entry.session.name: entry for entry in picture.entries}
    assert {name: entry.job and entry.job.id for name, entry in shown.items()} == {
        "mine": "7",
        "view": "8",
        "other": "9",
    }
    endings = {name: ([job.id for job in entry.ending.jobs], entry.ending.shown_in) for name, entry in shown.items()}
    assert endings == {"mine": ([], ("view",)), "view": (["8"], ("mine",)), "other": (["9"], ())}


@pytest.mark.parametrize(
    ("kind", "jobs", "more", "is_known"),
    [
        ("", (), {}, True),
        ("node", (job_row("RUNNING"),), SALLOC, True),
        ("node", (), SALLOC, False),
        ("", (job_row("RUNNING"),), SALLOC | {"processes": (*SALLOC["processes"], "902 900 900 00:10 srun")}, False),
        ("node", (), SILENT, False),
        ("login", (), SILENT, True),
        ("login", (), SALLOC | SILENT, False),
    ],
)
def test_whether_all_that_ends_is_known(kind: str, jobs: tuple[str, ...], more: Sections, is_known: bool) -> None:
    (entry,) = picture_of(reply(kind, jobs, more)).entries
    assert entry.ending.is_known is is_known
