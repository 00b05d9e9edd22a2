"""One command of yours on the host: its two outputs as they come, and its exit code. ssh asks nobody.

The outputs of the command lie between lines with a nonce (exec.sh), so no rc file's words are among them, and an exit
code is the command's, never that of ssh.
"""

import asyncio
import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, NamedTuple, cast

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import leaving
from lnode.ssh import begun, brisk, failures, master, question, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.link.rung_master import prove_master
from lnode.ssh.log import SshLog
from lnode.ssh.said import Said
from lnode.ssh.target import Target

_CHUNK = 1 << 16
_TICK_S = 0.5
_ENDS_WITHIN_S = 10.0  # an ssh without outputs
_MOST_BEFORE = 1 << 20  # bytes of rc files before the line `begun`
_MOST_AFTER = 1 << 10  # bytes from the line `left` on


Write = Callable[[bytes], None]


class Left(NamedTuple):
    """The end of the command: its exit code, or why it was not started (a word of exec.sh)."""

    code: int | None
    why: str = ""


class _Between:
    """The bytes of a stream behind the line `begin`, and before `end` if it comes. `before`, `rest`: the others."""

    def __init__(self, begin: bytes, end: bytes, write: Callable[[bytes], None]) -> None:
        self._begin, self._end, self._write = begin, end, write
        self._held, self.has_begun, self.before, self.rest = b"", False, b"", b""

    def feed(self, data: bytes) -> None:
        self._held += data
        if not self.has_begun:
            before, mark, behind = self._held.partition(self._begin)
            self.before = before[-_MOST_BEFORE:]
            if not mark:
                self._held = self.before
                return
            self.has_begun, self._held = True, behind
        if self.rest:
            self._held = self._held[:_MOST_AFTER]
            return
        at = self._held.find(self._end) if self._end else -1
        if at >= 0:
            self._put(at)
            self.rest = self._held
        else:
            first = max(0, len(self._held) - len(self._end) + 1) if self._end else len(self._held)
            ends = (i for i in range(first, len(self._held)) if self._end.startswith(self._held[i:]))
            self._put(next(ends, len(self._held)))

    def close(self) -> None:
        """Write what was held back, if it is not the end."""
        if self.has_begun and not self.rest:
            self._put(len(self._held))
        else:
            self.rest = self._held

    def _put(self, until: int) -> None:
        data, self._held = self._held[:until], self._held[until:]
        if data:
            self._write(data)


def run(target: Target, nonce: str, line: str, out: Write, errors: Write) -> Left:
    """Run the line of exec.sh, and return its end. Raises LnodeError if ssh failed, or if the connection was lost."""
    begin = f"\n{nonce} begun\n".encode()
    with leaving.by_signals(), SshLog() as log:  # that ssh has a session of its own, and no signal of this one
        streams = _Between(begin, b"", out), _Between(begin, f"\n{nonce} left ".encode(), errors)
        argv, ssh = _started(target, line, log)
        try:
            if master.may_ride(target) and not _says(ssh) and asyncio.run(prove_master(target)) is False:
                _end(ssh)
                argv, ssh = _started(target, line, log, fresh=True)
            _go(ssh)
            if not _pump(ssh, streams):
                raise _too_late(target, log.said(), has_begun=streams[0].has_begun)
            status = _status(ssh)
        finally:
            _end(ssh)
        said = log.said()
    stderr = streams[1]
    left = re.match(rf"\n{nonce} left ([0-9]{{1,3}}|[a-z-]{{1,20}})\n".encode(), stderr.rest)
    if left is None:
        said = said._replace(others=f"{said.others}{stderr.before.decode('utf-8', 'backslashreplace')}")
        raise _failure(target, status, said, argv, has_begun=stderr.has_begun)
    verdict.learn_sign_in(target, said, silent=True)
    word = left[1].decode()
    return Left(int(word)) if word.isdecimal() else Left(None, word)


def _started(
    target: Target, line: str, log: SshLog, *, fresh: bool = False
) -> tuple[list[str], "subprocess.Popen[bytes]"]:
    argv, environment = question.argv_of(target, line, may_prompt=False, fresh=fresh)
    ssh = subprocess.Popen(
        log.argv(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        start_new_session=True,
    )  # fmt: skip
    if fresh or not master.may_ride(target):
        brisk.hurry(ssh.pid)
    return argv, ssh


def _go(ssh: "subprocess.Popen[bytes]") -> None:
    """Let the script run the command: this connection is the one that is kept."""
    with suppress(BrokenPipeError), cast("IO[bytes]", ssh.stdin) as pipe:
        pipe.write(b"go\n")


def _says(ssh: "subprocess.Popen[bytes]") -> bool:
    pipes = [cast("IO[bytes]", pipe) for pipe in (ssh.stdout, ssh.stderr)]
    return bool(select.select(pipes, [], [], master.SILENT_S)[0])


def _pump(ssh: "subprocess.Popen[bytes]", streams: tuple[_Between, _Between]) -> bool:
    """Take in both outputs until their end. False if the script has not begun in time."""
    pipes = dict(zip((cast("IO[bytes]", ssh.stdout), cast("IO[bytes]", ssh.stderr)), streams, strict=True))
    waited_s, line_has_begun = 0.0, False
    while pipes:
        began = time.monotonic()
        for pipe in select.select([*pipes], [], [], _TICK_S)[0]:
            data = os.read(pipe.fileno(), _CHUNK)
            if data:
                pipes[pipe].feed(data)
            else:
                pipes.pop(pipe).close()
        if streams[1].has_begun:
            continue
        if streams[0].has_begun and not line_has_begun:
            line_has_begun, waited_s = True, 0.0
        waited_s += min(time.monotonic() - began, _TICK_S)  # a laptop that slept has not waited
        if waited_s > question.REPLY_WITHIN_S:
            return False
    return True


def _status(ssh: "subprocess.Popen[bytes]") -> int:
    """Return the exit status of an ssh whose outputs have ended; it has a moment to end, too."""
    try:
        return ssh.wait(timeout=_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        ssh.kill()
        return ssh.wait()


def _too_late(target: Target, said: Said, *, has_begun: bool) -> LnodeError:
    """Return the error for a script that has not begun in time. `has_begun`: the line itself has."""
    verdict.broken_off(target, said)
    is_in = failures.signed_in(said, target.place) is not None or master.may_ride(target)
    return begun.too_late(target.alias, has_begun=has_begun, is_in=is_in)


def _end(ssh: "subprocess.Popen[bytes]") -> None:
    ssh.kill()
    ssh.wait()
    for pipe in (ssh.stdin, ssh.stdout, ssh.stderr):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


def _failure(target: Target, status: int, said: Said, argv: Sequence[str], *, has_begun: bool) -> LnodeError:
    alias = target.alias
    if has_begun:
        return LnodeError(
            ExitCode.UNREACHABLE, f"the connection to {alias} was lost, and whether the command has ended is not known",
            f"a command that goes on by itself, with a log: lnode {alias} NAME --run -- COMMAND",
        )  # fmt: skip
    cause, _ = verdict.of_ssh(target, status, said, argv, silent=True)
    if cause is Cause.OVER:
        return begun.ended(target, said.others.splitlines())
    if cause is Cause.LOGIN_REFUSED:
        return LnodeError(
            ExitCode.LOGIN_REFUSED, f"{alias} needs you to sign in, and --exec never asks; nothing was run",
            f"sign in once in a terminal, then ask again: lnode {alias}",
        )  # fmt: skip
    return failures.explain(cause, str(said), target.place)
