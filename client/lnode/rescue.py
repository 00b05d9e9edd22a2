"""A process that was started without protection: what can be made of it, and what to type where nothing can be."""

import binascii
import shlex
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

_CUT = 3900  # characters of a command; rescue.sh sends no more than 4000


class Fate(Enum):
    """TAKE: reptyr can bring it into a session. SAFE: it needs nothing. BY_HAND: only its own shell can let it go."""

    TAKE = auto()
    SAFE = auto()
    BY_HAND = auto()


class Process(NamedTuple):
    """What rescue.sh says of a process of this user's. `command` are its words, `state` is ps's STAT.

    `others` share its process group; `immune`: it ignores hangups; `session` and `screen`: it is in a tmux or screen.
    """

    command: tuple[str, ...]
    tty: str
    state: str
    others: int
    immune: bool
    shell: str
    session: str
    screen: bool
    reptyr: bool
    permitted: bool
    tmux: bool
    is_taken: bool


def parse(rows: Iterable[str]) -> Process | str:
    """Read the facts, or why there is nothing to be done: "gone" or "not yours"."""
    facts = {name: value for row in rows for name, _, value in [row.partition(" ")]}
    if not facts.get("uid"):
        return "gone"
    if facts.get("mine") != "yes":
        return "not yours"
    return Process(
        command=_words(facts.get("command", "")),
        tty=facts.get("tty", ""),
        state=facts.get("state", ""),
        others=int(facts["others"]) if facts.get("others", "").isdecimal() else 0,
        immune=facts.get("immune") == "yes",
        shell=facts.get("shell", ""),
        session=facts.get("session", ""),
        screen=facts.get("screen") == "yes",
        reptyr=facts.get("reptyr") == "yes",
        permitted=facts.get("permitted") == "yes",
        tmux=facts.get("tmux") == "yes",
        is_taken=facts.get("taken") == "yes",
    )


def _words(encoded: str) -> tuple[str, ...]:
    try:
        text = binascii.a2b_base64(encoded).decode("utf-8", "backslashreplace")
    except binascii.Error:
        return ()
    return tuple(text.rstrip("\0").split("\0")) if text else ()


def fate(process: Process) -> Fate:
    """What is to become of it."""
    if process.session or process.screen or process.immune or not process.tty:
        return Fate.SAFE
    if process.reptyr and process.permitted and process.tmux and not process.others:
        return Fate.TAKE
    return Fate.BY_HAND


def why_safe(process: Process, alias: str) -> str:
    """One clause, of what needs nothing."""
    if process.session:
        return f"is in the session {process.session} already: lnode {alias} {shlex.quote(process.session)}"
    if process.screen:
        return "is in a screen already, which keeps it"
    return "ignores hangups, so it goes on by itself" if process.immune else "has no terminal, so it goes on by itself"


def why_by_hand(process: Process) -> str:
    """One clause: why it cannot be brought into a session."""
    if not process.tmux:
        return "there is no tmux"
    if not process.reptyr:
        return "there is no reptyr"
    if not process.permitted:
        return "one process may not take hold of another there (ptrace_scope)"
    many = "another process shares" if process.others == 1 else f"{process.others} others share"
    return f"{many} its job, and reptyr takes one alone"


def recipe(process: Process, pid: int, alias: str) -> list[str]:
    """What to type at its own terminal so that it outlives that, and what to do next time; a line each."""
    lines = [f"at its terminal ({process.tty}): {_let_go(process, pid)}"]
    lines.append("what it has printed stays there, and what it prints when that terminal is gone is lost")
    if process.command and sum(map(len, process.command)) < _CUT:
        lines.append(f"next time: lnode {alias} NAME --run -- {shlex.join(process.command)}")
    return lines


def _let_go(process: Process, pid: int) -> str:
    stopped = {"S": "", "T": "bg; "}.get(process.state[:1], "")
    if "+" in process.state:
        return "; ".join(("Ctrl-Z, then bg", *_AFTER_BG.get(process.shell, ())))
    if process.shell == "zsh":
        return f"{stopped}disown %N, where jobs -l has {pid} as number N"
    if process.shell in _AFTER_BG:
        return f"{stopped}disown {'-h ' if process.shell == 'bash' else ''}{pid}"
    if not process.shell:
        return f"what its shell is nobody knows; in bash it is: disown -h {pid}"
    return f"{stopped}nothing more: {process.shell} hangs up nobody who is in the background"


# bash(1), zshbuiltins(1), fish's disown(1), ksh93's disown: the job that was stopped last.
_AFTER_BG = {"bash": ("disown -h",), "zsh": ("disown",), "fish": ("disown",), "ksh": ("disown",)}
