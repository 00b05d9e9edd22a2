"""`lnode HOST NAME --kill`: end a session and give its allocation back, or end a run.

If a session and a run have the same name, lnode ends the session, and the question says that the run goes on.

The look, the question and the deed share one connection: one sign-in. The script waits on its standard input for the
ids that the question listed, so lnode ends exactly the jobs that you saw. With --yes the last line lists the same.
"""

import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from lnode.cluster import sessions, tmux_answers
from lnode.cluster.sessions import Entry, Picture
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.locate.find import asked, has_session, has_trace, no_session, no_tmux
from lnode.remote.fields import JobId, typed
from lnode.remote.reply import Reply
from lnode.runs import record
from lnode.runs.record import Run
from lnode.schedulers import known as schedulers_known
from lnode.schedulers.job import Job
from lnode.schedulers.scheduler import Scheduler
from lnode.ssh.question import Question
from lnode.ssh.target import Target


def kill(address: Address, *, yes: bool = False) -> ExitCode:
    """End the session and cancel its job, after your yes. Raises LnodeError if the session is still there."""
    alias, name, settings = address.alias, address.name, address.settings
    if not yes and not screen.can_ask():
        raise LnodeError(
            ExitCode.USAGE,
            "there is no terminal in which to confirm the kill",
            "confirm on the command line: --kill --yes",
        )
    values, has = (*tmux_answers.list_values(settings.tmux), name), partial(has_session, name)
    settles, left = partial(_has_run, name), partial(has_trace, name)
    with asked(address, "kill", *values, has=has, settles=settles, left=left) as (there, question, reply):
        picture, runs = sessions.picture_of(reply), record.parse_runs(reply.get("runs", ()))
        look, run, entry = _Look(question, there, picture, runs, yes=yes), _run_in(name, runs), picture.named(name)
        if entry is not None and entry.session.in_job:
            return _kill_in_job(look, entry, entry.session.in_job)
        if entry is not None:
            return _kill_session(look, entry, run)
        if lost := picture.lost_named(name):
            return _kill_lost(look, lost)
        if run is None:
            raise no_session(alias, name) if picture.tmux == "ok" else no_tmux(alias, picture.tmux, picture.tmux_says)
        if run.state != "elsewhere":
            return _kill_run(question, there, run, yes=yes)
        if run.host is None:
            raise _not_to_be_reached(run, alias)
    there = routes.to_node(address.target, run.host, routes.recall(alias).port(run.host), settings)
    with Question(there, "kill", *values) as question:
        with screen.waiting(f"asking {run.host} ..."):
            runs = record.parse_runs(question.reply().get("runs", ()))
        return _kill_run(question, there, _run_in(name, runs) or run, yes=yes)


class _Look(NamedTuple):
    """The picture and the runs of the login node, and the question that waits for your yes. `yes`: you have said it."""

    question: Question
    there: Target
    picture: Picture
    runs: tuple[Run, ...]
    yes: bool

    def confirm(self, asked: str, *, otherwise: str) -> bool:
        """Return whether you want that. If not, lnode says what stays."""
        return _is_agreed(asked, yes=self.yes, otherwise=otherwise)

    def runs_in(self, jobs: Sequence[Job]) -> list[str]:
        """Return a clause for the runs that end with these jobs, if there are any."""
        ids = {job.id for job in jobs}
        names = [run.name for run in self.runs if run.job in ids and run.state in ("running", "elsewhere")]
        them = "it" if len(ids) == 1 else "them"
        if len(names) == 1:
            return [f"the run {names[0]} ends with {them}"]
        return [f"the runs {', '.join(names)} end with {them}"] if names else []


def _kill_session(look: _Look, entry: Entry, run: Run | None) -> ExitCode:
    """End the session and cancel its jobs, after your yes. Raises LnodeError if something is left, or may be."""
    picture, there = look.picture, look.there
    alias, name, ending = there.alias, entry.session.name, entry.ending
    if not ending.is_known and picture.scheduler == "silent":
        raise _silent(there, name)
    if picture.is_twice(name):
        raise _twice(there, name)
    goes_on = [*_that_go_on(entry), *_orphans(picture, name)]
    if run and run.state == "running" and run.session != name and run.job not in {job.id for job in ending.jobs}:
        goes_on.append("the run of that name goes on")
    cancelled = [_in_words(ending.jobs, "is cancelled", "are cancelled")] if ending.jobs else []
    cancelled += look.runs_in(ending.jobs)
    another = "another job" if ending.jobs else "a job"
    unknown = [] if ending.is_known else [f"whether it has {another} is not known"]
    asked = f"end {name} on {alias}? it {sessions.whereabouts(entry)}"
    if not look.confirm("; ".join((asked, *unknown, *cancelled, *goes_on)), otherwise=f"{name} goes on"):
        return ExitCode.FAILED
    with screen.waiting(f"ending {name} ..."):
        after = look.question.do(_verdict(entry))
    _check_ended(after, there, name)
    scheduler = schedulers_known.scheduler(picture.system)
    _check_cancelled(after, there, scheduler, entry)
    ended = ", ".join((f"{name} on {alias} has ended", *cancelled))
    if unknown:
        left_jobs = f"see which jobs are left: ssh {alias} {scheduler.listing} {there.user}"
        left = "; ".join((ended, f"whether it had {another} is not known", *goes_on))
        raise LnodeError(ExitCode.FAILED, left, left_jobs)
    screen.say("; ".join((ended, *goes_on)))
    return ExitCode.DONE


def _kill_in_job(look: _Look, entry: Entry, job: JobId) -> ExitCode:
    """End the job in which the session lives, after your yes. Raises LnodeError if the job may go on."""
    alias, name, scheduler = look.there.alias, entry.session.name, schedulers_known.scheduler(look.picture.system)
    if look.picture.scheduler != "ok":
        hint = f"ask again later: {typed(alias, name)} --kill"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} {sessions.whereabouts(entry)}; nothing was ended", hint)
    cancelled = [f"job {job} is cancelled" if entry.job else "what its panes showed is removed"]
    cancelled += look.runs_in(entry.ending.jobs)
    none_follows = ["no job follows it"] if entry.session.kept_until else []
    asked = "; ".join((f"end {name} on {alias}? it {sessions.whereabouts(entry)}", *cancelled, *none_follows))
    if not look.confirm(asked, otherwise=f"{name} goes on" if entry.job else "nothing was removed"):
        return ExitCode.FAILED
    with screen.waiting(f"ending {name} ..."):
        after = look.question.do(f"in-job {job}")
    if "changed" in after:
        now = f"see what there is now, and ask again: lnode {alias} --ls"
        raise LnodeError(ExitCode.FAILED, f"another job than {job} has {name} by now; nothing was ended", now)
    if "left" not in after or after["left"]:
        left = [found for row in after.get("left", ()) if (found := JobId.parse(row))] or [job]
        has = f"job {left[0]} of {name} has" if len(left) == 1 else f"jobs {', '.join(left)} of {name} have"
        by_hand = f"end it by hand: ssh {alias} {scheduler.cancel} {' '.join(left)}"
        said = "\n".join(after.get("cancel", ()))
        raise LnodeError(ExitCode.FAILED, f"whether {has} ended is not known", by_hand, detail=said)
    if follows := JobId.parse(next(iter(after.get("follows", ())), "")):
        cancelled.append(f"job {follows}, which was to follow, is cancelled")
    screen.say(", ".join((f"{name} on {alias} has ended", *cancelled)))
    return ExitCode.DONE


def _kill_lost(look: _Look, lost: Entry) -> ExitCode:
    """Cancel the jobs that a lost session has left behind, after your yes. Raises LnodeError if one may be left."""
    alias, name, jobs = look.there.alias, lost.session.name, lost.ending.jobs
    cancelled = [_in_words(jobs, "is cancelled", "are cancelled") if jobs else "its job has ended already"]
    cancelled += look.runs_in(jobs)
    asked = "; ".join((f"end {name} on {alias}? it {sessions.whereabouts(lost)}", *cancelled))
    if jobs and not look.confirm(asked, otherwise=f"{name} goes on"):
        return ExitCode.FAILED
    with screen.waiting(f"ending {name} ..."):
        after = look.question.do(" ".join(("orphan", *(job.id for job in jobs))))
    _check_ended(after, look.there, name)
    _check_cancelled(after, look.there, schedulers_known.scheduler(look.picture.system), lost)
    screen.say(", ".join((f"{name} on {alias} has ended", *cancelled)))
    return ExitCode.DONE


def _is_agreed(asked: str, *, yes: bool, otherwise: str) -> bool:
    """True if you want that; else say what stays."""
    if yes or screen.confirm(asked):
        return True
    screen.say(otherwise)
    return False


def _orphans(picture: Picture, name: str) -> Iterator[str]:
    """Yield a clause for the jobs of an earlier session of that name."""
    jobs = [job for entry in picture.lost if entry.session.name == name for job in entry.ending.jobs]
    if jobs:
        yield _in_words(jobs, f"of an earlier {name} goes on", f"of an earlier {name} go on")


def _twice(there: Target, name: str) -> LnodeError:
    return LnodeError(
        ExitCode.FAILED,
        f"two tmux servers of yours on {there.alias} have a session {name}; nothing was ended",
        "give one of them another name, in a shell of that session: tmux rename-session",
    )


def _silent(there: Target, name: str) -> LnodeError:
    alone = f"{there.by_hand} tmux kill-session -t {shlex.quote(name)}"
    return LnodeError(
        ExitCode.FAILED,
        f"the scheduler of {there.alias} does not answer: the jobs of {name} are not known, and nothing was ended",
        f"ask again later, or end the session without its jobs: {alone}",
    )


def _check_ended(after: Reply, there: Target, name: str) -> None:
    """Raise LnodeError unless the session has ended."""
    alias = there.alias
    look = f"see what there is now, and ask again: lnode {alias} --ls"
    by_hand = f"end it by hand: {there.by_hand} tmux kill-session -t {shlex.quote(name)}"
    if "renamed" in after:
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} has got another name meanwhile; nothing was ended", look)
    if "twice" in after:
        raise _twice(there, name)
    if "changed" in after:
        raise LnodeError(
            ExitCode.FAILED, f"{name} on {alias} has asked for another job meanwhile; nothing was ended", look
        )
    if "silent" in after:
        unknown = f"tmux on {alias} cannot be asked, so whether {name} has ended is not known"
        raise LnodeError(ExitCode.FAILED, unknown, look, detail="\n".join(after["silent"]))
    if "left" not in after or after["left"]:
        said = "\n".join(after.get("said", ()))
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} is still there", by_hand, detail=said)


def _check_cancelled(after: Reply, there: Target, scheduler: Scheduler, entry: Entry) -> None:
    """Raise LnodeError unless the session's jobs have ended with it."""
    # kill-session alone frees what holds an interactive job, so the cancel may come too late, which is as good
    jobs, refusals = entry.ending.jobs, [row for row in after.get("cancel", ()) if not scheduler.harmless.search(row)]
    if jobs and refusals:
        left = "its job" if len(jobs) == 1 else "all of its jobs"
        by_hand = f"end it by hand: ssh {there.alias} {scheduler.cancel} {shlex.join(job.id for job in jobs)}"
        ended = f"{entry.session.name} has ended, but not {left}"
        raise LnodeError(ExitCode.FAILED, ended, by_hand, detail="\n".join(refusals))


def _that_go_on(entry: Entry) -> Iterator[str]:
    """Yield a clause for each thing that goes on after the session."""
    if entry.ending.shown_in:
        yield f"its windows are in {', '.join(entry.ending.shown_in)} too"
    if shared := [job for job in (entry.job, *entry.others) if job and job not in entry.ending.jobs]:
        yield _in_words(shared, "goes on", "go on")
    if len(entry.submitted) == 1:
        yield f"1 batch job that was submitted there goes on: {_named(entry.submitted[0])}"
    elif entry.submitted:
        names = [*map(_named, entry.submitted[:_SHOWN]), *(["..."] if len(entry.submitted) > _SHOWN else [])]
        yield f"{len(entry.submitted)} batch jobs that were submitted there go on: {', '.join(names)}"


def _in_words(jobs: Sequence[Job], one: str, more: str) -> str:
    """Return `job 7 (train) is cancelled`, or `jobs 7 (train), 8 (x) are cancelled`."""
    names = ", ".join(map(_named, jobs))
    return f"job {names} {one}" if len(jobs) == 1 else f"jobs {names} {more}"


def _named(job: Job) -> str:
    """Return the job's number and its name: several jobs may have the same name."""
    return f"{job.id} ({job.name[:_LONGEST_NAME]})" if job.name else job.id


_SHOWN = 5  # of the jobs that go on; those that are cancelled are all shown
_LONGEST_NAME = 40


def _run_in(name: str, runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if run.name == name), None)


def _has_run(name: str, reply: Reply) -> bool:
    return _run_in(name, record.parse_runs(reply.get("runs", ()))) is not None


def _verdict(entry: Entry) -> str:
    ids = (job.id for job in entry.ending.jobs)
    return " ".join((entry.session.id, *ids, "held", *map(str, entry.ending.held)))


def _kill_run(question: Question, there: Target, run: Run, *, yes: bool) -> ExitCode:
    """End every process of the run, after your yes. Raises LnodeError if a process is left."""
    alias = there.alias
    if run.state != "running":
        by_hand = f"its log is kept: lnode {alias} {run.name} --logs; remove it: ssh {alias} rm -r {_folder(run)}"
        if run.state == "elsewhere" and run.host is None:
            raise _not_to_be_reached(run, alias)
        if run.state == "elsewhere":
            by_hand = f"end it there: ssh -J {alias} {there.user}@{run.host} kill -- -{run.pid}"
        raise LnodeError(ExitCode.FAILED, f"{run.name} on {alias} {record.whereabouts(run)}", by_hand)
    asked = f"end {run.name} on {alias}? it {record.whereabouts(run)}"
    if not _is_agreed(asked, yes=yes, otherwise=f"{run.name} goes on"):
        return ExitCode.FAILED
    with screen.waiting(f"ending {run.name} ..."):
        reply = question.do(f"run {run.id}")
    after = next(iter(record.parse_runs(reply.get("stopped", ()))), run)
    if after.state == "running" or after.id != run.id:
        by_hand = f"end it by hand: {there.by_hand} kill -9 -- -{run.pid}"
        raise LnodeError(ExitCode.FAILED, f"{run.name} on {alias} is still there", by_hand)
    how = ", by KILL: it did not heed TERM for 8 s" if "killed" in reply else ""
    screen.say(f"{run.name} on {alias} has ended{how}; its log is kept: lnode {alias} {run.name} --logs")
    return ExitCode.DONE


def _not_to_be_reached(run: Run, alias: str) -> LnodeError:
    """Return the error for a run on a login node without a name: lnode cannot connect to that node."""
    look = f"see what is known of it: lnode {alias} --ls"
    return LnodeError(ExitCode.FAILED, f"{run.name} on {alias} {record.whereabouts(run)}", look)


def _folder(run: Run) -> str:
    return f".local/state/lnode/runs/{run.name}"
