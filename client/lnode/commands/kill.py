"""`lnode HOST NAME --kill`: end a session and give its allocation back, or end a run.

Where both have the name it is the session that is meant, and the question says that the run goes on.

One connection for the look, the question to the person and the deed: one sign-in. The script waits on its standard
input for the ids that the person saw, so what is ended is what was shown.
"""

import re
import shlex
from functools import partial

from lnode import routes, runs, screen, sessions
from lnode.ask import Question
from lnode.commands.asking import Reply, asked, has_session, no_session, no_tmux
from lnode.errors import ExitCode, LnodeError
from lnode.runs import Run
from lnode.schedulers import SCHEDULERS
from lnode.sessions import Entry
from lnode.settings import Request
from lnode.target import Target


def kill(target: Target, name: str, request: Request, *, yes: bool) -> ExitCode:
    """End the session and cancel the job tied to it, after a yes. Raises LnodeError where it is still there."""
    alias = target.alias
    if not yes and not screen.can_ask():
        raise LnodeError(ExitCode.USAGE, "nobody is here to confirm the kill", "say it in so many words: --kill --yes")
    values, has = (*sessions.list_values(request.tmux), name), partial(has_session, name)
    with asked(target, name, request, "kill", *values, has=has, settles=partial(_has_run, name)) as (
        there,
        question,
        reply,
    ):
        picture, run = sessions.picture_of(reply), _run_in(name, reply)
        entry = picture.named(name)
        if entry is not None:
            return _kill_session(question, there, picture.system, entry, run, yes=yes)
        if run is None:
            raise no_session(alias, name) if picture.tmux == "ok" else no_tmux(alias, picture.tmux)
        if run.state != "elsewhere":
            return _kill_run(question, there, run, yes=yes)
        if run.host is None:
            raise _not_to_be_reached(run, alias)
    there = routes.to_node(target, run.host, routes.recall(alias).port(run.host), request)
    with Question(there, "kill", *values) as question:
        with screen.waiting(f"asking {run.host} ..."):
            reply = question.reply()
        return _kill_run(question, there, _run_in(name, reply) or run, yes=yes)


def _kill_session(
    question: Question, there: Target, system: str, entry: Entry, run: Run | None, *, yes: bool
) -> ExitCode:
    """End it and cancel its jobs, after a yes. Raises LnodeError where something is left."""
    alias, name = there.alias, entry.session.name
    besides = "; the run of that name goes on" if run and run.state == "running" and run.session != name else ""
    if not yes and not screen.confirm(f"end {name} on {alias}? it {sessions.whereabouts(entry)}{besides}"):
        screen.say(f"{name} goes on")
        return ExitCode.FAILED
    with screen.waiting(f"ending {name} ..."):
        after = question.do(_verdict(entry))
    if "renamed" in after:
        now = f"see what it is called now: lnode {alias} --ls"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} has got another name meanwhile; nothing was ended", now)
    if "left" not in after or after["left"]:
        by_hand = f"end it by hand: {there.by_hand} tmux kill-session -t {shlex.quote(name)}"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} is still there", by_hand)
    refusals = [row for row in after.get("cancel", ()) if not _HARMLESS.search(row)]
    if entry.job and refusals:
        by_hand = f"end it by hand: ssh {alias} {SCHEDULERS[system].cancel} {shlex.quote(entry.job.id)}"
        raise LnodeError(ExitCode.FAILED, f"{name} has ended, but not its job", by_hand, detail="\n".join(refusals))
    cancelled = f", job {entry.job.id} is cancelled" if entry.job else ""
    screen.say(f"{name} on {alias} has ended{cancelled}{besides}")
    return ExitCode.DONE


def _run_in(name: str, reply: Reply) -> Run | None:
    return next((run for run in runs.parse_runs(reply.get("runs", ())) if run.name == name), None)


def _has_run(name: str, reply: Reply) -> bool:
    return _run_in(name, reply) is not None


# kill-session alone frees what salloc, srun, qsub -I and so on hold, so the cancel may come too late, which is as good.
# And LSF and Grid Engine say so where it came in time.
_HARMLESS = re.compile(
    r"already complet|Invalid job id|Unknown Job Id|has finished|already finished|does not exist|is being terminated"
    r"|has deleted job|has registered the job|already in deletion|No matching job found"
)


def _verdict(entry: Entry) -> str:
    return " ".join((entry.session.id, *(job.id for job in (entry.job, *entry.others) if job)))


def _kill_run(question: Question, there: Target, run: Run, *, yes: bool) -> ExitCode:
    """End every process of the run, after a yes. Raises LnodeError where something is left."""
    alias = there.alias
    if run.state != "running":
        by_hand = f"its log is kept: lnode {alias} {run.name} --logs; remove it: ssh {alias} rm -r {_folder(run)}"
        if run.state == "elsewhere" and run.host is None:
            raise _not_to_be_reached(run, alias)
        if run.state == "elsewhere":
            by_hand = f"end it there: ssh -J {alias} {there.user}@{run.host} kill -- -{run.pid}"
        raise LnodeError(ExitCode.FAILED, f"{run.name} on {alias} {runs.whereabouts(run)}", by_hand)
    if not yes and not screen.confirm(f"end {run.name} on {alias}? it {runs.whereabouts(run)}"):
        screen.say(f"{run.name} goes on")
        return ExitCode.FAILED
    with screen.waiting(f"ending {run.name} ..."):
        reply = question.do(f"run {run.id}")
    after = next(iter(runs.parse_runs(reply.get("stopped", ()))), run)
    if after.state == "running" or after.id != run.id:
        by_hand = f"end it by hand: {there.by_hand} kill -9 -- -{run.pid}"
        raise LnodeError(ExitCode.FAILED, f"{run.name} on {alias} is still there", by_hand)
    how = ", by KILL: it did not heed TERM for 8 s" if "killed" in reply else ""
    screen.say(f"{run.name} on {alias} has ended{how}; its log is kept: lnode {alias} {run.name} --logs")
    return ExitCode.DONE


def _not_to_be_reached(run: Run, alias: str) -> LnodeError:
    """Return the error for a run on a login node without a name: no way leads there."""
    look = f"see what is known of it: lnode {alias} --ls"
    return LnodeError(ExitCode.FAILED, f"{run.name} on {alias} {runs.whereabouts(run)}", look)


def _folder(run: Run) -> str:
    return f".local/state/lnode/runs/{run.name}"
