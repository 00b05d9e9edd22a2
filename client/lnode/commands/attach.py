"""`lnode HOST [SESSION]`: attach to a session, or start it.

The terminal (`ssh -t`) is complete in itself: has-session, create, attach, and an exit code that says what
happened. Only it creates: what it starts has the user's agent socket, window size and environment from the first
pane on, and a second creator beside it would only race (DESIGN 4 let the link create too).
"""

import os
import signal

from lnode import causes, remote, screen, sshargs, supervisor, tmux
from lnode.errors import ExitCode, LnodeError
from lnode.settings import Request
from lnode.target import Target
from lnode.tmux import Left


def attach(
    target: Target, name: str, request: Request, *, login: bool, existing: bool, detach_others: bool, verbose: bool
) -> ExitCode:
    """Hand the terminal over to the session `name` until it is left. Raises LnodeError where that fails."""
    if not (os.isatty(0) and os.isatty(1)):
        raise LnodeError(
            ExitCode.USAGE,
            "attaching needs a terminal, and this is a pipe",
            f"run it in a terminal; for scripts there is: lnode {target.alias} --ls --json",
        )
    if not tmux.is_possible(name):
        raise _mangled(name)
    request_line = "" if login else request.filled()
    line = remote.line(
        "session",
        name,
        "existing" if existing else "create" if tmux.is_creatable(name) else "refuse",
        "detach" if detach_others else "keep",
        "login" if login else "node",
        tmux.pane_command(request_line) if request_line else "",
        tmux.program_of(request_line),
        remote.nonce(),
        request.tmux,
    )
    outcome = supervisor.attend(target, line, tmux_path=request.tmux)
    if verbose:
        screen.say(outcome.story)
    return _conclude(outcome, target, name, program=tmux.program_of(request_line))


def _conclude(outcome: supervisor.Outcome, target: Target, name: str, *, program: str) -> ExitCode:
    """Say in one line what was left running where, or raise what went wrong."""
    alias, status = target.alias, outcome.status
    if status == Left.DETACHED:
        from lnode import sessions

        entry = outcome.picture.named(name) if outcome.picture else None
        where = sessions.whereabouts(entry) if entry else f"keeps running on {alias}"
        screen.say(f"detached; {name} {where}")
        return ExitCode.DONE
    if status == Left.ENDED:
        screen.say(f"{name} on {alias} has ended")
        return ExitCode.DONE
    if status == -signal.SIGINT or outcome.stopped:
        return ExitCode.INTERRUPTED
    raise _failure(outcome, target, name, program)


def _failure(outcome: supervisor.Outcome, target: Target, name: str, program: str) -> LnodeError:
    alias, status = target.alias, outcome.status
    if status in _SENTENCES:
        return _sentence(status, alias, name, program)
    if status == Left.NAME_REFUSED:
        return _mangled(name)
    if status == sshargs.SSH_FAILED and not outcome.began:
        return causes.explain(causes.cause_of_ssh(outcome.words), outcome.words, target.place)
    if status == sshargs.SSH_FAILED or status < 0:
        return LnodeError(
            ExitCode.UNREACHABLE,
            f"lost the connection to {alias}; what runs in {name} goes on there",
            f"come back with: lnode {alias} {name}",
        )
    return LnodeError(
        ExitCode.MISSING_THERE,
        f"{alias} ended the login with exit code {status} before tmux could start",
        f"see what it says: ssh {alias} /bin/sh -c true",
    )


_SENTENCES: dict[int, tuple[ExitCode, str, str]] = {
    Left.NO_SESSION: (
        ExitCode.NO_SESSION, "there is no session {name} on {alias}", "see what is there: lnode {alias} --ls"),
    Left.NO_TMUX: (
        ExitCode.MISSING_THERE, "there is no tmux on {alias}: not on PATH, not in a login shell, not as a module",
        'if you know where it is, set tmux = "/path/to/tmux" under [hosts.{alias}] in config.toml'),
    Left.NO_PROGRAM: (
        ExitCode.MISSING_THERE, "there is no {program} on {alias}, so nothing was started",
        'name the site\'s own under [hosts.{alias}] in config.toml: command = "...", or take a plain session: '
        "lnode {alias} {name} --login"),
    Left.NOT_CREATED: (
        ExitCode.FAILED, "tmux on {alias} could not start {name}", "try: ssh -t {alias} tmux new"),
    Left.NOT_ATTACHED: (
        ExitCode.FAILED, "tmux on {alias} could not attach; {name} goes on there",
        "try: ssh -t {alias} tmux attach -t {name}"),
}  # fmt: skip


def no_session(alias: str, name: str) -> LnodeError:
    """There is no session of that name on the host."""
    return _sentence(Left.NO_SESSION, alias, name)


def no_tmux(alias: str) -> LnodeError:
    """No tmux was found on the host, on none of the ways to look for it."""
    return _sentence(Left.NO_TMUX, alias)


def _sentence(left: int, alias: str, name: str = "", program: str = "") -> LnodeError:
    code, message, hint = _SENTENCES[left]
    facts = {"alias": alias, "name": name, "program": program}
    return LnodeError(code, message.format(**facts), hint.format(**facts))


def _mangled(name: str) -> LnodeError:
    return LnodeError(
        ExitCode.USAGE,
        f"tmux would not keep the session name {name!r} as it is",
        f"use letters, digits, - and _, as in: {tmux.suggestion(name)}",
    )
