"""A process that was started without protection: how lnode can save it, and the commands that you can type yourself."""

import binascii
import re
import shlex
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from lnode.remote.fields import Word, number, typed

_CUT = 3900  # characters of a command; rescue.sh sends no more than 4000


class Fate(Enum):
    """TAKE: reptyr can bring the process into a session. SAFE: no need. BY_HAND: only its own shell can free it."""

    TAKE = auto()
    SAFE = auto()
    BY_HAND = auto()


class RescueProcess(NamedTuple):
    """The facts of rescue.sh about one of your processes. `command` are its words, `state` is ps's STAT.

    `job` is its process group, by which a shell knows it; `others` are in the same group. `shell` is the shell that
    started the job, or empty. `immune`: it ignores hangups. `session` and `screen`: it is in a tmux or screen.
    `piped`: it prints to an ssh that waits for it, without a terminal. `at_logout`: systemd ends it with its login.
    """

    command: tuple[str, ...]
    tty: str
    state: str
    job: int
    others: int
    immune: bool
    shell: str
    session: str
    screen: bool
    piped: bool
    reptyr: bool
    permitted: bool
    tmux: bool
    is_taken: bool
    at_logout: bool = False


def parse(rows: Iterable[str]) -> RescueProcess | str:
    """Return the facts, or the reason why there are none: "gone" or "not yours"."""
    facts = {name: value for row in rows for name, _, value in [row.partition(" ")]}
    if not facts.get("uid"):
        return "gone"
    if facts.get("mine") != "yes":
        return "not yours"
    return RescueProcess(
        command=_words(facts.get("command", "")),
        tty=_tty(facts.get("tty", "")),
        state=facts.get("state", ""),
        job=_number(facts.get("job", "")),
        others=_number(facts.get("others", "")),
        immune=facts.get("immune") == "yes",
        shell=Word.parse(facts.get("shell", "")) or "",
        session=facts.get("session", ""),
        screen=facts.get("screen") == "yes",
        piped=facts.get("piped") == "yes",
        reptyr=facts.get("reptyr") == "yes",
        permitted=facts.get("permitted") == "yes",
        tmux=facts.get("tmux") == "yes",
        is_taken=facts.get("taken") == "yes",
        at_logout=facts.get("at_logout") == "yes",
    )


def _number(word: str) -> int:
    return number(word) or 0


def _tty(word: str) -> str:
    """Return the terminal's name (`pts/3`), "" for none, "?" for text that is unsafe beside commands that you copy."""
    return word if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,40}", word) else "?" if word else ""


def _words(encoded: str) -> tuple[str, ...]:
    try:
        text = binascii.a2b_base64(encoded).decode("utf-8", "backslashreplace")
    except ValueError:  # not base64, or not even ASCII
        return ()
    return tuple(text.rstrip("\0").split("\0")) if text else ()


def fate(process: RescueProcess) -> Fate:
    """Return how the process can be saved."""
    if process.session or process.screen:
        return Fate.SAFE
    if process.at_logout:
        return Fate.BY_HAND
    if (process.immune and process.tty) or not (process.tty or process.piped):
        return Fate.SAFE
    if process.piped:
        return Fate.BY_HAND
    if process.reptyr and process.permitted and process.tmux and not process.others:
        return Fate.TAKE
    return Fate.BY_HAND


def why_safe(process: RescueProcess, alias: str) -> str:
    """Return one clause that says why the process is safe."""
    if process.session:
        return f"is in the session {process.session} already: {typed(alias, process.session)}"
    if process.screen:
        return "is in a screen already, which keeps it"
    return "ignores hangups, so it goes on by itself" if process.immune else "has no terminal, so it goes on by itself"


def why_by_hand(process: RescueProcess) -> str:
    """Return one clause that says why lnode cannot bring the process into a session."""
    if process.at_logout:
        return "systemd ends it when you log out there (KillUserProcesses)"
    if process.piped:
        return "it prints into the ssh that started it, and has no terminal that could be another"
    if not process.tmux:
        return "there is no tmux"
    if not process.reptyr:
        return "there is no reptyr"
    if not process.permitted:
        return "one process may not take hold of another there (ptrace_scope)"
    many = "another process shares" if process.others == 1 else f"{process.others} others share"
    return f"{many} its job, and reptyr takes one alone"


def recipe(process: RescueProcess, alias: str) -> list[str]:
    """Return lines: the commands at the process's own terminal that let it outlive that terminal, and advice."""
    if process.at_logout:
        lines = ["it goes on as long as you stay logged in there"]
    elif process.piped:
        lines = ["it goes on until that ssh is gone and it prints a line: most programs end at that"]
    else:
        lines = [f"at its terminal ({process.tty}): {_let_go(process)}"]
        lines.append("what it has printed stays there; what it prints when that is gone is an error, of which many end")
    if process.command and sum(map(len, process.command)) < _CUT:
        lines.append(f"next time: lnode {alias} NAME --run -- {shlex.join(process.command)}")
    return lines


def _let_go(process: RescueProcess) -> str:
    in_front, stopped = "+" in process.state, process.state.startswith("T")
    ways = _IN_FRONT if in_front else _STOPPED if stopped else _BEHIND
    return ways.get(process.shell, ways["another"]).format(job=process.job, shell=process.shell)


# bash(1), zshbuiltins(1), fish's bg and disown, ksh(1). All but zsh know a job by the pid of its first process. zsh
# disowns the job that was stopped last, and after a bg that may be another job.
_IN_FRONT = {
    "bash": "Ctrl-Z, then bg; disown -h {job}",
    "zsh": "Ctrl-Z, then disown; kill -CONT -{job}",
    "fish": "Ctrl-Z, then bg {job}; disown {job}",
    "ksh": "Ctrl-Z, then bg; disown {job}",
    "": "Ctrl-Z, then bg; and where that is bash: disown -h {job}",
    "another": "Ctrl-Z, then bg",
}
_STOPPED = {
    "bash": "kill -CONT -{job}; disown -h {job}",
    "zsh": "kill -CONT -{job}; disown %N, where jobs -l has {job} as number N",
    "fish": "bg {job}; disown {job}",
    "ksh": "kill -CONT -{job}; disown {job}",
    "": "its shell is unknown; in bash, type: kill -CONT -{job}; disown -h {job}",
    "another": "bg %N, where jobs -l has {job} as number N",
}
_BEHIND = {
    "bash": "disown -h {job}",
    "zsh": "disown %N, where jobs -l has {job} as number N",
    "fish": "disown {job}",
    "ksh": "disown {job}",
    "": "its shell is unknown; in bash, type: disown -h {job}",
    "another": "nothing else to do: {shell} does not hang up programs in the background",
}
