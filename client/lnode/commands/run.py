"""`lnode HOST NAME --run -- COMMAND`: start a command that outlives its connection, with a log (like nohup).

Each word arrives as you typed it, as one argument of the command. No shell reads it again.
"""

import os
import shlex
from collections.abc import Sequence
from functools import partial

from lnode.cluster import tmux_answers
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.locate.find import asked, entry_of, has_session
from lnode.locate.held_job import held_job
from lnode.remote import call
from lnode.remote.reply import Reply
from lnode.runs import record
from lnode.ssh.question import Question

_LONGEST = 120_000  # bytes: the line is an argument of a shell, and so is the command: 128 KiB each (MAX_ARG_STRLEN)


def run(
    address: Address,
    *,
    command: Sequence[str],
    cwd: str | None = None,
    on: str | None = None,
    notify: bool = False,
) -> ExitCode:
    """Start the command. Raises LnodeError if it did not start."""
    target, name, settings = address.target, address.name, address.settings
    record.check_name(name)
    if on == "":
        raise LnodeError(
            ExitCode.USAGE, "--on needs the name of a session", f"what runs there: lnode {target.alias} --ls"
        )
    values = (
        name,
        call.run_id(),
        settings.cwd if cwd is None else cwd,
        shlex.join(command),
        on or "",
        target.alias,
        call.source("keeper"),
    )
    script, all_values = ("run_on", (*tmux_answers.list_values(settings.tmux), *values)) if on else ("run", values)
    line = call.question(script, call.nonce(), *all_values)
    if max(len(line), len(os.fsencode(shlex.join(command)))) > _LONGEST:
        raise LnodeError(ExitCode.USAGE, "the command is too long", "put it into a script there, and run that")
    if on:
        has = partial(has_session, on)
        with asked(address._replace(session=on), script, *all_values, has=has) as (_, question, picture):
            job = _job(target.alias, picture, on)
            with screen.waiting(f"starting {name} ..."):
                reply = question.do(job, settings.push)
    else:
        with Question(target, script, *all_values) as question, screen.waiting(f"asking {target.alias} ..."):
            question.reply()
            reply = question.do("start", settings.push)
    started = record.parse_runs(reply.get("started", ()))
    if not started:
        raise _refusal(target.alias, name, command, reply)
    screen.say(f"{name} {record.whereabouts(started[0])}; its log: lnode {target.alias} {name} --logs -f")
    _say_unsent(target.alias, reply)
    if not notify:
        return ExitCode.DONE
    from lnode.runs import ending

    return ending.wait(address)


def _say_unsent(alias: str, reply: Reply) -> None:
    """Say if your phone will get no message."""
    if "no-poster" in reply or "no-push" in reply:
        from lnode.attach import phone

        screen.say((phone.NO_POSTER if "no-poster" in reply else phone.UNWRITABLE).format(alias=alias))


def _job(alias: str, reply: Reply, session: str) -> str:
    """Return the job of the session, in which the run will start. Raises LnodeError if there is none."""
    from lnode.cluster import sessions

    picture = sessions.picture_of(reply)
    instead = "type it into the session instead: --send, or without --on it runs on the login node"
    return held_job(picture, entry_of(picture, alias, session), alias, instead=instead)


def _refusal(alias: str, name: str, command: Sequence[str], reply: Reply) -> LnodeError:
    """Return the error that says why the command did not start."""
    rows = next((rows for section, rows in reply.items() if section in _REFUSALS), ())
    run = record.parse_run(rows[0]) if rows else None
    code, message, hint = next((_REFUSALS[section] for section in reply if section in _REFUSALS), _UNSAID)
    if "no-program" in reply and len(command) == 1 and any(c in _OF_A_SHELL for c in command[0]):
        hint = "the words behind -- are a program and its arguments, and for a shell: --run -- sh -c {words}"
    facts = {
        "alias": alias, "name": name, "program": command[0], "words": shlex.quote(command[0]),
        "where": record.whereabouts(run) if run else "",
    }  # fmt: skip
    detail = "" if run else "\n".join(rows)
    return LnodeError(code, message.format(**facts), hint.format(**facts), detail=detail)


_OF_A_SHELL = " |&;<>()$`\"'*?~"
_UNSAID = (ExitCode.FAILED, "{alias} did not say whether {name} runs", "look: lnode {alias} --ls")

_REFUSALS: dict[str, tuple[ExitCode, str, str]] = {
    "unwritable": (
        ExitCode.FAILED, "cannot write a log in your home on {alias}; nothing was started",
        "see whether it is full or read-only: ssh {alias} df -h .; quota"),
    "distrusted": (
        ExitCode.FAILED, "another user can write to ~/.local/state/lnode on {alias}, so nothing was started",
        "move away what is not yours there: ssh {alias} ls -la .local/state/lnode"),
    "no-folder": (
        ExitCode.USAGE, "cannot enter that folder on {alias}; nothing was started",
        "--cwd is a folder there, as in: --cwd '~/project'"),
    "no-setsid": (
        ExitCode.MISSING_THERE, "there is no setsid on {alias}, so nothing was started",
        "it comes with util-linux; without it use a session: lnode {alias} {name} --login"),
    "no-step": (
        ExitCode.MISSING_THERE, "no program on {alias} starts a step in the allocation, so nothing was started",
        "without --on it runs on the login node"),
    "no-program": (
        ExitCode.MISSING_THERE, "there is no {program} on {alias}, so nothing was started",
        "it is looked for as after a login: ssh {alias}"),
    "running": (
        ExitCode.FAILED, "there is a {name} on {alias} already: it {where}",
        "take another name, or end it first: lnode {alias} {name} --kill"),
    "elsewhere": (
        ExitCode.FAILED, "there is a {name} on {alias} already: it {where}",
        "take another name, or end it first: lnode {alias} {name} --kill"),
    "other-cluster": (
        ExitCode.FAILED, "another cluster that shares this home has a run {name}; nothing was started",
        "take another name: lnode {alias} OTHER --run ..."),
    "starting": (
        ExitCode.FAILED, "{name} on {alias} is just being started", "look in a minute: lnode {alias} --ls"),
    "not-started": (
        ExitCode.FAILED, "the login shell on {alias} did not come so far as to start {name}",
        "see what keeps it: ssh {alias}"),
}  # fmt: skip
