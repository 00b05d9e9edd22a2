"""The heart of the kernels: a beat while the other kernel answers, late if it does not, and over with its link."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lnode.attach import kernel_heart, pulse
from lnode.attach.pulse import Pulse
from lnode.ssh.link.ladder import LinkFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone shows it")

LIMIT_S = 60.0
CLIENT = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("connected", flush=True)
sys.stdin.read()
"""


class Held:
    """What a standby's link is to its heart."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Heart:
    def __init__(self, found: Pulse, *, every_s: float = 0.0) -> None:
        self.beats, self.silent = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.held, self.ask = Held(), asyncio.Event()
        held: Any = self.held
        self.beating = asyncio.create_task(
            kernel_heart.beat(found, held, lambda: every_s, 3.0, self.beats.release, self._late, self.ask)
        )

    async def _late(self, silent_s: float) -> None:
        self.silent.release()


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = [sys.executable, "-c", CLIENT, str(server.getsockname()[1])]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "connected\n"
            with server.accept()[0]:
                yield process
            process.kill()


def found(process: "subprocess.Popen[str]") -> Pulse:
    made = pulse.of(process.pid, "127.0.0.1")
    assert made
    return made


def test_it_beats_without_a_word_until_its_link_ends(process: "subprocess.Popen[str]") -> None:
    async def story() -> None:
        heart = Heart(found(process))
        for _ in range(2):
            await heart.beats.acquire()
        heart.held.ended.set_result(None)
        with pytest.raises(LinkFailed):
            await heart.beating

    asyncio.run(asyncio.wait_for(story(), LIMIT_S))


def test_it_beats_at_once_if_it_is_asked(process: "subprocess.Popen[str]") -> None:
    async def story() -> None:
        heart = Heart(found(process), every_s=10 * LIMIT_S)
        await heart.beats.acquire()
        heart.ask.set()
        await heart.beats.acquire()
        heart.beating.cancel()

    asyncio.run(asyncio.wait_for(story(), LIMIT_S))


def test_it_ends_with_the_terminals_process_and_tells_of_no_silence(process: "subprocess.Popen[str]") -> None:
    async def story() -> None:
        heart = Heart(found(process))
        await heart.beats.acquire()
        process.kill()
        process.wait()
        with pytest.raises(LinkFailed):
            await heart.beating
        assert heart.silent.locked()

    asyncio.run(asyncio.wait_for(story(), LIMIT_S))
