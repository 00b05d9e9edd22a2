"""The link: a silent connection beside the terminal, over which lnode asks the host short questions.

lnode climbs a ladder and stops at the first rung that works: an OpenSSH master, asyncssh, paramiko. No rung
ever prompts, and every rung checks the host key. lnode tries paramiko only if asyncssh cannot negotiate, read the
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

RUNGS = (
    "master",
    "asyncssh",
    "paramiko",
)
"""The ladder from its top: the file rung_x.py is the rung `x`. The first shares a connection, the others sign in.

If the target has a standby, `rung_standby.py` takes the place of the first.
"""

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

    rung: str  # one of RUNGS
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


class Rung(Protocol):
    """The interface of the ladder's modules."""

    async def open_rung(self, target: Target) -> Link:
        """Open a link or raise LinkFailed; bounded in time by the caller, who cancels."""
        ...


async def prove_master(target: Target) -> bool | None:
    """Return True if ssh would share a live connection, False if that one is silent, None if there is none."""
    from lnode.ssh.link import rung_master

    try:
        link = await rung_master.open_rung(target)
    except LinkFailed as failed:
        return True if failed.final else False if failed.cause is Cause.TIMED_OUT else None  # full, and so alive
    await link.close()
    return True


async def open_link(target: Target, *, timeout_s: float = 20.0, shared_only: bool = False) -> Link:
    """Climb the ladder, or with `shared_only` its first rung. Raises LinkFailed if no rung works silently."""
    story: list[str] = []
    try:
        async with asyncio.timeout(timeout_s):
            return await _climb(target, story, shared_only)
    except TimeoutError:
        # If the keychain answers, a login that still waits may wait for an answer from you.
        final = keychain.is_kept(target)
        raise LinkFailed(Cause.TIMED_OUT, "; ".join([*story, f"no link within {timeout_s:g} s"]), final=final) from None


async def _climb(target: Target, story: list[str], shared_only: bool) -> Link:
    *upper, last = RUNGS[:1] if shared_only else _rungs(target)
    for name in upper:
        try:
            return await _try(name, target, story)
        except LinkFailed as failed:
            # A master that fails says nothing about the host. Of the other failures, only a failure to agree with the
            # server can end differently on the next rung.
            if failed.final or (name != RUNGS[0] and failed.cause is not Cause.NO_COMMON_ALGORITHM):
                raise
    return await _try(last, target, story)


def _rungs(target: Target) -> tuple[str, ...]:
    return ("standby", *RUNGS[1:]) if target.standby else RUNGS


async def _try(name: str, target: Target, story: list[str]) -> Link:
    try:
        # By name and only now: the way to ssh does not load the libraries, and a broken library costs one rung.
        rung = cast(Rung, import_module(f"lnode.ssh.link.rung_{name}"))
    except Exception as broken:
        story.append(f"{name}: cannot be imported ({broken})")
        raise LinkFailed(Cause.NO_COMMON_ALGORITHM, "; ".join(story)) from broken
    try:
        link = await rung.open_rung(target)
    except LinkFailed as failed:
        story.append(f"{name}: {failed.story}")
        raise LinkFailed(failed.cause, "; ".join(story), final=failed.final) from failed
    except Exception as broken:  # an unreadable key file, a library's own bug: the terminal goes on without the link
        story.append(f"{name}: {broken!r}")
        raise LinkFailed(Cause.LOST, "; ".join(story), final=True) from broken
    return link
