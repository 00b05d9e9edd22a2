"""The questions that you have seen, and may answer: `lnode` with a tmux of this computer behind a stand-in ssh."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

import agents_draw
from nearby import Nearby, nearby
from rig import wait_until


@pytest.fixture
def near() -> Iterator[Nearby]:
    with nearby() as made:
        yield made


def test_a_question_that_peek_has_shown_can_be_answered(near: Nearby) -> None:
    got = near.home / "got"
    asks = f"printf 'Continue? [y/N] '; read -r x; echo \"$x\" >{got}; exec cat"
    near.tmux("new-session", "-d", "-s", "fit", "sh", "-c", asks)
    wait_until(lambda: "Continue?" in near.lnode("x", "fit", "--peek").stdout, "it asks")
    done = near.lnode("x", "fit", "--answer", "y")
    assert (done.returncode, done.stderr) == (0, "lnode: answered a prompt in fit on x: y\n")
    wait_until(lambda: got.exists() and got.read_text() == "y\n", "the answer")


def test_a_question_in_a_window_that_peek_has_not_shown_is_not_seen(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "fit", "cat")
    near.tmux("new-window", "-d", "-t", "=fit:", sys.executable, agents_draw.__file__, "claude-bash")
    wait_until(lambda: "amend" in screen(near, "fit:1"), "it asks")
    assert near.lnode("x", "fit", "--peek").returncode == 0
    done = near.lnode("x", "fit", "--answer", "1")
    assert done.returncode == 1
    assert "you have not seen this question" in done.stderr


def screen(near: Nearby, window: str) -> str:
    argv = ["tmux", "-u", "capture-pane", "-p", "-t", f"={window}"]
    return subprocess.run(argv, env=near.env, capture_output=True, text=True, timeout=60, check=True).stdout
