"""HTCondor: `condor_q -json`, the interactive jobs alone.

`condor_submit -interactive` submits a job, and then becomes `condor_ssh_to_job -remove-on-interrupt ... 12.0`, which
waits for the job, goes into it and removes it at the end. So the command line of the process names its job.
A condor_ssh_to_job that you type has no -remove-on-interrupt, and is no client.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from lnode.remote.fields import JobId, epoch
from lnode.schedulers.clients import Asked, named_jobs_of
from lnode.schedulers.job import Job, left_after, short_host
from lnode.schedulers.scheduler import Scheduler, by_beginning

# JobStatus, of the job ClassAd attributes; 4 is completed
_STATES = {1: "PENDING", 2: "RUNNING", 3: "COMPLETING", 5: "PENDING", 6: "COMPLETING", 7: "SUSPENDED"}
_HELD = 5
_MOST_DIGITS = 12


def parse_jobs(lines: Iterable[str], now: int) -> tuple[Asked, ...]:
    """Return the jobs that have not ended; none if the answer is not whole."""
    try:
        found = json.loads("\n".join(lines) or "[]", parse_int=_integer)
    except (ValueError, RecursionError):
        return ()
    ads = found if isinstance(found, list) else []
    return tuple(asked for ad in ads if isinstance(ad, dict) and (asked := _asked(ad, now)) is not None)


def _integer(digits: str) -> int:
    """Return the number; 0 for one that is too long, because int() takes long over those."""
    return int(digits) if len(digits) <= _MOST_DIGITS else 0


def _asked(ad: Mapping[str, Any], now: int) -> Asked | None:
    status, id_ = ad.get("JobStatus"), JobId.parse(f"{ad.get('ClusterId')}.{ad.get('ProcId')}")
    state = _STATES.get(status) if type(status) is int else None
    if id_ is None or state is None:
        return None
    waits = state == "PENDING"
    job = Job(
        id=id_,
        submitted=_time(ad, "QDate"),
        state=state,
        left_s=_left_s(ad, now, waits=waits),
        submit_host="",
        nodes="" if waits else short_host(_text(ad, "RemoteHost").rpartition("@")[2]),
        reason=_reason(ad) if waits else "",
        name=_text(ad, "JobBatchName"),
    )
    return Asked(job)


def _text(ad: Mapping[str, Any], name: str) -> str:
    value = ad.get(name, "")
    return " ".join(value.split()) if isinstance(value, str) else ""


def _time(ad: Mapping[str, Any], name: str) -> int | None:
    return epoch(str(ad.get(name, "")))


def _left_s(ad: Mapping[str, Any], now: int, *, waits: bool) -> int | None:
    """Return the limit of a job that has one (allowed_job_duration), minus the time since its start."""
    limit, started = ad.get("AllowedJobDuration"), _time(ad, "JobCurrentStartDate")
    if type(limit) is not int or limit < 0:
        return None
    if waits or started is None:
        return limit
    return left_after(limit, started, now)


def _reason(ad: Mapping[str, Any]) -> str:
    if ad.get("JobStatus") == _HELD:
        return f"on hold: {_text(ad, 'HoldReason')}"
    return _text(ad, "LastRejMatchReason")


# HTCondor 23.9.6: the negotiator's words, and ours for a job that is held
_MEANINGS = {
    "on hold": "is held: let it go with condor_release",
    "no match found": "waits for a free slot that has what it asks for",
}

SCHEDULER = Scheduler(
    partial(named_jobs_of, parse_jobs),
    title="HTCondor",
    request="condor_submit -interactive -a request_memory={mem}",
    listing="condor_q",
    cancel="condor_rm",
    harmless=re.compile(r"marked for removal|not found"),
    requesters=frozenset(("condor_submit", "condor_ssh_to_j")),
    explain=by_beginning(_MEANINGS),
)
