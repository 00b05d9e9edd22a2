"""The link: a silent connection beside the terminal, over which lnode asks the host short questions.

lnode climbs a ladder and stops at the first rung that works: an OpenSSH master, asyncssh, paramiko. No rung
ever prompts, and every rung checks the host key. lnode tries paramiko only if asyncssh cannot negotiate, read the
keys, or be imported: never after a refused login, an unknown or changed host key, or a network failure.
"""

import asyncio
from importlib import import_module
from typing import Protocol, cast

from lnode.ssh import keychain
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.target import Target

RUNGS = (
    "master",
    "asyncssh",
    "paramiko",
)
"""The ladder from its top: the file rung_x.py is the rung `x`. The first shares a connection, the others sign in.

If the target has a standby, `rung_standby.py` takes the place of the first.
"""


class Rung(Protocol):
    """The interface of the ladder's modules."""

    async def open_rung(self, target: Target) -> Link:
        """Open a link or raise LinkFailed; bounded in time by the caller, who cancels."""
        ...


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
