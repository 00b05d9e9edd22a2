"""One question, one answer: run a script on the host through ssh itself, which may ask a person to sign in.

For `--ls` and `--kill`. ssh(1) is the shortest way there (6 round trips cold, 2 over a live master; asyncssh needs
8 and its import), obeys every word of the user's configuration, and is the only one that may prompt. One question
is one channel.
"""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Self, cast

from lnode import causes, remote, screen, silence, sshargs
from lnode.errors import ExitCode, LnodeError
from lnode.reply import parse_reply
from lnode.sshlog import SshLog
from lnode.target import Target

MAX_REPLY = 4 << 20  # characters; a reply longer than that is not one of ours


class Question:
    """A script on its way on the host, with pipes to it; leaving the block ends ssh.

    `values` follow the nonce that frames the replies.
    """

    def __init__(self, target: Target, script: str, *values: str) -> None:
        self._target = target
        self._nonce = remote.nonce()
        self._line = remote.line(script, self._nonce, *values)
        self._log = SshLog()

    def __enter__(self) -> Self:
        self._log.__enter__()
        may_prompt = screen.can_ask()
        argv = sshargs.question_argv(
            self._target.alias,
            self._line,
            may_prompt=may_prompt,
            connect_timeout_s=self._target.connect_timeout_s,
            config=self._target.config,
        )
        self._ssh = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.fileno(),
            encoding="utf-8",
            errors="backslashreplace",
            env=None if may_prompt else silence.environment(),
            start_new_session=not may_prompt,
        )
        self._stdin: IO[str] = cast("IO[str]", self._ssh.stdin)
        self._stdout: IO[str] = cast("IO[str]", self._ssh.stdout)
        return self

    def reply(self) -> Mapping[str, Sequence[str]]:
        """The next framed reply. Raises LnodeError where ssh failed, or something else than the script answered."""
        rows: list[str] = []
        room = MAX_REPLY
        while room > 0 and (row := self._stdout.readline(room)):
            room -= len(row)
            rows.append(row.rstrip("\n"))
            if rows[-1] == f"{self._nonce} end":
                break
        sections = parse_reply(self._nonce, rows)
        if "end" not in sections:
            raise self._failure(rows)
        return sections

    def tell(self, line: str) -> None:
        """One line to the script's standard input."""
        try:
            self._stdin.write(f"{line}\n")
            self._stdin.flush()
        except BrokenPipeError:
            raise self._failure([]) from None

    def _failure(self, rows: Sequence[str]) -> LnodeError:
        status = self._end()
        if status == sshargs.SSH_FAILED or status < 0:
            words = self._log.words()
            return causes.explain(causes.cause_of_ssh(words, self._target.place), words, self._target.place)
        alias = self._target.alias
        if "host" in parse_reply(self._nonce, rows):
            return LnodeError(ExitCode.UNREACHABLE, f"the answer of {alias} broke off", "ask again")
        return LnodeError(
            ExitCode.MISSING_THERE,
            f"{alias} answered, but not with a shell",
            f"see what it says: ssh {alias} /bin/sh -c true",
            detail="\n".join(rows[-5:]),
        )

    def _end(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            return self._ssh.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._ssh.terminate()
            return self._ssh.wait()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        self._stdout.close()
        self._log.__exit__(kind, error, at)
