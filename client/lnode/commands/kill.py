"""`lnode HOST SESSION --kill`: end a session and give its allocation back.

One connection for the look, the question to the person and the deed: one sign-in. The script waits on its standard
input for the ids that the person saw, so what is ended is what was shown.
"""

import re

from lnode import screen, sessions
from lnode.ask import Question
from lnode.commands.attach import find, no_session, no_tmux
from lnode.errors import ExitCode, LnodeError
from lnode.schedulers import SCHEDULERS
from lnode.sessions import Entry
from lnode.settings import Request
from lnode.target import Target


def kill(target: Target, name: str, request: Request, *, yes: bool) -> ExitCode:
    """End the session and cancel the job tied to it, after a yes. Raises LnodeError where it is still there."""
    alias = target.alias
    if not yes and not screen.can_ask():
        raise LnodeError(ExitCode.USAGE, "nobody is here to confirm the kill", "say it in so many words: --kill --yes")
    ended = _kill_on(target, name, request, yes=yes)
    if ended is None and (owner := find(target, name, request)):
        ended = _kill_on(owner, name, request, yes=yes)
    if ended is None:
        raise no_session(alias, name)
    return ended


def _kill_on(target: Target, name: str, request: Request, *, yes: bool) -> ExitCode | None:
    """The same on the login node where the target leads, None where there is no such session."""
    alias = target.alias
    with Question(target, "kill", *sessions.list_values(request.tmux), name) as question:
        with screen.waiting(f"asking {alias} ..."):
            picture = sessions.picture_of(question.reply())
        if not picture.has_tmux:
            raise no_tmux(alias)
        entry = picture.named(name)
        if entry is None:
            return None
        if not yes and not screen.confirm(f"end {name} on {alias}? it {sessions.whereabouts(entry)}"):
            screen.say(f"{name} goes on")
            return ExitCode.FAILED
        question.tell(_verdict(entry))
        with screen.waiting(f"ending {name} ..."):
            reply = question.reply()
    if "renamed" in reply:
        now = f"see what it is called now: lnode {alias} --ls"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} has got another name meanwhile; nothing was ended", now)
    if "left" not in reply or reply["left"]:
        by_hand = f"end it by hand: ssh {alias} tmux kill-session -t {name}"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} is still there", by_hand)
    refusals = [row for row in reply.get("cancel", ()) if not _HARMLESS.search(row)]
    if entry.job and refusals:
        by_hand = f"end it by hand: ssh {alias} {SCHEDULERS[picture.system].cancel} {entry.job.id}"
        raise LnodeError(ExitCode.FAILED, f"{name} has ended, but not its job", by_hand, detail="\n".join(refusals))
    screen.say(f"{name} on {alias} has ended" + (f", job {entry.job.id} is cancelled" if entry.job else ""))
    return ExitCode.DONE


# kill-session alone frees what salloc, srun, qsub -I and so on hold, so the cancel may come too late, which is as good.
# And LSF and Grid Engine say so where it came in time.
_HARMLESS = re.compile(
    r"already complet|Invalid job id|Unknown Job Id|has finished|already finished|does not exist|is being terminated"
    r"|has deleted job|has registered the job|already in deletion|No matching job found"
)


def _verdict(entry: Entry) -> str:
    return " ".join(filter(None, (entry.session.id, entry.job.id if entry.job else "")))
