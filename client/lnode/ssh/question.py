"""One question, one answer: run a script on the host through ssh itself, which may ask you to sign in.

All verbs but the attach use it. ssh(1) is the shortest way to the host: 6 round trips cold, 2 over a live master;
asyncssh needs 8 and its import. ssh obeys every word of your configuration, and only ssh may prompt. One question is
one channel.
"""

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import IO, Self, cast

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.remote import call
from lnode.remote.fields import NodeName, Port
from lnode.remote.reply import Reply, Rows, TooLong, parse_reply
from lnode.ssh import arguments, begun, brisk, failures, master, prompts, sign_in_memory, stored, verdict
from lnode.ssh.arguments import Local, Option
from lnode.ssh.failures import Cause
from lnode.ssh.log import SshLog
from lnode.ssh.login_watch import LoginWatch
from lnode.ssh.site_words import site_words
from lnode.ssh.target import Target

# For the rc files, which may load modules over a slow file system, and again for the answer: tmux by a module and a
# silent scheduler take half of that.
REPLY_WITHIN_S = 60.0
_TICK_S = 0.25
_CHUNK = 1 << 16
_OBEYS_WITHIN_S = 2.0  # for ssh, to end
_LOOK_S = 0.001
DONE_WITHIN_S = 90.0  # a login shell that starts a run may take 60


def argv_of(
    target: Target, line: str, *, may_prompt: bool, fresh: bool = False
) -> tuple[list[str], dict[str, str] | None]:
    """Return the ssh that runs `line` on the host with pipes, and its environment, None for that of lnode.

    It uses the connection that a sign-in left open, or else signs in. If it may ask you, its connection stays open.
    With `fresh` it neither uses a connection nor leaves one open.
    """
    build = partial(arguments.question_argv, target.alias, line)
    return _argv(build, target, may_prompt=may_prompt, fresh=fresh)


def relay_of(
    target: Target, node: NodeName, port: Port, *, may_prompt: bool, fresh: bool = False
) -> tuple[list[str], dict[str, str] | None]:
    """Return the ssh whose input and output lead to a port of a node of the host, and its environment; see argv_of."""
    build = partial(arguments.relay_argv, target.alias, node, port)
    return _argv(build, target, may_prompt=may_prompt, fresh=fresh)


def _argv(
    build: Callable[..., list[str]], target: Target, *, may_prompt: bool, fresh: bool
) -> tuple[list[str], dict[str, str] | None]:
    options = target.sharing if may_prompt else target.riding  # a silent question leaves no connection open
    if not target.control_path and target.one("controlpath") and target.one("controlpersist", "no") == "no":
        options = (Option("ControlMaster", Local("no")), *options)  # yours would end with it, and your shells on it
    if fresh:
        options = (*arguments.FRESH, *target.route)
    asking, environment = prompts.asking(target, may_ask=may_prompt)
    argv = build(
        connect_timeout_s=sign_in_memory.connect_timeout_s(target), config=target.config,
        options=(*target.keepalive, *asking, *options),
    )  # fmt: skip
    return argv, environment


class Question:
    """A script that runs on the host, with pipes to it; leaving the block ends ssh.

    `values` follow the nonce that frames the replies. With `silent` ssh does not ask you, even in a terminal.
    """

    def __init__(self, target: Target, script: str, *values: str, silent: bool = False) -> None:
        self._target = target
        self._silent, self._may_prompt = silent, screen.can_ask() and not silent
        self._abandoned = self._heard = self._rides = self._begun = False
        self.left_master = False  # a shared connection that is dead
        self._nonce = call.nonce()
        self._script, self._values = script, values
        self._is_short = stored.has(target, script)
        question = call.short_question if self._is_short else call.question
        self._line = question(script, self._nonce, *values)
        self._log, self._watch = SshLog(asks=self._may_prompt), LoginWatch(target.place, may_ask=self._may_prompt)
        self._may_ride = master.may_ride(target)

    def __enter__(self) -> Self:
        self._log.__enter__()
        try:
            self._start()
        except BaseException:
            self._log.__exit__(None, None, None)
            raise
        return self

    def _start_again(self, *, fresh: bool) -> None:
        """Start another ssh in the place of one that has ended, with a log of its own."""
        self._stdout.close()
        self._log.__exit__(None, None, None)
        self._log.__enter__()
        self._watch = LoginWatch(self._target.place, may_ask=self._may_prompt)
        self._start(fresh=fresh)

    def _start(self, *, fresh: bool = False) -> None:
        may_prompt = self._may_prompt
        self._argv, environment = argv_of(self._target, self._line, may_prompt=may_prompt, fresh=fresh)
        self._ssh = subprocess.Popen(
            self._log.argv(self._argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.fileno(),
            env=environment,
            start_new_session=not may_prompt,
        )
        if fresh or not self._may_ride:
            brisk.hurry(self._ssh.pid)
        self._stdin: IO[bytes] = cast("IO[bytes]", self._ssh.stdin)
        self._stdout: IO[bytes] = cast("IO[bytes]", self._ssh.stdout)
        self._rows = Rows(self._nonce)

    def _leave_a_silent_master(self) -> None:
        """Ask again over a new connection if the shared one is dead: the host would not get the question."""
        if not self._may_ride or select.select([self._stdout], [], [], master.SILENT_S)[0]:
            return
        import asyncio

        from lnode.ssh.link.rung_master import prove_master

        proof = asyncio.run(prove_master(self._target))
        if proof is not False:
            self._rides = proof is True
            return
        self._ssh.kill()
        self._end()
        self.left_master = True
        self._start_again(fresh=True)  # perhaps only the network is down, and other windows need that connection
        if self._abandoned:
            self._ssh.terminate()

    def reply(self, *, within_s: float | None = None) -> Reply:
        """Return the next framed reply. Raises LnodeError if ssh failed, or if another program answered.

        The line has REPLY_WITHIN_S to begin, and from then on `within_s` or else the same again. The time in which ssh
        may wait for you does not count.
        """
        self._leave_a_silent_master()
        self._may_ride = False
        try:
            rows = self._read(REPLY_WITHIN_S if within_s is None else within_s)
        except TooLong as why:
            raise self._too_long(why) from None
        sections = parse_reply(self._nonce, rows)
        if "end" not in sections:
            raise self._failure()
        verdict.learn_sign_in(self._target, self._log.said(), self._watch, silent=not self._may_prompt)
        if self._is_short and "unstored" in sections:
            self._bring_the_script()
            return self.reply(within_s=within_s)
        return sections

    def _bring_the_script(self) -> None:
        """Ask anew: the host does not have the script any more."""
        stored.forget(self._target)
        self._end()
        self._line, self._is_short = call.question(self._script, self._nonce, *self._values), False
        self._start_again(fresh=self.left_master)

    def _read(self, within_s: float) -> list[str]:
        """Return the rows of a reply until its end, the end of ssh, or the time limit. Raises TooLong."""
        self._rows.renew()
        rows: list[str] = []
        waited_s, told = 0.0, False
        while not self._abandoned and rows[-1:] != [f"{self._nonce} end"]:
            row = self._rows.next()
            if row is not None:
                rows.append(row)
                if not self._begun:
                    self._begun, waited_s = True, 0.0
                continue
            began = time.monotonic()
            if select.select([self._stdout], [], [], _TICK_S)[0]:
                data = os.read(self._stdout.fileno(), _CHUNK)
                self._heard = True
                if not data:
                    break
                self._rows.feed(data)
            if self._counts():
                waited_s += min(time.monotonic() - began, _TICK_S)  # a laptop that slept has not waited
                if waited_s > (within_s if self._begun else REPLY_WITHIN_S):
                    self.abandon()
                if waited_s > begun.TOLD_AFTER_S and not (self._silent or self._begun or told):
                    told = True
                    screen.draw_status(f"lnode: {begun.not_yet(self._target.alias)}")
        if told:
            screen.draw_status("")
        return rows

    def _counts(self) -> bool:
        """True if the time counts: not while ssh may wait for you."""
        self._watch.look(self._log.said())
        return not self._may_prompt or self._heard or self._is_in()

    def _is_in(self) -> bool:
        """True if ssh has proof that the host has let it in."""
        return self._rides or failures.signed_in(self._log.said(), self._target.place) is not None

    def _too_long(self, why: TooLong) -> LnodeError:
        self._ssh.terminate()
        return LnodeError(
            ExitCode.FAILED,
            f"the answer of {self._target.alias} is too long: {why}",
            f"see what your rc files there print: {self._target.by_hand} /bin/sh -c true | head",
        )

    @property
    def peer(self) -> str | None:
        """Return the address to which ssh has connected; None if ssh does not say, as over a master."""
        return failures.peer(self._log.said())

    @property
    def has_begun(self) -> bool:
        """True if ssh has signed in: the script may have run, even without a reply."""
        return failures.has_begun(self._log.said(), self._target.place)

    def do(self, *lines: str) -> Reply:
        """Tell the script the deed, and return its reply. Raises LnodeError, also if the result is unknown."""
        alias = self._target.alias
        try:
            with self.within(DONE_WITHIN_S):
                self.tell("\n".join(lines))  # at once: whoever has read the first line may answer
                return self.reply(within_s=DONE_WITHIN_S)
        except LnodeError as error:
            if error.code not in (ExitCode.UNREACHABLE, ExitCode.FAILED):
                raise
            lost = f"the connection to {alias} was lost" if error.code is ExitCode.UNREACHABLE else error.message
            raise LnodeError(
                error.code, f"{lost}, and whether it was done is not known",
                f"look before you ask again: lnode {alias} --ls", detail=error.detail,
            ) from None  # fmt: skip

    def tell(self, line: str) -> None:
        """Write one line, or several, to the script's standard input."""
        try:
            self._stdin.write(f"{line}\n".encode("utf-8", "backslashreplace"))
            self._stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def abandon(self) -> None:
        """End ssh from another thread: a thread that waits for a reply gets an LnodeError."""
        self._abandoned = True
        self._ssh.terminate()

    def _abandon_unheard(self) -> None:
        if not self._heard and not select.select([self._stdout], [], [], 0)[0]:
            self.abandon()

    def within(self, seconds: float) -> "contextlib.AbstractContextManager[None]":
        """Abandon the question if the block takes longer than `seconds`."""
        return _later(seconds, self.abandon)

    def heard_within(self, seconds: float) -> "contextlib.AbstractContextManager[None]":
        """Abandon the question if no answer has begun after `seconds`."""
        return _later(seconds, self._abandon_unheard)

    def _failure(self) -> LnodeError:
        status = self._end()
        said, place = self._log.said(), self._target.place
        if self._abandoned:
            if not self._may_prompt:
                verdict.broken_off(self._target, said)
            return begun.too_late(self._target.alias, has_begun=self._begun, is_in=self._is_in())
        cause, _ = verdict.of_ssh(self._target, status, said, self._argv, silent=not self._may_prompt)
        if cause is not Cause.OVER:
            if cause is Cause.LOGIN_REFUSED and not arguments.may_dial(self._argv):
                return self._wants_person()
            return failures.explain(cause, str(said), place)
        words = site_words(said.others)
        if self._begun:
            return begun.broke_off(self._target.alias, words)
        return begun.ended(self._target, self._rows.before, words)

    def _wants_person(self) -> LnodeError:
        alias, node = self._target.alias, self._target.node
        who = f"{node} of {alias}" if node else alias
        hint = "type the same once in a terminal, where ssh can ask"  # --ls asks only on the alias's node
        if not node:
            hint = f"sign in once in a terminal, then ask again: lnode {alias}"
        return LnodeError(ExitCode.LOGIN_REFUSED, f"{who} needs you to sign in", hint)

    def _end(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        if not self._ends():
            self._ssh.terminate()
            if not self._ends():
                self._ssh.kill()
        return self._ssh.wait()

    def _ends(self) -> bool:
        """Wait until ssh ends, False if it does not; Popen.wait(timeout) looks ever more rarely, and costs 10 ms."""
        given_up = time.monotonic() + _OBEYS_WITHIN_S
        while self._ssh.poll() is None:
            if time.monotonic() > given_up:
                return False
            time.sleep(_LOOK_S)
        return True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        self._stdout.close()
        self._log.__exit__(kind, error, at)


@contextlib.contextmanager
def _later(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    """Call `do` after `seconds`, unless the block ends before."""
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), do)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
