"""Notifications: what is run on which laptop, with a stand-in on PATH, and what a terminal is sent instead."""

from pathlib import Path

import pytest

from lnode.laptop import notify


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there; the file holds what was said, a word a line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, script: str = "") -> Path:
    said = folder / "said"
    path = folder / name
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{said}\n{script}\n')
    path.chmod(0o755)
    return said


def test_linux(desktop: Path) -> None:
    said = program(desktop, "notify-send")
    assert notify.send("lnode unity", "-a <b>&\x1b[31m is on c1", platform="linux")
    assert said.read_text().splitlines() == [
        "--app-name=lnode", "--", "lnode unity", "-a &lt;b>&amp;\\x1b[31m is on c1",
    ]  # fmt: skip


def test_macos_gets_the_words_as_arguments(desktop: Path) -> None:
    said = program(desktop, "osascript")
    hostile = '" & (do shell script "false") & "'
    assert not notify.send("lnode unity", hostile, platform="darwin")  # it may not be seen: the terminal's follows
    rows = said.read_text().splitlines()
    assert rows[0::2][:3] == ["-e", "-e", "-e"]
    assert rows[-2:] == ["lnode unity", hostile]
    assert hostile not in "".join(rows[:-1])


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_where_there_is_none(desktop: Path, platform: str) -> None:
    assert not notify.send("a", "b", platform=platform)


def test_a_desktop_that_does_not_answer(desktop: Path) -> None:
    program(desktop, "notify-send", "exit 1")
    assert not notify.send("a", "b", platform="linux")


@pytest.mark.parametrize(
    ("environ", "osc"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "9;lnode unity: x is on c1, job 1"),
        ({"TERM": "xterm-kitty"}, "9;lnode unity: x is on c1, job 1"),
        ({"TERM": "foot"}, "777;notify;lnode unity;x is on c1, job 1"),
        ({}, "777;notify;lnode unity;x is on c1, job 1"),
    ],
)
def test_a_terminal(environ: dict[str, str], osc: str) -> None:
    assert notify.for_terminal("lnode unity", "x is on c1; job 1", environ) == f"\x1bPtmux;\x1b\x1b]{osc}\a\x1b\\"


def test_nothing_ends_the_sequence_early() -> None:
    sequence = notify.for_terminal("a\ab", "c\x1b\\d\a", {})
    assert sequence.count("\a") == 1
    assert sequence.count("\x1b") == 4
