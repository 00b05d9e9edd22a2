"""What a session was when it was last seen, in a real folder."""

import os
import time
from pathlib import Path

import pytest

from lnode.attach import last_seen


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path / "lnode" / "seen"


def at(state: Path, name: str, text: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / name).write_text(text)


def test_it_comes_back_with_its_time(state: Path) -> None:
    before = time.strftime("%H:%M")
    last_seen.keep("unity", "x", "x runs on c1")
    said = last_seen.read("unity", "x")
    assert said in {f"as of {when}, x runs on c1" for when in (before, time.strftime("%H:%M"))}
    assert last_seen.read("unity", "y") == last_seen.read("unity2", "x") == ""
    assert os.stat(state / "unity.x").st_mode & 0o077 == 0
    last_seen.keep("unity", "x", "")
    last_seen.keep("unity", "x", "")
    assert last_seen.read("unity", "x") == ""
    assert list(state.iterdir()) == []


def test_the_day_is_said_where_it_was_another(state: Path) -> None:
    seen = int(time.time()) - 2 * 86400
    at(state, "unity.x", f"{seen} x runs on c1\n")
    assert last_seen.read("unity", "x") == f"as of {time.strftime('%a %H:%M', time.localtime(seen))}, x runs on c1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "12",
        "1 x runs",
        "99999999999 x runs",
        "9" * 300 + " x",
        "-5 x",
        "\udcff".encode("utf-8", "replace").decode(),
    ],
)
def test_what_is_old_or_nonsense_is_not_said(state: Path, text: str) -> None:
    at(state, "unity.x", text)
    assert last_seen.read("unity", "x") == ""


@pytest.mark.parametrize(
    ("alias", "session"), [("../x", "y"), ("a", "../b"), ("a/b", "c"), ("a", "b.c"), (".", "c"), ("a", "")]
)
def test_no_name_leads_out_of_the_folder(state: Path, alias: str, session: str) -> None:
    last_seen.keep(alias, session, "x runs")
    assert last_seen.read(alias, session) == ""
    assert not state.exists() or list(state.iterdir()) == []


def test_a_folder_that_cannot_be_written_keeps_nothing(state: Path) -> None:
    state.parent.write_text("a file")
    last_seen.keep("unity", "x", "x runs on c1")
    assert last_seen.read("unity", "x") == ""


def test_a_host_is_forgotten_with_all_its_sessions_and_no_other(state: Path) -> None:
    for alias in ("demo", "demo.site", "demo2"):
        last_seen.keep(alias, "x", "x runs on c1")
    last_seen.keep("demo", "y", "y runs on c1")
    last_seen.forget("demo")
    assert sorted(path.name for path in state.iterdir()) == ["demo.site.x", "demo2.x"]


def test_a_long_sentence_is_whole(state: Path) -> None:
    sentence = f"the allocation ended 20 min ago, this shell is on login: lnode {'x' * 60} {'y' * 60} --renew"
    last_seen.keep("unity", "x", sentence)
    assert last_seen.read("unity", "x").endswith(sentence)
