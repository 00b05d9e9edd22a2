"""Which job belongs to which tmux session: the evidence, and what keeps it from lying.

salloc, srun and sbatch record the session id (getsid) and the host of the process that submits, and tmux makes each
pane's first process the leader of a session (SLURM.md 2). So a job is of the pane whose pid is its session id; else of
the pane that TMUX_PANE names in the environment of that leader (a nested tmux, setsid); else of the pane among whose
descendants that session is (script(1)). Process ids are used again, so a job has to be newer than the leader of the
session that it names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lnode.slurm import Job, is_over, is_running, parse_duration, short_host
from lnode.tmux import Session

_DAY_S = 86400
_SLACK_S = 300  # munge lets no clocks work together that are further apart (its TTL), but see clock_offset
_DEEPEST = 8  # a tmux in a tmux in ...
_STARTUP_S = 5  # between the start of a program and the submission that it asks for

_REQUESTERS = {
    "salloc",
    "srun",
    "qsub",
    "bsub",
    "nios",
    "qrsh",
    "qlogin",
    "qsh",
}  # they live as long as what they asked for
_SHELLS = {"sh", "bash", "zsh", "dash", "ksh", "fish", "csh", "tcsh", "bsd-csh", "ash", "mksh"}


class Process(NamedTuple):
    """A process of the user. `started` is in epoch seconds of the login node's clock, None where ps does not say."""

    parent: int
    sid: int
    started: int | None
    command: str


class Host(NamedTuple):
    """What the login node knows of itself. `origins` is pid -> (pid of the tmux server, pane) from its environment."""

    name: str
    now: int | None
    processes: Mapping[int, Process]
    origins: Mapping[int, tuple[int, str]]


class Tie(NamedTuple):
    """The job of a session, and more that it has. Where it has none, `is_certain` says whether that is known."""

    job: Job | None
    is_certain: bool
    others: tuple[Job, ...] = ()


def parse_processes(lines: Iterable[str], now: int | None) -> dict[int, Process]:
    """Read `ps -o pid= -o ppid= -o sid= -o etime= -o comm=`; other lines are skipped."""
    rows = (re.fullmatch(r" *([0-9]{1,10}) +([0-9]{1,10}) +([0-9]{1,10}) +([0-9:-]{1,20}) (.*)", row) for row in lines)
    return {
        int(row[1]): Process(int(row[2]), int(row[3]), _started(row[4], now), row[5].strip()) for row in rows if row
    }


def _started(age: str, now: int | None) -> int | None:
    age_s = parse_duration(age)
    return now - age_s if now is not None and age_s is not None else None


def parse_origins(lines: Iterable[str]) -> dict[int, tuple[int, str]]:
    """Read `pid PID` and below it what its environment has of TMUX and TMUX_PANE."""
    found: dict[int, tuple[int, str]] = {}
    pid, server, pane = 0, 0, ""
    for row in lines:
        if match := re.fullmatch(r"pid ([0-9]{1,10})", row):
            pid, server, pane = int(match[1]), 0, ""
        elif match := re.fullmatch(r"TMUX=[^,]*,([0-9]{1,10}),[^,]*", row):
            server = int(match[1])
        elif match := re.fullmatch(r"TMUX_PANE=(%[0-9]{1,10})", row):
            pane = match[1]
        if pid and server and pane:
            found[pid] = (server, pane)
    return found


def tie(session: Session, jobs: Sequence[Job], host: Host) -> Tie:
    """The job that was requested in this session: running before waiting, requested to be used before a batch job."""
    here = [job for job in jobs if job.submit_host in ("", short_host(host.name))]
    offset_s, doubt = clock_offset(here, host.processes), False
    for sids in _levels(session, host):
        verdicts = [(job, _belongs(session, job, host, offset_s)) for job in here if job.sid in sids]
        if own := [job for job, verdict in verdicts if verdict]:
            best = max(own, key=_rank)
            return Tie(best, is_certain=True, others=tuple(job for job in own if job is not best))
        doubt = doubt or any(verdict is None for _, verdict in verdicts)
    below = _descendants(session.pane_pids, host.processes)
    asks = any(host.processes[pid].command in _REQUESTERS for pid in below if pid in host.processes)
    return Tie(None, is_certain=not doubt and not asks)


def clock_offset(jobs: Iterable[Job], processes: Mapping[int, Process]) -> int | None:
    """How far the login node's clock is ahead of the controller's, None where no live request shows it.

    A salloc or srun that still runs was started when its job was submitted: one moment, told by both clocks.
    """
    first: dict[int, int] = {}
    for process in processes.values():
        if process.command in _REQUESTERS and process.started is not None:
            first[process.sid] = min(process.started, first.get(process.sid, process.started))
    found = [
        first[job.sid] - job.submitted
        for job in jobs
        if job.sid in first and job.submitted is not None and not job.is_batch
    ]
    plausible = sorted(offset for offset in found if abs(offset) <= _DAY_S + _SLACK_S)
    return plausible[(len(plausible) - 1) // 2] if plausible else None


def _levels(session: Session, host: Host) -> Iterator[set[int]]:
    """Session ids that are the session's, by evidence, the best first."""
    yield set(session.pane_pids)
    servers = {host.processes[pid].parent for pid in session.pane_pids if pid in host.processes}
    yield {sid for sid in host.origins if _pane_of(sid, servers, host.origins) in session.pane_ids}
    below = _descendants(session.pane_pids, host.processes)
    yield {host.processes[pid].sid for pid in below if pid in host.processes}


def _pane_of(pid: int, servers: set[int], origins: Mapping[int, tuple[int, str]]) -> str:
    """The pane of one of these servers in which a process was started, through the tmux servers between; else ""."""
    for _ in range(_DEEPEST):
        if pid not in origins:
            break
        pid, pane = origins[pid]
        if pid in servers:
            return pane
    return ""


def _descendants(pids: Iterable[int], processes: Mapping[int, Process]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found, todo = set(pids), list(pids)
    while todo:
        new = [child for child in children.get(todo.pop(), ()) if child not in found]
        found.update(new)
        todo.extend(new)
    return found


def _belongs(session: Session, job: Job, host: Host, offset_s: int | None) -> bool | None:
    """Is this job, which names a session id of the session's, of the session? None where nobody can say."""
    leader = host.processes.get(job.sid)
    started = leader.started if leader and leader.started is not None else session.created
    newer = _is_newer(job, started, host.now, offset_s)
    if newer and job.is_batch:
        return _is_used(session, job, host, offset_s or 0)
    return newer


def _is_newer(job: Job, started: int, now: int | None, offset_s: int | None) -> bool | None:
    if job.submitted is None:
        return True
    by_s = job.submitted + (offset_s or 0) - started
    if offset_s is not None:
        return by_s >= -_SLACK_S
    if now is not None and job.submitted > now + _SLACK_S:
        return None  # from the future: clocks that differ, and nobody knows by how much
    if by_s >= -_SLACK_S:
        return True
    return None if by_s >= -_SLACK_S - _DAY_S else False


def _is_used(session: Session, job: Job, host: Host, offset_s: int) -> bool | None:
    """A batch job outlives its request, and most are none of the session's business: is somebody here at work with it?

    The wrapper that submitted it still runs, or srun or ssh, which leads to it.
    """
    if session.kind in ("node", "login"):
        return session.kind == "node"
    at_work = [
        process for pid, process in host.processes.items()
        if process.sid == job.sid and (pid != job.sid or process.command not in _SHELLS)
    ]  # fmt: skip
    if not at_work:
        return False if host.processes else None
    submitted = (job.submitted or 0) + offset_s + _STARTUP_S
    if any(process.command in (*_REQUESTERS, "ssh") or (process.started or 0) <= submitted for process in at_work):
        return True
    return None


def _rank(job: Job) -> tuple[bool, bool, bool, int, int, str]:
    return (is_running(job), not is_over(job), not job.is_batch, job.submitted or 0, len(job.id), job.id)
