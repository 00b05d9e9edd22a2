"""`lnode HOST [NAME] --rescue PID`: make what can be made of a process that was started without protection.

reptyr brings it into a session where that is installed and permitted; else what to type at its terminal is said. What
it has printed so far is nobody's to bring back.
"""

from lnode import rescue, screen, tmux
from lnode.ask import Question
from lnode.errors import ExitCode, LnodeError
from lnode.reply import visible
from lnode.rescue import Fate, Process
from lnode.settings import Request
from lnode.target import Target

_LAST = 1 << 22  # Linux's largest pid


def save(target: Target, name: str | None, request: Request, *, pid: int) -> ExitCode:
    """Do it, or say how; 0 where it is safe now. Raises LnodeError."""
    alias, name = target.alias, name or f"rescued-{pid}"
    if not 1 < pid <= _LAST:
        raise LnodeError(
            ExitCode.USAGE, f"{pid} is no process", f"find its number: ssh {alias} ps -u \\$USER -o pid,tty,args"
        )
    if not tmux.is_creatable(name):
        raise LnodeError(ExitCode.USAGE, f"a session cannot be called {name!r}", f"as in: {tmux.suggestion(name)}")
    with Question(target, "rescue", request.tmux, str(pid), name) as question:
        with screen.waiting(f"asking {alias} ..."):
            reply = question.reply()
        host = visible(next(iter(reply.get("host", ())), alias))
        process = rescue.parse(reply.get("facts", ()))
        if not isinstance(process, Process):
            who = "there is no process" if process == "gone" else "somebody else's is process"
            raise LnodeError(
                ExitCode.FAILED, f"{who} {pid} on {host}", f"see yours: ssh {alias} ps -u \\$USER -o pid,tty,args"
            )
        found = rescue.fate(process)
        if found is Fate.SAFE:
            screen.say(f"{pid} on {host} {visible(rescue.why_safe(process, alias))}")
            return ExitCode.DONE
        if found is Fate.BY_HAND:
            return _by_hand(process, pid, alias, f"{pid} on {host} cannot be moved: {rescue.why_by_hand(process)}")
        if process.is_taken:
            raise LnodeError(
                ExitCode.FAILED,
                f"there is a session {name} on {alias} already",
                f"as in: lnode {alias} NAME --rescue {pid}",
            )
        question.tell("take")
        with screen.waiting(f"moving {pid} into {name} ..."):
            reply = question.reply()
    if "taken" not in reply:
        said = "; ".join(visible(row) for row in reply.get("failed", ()))
        return _by_hand(process, pid, alias, f"{pid} on {host} could not be moved: reptyr said: {said}")
    screen.say(
        f"{pid} is in {name} on {alias} now; what it had printed stays in its old terminal: lnode {alias} {name}"
    )
    return ExitCode.DONE


def _by_hand(process: Process, pid: int, alias: str, why: str) -> ExitCode:
    screen.say(why)
    for line in rescue.recipe(process, pid, alias):
        screen.say(visible(line))
    return ExitCode.FAILED
