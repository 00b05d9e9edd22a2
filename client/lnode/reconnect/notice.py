"""The words about the connection: the notice line over the last screen, and the lines of the history."""

from lnode.reconnect.pauses import LATE_S
from lnode.reconnect.state import End, Phase, State
from lnode.ssh.failures import Cause
from lnode.text import in_words

_KEYS = "r now, d leave"
_MUTE = "keys are not sent, Ctrl-C leaves"  # ssh goes on, and has the tty
_LONG_S = 3.0  # a shorter sleep or wait is not mentioned
_LONGEST_ALIAS = 24  # the words after it matter more


def notice(state: State, at: float, alias: str, unsent: int) -> str | None:
    """Return the line at the top of the last screen, None if the screen is the session's own.

    `at` in seconds awake, `unsent` the number of keys that you typed during the outage.
    """
    text = _notice(state, at, alias if len(alias) <= _LONGEST_ALIAS else f"{alias[: _LONGEST_ALIAS - 3]}...")
    if text is None:
        return None
    keys = "" if unsent == 0 else "; 1 key not sent" if unsent == 1 else f"; {unsent} keys not sent"
    return f"lnode: {text}{keys}"


def says(state: State, alias: str, words: str) -> str:
    """Return the second line of the notice: the words with which the site has ended a login, "" if it has not."""
    return f"{alias} says: {words}" if words and state.phase in (Phase.WAITING, Phase.NEEDS_PERSON) else ""


def _notice(state: State, at: float, alias: str) -> str | None:
    if state.phase is Phase.CONNECTING and state.asks:
        return None
    match _phase(state):
        case Phase.DOUBTING:
            return f"{_doubting(state, at, alias)}; {_KEYS if state.stops else _MUTE}"
        case Phase.WAITING:
            return f"{_waiting(state, at, alias)}; {_KEYS}"
        case Phase.NEEDS_PERSON:
            return _NEEDED.get(state.cause or Cause.LOGIN_REFUSED, _SIGN_IN).format(alias=alias)
        case Phase.CONNECTING:
            return f"reconnecting to {alias}; {_KEYS}"
    return None


def _phase(state: State) -> Phase:
    """Return the phase for you: a blind attempt is a part of the waiting."""
    return Phase.WAITING if state.blind else state.phase


_SIGN_IN = "{alias} needs you to sign in; r sign in, d leave"
_NEEDED = {
    Cause.HOST_KEY_UNKNOWN: "the host key of {alias} is not known; r look at it, d leave",
    Cause.SENT_AWAY: "{alias} ended the login; r try again, d leave",
    Cause.NO_SESSION: "{alias} opens no session for you; r try again, d leave",
    Cause.NO_TERMINAL: "{alias} gives you no terminal; r try again, d leave",
}


def _doubting(state: State, at: float, alias: str) -> str:
    if not state.route:
        return f"no network, {alias} is out of reach"
    if at - state.alive_at < LATE_S and state.asleep:
        return f"back after {in_words(int(state.asleep))} asleep, asking {alias}"
    return f"{alias} silent for {_away(state, at)}, trying"


def _waiting(state: State, at: float, alias: str) -> str:
    away = _away(state, at)
    if not state.route:
        return f"no network for {away}, waiting for it"
    pause = 0.0 if state.due is None or state.blind else state.due - at
    trying = "trying" if pause < _LONG_S else f"again in {int(pause)} s"
    why = _WAITING.get(state.cause or Cause.TIMED_OUT, "{alias} silent for {away}")
    return f"{why.format(alias=alias, away=away)}, {trying}"


_WAITING = {
    Cause.REFUSED: "{alias} refuses connections, none for {away}",
    Cause.CLOSED_EARLY: "{alias} closes connections before the login",
    Cause.NO_FORWARD: "a port that {alias} forwards is taken",
    Cause.UNRESOLVED: "cannot find the address of {alias}",
    Cause.NO_ROUTE: "no way to {alias} for {away}",
    Cause.LOST: "no connection to {alias} for {away}",
}


def _away(state: State, at: float) -> str:
    """Return the time since the last sign of life, and apart from it the time asleep."""
    waited = in_words(int(at - state.alive_at))
    return f"{waited} and {in_words(int(state.asleep))} asleep" if state.asleep >= _LONG_S else waited


def chronicle(before: State, after: State, at: float) -> str | None:
    """Return a line of the history for a step of the machine, None for a step without news."""
    was, phase = _phase(before), _phase(after)
    words = None
    if phase is Phase.ATTACHED and was is Phase.DOUBTING:
        words = "the connection was alive after all"
    elif phase is Phase.ATTACHED and was is not phase:
        words = "connected" if not before.began else f"reconnected after {in_words(int(before.silence(at)))}"
    elif phase is Phase.DOUBTING and was is not phase:
        words = _doubt(after, at)
    elif phase is Phase.ENDED:
        words = _end(after, at)
    elif phase is not was:
        words = f"{_CAUSES.get(after.cause or Cause.LOST, 'lost the connection')}, {_NEXT[phase]}"
    return words


_NEXT = {
    Phase.CONNECTING: "reconnecting",
    Phase.WAITING: "waiting",
    Phase.NEEDS_PERSON: "waiting for you to sign in",
}


def _doubt(state: State, at: float) -> str:
    if not state.route:
        return "no network"
    if state.asleep:
        return f"woke after {in_words(int(state.asleep))}"
    return f"silent for {int(at - state.alive_at)} s"


def _end(state: State, at: float) -> str:
    match state.end:
        case End.OVER:
            return "left"
        case End.GIVEN_UP:
            return f"given up after {in_words(int(state.silence(at)))}"
        case End.LEFT:
            return "left by a key"
        case End.STOPPED:
            return "told to end"
    return f"{_CAUSES.get(state.cause or Cause.LOST, 'lost the connection')}, not tried again"


_CAUSES = {
    Cause.UNRESOLVED: "name not resolved",
    Cause.NO_ALIAS: "name not resolved",
    Cause.REFUSED: "connection refused",
    Cause.NO_ROUTE: "no network",
    Cause.TIMED_OUT: "no answer",
    Cause.CLOSED_EARLY: "closed before the login",
    Cause.LOGIN_REFUSED: "login refused",
    Cause.SENT_AWAY: "sent away in the login",
    Cause.EXPIRED: "password expired",
    Cause.NO_SESSION: "no session after the login",
    Cause.NO_TERMINAL: "no terminal after the login",
    Cause.NO_FORWARD: "a port to forward was taken",
    Cause.HOST_KEY_UNKNOWN: "host key unknown",
    Cause.HOST_KEY_CHANGED: "host key changed",
    Cause.NO_COMMON_ALGORITHM: "no algorithm in common",
    Cause.BAD_CONFIG: "ssh did not accept its configuration",
}
