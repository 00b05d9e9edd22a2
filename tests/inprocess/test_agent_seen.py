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


def test_the_list_tells_of_an_agent_in_the_one_question_that_it_asks_anyway(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "fit", "-x", "100", sys.executable, agents_draw.__file__, "claude-bash")
    wait_until(lambda: "claude waits for you" in near.lnode("x", "--ls").stdout, "it asks")
    (near.home / "calls").unlink()
    assert "claude in fit asks: Do you want to proceed?" in near.lnode("x", "--ls").stderr
    assert (near.home / "calls").read_text() == "called\n"


def test_a_question_in_a_window_that_peek_has_not_shown_is_not_seen(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "fit", "cat")
    near.tmux("new-window", "-d", "-t", "=fit:", sys.executable, agents_draw.__file__, "claude-bash")
    wait_until(lambda: "amend" in screen(near, "fit:1"), "it asks")
    assert near.lnode("x", "fit", "--peek").returncode == 0
    done = near.lnode("x", "fit", "--answer", "1")
    assert done.returncode == 1
    assert "you have not seen this question" in done.stderr


def test_a_question_for_a_text_is_for_a_person(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "fit", "-x", "100", sys.executable, agents_draw.__file__, "codex-text")
    wait_until(lambda: "Which learning rate" in near.lnode("x", "fit", "--peek").stdout, "it asks")
    done = near.lnode("x", "fit", "--answer", "y")
    assert done.returncode == 1
    assert done.stderr.startswith("lnode: codex in fit on x asks something that no key answers: Question 1/1")
    assert "hint:  attach to it: lnode x fit" in done.stderr


def screen(near: Nearby, window: str) -> str:
    argv = ["tmux", "-u", "capture-pane", "-p", "-t", f"={window}"]
    return subprocess.run(argv, env=near.env, capture_output=True, text=True, timeout=60, check=True).stdout


# A list of choices in the raw mode of its kind: arrows move the mark, Enter writes the choice into a file.
MENU = """
import os, sys, tty
tty.setraw(0)
texts, at = ["Yes", "Yes, always", "No"], 0
while True:
    rows = "".join(f"{'❯' if number == at else ' '} {text}\\r\\n" for number, text in enumerate(texts))
    os.write(1, f"\\x1b[?25l\\x1b[H\\x1b[2J? Run sbatch? (Use arrow keys)\\r\\n{rows}".encode())
    key = os.read(0, 8)
    if key in (b"\\x1b[B", b"\\x1bOB"):
        at = (at + 1) % 3
        if sys.argv[2:]:
            texts[0] = "Yes, and delete all"
    elif key in (b"\\x1b[A", b"\\x1bOA"):
        at = (at - 1) % 3
    elif key == b"\\r":
        open(sys.argv[1], "w").write(texts[at])
        os.write(1, b"\\x1b[H\\x1b[2Jdone")
"""


@pytest.mark.parametrize(
    ("choice", "said"), [("n", "3 (No)"), ("2", "2 (Yes, always)"), ("y", "1 (Yes)")], ids=["n", "2", "y"]
)
def test_a_choice_without_a_number_is_reached_by_the_arrow_keys(near: Nearby, choice: str, said: str) -> None:
    got = near.home / "got"
    near.tmux("new-session", "-d", "-s", "fit", sys.executable, "-c", MENU, str(got))
    wait_until(lambda: "always" in near.lnode("x", "fit", "--peek").stdout, "it asks")
    done = near.lnode("x", "fit", "--answer", choice)
    wait_until(got.exists, "Enter")
    wait_until(lambda: f"({got.read_text()})" in said, "the choice")
    # On a busy machine the program may take longer to draw than lnode waits for it.
    assert done.stderr == f"lnode: answered a menu in fit on x: {said}\n" or "its screen is as it was" in done.stderr


def test_enter_is_not_pressed_if_the_choices_change_on_the_way(near: Nearby) -> None:
    got = near.home / "got"
    near.tmux("new-session", "-d", "-s", "fit", sys.executable, "-c", MENU, str(got), "changes")
    wait_until(lambda: "always" in near.lnode("x", "fit", "--peek").stdout, "it asks")
    done = near.lnode("x", "fit", "--answer", "n")
    assert done.returncode == 1
    assert done.stderr.startswith("lnode: the screen of fit on x has just changed; Enter was not pressed\n")
    assert not got.exists()
