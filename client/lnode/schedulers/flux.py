"""Flux: `flux jobs -o FORMAT` (flux-jobs(1)); from its documents and sources, not run for real.

`flux alloc` submits a job, and then becomes `flux-job attach ID` (flux-core 0.85, cli/alloc.py). So its command line
names its job. Somebody may type `flux job attach` for any job, but that process is younger than the job.
IDs are in base58, as `flux jobs` shows them, with the plain letter f before them (Flux RFC 19).
"""

import re
from collections.abc import Iterable
from functools import partial

from lnode.remote.fields import JobId, epoch
from lnode.schedulers.clients import Asked, named_jobs_of
from lnode.schedulers.job import Job
from lnode.schedulers.scheduler import Scheduler

# Flux RFC 21; an INACTIVE job has ended
_STATES = {
    "DEPEND": "PENDING", "PRIORITY": "PENDING", "SCHED": "PENDING", "RUN": "RUNNING", "CLEANUP": "COMPLETING",
}  # fmt: skip
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ROW = re.compile(r"0x([0-9a-f]{1,16})" + r"\|([^|]*)" * 7 + r"\|(.*)", re.DOTALL)


def parse_jobs(lines: Iterable[str], _now: int) -> tuple[Asked, ...]:
    """Return the jobs that have not ended, with batch jobs: they have no client."""
    return tuple(asked for row in lines if (asked := _asked(row)) is not None)


def _asked(row: str) -> Asked | None:
    match = _ROW.fullmatch(row)
    if match is None or match[2] not in _STATES:
        return None
    number, state, urgency, submitted, duration, remaining, nodes, reason, name = match.groups()
    waits = _STATES[state] == "PENDING"
    left_s = _seconds(duration if waits else remaining)
    job = Job(
        id=JobId(_f58(int(number, 16))),
        submitted=epoch(submitted.partition(".")[0]),
        state=_STATES[state],
        left_s=left_s or None,  # 0 is no limit
        submit_host="",
        nodes="" if waits else nodes,
        reason=("urgency 0" if urgency == "0" else reason) if waits else "",
        name=name,
    )
    return Asked(job)


def _f58(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_BASE58))
        digits = f"{_BASE58[digit]}{digits}"
    return f"f{digits or _BASE58[0]}"


def _seconds(text: str) -> int | None:
    """Return the seconds of `3600.0`, None for nothing."""
    match = re.fullmatch(r"([0-9]{1,9})(?:\.[0-9]{1,20})?", text)
    return int(match[1]) if match else None


def _explain(reason: str) -> str:
    return "is held: let it go with flux job urgency" if reason == "urgency 0" else ""


SCHEDULER = Scheduler(
    partial(named_jobs_of, parse_jobs, are_older=True),
    title="Flux",
    request="flux alloc -N1 -t 72h",
    listing="flux jobs -u",
    cancel="flux cancel",
    harmless=re.compile(r"is inactive|unknown job"),
    requesters=frozenset(("flux-job",)),
    explain=_explain,
)
