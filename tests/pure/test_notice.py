"""Every sentence about the connection: the line over the last screen, and the words of the history."""

from typing import Any

import pytest

from lnode.reconnect.machine import first
from lnode.reconnect.notice import chronicle, notice
from lnode.reconnect.state import End, Phase, State
from lnode.ssh.failures import Cause

NOW = 1000.0
H = 3600.0


def state(phase: Phase, **facts: Any) -> State:
    """As after an hour in a session, with the last sign of life six seconds ago."""
    usual: dict[str, Any] = {"began": True, "asks": False, "alive_at": NOW - 6}
    return first(NOW - H)._replace(phase=phase, entered=NOW, **{**usual, **facts})


KEYS = "; r now, d leave"
MUTE = "; keys are not sent, Ctrl-C leaves"
D, W, N = Phase.DOUBTING, Phase.WAITING, Phase.NEEDS_PERSON
NOTICES = [
    (state(Phase.ATTACHED), None),
    (state(Phase.ENDED), None),
    (state(Phase.CONNECTING, asks=True), None),
    (state(Phase.CONNECTING), "reconnecting to unity" + KEYS),
    (state(D), "unity silent for 6 s, trying" + KEYS),
    (state(D, alive_at=NOW - 200), "unity silent for 3 min, trying" + KEYS),
    (state(D, shared=True), "unity silent for 6 s, trying" + MUTE),
    (state(D, person=True, alive_at=NOW - 61), "unity silent for 61 s, trying" + MUTE),
    (state(D, route=False), "no network, unity is out of reach" + KEYS),
    (state(D, asleep=2 * H, alive_at=NOW - 1), "back after 2 h asleep, asking unity" + KEYS),
    (state(D, asleep=2 * H), "unity silent for 6 s and 2 h asleep, trying" + KEYS),
    (state(W), "unity silent for 6 s, trying" + KEYS),
    (state(W, alive_at=NOW - 25 * 60), "unity silent for 25 min, trying" + KEYS),
    (state(W, cause=Cause.TIMED_OUT, asleep=2.9), "unity silent for 6 s, trying" + KEYS),
    (state(W, cause=Cause.TIMED_OUT, asleep=100 * H), "unity silent for 6 s and 4 d 4 h asleep, trying" + KEYS),
    (state(W, due=NOW + 2.9), "unity silent for 6 s, trying" + KEYS),
    (state(W, due=NOW + 15.7), "unity silent for 6 s, again in 15 s" + KEYS),
    (state(W, route=False, alive_at=NOW - 3 * H), "no network for 3 h, waiting for it" + KEYS),
    (state(W, route=False, asleep=30), "no network for 6 s and 30 s asleep, waiting for it" + KEYS),
    (state(W, cause=Cause.NO_ROUTE), "no way to unity for 6 s, trying" + KEYS),
    (state(W, cause=Cause.REFUSED), "unity refuses connections, none for 6 s, trying" + KEYS),
    (state(W, cause=Cause.REFUSED, due=NOW + 8), "unity refuses connections, none for 6 s, again in 8 s" + KEYS),
    (state(W, cause=Cause.CLOSED_EARLY), "unity closes connections before the login, trying" + KEYS),
    (state(W, cause=Cause.CLOSED_EARLY, due=NOW + 15),
     "unity closes connections before the login, again in 15 s" + KEYS),
    (state(W, cause=Cause.UNRESOLVED), "cannot find the address of unity, trying" + KEYS),
    (state(W, cause=Cause.LOST), "no connection to unity for 6 s, trying" + KEYS),
    (state(N, cause=Cause.LOGIN_REFUSED), "unity needs you to sign in; r sign in, d leave"),
    (state(W, cause=Cause.NO_FORWARD, due=NOW + 15),
     "a port that unity forwards is taken, again in 15 s" + KEYS),
    (state(N, cause=Cause.SENT_AWAY), "unity ended the login; r try again, d leave"),
    (state(N, cause=Cause.LOST), "unity needs you to sign in; r sign in, d leave"),
    (state(N, cause=Cause.HOST_KEY_UNKNOWN), "the host key of unity is not known; r look at it, d leave"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "line"), NOTICES)
def test_a_notice(now: State, line: str | None) -> None:
    assert notice(now, NOW, "unity", 0) == (None if line is None else f"lnode: {line}")
    assert line is None or len(f"lnode: {line}") <= 80


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("cause", [None, *Cause])
def test_no_state_is_without_words(phase: Phase, cause: Cause | None) -> None:
    quiet = phase in (Phase.ATTACHED, Phase.ENDED)
    assert (notice(state(phase, cause=cause), NOW, "unity", 0) is None) is quiet


def test_keys_that_were_not_sent() -> None:
    lines = [notice(state(N), NOW, "u", unsent) for unsent in (0, 1, 2, 1000)]
    begin = "lnode: u needs you to sign in; r sign in, d leave"
    assert lines == [
        begin, f"{begin}; 1 key not sent", f"{begin}; 2 keys not sent", f"{begin}; 1000 keys not sent",
    ]  # fmt: skip


def test_a_long_alias_leaves_room_for_what_follows() -> None:
    assert notice(state(D), NOW, "a" * 24, 0) == f"lnode: {'a' * 24} silent for 6 s, trying" + KEYS
    assert notice(state(D), NOW, "a" * 200, 0) == f"lnode: {'a' * 21}... silent for 6 s, trying" + KEYS


BEFORE, FRESH = state(Phase.ATTACHED), state(Phase.CONNECTING, began=False)
C, E = Phase.CONNECTING, Phase.ENDED
STEPS = [
    (FRESH, state(Phase.ATTACHED), "connected"),
    (state(C, alive_at=NOW - 40), state(Phase.ATTACHED), "reconnected after 40 s"),
    (state(C, alive_at=NOW - 40, asleep=2 * H), state(Phase.ATTACHED), "reconnected after 2 h"),
    (state(D), state(Phase.ATTACHED), "the connection was alive after all"),
    (BEFORE, BEFORE, None),
    (BEFORE, state(D, alive_at=NOW - 4), "silent for 4 s"),
    (BEFORE, state(D, asleep=2 * H), "woke after 2 h"),
    (BEFORE, state(D, route=False), "no network"),
    (state(D), state(D, route=False), None),
    (state(D), state(W, cause=Cause.TIMED_OUT), "no answer, waiting"),
    (BEFORE, state(W, cause=Cause.LOST), "lost the connection, waiting"),
    (state(W), state(N, cause=Cause.LOST), "lost the connection, waiting for you to sign in"),
    (BEFORE, state(C, cause=Cause.LOST), "lost the connection, reconnecting"),
    (state(W), state(C, cause=Cause.TIMED_OUT), "no answer, reconnecting"),
    (state(C), state(W, cause=Cause.REFUSED), "connection refused, waiting"),
    (state(C), state(W, cause=Cause.CLOSED_EARLY), "closed before the login, waiting"),
    (state(C), state(W, cause=Cause.UNRESOLVED), "name not resolved, waiting"),
    (state(C), state(W, cause=Cause.NO_ROUTE), "no network, waiting"),
    (state(C), state(N, cause=Cause.LOGIN_REFUSED), "login refused, waiting for you to sign in"),
    (state(C), state(N, cause=Cause.HOST_KEY_UNKNOWN), "host key unknown, waiting for you to sign in"),
    (state(W), state(W, cause=Cause.REFUSED), None),
    (BEFORE, state(E, end=End.OVER), "left"),
    (state(W), state(E, end=End.LEFT), "left by a key"),
    (state(D), state(E, end=End.STOPPED), "told to end"),
    (state(W), state(E, end=End.GIVEN_UP, alive_at=NOW - 16 * 60), "given up after 16 min"),
    (FRESH, state(E, end=End.FAILED, cause=Cause.UNRESOLVED), "name not resolved, not tried again"),
    (state(C), state(E, end=End.FAILED, cause=Cause.HOST_KEY_CHANGED), "host key changed, not tried again"),
    (FRESH, state(E, end=End.FAILED, cause=Cause.NO_COMMON_ALGORITHM), "no algorithm in common, not tried again"),
    (FRESH, state(E, end=End.FAILED, cause=Cause.BAD_CONFIG),
     "ssh did not accept its configuration, not tried again"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "words"), STEPS)
def test_a_step_in_the_history(before: State, after: State, words: str | None) -> None:
    assert chronicle(before, after, NOW) == words
