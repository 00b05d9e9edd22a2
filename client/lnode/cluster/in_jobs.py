"""Sessions that live in a job, on its node: the notes in the home (remote/parts/job_notes.sh) as sessions."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from lnode.cluster.screens import parse_screens
from lnode.cluster.tmux_answers import Session, parse_panes
from lnode.remote.fields import JobId, NodeName, SessionId, epoch, number

_MOST = 200  # notes, as list_in_jobs sends with what belongs to them
_NOTE = re.compile(
    r"([0-9]{1,12}) (\S{1,253}) (-|\$[0-9]{1,10}) (-|[0-9]{1,12},[0-9]{1,10}) ([0-9]{1,12})"
    r" ([A-Za-z0-9._+\[\]-]{1,48}) ([A-Za-z0-9._+\[\]-]{1,40}(?:/[0-9]{1,3})?) ([A-Za-z0-9_-]{1,200})"
)

_WORDS = re.compile(r"[ -~]{1,200}")


class Note(NamedTuple):
    """A session in a job. `asked` is when you asked for it; `id`, `created` and `server` are None or 0 while it waits.

    `told` and `warned` are those of Session. `has_history`: the home has what its panes have shown. `kept_until` is the
    end of a session that outlives its job, an epoch, or 0; `refused` are the scheduler's words if it gives no next job.
    """

    job: JobId
    node: NodeName | None
    id: SessionId | None
    created: int
    server: int
    asked: int
    told: str
    warned: str
    name: str
    has_history: bool = False
    kept_until: int = 0
    refused: str = ""


def parse_notes(lines: Iterable[str]) -> Mapping[JobId, Note]:
    """Read the rows of list_in_jobs, by job; skip other lines."""
    found: dict[JobId, Note] = {}
    for line in lines:
        job, _, word = line.partition(" ")
        if (id_ := JobId.parse(job)) in found:
            found[id_] = _with_more(found[id_], word)
        elif (match := _NOTE.fullmatch(line)) and len(found) < _MOST:
            note = _note(*match.groups())
            found[note.job] = note
    return found


def _with_more(note: Note, words: str) -> Note:
    """Return the note with what a row `JOB history`, `JOB kept UNTIL` or `JOB refused WORDS` tells of it."""
    kind, _, rest = words.partition(" ")
    if kind == "kept":
        return note._replace(kept_until=epoch(rest) or 0)
    if kind == "refused":
        return note._replace(refused=rest if _WORDS.fullmatch(rest) else "")
    return note._replace(has_history=note.has_history or words == "history")


def _note(job: str, node: str, id_: str, born: str, asked: str, told: str, warned: str, name: str) -> Note:
    created, _, server = born.partition(",")
    return Note(
        JobId(job), NodeName.parse(node), SessionId.parse(id_), epoch(created) or 0, number(server) or 0,
        epoch(asked) or 0, "" if told == "-" else told, "" if warned == "-" else warned.replace("/", " "), name,
    )  # fmt: skip


def latest(notes: Iterable[Note], jobs: Collection[JobId]) -> Iterable[Note]:
    """Return one note for each name: that of a job that goes on, else the latest. Numbers of jobs may begin anew."""
    found: dict[str, Note] = {}
    for note in sorted(notes, key=lambda note: (note.job in jobs, note.asked, int(note.job))):
        found[note.name] = note
    return found.values()


def session_of(note: Note, rows: Sequence[str] = ()) -> Session:
    """Return the session as the note has it, with what its job has last shown: the `rows` of shown_in_job.sh.

    That is up to 40 s old, and as long as it has shown nothing, the session has no panes.
    """
    began = note.created or note.asked
    session = Session(
        note.id or SessionId("$0"), note.name, began, began, 0, (), "node", server=note.server, told=note.told,
        warned=note.warned, in_job=note.job, kept_until=note.kept_until,
        refused=note.refused,
    )  # fmt: skip
    seen = next((seen for seen in parse_panes(rows) if seen.id == note.id), None)
    if seen is None:
        return session
    screens = parse_screens(rows)
    return session._replace(
        active=seen.active, attached=seen.attached, alerts=seen.alerts, pane_ids=seen.pane_ids,
        screens=tuple(screens[pane] for pane in seen.pane_ids if pane in screens),
    )  # fmt: skip
