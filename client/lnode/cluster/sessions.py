"""tmux's sessions and the scheduler's jobs, joined into one picture: each session with its node and time left."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.cluster import in_jobs, job_evidence, login_nodes, orphans, servers, tmux, tmux_answers
from lnode.cluster import processes as cluster_processes
from lnode.cluster.agents import Agent
from lnode.cluster.job_evidence import Tie
from lnode.cluster.processes import Host
from lnode.remote.fields import SSH_PORT, JobId, NodeName, Port, SessionId, epoch
from lnode.remote.reply import Reply
from lnode.schedulers import estimate
from lnode.schedulers import known as schedulers_known
from lnode.schedulers.job import Job, is_over, is_running, is_unseen, left_in_words, paused_in_words, short_host
from lnode.text import in_words


class State(StrEnum):
    """The state of a session in one word. UNKNOWN does not mean gone; an ORPHAN is a job that has lost its session."""

    ORPHAN = "orphan"
    RUNNING = "running"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"
    SHELL = "shell"
    UNKNOWN = "unknown"


class Ending(NamedTuple):
    """Everything that ends with a session: jobs, and the processes that hold them or ask for them.

    `is_known`: there is certainly no other job. `shown_in` are other sessions that show some of its windows: these
    windows go on, and so do the jobs in them.
    """

    jobs: tuple[Job, ...] = ()
    held: tuple[int, ...] = ()
    is_known: bool = True
    shown_in: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A session with its allocation. `node` is the host of its shell: compute nodes, or the login node.

    `starts_in_s` is Slurm's own estimate for a waiting job, or None. `others` are more jobs that were requested in it,
    `room_s` is the longest time limit of a waiting job that would end before the maintenance for which it waits, or 0.
    `submitted` batch jobs that you submitted in it and that are not its own. `restarted` is when the login node of a
    lost session has started since, by its clock, None if it has not. `agent` is known behind with_agents
    (locate/known_agents.py).
    """

    session: tmux_answers.Session
    state: State
    job: Job | None
    login_node: str
    starts_in_s: int | None = None
    others: tuple[Job, ...] = ()
    submitted: tuple[Job, ...] = ()
    ending: Ending = Ending()
    agent: Agent | None = None
    restarted: int | None = None
    room_s: int = 0

    @property
    def is_lost(self) -> bool:
        """Return whether tmux no longer has the session."""
        return not self.session.pane_pids and not self.session.in_job

    @property
    def node(self) -> str:
        return self.job.nodes if self.job and self.job.nodes else self.login_node

    @property
    def successor(self) -> Job | None:
        """Return the job that waits for the end of the running one (--renew --early)."""
        if self.state is not State.RUNNING:
            return None
        return next((job for job in self.others if not is_running(job) and not is_over(job)), None)

    @property
    def kind(self) -> str:
        if self.job:
            return "node"
        return self.session.kind or ("unknown" if self.state is State.UNKNOWN else "login")


CANNOT_ASK = ("lost", "refused")
"""The values of Picture.tmux if its sessions are unknown. Unknown does not mean that there are none."""

IN_DOUBT = (*CANNOT_ASK, "partly")
"""The values of Picture.tmux if there may be a session that the picture does not have."""


class Picture(NamedTuple):
    """The answer of list.sh. `scheduler` is "ok", "silent" (it did not answer) or "none" (lnode found none).

    `tmux` is "ok", "missing", "lost" (it runs, but its socket is gone), "refused" (lnode cannot ask it) or "partly"
    (lnode cannot ask another server of yours); then `tmux_says` are its own words.
    `now` is the login node's clock in epoch seconds. Compare times of sessions with it, never with the laptop's clock.
    `system` is the scheduler: a key of schedulers.known.KNOWN.
    `address` is its own full name, None if it has none; `login_node` is its name for sentences.
    `port` is its sshd's own, `others` the hints about other login nodes. `keeps`: lnode can write notes to its home.
    `distrusted` are folders and notes that another user could have written, so that lnode did not read them.
    `is_modeless`: its home does not keep the modes of files. `lost` are sessions that tmux has no longer: their jobs go
    on, or a restart of the login node has ended them.
    """

    login_node: str
    entries: tuple[Entry, ...]
    scheduler: str
    tmux: str
    now: int | None = None
    system: str = next(iter(schedulers_known.KNOWN))
    port: Port = SSH_PORT
    others: tuple[login_nodes.Claim, ...] = ()
    keeps: bool = True
    address: NodeName | None = None
    tmux_says: str = ""
    distrusted: tuple[str, ...] = ()
    is_modeless: bool = False
    lost: tuple[Entry, ...] = ()

    @property
    def names(self) -> list[str]:
        """Return the names of all sessions of this login node, also of those that can be brought back."""
        there = (entry for entry in (*self.entries, *self.lost) if not entry.is_lost or entry.job)
        return [entry.session.name for entry in there if not entry.session.in_job]

    def lost_named(self, name: str) -> Entry | None:
        """Return what is left of the session of that name, unless there is one."""
        return None if self.named(name) else next((entry for entry in self.lost if entry.session.name == name), None)

    def named(self, name: str) -> Entry | None:
        """Return the session of that name. Of two it is that of the server which a login finds first."""
        return next((entry for entry in self.entries if entry.session.name == name), None)

    def is_twice(self, name: str) -> bool:
        """True if two tmux servers of yours have a session of that name."""
        return sum(entry.session.name == name for entry in self.entries) > 1


def picture_of(reply: Reply) -> Picture:
    """Join the sections of a reply (reply.parse_reply)."""
    name, clock, sshd = (*reply.get("host", ()), "", "", "")[:3]
    address, now, port = NodeName.parse(name), epoch(clock), Port.parse(sshd) or SSH_PORT
    login_node = short_host(address or "") or "?"
    scheduler, tmux_is = _scheduler_is(reply), _tmux_is(reply)
    host = _host(reply, login_node, now)
    requests = orphans.parse_requests(reply.get("requests", ()))
    notes = in_jobs.parse_notes(reply.get("in-jobs", ()))
    all_jobs = _jobs(reply, login_node, now)
    in_notes = {job.id: job for job in all_jobs if job.id in notes}
    jobs = tuple(job for job in all_jobs if job.id not in in_notes)  # those in notes are of no session here
    jobs = orphans.with_brought_back(jobs, requests, login_node, host.processes)
    known = job_evidence.evidence(jobs, host)
    found = [*servers.sessions(reply, host.processes)]
    of_tmux = _of_tmux(reply, found, jobs, known, scheduler, is_sure=address is not None or not jobs)
    names = {session.name for session, _ in found}
    of_notes = _of_notes(reply, notes, in_notes, names, known, scheduler)
    is_whole = tmux_is == scheduler == "ok"
    compute = login_nodes.of_kind("compute", reply.get("hosts", ()))
    return Picture(
        login_node, (*of_tmux, *of_notes), scheduler, tmux_is, now, schedulers_known.name_in(reply), port,
        login_nodes.claims(reply.get("nodes", ()), jobs, address, port, compute),
        keeps="unkept" not in reply, address=address, tmux_says="\n".join(reply.get(_SAYS.get(tmux_is, ""), ())),
        distrusted=tuple(filter(_DISTRUSTED.fullmatch, reply.get("distrusted", ()))), is_modeless="modeless" in reply,
        lost=_lost(reply, requests, jobs, found, host) if requests and is_whole else (),
    )  # fmt: skip


def _scheduler_is(reply: Reply) -> str:
    """Return "ok", "silent" or "none": see Picture."""
    if "scheduler-silent" in reply or "end" not in reply:
        return "silent"
    return "none" if "no-scheduler" in reply else "ok"


def _tmux_is(reply: Reply) -> str:
    """Return "ok", "missing", "lost", "refused" or "partly": see Picture."""
    return next((word for section, word in tmux.UNANSWERED.items() if section in reply), "ok")


def _host(reply: Reply, login_node: str, now: int | None) -> Host:
    """Return the login node with its processes, also with those that only the scheduler's clients tell of."""
    processes = cluster_processes.parse_processes(reply.get("processes", ()), now)
    processes |= cluster_processes.parse_hidden(reply.get("clients", ()), now)
    origins = cluster_processes.parse_origins(reply.get("origins", ()))
    return Host(login_node, now, processes, origins, cluster_processes.parse_work(reply.get("work", ())))


def _jobs(reply: Reply, login_node: str, now: int | None) -> tuple[Job, ...]:
    """Return all jobs of the reply. Another name of this login node becomes the name that `login_node` gives it."""
    own = login_nodes.of_kind("self", reply.get("hosts", ()))
    return tuple(
        job._replace(submit_host=login_node) if job.submit_host in own else job
        for job in schedulers_known.jobs_of(reply, login_node, now)
    )


_Found = tuple[tmux_answers.Session, Mapping[str, Sequence[str]]]
"""A session, and pane -> the sessions that show it (servers.sessions)."""


def _of_tmux(
    reply: Reply,
    found: Sequence[_Found],
    jobs: Sequence[Job],
    known: job_evidence.Evidence,
    scheduler: str,
    *,
    is_sure: bool,
) -> Iterator[Entry]:
    """Yield the sessions of tmux. Not `is_sure`: the login node has no name, so all jobs might be another node's."""
    closures = estimate.parse_closures(reply.get("closures", ()))
    too_much = _steps(len(found), jobs, known.host) > _MOST_STEPS
    for session, shown in found:
        tied = Tie(None, is_certain=False) if too_much else job_evidence.tie(session, known)
        if not is_sure:
            tied = tied._replace(is_certain=False)
        job = tied.job
        state = _state(session, job, scheduler if tied.is_certain else "silent")
        ending = Ending(is_known=False) if too_much else _ending(session, tied, known, shown, scheduler)
        room_s = estimate.room_before(closures, job, known.host.now) if job else 0
        yield Entry(
            session, state, job, known.host.name, _starts_in_s(job, known), tied.others, tied.submitted, ending,
            room_s=room_s,
        )  # fmt: skip


def _of_notes(
    reply: Reply,
    notes: Mapping[JobId, in_jobs.Note],
    in_notes: Mapping[JobId, Job],
    names: Collection[str],
    known: job_evidence.Evidence,
    scheduler: str,
) -> Iterator[Entry]:
    """Yield the sessions in jobs; one whose job has ended only if its history is kept and no session has its name."""
    for note in in_jobs.latest(notes.values(), in_notes):
        job = in_notes.get(note.job)
        if job is None and (note.name in names or (scheduler == "ok" and not note.has_history)):
            continue
        rows = reply.get(f"shown-{note.job}", ()) if job is not None and is_running(job) else ()
        session = in_jobs.session_of(note, rows)
        its_scheduler = "silent" if scheduler == "none" else scheduler  # lnode asked no scheduler for its job
        state = _state(session, job, its_scheduler)
        ending = Ending((job,) if job else (), is_known=scheduler != "silent")
        yield Entry(session, state, job, known.host.name, _starts_in_s(job, known), ending=ending)


def _starts_in_s(job: Job | None, known: job_evidence.Evidence) -> int | None:
    """Return the seconds until the scheduler expects a waiting job to start, by the login node's clock."""
    now = known.host.now
    return max(0, job.starts + (known.ahead_s or 0) - now) if job and job.starts and now else None


def _lost(
    reply: Reply, requests: Sequence[orphans.Request], jobs: Sequence[Job], found: Iterable[_Found], host: Host
) -> tuple[Entry, ...]:
    """Return the sessions that can be brought back, and those that a restart of the login node has ended lately."""
    panes = {pid for session, _ in found for pid in session.pane_pids}
    started = orphans.parse_start(reply["requests"], host.now)
    return tuple(
        Entry(
            tmux_answers.Session(SessionId("$0"), one.session, one.began, one.began, 0, (), "node"),
            State.ORPHAN if one.jobs else State.ENDED, next(iter(one.jobs), None), host.name,
            others=one.jobs[1:], ending=Ending(one.jobs), restarted=one.restarted,
        )
        for one in orphans.lost(requests, jobs, host.name, panes, host.processes, started, host.now)
    )  # fmt: skip


_SAYS = {"refused": "refused-tmux", "partly": "unasked-tmux"}
_DISTRUSTED = re.compile(r"(writable|foreign) \.local/state/lnode[A-Za-z0-9._/-]{0,300}")


def _steps(sessions: int, jobs: Sequence[Job], host: Host) -> int:
    """Return about how many steps the evidence takes, that of each session and of each batch job."""
    batch = sum(job.is_batch for job in jobs)
    return sessions * (len(jobs) + len(host.processes) + len(host.origins)) + batch * len(host.processes)


_MOST_STEPS = 1_000_000  # about a second; one user never runs so much, so beyond it the state stays unknown


def _ending(
    session: tmux_answers.Session,
    tied: Tie,
    known: job_evidence.Evidence,
    shown: Mapping[str, Sequence[str]],
    scheduler: str,
) -> Ending:
    """Return everything that ends with the session. Panes that another session also shows go on."""
    panes = [
        (pane, pid) for pane, pid in zip(session.pane_ids, session.pane_pids, strict=True) if len(shown[pane]) == 1
    ]
    ends, alone = tied, session
    if len(panes) < len(session.pane_ids):
        alone = session._replace(pane_ids=tuple(pane for pane, _ in panes), pane_pids=tuple(pid for _, pid in panes))
        ends = job_evidence.tie(alone, known)
    held = job_evidence.held(alone, known)
    state = _state(alone, ends.job, scheduler if ends.is_certain else "silent")
    doubt = state is State.UNKNOWN or job_evidence.asks(alone, known) or (held and scheduler == "silent")
    names = {name for pane in session.pane_ids for name in shown[pane]} - {session.name}
    return Ending(ends.jobs, held, not (panes and doubt), tuple(sorted(names)))


def _state(session: tmux_answers.Session, job: Job | None, scheduler: str) -> State:
    if job is None:
        if scheduler == "silent" and session.kind != "login":
            return State.UNKNOWN
        had_one = session.ended or (session.kind == "node" and scheduler != "none")
        return State.ENDED if had_one else State.SHELL
    if is_running(job):
        return State.RUNNING
    if is_unseen(job):
        return State.UNKNOWN
    if is_over(job):  # a node that hangs keeps a job completing for hours
        return State.ENDED if session.ended and session.ended.job == job.id else State.ENDING
    return State.WAITING


def kept_in_words(entry: Entry, now: int | None) -> str:
    """Return `kept 20 d more`, or "" for a session that ends with its allocation."""
    until, refused = entry.session.kept_until, entry.session.refused
    but = f", but no job follows: {refused}" if refused else ""
    return f"kept {in_words(max(0, until - now))} more{but}" if until and now else ""


def _on_its_node(job: Job) -> str:
    does = paused_in_words(job) or "runs"
    return ", ".join(filter(None, (f"{does} on {job.nodes}" if job.nodes else does, left_in_words(job))))


def start_in_words(entry: Entry) -> str:
    """Return `about 20 min`, or "" if Slurm has no estimate; behind it the time for which there is room before."""
    if entry.starts_in_s is None:
        return ""
    starts = f"about {in_words(entry.starts_in_s)}" if entry.starts_in_s else "any moment now"
    return f"{starts}; {in_words(entry.room_s)} would end before the maintenance" if entry.room_s else starts


def _of_orphan(job: Job) -> str:
    has_node = is_running(job) or paused_in_words(job)
    return _on_its_node(job) if has_node else schedulers_known.reason_in_words(job.reason)


def whereabouts(entry: Entry) -> str:
    """Return the state in one clause: `runs on c0512, 61 h left`, `waits its turn (Priority), about 20 min`."""
    job = entry.job
    if entry.is_lost:
        return f"has lost its tmux on {entry.login_node}" + (f"; its job {_of_orphan(job)}" if job else "")
    if job is not None and (entry.state is State.RUNNING or paused_in_words(job)):
        return _on_its_node(job)
    if entry.state is State.WAITING and job is not None:
        return ", ".join(filter(None, (schedulers_known.reason_in_words(job.reason), start_in_words(entry))))
    if entry.session.in_job and (entry.state is State.UNKNOWN or job is None):
        silent = f"is in job {entry.session.in_job}, and the scheduler does not answer"
        return silent if entry.state is State.UNKNOWN else "has ended with its job; its history is kept"
    if entry.state is State.UNKNOWN:
        return f"keeps running; its node is unknown (tmux on {entry.login_node})"
    return {
        State.ENDED: f"no longer has an allocation; its shell is on {entry.login_node}",
        State.ENDING: "keeps running, its allocation is ending",
    }.get(entry.state, f"runs on {entry.login_node}")
