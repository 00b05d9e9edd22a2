"""The start of a request that nobody has made: the scheduler's estimate, and the maintenance that it runs into."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from lnode.remote.fields import TimeLimit, epoch, number
from lnode.schedulers.job import Job

_SPARE_S = 300  # nodes take time to end a job
_LEAST_S = 600  # less is no offer
_AT_ONCE_S = 60
_MOST = 20  # of what is announced, as x_closures sends


class Closure(NamedTuple):
    """Maintenance, in epoch seconds of the scheduler's clock."""

    start: int
    end: int


class Estimate(NamedTuple):
    """`starts` is epoch seconds. None if it is refused, as the scheduler `says`; "" if it did not answer.

    `is_final`: it would be refused at any time.
    """

    starts: int | None
    says: str = ""
    is_final: bool = False


def parse_closures(lines: Iterable[str]) -> tuple[Closure, ...]:
    """Read the rows `START END`, in order of their starts; skip other lines."""
    pairs = (row.split(" ") for row in lines if row.count(" ") == 1)
    times = islice(((epoch(start), epoch(end)) for start, end in pairs), _MOST)
    return tuple(sorted(Closure(start, end) for start, end in times if start is not None and end is not None))


def parse_estimates(lines: Iterable[str]) -> Mapping[int, Estimate]:
    """Read the rows of when.sh: number of the request -> its estimate; skip other lines."""
    found: dict[int, Estimate] = {}
    for row in lines:
        form = r"(\d{1,3}) (?:starts (\d{1,12})|(never|refuses) (.{1,200})|silent)"
        if match := re.fullmatch(form, row, re.ASCII):
            starts = epoch(match[2]) if match[2] else None
            if starts is not None or not match[2]:
                found[int(match[1])] = Estimate(starts, match[4] or "", match[3] == "never")
    return found


def limit_s(text: str | None) -> int | None:
    """Return the length of a time limit as you request it: `72:00:00`, `2-00:00:00`, or minutes; None for another."""
    if text and (minutes := number(text)) is not None:
        return minutes * 60
    limit = TimeLimit.parse(text or "")
    return limit.seconds if limit else None


def is_at_once(starts: int, now: int) -> bool:
    """True if that is as good as now."""
    return starts <= now + _AT_ONCE_S


def obstacle(closures: Sequence[Closure], starts: int, asked_s: int | None, now: int) -> Closure | None:
    """Return the maintenance for which a request of that length has to wait until `starts`, None if there is none."""
    if asked_s is None or is_at_once(starts, now):
        return None
    return next((one for one in closures if now < one.start < now + asked_s and starts >= one.start), None)


def room_s(closure: Closure, now: int) -> int:
    """Return the longest time limit that ends before the maintenance, in whole minutes; 0 if that is no use."""
    room = (closure.start - now - _SPARE_S) // 60 * 60
    return room if room >= _LEAST_S else 0


def room_before(closures: Sequence[Closure], job: Job, now: int | None) -> int:
    """Return the longest time limit that ends before the maintenance for which a job waits, else 0.

    Maintenance of other nodes is nothing to a job that waits its turn.
    """
    if job.starts is None or now is None or not job.reason.startswith(_FOR_NODES):
        return 0
    closure = obstacle(closures, job.starts, job.left_s, now)
    return room_s(closure, now) if closure else 0


_FOR_NODES = ("ReqNodeNotAvail", "Reserved")  # squeue(1), job reason codes
