"""`lnode HOST SESSION --renew [--early]`: another allocation in the same session, with its history and its folder.

The look and the deed share one connection. lnode never adds a second request to one that exists, or may exist. The
request goes into the active pane if that is a shell at its prompt, else into a new window.
"""

import os
from functools import partial

from lnode.attach import find_or_start
from lnode.attach.find_or_start import Options
from lnode.cluster import sessions, tmux, tmux_answers
from lnode.cluster.sessions import Entry, State
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.locate.find import asked, entry_of, has_session, has_trace
from lnode.remote import call
from lnode.remote.fields import JobId, typed
from lnode.schedulers.job import left_in_words


def renew(address: Address, *, early: bool = False, verbose: bool = False) -> ExitCode:
    """Ask for the allocation, then attach if there is a terminal and the old one has ended. Raises LnodeError."""
    if job := _ask(address, early=early):
        return find_or_start.attach(address.with_master(), Options(verbose=verbose, restores=job))
    if early or not (screen.can_ask() and screen.is_terminal()):
        return ExitCode.DONE
    return find_or_start.attach(address.with_master(), Options(existing=True, verbose=verbose))


def _ask(address: Address, *, early: bool) -> str:
    """Request the allocation, and tell you in which window. Raises LnodeError if there is or may be one already.

    Return "", or the job in which the session has lived, if that has ended: then nothing is requested yet.
    """
    alias, name, settings = address.alias, address.name, address.settings
    wanted = settings.filled()
    command = call.in_pane(tmux.pane_command(wanted, call.after_request(), tmux.renewal(alias, name)), name)
    program = tmux.program_of(wanted)
    size = tuple(map(str, screen.size())) if os.isatty(1) else ("", "")
    values = (*tmux_answers.list_values(settings.tmux), name, command, program, *size)
    has, left = partial(has_session, name), partial(has_trace, name)
    with asked(address, "renew", *values, has=has, left=left) as (_, question, reply):
        picture = sessions.picture_of(reply)
        if lost := picture.lost_named(name):
            raise _is_lost(lost, alias)
        entry = entry_of(picture, alias, name)
        if entry.session.in_job and (early or entry.state is State.ENDED):
            return _ended_job(entry, entry.session.in_job, alias, early=early)
        _refuse(entry, alias, early=early)
        granted = entry.job.sid if entry.job else 0
        with screen.waiting(f"asking for an allocation in {name} ..."):
            after = question.do(f"{entry.session.id} {'behind' if early else 'pane'} {granted}")
    started = next(iter(after.get("started", ())), "")
    if "no-program" in after:
        raise LnodeError(
            ExitCode.MISSING_THERE,
            f"there is no {program} on {alias}, so nothing was started",
            f"see what it has, and a command for config.toml: lnode {alias} --setup",
            page=Page.SETTINGS,
        )
    if "asked" in after:
        look = f"see how far it is: {typed(alias, name)}"
        raise LnodeError(ExitCode.FAILED, f"{name} on {alias} is asking for an allocation already", look)
    if not started:
        raise LnodeError(
            ExitCode.FAILED,
            f"nothing was started in {name} on {alias}",
            f"see what is there: lnode {alias} --ls",
            detail="\n".join(after.get("failed", ())),
        )
    where = (
        "in its pane" if started == "pane" else "in a new window, as it was at work" if not early else "in a new window"
    )
    what = "asks for its next allocation" if early else "asks for another allocation"
    screen.say(f"{name} on {alias} {what} {where}")
    return ""


def _ended_job(entry: Entry, job: JobId, alias: str, *, early: bool) -> JobId:
    """Return the job, if its session can be put back in another one. Raises LnodeError."""
    name = entry.session.name
    if early:
        raise LnodeError(
            ExitCode.USAGE, f"{name} lives in job {job}, and a session cannot change its job while that runs",
            f"let another job follow it: {typed(alias, name)} --keep TIME",
        )  # fmt: skip
    if not (screen.can_ask() and screen.is_terminal()):
        raise LnodeError(
            ExitCode.USAGE, f"{name} starts in a job of its own, for which lnode waits in a terminal",
            f"type it in a terminal: {typed(alias, name)} --renew",
        )  # fmt: skip
    return job


def _is_lost(lost: Entry, alias: str) -> LnodeError:
    """Return the error for a session that is gone: a job that goes on without it needs no successor."""
    name, whereabouts = lost.session.name, sessions.whereabouts(lost)
    hint = f"bring it back: {typed(alias, name)}" if lost.job else f"start it again: {typed(alias, name)}"
    return LnodeError(ExitCode.NO_SESSION, f"{name} {whereabouts}; nothing was asked", hint)


def _refuse(entry: Entry, alias: str, *, early: bool) -> None:
    name, job = entry.session.name, entry.job
    look = f"look at it: {typed(alias, name)}"
    if entry.state is State.RUNNING and job is not None:
        if entry.successor:
            raise LnodeError(ExitCode.FAILED, f"the successor of {name} waits already, job {entry.successor.id}", look)
        if not early:
            left = left_in_words(job)
            held = f"{name} still holds job {job.id}" + (f", {left}" if left else "")
            in_job = f"let another job follow it: {typed(alias, name)} --keep TIME"
            successor = f"queue its successor: {typed(alias, name)} --renew --early"
            raise LnodeError(ExitCode.FAILED, held, in_job if entry.session.in_job else successor)
    elif entry.state is State.WAITING and job is not None:
        raise LnodeError(ExitCode.FAILED, f"{name} waits already, job {job.id}", look)
    elif entry.state is State.ENDING:
        again = f"in some seconds, once more: {typed(alias, name)} --renew"
        raise LnodeError(ExitCode.FAILED, f"the allocation of {name} is only just ending", again)
    elif entry.state is State.UNKNOWN:
        raise LnodeError(
            ExitCode.FAILED, f"whether {name} holds an allocation is not known, so nothing was asked", look
        )
    elif entry.session.kind == "login":
        start = f"start another one: lnode {alias} NAME"
        raise LnodeError(ExitCode.USAGE, f"{name} is a plain session, which has no allocation", start)
    elif early:
        raise LnodeError(
            ExitCode.FAILED, f"{name} holds no allocation now", f"ask for one: {typed(alias, name)} --renew"
        )
