"""How long the reconnect machine waits: for a sign of life, for a login, for the next try. All in seconds."""

from lnode.ssh.failures import Cause

LATE_S = 3.0  # without an echo the heartbeat is late
STALE_S = 5.0  # of silence: TCP's own retransmission may take as long again, so a new terminal is faster
GIVE_UP_S = 10.0  # of silence: then a terminal is given up, unless the next one needs you to sign in
STABLE_S = 30.0  # of being up: then all failures are forgotten
BUDGET_S = 15 * 60.0  # without a stable period, while the host answers
REVIVES_S = 3.0  # for the driver, to tell if a terminal's connection carries again
GRACE_S = 0.5  # for the terminal's own heartbeat, if the network answers already
ITSELF_S = 30.0  # then ssh itself tries, whatever the knocks find: they may get lost where ssh passes
KEPT_S = GIVE_UP_S + ITSELF_S  # a terminal that may carry again; then ssh itself tries, as it would otherwise
AFTER_ANSWER_S = 2.0  # sshd 9.8 counts a knock as a failed login, and forgets that login after a second
ANSWERS_S = 2.0  # time for the answer to a knock
LONGER = 2  # times that the limit of a silent login is doubled, because some logins are slow

_ATTEMPT_S = 20.0  # for a silent login
_RESTLESS = 3  # terminals that did not last: from this number on there is no hurry
_KNOCKS_S = 0.125  # between two knocks at a host that is silent: a return waits so long
_BRISK = 16  # knocks at a host that refuses
_BRISK_S = 0.25  # between two of those


def stale_s(flaps: int) -> float:
    """Return the silence after which a terminal is replaced: longer if terminals do not last, on a slow, full line."""
    return STALE_S if flaps < _RESTLESS else GIVE_UP_S


def attempt_s(refusals: int) -> float:
    """Return the time for a silent login, after so many failures."""
    return _ATTEMPT_S * 2.0 ** min(refusals, LONGER)


def between_knocks(waited: float) -> float:
    """Return the pause between knocks at a silent host. Most likely the knocks get lost, but a ban is silent too.

    Some firewalls drop an address for its third or fourth SYN in a minute, and each SYN starts the minute again
    (iptables' `recent --update`). They forgive an address that knocks less often.
    """
    minute = 60
    if waited < 3 * minute:
        return _KNOCKS_S
    return 2.0 if waited < 10 * minute else 20.0


def after_refusal(cause: Cause, refusals: int, *, reached: bool, jitter: float) -> float:
    """Return the pause before the next try at a host that refused: by its cause, and up to a third more by chance.

    `reached`: the host had answered a knock just before.
    """
    if cause is Cause.CLOSED_EARLY:
        pause = 15.0 if refusals <= 1 else 23.0
    elif cause is Cause.NO_FORWARD:  # each is a whole login
        pause = 15.0 * 2.0 ** min(refusals - 1, 2)
    else:  # sshd restarts in 1-3 s, a login node in minutes; a host behind a jump host that answers may take days
        brisk = _BRISK_S if cause is Cause.REFUSED and not reached else AFTER_ANSWER_S
        pause = max(brisk, min(2.0 ** min(refusals - _BRISK - 1, 5), 30.0))
    return pause * (1 + 0.3 * jitter)


def after_flaps(flaps: int) -> float:
    """Return the pause before the next terminal, after so many that did not last."""
    return 0.0 if flaps <= _RESTLESS else min(AFTER_ANSWER_S * 2.0 ** (flaps - _RESTLESS - 1), 30.0)
