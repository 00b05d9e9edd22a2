"""The answer of remote/site.sh -> the site: scheduler, program, queues, tmux and shell."""

import re
from typing import NamedTuple

from lnode.commands.init.programs import PROGRAMS
from lnode.remote.fields import TimeLimit, Word, number
from lnode.remote.reply import Reply
from lnode.schedulers.known import KNOWN

_FIELDS = 6
_TAKES = re.compile("([A-Za-z0-9]):")  # a letter with a value, as getopts writes it
_MOST_QUEUES = 1000  # rows
_LARGEST_MB = 10**9


class Queue(NamedTuple):
    """A queue or partition. None, or 0 for `memory_mb` of a node, is not known."""

    name: Word
    is_default: bool
    longest: TimeLimit | None
    usual: TimeLimit | None
    memory_mb: int
    has_gpus: bool


class Site(NamedTuple):
    """The parts of a site that a request needs; "" is a part that was not found.

    `letters` are the options of `program` that take a value. With `hands_on` it gives its words to the scheduler's own
    program.
    With `queues_silent` the scheduler did not tell its queues.
    """

    scheduler: str = ""
    program: str = ""
    letters: str = ""
    hands_on: bool = False
    queues: tuple[Queue, ...] = ()
    queues_silent: bool = False
    tmux: str = ""
    shell: str = ""

    @property
    def usual_queue(self) -> Queue | None:
        """Return the queue of a request that names none, if that is known."""
        return next((one for one in self.queues if one.is_default), self.queues[0] if len(self.queues) == 1 else None)

    @property
    def gpu_queue(self) -> Queue | None:
        return next((one for one in self.queues if one.has_gpus), None)


def parse_site(reply: Reply) -> Site:
    """Read the sections of site.sh. A row or a field that does not fit counts as not said."""
    scheduler = _first(reply, "scheduler")
    program, hands_on, letters = [*_first(reply, "program").split(" "), "", "", ""][:3]
    known = program in PROGRAMS
    return Site(
        scheduler=scheduler if scheduler in KNOWN else "",
        program=program if known else "",
        letters="".join(dict.fromkeys(_TAKES.findall(letters))) if known else "",
        hands_on=known and hands_on == "yes",
        queues=_merged(filter(None, map(_queue, reply.get("queues", ())[:_MOST_QUEUES]))),
        queues_silent="queues-silent" in reply,
        tmux=Word.parse(_first(reply, "tmux").removeprefix("tmux ")) or "",
        shell=Word.parse(_first(reply, "shell")) or "",
    )


def _queue(row: str) -> Queue | None:
    fields = row.split(" ")
    name = Word.parse(fields[0])
    if name is None or len(fields) != _FIELDS:
        return None
    return Queue(
        name, fields[1] == "default", TimeLimit.parse(fields[2]), TimeLimit.parse(fields[3]),
        number(fields[4], _LARGEST_MB) or 0, fields[5] == "gpus",
    )  # fmt: skip


def _merged(rows: "filter[Queue]") -> tuple[Queue, ...]:
    """Return one queue for the rows of one name: a scheduler tells a row for each kind of node."""
    queues: dict[str, Queue] = {}
    for row in rows:
        before = queues.get(row.name, row)
        memory = min(before.memory_mb, row.memory_mb)
        queues[row.name] = before._replace(memory_mb=memory, has_gpus=before.has_gpus or row.has_gpus)
    return tuple(queues.values())


def _first(reply: Reply, section: str) -> str:
    return next(iter(reply.get(section, ())), "")
