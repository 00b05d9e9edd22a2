"""The table of `--ls`: pictures of hosts as columns and words, and as JSON.

A picture ages: times count on from the moment of the picture. If a job must have ended since, the table says so.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lnode.cluster.agents import Agent, AgentState
from lnode.cluster.agents import in_words as in_words_of
from lnode.cluster.home import not_kept
from lnode.cluster.sessions import IN_DOUBT, Entry, Picture, State, kept_in_words, start_in_words
from lnode.cluster.tmux import is_creatable
from lnode.remote.fields import JobId, typed
from lnode.runs.record import Run, outcome
from lnode.schedulers.job import Job, paused_in_words
from lnode.schedulers.known import reason_in_words
from lnode.text import columns_of, in_words, visible

_SOON_S = 15 * 60
_IDLE_S = 60  # less is no news
_MOST_ROWS = 500  # of sessions, and of runs: a table takes a millisecond for each
_NEWS_S = 7 * 86400  # runs that ended before are in the JSON only

Cell = tuple[str, str]
"""A text and the name of its style. The text alone says everything."""


class View(NamedTuple):
    """The pictures of a host, one for each login node, and their age.

    `trouble` says why there are no newer ones, "" if the host has just answered. `silent` are the login nodes that did
    not answer.
    """

    host: str
    pictures: tuple[Picture, ...]
    age_s: int = 0
    trouble: str = ""
    runs: tuple[Run, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        return not self.trouble

    @property
    def entries(self) -> list[Entry]:
        """Return the sessions: first those that need your attention, then by name."""
        jobs: dict[JobId | None, Entry] = {}  # each login node lists the sessions in jobs; some know more
        for entry in (entry for picture in self.pictures for entry in picture.entries):
            other = jobs.setdefault(entry.session.in_job, entry)
            if _knows(entry) > _knows(other):
                jobs[entry.session.in_job] = entry
        found = [
            entry
            for picture in self.pictures
            for entry in picture.entries
            if not entry.session.in_job or jobs[entry.session.in_job] is entry
        ]
        names = {entry.session.name for entry in found}
        found += [
            entry for picture in self.pictures for entry in picture.lost if entry.job or entry.session.name not in names
        ]
        return sorted(found, key=lambda entry: (_rank(entry, self.age_s), entry.session.name))


def _knows(entry: Entry) -> tuple[bool, bool]:
    """Return how much a login node knows of a session in a job: that it has not asked is no end."""
    return entry.job is not None, entry.state is State.UNKNOWN


def table(
    views: Sequence[View], *, all_columns: bool, with_host: bool, within: int | None = None
) -> tuple[list[str], list[list[Cell]]]:
    """Return column names, and a row for each session and run. Empty columns are left out without `all_columns`.

    Of a table that is wider than `within` even with a word in each line, columns that tell least are left out.
    """
    rows = [
        row
        for view in views
        for row in (
            *(session_row(view, entry) for entry in view.entries[:_MOST_ROWS]),
            *(run_row(view, run) for run in news(view)[:_MOST_ROWS]),
        )
    ]
    columns = _COLUMNS if all_columns else _ON_A_SCREEN
    names = [name for name in columns if name in _ALWAYS or all_columns or any(row[name][0] for row in rows)]
    if not with_host:
        names = [name for name in names if name != "HOST"]
    if not any(len(view.pictures) > 1 for view in views):
        names = [name for name in names if name != "LOGIN NODE"]
    if all(view.is_fresh for view in views):
        names = [name for name in names if name != "SEEN"]
    if within is not None:
        names = _fitting(names, rows, within)
    return names, [[row[name] for name in names] for row in rows]


def _fitting(names: Sequence[str], rows: Sequence[Mapping[str, Cell]], within: int) -> list[str]:
    """Leave out the columns that tell least, until no word of the others is broken in that width."""
    words = {name: [name, *(word for row in rows for word in visible(row[name][0]).split())] for name in names}
    widths = {name: max(map(columns_of, its)) + len(_GAP) for name, its in words.items()}
    for least in _DISPENSABLE:
        if sum(widths.values()) - len(_GAP) > within:
            widths.pop(least, None)
    return list(widths)


_GAP = "  "
_DISPENSABLE = ("ATTACHED", "IDLE", "LOGIN NODE", "KIND", "JOB", "SEEN", "LEFT", "WHY", "NODE", "AGENT")

_COLUMNS = (
    "HOST", "SESSION", "KIND", "STATE", "NODE", "JOB", "LEFT", "WHY", "ATTACHED", "IDLE", "LOGIN NODE", "AGENT", "SEEN",
)  # fmt: skip
_ALWAYS = ("SESSION", "KIND", "STATE", "NODE")
# Scripts count columns, so in a pipe a new column comes late.
_ON_A_SCREEN = (*_COLUMNS[:4], "AGENT", *(name for name in _COLUMNS[4:] if name != "AGENT"))

_STYLES = {
    State.ORPHAN: "bold red", State.RUNNING: "green", State.WAITING: "yellow", State.ENDING: "red", State.ENDED: "red",
    State.SHELL: "", State.UNKNOWN: "magenta",
}  # fmt: skip


def session_row(view: View, entry: Entry) -> dict[str, Cell]:
    """Return the cells of a session by the names of their columns."""
    session, job = entry.session, entry.job
    waiting = entry.state is State.WAITING and not paused_in_words(job)
    soon = "bold red" if _is_soon(entry, view.age_s) else ""
    return {
        "HOST": (view.host, ""),
        "SESSION": (session.name, "bold"),
        "KIND": (entry.kind, ""),
        "STATE": (_state(entry, view.age_s), soon or _STYLES[entry.state]),
        "AGENT": _agent(entry, view),
        "NODE": ("" if waiting else entry.node, ""),
        "JOB": (job.id if job else "", ""),
        "LEFT": (_left(entry, view.age_s), soon),
        "WHY": (why_of(entry, view), _STYLES[entry.state]),
        "ATTACHED": (", ".join(session.clients) or ("yes" if session.attached else ""), "dim"),
        "IDLE": (_idle(entry, view), "dim"),
        "LOGIN NODE": (entry.login_node, "dim"),
        "SEEN": (f"{in_words(view.age_s)} ago" if view.trouble else "", "magenta"),
    }


def news(view: View) -> list[Run]:
    """Return the runs for the table: first those that have not ended, then the others, newest first."""
    now = _clock(view)
    shown = [run for run in view.runs if run.ended is None or now is None or now - run.ended < _NEWS_S]
    return sorted(shown, key=lambda run: (run.ended is not None, -(run.ended or run.started), run.name))


def run_row(view: View, run: Run) -> dict[str, Cell]:
    """Return the cells of a run by column."""
    style = {"running": "green", "elsewhere": "magenta", "lost": "red"}.get(run.state, "red" if run.code else "")
    return dict.fromkeys(_COLUMNS, ("", "")) | {
        "HOST": (view.host, ""),
        "SESSION": (run.name, "bold"),
        "KIND": ("run", ""),
        "STATE": ("unknown" if run.state == "elsewhere" else run.state, style),
        "NODE": (run.host or "?", ""),
        "JOB": (run.job or "", ""),
        "WHY": (_fate(run, _clock(view)), style),
        "SEEN": (f"{in_words(view.age_s)} ago" if view.trouble else "", "magenta"),
    }


def _fate(run: Run, now: int | None) -> str:
    if run.state == "lost":
        return "killed, or its node restarted"
    if run.code is None or run.ended is None:
        return f"in {run.session}" if run.session else ""
    return outcome(run.code).removeprefix("with ") + (
        "" if now is None else f", {in_words(max(0, now - run.ended))} ago"
    )


def _clock(view: View) -> int | None:
    """Return the time now by a login node's clock, or None."""
    now = next((picture.now for picture in view.pictures if picture.now is not None), None)
    return None if now is None else now + view.age_s


def _agent(entry: Entry, view: View) -> Cell:
    """Return the agent of a session, its state and for how long it has had that: `claude waits for you, 12 min`."""
    agent = entry.agent
    if agent is None:
        return "", ""
    now = _now(entry, view)
    since_s = None if now is None or agent.since is None else max(0, now - agent.since)
    ago = f", {in_words(since_s)}" if since_s is not None and since_s >= _IDLE_S else ""
    return f"{agent.name} {agent.state}{ago}", _AGENT_STYLES[agent.state]


_AGENT_STYLES = {
    AgentState.WAITS: "bold yellow", AgentState.WORKING: "green", AgentState.DONE: "", AgentState.UNKNOWN: "magenta",
}  # fmt: skip


def _rank(entry: Entry, age_s: int) -> int:
    if entry.state is State.ORPHAN or (entry.agent and entry.agent.waits):
        return -1
    if entry.state in (State.ENDED, State.ENDING) or _is_soon(entry, age_s):
        return 0
    if "!" in entry.session.alerts:
        return 1
    return {State.WAITING: 2, State.RUNNING: 3, State.UNKNOWN: 4}.get(entry.state, 5)


def _is_soon(entry: Entry, age_s: int) -> bool:
    left_s = left_of(entry, age_s)
    return entry.state is State.RUNNING and left_s is not None and left_s < _SOON_S


def left_of(entry: Entry, age_s: int) -> int | None:
    """Return the seconds left of a running job; None for other jobs and for a job without a limit."""
    if entry.state not in (State.RUNNING, State.ORPHAN) or entry.job is None or entry.job.left_s is None:
        return None
    return None if entry.job.state == "PENDING" else entry.job.left_s - age_s


def _state(entry: Entry, age_s: int) -> str:
    left_s = left_of(entry, age_s)
    word = entry.state.value
    if left_s is not None and left_s < 0 < age_s:
        word = "must have ended"
    elif not entry.is_lost and (paused := paused_in_words(entry.job)):
        word = paused.removeprefix("is ")
    elif entry.state is State.ENDED and not entry.is_lost and not entry.session.in_job:
        word = "ended, now a shell"
    return f"{word}, bell" if "!" in entry.session.alerts else word


def _left(entry: Entry, age_s: int) -> str:
    left_s = left_of(entry, age_s)
    if left_s is not None:
        return in_words(max(0, left_s))
    return "no limit" if entry.job and entry.state is State.RUNNING and entry.job.left == "UNLIMITED" else ""


def why_of(entry: Entry, view: View) -> str:
    """Return why the session waits and for how long, or how its allocation ended and when; or how it was lost."""
    job = entry.job
    if entry.is_lost or paused_in_words(job):
        return _how_lost(entry, view) if entry.is_lost else ""
    if job is None or entry.state is State.ENDED:
        return _without_job(entry, view)
    if entry.state is State.WAITING:
        return _waiting(job, entry, view)
    if entry.successor:
        return f"its successor {reason_in_words(entry.successor.reason)}"
    if kept := kept_in_words(entry, _now(entry, view)):
        return kept
    return job.state.lower() if entry.state is State.ENDING else ""


def _waiting(job: Job, entry: Entry, view: View) -> str:
    starts_in_s = None if entry.starts_in_s is None else max(0, entry.starts_in_s - view.age_s)
    soon = start_in_words(entry._replace(starts_in_s=starts_in_s))
    return ", ".join(filter(None, (reason_in_words(job.reason), soon)))


def _without_job(entry: Entry, view: View) -> str:
    ended, job = entry.session.ended, entry.session.in_job
    if job and entry.state is State.ENDED:
        return f"job {job}, its history is kept: {typed(view.host, entry.session.name)}"
    if entry.state is State.ENDED and ended is not None:
        now = _now(entry, view)
        ago = "" if now is None else f"{in_words(max(0, now - ended.at))} ago"
        return ", ".join(filter(None, (f"job {ended.job}" if ended.job else "", ended.state.lower(), ago)))
    return ""


def _how_lost(entry: Entry, view: View) -> str:
    """Return what has ended the session, and the command that brings it back."""
    now = _now(entry, view)
    ago = f" {in_words(max(0, now - entry.restarted))} ago" if now and entry.restarted else ""
    how = f"{entry.login_node} restarted{ago}" if entry.restarted else f"its tmux on {entry.login_node} is gone"
    waits = f"it {reason_in_words(entry.job.reason)}" if entry.job and entry.job.state == "PENDING" else ""
    command = typed(view.host, entry.session.name)
    back = f"back with: {command}" if is_creatable(entry.session.name) else f"end it with: {command} --kill"
    back = back if entry.job else "ended with it"
    return ", ".join(filter(None, (how, waits, back)))


def _idle(entry: Entry, view: View) -> str:
    idle_s = idle_s_of(entry, view)
    return in_words(idle_s) if idle_s is not None and idle_s >= _IDLE_S else ""


def idle_s_of(entry: Entry, view: View) -> int | None:
    now = _now(entry, view)
    if now is None or entry.is_lost or not entry.session.is_seen:
        return None
    return max(0, now - entry.session.active)


def _now(entry: Entry, view: View) -> int | None:
    """Return the time now by the clock of the entry's own login node, or None."""
    now = next((picture.now for picture in view.pictures if picture.login_node == entry.login_node), None)
    return None if now is None else now + view.age_s


def notes(views: Sequence[View]) -> list[str]:
    """Return the sentences below the table."""
    said: list[str] = []
    for view in views:
        if more := sum(max(0, len(found) - _MOST_ROWS) for found in (view.entries, news(view))):
            said.append(f"{more} more rows are not shown: lnode {view.host} --ls --json")
        said += [_asks(view.host, entry, agent) for entry, agent in questions(view)]
        said += view.silent
        if view.trouble:
            is_known = view.pictures and all(picture.tmux not in IN_DOUBT for picture in view.pictures)
            is_empty = is_known and not view.entries and not view.silent
            none = f"; {in_words(view.age_s)} ago it had no sessions" if is_empty else ""
            said.append(f"{view.trouble}{none}")
        elif any(picture.scheduler == "silent" for picture in view.pictures):
            said.append(f"the scheduler of {view.host} does not answer: jobs and time left are unknown")
        if view.is_fresh:
            said += filter(None, (not_kept(picture, view.host) for picture in view.pictures))
        said += [_unknown(picture, view.host) for picture in view.pictures if picture.tmux in IN_DOUBT]
    idle = [view for view in views if _is_idle(view)]
    if len(views) == 1 and idle:
        nodes = ", ".join(picture.login_node for picture in views[0].pictures)
        said.append(f"no sessions on {views[0].host} ({nodes}); start one: lnode {views[0].host}")
    elif idle:
        said.append(f"no sessions on {', '.join(view.host for view in idle)}")
    return said


def _is_idle(view: View) -> bool:
    """True if lnode knows that nothing runs on the host."""
    is_known = view.is_fresh and all(picture.tmux not in IN_DOUBT for picture in view.pictures)
    return bool(view.pictures) and is_known and not (view.silent or view.entries or news(view))


def waiting(view: View) -> list[tuple[Entry, Agent]]:
    """Return the sessions in which an agent waits for you, as the host has just said."""
    found = [(entry, entry.agent) for entry in view.entries if entry.agent and view.is_fresh]
    return [(entry, agent) for entry, agent in found if agent.waits]


def questions(view: View) -> list[tuple[Entry, Agent]]:
    """Return those whose questions the notes show."""
    return waiting(view)[:_MOST_QUESTIONS]


def _asks(host: str, entry: Entry, agent: Agent) -> str:
    name = entry.session.name
    how = f": {typed(host, name)} --answer {agent.choices[0].key}" if agent.choices else ""
    return f"{agent.name} in {name} asks: {in_words_of(agent)}{how}"


_MOST_QUESTIONS = 5


def _unknown(picture: Picture, host: str) -> str:
    node = "" if picture.login_node == host else f" ({picture.login_node})"
    if picture.tmux == "partly":
        return f"another tmux server of yours on {host}{node} does not answer, so its sessions are not listed"
    return f"tmux on {host}{node} does not answer as it should, so its sessions are not known: lnode {host} --doctor"
