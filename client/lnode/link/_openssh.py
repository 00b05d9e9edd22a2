"""The first rung: a live OpenSSH master, the user's own or lnode's; one ssh child for each command."""

import asyncio
import tempfile

from lnode import sshargs
from lnode.causes import Cause
from lnode.link import Answer, LinkFailed, _child, timed_out
from lnode.target import Target

_PROOF_S = 2.0  # `ssh -O check` passes on a master whose network is gone, so a real no-op has to answer


class MasterLink:
    """A link over somebody's master. Closing it leaves the master alone."""

    rung = "master"

    def __init__(self, target: Target) -> None:
        self._target = target
        self._closed = False

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` over the master. Raises LinkFailed when the master is gone or the deadline passes."""
        if self._closed:
            raise LinkFailed(Cause.LOST, "closed")
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answer(line)
        except TimeoutError:
            raise timed_out(timeout_s) from None

    async def _answer(self, line: str) -> Answer:
        with tempfile.NamedTemporaryFile(prefix="lnode-") as log:
            argv = sshargs.master_argv(self._target.alias, line, log=log.name, config=self._target.config)
            done = await _child.run(argv)
            words = log.read().decode(errors="replace").strip()
        if done.status != sshargs.SSH_FAILED:
            return Answer(done.stdout, done.stderr, done.status)
        # 255 is ssh's own failure, or a command that ended by a signal: then ssh is silent and the master is there.
        if words or not await is_there(self._target):
            full = "session request failed" in words or "refused session request" in words  # MaxSessions (TRAPS 15)
            raise LinkFailed(Cause.LOST, words.splitlines()[0] if words else "the master is gone", final=full)
        return Answer(done.stdout, done.stderr, None)

    async def close(self) -> None:
        """Refuse further commands; those under way end by their own deadline."""
        self._closed = True


async def open_rung(target: Target) -> MasterLink:
    """A link over a live master, proved by a no-op. Raises LinkFailed within 2 s where there is none."""
    if not target.one("controlpath"):
        raise LinkFailed(Cause.LOST, "no ControlPath")
    link = MasterLink(target)
    try:
        async with asyncio.timeout(_PROOF_S):
            if not await is_there(target):
                raise LinkFailed(Cause.LOST, "none")
            await link.run("true", timeout_s=_PROOF_S)
    except TimeoutError:
        raise timed_out(_PROOF_S) from None
    return link


async def is_there(target: Target) -> bool:
    """`ssh -O check`: a master process answers, though its network may be gone."""
    done = await _child.run(sshargs.check_argv(target.alias, target.config))
    return done.status == 0
