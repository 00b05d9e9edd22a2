"""Jobs whose session is gone: the notes of the panes that asked for them (remote/parts/requests.sh), and the proof.

The scheduler keeps the session id and the host of the process that asked, which is the pane. So a job belongs to a note
if it was requested by that pid, on that node, at about the time of the note; a batch job only if it was requested at
once, and if there is no other: the rest you may have submitted there. A pane that has brought a job back did not
request it: its note names the job.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from lnode.cluster.processes import LoginProcess
from lnode.remote.fields import JobId, epoch, number
from lnode.schedulers.job import Job, has_nodes, is_over

_EARLY_S = 300  # the controller's clock may be behind that of the login node (job_evidence.py)
_BATCH_LATE_S = 120  # a program of a site's submits at once; what comes later you may have submitted
_LATE_S = 900  # the environment of your prompt takes time, and a site's program may ask you for its words first
_SAME_S = 60  # a note is not older than its pane
_NEWS_S = 7 * 86400
_MOST = 200  # notes, as list_requests sends
_NAME = r"[^.:\x00-\x1f\x7f-\x9f]{1,200}"


class Request(NamedTuple):
    """The note of a pane: its pid, the time at which it asked, its session, and the job that it has brought back."""

    pid: int
    began: int
    job: JobId | None
    session: str


class Lost(NamedTuple):
    """A session that is gone from this login node. `jobs` go on without it, the best first; none if they have ended.

    `restarted` is when its login node has started since, None if only tmux or the pane has ended.
    """

    session: str
    began: int
    jobs: tuple[Job, ...]
    restarted: int | None


def parse_requests(lines: Iterable[str]) -> tuple[Request, ...]:
    """Read the rows `PID EPOCH JOB SESSION`; skip other lines."""
    rows = (re.fullmatch(rf"([0-9]{{1,10}}) ([0-9]{{1,12}}) (\S{{1,80}}) ({_NAME})", row) for row in lines)
    found = islice(((row, epoch(row[2])) for row in rows if row), _MOST)
    return tuple(Request(int(row[1]), at, JobId.parse(row[3]), row[4]) for row, at in found if at is not None)


def parse_start(lines: Sequence[str], now: int | None) -> int | None:
    """Return when the login node has started; the first row says how many seconds it is up."""
    up_s = number(lines[0].strip()) if lines else None
    return now - up_s if up_s is not None and now is not None and up_s <= now else None


def with_brought_back(
    jobs: Iterable[Job], requests: Iterable[Request], node: str, processes: Mapping[int, LoginProcess]
) -> tuple[Job, ...]:
    """Return the jobs, those that a pane on this node has brought back as if it had requested them.

    A later process with the number of such a pane has brought nothing back.
    """
    panes = {
        request.job: request.pid
        for request in requests
        if request.job and (request.pid not in processes or _is_left(processes[request.pid], request))
    }
    return tuple(
        job._replace(sid=panes[job.id], submitted=None, submit_host=node, is_batch=False) if job.id in panes else job
        for job in jobs
    )


def lost(
    requests: Iterable[Request],
    jobs: Sequence[Job],
    node: str,
    panes: Iterable[int],
    processes: Mapping[int, LoginProcess],
    started: int | None,
    now: int | None,
) -> tuple[Lost, ...]:
    """Return the sessions of this node whose panes are gone, by name: with a job, or ended lately by a restart.

    `panes` are the pids of all that tmux has, `started` is when the node has started.
    """
    there, found, taken = frozenset(panes), dict[str, Lost](), set[JobId]()
    members: dict[int, list[LoginProcess]] = {}
    for process in processes.values():
        members.setdefault(process.sid, []).append(process)
    by_sid: dict[int, list[Job]] = {}
    by_id = {job.id: [job] for job in jobs}
    for job in jobs:
        by_sid.setdefault(job.sid, []).append(job)
    for request in requests:
        restarted = started if started is not None and started > request.began else None
        # After a restart the numbers of processes begin anew: who has that one now is another.
        if not restarted and (
            request.pid in there or any(_is_left(one, request) for one in members.get(request.pid, ()))
        ):
            continue
        asked = by_id.get(request.job, []) if request.job else by_sid.get(request.pid, [])
        own = tuple(job for job in asked if job.id not in taken and not is_over(job) and _is_of(job, request, node))
        own = tuple(job for job in own if job.id == request.job or not job.is_batch) or own
        taken |= {job.id for job in own}
        before = found.get(request.session) or Lost(request.session, request.began, (), None)
        found[request.session] = Lost(
            request.session, max(before.began, request.began),
            tuple(sorted((*before.jobs, *own), key=lambda job: (not has_nodes(job), job.id))),
            restarted or before.restarted,
        )  # fmt: skip
    return tuple(found[name] for name in sorted(found) if found[name].jobs or _is_news(found[name].restarted, now))


def _is_news(restarted: int | None, now: int | None) -> bool:
    return restarted is not None and now is not None and now - restarted < _NEWS_S


def _is_left(process: LoginProcess, request: Request) -> bool:
    """True if a process of the pane's session may be from its time: salloc may give its job back late."""
    return process.started is None or -_SAME_S <= process.started - request.began <= _LATE_S


def _is_of(job: Job, request: Request, node: str) -> bool:
    if request.job is not None:
        return job.id == request.job
    if job.sid != request.pid or job.submit_host != node or job.submitted is None:
        return False
    return -_EARLY_S <= job.submitted - request.began <= (_BATCH_LATE_S if job.is_batch else _LATE_S)
