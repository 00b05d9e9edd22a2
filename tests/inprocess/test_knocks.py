"""Knocks at real sockets: how many, how often, and which of several windows."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lnode.laptop.tasks import Beside
from lnode.reconnect.knocks import Knocks, Turn
from lnode.reconnect.sensors import FirstHop, Reach
from lnode.ssh.failures import Cause

DEADLINE_S = 60.0
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The private folder of a laptop."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "run" / "lnode"


class Host:
    """A server that counts who comes, and greets when `greets` is set."""

    def __init__(self) -> None:
        self.came = asyncio.Semaphore(0)
        self.connections = 0
        self.greets = asyncio.Event()

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.came.release()
        await self.greets.wait()
        writer.write(BANNER)
        writer.close()


@asynccontextmanager
async def host() -> AsyncIterator[tuple[Host, FirstHop]]:
    there = Host()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    async with server:
        hop = FirstHop("127.0.0.1", server.sockets[0].getsockname()[1], socket.AF_INET)
        await hop.look_up()
        yield there, hop
        there.greets.set()


class Window:
    """The knocks of one attach, and what they have told of the present round."""

    def __init__(self, hop: FirstHop) -> None:
        self.told: list[Reach] = []
        self.anything = asyncio.Event()
        self.beside = Beside(lambda broken: pytest.fail(repr(broken)))
        self.knocks = Knocks(hop, self.beside, self._tell)

    def _tell(self, source: object, reach: Reach) -> None:
        if source is self.knocks.round:
            self.told.append(reach)
            self.anything.set()

    async def close(self) -> None:
        self.beside.cancel()
        await self.beside.ended()


def limited(story: Callable[[], object]) -> None:
    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await story()  # type: ignore[misc]

    asyncio.run(run())


def test_a_host_that_greets_late_is_waited_for_and_not_knocked_at_again() -> None:
    async def story() -> None:
        async with host() as (there, hop):
            window = Window(hop)
            window.knocks.knock()
            await there.came.acquire()
            while not window.knocks._connected:
                await asyncio.sleep(0)
            for _ in range(20):
                window.knocks.knock()
            there.greets.set()
            await window.anything.wait()
            assert (window.told, there.connections) == ([None], 1)
            await window.close()

    limited(story)


def test_at_most_three_are_under_way_to_a_host_that_is_silent() -> None:
    async def story() -> None:
        with socket.socket() as full:  # nobody accepts, and the backlog is full: SYNs get lost
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            with socket.create_connection(full.getsockname()):
                hop = FirstHop("127.0.0.1", full.getsockname()[1], socket.AF_INET)
                window = Window(hop)
                for _ in range(20):
                    window.knocks.knock()
                assert len(window.beside._tasks) == 1  # they come one after the other
                for _ in range(20):
                    window.knocks._last = float("-inf")
                    window.knocks.knock()
                assert len(window.beside._tasks) == 3
                await window.close()

    limited(story)


@pytest.mark.parametrize(("round_trip_s", "most_s"), [(0.0, 0.375), (0.05, 0.125), (0.15, 0.19), (0.4, 0.5)])
def test_the_next_is_due_soon_but_not_within_the_round_trip(round_trip_s: float, most_s: float) -> None:
    async def story() -> None:
        async with host() as (_, hop):
            window = Window(hop)
            window.knocks.expect(round_trip_s)
            assert window.knocks.knock() == 0.0
            before = time.monotonic() - window.knocks._last
            due_s = window.knocks.knock()
            if due_s:  # else this machine is so busy that it was time for one
                assert before + due_s <= most_s
                assert time.monotonic() - window.knocks._last + due_s >= 1.2 * round_trip_s
            await window.close()

    limited(story)


def test_one_window_knocks_and_the_others_hear() -> None:
    async def story() -> None:
        async with host() as (there, hop):
            windows = [Window(hop) for _ in range(4)]
            for window in windows:
                window.knocks.knock()
            await there.came.acquire()
            assert not any(window.knocks.hears() for window in windows)
            there.greets.set()
            await windows[0].anything.wait()
            assert [window.knocks.hears() for window in windows] == [False, True, True, True]
            assert not any(window.knocks.hears() for window in windows)
            assert there.connections == 1
            windows[0].knocks.drop()
            windows[1].knocks.knock()  # now it is another one's turn
            await windows[1].anything.wait()
            assert there.connections == 2
            for window in windows:
                await window.close()

    limited(story)


def test_the_others_hear_which_kind_of_address_has_answered() -> None:
    async def story() -> None:
        async with host() as (there, hop):
            other = FirstHop("127.0.0.1", hop.port)
            one, two = Window(hop), Window(other)
            one.knocks.knock()
            two.knocks.knock()
            there.greets.set()
            await one.anything.wait()
            assert two.knocks.hears()
            assert other.answered is hop.answered is socket.AF_INET
            other.addresses = [(socket.AF_INET6, ("::1", hop.port)), *hop.addresses]
            assert (other.answers_one_family(), hop.answers_one_family()) == ("inet", None)
            await one.close()
            await two.close()

    limited(story)


def test_what_was_found_in_an_earlier_round_is_not_told() -> None:
    async def story() -> None:
        async with host() as (there, hop):
            window = Window(hop)
            window.knocks.knock()
            await there.came.acquire()
            window.knocks.drop()
            there.greets.set()
            await window.beside.ended()
            assert window.told == []

    limited(story)


def test_a_window_that_has_the_turn_and_is_stopped_keeps_nobody_away(runtime: Path) -> None:
    mine, other = Turn("unity:22"), Turn("unity:22")
    assert mine.take()
    assert not other.take()
    (file,) = runtime.glob("knock-*")
    os.utime(file, (file.stat().st_atime - 60, file.stat().st_mtime))
    assert other.take()
    mine.leave()
    other.leave()


def test_hosts_do_not_share_a_turn() -> None:
    one, other = Turn("unity:22"), Turn("unity:2222")
    assert one.take() and other.take()
    one.leave()
    other.leave()


def test_a_refusal_is_told() -> None:
    async def story() -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            hop = FirstHop("127.0.0.1", nobody.getsockname()[1], socket.AF_INET)
            window = Window(hop)
            await hop.look_up()
            window.knocks.knock()
            await window.anything.wait()
            assert window.told == [Cause.REFUSED]
            await window.close()

    limited(story)
