"""tmux's records, which names it keeps, and the command inside a session."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lnode.tmux import (
    Left,
    Session,
    is_creatable,
    is_possible,
    pane_command,
    parse_panes,
    program_of,
    suggestion,
)

# What tmux keeps in a name that somebody made by hand.
names = st.text(st.characters(exclude_characters=".:", exclude_categories=["C", "Zl", "Zp"]), min_size=1)


@given(names, st.sampled_from(["node", "login", ""]))
@example("two words", "")
@example("k $2 1 2 3 4 knode x", "")
@example(" ünïcödé 日本 ", "node")
def test_a_session_with_any_name(name: str, kind: str) -> None:
    row = f"$3 1700000000 1700000099 2 4711 k{kind} {name}"
    assert parse_panes([row]) == (Session("$3", name, 1700000000, 1700000099, 2, (4711,), kind),)


def test_panes_are_gathered_by_session() -> None:
    rows = ["$0 10 20 0 100 k a", "$0 10 20 0 101 k a", "$10 10 20 1 102 knode b", "$0 10 20 0 103 k a"]
    assert [(s.name, s.pane_pids) for s in parse_panes(rows)] == [("a", (100, 101, 103)), ("b", (102,))]


def test_an_old_tmux_without_session_activity() -> None:
    (session,) = parse_panes(["$0 10  0 100 k a"])
    assert session.active == 10


@pytest.mark.parametrize("row", ["", "no server running on /tmp/tmux-0/default", "$0 10 20 0 x k a", "$0 10 20 0 1 k "])
def test_what_is_no_pane_is_skipped(row: str) -> None:
    assert parse_panes([row]) == ()


@given(st.lists(st.text()))
@example(["$" + "9" * 9000 + " 1 1 1 1 k a"])
def test_no_list_is_beyond_reading(lines: list[str]) -> None:
    parse_panes(lines)


@pytest.mark.parametrize("name", ["livenode", "my-project_2", "_x", "7", "A"])
def test_names_that_every_tmux_keeps(name: str) -> None:
    assert is_creatable(name)


@pytest.mark.parametrize(
    "name",
    ["", "a.b", "a:b", "-d", "a b", "#{pid}", "$1", "=x", "@1", "a\n", "naïve", "x;", "\u0661", "%1", "{last}", "~"],
)
def test_names_that_some_tmux_would_change_or_read_otherwise(name: str) -> None:
    assert not is_creatable(name)


@given(names)
def test_a_name_made_by_hand_is_possible(name: str) -> None:
    assume(name.isprintable())
    assert is_possible(name)


@pytest.mark.parametrize("name", ["", "a.b", "a:b", "a\nb", "\x1b"])
def test_names_that_no_session_can_have(name: str) -> None:
    assert not is_possible(name)


@given(st.text())
@example("")
@example("...")
@example("-x-")
@example("日本")
def test_a_suggestion_can_be_created(name: str) -> None:
    assert is_creatable(suggestion(name))


@given(st.text())
def test_what_can_be_created_is_possible(name: str) -> None:
    assert is_possible(suggestion(name))
    if is_creatable(name):
        assert is_possible(name)


@pytest.mark.parametrize(
    ("name", "near"), [("my.project", "my-project"), ("two words", "two-words"), ("a_b.c", "a_b-c"), (".x.", "x")]
)
def test_a_suggestion_is_near(name: str, near: str) -> None:
    assert suggestion(name) == near


def test_the_command_of_a_session_begins_with_the_request_to_the_letter() -> None:
    request = "sinteractive -m 48000 -t 72:00:00"
    command = pane_command(request)
    assert command.startswith(f"{request}; exec /bin/sh -c '")
    tail = command.removeprefix(request)
    assert not set(tail) & set("!\\\n`")
    assert tail.count("'") == 2
    assert tail.endswith("'")


@pytest.mark.parametrize(
    ("request_", "program"),
    [
        ("sinteractive -m 48000", "sinteractive"), ("  salloc  -n1", "salloc"), ("/opt/bin/qlogin", "/opt/bin/qlogin"),
        ("", ""), ("   ", ""), ("X=1 salloc", ""), ("(salloc)", ""), ("$SHELL -c x", ""), ("-x", ""),
        ("'my alloc' x", ""),
        ("salloc; true", ""),
    ],
)  # fmt: skip
def test_the_program_of_a_request(request_: str, program: str) -> None:
    assert program_of(request_) == program


@pytest.mark.parametrize("word", ["module", "source", "time"])
def test_a_word_of_the_login_shell_is_no_program(word: str) -> None:
    # `module` is a function there, `source` a builtin, `time` a keyword: /bin/sh, which looks for the program, has none
    assert program_of(f"{word} something && salloc") == ""


def test_exit_codes_of_the_attach_line_are_no_shells_own() -> None:
    # 126, 127 and 128+n are a shell's, 255 is ssh's, and 0 to 99 any program's
    assert all(100 <= code < 126 for code in Left)
