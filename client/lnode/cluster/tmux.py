"""tmux(1) on the host: names, the command inside a session, the exit codes of the attach line."""

import re
from enum import IntEnum

from lnode.errors import ExitCode, LnodeError
from lnode.remote.fields import typed

# The section of a reply in which a script says that tmux gave no answer -> the word for it in `--json`: there is no
# tmux, its socket is gone, it refuses, or only a further server of yours does.
UNANSWERED = {"no-tmux": "missing", "lost-tmux": "lost", "refused-tmux": "refused", "unasked-tmux": "partly"}


class ExitOfAttach(IntEnum):
    """Exit code of the attach line (session.sh). The numbers are unusual: no failure of a shell looks like one.

    97 to 99 and 120 to 123: there is no such program, but a scheduler (schedulers/known.py).
    """

    UNSTORED = 96  # the script is not stored there any more, or not as it was
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
    ELSEWHERE = 112
    SOCKET_GONE = 113
    NO_FOLDER = 114
    CANNOT_ASK = 115
    JOB_REFUSED = 116
    ORPHANED = 117
    JOB_SILENT = 118
    JOB_ENDED = 119
    NO_BATCH = 124
    JOB_KEPT = 125


def is_creatable(name: str) -> bool:
    """True if every version of tmux keeps this name. tmux changes `.` and `:` into `_`, and expands `#{}` in `-s`."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name) is not None


def is_possible(name: str) -> bool:
    """True if a session made by hand can have this name. tmux never keeps `.`, `:` or a control character."""
    return bool(name) and not re.search(r"[.:\x00-\x1f\x7f-\x9f]", name)


def suggestion(name: str) -> str:
    """Return the nearest name that lnode can create."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "myproject"


def mangled(name: str) -> LnodeError:
    """Return the error for a name that not every tmux keeps as it is."""
    return LnodeError(
        ExitCode.USAGE,
        f"a session that lnode makes cannot be called {name!r}",
        f"use letters of ASCII, digits, - and _, as in: {suggestion(name)}",
    )


def literal(text: str) -> str:
    """Return text in which tmux expands nothing: no format, no time, no command, no control character."""
    return "".join(c if c.isprintable() and c not in "#%" else "_" for c in text)


def renewal(alias: str, name: str) -> str:
    """Return the command for another allocation in the same session, as you type it on the laptop."""
    return f"{typed(alias, name)} --renew"


def pane_command(request: str, how_it_ended: str, renew: str = "") -> str:
    """Return the command of a session with an allocation: the request, then a shell that says that the job has ended.

    request.sh gives it to the user's login shell, so the rest is one word list for sh, csh and fish alike: no `!`, no
    backslash, no quote inside the quotes. It replaces the shell, so `$$` is the pid of the pane. `how_it_ended` is sh
    that prints the job and its state (call.after_request). `renew` is the command of renewal().
    """
    typed = renew if re.fullmatch(r"[\w.@+ -]+", renew, re.ASCII) else "lnode HOST SESSION --renew"
    afterwards = _AFTERWARDS.replace("HOW_IT_ENDED", how_it_ended).replace("RENEWAL", typed)
    return f"{request}; exec /bin/sh -c '{afterwards}'"


# parse_panes reads the option: JOB STATE EPOCH. A job that is just ending has no last state yet, and may seem to run.
# The server's own program tells it, as in remote/parts/server.sh: PATH may have one of another version.
# A batch job is the request's only if there is no other, and not while it goes on: you may have submitted it.
# The note of the request (parts/requests.sh) is for a job that outlives it; one that has ended leaves none.
_AFTERWARDS = (
    "n=0; while set -- $(HOW_IT_ENDED); [ $n -lt 5 ] && case $2 in RUNNING) ;; *) false ;; esac; "
    "do n=$((n + 1)); sleep 1; done; "
    "note=$HOME/.local/state/lnode/requests/$(uname -n).$$; "
    "case $2 in RUNNING | COMPLETING | SILENT) state=- ;; *) state=${2:--} ;; esac; "
    'case $state in -) how= ;; *) how=" ($state)" ;; esac; '
    "case $2 in "
    'RUNNING | PENDING) said="the request has ended, and its job $1 goes on." ;; '
    'SILENT) said="the request has ended. Whether its job has, the scheduler does not say." ;; '
    '*) rm -f $note; said="${1:+job }${1:-the request}$how has ended." ;; esac; '
    "t=${TMUX#*,}; t=/proc/${t%%,*}/exe; case $(readlink $t) in *tmux*) ;; *) t=tmux ;; esac; "
    '$t set-option -t "$TMUX_PANE" @lnode_ended "${1:--} $state $(date +%s)" 2>/dev/null; '
    'if [ "$($t show-options -v @lnode_renewed 2>/dev/null)" = "$TMUX_PANE" ]; then '
    "$t set-option -u @lnode_renewed 2>/dev/null; fi; "
    'echo; echo "lnode: $said This shell is on the login node $(uname -n), on no compute node."; '
    'echo "lnode: a new allocation in this session, from your laptop: RENEWAL"; echo; '
    'exec "${SHELL:-/bin/sh}" -l'
)


def program_of(request: str) -> str:
    """Return the program of a request, if its first word clearly is one; else "" (assignments, builtins)."""
    word = request.split(maxsplit=1)[0] if request.strip() else ""
    return word if re.fullmatch(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]*", word) and word not in _SHELL_WORDS else ""


# Words of some login shell that /bin/sh, which looks for the program, need not know
_SHELL_WORDS = {
    ".", "alias", "builtin", "cd", "command", "eval", "exec", "export", "for", "if", "limit", "ml", "module", "set",
    "setenv", "source", "time", "ulimit", "umask", "unset", "unsetenv", "while",
}  # fmt: skip
