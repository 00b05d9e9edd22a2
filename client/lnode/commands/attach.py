"""`lnode HOST [SESSION]`: attach to a session, or start it.

The terminal (`ssh -t`) is complete in itself: has-session, create, attach, and an exit code that says what
happened. Only it creates: what it starts has the user's agent socket, window size and environment from the first
pane on, and a second creator beside it would only race (DESIGN 4 let the link create too).
"""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from lnode.attach import hints, last_seen
from lnode.attach.signals import Signals
from lnode.attach.terminal import Terminal
from lnode.attach.tty import Tty
from lnode.cluster import tmux
from lnode.cluster.tmux import Left
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.laptop.settings import HostSettings
from lnode.locate import find as locate_find
from lnode.locate import routes
from lnode.remote import call
from lnode.remote.fields import NodeName, Port
from lnode.ssh import arguments, failures
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

if TYPE_CHECKING:  # loaded when ssh is on its way: until then every millisecond is waited for
    from lnode.attach.outcome import Outcome
    from lnode.cluster.sessions import Picture


def attach(
    target: Target,
    name: str,
    request: HostSettings,
    *,
    login: bool,
    existing: bool,
    detach_others: bool,
    waits: bool,
    verbose: bool,
    control: bool = False,
    here: bool = False,
) -> ExitCode:
    """Hand the terminal over to the session `name` until it is left. Raises LnodeError where that fails.

    It is looked for on the other login nodes before it is started where the alias leads; with `here` it is not.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise LnodeError(
            ExitCode.USAGE,
            "attaching needs a terminal, and this is a pipe",
            f"run it in a terminal; for scripts there is: lnode {target.alias} --ls --json",
        )
    if not tmux.is_possible(name):
        raise _mangled(name)
    request_line = "" if login else request.filled()
    program = tmux.program_of(request_line)
    run, me = call.run_id(), folders.identity()

    def line(mode: str, others: str, away_s: int = 0, node: str = "") -> str:
        command = tmux.pane_command(request_line, tmux.renewal(target.alias, name)) if request_line else ""
        kind = "login" if login else "node"
        mine = (run, *me, str(away_s), node)
        look = "control" if control else "draw"
        return call.line("session", name, mode, others, kind, command, program, *mine, request.tmux, look, request.cwd)

    if control and not folders.is_iterm():
        screen.say(
            "--cc is for iTerm2, and this terminal is none: it will show tmux's protocol; leave it by typing detach"
        )
    hint = hints.of(os.environ)
    if hint and folders.is_first(hint.name):
        screen.say(hint.words)
    if seen := last_seen.read(target.alias, name):
        screen.say(seen)

    def stay(there: Target, mode: str, node: str = "", *, waits: bool) -> "Outcome":
        first = line(mode, "detach" if detach_others else "keep", node=node)
        outcome = _stay(there, name, first, line, run, request, waits=waits, control=control)
        if verbose:
            for at, words in outcome.story:
                screen.say(f"{time.strftime('%H:%M:%S', time.localtime(at))} {words}")
        return outcome

    outcome, place = _seek(target, name, request, stay, existing=existing, here=here, waits=waits)
    if not existing and _is_not_there(outcome):
        raise _mangled(name)
    if outcome.status == Left.NO_FOLDER:
        raise _no_folder(target.alias, request.cwd)
    return _conclude(outcome, place, name, program)


class _Stay(Protocol):
    """One attach at a login node, with all its reconnects; `mode` as session.sh takes it."""

    def __call__(self, there: Target, mode: str, node: str = "", *, waits: bool) -> "Outcome": ...


def _seek(
    target: Target, name: str, request: HostSettings, stay: _Stay, *, existing: bool, here: bool, waits: bool
) -> tuple["Outcome", Target]:
    """Attach where it is, else start it where the alias leads: how that ended, and where. Raises LnodeError."""
    creates = not existing and tmux.is_creatable(name)
    anew = "anew" if creates else "there"
    if here:
        return stay(target, anew, waits=waits), target
    looked: set[NodeName | None] = set()
    down: set[NodeName | None] = set()
    seen_there = locate_find.remembered(target, name, request)
    if seen_there is not None:
        outcome = stay(seen_there, "there", waits=False)
        if not _is_not_there(outcome) and not _is_unreachable(outcome, seen_there.place):
            return outcome, seen_there
        (looked if _is_not_there(outcome) else down).add(seen_there.node)
    else:
        owner = routes.recall(target.alias).owner(name) if target.config is None else None
        mode = "existing" if existing else "create" if creates else "refuse"
        outcome = stay(target, mode, owner or "", waits=waits)
        if outcome.status != Left.ELSEWHERE or outcome.began_before:
            return outcome, target
    find = partial(locate_find.find, target, name, request, starts=not existing, down=down)
    while place := _found(find, seen_there if waits else None, looked):
        outcome = stay(place, "there", waits=waits)
        if not _is_not_there(outcome):
            return outcome, place
        looked.add(place.node)
    if existing:
        raise locate_find.no_session(target.alias, name)
    return stay(target, anew, waits=waits), target


def _found(find: Callable[..., Target | None], otherwise: Target | None, looked: set[NodeName | None]) -> Target | None:
    """As asking.find, but not where it was looked for; where nothing answers, there is still where to wait for it."""
    try:
        return find(without=looked)
    except LnodeError as error:
        if otherwise is None or otherwise.node in looked or error.code is not ExitCode.UNREACHABLE:
            raise
        return otherwise


def _is_not_there(outcome: "Outcome") -> bool:
    """Was the session looked for, and not found?"""
    return outcome.status == Left.NO_SESSION and not outcome.began_before


def _is_unreachable(outcome: "Outcome", place: failures.Place) -> bool:
    from lnode.reconnect.machine import End

    if outcome.end is not End.FAILED or outcome.began:
        return False
    return failures.explain(outcome.cause, "", place).code is ExitCode.UNREACHABLE


def _stay(
    target: Target,
    name: str,
    first: str,
    line: Callable[..., str],
    run: str,
    request: HostSettings,
    *,
    waits: bool,
    control: bool,
) -> "Outcome":
    """One attach, with all its reconnects."""
    with Signals() as signals, Tty() as tty, Terminal(target, first) as terminal:
        tty.keep(terminal.pid)
        if control:
            from lnode.attach import control_mode

            return control_mode.attend(target, terminal, signals)
        from lnode.attach import supervisor
        from lnode.cluster import sessions

        def owner(node: NodeName) -> Target:
            port = routes.recall(target.alias).ports.get(node) or Port(target.port)
            return routes.to_node(target, node, port, request, led=True)

        lines = supervisor.Lines(
            first,
            again=partial(line, "again", "keep"),
            client=lambda nonce, what: call.line("client", nonce, run, what, request.tmux),
            look=lambda nonce: call.line("list", nonce, *sessions.list_values(request.tmux)),
            news=lambda nonce, *words: call.line("news", nonce, run, request.tmux, *words),
            owner=owner,
        )
        return supervisor.attend(target, name, lines, terminal, tty, signals, waits=waits)


def _conclude(outcome: "Outcome", target: Target, name: str, program: str) -> ExitCode:
    """Say in one line what was left running where, or raise what went wrong."""
    from lnode.reconnect.machine import End

    if outcome.end is End.STOPPED or (outcome.end is End.LEFT and not outcome.began):
        return ExitCode.INTERRUPTED
    if outcome.status == -signal.SIGINT and not outcome.began:
        return ExitCode.INTERRUPTED
    if outcome.end is End.OVER:
        return _over(outcome, target, name, program)
    raise _lost(outcome, target, name)


def _over(outcome: "Outcome", target: Target, name: str, program: str) -> ExitCode:
    """The attach line had its say."""
    alias, status = target.alias, outcome.status
    if status == Left.DETACHED:
        _say_detached(outcome.picture, target, name)
        return ExitCode.DONE
    if status in (Left.ENDED, Left.NO_SESSION, Left.SERVER_GONE, Left.REBOOTED):
        last_seen.keep(alias, name, "")
    if status == Left.ENDED:
        screen.say(f"{name} on {alias} has ended")
        return ExitCode.DONE
    if status == arguments.SSH_FAILED:  # ssh's escape ~.
        screen.say(f"ssh was closed; come back to {name} with: lnode {alias} {name}")
        return ExitCode.DONE
    if status in (Left.NO_SESSION, Left.SERVER_GONE) and outcome.began_before and not outcome.seen:
        raise _sentence(_NEVER_SEEN, alias, name)
    if status == Left.NO_SESSION and outcome.began_before:
        raise _sentence(_ENDED_MEANWHILE, alias, name)
    if status in _NOT_THERE:
        raise _NOT_THERE[status](alias, name)
    if status in _SCHEDULERS:
        raise _no_program_but(_SCHEDULERS[status], alias, program)
    if status in _SENTENCES:
        raise _sentence(status, alias, name, program)
    if status == Left.NAME_REFUSED:
        raise _mangled(name)
    raise LnodeError(
        ExitCode.MISSING_THERE,
        f"{alias} ended the login with exit code {status} before tmux could start",
        f"see what it says: ssh {alias} /bin/sh -c true",
    )


def _say_detached(picture: "Picture | None", target: Target, name: str) -> None:
    """Where it goes on, and what is to be remembered of it."""
    from lnode.attach import announcements
    from lnode.cluster import sessions

    alias, entry = target.alias, picture.named(name) if picture else None
    if entry and picture:
        last_seen.keep(alias, name, announcements.truth(entry, alias, picture))
        node = picture.address if target.config is None else None
        if node and not routes.recall(alias).owner(name):  # it was left before the link had looked
            routes.learn_session(alias, name, node)
    where = sessions.whereabouts(entry) if entry else f"keeps running on {alias}"
    screen.say(f"detached; {name} {where}")
    if picture and (unkept := sessions.not_kept(picture, alias)):
        screen.say(unkept)


def _lost(outcome: "Outcome", target: Target, name: str) -> LnodeError:
    """There is no connection, and nobody waits for one any more."""
    from lnode.reconnect.machine import End

    alias = target.alias
    if outcome.end is End.FAILED and outcome.cause is not Cause.LOST:
        return failures.explain(outcome.cause, outcome.words, target.place)
    if not outcome.began:
        return failures.explain(Cause.LOST, outcome.words, target.place)
    seen = time.strftime("%H:%M", time.localtime(outcome.last_seen))
    how = "gave up on" if outcome.end is End.GIVEN_UP else "lost the connection to"
    return LnodeError(
        ExitCode.UNREACHABLE,
        f"{how} {alias}, last seen {seen}; what runs in {name} goes on there",
        f"come back with: lnode {alias} {name}",
    )


_ENDED_MEANWHILE = -1  # no code of the attach line: NO_SESSION, where there had been one
_NEVER_SEEN = -2  # nor this: lost before it was clear that there was one

_SENTENCES: dict[int, tuple[ExitCode, str, str]] = {
    _ENDED_MEANWHILE: (
        ExitCode.NO_SESSION, "{name} on {alias} ended while the connection was lost; nothing was started",
        "start it again with: lnode {alias} {name}"),
    _NEVER_SEEN: (
        ExitCode.NO_SESSION, "the connection to {alias} was lost before {name} was seen there, and now it is not there",
        "start it with: lnode {alias} {name}"),
    Left.REBOOTED: (
        ExitCode.NO_SESSION, "the login node of {alias} was restarted while the connection was lost; {name} is gone",
        "start it again with: lnode {alias} {name}"),
    Left.SERVER_GONE: (
        ExitCode.NO_SESSION, "tmux on {alias} was ended while the connection was lost; {name} is gone",
        "start it again with: lnode {alias} {name}"),
    Left.TAKEN_OVER: (
        ExitCode.TAKEN_OVER, "{name} on {alias} was taken over from elsewhere; it goes on there",
        "take it back with: lnode {alias} {name} -d"),
    Left.NO_PROGRAM: (
        ExitCode.MISSING_THERE, "there is no {program} on {alias}, so nothing was started",
        'name the site\'s own under [hosts.{alias}] in config.toml: command = "...", or take a plain session: '
        "lnode {alias} {name} --login"),
    Left.CANNOT_ASK: (
        ExitCode.FAILED, "tmux on {alias} does not answer as it should, so whether {name} runs there is not known",
        "see what is wrong with it: lnode {alias} --doctor"),
    Left.NOT_CREATED: (
        ExitCode.FAILED, "tmux on {alias} could not start {name}", "try: ssh -t {alias} tmux new"),
    Left.NOT_ATTACHED: (
        ExitCode.FAILED, "tmux on {alias} could not attach; {name} goes on there",
        "try: ssh -t {alias} tmux attach -t {name}"),
}  # fmt: skip


def _sentence(left: int, alias: str, name: str = "", program: str = "") -> LnodeError:
    code, message, hint = _SENTENCES[left]
    facts = {"alias": alias, "name": name, "program": program}
    return LnodeError(code, message.format(**facts), hint.format(**facts))


_NOT_THERE: dict[int, Callable[[str, str], LnodeError]] = {
    Left.NO_SESSION: locate_find.no_session,
    Left.NO_TMUX: lambda alias, _: locate_find.no_tmux(alias, "missing"),
    Left.SOCKET_GONE: lambda alias, _: locate_find.no_tmux(alias, "lost"),
}
_SCHEDULERS: dict[int, str] = {
    Left.NO_PROGRAM_BUT_SLURM: "slurm", Left.NO_PROGRAM_BUT_PBS: "pbs", Left.NO_PROGRAM_BUT_LSF: "lsf",
    Left.NO_PROGRAM_BUT_SGE: "sge",
}  # fmt: skip


def _no_program_but(scheduler: str, alias: str, program: str) -> LnodeError:
    from lnode.schedulers.known import SCHEDULERS

    return LnodeError(
        ExitCode.MISSING_THERE,
        f"there is no {program} on {alias}, so nothing was started",
        f"name the site's own under [hosts.{alias}] in config.toml, perhaps: "
        f'command = "{SCHEDULERS[scheduler].request}"',
    )


def _no_folder(alias: str, cwd: str) -> LnodeError:
    folder, hint = f"folder {cwd}", f"mend cwd under [hosts.{alias}] in config.toml"
    if not cwd:
        folder, hint = "home", f"see what is wrong with it: lnode {alias} --doctor"
    return LnodeError(ExitCode.FAILED, f"there is no way into the {folder} on {alias}, so nothing was started", hint)


def _mangled(name: str) -> LnodeError:
    return LnodeError(
        ExitCode.USAGE,
        f"tmux would not keep the session name {name!r} as it is",
        f"use letters, digits, - and _, as in: {tmux.suggestion(name)}",
    )
