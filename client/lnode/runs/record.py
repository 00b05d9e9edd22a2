"""Runs: commands that go on by themselves on the host (nohup), from the rows of the remote scripts."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.remote.fields import JobId, NodeName, epoch, number
from lnode.remote.reply import Reply
from lnode.text import in_words


class Run(NamedTuple):
    """A run. Times are seconds since the epoch on the host's clock.

    `state` is "running", "ended", "lost" (its processes are gone and left no exit code), or "elsewhere" (it started on
    `host`, and only that host can tell). `host` is None if it has no name. `code` and `ended` are None before the end;
    a `code` over 128 is a signal's. `job` and `session` are those of its allocation, or None and "".
    """

    name: str
    id: str
    state: str
    host: NodeName | None
    pid: int
    started: int
    ended: int | None
    code: int | None
    job: JobId | None
    session: str
    command: str = ""

    @property
    def place(self) -> str:
        """Return the name of its host for a sentence."""
        return self.host or "an unknown login node"


def parse_runs(lines: Iterable[str]) -> tuple[Run, ...]:
    """Read the rows of runs.sh; skip other lines."""
    return tuple(run for run in map(parse_run, lines) if run is not None)


def of_replies(replies: Iterable[Reply]) -> tuple[Run, ...]:
    """Return the runs in the replies of login nodes that share a home. For each run, its own node's word counts."""
    found: dict[str, Run] = {}
    for reply in replies:
        for run in parse_runs(reply.get("runs", ())):
            if run.id not in found or found[run.id].state == "elsewhere":
                found[run.id] = run
    return tuple(sorted(found.values()))


def parse_run(row: str) -> Run | None:
    """Read one row, with or without the command at its end; None for another line."""
    match = _ROW.fullmatch(row)
    if match is None:
        return None
    name, id_, state, host, pid, began, ended, code, job, session, command = match.groups()
    leader, started = number(pid), epoch(began)
    if leader is None or started is None:
        return None
    return Run(
        name, id_, state, NodeName.parse(host), leader, started, epoch(ended), number(code), JobId.parse(job),
        "" if session == "-" else session, (command or "").strip(),
    )  # fmt: skip


_ROW = re.compile(
    r"([A-Za-z0-9_-]{1,100}) ([0-9a-f]{16}) (running|ended|lost|elsewhere) (\S+) ([0-9]{1,10}) ([0-9]{1,12})"
    r" ([0-9]{1,12}|-) ([0-9]{1,3}|-) (\S+) (\S+)(?: (.*))?",
    re.DOTALL,
)
_LONGEST_NAME = 100


def check_name(name: str) -> None:
    """Raise LnodeError(USAGE) for a name that no run can have.

    The name is that of a folder; lnode uses `NAME.new` and `NAME.1` beside it.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name) or len(name) > _LONGEST_NAME:
        hint = f"use letters, digits, - and _, at most {_LONGEST_NAME} of them"
        raise LnodeError(ExitCode.USAGE, f"a run cannot be called {name!r}", hint)


def whereabouts(run: Run) -> str:
    """Return the state in one clause: `runs on login1`; `ended after 3 h with exit code 1`."""
    if run.state == "running":
        return f"runs on {run.place}" + (f" in the allocation of {run.session}, job {run.job}" if run.job else "")
    if run.state == "elsewhere":
        return f"was started on {run.place}; only that login node knows if it still runs"
    if run.code is None or run.ended is None:
        return f"is gone without an exit code: it was killed, or {run.place} was restarted"
    return f"ended after {in_words(max(0, run.ended - run.started))} {outcome(run.code)}"


_SIGNALLED = 128  # sh(1): the exit code after a signal is 128 and its number


def outcome(code: int) -> str:
    """Return `with exit code 1` or `by signal 15`."""
    return f"by signal {code - _SIGNALLED}" if code > _SIGNALLED else f"with exit code {code}"
