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

import pytest

from inprocess.sshd import DEADLINE_S, Site, Sshd, serving
from lnode.causes import Cause
from lnode.link import MAX_OUTPUT, Link, LinkFailed
from lnode.target import Target

MODULES = {"master": "_openssh", "asyncssh": "_asyncssh", "paramiko": "_paramiko"}


async def open_rung(rung: str, target: Target) -> Link:
    link: Link = await import_module(f"lnode.link.{MODULES[rung]}").open_rung(target)
    return link


@asynccontextmanager
async def site_with(rung: str, folder: Path) -> AsyncIterator[tuple[Target, Sshd]]:
    site = Site(folder)
    async with serving() as sshd:
        site.trust(sshd.port, sshd.host_key)
        target = site.target(sshd.port, *([site.control_path] if rung == "master" else []))
        if rung == "master":
            async with site.master():
                yield target, sshd
        else:
            yield target, sshd


@asynccontextmanager
async def linked(rung: str, folder: Path) -> AsyncIterator[tuple[Link, Sshd]]:
    async with site_with(rung, folder) as (target, sshd):
        link = await open_rung(rung, target)
        try:
            yield link, sshd
        finally:
            await link.close()


@pytest.fixture(params=list(MODULES))
def over(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Link, Sshd], Awaitable[None]]], None]:
    """Run a scenario over an open link of each rung."""

    def play(scenario: Callable[[Link, Sshd], Awaitable[None]]) -> None:
        async def played() -> None:
            async with linked(request.param, tmp_path) as (link, sshd):
                assert link.rung == request.param
                await scenario(link, sshd)

        asyncio.run(asyncio.wait_for(played(), 3 * DEADLINE_S))

    return play


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


def test_output_is_capped_and_the_command_still_ends(over):
    async def scenario(link: Link, _: Sshd) -> None:
        flood = "head -c 5000000 /dev/zero | tr '\\0' x"
        answer = await link.run(f"{flood}; {flood} >&2; exit 3", timeout_s=DEADLINE_S)
        assert answer.stdout == answer.stderr == b"x" * MAX_OUTPUT
        assert answer.exit_status == 3

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


def test_a_cancelled_command_leaves_the_link(over):
    async def scenario(link: Link, sshd: Sshd) -> None:
        running = asyncio.create_task(link.run("echo up; exec sleep 300", timeout_s=300))
        await sshd.started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


def test_a_closed_link_says_so(over):
    async def scenario(link: Link, _: Sshd) -> None:
        await link.close()
        with pytest.raises(LinkFailed) as failed:
            await link.run("true", timeout_s=DEADLINE_S)
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


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
@pytest.mark.parametrize("rung", list(MODULES))
def test_nothing_is_left_behind(rung, tmp_path):
    async def scenario(folder: Path, uses: int) -> None:
        folder.mkdir()
        async with site_with(rung, folder) as (target, _):
            before = _belongings()
            for _ in range(uses):
                await _use_and_close(rung, target)
            # The server's side of it ends a moment later; what leaks never does, and leaks with every use.
            async with asyncio.timeout(DEADLINE_S):
                while _belongings() - before:
                    await asyncio.sleep(0)

    asyncio.run(scenario(tmp_path / "first", 1))  # what is imported and cached once is no leak
    gc.collect()
    asyncio.run(scenario(tmp_path / "again", 3))


async def _use_and_close(rung: str, target: Target) -> None:
    link = await open_rung(rung, target)
    await link.run("echo once", timeout_s=DEADLINE_S)
    with pytest.raises(LinkFailed):
        await link.run("exec sleep 300", timeout_s=0.2)
    await link.close()


def _belongings() -> Counter[str]:
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
