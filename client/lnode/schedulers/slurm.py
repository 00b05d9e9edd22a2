"""Slurm's squeue: which fields are asked, and how they read.

Text, never `--json`, whose schema changes with nearly every release. `-O field:width` exists since 14.11 and cuts
silently, so widths are generous and the job's name, which may hold anything, comes last. Times are epoch seconds
because the script sets SLURM_TIME_FORMAT=%s.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from lnode.remote.fields import JobId, epoch, number

_WIDTHS = {
    "jobid": 24, "allocsid": 16, "batchflag": 4, "submittime": 24, "state": 20, "timeleft": 24,
    "starttime": 24, "allocnodes": 80, "nodelist": 400, "reason": 160, "name": 80,
}  # fmt: skip
SQUEUE_FIELDS = ",".join(f"{field}:{width}" for field, width in _WIDTHS.items())


class Job(NamedTuple):
    """A job of the user as squeue tells it.

    `sid` is the session id of the process that submitted it, on `submit_host` (cut at the first dot, "" where Slurm
    does not know). `submitted` is epoch seconds or None. `left_s` is None where `left` has no number: UNLIMITED,
    NOT_SET, INVALID. A pending job's `left` is its whole limit. `nodes` is a bracket list such as `c[007,035-037]`,
    "" while it waits. `starts` is Slurm's estimate for a pending job, by its own clock. `is_batch`: made by sbatch.
    """

    id: JobId
    sid: int
    submitted: int | None
    state: str
    left: str
    left_s: int | None
    submit_host: str
    nodes: str
    reason: str
    name: str
    starts: int | None = None
    is_batch: bool = False


def parse_jobs(lines: Iterable[str]) -> tuple[Job, ...]:
    """Read `squeue -h -O SQUEUE_FIELDS`; a line without a job number and a session id is skipped."""
    return tuple(job for row in lines if (job := _parse_job(row)) is not None)


def _parse_job(row: str) -> Job | None:
    value, start = {}, 0
    for field, width in _WIDTHS.items():
        value[field] = row[start : start + width].strip()
        start += width
    id_, sid = JobId.parse(value["jobid"]), number(value["allocsid"])
    if id_ is None or sid is None:
        return None
    return Job(
        id=id_,
        sid=sid,
        submitted=epoch(value["submittime"]),
        state=value["state"],
        left=value["timeleft"],
        left_s=parse_duration(value["timeleft"]),
        submit_host=short_host(value["allocnodes"]),
        nodes="" if value["nodelist"] in ("(null)", "n/a", "None") else value["nodelist"],
        reason="" if value["reason"] == "None" else value["reason"],
        name=value["name"],
        starts=epoch(value["starttime"]) if value["state"] == "PENDING" else None,
        is_batch=value["batchflag"] == "1",
    )


def parse_duration(text: str) -> int | None:
    """Seconds of Slurm's `[D-]HH:MM:SS` or `MM:SS` (secs2time_str); None for UNLIMITED, NOT_SET, INVALID, ..."""
    match = re.fullmatch(r"(?:(?:([0-9]{1,6})-)?([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,6})", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def short_host(name: str) -> str:
    """A host name up to its first dot, as Slurm keeps it since 19.05; an address, or nothing, says nothing: ""."""
    if name in ("(null)", "None", "n/a") or re.fullmatch(r"[\d.]+|.*:.*", name):
        return ""
    return name.partition(".")[0]


def is_running(job: Job) -> bool:
    """Does it have its nodes?"""
    return job.state in _RUNNING


def is_over(job: Job) -> bool:
    """Is it on its way out, or out?"""
    return job.state not in _RUNNING and job.state not in _WAITING


# squeue(1), JOB STATE CODES; all others are on their way out
_RUNNING = {"RUNNING", "RESIZING", "SIGNALING"}
_WAITING = {
    "PENDING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT",
}  # fmt: skip
