"""tmux's sessions and Slurm's jobs, joined into what a person asks: what runs where, and for how long."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.cluster import job_evidence, login_nodes, tmux
from lnode.cluster.job_evidence import LoginProcess, Tie
from lnode.remote.fields import SSH_PORT, NodeName, Port, epoch
from lnode.schedulers import known as schedulers_known
from lnode.schedulers import slurm, slurm_reasons
from lnode.text import in_words


class State(StrEnum):
    """What a session is doing, in a word. UNKNOWN: nobody can say, which is not gone."""

    RUNNING = "running"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"
    SHELL = "shell"
    UNKNOWN = "unknown"


class Ending(NamedTuple):
    """What ends with a session: jobs, and the processes that hold them or ask for them.

    `is_known`: there is no other job. `shown_in` are other sessions that show some of its windows: these go on, and so
    do the jobs in them.
    """

    jobs: tuple[slurm.Job, ...] = ()
    held: tuple[int, ...] = ()
    is_known: bool = True
    shown_in: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A session with the allocation behind it. `node` is where its shell is: compute nodes, or the login node.

    `starts_in_s` is Slurm's own estimate for a job that waits, None where it has none. `others` are more jobs that were
    requested in it, `submitted` batch jobs that you submitted there, which are not its own.
    """

    session: tmux.Session
    state: State
    job: slurm.Job | None
    login_node: str
    starts_in_s: int | None = None
    others: tuple[slurm.Job, ...] = ()
    submitted: tuple[slurm.Job, ...] = ()
    ending: Ending = Ending()

    @property
    def node(self) -> str:
        return self.job.nodes if self.job and self.job.nodes else self.login_node

    @property
    def successor(self) -> slurm.Job | None:
        """The job that waits until the one that holds nodes ends (--renew --early)."""
        if self.state is not State.RUNNING:
            return None
        return next((job for job in self.others if not slurm.is_running(job) and not slurm.is_over(job)), None)

    @property
    def kind(self) -> str:
        if self.job:
            return "node"
        return self.session.kind or ("unknown" if self.state is State.UNKNOWN else "login")


CANNOT_ASK = ("lost", "refused")
"""What Picture.tmux is where its sessions are not known, which is not that there are none."""


class Picture(NamedTuple):
    """The answer of list.sh. `scheduler` is "ok", "silent" (it did not answer) or "none" (there is none that is known).

    `tmux` is "ok", "missing", "lost" (it runs, but its socket is gone) or "refused" (it does not answer as it should);
    `tmux_says` are its own words then.
    `now` is the login node's clock in epoch seconds: with it go the times of sessions, never with the laptop's.
    `system` is which scheduler it is: a key of schedulers.SCHEDULERS.
    `address` is its own name in full, None if it calls itself by none; `login_node` is what to call it in a sentence.
    `port` is its sshd's own, `others` what is said of other login nodes. `keeps`: its home takes such notes.
    `distrusted` are folders and notes there which another user could have written, and which were not read.
    `is_modeless`: its home does not keep the modes of files.
    """

    login_node: str
    entries: tuple[Entry, ...]
    scheduler: str
    tmux: str
    now: int | None = None
    system: str = "slurm"
    port: Port = SSH_PORT
    others: tuple[login_nodes.Claim, ...] = ()
    keeps: bool = True
    address: NodeName | None = None
    tmux_says: str = ""
    distrusted: tuple[str, ...] = ()
    is_modeless: bool = False

    def named(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.session.name == name), None)


def list_values(tmux_path: str) -> tuple[str, ...]:
    """What list.sh is called with, behind the nonce. `tmux_path` is the configured one, or ""."""
    return (tmux.PANES_FORMAT, slurm.SQUEUE_FIELDS, tmux_path)


def picture_of(reply: Mapping[str, Sequence[str]]) -> Picture:
    """Join the sections of a reply (reply.parse_reply)."""
    name, clock, sshd = (*reply.get("host", ()), "", "", "")[:3]
    address, now, port = NodeName.parse(name), epoch(clock), Port.parse(sshd) or SSH_PORT
    login_node = slurm.short_host(address or "") or "?"
    jobs = (*slurm.parse_jobs(reply.get("jobs", ())), *schedulers_known.jobs_of(reply, login_node, now))
    processes = job_evidence.parse_processes(reply.get("processes", ()), now)
    origins, work = job_evidence.parse_origins(reply.get("origins", ())), job_evidence.parse_work(reply.get("work", ()))
    known = job_evidence.evidence(jobs, job_evidence.Host(login_node, now, processes, origins, work))
    scheduler = "none" if "no-scheduler" in reply else "ok"
    if "scheduler-silent" in reply or "end" not in reply:
        scheduler = "silent"
    ahead_s = known.ahead_s or 0
    entries, found = [], _sessions(reply, processes)
    too_much = _steps(len(found), jobs, known.host) > _MOST_STEPS
    shown = _names_by_pane(found)
    for session in found:
        tied = Tie(None, is_certain=False) if too_much else job_evidence.tie(session, known)
        if address is None and jobs:  # all of them might be another node's
            tied = tied._replace(is_certain=False)
        job = tied.job
        state = _state(session, job, scheduler if tied.is_certain else "silent")
        starts_in_s = max(0, job.starts + ahead_s - now) if job and job.starts and now else None
        ending = Ending(is_known=False) if too_much else _ending(session, tied, known, shown, scheduler)
        entries.append(Entry(session, state, job, login_node, starts_in_s, tied.others, tied.submitted, ending))
    claims = login_nodes.claims(reply.get("nodes", ()), jobs, address, port)
    tmux_is = next((word for section, word in _TMUX.items() if section in reply), "ok")
    return Picture(
        login_node, tuple(entries), scheduler, tmux_is, now, schedulers_known.name_in(reply), port, claims,
        keeps="unkept" not in reply, address=address, tmux_says="\n".join(reply.get("refused-tmux", ())),
        distrusted=tuple(filter(_DISTRUSTED.fullmatch, reply.get("distrusted", ()))), is_modeless="modeless" in reply,
    )  # fmt: skip


_DISTRUSTED = re.compile(r"(writable|foreign) \.local/state/lnode[A-Za-z0-9._/-]{0,300}")
_TMUX = {"no-tmux": "missing", "lost-tmux": "lost", "refused-tmux": "refused"}


def _steps(sessions: int, jobs: Sequence[slurm.Job], host: job_evidence.Host) -> int:
    """About how many steps it takes to weigh the evidence: each session's, and that of each batch job."""
    batch = sum(job.is_batch for job in jobs)
    return sessions * (len(jobs) + len(host.processes) + len(host.origins)) + batch * len(host.processes)


_MOST_STEPS = 1_000_000  # about a second; what takes more is nothing that one user runs, and stays unknown


def _sessions(reply: Mapping[str, Sequence[str]], processes: Mapping[int, LoginProcess]) -> list[tmux.Session]:
    """The sessions, and for each client of theirs where it comes from."""
    panes, marks = reply.get("panes", ()), tmux.parse_marks(reply.get("marks", ()))
    owners, hosts = tmux.parse_owners(panes), tmux.parse_who(reply.get("who", ()))
    places: dict[str, list[str]] = {}
    for client in tmux.parse_clients(panes):
        parent, marked = marks.get(client.tty, (0, 0))
        leased, laptop = owners.get(client.session_id, (marked + 1, ""))
        # lnode's own client, and of the laptop that asked last: nobody else's comes back by itself after that
        process = processes.get(client.pid or 0)
        is_owner = process is not None and process.parent == parent and marked >= leased
        place = laptop if is_owner else hosts.get(client.tty) or client.tty.removeprefix("/dev/")
        places.setdefault(client.session_id, []).append(place)
    return [session._replace(clients=tuple(places.get(session.id, ()))) for session in tmux.parse_panes(panes)]


def _names_by_pane(found: Iterable[tmux.Session]) -> dict[str, list[str]]:
    """Pane -> the sessions that show it, three at most: several after `tmux new -t` (a group) or link-window."""
    names: dict[str, list[str]] = {}
    for session in found:
        for pane in session.pane_ids:
            shown_in = names.setdefault(pane, [])
            if len(shown_in) < _NAMES and session.name not in shown_in:
                shown_in.append(session.name)
    return names


_NAMES = 3


def _ending(
    session: tmux.Session, tied: Tie, known: job_evidence.Evidence, shown: Mapping[str, Sequence[str]], scheduler: str
) -> Ending:
    """What ends with the session: nothing in panes that another session shows too, for these go on."""
    panes = [
        (pane, pid) for pane, pid in zip(session.pane_ids, session.pane_pids, strict=True) if len(shown[pane]) == 1
    ]
    alone = session._replace(pane_ids=tuple(pane for pane, _ in panes), pane_pids=tuple(pid for _, pid in panes))
    ends = tied if alone == session else job_evidence.tie(alone, known)
    held = job_evidence.held(alone, known)
    state = _state(alone, ends.job, scheduler if ends.is_certain else "silent")
    doubt = state is State.UNKNOWN or job_evidence.asks(alone, known) or (held and scheduler == "silent")
    names = {name for pane in session.pane_ids for name in shown[pane]} - {session.name}
    return Ending(ends.jobs, held, not (panes and doubt), tuple(sorted(names)))


def _state(session: tmux.Session, job: slurm.Job | None, scheduler: str) -> State:
    if job is None:
        if scheduler == "silent" and session.kind != "login":
            return State.UNKNOWN
        return State.ENDED if session.kind == "node" or session.ended else State.SHELL
    if slurm.is_running(job):
        return State.RUNNING
    return State.ENDING if slurm.is_over(job) else State.WAITING


def left_in_words(job: slurm.Job) -> str:
    """`61 h left`, `no time limit`, or "" where Slurm does not say."""
    if job.left_s is not None:
        return f"{in_words(job.left_s)} left"
    return "no time limit" if job.left == "UNLIMITED" else ""


def start_in_words(entry: Entry) -> str:
    """`about 20 min`, or "" where Slurm has no estimate."""
    if entry.starts_in_s is None:
        return ""
    return f"about {in_words(entry.starts_in_s)}" if entry.starts_in_s else "any moment now"


def not_kept(picture: Picture, alias: str) -> str:
    """What is to be said of a home that takes no notes, or of notes that are not read; "" of any other (TRAPS 33)."""
    node = picture.login_node
    if picture.distrusted:
        how, _, path = picture.distrusted[0].partition(" ")
        if how == "foreign":
            return (
                f"~/{path} on {node} belongs to another user or is a link, so lnode does not read it; "
                f"move it away: ssh {alias} ls -la .local/state/lnode"
            )
        return (
            f"other users can write to ~/{path} on {node}, so lnode does not read it; "
            f"fix: ssh {alias} chmod -R go-rwx .local/state/lnode"
        )
    if picture.keeps:
        return ""
    return f"the home on {node} takes nothing, so what runs there is noted nowhere: lnode {alias} --doctor"


def whereabouts(entry: Entry) -> str:
    """One clause that is true: `runs on c0512, 61 h left`, `waits its turn (Priority), about 20 min`."""
    job = entry.job
    if entry.state is State.RUNNING and job is not None:
        return ", ".join(filter(None, (f"runs on {job.nodes}" if job.nodes else "runs", left_in_words(job))))
    if entry.state is State.WAITING and job is not None:
        return ", ".join(filter(None, (slurm_reasons.in_words(job.reason), start_in_words(entry))))
    if entry.state is State.UNKNOWN:
        return f"keeps running; on what node is unknown (tmux on {entry.login_node})"
    if entry.state is State.ENDED:
        return f"has no allocation any more; its shell is on {entry.login_node}"
    if entry.state is State.ENDING:
        return "keeps running, its allocation is ending"
    return f"runs on {entry.login_node}"
