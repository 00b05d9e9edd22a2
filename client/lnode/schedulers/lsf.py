"""LSF: `bjobs -o FIELDS`, since 9.1; the job's name, which may hold the delimiter, comes last.

bjobs does not tell a batch job from an interactive one, and submit_time is a minute. So a job is a client's only if the
client names it, as nios does from the submission on.
"""

import re
from collections.abc import Iterable
from functools import partial

from lnode.remote.fields import JobId
from lnode.schedulers.clients import Asked, named_jobs_of, parse_date
from lnode.schedulers.job import Job, short_host
from lnode.schedulers.scheduler import Scheduler, by_beginning

# bjobs(1), Job states; DONE and EXIT have ended
_STATES = {
    "PEND": "PENDING", "WAIT": "PENDING", "PROV": "CONFIGURING", "PSUSP": "PENDING", "RUN": "RUNNING",
    "USUSP": "SUSPENDED", "SSUSP": "SUSPENDED", "ZOMBI": "COMPLETING",
    "UNKWN": "UNKNOWN",
}  # fmt: skip
_MINUTE_S = 60
_ROW = re.compile(r"\s*([0-9]{1,12}(?:\[[0-9]{1,10}\])?)" + r"\|([^|]*)" * 5 + r"\|(.*)", re.DOTALL)


def parse_jobs(lines: Iterable[str], now: int) -> tuple[Asked, ...]:
    """Return the jobs that have not ended, with batch jobs: bjobs does not tell them apart, and they have no client."""
    return tuple(asked for row in lines if (asked := _asked(row, now)) is not None)


def _asked(row: str, now: int) -> Asked | None:
    match = _ROW.fullmatch(row)
    if match is None or match[2] not in _STATES:
        return None
    id_, stat, from_host, submit_time, time_left, exec_host, name = match.groups()
    waits = _STATES[stat] == "PENDING"
    job = Job(
        id=JobId(id_),
        submitted=parse_date(submit_time.strip(), now),
        state=_STATES[stat],
        left_s=_left_s(time_left),
        submit_host=short_host(from_host),
        nodes="" if waits else _nodes(exec_host),
        reason=stat if stat == "PSUSP" else "",
        name=name,
    )
    return Asked(job)


def _left_s(time_left: str) -> int | None:
    """Return seconds to the limit from `71:59 L`: hours, minutes (and seconds under LSB_HMS_TIME_FORMAT).

    A job past its estimate has an X, and its limit (bjobs(1), -WL). None for an estimate (E).
    """
    match = re.fullmatch(r"\s*([0-9]{1,6}):([0-9]{1,2})(?::[0-9]{2})?(?: [LX])?\s*", time_left)
    return (int(match[1]) * 60 + int(match[2])) * _MINUTE_S if match else None


def _nodes(exec_host: str) -> str:
    """Return each host of `4*hosta:hostb` once."""
    hosts = (short_host(place.partition("*")[2] or place) for place in exec_host.strip().split(":"))
    return ",".join(host for host in dict.fromkeys(hosts) if host not in ("", "-"))


SCHEDULER = Scheduler(
    partial(named_jobs_of, parse_jobs),
    title="LSF",
    request="bsub -Is -W 72:00 bash -l",
    listing="bjobs -u",
    cancel="bkill",
    harmless=re.compile(r"already finished|is being terminated|No matching job found"),
    requesters=frozenset(("bsub", "nios")),
    explain=by_beginning({"PSUSP": "is held: let it go with bresume; if that is refused, the site holds it"}),
)
