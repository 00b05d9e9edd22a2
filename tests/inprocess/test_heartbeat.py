"""The beat over every rung: when it is told, when its lateness is, and what is left of it.

The host's `cat` is a script on its PATH, so that a test can make it noisy, dishonest or dead.
"""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from inprocess.sshd import DEADLINE_S, Sshd
from inprocess.test_link_contract import belongings, gone, linked, open_rung, site_with
from lnode.attach.heartbeat import beat
from lnode.ssh import arguments
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.target import Target
from rig import wait_until
from wire import Wire

LATE_S = 0.4
NEVER_S = 1000.0

Scenario = Callable[[Link, Wire], Awaitable[None]]


class Heard:
    """What a beat tells, in order, and the event that asks it."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.silent_s: list[float] = []
        self.ask = asyncio.Event()
        self.task: asyncio.Task[None]

    def on_beat(self) -> None:
        self.told.put_nowait("beat")

    async def on_late(self, silent_s: float) -> None:
        self.silent_s.append(silent_s)
        self.told.put_nowait("late")

    async def next(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return await self.told.get()

    async def next_beat(self) -> None:
        """Wait for a beat; on a busy machine it may be late."""
        while await self.next() != "beat":
            pass

    async def next_late(self) -> None:
        while await self.next() != "late":
            pass

    async def failure(self) -> LinkFailed:
        with pytest.raises(LinkFailed) as failed:
            await asyncio.wait_for(self.task, DEADLINE_S)
        return failed.value


@asynccontextmanager
async def beating(link: Link, *, every_s: float = 0.02, late_s: float = LATE_S) -> AsyncIterator[Heard]:
    heard = Heard()
    hear = partial(beat, link, on_beat=heard.on_beat, on_late=heard.on_late, ask=heard.ask)
    heard.task = asyncio.create_task(hear(every_s=lambda: every_s, late_s=late_s))
    try:
        yield heard
    finally:
        heard.task.cancel()
        await asyncio.wait([heard.task], timeout=DEADLINE_S)
        assert heard.task.done()


@pytest.fixture(params=RUNGS)
def over(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a scenario over an open link of each rung."""

    def play(scenario: Scenario) -> None:
        async def played() -> None:
            async with linked(request.param, tmp_path) as (link, _, wire):
                await scenario(link, wire)

        asyncio.run(asyncio.wait_for(played(), 3 * DEADLINE_S))

    return play


@pytest.fixture
def cat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Replace the host's `cat` by a script; the file holds the pid of each that was started, one a line."""

    def replace(script: str) -> Path:
        pids = tmp_path / "pids"
        program = tmp_path / "bin" / "cat"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho $$ >> {pids}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return pids

    real = "/bin/cat" if Path("/bin/cat").exists() else "/usr/bin/cat"
    return lambda script: replace(script.replace("CAT", real))


def test_it_beats_on(over):
    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            assert [await heard.next() for _ in range(5)] == ["beat"] * 5

    over(scenario)


def test_silence_is_told_once_and_its_end_is_a_beat(over):
    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link) as heard:
            await heard.next_beat()
            wire.freeze()
            await heard.next_late()
            assert heard.silent_s[-1] >= LATE_S  # since the last beat, not since the token
            async with beating(link) as other:  # one that cannot even start its line is not late
                await asyncio.wait([other.task], timeout=2 * LATE_S)
                assert heard.told.empty()
                wire.heal()
                assert await other.next() == "beat"
            for _ in range(5):
                await heard.next_beat()

    over(scenario)


def test_asked_it_answers_at_once(over):
    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link, every_s=NEVER_S) as heard:
            await heard.next_beat()
            heard.ask.set()
            await heard.next_beat()
            wire.freeze()
            for _ in range(2):  # also when one is on its way
                heard.ask.set()
                assert await heard.next() == "late"
            wire.heal()
            await heard.next_beat()

    over(scenario)


def test_asked_anew_an_older_echo_is_no_answer(over, cat):
    cat("read -r a; read -r b; echo $a; exec CAT")

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, every_s=NEVER_S) as heard:
            assert await heard.next() == "beat"
            heard.ask.set()
            for _ in range(2):
                assert await heard.next() == "late"
                heard.ask.set()
            await heard.next_beat()

    over(scenario)


def test_the_first_beat_may_take_as_long_as_the_rc_files(over, tmp_path, monkeypatch):
    """Late is only what comes after it."""
    rc = tmp_path / "rc"
    os.mkfifo(rc)
    monkeypatch.setattr(Sshd, "rc", f"read -r typed <{rc}")

    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link) as heard:
            await asyncio.wait([heard.task], timeout=2 * LATE_S)
            assert heard.told.empty()
            await asyncio.to_thread(rc.write_bytes, b"\n")
            assert await heard.next() == "beat"
            wire.freeze()
            await heard.next_late()

    over(scenario)


def test_a_program_in_the_place_of_the_login_shell_reads_nothing_of_lnodes(over, tmp_path, monkeypatch):
    """As `exec zsh -l` in an rc file, which would take each token for a command."""
    typed = tmp_path / "typed"
    monkeypatch.setattr(Sshd, "rc", f"exec tee {typed}")

    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link) as heard:
            while not typed.exists():
                await asyncio.sleep(0)
            await asyncio.wait([heard.task], timeout=LATE_S)
            assert heard.told.empty()
        assert typed.read_bytes() == b""

    over(scenario)


def test_noise_before_the_echo_is_passed_over(over, cat):
    cat("head -c 1000000 /dev/zero; printf 'Welcome to unity'; exec CAT")

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            assert [await heard.next() for _ in range(3)] == ["beat"] * 3

    over(scenario)


def test_noise_without_an_end_is_no_echo(over, cat):
    cat("exec yes")

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            assert (await heard.failure()).cause is Cause.LOST

    over(scenario)


def test_an_echo_in_pieces_counts_when_it_is_whole(over, cat):
    cat("exec dd bs=1 2>/dev/null")

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            assert [await heard.next() for _ in range(3)] == ["beat"] * 3

    over(scenario)


@pytest.mark.parametrize(
    "script", ["head -c 20; exec CAT >/dev/null", "yes lnode- | head -n 1000; exec CAT >/dev/null"]
)
def test_what_is_not_the_whole_echo_does_not_count(over, cat, script):
    cat(script)

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link) as heard:
            assert await heard.next() == "beat"
            await heard.next_late()
            assert heard.told.empty()

    over(scenario)


def test_a_cat_that_ends_is_a_lost_link(over, cat):
    pids = cat("exec CAT")

    async def scenario(link: Link, _: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            for _ in range(2):  # the first comes from the line itself
                await heard.next_beat()
            os.kill(int(pids.read_text()), signal.SIGTERM)
            assert (await heard.failure()).cause is Cause.LOST
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


@pytest.mark.parametrize("fault", [Wire.reset, Wire.hang_up])
def test_a_link_that_breaks_is_a_lost_link(over, fault):
    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link, late_s=DEADLINE_S) as heard:
            await heard.next_beat()
            fault(wire)
            assert (await heard.failure()).cause is Cause.LOST
        async with beating(link) as heard:
            assert (await heard.failure()).cause is Cause.LOST

    over(scenario)


@pytest.mark.parametrize("frozen", [False, True])
def test_cancelled_it_ends_its_cat(over, cat, frozen):
    pids = cat("exec CAT")

    async def scenario(link: Link, wire: Wire) -> None:
        async with beating(link) as heard:
            for _ in range(2):
                await heard.next_beat()
            if frozen:
                wire.freeze()
                await heard.next_late()
        wire.heal()
        await gone(int(pids.read_text()))
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"

    over(scenario)


def test_cancelled_before_its_cat_has_started_it_leaves_none(over, cat):
    pids = cat("exec CAT")

    async def scenario(link: Link, wire: Wire) -> None:
        wire.freeze()
        async with beating(link) as heard:
            await asyncio.wait([heard.task], timeout=LATE_S)
            assert heard.told.empty()
        wire.heal()
        assert (await link.run("echo alive", timeout_s=DEADLINE_S)).stdout == b"alive\n"
        for pid in pids.read_text().split() if pids.exists() else ():
            await gone(int(pid))

    over(scenario)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
@pytest.mark.parametrize("rung", RUNGS)
def test_nothing_is_left_behind(rung, tmp_path):
    async def scenario(folder: Path, uses: int) -> None:
        folder.mkdir()
        async with site_with(rung, folder) as (target, *_):
            before, tasks = belongings(), len(asyncio.all_tasks())
            for _ in range(uses):
                link = await open_rung(rung, target)
                async with beating(link) as heard:
                    await heard.next_beat()
                await link.close()
            async with asyncio.timeout(DEADLINE_S):
                while belongings() - before or len(asyncio.all_tasks()) > tasks:
                    await asyncio.sleep(0)

    asyncio.run(scenario(tmp_path / "first", 1))  # what is imported and cached once is no leak
    asyncio.run(scenario(tmp_path / "again", 3))


@pytest.mark.parametrize("rung", RUNGS)
def test_after_a_long_stop_an_echo_that_is_there_is_no_late_one(rung, tmp_path, cat):
    seen, go = tmp_path / "seen", tmp_path / "go"
    os.mkfifo(go)
    cat(f"read -r a; echo $a; read -r b; : > {seen}; read -r _ < {go}; echo $b; exec CAT")
    with elsewhere(rung, tmp_path) as target:

        async def scenario() -> None:
            link = await open_rung(rung, target)
            async with beating(link, every_s=NEVER_S, late_s=2.0) as heard:
                await heard.next_beat()
                heard.ask.set()
                await heard.next_beat()
                heard.ask.set()
                while not seen.exists():
                    await asyncio.sleep(0)
                with stopped_master(target) if rung == "master" else nullcontext():  # a lid stops it too
                    go.write_text("\n")
                    stopped_at = time.monotonic()
                    wait_until(lambda: time.monotonic() - stopped_at > 2.2, "this loop is past the deadline")
                assert await heard.next() == "beat"
            await link.close()

        asyncio.run(asyncio.wait_for(scenario(), 3 * DEADLINE_S))


@contextmanager
def stopped_master(target: Target) -> Iterator[None]:
    argv = arguments.check_argv(target.alias, config=target.config)
    words = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=True).stderr
    pid = int(words.partition("pid=")[2].partition(")")[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def elsewhere(rung: str, folder: Path) -> Iterator[Target]:
    """The host on a thread of its own: it goes on while the test's own loop is stopped."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    site = site_with(rung, folder)
    try:
        target, *_ = asyncio.run_coroutine_threadsafe(site.__aenter__(), loop).result(DEADLINE_S)
        try:
            yield target
        finally:
            asyncio.run_coroutine_threadsafe(site.__aexit__(None, None, None), loop).result(DEADLINE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)
        loop.close()
