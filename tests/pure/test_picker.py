"""The picker's states: keys, answers that come at a bad moment, and lines for every size of window."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.attach.keys import PASTED
from lnode.cluster.sessions import Entry, Picture
from lnode.cluster.sessions import State as Of
from lnode.cluster.tmux_answers import Session
from lnode.commands.ls.pick_lines import lines
from lnode.commands.ls.pick_state import Choice, State, arrived, begun, older, pressed, shown
from lnode.commands.ls.table import View
from lnode.remote.fields import JobId, NodeName
from lnode.runs.record import Run
from lnode.schedulers.job import Job
from lnode.text import columns_of

NOW = 1_700_000_000
DOWN, ENTER, ESCAPE = b"\x1b[B", b"\r", b"\x1b"


def entry(name: str, node: str = "login1") -> Entry:
    return Entry(Session("$0", name, NOW - 600, NOW - 600, 0, (900,), "node"), Of.SHELL, None, node)


def view(host: str, *names: str, trouble: str = "", tmux: str = "ok", **facts: Any) -> View:
    picture = Picture("login1", tuple(entry(name) for name in names), "ok", tmux, NOW)
    return View(host, (picture,), 0, trouble, **facts)


def last(host: str, *names: str) -> View:
    return view(host, *names, trouble=f"asking {host}")


def after(state: State, *keys: bytes) -> State:
    for key in keys:
        state = state_of(pressed(state, key))
    return state


def state_of(found: State | Choice | None) -> State:
    assert isinstance(found, State)
    return found


def text(state: State, columns: int = 100, height: int = 30) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in lines(state, columns, height)]


def under(state: State) -> tuple[str, str] | None:
    return state.under and state.under.place[:2]


TWO = begun([last("unity", "exp", "web"), last("alpha", "fit")])


def test_hosts_are_in_order_and_the_cursor_is_on_the_first_row() -> None:
    assert [row.place[:2] for row in shown(TWO)] == [("alpha", "fit"), ("unity", "exp"), ("unity", "web")]
    assert under(TWO) == ("alpha", "fit")
    assert text(TWO)[1].startswith("> alpha  fit")
    assert "asking alpha, unity ..." in text(TWO)


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ([ENTER], Choice("attach", "alpha", "fit")),
        ([b"j", ENTER], Choice("attach", "unity", "exp")),
        ([DOWN, b"\x1bOB", b"\n"], Choice("attach", "unity", "web")),
        ([b"j", b"j", b"j", b"j", b"k", b"p"], Choice("peek", "unity", "exp")),
        ([b"G", b"x"], Choice("kill", "unity", "web")),
        ([b"G", b"g", b"x"], Choice("kill", "alpha", "fit")),
        ([b"\x1b[6~", b"\x1b[A", b"p"], Choice("peek", "unity", "exp")),
        ([b"G", b"n", b"g", b"p", b"q", ENTER], Choice("attach", "unity", "gpq")),
        ([b"n", b"a", b"b", b"\x7f", ENTER], Choice("attach", "alpha", "a")),
        ([b"n", ENTER], Choice("attach", "alpha", None)),
        ([b"n", b"a", ESCAPE, ENTER], Choice("attach", "alpha", "fit")),
        ([b"/", b"w", b"e", ENTER, ENTER], Choice("attach", "unity", "web")),
        ([b"/", b"U", b"N", DOWN, ENTER, b"x"], Choice("kill", "unity", "web")),
        ([b"/", b"w", ESCAPE, b"g", ENTER], Choice("attach", "alpha", "fit")),
        ([b"/", b"q", b"\x15", ENTER, b"g", ENTER], Choice("attach", "alpha", "fit")),
        ([b"q"], None),
        ([b"\x03"], None),
        ([b"/", b"q", b"\x03"], None),
    ],
)
def test_keys(keys: list[bytes], chosen: Choice | None) -> None:
    assert pressed(after(TWO, *keys[:-1]), keys[-1]) == chosen


@pytest.mark.parametrize("key", [PASTED, ESCAPE, b"\x1b[24~", b"z", b"\xff", b"\x1bx"])
def test_other_keys_choose_nothing(key: bytes) -> None:
    assert under(after(TWO, key)) == under(TWO)


def run(name: str, state: str = "running") -> Run:
    return Run(name, "0" * 16, state, NodeName("login1"), 4711, NOW - 60, None, None, None, "")


RUNS = begun([last("unity", "exp")._replace(runs=(run("exp"), run("sim")))])


def test_runs_stand_below_the_sessions() -> None:
    assert [row.place[1::2] for row in shown(RUNS)] == [("exp", False), ("exp", True), ("sim", True)]
    assert [line.split()[1:3] for line in text(RUNS)[2:4]] == [["exp", "run,"], ["sim", "run,"]]
    assert text(after(RUNS, b"j"))[-1].startswith("2/3  Enter follows its log")
    assert text(RUNS)[-1].startswith("1/3  Enter attaches")
    found = shown(after(RUNS, b"/", b"r", b"u", b"n"))
    assert [row.place.session for row in found if row.place.is_run] == ["exp", "sim"]


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        (ENTER, Choice("logs", "unity", "sim", {"follows": True})),
        (b"p", Choice("logs", "unity", "sim", {"lines": 20})),
        (b"x", Choice("kill", "unity", "sim")),
    ],
)
def test_keys_on_a_run(key: bytes, chosen: Choice) -> None:
    assert pressed(after(RUNS, b"G"), key) == chosen


def test_a_run_is_not_ended_if_that_would_end_a_session_of_its_name() -> None:
    state = after(RUNS, b"j")
    assert under(state) == ("unity", "exp")
    assert "a session has this name" in state_of(pressed(state, b"x")).said
    assert pressed(state, ENTER) == Choice("logs", "unity", "exp", {"follows": True})


def test_a_session_and_a_run_of_one_name_do_not_take_the_cursor_from_each_other() -> None:
    session, its_run = RUNS, after(RUNS, b"j")
    answer = view("unity", "exp")._replace(runs=(run("exp", "lost"),))
    assert pressed(arrived(session, answer), ENTER) == Choice("attach", "unity", "exp")
    assert pressed(arrived(its_run, answer), ENTER) == Choice("logs", "unity", "exp", {"follows": True})


def test_a_run_that_is_not_listed_is_not_called_gone() -> None:
    state = arrived(after(RUNS, b"G"), view("unity", "exp"))
    assert under(state) == ("unity", "sim")
    assert any(line.startswith("> unity  sim") and "not known" in line for line in text(state))
    assert pressed(state, ENTER) == Choice("logs", "unity", "sim", {"follows": True})


def test_a_host_with_runs_alone_has_no_row_of_its_own() -> None:
    state = begun([view("unity")._replace(runs=(run("sim"),))])
    assert [row.place.session for row in shown(state)] == ["sim"]


def test_an_answer_moves_rows_and_not_the_cursor() -> None:
    state = arrived(after(TWO, b"j"), view("unity", "a", "b", "exp", "web"))
    state = arrived(state, view("alpha", "x", "y", "fit"))
    assert pressed(state, ENTER) == Choice("attach", "unity", "exp")


@pytest.mark.parametrize("key", [ENTER, b"p", b"x"])
def test_a_session_that_is_gone_leaves_its_row_and_nothing_acts_on_it(key: bytes) -> None:
    state = arrived(after(TWO, b"j"), view("unity", "web"))
    assert under(state) == ("unity", "exp")
    assert "gone" in "".join(text(state))
    asked = state_of(pressed(state, key))
    assert asked.said == "exp on unity is gone; n starts a new one"
    moved = after(asked, b"j")
    assert under(moved) == ("unity", "web")
    assert [row.place.session for row in shown(moved)] == ["fit", "web"]


@pytest.mark.parametrize(
    "answer",
    [view("unity", tmux="lost"), view("unity", trouble="no route"), view("unity", "web", silent=("login2 is silent",))],
)
def test_a_session_that_is_not_known_is_not_gone(answer: View) -> None:
    state = arrived(after(TWO, b"j"), answer)
    assert "not known" in "".join(text(state))
    assert pressed(state, b"x") == Choice("kill", "unity", "exp")


def test_a_gone_session_that_comes_back_is_a_session_again() -> None:
    state = arrived(arrived(after(TWO, b"j"), view("unity")), view("unity", "exp"))
    assert pressed(state, ENTER) == Choice("attach", "unity", "exp")


def test_a_host_without_sessions_has_a_row() -> None:
    state = begun([View("unity", (), 0, "asking unity")])
    assert "asking" in text(state)[1]
    state = arrived(state, view("unity"))
    assert "no sessions" in text(state)[1]
    assert state_of(pressed(state, b"x")).said == "this row of unity has no session"
    assert pressed(state, ENTER) == Choice("attach", "unity", None)


def test_sessions_that_appear_do_not_take_the_cursor_from_the_row_of_their_host() -> None:
    state = arrived(begun([View("unity", (), 0, "asking unity")]), view("unity", "exp"))
    assert pressed(state, ENTER) == Choice("attach", "unity", None)
    assert pressed(after(state, b"j"), ENTER) == Choice("attach", "unity", "exp")


def test_a_filter_without_rows_leaves_nothing_to_choose() -> None:
    state = after(TWO, b"/", b"z", b"z", ENTER)
    assert state_of(pressed(state, ENTER)).said == "no row is under the cursor"
    state = arrived(state, view("unity", "zz"))
    assert state_of(pressed(state, ENTER)).said == "no row is under the cursor"
    assert pressed(after(state, b"j"), ENTER) == Choice("attach", "unity", "zz")
    assert pressed(after(state, ESCAPE), ENTER) == Choice("attach", "alpha", "fit")


def test_the_same_name_on_two_login_nodes_is_two_rows() -> None:
    pictures = tuple(Picture(node, (entry("exp", node),), "ok", "ok", NOW) for node in ("login1", "login2"))
    state = begun([View("unity", pictures)])
    assert [state.under and state.under.place.login_node, len(shown(state))] == ["login1", 2]
    down = after(state, b"j")
    assert down.under and down.under.place.login_node == "login2"


@pytest.mark.parametrize("key", [ENTER, b"x", b"p"])
def test_of_two_sessions_of_one_name_none_is_taken_for_the_other(key: bytes) -> None:
    """lnode would take the one that it has seen last."""
    first, second = (Picture(node, (entry("exp", node),), "ok", "ok", NOW) for node in ("login1", "login2"))
    state = begun([View("unity", (first, second))])
    assert "unity has exp twice" in state_of(pressed(state, key)).said
    left = arrived(state, View("unity", (first._replace(entries=()), second)))
    assert left.under and (left.under.place.login_node, left.under.is_gone) == ("login1", True)
    assert pressed(after(left, b"j"), ENTER) == Choice("attach", "unity", "exp")


def test_a_lost_session_and_a_new_one_of_its_name_are_two_rows() -> None:
    job = Job(JobId("7"), NOW - 600, "RUNNING", 3600, "login1", "c001", "", "exp", sid=900, left="1:00:00")
    lost = entry("exp")._replace(job=job, state=Of.ORPHAN)
    lost = lost._replace(session=lost.session._replace(pane_pids=()))
    state = begun([View("unity", (Picture("login1", (entry("exp"),), "ok", "ok", NOW, lost=(lost,)),))])
    assert [row.cells["STATE"][0] for row in shown(state)] == ["orphan", "shell"]


def test_time_passes_for_a_picture() -> None:
    assert "3 min ago" in "".join(text(older(TWO, 180)))


def test_a_silent_host_keeps_its_rows_and_says_why() -> None:
    state = arrived(arrived(TWO, view("alpha", "fit")), view("unity", "exp", "web", trouble="unity does not answer"))
    assert [row.place.session for row in shown(state)] == ["fit", "exp", "web"]
    assert "unity does not answer" in text(state)


MANY = begun([last(f"host{host}", *(f"s{number:02}" for number in range(20))) for host in range(10)])


@pytest.mark.parametrize(("columns", "height"), [(40, 12), (80, 24), (20, 5), (7, 3), (1, 1), (0, 0)])
def test_every_window_holds_its_lines_and_the_row_under_the_cursor(columns: int, height: int) -> None:
    for keys in ([], [b"G"], [b"j"] * 70):
        shown_lines = text(after(MANY, *keys), columns, height)
        assert len(shown_lines) <= max(1, height)
        assert all(columns_of(line) <= columns for line in shown_lines)
        assert columns == 0 or sum(line.startswith(">") for line in shown_lines) == 1


def test_forty_columns_show_host_session_and_state() -> None:
    assert text(MANY, 40, 12)[:2] == [
        "  HOST   SESSION  STATE  SEEN     NODE",
        "> host0  s00      shell  0 s ago  login1",
    ]


HOSTILE = "a\x1b]0;x\x07\u202eb\nc"
SAYS_GONE = after(arrived(begun([last("unity", HOSTILE)]), view("unity")), b"x")


@pytest.mark.parametrize(
    "state",
    [
        begun([last("unity", "名前名前名前名前名前名前", HOSTILE)]),
        arrived(begun([last("unity", "exp")]), view("unity", trouble=f"unity says {HOSTILE}")),
        SAYS_GONE,
        after(TWO, b"n", "名".encode(), b"/"),
    ],
)
def test_wide_characters_and_controls_of_a_host_fit(state: State) -> None:
    for columns in range(1, 60):
        for line in lines(state, columns, 9):
            said = "".join(part for part, _ in line)
            assert said.isprintable()
            assert columns_of(said) <= columns


@given(
    st.lists(
        st.sampled_from(
            [b"j", b"k", b"G", b"/", b"n", b"w", b"\x7f", ESCAPE, PASTED, b"\xc3\xa9", None, "u", "e", "f"]
        ),
        max_size=25,
    )
)
def test_only_keys_move_the_cursor(steps: list[bytes | str | None]) -> None:
    state, answers = TWO, {"u": view("unity", "new", "web"), "e": view("unity"), "f": view("alpha", "fit", "web")}
    for step in steps:
        before = under(state)
        if isinstance(step, bytes):
            state = state_of(pressed(state, step))
        else:
            state = older(state, 1) if step is None else arrived(state, answers[step])
            assert under(state) == before
        marked = [line for line in text(state) if line.startswith("> ")]
        assert len(marked) == (under(state) is not None)
