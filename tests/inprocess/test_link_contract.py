"""What every rung promises, once, against one server."""

import asyncio
import gc
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path

import asyncssh
import paramiko
import pytest

from inprocess.sshd import DEADLINE_S, Site, Sshd, serving
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import MAX_OUTPUT, Link, LinkFailed, Pipe
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.target import Target
from wire import Wire


async def open_rung(rung: str, target: Target) -> Link:
    link: Link = await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)
    return link


@asynccontextmanager
async def site_with(rung: str, folder: Path) -> AsyncIterator[tuple[Target, Sshd, Wire]]:
    site = Site(folder)
    async with serving() as sshd:
        with Wire(sshd.port) as wire:
            site.trust(wire.port, sshd.host_key)
            target = site.target(wire.port, *([site.control_path] if rung == "master" else []))
            if rung == "master":
                async with site.master():
                    yield target, sshd, wire
            else:
                yield target, sshd, wire


@asynccontextmanager
async def linked(rung: str, folder: Path) -> AsyncIterator[tuple[Link, Sshd, Wire]]:
    async with site_with(rung, folder) as (target, sshd, wire):
        link = await open_rung(rung, target)
        try:
            yield link, sshd, wire
        finally:
            await link.close()


Scenario = Callable[[Link, Sshd], Awaitable[None]]
WiredScenario = Callable[[Link, Sshd, Wire], Awaitable[None]]


@pytest.fixture(params=RUNGS)
def wired(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[WiredScenario], None]:
    """Run a scenario over an open link of each rung, with the wire in its hand."""

    def play(scenario: WiredScenario) -> None:
        async def played() -> None:
            async with linked(request.param, tmp_path) as (link, sshd, wire):
                assert link.rung == request.param
                await scenario(link, sshd, wire)

        asyncio.run(asyncio.wait_for(played(), 3 * DEADLINE_S))

    return play


@pytest.fixture
def over(wired: Callable[[WiredScenario], None]) -> Callable[[Scenario], None]:
    """Run a scenario over an open link of each rung."""
    return lambda scenario: wired(lambda link, sshd, _: scenario(link, sshd))


def test_output_stderr_and_status(over):
    async def scenario(link: Link, _: Sshd) -> None:
        answer = await link.run("printf out; printf err >&2; exit 7", timeout_s=DEADLINE_S)
        assert (answer.stdout, answer.stderr, answer.exit_status) == (b"out", b"err", 7)

    over(scenario)


def test_every_byte_arrives(over):
    async def scenario(link: Link, _: Sshd) -> None:
        octal = "".join(f"\\{byte:03o}" for byte in range(256))
        answer = await link.run(f"printf '{octal}'", timeout_s=DEADLINE_S)
        assert answer.stdout == bytes(range(256))

    over(scenario)


def test_a_signal_leaves_no_status(over):
    async def scenario(link: Link, _: Sshd) -> None:
        answer = await link.run("printf before; kill -TERM $$", timeout_s=DEADLINE_S)
        assert (answer.stdout, answer.exit_status) == (b"before", None)

    over(scenario)


def test_the_command_has_an_empty_stdin(over):
    async def scenario(link: Link, _: Sshd) -> None:
        answer = await link.run("cat; echo done", timeout_s=DEADLINE_S)
        assert (answer.stdout, answer.exit_status) == (b"done\n", 0)

    over(scenario)


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_an_answer_without_an_end_is_none_and_the_link_lives_on(over, stream):
    async def scenario(link: Link, _: Sshd) -> None:
        with pytest.raises(LinkFailed, match="more than 4 MiB"):
            await link.run(f"yes{stream}", timeout_s=DEADLINE_S)
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


def test_the_longest_answer_is_whole(over):
    async def scenario(link: Link, _: Sshd) -> None:
        answer = await link.run(f"head -c {MAX_OUTPUT} /dev/zero | tr '\\0' x; exit 3", timeout_s=DEADLINE_S)
        assert (answer.stdout, answer.exit_status) == (b"x" * MAX_OUTPUT, 3)

    over(scenario)


def test_two_commands_at_once(over, tmp_path):
    async def scenario(link: Link, _: Sshd) -> None:
        os.mkfifo(tmp_path / "meet")  # neither end opens without the other
        read, wrote = await asyncio.gather(
            link.run(f"cat {tmp_path}/meet", timeout_s=DEADLINE_S),
            link.run(f"echo hello > {tmp_path}/meet", timeout_s=DEADLINE_S),
        )
        assert (read.stdout, wrote.exit_status) == (b"hello\n", 0)

    over(scenario)


def test_a_deadline_ends_the_command_not_the_link(over):
    async def scenario(link: Link, _: Sshd) -> None:
        with pytest.raises(LinkFailed) as failed:
            await link.run("exec sleep 300", timeout_s=0.3)
        assert failed.value.cause is Cause.TIMED_OUT
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


def test_a_deadline_passes_on_a_silent_wire_too(wired):
    async def scenario(link: Link, sshd: Sshd, wire: Wire) -> None:
        running = asyncio.create_task(link.run("echo up; exec sleep 300", timeout_s=0.5))
        started = asyncio.create_task(sshd.started.wait())
        await asyncio.wait((running, started), return_when=asyncio.FIRST_COMPLETED)  # on a busy machine it never starts
        started.cancel()
        wire.freeze()
        for command in running, link.run("true", timeout_s=0.5):
            with pytest.raises(LinkFailed) as failed:
                await asyncio.wait_for(command, DEADLINE_S)
            assert failed.value.cause is Cause.TIMED_OUT
        wire.heal()
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    wired(scenario)


def test_a_cancelled_command_leaves_the_link(over):
    async def scenario(link: Link, sshd: Sshd) -> None:
        running = asyncio.create_task(link.run("echo up; exec sleep 300", timeout_s=300))
        await sshd.started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


@pytest.mark.parametrize("wired", ["paramiko"], indirect=True)
def test_a_channel_that_does_not_close_keeps_nobody_waiting(over, monkeypatch):
    """The host begins to exchange keys, and says no more: paramiko's close waits for the end of that."""
    at, close = list[threading.Thread](), paramiko.Channel.close

    def closed(channel: paramiko.Channel) -> None:
        at.append(threading.current_thread())
        close(channel)

    async def scenario(link: Link, _: Sshd) -> None:
        monkeypatch.setattr(paramiko.Channel, "close", closed)
        with pytest.raises(LinkFailed):
            await link.run("exec sleep 300", timeout_s=0.5)
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"
        while not at:
            await asyncio.sleep(0.01)
        assert threading.current_thread() not in at

    over(scenario)


def test_a_closed_link_says_so(over):
    async def scenario(link: Link, _: Sshd) -> None:
        await link.close()
        for command in link.run("true", timeout_s=DEADLINE_S), link.start("cat"):
            with pytest.raises(LinkFailed) as failed:
                await command
            assert failed.value.cause is Cause.LOST

    over(scenario)


def test_a_server_that_dies_is_a_lost_link(over):
    async def scenario(link: Link, sshd: Sshd) -> None:
        running = asyncio.create_task(link.run("echo up; exec sleep 300", timeout_s=300))
        await sshd.started.wait()
        sshd.die()
        with pytest.raises(LinkFailed) as failed:
            await asyncio.wait_for(running, DEADLINE_S)
        assert failed.value.cause is Cause.LOST
        with pytest.raises(LinkFailed):
            await link.run("true", timeout_s=DEADLINE_S)

    over(scenario)


def test_only_the_master_is_shared(over):
    async def scenario(link: Link, _: Sshd) -> None:
        assert link.shared == (link.rung == "master")

    over(scenario)


def test_a_pipe_carries_every_byte_both_ways(over):
    async def scenario(link: Link, _: Sshd) -> None:
        async with piped(link, "exec cat") as pipe:
            for data in bytes(range(256)), b"more\n", bytes(200_000):
                writing = asyncio.create_task(pipe.write(data))
                assert await received(pipe, len(data)) == data
                await writing

    over(scenario)


def test_a_pipe_ends_with_its_command(over):
    async def scenario(link: Link, _: Sshd) -> None:
        for line in "printf last; exit 3", "printf last; kill -TERM $$":
            async with piped(link, line) as pipe:
                assert await received(pipe, 5) == b"last"
                assert await pipe.read() == b""

    over(scenario)


def test_a_pipe_drops_standard_error(over):
    async def scenario(link: Link, _: Sshd) -> None:
        async with piped(link, "head -c 5000000 /dev/zero >&2; printf after") as pipe:
            assert await received(pipe, 6) == b"after"

    over(scenario)


def test_closing_a_pipe_ends_its_command_and_not_the_link(over):
    async def scenario(link: Link, _: Sshd) -> None:
        async with piped(link, "echo $$; exec cat") as pipe:
            pid = int(await received(pipe, 8, until=b"\n"))
        await gone(pid)
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


def test_a_pipe_closes_on_a_silent_wire_too(wired):
    async def scenario(link: Link, _: Sshd, wire: Wire) -> None:
        async with piped(link, "echo $$; exec cat") as pipe:
            pid = int(await received(pipe, 8, until=b"\n"))
            wire.freeze()
            await pipe.write(b"held")
            await asyncio.wait_for(pipe.close(), DEADLINE_S)
        wire.heal()
        await gone(pid)

    wired(scenario)


def test_a_lost_link_is_told_by_its_pipes(over):
    async def scenario(link: Link, sshd: Sshd) -> None:
        async with piped(link, "echo up; exec cat") as pipe:
            await received(pipe, 3)
            reading = asyncio.create_task(pipe.read())
            sshd.die()
            with pytest.raises(LinkFailed) as failed:
                await asyncio.wait_for(reading, DEADLINE_S)
            assert failed.value.cause is Cause.LOST

    over(scenario)


def test_a_link_that_is_closed_is_told_by_its_pipes(over):
    async def scenario(link: Link, _: Sshd) -> None:
        if link.shared:
            pytest.skip("somebody's master is not closed")
        async with piped(link, "echo up; exec cat") as pipe:
            await received(pipe, 3)
            reading = asyncio.create_task(pipe.read())
            await link.close()
            with pytest.raises(LinkFailed) as failed:
                await asyncio.wait_for(reading, DEADLINE_S)
            assert failed.value.cause is Cause.LOST

    over(scenario)


def test_a_master_without_room_is_final_and_leaves_no_file(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    def refuse(*_: object) -> None:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "no more sessions")

    async def scenario() -> None:
        async with linked("master", tmp_path) as (link, *_):
            async with piped(link, "echo up; exec cat") as pipe:
                await received(pipe, 3)
                assert not list((tmp_path / "tmp").iterdir())  # already while it lives: lnode may be killed
            monkeypatch.setattr(asyncssh.SSHServerConnection, "_process_session_open", refuse)  # MaxSessions
            async with piped(link, "exec cat") as pipe:
                with pytest.raises(LinkFailed) as failed:
                    await pipe.read()
            assert failed.value.final
            assert not list((tmp_path / "tmp").iterdir())

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_S))


@asynccontextmanager
async def piped(link: Link, line: str) -> AsyncIterator[Pipe]:
    pipe = await link.start(line)
    try:
        yield pipe
    finally:
        await pipe.close()


async def received(pipe: Pipe, most: int, *, until: bytes | None = None) -> bytes:
    """What comes until there are `most` bytes, or the command ends."""
    data = b""
    while len(data) < most and (until is None or until not in data):
        more = await pipe.read()
        data += more
        if not more:
            break
    return data


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(DEADLINE_S):
        with suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                await asyncio.sleep(0)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
@pytest.mark.parametrize("rung", RUNGS)
def test_nothing_is_left_behind(rung, tmp_path):
    async def scenario(folder: Path, uses: int) -> None:
        folder.mkdir()
        async with site_with(rung, folder) as (target, *_):
            before = belongings()
            for _ in range(uses):
                await _use_and_close(rung, target)
            # The server's side of it ends a moment later; what leaks never does, and leaks with every use.
            async with asyncio.timeout(DEADLINE_S):
                while belongings() - before:
                    await asyncio.sleep(0)

    asyncio.run(scenario(tmp_path / "first", 1))  # what is imported and cached once is no leak
    gc.collect()
    asyncio.run(scenario(tmp_path / "again", 3))


async def _use_and_close(rung: str, target: Target) -> None:
    link = await open_rung(rung, target)
    await link.run("echo once", timeout_s=DEADLINE_S)
    with pytest.raises(LinkFailed):
        await link.run("exec sleep 300", timeout_s=0.2)
    async with piped(link, "echo up; exec cat") as pipe:
        await received(pipe, 3)
    await link.close()


def belongings() -> Counter[str]:
    """Threads, children and open files of this process, by kind."""
    # asyncio_N is the loop's own pool, which grows to its size and ends with the loop.
    threads = (t.name.rstrip("0123456789") for t in threading.enumerate() if not t.name.startswith("asyncio_"))
    return Counter([*threads, *_children(), *_open_files()])


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            yield from ("child" for _ in (task / "children").read_text().split())


def _open_files() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            yield str(descriptor.readlink()).partition(":")[0]
