"""A hostile login node in how it answers: cut short, twice over, in another's name, without an end, never.

The slowest, which wait for a deadline of lnode's, are for LNODE_FULL=1.
"""

import pytest

from full import FULL
from hostile import Lie
from lnode.ssh.arguments import SSH_FAILED
from watched import Bench

_ASK = ("ls", "ls as JSON", "kill --yes", "send", "wait for", "setup --yes", "code", "run", "rescue", "logs")
_READ = ("ls", "kill --yes", "peek", "wait for", "setup", "doctor", "logs", "attach")
_ENDED, _DETACHED = 101, 100


@pytest.mark.parametrize("play", ["cut", "foreign", "nothing"])
@pytest.mark.parametrize("verb", _ASK)
def test_an_answer_that_is_none_is_a_failure(bench: Bench, play: str, verb: str) -> None:
    assert bench.wrongs(play, Lie(play=play, status=0), verb, fails=True) == []


@pytest.mark.parametrize("verb", ["ls", "kill --yes", "send", "wait for", "setup --yes", "code", "run", "rescue"])
def test_an_answer_that_is_said_twice_does_no_harm(bench: Bench, verb: str) -> None:
    assert bench.wrongs("twice", Lie(play="twice"), verb) == []


@pytest.mark.parametrize("status", [0, 1, 255, *range(100, 115), 120, 127, 130])
def test_a_session_that_never_was_is_no_success(bench: Bench, status: int) -> None:
    """Three words of the host's stay: that the session was left, that it has ended, and ssh's escape `~.`, which looks
    like a login shell that ends with 255.
    """
    fails = status not in (_DETACHED, _ENDED, SSH_FAILED)
    assert bench.wrongs(f"left {status}", Lie(play="nothing", status=status), "attach", fails=fails) == []


@pytest.mark.parametrize("play", ["sections", "row", "rows"])
@pytest.mark.parametrize("verb", _READ if FULL else ["ls", "attach"])
def test_a_long_answer_takes_little_memory(bench: Bench, play: str, verb: str) -> None:
    assert bench.wrongs(play, Lie(play=play), verb) == []


@pytest.mark.parametrize("verb", ["ls", "logs -f", "attach"])
def test_what_ssh_says_without_end_is_not_kept(bench: Bench, verb: str) -> None:
    assert bench.wrongs("stderr", Lie(play="stderr"), verb) == []


@pytest.mark.parametrize(("play", "verb"), [("flood-echo", "attach"), ("flood", "ls"), ("flood", "logs")])
def test_bytes_without_end_are_not_kept(bench: Bench, play: str, verb: str) -> None:
    assert bench.wrongs(play, Lie(play=play), verb) == []


@pytest.mark.full
@pytest.mark.parametrize("play", ["dribble", "never"])
@pytest.mark.parametrize("verb", ["ls", "peek", "kill --yes", "doctor", "code"])
def test_a_host_that_takes_for_ever_is_given_up(bench: Bench, play: str, verb: str) -> None:
    assert bench.wrongs(play, Lie(play=play), verb, fails=True, limit_s=150) == []
