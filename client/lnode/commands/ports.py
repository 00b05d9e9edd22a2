"""`lnode HOST SESSION -L PORT`: ports of this laptop that lead to the session's compute node, or to its login node.

Programs on a node often listen only on its 127.0.0.1. A node may refuse ssh, or adopt it into another job
(pam_slurm_adopt). So the far end is an sshd of your own in the session's allocation: no second sign-in, and a plain
ssh -L on this side. lnode replaces a lost connection.
"""

import errno
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lnode.cluster import tmux_answers
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import leaving, screen
from lnode.locate.address import Address
from lnode.locate.find import asked, entry_of, has_session
from lnode.node import forwards, own_sshd
from lnode.node.forwards import Forward
from lnode.node.own_sshd import Way
from lnode.remote.fields import JobId
from lnode.remote.reply import Reply
from lnode.schedulers.job import left_in_words
from lnode.ssh import arguments, brisk, failures, master, verdict
from lnode.ssh.begun import NotBegun
from lnode.ssh.log import SshLog
from lnode.ssh.question import Question
from lnode.ssh.target import Target
from lnode.text import visible

if TYPE_CHECKING:  # loaded while the host answers
    from lnode.cluster.sessions import Entry
    from lnode.reconnect.retries import Retries

_FACTS_WITHIN_S = 60.0
_UNTRIED_WITHIN_S = 15.0  # for a port of which the host says only that it was open
_TICK_S = 0.25
_PAUSE_S = 1.0  # at least: an allocation that ends needs a moment until Slurm says so


def ports(address: Address, *, specs: Sequence[str]) -> ExitCode:
    """Keep the ports open until Ctrl-C, or until the allocation ends. Raises LnodeError."""
    wanted = [_forward(spec) for spec in specs]
    for at, forward in enumerate(wanted):
        if (forward.bind, forward.port) in [(one.bind, one.port) for one in wanted[:at]]:
            raise LnodeError(ExitCode.USAGE, f"port {forward.port} is wanted twice", "name another one for one of them")
        if obstacle := _obstacle(forward):  # before ssh asks you to sign in
            raise _not_opened(forward, obstacle)
    return _Ports(address, wanted).run()


def _forward(spec: str) -> Forward:
    forward = forwards.parse(spec)
    if forward is None:
        raise LnodeError(ExitCode.USAGE, f"{spec!r} is no port to forward", "as in: -L 8888, or -L 9999:localhost:8888")
    return forward


def _obstacle(forward: Forward) -> OSError | UnicodeError | None:
    """Return why the laptop's port cannot be opened, None if it can."""
    try:
        host = None if forward.bind == "*" else forward.bind.strip("[]")
        found = socket.getaddrinfo(host, forward.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        missing = [error for address in found if (error := _bind(*address))]  # ssh is content with one of them
    except (OSError, UnicodeError) as error:
        return error
    return missing[0] if missing and len(missing) == len(found) else None


def _not_opened(forward: Forward, obstacle: OSError | UnicodeError) -> LnodeError:
    return LnodeError(
        ExitCode.FAILED,
        f"cannot open port {forward.port} on this laptop: {getattr(obstacle, 'strerror', None) or 'no such address'}",
        f"take another one: -L {forward.port % forwards.LAST_PORT + 1}:{forward.host}:{forward.to}",
    )


def _bind(family: int, kind: int, protocol: int, _: str, name: Any) -> OSError | None:
    """Return the error of an address that this laptop does not have. Raises OSError if its port is taken."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(name)
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise
        return error
    return None


class _Ports:
    """The ports over as many connections as it takes."""

    def __init__(self, address: Address, wanted: Sequence[Forward]) -> None:
        self._address, self._target, self._name, self._forwards = address, address.target, address.name, wanted
        self._retries: Retries | None = None  # once the ports have been open
        self._job: JobId | None = None  # the job to whose node they lead; without a job they lead to the login node
        self._may_ask, self._tries = True, False

    def run(self) -> ExitCode:
        try:
            while True:
                try:
                    self._hold()
                except LnodeError as error:
                    self._wait(error)
        finally:
            if self._retries:
                self._retries.close()

    def _wait(self, error: LnodeError) -> None:
        """Return when it is time to connect again. Raises `error` if that would not help."""
        again = isinstance(error, NotBegun) or error.code in (ExitCode.UNREACHABLE, ExitCode.LOGIN_REFUSED)
        if not self._retries or not again:
            raise error
        if error.code is ExitCode.LOGIN_REFUSED:
            self._call_person(error)
            return
        screen.say(f"{visible(error.message)}; trying again")
        time.sleep(_PAUSE_S)
        self._retries.wait(error)

    def _call_person(self, error: LnodeError) -> None:
        """Wait until you press Enter to sign in. Raises `error` if there is no terminal: a silent login would fail."""
        if not screen.can_ask():
            raise error
        screen.say(f"{self._target.alias} needs you to sign in: Enter signs in, Ctrl-C leaves")
        if not os.read(0, 1024):
            raise error
        self._may_ask = True

    def _hold(self) -> None:
        """Keep the ports open over one connection. Raises LnodeError when it is lost, or if no node can be reached."""
        alias, name = self._target.alias, self._name
        with self._asked() as (question, reply):
            from lnode.cluster import sessions
            from lnode.node import reachable

            picture = sessions.picture_of(reply)
            entry = entry_of(picture, alias, name)
            reachable.check_reachable(picture, entry, alias)
            if self._job and not entry.job:
                raise reachable.not_reachable(entry, alias)
            self._job = entry.job.id if entry.job else None
            there: Way | None = own_sshd.way_of(
                self._toward(), self._job, question, question.reply(), tried=self._tries
            )
        while there:
            there = self._open(there, entry)

    def _open(self, there: Way, entry: "Entry") -> Way | None:
        """Keep the ports open by that way, as _hold does.

        If it leads nowhere, return another way, or None to ask for one that is tried.
        """
        alias, name, may_prompt = self._target.alias, self._name, self._may_ask and screen.can_ask()
        with leaving.by_signals(), SshLog() as log:  # as long as a forwarded connection lives, ssh would stay
            argv, way, environment = own_sshd.forward_argv(there, self._forwards, log, may_prompt=may_prompt)
            self._may_ask = False
            ssh = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.fileno(), env=environment
            )
            try:
                brisk.hurry(ssh.pid)
                within_s = _FACTS_WITHIN_S if there.tried else _UNTRIED_WITHIN_S
                with screen.waiting(f"opening {name} on {alias} ..."):
                    is_open, is_in = self._opens(ssh, log, within_s, may_prompt=may_prompt)
                if is_open:
                    self._tell(entry)
                    self._tries = False
                    self._opened(failures.peer(log.said()))
                    ssh.wait()
            finally:
                ssh.terminate()
                ssh.wait()
            said = log.said()
            if not is_open and there.port and (there.is_closed(str(said)) or (is_in and not there.tried)):
                self._tries, self._may_ask = True, may_prompt
                return there.without_port() if there.tried else None
            verdict.of_ssh(self._target, arguments.SSH_FAILED, said, way, silent=not may_prompt, heard=is_open)
            raise self._failure(str(said), is_open=is_open)

    def _opens(
        self, ssh: "subprocess.Popen[bytes]", log: SshLog, within_s: float, *, may_prompt: bool
    ) -> tuple[bool, bool]:
        """Return, as soon as it is known, whether the ports are open, and whether the host has let ssh in.

        The time starts with the login, if that may ask you.
        """
        shares, waited_s = master.may_ride(self._target), 0.0
        is_in = is_open = has_said = False
        while not has_said and waited_s < within_s:
            has_said = bool(ssh.stdout and select.select([ssh.stdout], [], [], _TICK_S)[0])
            is_in = shares or failures.signed_in(log.said(), self._target.place) is not None
            if not may_prompt or is_in:
                waited_s += _TICK_S
        if has_said and ssh.stdout:
            is_open = bool(os.read(ssh.stdout.fileno(), 1))
        return is_open, is_in

    @contextmanager
    def _asked(self) -> Iterator[tuple[Question, Reply]]:
        """Ask for the sessions: the first time on all login nodes, later on the session's own node and in silence."""
        values = (*tmux_answers.list_values(self._address.settings.tmux), "", *own_sshd.values())
        if self._may_ask:
            has = partial(has_session, self._name)
            with asked(self._address._replace(target=self._target), "node_way", *values, has=has) as (
                there,
                question,
                reply,
            ):
                self._target = there
                yield question, reply
            return
        with Question(self._toward(), "node_way", *values, silent=True) as question, question.within(_FACTS_WITHIN_S):
            yield question, question.reply()

    def _tell(self, entry: "Entry") -> None:
        where = entry.job.nodes if entry.job else entry.login_node
        left = left_in_words(entry.job) if entry.job else ""
        words = f"{where}, {left}" if left else where
        for forward in self._forwards:
            screen.say(f"{forward.here} is {forward.there} of {words}" + ("" if self._retries else "; Ctrl-C ends"))

    def _opened(self, peer: str | None) -> None:
        if self._retries is None:
            from lnode.reconnect.retries import Retries

            self._retries = Retries(self._target)
        self._retries.opened(peer)

    def _toward(self) -> Target:
        return self._retries.toward(self._target) if self._retries else self._target

    def _failure(self, words: str, *, is_open: bool) -> LnodeError:
        alias = self._target.alias
        if is_open:
            return LnodeError(ExitCode.UNREACHABLE, f"the connection to {alias} was lost", "")
        for forward in self._forwards:  # another program may have taken it while there was no connection
            obstacle = _obstacle(forward)
            if isinstance(obstacle, OSError) and obstacle.errno == errno.EADDRINUSE:
                return _not_opened(forward, obstacle)
        from lnode.node import reachable

        return reachable.no_way(words, alias, self._name, f"try it by hand: ssh -L 8888:NODE:8888 {alias}")
