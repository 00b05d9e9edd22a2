"""tmux's records, which names it keeps, and the command inside a session."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import lnode
from lnode.cluster.tmux import ExitOfAttach, is_creatable, is_possible, pane_command, program_of, suggestion
from lnode.cluster.tmux_answers import (
    Client,
    Ended,
    Session,
    parse_clients,
    parse_marks,
    parse_options,
    parse_owners,
    parse_panes,
    parse_who,
)
from lnode.remote import call

# What tmux keeps in a name that somebody made by hand.
names = st.text(st.characters(exclude_characters=".:", exclude_categories=["C", "Zl", "Zp"]), min_size=1)


@pytest.mark.parametrize(
    ("row", "ends_by", "prefix", "server"),
    [
        ("options $1 s9 x0 d0 pC-b", "", "C-b", 9),
        ("options $1 s9 x1 doff pC-Space", "exit-unattached", "C-Space", 9),
        ("options $1 s9 x0 d1 p`", "destroy-unattached", "`", 9),
        ("options $1 s9 xoff don p", "destroy-unattached", "", 9),
        ("options $1 s9 x0 dkeep-last pC-b", "", "C-b", 9),
        ("options $1 s x d p", "", "", 0),  # formats before 2.4 know no options, before 2.1 no pid
    ],
)
def test_options_that_end_a_session_with_its_last_client(row: str, ends_by: str, prefix: str, server: int) -> None:
    assert parse_options([row, "options x0 d0 pC-b", "named x", "options $1 s x0 d0 p\x1b[0m"]) == {
        "$1": (ends_by, prefix, server)
    }


options = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])).filter(lambda value: " " not in value)


@given(names, st.sampled_from(["node", "login", "run", ""]), options)
@example("two words", "", "")
@example("k $2 1 2 3 4 knode x", "", "")
@example("a o e w t b", "", "")
@example(" ünïcödé 日本 ", "node", "lap,1,top,k")
def test_a_session_with_any_name(name: str, kind: str, lease: str) -> None:
    row = f"$3 1700000000 1700000099 2 4711 %5 f* k{kind} o{lease} e w t {name}"
    assert parse_panes([row]) == (Session("$3", name, 1700000000, 1700000099, 2, (4711,), kind, ("%5",)),)


def test_what_lnode_wrote_on_a_session() -> None:
    row = (
        "$3 10 20 2 4711 %5 f*!Z knode olap-1,1700000000,my-laptop,k e4711 TIMEOUT 1700000500 w4711 15 t4711 my project"
    )
    (session,) = parse_panes([row])
    assert session.name == "my project"
    assert (session.ended, session.warned, session.told) == (Ended("4711", "TIMEOUT", 1700000500), "4711 15", "4711")
    assert session.alerts == "!"
    assert parse_owners([row]) == {"$3": (1700000000, "my-laptop")}


def test_an_end_of_which_little_is_known() -> None:
    (session,) = parse_panes(["$3 10 20 2 4711 %5 f knode o e- - 1700000500 w t x"])
    assert session.ended == Ended(None, "", 1700000500)


@pytest.mark.parametrize("value", ["4711", "4711 TIMEOUT", "4711 TIMEOUT soon", "a b c d", "4711 TIMEOUT -5"])
def test_a_session_is_listed_whatever_stands_in_its_options(value: str) -> None:
    (session,) = parse_panes([f"$3 10 20 2 4711 %5 f k{value} o{value} e{value} w{value} tx x"])
    assert (session.kind, session.ended, session.warned, session.name) == ("", None, "", "x")


def test_panes_are_gathered_by_session() -> None:
    rows = [
        f"{id_} 10 20 0 {pid} %{pid} f{flags} k o e w t {id_}"
        for id_, pid, flags in (("$0", 100, "#-"), ("$0", 101, "*"), ("$10", 102, ""), ("$0", 103, "~!"))
    ]
    assert [(s.name, s.pane_pids, s.pane_ids, s.alerts) for s in parse_panes(rows)] == [
        ("$0", (100, 101, 103), ("%100", "%101", "%103"), "!~#"), ("$10", (102,), ("%102",), ""),
    ]  # fmt: skip


def test_an_old_tmux_without_session_activity_and_options() -> None:
    (session,) = parse_panes(["$0 10  0 100 %0 f* k o e w t a"])
    assert session.active == 10
    assert session.ended is None


@pytest.mark.parametrize(
    "row",
    ["", "no server running on /tmp/tmux-0/default", "$0 10 20 0 x %1 f k o e w t a", "$0 10 20 0 1 %1 f k o e w t "],
)
def test_what_is_no_pane_is_skipped(row: str) -> None:
    assert parse_panes([row]) == ()


@given(st.lists(st.text()))
@example(["$" + "9" * 9000 + " 1 1 1 1 k a"])
@example(["$1 1 1 1 1 %1 f k" + " o e w" * 20000])
def test_no_list_is_beyond_reading(lines: list[str]) -> None:
    parse_panes(lines)
    parse_owners(lines)
    parse_clients(lines)
    parse_marks(lines)
    parse_who(lines)


def test_clients_marks_and_who() -> None:
    clients = parse_clients(["client $0 77 /dev/pts/3", "client $1  /dev/pts/4", "client $2 1", "noise"])
    assert clients == (Client("$0", "/dev/pts/3", 77), Client("$1", "/dev/pts/4", None))
    rows = ['@lnode_run_00ff "/dev/pts/3 70 1700000000"', "@lnode_run_11ff /dev/pts/3 60 1600000000", "@lnode_left x"]
    assert parse_marks(rows) == {"/dev/pts/3": (70, 1700000000)}
    rows = [
        "alice    pts/3        2026-11-23 01:00 (laptop.example.org)",
        "alice    pts/4        Nov 23 01:00 (10.0.0.7)",
        "alice    tty1         2026-11-23 01:00",
    ]
    assert parse_who(rows) == {"/dev/pts/3": "laptop.example.org", "/dev/pts/4": "10.0.0.7"}


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
    command = pane_command(request, call.after_request())
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
    # 126, 127 and 128+n are a shell's, 255 is ssh's, and 0 to 95 any program's
    assert all(96 <= code < 126 for code in ExitOfAttach)


def test_the_script_names_each_exit_code() -> None:
    text = (Path(lnode.__file__).parent / "remote" / "session.sh").read_text()
    legend = text.partition("# Exit codes, ")[2].partition(".\n")[0].replace("\n# ", " ")
    named = {int(code): words for code, words in re.findall(r"(\d{2,3}) ([a-z ]+)", legend)}
    assert named == {int(code): code.name.lower().replace("_", " ") for code in ExitOfAttach}
