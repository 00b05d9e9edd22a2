"""tmux's sessions and Slurm's jobs, joined into what a person asks: what runs where, and for how long."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode import slurm, tmux


class State(StrEnum):
    """What a session is doing, in a word. UNKNOWN: the scheduler did not answer; unknown is not gone."""

    RUNNING = "running"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"
    SHELL = "shell"
    UNKNOWN = "unknown"


class Entry(NamedTuple):
    """A session with the allocation behind it. `node` is where its shell is: compute nodes, or the login node."""

    session: tmux.Session
    state: State
    job: slurm.Job | None
    login_node: str

    @property
    def node(self) -> str:
        return self.job.nodes if self.job and self.job.nodes else self.login_node

    @property
    def kind(self) -> str:
        if self.job:
            return "node"
        return self.session.kind or ("unknown" if self.state is State.UNKNOWN else "login")


class Picture(NamedTuple):
    """The answer of list.sh. `scheduler` is "ok", "silent" (it did not answer) or "none" (there is no squeue)."""

    login_node: str
    entries: tuple[Entry, ...]
    scheduler: str
    has_tmux: bool

    def named(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.session.name == name), None)


def list_values(tmux_path: str) -> tuple[str, ...]:
    """What list.sh is called with, behind the nonce. `tmux_path` is the configured one, or ""."""
    return (tmux.PANES_FORMAT, slurm.SQUEUE_FIELDS, tmux_path)


def picture_of(reply: Mapping[str, Sequence[str]]) -> Picture:
    """Join the sections of a reply (reply.parse_reply)."""
    login_node = slurm.short_host(next(iter(reply.get("host", ())), "")) or "?"
    jobs = slurm.parse_jobs(reply.get("jobs", ()))
    parents = slurm.parse_processes(reply.get("processes", ()))
    scheduler = "none" if "no-scheduler" in reply else "ok"
    if "scheduler-silent" in reply or "end" not in reply:
        scheduler = "silent"
    entries = []
    for session in tmux.parse_panes(reply.get("panes", ())):
        job = slurm.job_of(session, jobs, login_node, parents)
        entries.append(Entry(session, _state(session, job, scheduler), job, login_node))
    return Picture(login_node, tuple(entries), scheduler, "no-tmux" not in reply)


def _state(session: tmux.Session, job: slurm.Job | None, scheduler: str) -> State:
    if job is None:
        if scheduler == "silent" and session.kind != "login":
            return State.UNKNOWN
        return State.ENDED if session.kind == "node" else State.SHELL
    if job.state in _RUNNING:
        return State.RUNNING
    return State.WAITING if job.state in _WAITING else State.ENDING


# squeue(1), JOB STATE CODES; all others are on their way out
_RUNNING = {"RUNNING", "RESIZING", "SIGNALING"}
_WAITING = {
    "PENDING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT",
}  # fmt: skip


def in_words(seconds: int) -> str:
    """A length of time as a person says it: `61 h`, `3 d 4 h`, `25 min`, `40 s`."""
    minute, hour, day = 60, 3600, 86400
    if seconds < 2 * minute:
        return f"{seconds} s"
    if seconds < 2 * hour:
        return f"{seconds // minute} min"
    if seconds < 4 * day:
        return f"{seconds // hour} h"
    return f"{seconds // day} d {seconds % day // hour} h"


def left_in_words(job: slurm.Job) -> str:
    """`61 h left`, `no time limit`, or "" where Slurm does not say."""
    if job.left_s is not None:
        return f"{in_words(job.left_s)} left"
    return "no time limit" if job.left == "UNLIMITED" else ""


def whereabouts(entry: Entry) -> str:
    """One clause that is true: `runs on c0512, 61 h left`; `waits for its node (Priority)`; `runs on login1`."""
    job = entry.job
    if entry.state is State.RUNNING and job is not None:
        return ", ".join(filter(None, (f"runs on {job.nodes}" if job.nodes else "runs", left_in_words(job))))
    if entry.state is State.WAITING and job is not None:
        return f"waits for its node ({job.reason})" if job.reason else "waits for its node"
    if entry.state is State.UNKNOWN:
        return f"keeps running; the scheduler does not answer, so its node is unknown (tmux on {entry.login_node})"
    if entry.state is State.ENDED:
        return f"has no allocation any more; its shell is on {entry.login_node}"
    if entry.state is State.ENDING:
        return "keeps running, its allocation is ending"
    return f"runs on {entry.login_node}"
