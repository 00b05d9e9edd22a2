"""A job, whichever scheduler has it, in the words of Slurm's squeue(1)."""

import re
from typing import NamedTuple

from lnode.remote.fields import JobId
from lnode.text import in_words


class Job(NamedTuple):
    """A job of the user, as Slurm tells it; other schedulers' are put into the same words.

    `sid` is the session id of the process that submitted it, 0 if unknown, on `submit_host` (cut at the first dot, ""
    if unknown). `submitted` is epoch seconds or None. `left` are Slurm's words, "" for other schedulers; `left_s` is
    None without a number: UNLIMITED, NOT_SET, INVALID. A pending job's `left` is its whole limit. `nodes` is a
    bracket list such as `c[007,035-037]`, "" while it waits. `starts` is the scheduler's estimate for a pending job, by
    its own clock. `is_batch`: made by sbatch.
    """

    id: JobId
    submitted: int | None
    state: str
    left_s: int | None
    submit_host: str
    nodes: str
    reason: str
    name: str
    sid: int = 0
    left: str = ""
    starts: int | None = None
    is_batch: bool = False


def parse_duration(text: str) -> int | None:
    """Return the seconds of Slurm's `[D-]HH:MM:SS` or `MM:SS` (secs2time_str); None for UNLIMITED, NOT_SET, INVALID."""
    match = re.fullmatch(r"(?:(?:([0-9]{1,6})-)?([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,6})", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def left_after(limit_s: int, started: int, now: int) -> int:
    """Return the seconds left of a time limit: all of them if `started` is after `now`, because the clocks differ."""
    return max(limit_s - max(now - started, 0), 0)


def short_host(name: str) -> str:
    """Return a host name up to its first dot, as Slurm keeps it since 19.05; "" for an address, or for no name."""
    if name in ("(null)", "None", "n/a") or re.fullmatch(r"[\d.]+|.*:.*", name):
        return ""
    return name.partition(".")[0]


def is_running(job: Job) -> bool:
    """True if the job has its nodes and its time runs on."""
    return job.state in _RUNNING


def has_nodes(job: Job) -> bool:
    """True if the job runs, or is suspended on its nodes."""
    return is_running(job) or bool(paused_in_words(job))


def is_over(job: Job) -> bool:
    """True if the job has ended or is ending. A state that this list does not know is no end."""
    return job.state in _OVER


def is_unseen(job: Job) -> bool:
    """True if the scheduler itself does not know the job's state: another cluster has it, or its node is silent."""
    return job.state in ("REVOKED", "UNKNOWN")


# squeue(1), JOB STATE CODES. A STOPPED job keeps its nodes (SIGSTOP), and its time runs on.
_RUNNING = {"RUNNING", "RESIZING", "SIGNALING", "STOPPED"}
_OVER = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "COMPLETING", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL",
    "OUT_OF_MEMORY", "PREEMPTED", "RECONFIG_FAIL", "STAGE_OUT", "TIMEOUT",
}  # fmt: skip


def paused_in_words(job: Job | None) -> str:
    """Return `is suspended` for a job whose processes are stopped on its nodes, "" for any other."""
    return _PAUSED.get(job.state, "") if job else ""


_PAUSED = {"STOPPED": "is stopped", "SUSPENDED": "is suspended"}


def left_in_words(job: Job) -> str:
    """Return `61 h left`, `no time limit`, or "" if Slurm does not say."""
    if job.left_s is not None:
        return f"{in_words(job.left_s)} left"
    return "no time limit" if job.left == "UNLIMITED" else ""
