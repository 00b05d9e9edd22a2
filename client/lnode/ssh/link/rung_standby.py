"""The rung of a proved silent sign-in: lnode's own master beside the terminals, the only one of this laptop for a host.

It serves what follows (questions, ports, editors, other windows), and waits for the return of a lost network: a session
over it takes two round trips, and a login six. For that nothing of it may be on its way through a silence, because TCP
sends that again, and ever more rarely. So only the kernel keeps it alive, and a window holds it without a session.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from lnode.laptop import addresses
from lnode.laptop.off_loop import in_thread
from lnode.laptop.tasks import has_left
from lnode.ssh import arguments, borrowed, brisk, failures, master, prompts, sign_in_memory, verdict
from lnode.ssh.arguments import Local, Option
from lnode.ssh.failures import Cause
from lnode.ssh.link import child, rung_master
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.rung_master import prove_master
from lnode.ssh.log import SshLog
from lnode.ssh.target import Resolving, Target

_LOOK_S = 0.02
_STOPS_S = 2.0  # a question that only the ssh on this laptop answers
_CHUNK = 1 << 10


class StandbyLink(rung_master.MasterLink):
    """A link over the standby. `ended` is done when that master ends."""

    rung = "standby"

    def __init__(self, target: Target, held: socket.socket) -> None:
        super().__init__(target)
        self._held = held
        self.ended = asyncio.create_task(_end_of(held))

    async def close(self) -> None:
        """Refuse further commands, and let the master end when it is no longer of use. Sends the host nothing."""
        await super().close()
        self.ended.cancel()
        self._held.close()


async def _end_of(held: socket.socket) -> None:
    with suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(held, _CHUNK):
            pass


async def open_rung(target: Target) -> StandbyLink:
    """Return a link over the live standby, opened if there is none. Raises LinkFailed."""
    async with _alone(target.control_path):
        master.forget_moved(target)
        proof = await prove_master(target)
        if proof is not True:
            if proof is False:
                await part(target)
            await _open(target)
        return StandbyLink(target, _held(target.control_path))


async def stand(target: Target) -> None:
    """Open the standby if there is none, for what follows. Raises LinkFailed."""
    async with _alone(target.control_path):
        if master.identity(target) is None:
            await _open(target)


async def stop(target: Target) -> None:
    """Let the present master take no more sessions. Those on it go on."""
    await child.run(arguments.stop_argv(target.alias, target.riding, target.config))


async def part(target: Target) -> None:
    """Stop the master that does not answer; end it if it does not answer here either.

    Perhaps only the network is slow, and other windows have sessions on it.
    """
    try:
        async with asyncio.timeout(_STOPS_S):
            await stop(target)
    except TimeoutError:
        await in_thread(lambda: master.drop(target))


def _held(path: str) -> socket.socket:
    """Return a connection to the master, which keeps it open past ControlPersist: to ssh it is a client without words.

    Source: channels.c, channel_still_open(), for SSH_CHANNEL_MUX_CLIENT.
    """
    held = socket.socket(socket.AF_UNIX)
    try:
        held.setblocking(False)
        held.connect(path)
    except OSError as gone:
        held.close()
        raise LinkFailed(Cause.LOST, "the master is gone") from gone
    return held


@asynccontextmanager
async def _alone(path: str) -> AsyncIterator[None]:
    """Wait until no other window of this laptop opens the same master."""
    if sys.platform == "win32":
        raise NotImplementedError
    import fcntl

    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOOK_S)
        yield
    finally:
        os.close(file)


async def _open(target: Target) -> None:
    """Sign in, and leave the master to itself. Raises LinkFailed."""
    with suppress(OSError):
        os.unlink(target.control_path)  # of a master that was killed
    there = await _at_terminals_address(target)
    asking, environment = prompts.asking(there, may_ask=False)
    argv = arguments.standby_argv(
        there.alias, connect_timeout_s=sign_in_memory.connect_timeout_s(there), config=there.config,
        options=(*there.standing, *asking, *_keepalive(there)),
    )  # fmt: skip
    if not arguments.may_dial(argv):
        raise LinkFailed(Cause.LOGIN_REFUSED, "a silent sign-in is not possible now")
    with SshLog() as log:
        ssh = _start(log, argv, environment)
        brisk.hurry(ssh.pid)
        ended = in_thread(ssh.wait)  # a master may go on as another process, as it does since OpenSSH 5.6
        try:
            await _stands(there, ssh.pid, ended)
        except asyncio.CancelledError as cancelled:
            ssh.terminate()
            if not has_left(cancelled):
                verdict.broken_off(there, log.said())
            raise
        said = log.said()
        if _listener(there.control_path) not in (None, ssh.pid):  # of a window that was killed while it opened one
            ssh.terminate()
        if master.identity(there) is None:
            ssh.terminate()
            cause, _ = verdict.of_ssh(there, await ended, said, argv, silent=True)
            raise LinkFailed(cause, _in_short(str(said)))
        verdict.learn_sign_in(there, said, silent=True)
    peer = failures.peer(said)
    if peer and (local := addresses.local_address(peer)):
        master.note_origin(there, local)


def _listener(path: str) -> int | None:
    """Return the pid of the ssh that has bound the socket (unix(7), SO_PEERCRED); None without one, or on macOS."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        probe.connect(path)
        return int.from_bytes(probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
    return None


def _start(log: SshLog, argv: list[str], environment: dict[str, str] | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        log.argv(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log.fileno(), env=environment,
        start_new_session=True,
    )  # fmt: skip


def _in_short(words: str) -> str:
    """Return the last line of ssh's words."""
    return next(reversed(words.strip().splitlines()), "ssh has ended without a word")


async def _stands(target: Target, pid: int, ended: "asyncio.Future[int]") -> None:
    """Wait until the master listens, or has ended. The kernel keeps its connection alive from the dial on."""
    alive = False
    while master.identity(target) is None and not ended.done():
        await asyncio.wait([ended], timeout=_LOOK_S)
        alive = alive or borrowed.keep_alive(pid)


def _keepalive(target: Target) -> tuple[Option, ...]:
    """Return the options by which ssh itself keeps it alive, if the kernel does not for lnode. These are data."""
    return () if borrowed.is_allowed() else target.keepalive


async def _at_terminals_address(target: Target) -> Target:
    """Return the target at the address of its terminal, if its name stands for several, as of several login nodes.

    Raises LinkFailed if ssh's configuration means another host by that address.
    """
    if not target.peer or "%" in target.peer or len(await in_thread(lambda: _addresses(target))) <= 1:
        return target
    known_as = Local(target.host_key_alias or target.place.known_hosts_name)
    route = (Option("HostName", target.peer), Option("HostKeyAlias", known_as))
    asked = Resolving(target.alias, target.config, route=(*target.route, *route))
    there = await in_thread(asked.target)  # a program of `Match exec` may hang without a network
    if _without_name(there) != _without_name(target):
        raise LinkFailed(Cause.NO_COMMON_ALGORITHM, "its address has a configuration of its own")
    return target._replace(route=(*target.route, *route))


def _addresses(target: Target) -> set[str]:
    """Return the host's addresses of the kind that the terminal has reached."""
    family = socket.AF_INET6 if ":" in (target.peer or "") else socket.AF_INET
    with suppress(OSError, UnicodeError):
        return {str(row[4][0]) for row in socket.getaddrinfo(target.hostname, target.port, family, socket.SOCK_STREAM)}
    return set()


def _without_name(target: Target) -> dict[str, tuple[str, ...]]:
    return {key: value for key, value in target.options.items() if key not in ("hostname", "hostkeyalias")}
