"""Slurm's squeue: which fields are asked, how they read, and which job belongs to which tmux session.

Text, never `--json`, whose schema changes with nearly every release. `-O field:width` exists since 14.11 and cuts
silently, so widths are generous and the job's name, which may hold anything, comes last. Times are epoch seconds
because the script sets SLURM_TIME_FORMAT=%s.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lnode.tmux import Session

_WIDTHS = {
    "jobid": 24, "allocsid": 16, "submittime": 24, "state": 20, "timeleft": 24,
    "starttime": 24, "allocnodes": 80, "nodelist": 400, "reason": 160, "name": 80,
}  # fmt: skip
SQUEUE_FIELDS = ",".join(f"{field}:{width}" for field, width in _WIDTHS.items())

CLOCK_SLACK_S = 120  # a controller's clock may be that far behind the login node's


class Job(NamedTuple):
    """A job of the user as squeue tells it.

    `sid` is the session id of the process that submitted it, on `submit_host` (cut at the first dot, "" where Slurm
    does not know). `submitted` is epoch seconds or None. `left_s` is None where `left` has no number: UNLIMITED,
    NOT_SET, INVALID. A pending job's `left` is its whole limit. `starts` is Slurm's estimate for a pending job,
    epoch seconds of its own clock. `nodes` is a bracket list such as `c[007,035-037]`, "" while it waits.
    """

    id: str
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


def parse_jobs(lines: Iterable[str]) -> tuple[Job, ...]:
    """Read `squeue -h -O SQUEUE_FIELDS`; a line without a job number and a session id is skipped."""
    return tuple(job for row in lines if (job := _parse_job(row)) is not None)


def _parse_job(row: str) -> Job | None:
    value, start = {}, 0
    for field, width in _WIDTHS.items():
        value[field] = row[start : start + width].strip()
        start += width
    if not re.fullmatch(r"\d+\S*", value["jobid"]) or not re.fullmatch(r"[0-9]{1,10}", value["allocsid"]):
        return None
    return Job(
        id=value["jobid"],
        sid=int(value["allocsid"]),
        submitted=_parse_epoch(value["submittime"]),
        state=value["state"],
        left=value["timeleft"],
        left_s=parse_duration(value["timeleft"]),
        submit_host=short_host(value["allocnodes"]),
        nodes="" if value["nodelist"] in ("(null)", "n/a", "None") else value["nodelist"],
        reason="" if value["reason"] == "None" else value["reason"],
        name=value["name"],
        starts=_parse_epoch(value["starttime"]) if value["state"] == "PENDING" else None,
    )


def _parse_epoch(text: str) -> int | None:
    """Epoch seconds; None for N/A and NONE."""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


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


def job_of(session: Session, jobs: Sequence[Job], host: str, parents: Mapping[int, tuple[int, int]]) -> Job | None:
    """The job that was requested in this session on `host`, None where there is none to be proved.

    salloc, srun and sbatch record the session id of the submitting process, and tmux makes each pane's first
    process a session leader, so equality proves it (SLURM.md 2). Then the session ids of the panes' descendants,
    for requests under script(1). `parents` is pid -> (parent pid, session id). A job older than the session is of a
    recycled pid. With several, the newest that still holds or awaits nodes.
    """
    near = [
        job for job in jobs
        if job.submit_host in ("", short_host(host))
        and (job.submitted is None or job.submitted >= session.created - CLOCK_SLACK_S)
    ]  # fmt: skip
    for sids in (set(session.pane_pids), _descendant_sids(session.pane_pids, parents)):
        own = [job for job in near if job.sid in sids]
        if own:
            return max(own, key=lambda job: (job.state != "COMPLETING", job.submitted or 0, len(job.id), job.id))
    return None


def _descendant_sids(pids: Iterable[int], parents: Mapping[int, tuple[int, int]]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in parents.items():
        children.setdefault(parent, []).append(pid)
    found, todo = set(pids), list(pids)
    while todo:
        new = [child for child in children.get(todo.pop(), ()) if child not in found]
        found.update(new)
        todo.extend(new)
    return {parents[pid][1] for pid in found if pid in parents}


def parse_processes(lines: Iterable[str]) -> dict[int, tuple[int, int]]:
    """Read `ps -o pid= -o ppid= -o sid=`: pid -> (parent pid, session id)."""
    rows = (re.fullmatch(r"\s*([0-9]{1,10})\s+([0-9]{1,10})\s+([0-9]{1,10})\s*", row) for row in lines)
    return {int(row[1]): (int(row[2]), int(row[3])) for row in rows if row}
