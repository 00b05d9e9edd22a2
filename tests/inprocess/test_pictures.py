"""The last answer of each host, on disk."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lnode.cluster import sessions
from lnode.laptop import shown
from lnode.locate import pictures

REPLY = {"host": ["login1", "1700000000"], "panes": ["$0 1 1 0 9 %0 f k o e w t a"], "end": []}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "lnode" / "pictures"


@pytest.mark.parametrize("alias", ["unity", "a/b", "..", "%41", "ü b\n", "x.json"])
def test_what_is_kept_is_read_again(state: Path, alias: str) -> None:
    assert (pictures.hosts(), pictures.read(alias)) == ([], None)
    pictures.keep(alias, [REPLY])
    kept = pictures.read(alias)
    assert kept is not None
    assert kept.replies == (REPLY,)
    assert pictures.hosts() == [alias]
    (file,) = state.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_where_nothing_can_be_written_nothing_is_kept(state: Path) -> None:
    state.parent.write_text("no folder")
    pictures.keep("unity", [REPLY])
    assert (pictures.hosts(), pictures.read("unity")) == ([], None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"host": "other", "at": 1, "replies": []}', '{"host": "unity", "at": "x", "replies": []}',
     '{"host": "unity", "at": 1, "replies": [[]]}', '{"host": "unity", "at": 1, "replies": 7}', "[" * 100000],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_is_passed_over(state: Path, text: str) -> None:
    os.makedirs(state)
    (state / "unity.json").write_text(text)
    (state / "unity.json.123").write_text("a draft")
    assert (pictures.hosts(), pictures.read("unity")) == ([], None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_stands_there_is_as_harmless_as_a_reply(state: Path, value: object) -> None:
    import json

    os.makedirs(state, exist_ok=True)
    (state / "unity.json").write_text(json.dumps({"host": "unity", "at": 1, "replies": [value]}))
    kept = pictures.read("unity")
    for reply in kept.replies if kept else ():
        sessions.picture_of(reply)


@pytest.mark.parametrize("at", ["1e400", "-Infinity", "NaN", "9" * 400, "9" * 5000, '"x"', "null"])
def test_a_time_that_is_none(state: Path, at: str) -> None:
    state.mkdir(parents=True)
    (state / "unity.json").write_text(f'{{"host": "unity", "at": {at}, "replies": []}}')
    assert pictures.read("unity") is None


def test_no_screen_is_kept_in_a_file(state: Path) -> None:
    rows = ["$0 1 1 0 1 %0 f* k o e w t x", "%0 c1 a0 t1 title", "| password: hunter2", "> here", "options $0 s1"]
    pictures.keep("unity", [{"screens": ["| one"], "screens-2": ["| two"], "shown-77": rows, "host": ["login1"]}])
    kept = pictures.read("unity")
    assert kept is not None
    assert kept.replies[0] == {"shown-77": [rows[0], rows[4]], "host": ["login1"]}
    assert not any("hunter2" in path.read_text() for path in state.rglob("*") if path.is_file())


def test_a_question_that_was_answered_is_no_question_that_you_have_seen(state: Path) -> None:
    shown.remember("unity", {"x": "dialog", "y": "other"})
    assert shown.is_shown("unity", "x", "dialog")
    shown.forget("unity", "x")
    assert (shown.is_shown("unity", "x", "dialog"), shown.is_shown("unity", "y", "other")) == (False, True)
