"""The first rung: a live OpenSSH master, the user's own or lnode's; one ssh child for each command."""

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack, closing, suppress

from lnode.ssh import arguments
from lnode.ssh.failures import Cause
from lnode.ssh.link import child
from lnode.ssh.link.contract import Answer, LinkFailed, link_failures, timed_out
from lnode.ssh.said import without_unsupported
from lnode.ssh.target import Target

_CHUNK = _WORDS = 1 << 16
_GRACE_S = 0.3
_OPENED = "master session id"  # at DEBUG1, after the server has opened a session (mux.c, mux_client_request_session)
# `ssh -O check` passes on a master whose network is gone, so a real no-op has to answer. A dead master delays an attach
# by so many seconds.
_PROOF_S = 1.6


class MasterLink:
    """A link over a master, the user's or lnode's. The master stays open when the link closes."""

    rung = "master"
    shared = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._closed = False

    async def run(self, line: str, *, timeout_s: float) -> Answer:
        """Run `line` over the master. Raises LinkFailed when the master is gone or the deadline passes."""
        self._refuse_when_closed()
        async with link_failures(timeout_s=timeout_s):
            return await self._answer(line)

    async def _answer(self, line: str) -> Answer:
        with closing(_Log()) as log:
            argv = _argv(self._target, line, log)
            done = await child.run(argv)
            words = log.words()
        if done.status != arguments.SSH_FAILED:
            return Answer(done.stdout, done.stderr, done.status)
        await _blame_ssh(words, self._target)
        return Answer(done.stdout, done.stderr, None)

    async def start(self, line: str) -> "MasterPipe":
        """Start `line` over the master. Raises LinkFailed if the link is closed; the first read raises for the rest."""
        self._refuse_when_closed()
        async with link_failures():
            return await _start(self._target, line)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise LinkFailed(Cause.LOST, "closed")

    async def close(self) -> None:
        """Refuse further commands; running ones end at their own deadline."""
        self._closed = True


class MasterPipe:
    """A command that stays, behind one ssh child over the master."""

    def __init__(
        self, target: Target, ssh: asyncio.subprocess.Process, stream: child.Stream, log: "_Log", held: AsyncExitStack
    ) -> None:
        self._target = target
        self._ssh = ssh
        self._stream = stream
        self._log = log
        self._held = held

    async def write(self, data: bytes) -> None:
        async with link_failures():
            self._stream.writer.write(data)
            await self._stream.writer.drain()

    async def read(self) -> bytes:
        async with link_failures():
            data = await self._stream.reader.read(_CHUNK)
            if data:
                self._log.forget_name()  # ssh has opened the file by now
            elif await self._ssh.wait() == arguments.SSH_FAILED:
                await _blame_ssh(self._log.words(), self._target)
            return data

    async def close(self) -> None:
        # The master must read the end of the input before ssh ends. Otherwise it leaves the session, and with it the
        # command, as they are until something else wakes the master.
        async with self._held:
            with suppress(OSError, TimeoutError):
                self._stream.writer.write_eof()
                async with asyncio.timeout(_GRACE_S):
                    await self._ssh.wait()


class _Log:
    """A file for `ssh -E`, which needs a name. After forget_name() it disappears with this process, however it ends."""

    def __init__(self) -> None:
        self._file, self.name = tempfile.mkstemp(prefix="lnode-")

    def words(self) -> str:
        return without_unsupported(os.pread(self._file, _WORDS, 0).decode(errors="replace")).strip()

    def forget_name(self) -> None:
        if self.name:
            os.unlink(self.name)
            self.name = ""

    def close(self) -> None:
        self.forget_name()
        os.close(self._file)


def _argv(target: Target, line: str, log: _Log) -> list[str]:
    return arguments.master_argv(target.alias, line, log=log.name, options=target.riding, config=target.config)


async def _start(target: Target, line: str) -> MasterPipe:
    async with AsyncExitStack() as held:
        log = held.enter_context(closing(_Log()))
        stream = await held.enter_async_context(child.stream())
        argv = _argv(target, line, log)
        end = stream.childs.fileno()
        ssh = await child.start(argv, stdin=end, stdout=end, stderr=asyncio.subprocess.DEVNULL)
        held.push_async_callback(child.end, ssh)
        stream.childs.close()
        return MasterPipe(target, ssh, stream, log, held.pop_all())


async def _blame_ssh(words: str, target: Target) -> None:
    """Raise LinkFailed if the exit status 255 was ssh's own failure.

    Otherwise it was the command's status, or its end by a signal: then ssh is silent and the master still answers.
    """
    if words or not await is_there(target):
        raise LinkFailed(Cause.LOST, words.splitlines()[0] if words else "the master is gone", final=is_full(words))


def is_full(words: str) -> bool:
    """True if ssh says that its master gets no further session from the host (MaxSessions, sshd_config(5))."""
    return "session request failed" in words or "refused session request" in words


async def open_rung(target: Target) -> MasterLink:
    """Return a link over a live master, proved by a no-op. Raises LinkFailed within 2 s if there is none."""
    if not (target.control_path or target.one("controlpath")):
        raise LinkFailed(Cause.LOST, "no ControlPath")
    async with link_failures(timeout_s=_PROOF_S):
        if not await is_there(target):
            raise LinkFailed(Cause.LOST, "none")
    async with link_failures():
        await _prove(target)
    return MasterLink(target)


async def _prove(target: Target) -> None:
    """Prove the master by a session that the server opens; a slow login shell does not matter. Raises LinkFailed."""
    with closing(_Log()) as log:
        argv = arguments.master_argv(
            target.alias, "true", log=log.name, options=target.riding, level="DEBUG1", config=target.config
        )
        running = asyncio.create_task(child.run(argv))
        try:
            ended, _ = await asyncio.wait([running], timeout=_PROOF_S)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        words = log.words()
    if _OPENED in words:
        return
    if not ended:
        raise timed_out(_PROOF_S)
    if running.result().status == arguments.SSH_FAILED:
        await _blame_ssh("\n".join(row for row in words.splitlines() if not row.startswith("debug")), target)


async def is_there(target: Target) -> bool:
    """True if a master process answers `ssh -O check`; its network may be gone."""
    done = await child.run(arguments.check_argv(target.alias, target.riding, target.config))
    return done.status == 0


async def prove_master(target: Target) -> bool | None:
    """Return True if ssh would share a live connection, False if that one is silent, None if there is none."""
    try:
        link = await open_rung(target)
    except LinkFailed as failed:
        return True if failed.final else False if failed.cause is Cause.TIMED_OUT else None  # full, and so alive
    await link.close()
    return True
