"""Which job belongs to which tmux session: the evidence, and the checks that keep it true.

salloc, srun and sbatch record the session id (getsid) and the host of the process that submits, and tmux makes each
pane's first process the leader of a session. So a job belongs to the pane whose pid is its session id; else to the pane
that TMUX_PANE names in the environment of that leader (a nested tmux, setsid); else to the pane among whose descendants
that session is (script(1)). The kernel reuses process ids, so a job has to be newer than the leader of the session that
it names.

A batch job needs more proof, because `--kill` cancels all jobs of the session, and most batch jobs are work that you
submitted in it. A batch job is the session's only if a program made it to bring you onto its node (_is_request).
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from lnode.cluster.processes import Host, LoginProcess
from lnode.cluster.tmux_answers import Session
from lnode.schedulers import known as schedulers_known
from lnode.schedulers.job import Job, has_nodes, is_over, short_host

_DAY_S = 86400
_SLACK_S = 300  # munge rejects clocks that are further apart (its TTL), but see clock_offset
_ROUNDING_S = 2  # ps cuts an age to seconds, and no two clocks are quite the same
_SOON_S = 10  # from the start of a program to its submission
_DEEPEST = 20  # only a forged answer has more nested tmux servers, or more ways into one job
_ANSWERED_S = 60  # the same for a program that asks you for memory and time first

_SCHEDULERS = schedulers_known.schedulers()
_REQUESTERS = frozenset[str]().union(*(one.requesters for one in _SCHEDULERS))  # they live as long as their job
_LEADS_TO = {name: words for one in _SCHEDULERS for name, words in one.leads_to.items()} | {
    "ssh": re.compile(r"[ @]([A-Za-z0-9][\w-]*)")
}
_SHELLS = {"sh", "bash", "zsh", "dash", "ksh", "fish", "csh", "tcsh", "bsd-csh", "ash", "mksh"}


class Evidence(NamedTuple):
    """The host's facts, sorted for lookups: sid -> jobs, sid -> pids, parent -> pids.

    `holders` are the processes that hold a request, and `unheld` is `children` without theirs. `inside` is (pid of a
    tmux server, pane) -> the processes that started in that pane. `leaders` is (sid, job id or node) -> the process
    groups of that session that lead into that job. `steps` are the processes that lead into a known job. `ahead_s`: see
    clock_offset.
    """

    host: Host
    jobs: Mapping[int, Sequence[Job]]
    members: Mapping[int, Sequence[int]]
    children: Mapping[int, Sequence[int]]
    holders: Set[int]
    unheld: Mapping[int, Sequence[int]]
    inside: Mapping[tuple[int, str], Collection[int]]
    leaders: Mapping[tuple[int, str], Collection[int]]
    steps: Set[int]
    ahead_s: int | None


class Tie(NamedTuple):
    """The job of a session, and its other jobs. Without a job, `is_certain` is true if it certainly has none.

    `submitted` are batch jobs that you submitted in it, without a proof that they are its own: they outlive it.
    """

    job: Job | None
    is_certain: bool
    others: tuple[Job, ...] = ()
    submitted: tuple[Job, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        return (self.job, *self.others) if self.job else ()


def evidence(jobs: Iterable[Job], host: Host) -> Evidence:
    """Sort the host's facts, once for all its sessions. Leave out jobs that were submitted on another host."""
    here = [job for job in jobs if job.submit_host in ("", short_host(host.name))]
    by_sid: dict[int, list[Job]] = {}
    for job in here:
        by_sid.setdefault(job.sid, []).append(job)
    members: dict[int, list[int]] = {}
    children: dict[int, list[int]] = {}
    for pid, process in host.processes.items():
        members.setdefault(process.sid, []).append(pid)
        children.setdefault(process.parent, []).append(pid)
    steps = _steps(host)
    known = {job.id for job in here}
    holders = {pid for pid, process in host.processes.items() if process.command in _REQUESTERS}
    return Evidence(
        host, by_sid, members, children, holders,
        unheld={pid: pids for pid, pids in children.items() if pid not in holders},
        inside=_inside(host.origins),
        leaders=_leaders(host, steps),
        steps={pid for name, pids in steps.items() if name in known for pid in pids},
        ahead_s=clock_offset(here, host.processes),
    )  # fmt: skip


def tie(session: Session, known: Evidence) -> Tie:
    """Return the job of this session: a running one before a waiting one, an interactive one before a batch job."""
    if not known.jobs:
        return Tie(None, not asks(session, known))
    own: list[tuple[int, Job]] = []
    submitted: list[Job] = []
    seen: set[int] = set()
    doubt = False
    for level, sids in enumerate(_levels(session, known)):
        for job in (job for sid in sids - seen for job in known.jobs.get(sid, ())):
            newer = _is_newer(session, job, known)
            verdict = _is_request(session, job, known) if newer and job.is_batch else newer
            doubt = doubt or verdict is None
            if verdict:
                own.append((-level, job))
            elif newer:
                submitted.append(job)
        seen |= sids
    after = tuple(sorted(submitted, key=_rank, reverse=True))
    if not own:
        return Tie(None, not doubt and not asks(session, known), (), after)
    best, *others = (job for _, job in sorted(own, key=lambda one: (one[0], *_rank(one[1])), reverse=True))
    return Tie(best, is_certain=True, others=tuple(others), submitted=after)


def held(session: Session, known: Evidence) -> tuple[int, ...]:
    """Return the processes below the session's panes that hold a request, which ends with them."""
    return tuple(sorted(_descendants(session.pane_pids, known.children) & known.holders))


def asks(session: Session, known: Evidence) -> bool:
    """True if a process of the session holds a request without a job. A step of a known job does not count."""
    if not known.holders:
        return False
    requests = (_descendants(session.pane_pids, known.unheld) & known.holders) - known.steps
    count = Counter(known.host.processes[pid].sid for pid in requests)
    return any(number > sum(not job.is_batch for job in known.jobs.get(sid, ())) for sid, number in count.items())


def clock_offset(jobs: Iterable[Job], processes: Mapping[int, LoginProcess]) -> int | None:
    """Return how far the login node's clock is ahead of the controller's; None if no live request shows it.

    A salloc or srun that still runs started when its job was submitted, so both clocks show the same moment.
    """
    starts: dict[int, list[int]] = {}
    for process in processes.values():
        if process.command in _REQUESTERS and process.started is not None:
            starts.setdefault(process.sid, []).append(process.started)
    for of_one in starts.values():
        of_one.sort()
    found = [
        _nearest(starts[job.sid], job.submitted) - job.submitted
        for job in jobs
        if job.sid in starts and job.submitted is not None and not job.is_batch
    ]
    plausible = sorted(offset for offset in found if abs(offset) <= _DAY_S + _SLACK_S)
    return plausible[(len(plausible) - 1) // 2] if plausible else None


def _nearest(starts: Sequence[int], submitted: int) -> int:
    """Return the start that is nearest to that time, of some in order: a pane may ask for several jobs."""
    at = bisect_left(starts, submitted)
    return min(starts[max(0, at - 1) : at + 1], key=lambda start: abs(start - submitted))


def _levels(session: Session, known: Evidence) -> Iterator[set[int]]:
    """Yield the session ids of the session, those with the best evidence first."""
    processes = known.host.processes
    yield set(session.pane_pids)
    panes = zip(session.pane_pids, session.pane_ids, strict=True)
    servers = ((processes[pid].parent, pane) for pid, pane in panes if pid in processes)
    yield {sid for place in servers for sid in known.inside.get(place, ())}
    below = _descendants(session.pane_pids, known.children)
    yield {processes[pid].sid for pid in below if pid in processes}


def _inside(origins: Mapping[int, tuple[int, str]]) -> dict[tuple[int, str], set[int]]:
    """Return (pid of a tmux server, pane) -> the processes that started there, also inside nested tmux servers."""
    found: dict[tuple[int, str], set[int]] = {}
    for sid in origins:
        pid = sid
        for _ in range(_DEEPEST):
            if pid in origins:
                found.setdefault(origins[pid], set()).add(sid)
                pid = origins[pid][0]
    return found


def _descendants(pids: Iterable[int], children: Mapping[int, Sequence[int]]) -> set[int]:
    found, todo = set(pids), list(pids)
    while todo:
        new = [child for child in children.get(todo.pop(), ()) if child not in found]
        found.update(new)
        todo.extend(new)
    return found


def _is_newer(session: Session, job: Job, known: Evidence) -> bool | None:
    """True if the job was submitted after the leader of its session had started; None if the clocks hide it."""
    leader = known.host.processes.get(job.sid)
    started = leader.started if leader and leader.started is not None else session.created
    if job.submitted is None:
        return True
    by_s = job.submitted + (known.ahead_s or 0) - started
    if known.ahead_s is not None:
        return by_s >= -_SLACK_S
    if known.host.now is not None and job.submitted > known.host.now + _SLACK_S:
        return None  # from the future: the clocks differ by an unknown time
    if by_s >= -_SLACK_S:
        return True
    return None if by_s >= -_SLACK_S - _DAY_S else False


def _is_request(session: Session, job: Job, known: Evidence) -> bool | None:
    """True if a program made this batch job to bring you onto its node; None if it may still do so.

    Some sites' sinteractive is sbatch, a wait, and then srun --jobid, sattach or ssh. An interactive shell gives each
    command that you type its own process group (job control). A program leaves all its children in its group. So a step
    in the group of a program that started just before the job was submitted is a proof, and a step that you typed is
    not. While such a program waits, its one job looks like that of any program that submits one. If you have had no
    prompt yet, the job is the request's if lnode started the session with a request.
    """
    host = known.host
    if not host.processes:
        return None
    leaders = (leader for name in (job.id, job.nodes) for leader in known.leaders.get((job.sid, name), ()))
    if any(_is_maker(leader, job, known) for leader in leaders):
        return True
    if len(known.jobs[job.sid]) > 1:
        return False
    members = [pid for pid in known.members.get(job.sid, ()) if pid in host.work]  # the others ended meanwhile
    if any(host.work[pid].group != job.sid for pid in members):
        return False
    if _is_prompt(job.sid, host) or not any(_is_starter(pid, job, known) for pid in members):
        return False
    return True if session.kind == "node" else None


def _is_maker(leader: int, job: Job, known: Evidence) -> bool:
    """True if the job was submitted by a program of this process group, not by a command that you typed."""
    if _is_prompt(leader, known.host):
        return False
    process = known.host.processes[leader]
    if leader == job.sid and process.command in _SHELLS:
        return True
    return _is_just_before(process, job, known, _ANSWERED_S)


def _is_starter(pid: int, job: Job, known: Evidence) -> bool:
    return pid != job.sid and _is_just_before(known.host.processes[pid], job, known, _SOON_S)


def _is_just_before(process: LoginProcess, job: Job, known: Evidence, within_s: int) -> bool:
    if process.started is None or job.submitted is None:
        return False
    return -_ROUNDING_S <= job.submitted + (known.ahead_s or 0) - process.started <= within_s


def _is_prompt(pid: int, host: Host) -> bool:
    """True if it is an interactive shell, started without a script and without -c; also if that is unknown."""
    process, work = host.processes.get(pid), host.work.get(pid)
    return process is None or (process.command in _SHELLS and _TYPED.fullmatch(work.words if work else "") is not None)


_TYPED = re.compile(r"(\S+(?: (?:-[abd-zA-Z]+|--[a-z]+))*)?")


def _steps(host: Host) -> dict[str, set[int]]:
    """Return job id or node -> the processes whose command line leads to it."""
    found: dict[str, set[int]] = {}
    for pid, work in host.work.items():
        command = host.processes[pid].command if pid in host.processes else ""
        for name in set(_LEADS_TO[command].findall(work.words)) if command in _LEADS_TO else ():
            found.setdefault(name, set()).add(pid)
    return found


def _leaders(host: Host, steps: Mapping[str, Set[int]]) -> dict[tuple[int, str], set[int]]:
    """Return (sid, job id or node) -> the leaders of the process groups in that session that lead into it."""
    found: dict[tuple[int, str], set[int]] = {}
    for name, pids in steps.items():
        for pid in pids:
            leaders = found.setdefault((host.processes[pid].sid, name), set())
            if host.work[pid].group not in pids and len(leaders) < _DEEPEST:
                leaders.add(host.work[pid].group)
    return found


def _rank(job: Job) -> tuple[bool, bool, bool, int, int, str]:
    return (has_nodes(job), not is_over(job), not job.is_batch, job.submitted or 0, len(job.id), job.id)
