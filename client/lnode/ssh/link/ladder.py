"""The link: a silent connection beside the terminal, over which lnode asks the host short questions.

It climbs a ladder and stops at the first rung that holds: a live OpenSSH master, asyncssh, paramiko. No rung
ever prompts, and every rung checks the host key. paramiko is tried only where asyncssh cannot negotiate, read the
keys, or be imported: never after a refused login, an unknown or changed host key, or a network failure.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from lnode.remote.reply import MAX_BYTES
from lnode.ssh import keychain
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

MAX_OUTPUT = MAX_BYTES  # of either stream of an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What one remote command left: its output (at most MAX_OUTPUT bytes each) and exit status.

    `exit_status` is None when the command was ended by a signal or the channel closed without one.
    """

    stdout: bytes
    stderr: bytes
    exit_status: int | None


class Pipe(Protocol):
    """One remote command that stays: its standard input and output. Its standard error is dropped.

    Whoever started it closes it, before the link. A command that was never let start (MaxSessions) is told by
    `Link.start` or by the first `read`. All raise LinkFailed when the connection is lost.
    """

    async def write(self, data: bytes) -> None: ...

    async def read(self) -> bytes:
        """What came next, b"" once the command has ended. One read at a time; a cancelled one may lose what came."""
        ...

    async def close(self) -> None:
        """End the command: its standard input ends. Also on a silent wire."""
        ...


class Link(Protocol):
    """One open connection. Every `run` is one channel: one command, nothing on its standard input."""

    rung: str  # "master", "asyncssh" or "paramiko"
    shared: bool  # the connection is somebody's master, and may be the terminal's own

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` in the user's login shell. Raises LinkFailed when the connection or the deadline fails.

        Also for more than MAX_OUTPUT bytes: the command is ended then, and the link lives on.
        """
        ...

    async def start(self, line: str) -> Pipe:
        """Start `line` in the user's login shell, to stay. Raises LinkFailed; a deadline is the caller's."""
        ...

    async def close(self) -> None: ...


class LinkFailed(Exception):  # noqa: N818 (an outcome, like Cause, not an error of the program)
    """No silent connection, or no longer. `story` says what each rung met, for `-v`.

    `final`: the next rung would be a second login behind the user's back.
    """

    def __init__(self, cause: Cause, story: str, *, final: bool = False) -> None:
        super().__init__(story)
        self.cause = cause
        self.story = story
        self.final = final


def timed_out(timeout_s: float) -> LinkFailed:
    """The failure of a deadline."""
    return LinkFailed(Cause.TIMED_OUT, f"no answer within {timeout_s:g} s")


def too_long() -> LinkFailed:
    """The failure of an answer that has no end: a part of it is none."""
    return LinkFailed(Cause.LOST, f"the answer has more than {MAX_OUTPUT >> 20} MiB")


@asynccontextmanager
async def link_failures(*lost: type[Exception], timeout_s: float | None = None) -> AsyncIterator[None]:
    """Turn into LinkFailed: a deadline that passes, and `lost`, a library's words for a connection that is gone."""
    failures: tuple[type[Exception], ...] = (OSError, *lost)
    try:
        async with asyncio.timeout(timeout_s) as deadline:
            yield
    except failures as exc:
        if timeout_s is not None and deadline.expired():
            raise timed_out(timeout_s) from None
        raise LinkFailed(Cause.LOST, str(exc) or "the connection was lost") from exc


class Rung(Protocol):
    """What each of the ladder's modules offers."""

    async def open_rung(self, target: Target) -> Link:
        """Open a link or raise LinkFailed; bounded in time by the caller, who cancels."""
        ...


async def prove_master(target: Target) -> bool | None:
    """Is there a connection that ssh would share? True where it is alive, False where it is silent, None for none."""
    from lnode.ssh.link import rung_master

    try:
        link = await rung_master.open_rung(target)
    except LinkFailed as failed:
        return True if failed.final else False if failed.cause is Cause.TIMED_OUT else None  # full, and so alive
    await link.close()
    return True


async def open_link(target: Target, *, timeout_s: float = 20.0, shared_only: bool = False) -> Link:
    """Climb the ladder, or with `shared_only` its first rung. Raises LinkFailed where no rung holds silently."""
    story: list[str] = []
    try:
        async with asyncio.timeout(timeout_s):
            return await _climb(target, story, shared_only)
    except TimeoutError:
        # Where the keychain answers, a login that waits for more may be one that waits for somebody.
        final = keychain.is_kept(target)
        raise LinkFailed(Cause.TIMED_OUT, "; ".join([*story, f"no link within {timeout_s:g} s"]), final=final) from None


async def _climb(target: Target, story: list[str], shared_only: bool) -> Link:
    for name in ("master", "asyncssh"):
        try:
            return await _try(name, target, story)
        except LinkFailed as failed:
            # A master that does not hold says nothing about the host; of asyncssh's failures only the one to
            # agree with the server can end differently on the next rung.
            if failed.final or shared_only or (name != "master" and failed.cause is not Cause.NO_COMMON_ALGORITHM):
                raise
    return await _try("paramiko", target, story)


async def _try(name: str, target: Target, story: list[str]) -> Link:
    try:
        # By name and only now: the libraries stay off the path to ssh, and one that breaks costs one rung.
        rung = cast(Rung, import_module(f"lnode.ssh.link.rung_{name}"))
    except Exception as broken:
        story.append(f"{name}: cannot be imported ({broken})")
        raise LinkFailed(Cause.NO_COMMON_ALGORITHM, "; ".join(story)) from broken
    try:
        link = await rung.open_rung(target)
    except LinkFailed as failed:
        story.append(f"{name}: {failed.story}")
        raise LinkFailed(failed.cause, "; ".join(story), final=failed.final) from failed
    except Exception as broken:  # a key file that may not be read, a library's own bug: the terminal goes on without it
        story.append(f"{name}: {broken!r}")
        raise LinkFailed(Cause.LOST, "; ".join(story), final=True) from broken
    return link
