"""tmux(1) on the host: names, the command inside a session, the exit codes of the attach line, its records.

Fields of a record are separated by spaces and the free text comes last: without `-u` in a C locale tmux prints a tab
as `_` (seen in 3.3a), and its names never hold a newline or a control character (session_check_name).
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

PANES_FORMAT = (
    "#{session_id} #{session_created} #{session_activity} #{session_attached} #{pane_pid} "
    "k#{@lnode_kind} #{session_name}"
)


class Left(IntEnum):
    """Exit code of the attach line (session.sh). Unusual numbers, so that no shell's own failure is taken for one."""

    DETACHED = 100
    ENDED = 101
    NO_SESSION = 102
    NO_TMUX = 103
    NO_PROGRAM = 104
    NAME_REFUSED = 105
    NOT_CREATED = 106
    NOT_ATTACHED = 107
    TAKEN_OVER = 108
    REBOOTED = 109
    SERVER_GONE = 110
    OTHER_NODE = 111


class Session(NamedTuple):
    """A tmux session. Times are seconds since the epoch on the host's clock.

    `pane_pids` are the first processes of its panes; `kind` is "node", "login", or "" for one made by hand.
    """

    id: str
    name: str
    created: int
    active: int
    attached: int
    pane_pids: tuple[int, ...]
    kind: str


def parse_panes(lines: Iterable[str]) -> tuple[Session, ...]:
    """Read `list-panes -a -F PANES_FORMAT`: one session for all its panes, in tmux's order; other lines are skipped."""
    found: dict[str, Session] = {}
    for row in lines:
        match = _PANE.fullmatch(row)
        if match is None:
            continue
        id_, created, active, attached, pid, kind, name = match.groups()
        before = found[id_].pane_pids if id_ in found else ()
        found[id_] = Session(id_, name, int(created), int(active or created), int(attached), (*before, int(pid)), kind)
    return tuple(found.values())


_PANE = re.compile(r"(\$\d{1,10}) (\d{1,12}) (\d{0,12}) (\d{1,6}) (\d{1,10}) k(node|login|) (.+)", re.DOTALL)

_CREATABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def is_creatable(name: str) -> bool:
    """Does tmux, of every version, keep this name as it is? `.` and `:` become `_`, `#{}` is expanded in `-s`."""
    return _CREATABLE.fullmatch(name) is not None


def is_possible(name: str) -> bool:
    """Can a session that somebody made by hand have this name? tmux never keeps `.`, `:` or a control character."""
    return bool(name) and not re.search(r"[.:\x00-\x1f\x7f-\x9f]", name)


def suggestion(name: str) -> str:
    """The nearest name that can be created."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "livenode"


def pane_command(request: str) -> str:
    """What a session with an allocation runs: the request, then a shell that says where it is.

    tmux gives it to the user's login shell, so the rest is one word list for sh, csh and fish alike: no `!`, no
    backslash, no quote inside the quotes. It replaces the shell, so `$$` is the pid of the pane, and Slurm's
    AllocSID of what was requested there (SLURM.md 2).
    """
    return f"{request}; exec /bin/sh -c '{_AFTERWARDS}'"


_AFTERWARDS = (
    "job=$(timeout 8 squeue -h -t all -u $(id -un) -O jobid:24,allocsid:24,state:24 2>/dev/null"
    ' | while read -r id sid state; do if [ "$sid" = $$ ]; then echo "job $id ($state)"; fi; done | tail -n 1); '
    'echo; echo "lnode: ${job:-the request} has ended. '
    'This shell is on the login node $(uname -n), on no compute node."; '
    'echo "lnode: leave it with exit; the next lnode asks for a new allocation."; echo; '
    'exec "${SHELL:-/bin/sh}" -l'
)


def program_of(request: str) -> str:
    """The program that a request starts with, if its first word is plainly one; else "" (assignments, builtins)."""
    word = request.split(maxsplit=1)[0] if request.strip() else ""
    return word if re.fullmatch(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]*", word) and word not in _SHELL_WORDS else ""


# Words of some login shell that /bin/sh, which looks for the program, need not know
_SHELL_WORDS = {
    ".", "alias", "builtin", "cd", "command", "eval", "exec", "export", "for", "if", "limit", "ml", "module", "set",
    "setenv", "source", "time", "ulimit", "umask", "unset", "unsetenv", "while",
}  # fmt: skip
