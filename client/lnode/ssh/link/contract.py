"""What a link is, and how it fails: the contract that every rung of the ladder keeps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from lnode.remote.reply import MAX_BYTES
from lnode.ssh.failures import Cause

MAX_OUTPUT = MAX_BYTES  # of either stream of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one remote command: its output (at most MAX_OUTPUT bytes each) and exit status.

    `exit_status` is None when the command was ended by a signal or the channel closed without one.
    """

    stdout: bytes
    stderr: bytes
    exit_status: int | None


class Pipe(Protocol):
    """One remote command that stays: its standard input and output. Its standard error is dropped.

    The caller of `Link.start` closes it, before the link. If the server refuses to start the command (MaxSessions),
    `Link.start` or the first `read` raises. All methods raise LinkFailed when the connection is lost.
    """

    async def write(self, data: bytes) -> None: ...

    async def read(self) -> bytes:
        """Return the next bytes, b"" after the command's end. One read at a time; a cancelled one may lose bytes."""
        ...

    async def close(self) -> None:
        """End the command by the end of its standard input. Works on a silent wire, too."""
        ...


class Link(Protocol):
    """One open connection. Every `run` is one channel: one command, nothing on its standard input."""

    rung: str  # its name on the ladder
    shared: bool  # the connection is a master, yours or lnode's, and may be the terminal's own

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` in the user's login shell. Raises LinkFailed when the connection or the deadline fails.

        Also raises at more than MAX_OUTPUT bytes: it ends the command, and the link stays open.
        """
        ...

    async def start(self, line: str) -> Pipe:
        """Start `line` in the user's login shell, to stay. Raises LinkFailed; the caller sets the deadline."""
        ...

    async def close(self) -> None: ...


class LinkFailed(Exception):  # noqa: N818 (an outcome, like Cause, not an error of the program)
    """There is no silent connection, or no longer. `story` is the failure of each rung, for `-v`.

    `final`: the next rung would be a second login without the user's knowledge.
    """

    def __init__(self, cause: Cause, story: str, *, final: bool = False) -> None:
        super().__init__(story)
        self.cause = cause
        self.story = story
        self.final = final


def timed_out(timeout_s: float) -> LinkFailed:
    """Return the failure of a deadline."""
    return LinkFailed(Cause.TIMED_OUT, f"no answer within {timeout_s:g} s")


def too_long() -> LinkFailed:
    """Return the failure of an answer that is too long; lnode does not use a part of an answer."""
    return LinkFailed(Cause.LOST, f"the answer has more than {MAX_OUTPUT >> 20} MiB")


@asynccontextmanager
async def link_failures(*lost: type[Exception], timeout_s: float | None = None) -> AsyncIterator[None]:
    """Raise LinkFailed for a deadline that passes, and for `lost`, a library's exceptions for a lost connection."""
    failures: tuple[type[Exception], ...] = (OSError, *lost)
    try:
        async with asyncio.timeout(timeout_s) as deadline:
            yield
    except failures as exc:
        if timeout_s is not None and deadline.expired():
            raise timed_out(timeout_s) from None
        raise LinkFailed(Cause.LOST, str(exc) or "the connection was lost") from exc
