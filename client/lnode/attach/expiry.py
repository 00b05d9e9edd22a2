"""The times of the warnings before the end of an allocation, and of the questions to the scheduler.

A warning counts until the end moves away from it: if you get more time, lnode warns again.
"""

from math import ceil

from lnode.cluster.sessions import Entry, State

WARN_AT_MIN = (60, 15, 5)

# At most 120 questions in an hour (docs/sessions.md, Messages), and one more at the end of an attach.
OFTEN_S, _SELDOM_S = 32.0, 120.0
_QUIET_S, _QUIETLY_S = 300.0, 600.0
_NEAR_S = 600
_REQUESTED_S = 120  # so long after its start the scheduler knows a session's request
_EXTENDED_S = 60  # squeue's rounding never adds so much to the time left


def due(left_s: int, job: str, warned: str) -> int | None:
    """Return the warning that is due with `left_s` seconds left of `job`: 60, 15 or 5 (minutes), or None.

    `warned` is the last one given, `JOB MINUTES`, "" for none.
    """
    passed = [minutes for minutes in WARN_AT_MIN if left_s <= 60 * minutes]
    before = float("inf") if is_void(left_s, job, warned) else int(warned.partition(" ")[2])
    return passed[-1] if passed and passed[-1] < before else None


def is_void(left_s: int, job: str, warned: str) -> bool:
    """True if the last warning no longer counts: it is another job's, or the end has moved away from it."""
    of, _, minutes = warned.partition(" ")
    return of != job or not minutes.isdecimal() or left_s > 60 * int(minutes) + _EXTENDED_S


def minutes_left(left_s: int) -> int:
    """Return the minutes as a warning says them: 4 min 50 s is 5."""
    return ceil(left_s / 60)


def has_ended(entry: Entry, now: int | None) -> bool:
    """True if it had an allocation; a new request may not be known yet. `now` is on the login node's clock."""
    if entry.state is not State.ENDED:
        return False
    return entry.session.ended is not None or (now is not None and now - entry.session.created > _REQUESTED_S)


def pause_s(entry: Entry | None, now: int | None = None, *, quiet_s: float = 0.0) -> float:
    """Return the seconds until lnode asks the scheduler again after the answer `entry`.

    News that can wait are not looked for so often if nobody has typed for `quiet_s`.
    """
    seldom_s = _QUIETLY_S if quiet_s > _QUIET_S else _SELDOM_S
    if entry is None or entry.state in (State.SHELL, State.UNKNOWN) or has_ended(entry, now):
        return seldom_s
    if entry.state is not State.RUNNING or entry.job is None:
        return OFTEN_S
    left_s = entry.job.left_s
    if left_s is None:
        return seldom_s
    if left_s <= _NEAR_S:
        return OFTEN_S
    to_warning = min(left_s - 60 * minutes for minutes in WARN_AT_MIN if left_s > 60 * minutes)
    return min(seldom_s, max(OFTEN_S, to_warning))
