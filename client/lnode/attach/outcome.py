"""The end of an attach in words: one last line, or the error."""

import shlex
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from lnode.attach import last_seen, login_shell
from lnode.attach.login_shell import LoginShell
from lnode.cluster import tmux
from lnode.cluster.tmux import ExitOfAttach
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.laptop.settings import as_key
from lnode.locate import find, routes
from lnode.remote.fields import in_command, typed
from lnode.schedulers import known
from lnode.ssh import arguments, failures
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

if TYPE_CHECKING:
    from lnode.cluster.sessions import Picture
    from lnode.reconnect.state import End


class Outcome(NamedTuple):
    """The end of an attach. `status` is ssh's exit status, negative for a signal; `words` are ssh's own words.

    `began`: a login was done. `began_before`: one was done before the last terminal's. `seen`: the session was seen.
    `last_seen` is the last time at which all was well. `picture` is the host's picture at the end, None if lnode could
    not ask for it. `story` is the list of events for -v. `login_shell` is what the login shell did, if the last
    terminal's line was seen not to begin. Times are seconds since the epoch.
    """

    end: "End"
    cause: Cause
    status: int
    words: str
    began: bool
    began_before: bool
    seen: bool
    last_seen: float
    picture: "Picture | None"
    story: tuple[tuple[float, str], ...]
    login_shell: LoginShell | None = None

    @property
    def is_never_seen(self) -> bool:
        """True if the connection was lost before the session was seen, and the login node of the next one has none."""
        gone = self.status in (ExitOfAttach.NO_SESSION, ExitOfAttach.SERVER_GONE)
        return gone and self.began_before and not self.seen


def conclude(outcome: Outcome, target: Target, name: str, program: str) -> ExitCode:
    """Say in one line which session goes on, and on which node. Raises LnodeError if the attach failed."""
    from lnode.reconnect.state import End

    if outcome.end is End.STOPPED or (outcome.end is End.LEFT and not outcome.began):
        return ExitCode.INTERRUPTED
    if outcome.status == -signal.SIGINT and not outcome.began:
        return ExitCode.INTERRUPTED
    if outcome.end is End.OVER:
        return _over(outcome, target, name, program)
    raise _lost(outcome, target, name)


def _over(outcome: Outcome, target: Target, name: str, program: str) -> ExitCode:
    """Say how the attach line ended, by its exit code. Raises LnodeError if that is a failure."""
    alias, status = target.alias, outcome.status
    if status == ExitOfAttach.DETACHED:
        _say_detached(outcome.picture, target, name)
        return ExitCode.DONE
    if status in _GONE:
        last_seen.keep(alias, name, "")
    if status == ExitOfAttach.ENDED:
        screen.say(f"{name} on {alias} has ended")
        return ExitCode.DONE
    if status == arguments.SSH_FAILED and not (outcome.login_shell or _never_began(outcome)):  # ssh's escape ~.
        screen.say(f"ssh was closed; come back to {name} with: {typed(alias, name)}")
        return ExitCode.DONE
    if outcome.is_never_seen:
        raise _sentence(_NEVER_SEEN, alias, name)
    if status == ExitOfAttach.NO_SESSION and outcome.began_before:
        raise _sentence(_ENDED_MEANWHILE, alias, name)
    if status in _NOT_THERE:
        raise _NOT_THERE[status](alias, name)
    for name_of_scheduler, left in known.KNOWN.items():
        if left == status:
            raise _no_program_but(name_of_scheduler, alias, program)
    if status in _SENTENCES:
        raise _sentence(status, alias, name, program)
    if status == ExitOfAttach.NAME_REFUSED:
        raise tmux.mangled(name)
    if outcome.login_shell:
        raise login_shell.never_begun(outcome.login_shell, alias, name)
    raise LnodeError(
        ExitCode.MISSING_THERE,
        f"{alias} ended the login with exit code {status} before tmux could start",
        f"see what it says: ssh {alias} /bin/sh -c true",
        page=Page.LOGIN_SHELL,
    )


def _never_began(outcome: Outcome) -> bool:
    """True if the login shell itself ended with the exit code of ssh, before there was a session."""
    return not outcome.seen and failures.was_brief(outcome.words)


def _say_detached(picture: "Picture | None", target: Target, name: str) -> None:
    """Say on which node the session goes on, and remember that node."""
    from lnode.attach import announcements
    from lnode.cluster import home, sessions

    alias, entry = target.alias, picture.named(name) if picture else None
    if entry and picture:
        last_seen.keep(alias, name, announcements.truth(entry, alias, picture))
        node = picture.address if target.config is None and not entry.session.in_job else None
        if node and not routes.recall(alias).owner(name):  # you detached before the link had looked
            routes.learn_session(alias, name, node)
    where = sessions.whereabouts(entry) if entry else f"keeps running on {alias}"
    screen.say(f"detached; {name} {where}")
    if picture and (unkept := home.not_kept(picture, alias)):
        screen.say(unkept)


def _lost(outcome: Outcome, target: Target, name: str) -> LnodeError:
    """Return the error for a lost connection that lnode no longer tries to replace."""
    from lnode.reconnect.state import End

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
        f"come back with: {typed(alias, name)}",
        page=Page.RECONNECT,
    )


_GONE = (
    ExitOfAttach.ENDED, ExitOfAttach.NO_SESSION, ExitOfAttach.SERVER_GONE, ExitOfAttach.REBOOTED,
    ExitOfAttach.JOB_ENDED, ExitOfAttach.JOB_KEPT,
)  # fmt: skip
_ENDED_MEANWHILE = -1  # no code of the attach line: NO_SESSION for a session that existed before
_NEVER_SEEN = -2  # no code of the attach line: lost before the session was seen

_SENTENCES: dict[int, tuple[ExitCode, str, str, *tuple[Page, ...]]] = {
    _ENDED_MEANWHILE: (
        ExitCode.NO_SESSION, "{name} on {alias} ended while the connection was lost; nothing was started",
        "start it again with: {typed}"),
    _NEVER_SEEN: (
        ExitCode.NO_SESSION, "the connection to {alias} was lost before {name} was seen there, and now it is not there",
        "start it with: {typed}"),
    ExitOfAttach.REBOOTED: (
        ExitCode.NO_SESSION, "the login node of {alias} was restarted while the connection was lost; {name} is gone",
        "start it again with: {typed}"),
    ExitOfAttach.SERVER_GONE: (
        ExitCode.NO_SESSION, "tmux on {alias} was ended while the connection was lost; {name} is gone",
        "start it again with: {typed}"),
    ExitOfAttach.ORPHANED: (
        ExitCode.NO_SESSION, "{name} on {alias} has lost its tmux; its job goes on",
        "bring it back with: {typed}", Page.CRASH),
    ExitOfAttach.JOB_REFUSED: (
        ExitCode.FAILED, "the scheduler of {alias} refused a job for {name}; nothing was started",
        "ask for another one, or let it start on the login node: {typed} --where login"),
    ExitOfAttach.NO_BATCH: (
        ExitCode.MISSING_THERE, "the scheduler of {alias} has no job for a session, so nothing was started",
        "let it start on the login node: {typed} --where login"),
    ExitOfAttach.JOB_KEPT: (
        ExitCode.NO_SESSION, "the job of {name} on {alias} has ended; what its panes showed is kept there",
        "put it back in a new job: {typed} --renew; or start without it: {typed}"),
    ExitOfAttach.JOB_SILENT: (
        ExitCode.FAILED,
        "the scheduler of {alias} does not say whether the job of {name} goes on, so nothing was started",
        "ask again later: {typed}", Page.CRASH),
    ExitOfAttach.JOB_ENDED: (
        ExitCode.NO_SESSION, "the job of {name} on {alias} has ended, and {name} with it; nothing was started",
        "start it again with: {typed}"),
    ExitOfAttach.TAKEN_OVER: (
        ExitCode.TAKEN_OVER, "{name} on {alias} was taken over from elsewhere; it goes on there",
        "take it back with: {typed} -d"),
    ExitOfAttach.NO_PROGRAM: (
        ExitCode.MISSING_THERE, "there is no {program} on {alias}, so nothing was started",
        'name the site\'s own under [hosts.{host}] in config.toml: command = "...", or take a plain session: '
        "{typed} --login", Page.SETTINGS),
    ExitOfAttach.CANNOT_ASK: (
        ExitCode.FAILED, "tmux on {alias} does not answer as it should, so whether {name} runs there is not known",
        "see what is wrong with it: lnode {alias} --doctor", Page.TMUX),
    ExitOfAttach.NOT_CREATED: (
        ExitCode.FAILED, "tmux on {alias} could not start {name}", "try: ssh -t {alias} tmux new"),
    ExitOfAttach.NOT_ATTACHED: (
        ExitCode.FAILED, "tmux on {alias} could not attach; {name} goes on there",
        "try: ssh -t {alias} tmux attach -t {quoted}"),
}  # fmt: skip


def _sentence(left: int, alias: str, name: str = "", program: str = "") -> LnodeError:
    code, message, hint, *pages = _SENTENCES[left]
    twice = shlex.quote(in_command(name))  # for the laptop's shell, and for the host's
    facts = {"alias": alias, "host": as_key(alias), "name": name, "quoted": twice, "program": program}
    facts["typed"] = typed(alias, name)
    return LnodeError(code, message.format(**facts), hint.format(**facts), page=next(iter(pages), None))


_NOT_THERE: dict[int, Callable[[str, str], LnodeError]] = {
    ExitOfAttach.NO_SESSION: find.no_session,
    ExitOfAttach.NO_TMUX: lambda alias, _: find.no_tmux(alias, "missing"),
    ExitOfAttach.SOCKET_GONE: lambda alias, _: find.no_tmux(alias, "lost"),
}


def _no_program_but(scheduler: str, alias: str, program: str) -> LnodeError:
    return LnodeError(
        ExitCode.MISSING_THERE,
        f"there is no {program} on {alias}, so nothing was started",
        f"name the site's own under [hosts.{as_key(alias)}] in config.toml, perhaps: "
        f'command = "{known.scheduler(scheduler).request}"',
        page=Page.SETTINGS,
    )


def no_folder(alias: str, cwd: str) -> LnodeError:
    folder, hint = f"the folder {cwd}", f"fix cwd under [hosts.{as_key(alias)}] in config.toml"
    if not cwd:
        folder, hint = "your home directory", f"see what is wrong with it: lnode {alias} --doctor"
    return LnodeError(ExitCode.FAILED, f"cannot enter {folder} on {alias}; nothing was started", hint)
