"""Sleep by two clocks, knocks at real sockets, first hops by the real ssh, routes in a network namespace."""

import asyncio
import errno
import gc
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.laptop.addresses import is_ours, local_address
from lnode.laptop.clock import time_since_boot
from lnode.reconnect import loop
from lnode.reconnect.sensors import Clock, FirstHop, first_hop, knock
from lnode.reconnect.state import Happened
from lnode.ssh.failures import Cause
from lnode.ssh.target import Resolving

DEADLINE_S = 60.0  # for what comes at once
SILENCE_S = 0.7  # for what never comes
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"

linux_only = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="asks the kernel for the state of a socket")


class Readings:
    """The two clocks of a laptop and what happens to it."""

    def __init__(self) -> None:
        self.monotonic, self.always = 1000.0, 5000.0
        self.clock = Clock(lambda: self.monotonic, lambda: self.always)

    def run(self, seconds: float) -> None:
        self.monotonic += seconds
        self.always += seconds

    def suspend(self, seconds: float) -> None:
        self.always += seconds


@pytest.mark.parametrize(
    ("monotonic", "always", "expected_s", "slept"),
    [
        pytest.param(0.5, 0.5, 0.5, 0, id="in time"),
        pytest.param(0.1, 0.1, 0.5, 0, id="woken early by an event"),
        pytest.param(3.4, 3.4, 0.5, 0, id="a busy laptop"),
        pytest.param(0.5, 3.4, 0.5, 0, id="two clocks that were read one after the other"),
        pytest.param(30.5, 30.5, 0.5, 30, id="stopped"),
        pytest.param(0.5, 3600.5, 0.5, 3600, id="suspended"),
        pytest.param(30.5, 3630.5, 0.5, 3630, id="stopped and suspended"),
        pytest.param(30.0, 30.0, 30.0, 0, id="a long wait"),
    ],
)
def test_a_tick_tells_sleep(monotonic: float, always: float, expected_s: float, slept: float) -> None:
    readings = Readings()
    readings.monotonic += monotonic
    readings.always += always
    assert readings.clock.tick(expected_s) == pytest.approx(slept, abs=1e-6)
    assert readings.clock.was_stopped is (monotonic - expected_s > 3)
    readings.run(expected_s)
    assert readings.clock.tick(expected_s) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has another name for that clock")
def test_the_clock_of_all_time_is_one_that_nobody_can_set() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= time_since_boot() <= time.clock_gettime(time.CLOCK_BOOTTIME)


_HAPPENS = st.tuples(st.sampled_from(["run", "stop", "suspend"]), st.floats(3.001, 1e6))


@given(st.lists(_HAPPENS, max_size=30))
def test_now_counts_every_second_awake_and_no_other(story: list[tuple[str, float]]) -> None:
    readings = Readings()
    began, awake = readings.clock.now(), 0.0
    for what, seconds in story:
        if what == "suspend":
            readings.suspend(seconds)
        else:
            readings.run(seconds)
        slept = readings.clock.tick(seconds if what == "run" else 0.0)
        assert slept == pytest.approx(0.0 if what == "run" else seconds, abs=1e-3)
        awake += seconds if what == "run" else 0.0
        assert readings.clock.now() - began == pytest.approx(awake, abs=1e-3)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A server; its handler may raise when the knock hangs up. Yields the port."""
    failures: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass
        except Exception as exc:
            failures.append(exc)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        assert failures == []


async def banner(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(BANNER)
    await writer.drain()


async def banner_in_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) is None
    for byte in BANNER:
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    await reader.read()


async def banner_after_a_line(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"welcome to SSH-land\r\n" + BANNER)
    await writer.drain()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def hanging_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    pass


async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    sock = writer.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def too_many(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Exceeded MaxStartups\r\n")
    await writer.drain()


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 xSSH-2.0" * 4096)
        await writer.drain()


def play(scenario: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 3 * DEADLINE_S))


@pytest.mark.parametrize(
    ("handler", "timeout_s", "reach"),
    [
        (banner, DEADLINE_S, None),
        (banner_in_bytes, DEADLINE_S, None),
        (banner_after_a_line, DEADLINE_S, None),
        (silent, SILENCE_S, Cause.TIMED_OUT),
        (hanging_up, DEADLINE_S, Cause.CLOSED_EARLY),
        (resetting, DEADLINE_S, Cause.CLOSED_EARLY),
        (too_many, DEADLINE_S, Cause.CLOSED_EARLY),
        (endless, DEADLINE_S, Cause.CLOSED_EARLY),
    ],
)
def test_what_a_knock_finds(handler: Handler, timeout_s: float, reach: Cause | None) -> None:
    async def scenario() -> None:
        async with serving(handler) as port:
            hop = FirstHop("127.0.0.1", port)
            for _ in range(3):
                assert await knock(hop, timeout_s=timeout_s) is reach

    play(scenario())


def test_a_knock_says_nothing_and_hangs_up() -> None:
    heard: list[bytes] = []

    async def scenario() -> None:
        left = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(BANNER)
            heard.append(await reader.read())
            left.set()

        async with serving(listen) as port:
            assert await knock(FirstHop("127.0.0.1", port), timeout_s=DEADLINE_S) is None
            await asyncio.wait_for(left.wait(), DEADLINE_S)

    play(scenario())
    assert heard == [b""]


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nobody else gets the port meanwhile
        hop = FirstHop("127.0.0.1", bound.getsockname()[1])

        async def scenario() -> None:
            assert await knock(hop, timeout_s=DEADLINE_S) is Cause.REFUSED

        play(scenario())


@linux_only
def test_a_full_backlog_is_silence() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(16):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
            if caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\x01":  # not established
                break
        else:
            pytest.skip("this kernel accepts for a listener that does not")

        async def scenario() -> None:
            hop = FirstHop("127.0.0.1", listener.getsockname()[1])
            assert await knock(hop, timeout_s=SILENCE_S) is Cause.TIMED_OUT

        play(scenario())


def test_cancelling_a_knock_hangs_up() -> None:
    async def scenario(listener: socket.socket) -> None:
        loop, before = asyncio.get_running_loop(), asyncio.all_tasks()
        knocking = asyncio.create_task(knock(FirstHop("127.0.0.1", listener.getsockname()[1]), timeout_s=DEADLINE_S))
        caller, _ = await loop.sock_accept(listener)
        with caller:
            knocking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await knocking
            assert asyncio.all_tasks() == before
            assert await loop.sock_recv(caller, 1) == b""

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        play(scenario(listening))


def test_behind_a_proxy_command_only_ssh_can_tell() -> None:
    async def scenario() -> None:
        assert await knock(FirstHop(None), timeout_s=DEADLINE_S) is None

    play(scenario())


@contextmanager
def six_and_four() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Bound sockets on ::1 and 127.0.0.1 with one port; neither listens yet."""
    with ExitStack() as stack:
        for _ in range(20):  # the other's port may be somebody's
            six, four = stack.enter_context(socket.socket(socket.AF_INET6)), stack.enter_context(socket.socket())
            four.bind(("127.0.0.1", 0))
            try:
                six.bind(("::1", four.getsockname()[1]))
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    pytest.skip("no IPv6 on loopback")
            else:
                yield six, four
                return
        raise OSError(errno.EADDRINUSE, "no port is free on both")


class Resolver:
    """In the place of the C library's: what it answers, when, and how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: list[tuple[str, int]] | None = None  # None: no such name
        self.free = threading.Event()
        self.free.set()
        self.asked = 0
        monkeypatch.setattr(socket, "getaddrinfo", self._getaddrinfo)

    def _getaddrinfo(self, *_: object, **__: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        if not self.free.wait(3 * DEADLINE_S):
            raise TimeoutError
        if self.answer is None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (host, port, 0, 0))
            if ":" in host
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
            for host, port in self.answer
        ]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


@pytest.mark.parametrize("silent_family", [0, 1])
def test_of_several_addresses_the_first_that_answers_wins(resolver: Resolver, silent_family: int) -> None:
    async def scenario(mute: socket.socket, well: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        callers: list[socket.socket] = []

        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            callers.append((await loop.sock_accept(mute))[0])  # both have been reached
            await banner(reader, writer)

        mute.listen()
        mute.setblocking(False)
        server = await asyncio.start_server(greet, sock=well)
        assert await knock(FirstHop("gate"), timeout_s=DEADLINE_S) is None
        with callers[0] as caller:
            caller.setblocking(False)
            assert await loop.sock_recv(caller, 1) == b""
        server.close()

    with six_and_four() as pair:
        port = pair[0].getsockname()[1]
        resolver.answer = [("::1", port), ("127.0.0.1", port)]
        play(scenario(pair[silent_family], pair[1 - silent_family]))


def test_of_several_failures_the_furthest_is_told(resolver: Resolver) -> None:
    async def scenario(mute: socket.socket) -> None:
        assert await knock(FirstHop("gate"), timeout_s=DEADLINE_S) is Cause.REFUSED
        mute.listen()
        assert await knock(FirstHop("gate"), timeout_s=SILENCE_S) is Cause.REFUSED

    with six_and_four() as (six, four):
        port = six.getsockname()[1]
        resolver.answer = [("::1", port), ("127.0.0.1", port)]
        play(scenario(four))


def test_a_round_robin_name_is_not_knocked_at_everywhere(resolver: Resolver) -> None:
    async def scenario() -> None:
        hop = FirstHop("gate")
        found = await hop.look_up()
        assert [remote[0] for _, remote in found] == ["::1", "::2", "127.0.0.1", "127.0.0.2"]

    resolver.answer = [(name, 1) for name in ("::1", "::2", "::3", "127.0.0.1", "127.0.0.2", "127.0.0.3")]
    play(scenario())


@pytest.mark.parametrize("name", ["a" * 64 + ".invalid", ".."])
def test_a_name_that_cannot_be(name: str) -> None:
    async def scenario() -> None:
        assert await knock(FirstHop(name), timeout_s=DEADLINE_S) is Cause.UNRESOLVED

    play(scenario())


def test_the_address_family_of_ssh_is_kept() -> None:
    async def scenario() -> None:
        async with serving(banner) as port:
            only_six = FirstHop("127.0.0.1", port, socket.AF_INET6)
            assert await knock(only_six, timeout_s=DEADLINE_S) is Cause.UNRESOLVED

    play(scenario())


def test_a_dead_resolver_holds_one_thread_and_what_was_known_is_knocked_at(resolver: Resolver) -> None:
    async def scenario() -> None:
        async with serving(banner) as port:
            hop = FirstHop("gate", port)
            resolver.free.clear()
            for _ in range(5):
                assert await knock(hop, timeout_s=SILENCE_S) is Cause.UNRESOLVED
            knocking = asyncio.create_task(knock(hop, timeout_s=DEADLINE_S))
            await asyncio.sleep(0)
            knocking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await knocking
            assert resolver.asked == 1

            resolver.answer = [("127.0.0.1", port)]
            resolver.free.set()  # the one lookup ends, and is of use
            assert await knock(hop, timeout_s=DEADLINE_S) is None

            resolver.free.clear()
            for _ in range(5):
                assert await knock(hop, timeout_s=DEADLINE_S) is None
            assert resolver.asked <= 2

            resolver.answer = None
            resolver.free.set()
            await hop.look_up()
            assert await knock(hop, timeout_s=DEADLINE_S) is None
            hop = FirstHop("gate", port)
            assert await knock(hop, timeout_s=DEADLINE_S) is Cause.UNRESOLVED

    play(scenario())


def test_a_name_that_has_moved_is_found_though_the_old_address_is_silent(resolver: Resolver) -> None:
    async def scenario() -> None:
        async with serving(silent) as old, serving(banner) as new:
            hop = FirstHop("gate")
            resolver.answer = [("127.0.0.1", old)]
            assert await knock(hop, timeout_s=SILENCE_S) is Cause.TIMED_OUT
            resolver.answer = [("127.0.0.1", new)]
            assert await knock(hop, timeout_s=DEADLINE_S) is None

    play(scenario())


def test_a_known_address_is_knocked_at_once_though_it_is_looked_up_again() -> None:
    async def scenario(listener: socket.socket) -> None:
        hop = FirstHop("127.0.0.1", listener.getsockname()[1])
        await hop.look_up()
        assert await knock(hop, timeout_s=SILENCE_S) is Cause.TIMED_OUT
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        play(scenario(listening))


def test_a_bug_in_a_thread_is_told_and_not_waited_for(resolver: Resolver) -> None:
    async def scenario() -> None:
        resolver.answer = [(0, 0)]  # type: ignore[list-item]
        with pytest.raises(TypeError):
            await knock(FirstHop("gate"), timeout_s=DEADLINE_S)

    play(scenario())


def test_an_lnode_that_ends_does_not_wait_for_a_dead_resolver() -> None:
    code = (
        "import asyncio, socket, threading; socket.getaddrinfo = lambda *_: threading.Event().wait();"
        "from lnode.reconnect.sensors import FirstHop, knock;"
        "print(asyncio.run(knock(FirstHop('gate'), timeout_s=0.1)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("Cause.UNRESOLVED\n", "")


GREETER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        caller, _ = listener.accept()
        with caller:
            caller.sendall(b"SSH-2.0-x\\r\\n")
"""


def test_an_answer_after_the_end_of_the_loop_is_let_fall() -> None:
    code = (
        "import asyncio, socket, threading; free = threading.Event();"
        "socket.getaddrinfo = lambda *_: free.wait() and [];"
        "from lnode.reconnect.sensors import FirstHop, knock;"
        "asyncio.run(knock(FirstHop('gate'), timeout_s=0.1)); free.set();"
        "[thread.join() for thread in threading.enumerate() if thread.daemon]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def threads_of_sensors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lnode-offloop"]


def test_knocks_leave_nothing_behind() -> None:
    def held() -> tuple[int, int, int]:
        for thread in threads_of_sensors():
            thread.join(DEADLINE_S)
        gc.collect()  # what earlier tests left
        return len(os.listdir("/dev/fd")), threading.active_count(), len(asyncio.all_tasks())

    async def scenario(*ports: int) -> None:
        hops = [FirstHop("127.0.0.1", port) for port in ports]

        async def round_of_knocks() -> None:
            for hop in hops:
                await knock(hop, timeout_s=0.02)
            for turns in range(4):
                knocking = asyncio.create_task(knock(hops[0], timeout_s=DEADLINE_S))
                for _ in range(turns):
                    await asyncio.sleep(0)
                knocking.cancel()
                await asyncio.wait({knocking})

        await round_of_knocks()
        before = held()
        for _ in range(20):
            await round_of_knocks()
        # A thread of an earlier test may have ended meanwhile.
        assert all(now <= then for now, then in zip(held(), before, strict=True)), (held(), before)

    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as silent_one,
        socket.socket() as refusing,
        subprocess.Popen([sys.executable, "-c", GREETER], stdout=subprocess.PIPE, text=True) as greeter,
    ):
        try:
            assert greeter.stdout is not None
            refusing.bind(("127.0.0.1", 0))
            ports = (silent_one.getsockname()[1], refusing.getsockname()[1], int(greeter.stdout.readline()))
            play(scenario(*ports))
        finally:
            greeter.kill()


CONFIG = """
Host direct
    HostName 127.0.0.1
    Port 2200
    AddressFamily inet
Host six
    HostName ::1
    AddressFamily inet6
Host gate
    HostName 127.0.0.2
    Port 2222
Match host 127.0.0.2 user bob
    AddressFamily inet
Host outer
    HostName 127.0.0.3
Host inner
    HostName 127.0.0.4
    ProxyJump outer
Host tunnel
    HostName 127.0.0.5
    ProxyCommand nc %h %p
Host circle
    HostName 127.0.0.6
    ProxyJump circle
Host target
    HostName 127.0.0.9
    Port 99
"""


def resolved(folder: Path, jump: str) -> Resolving:
    config = folder / "config"
    config.write_text(f"Host target\n    ProxyJump {jump}\n{CONFIG}" if jump else CONFIG)
    return Resolving("target", str(config))


ANY, FOUR, SIX = socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6


@pytest.mark.parametrize(
    ("jump", "hop"),
    [
        ("", ("127.0.0.9", 99, ANY)),
        ("none", ("127.0.0.9", 99, ANY)),
        ("direct", ("127.0.0.1", 2200, FOUR)),
        ("six", ("::1", 22, SIX)),
        ("gate", ("127.0.0.2", 2222, ANY)),
        ("gate:23", ("127.0.0.2", 23, ANY)),
        ("bob@gate", ("127.0.0.2", 2222, FOUR)),
        ("ssh://bob@gate:23", ("127.0.0.2", 23, FOUR)),
        ("127.0.0.7", ("127.0.0.7", 22, ANY)),
        ("bob@127.0.0.7:2200", ("127.0.0.7", 2200, ANY)),
        ("bob@[::1]:2200", ("::1", 2200, ANY)),
        ("outer,gate,direct", ("127.0.0.3", 22, ANY)),
        ("inner", ("127.0.0.3", 22, ANY)),
        ("inner:2200,gate", ("127.0.0.3", 22, ANY)),
        ("tunnel", (None, 22, ANY)),
        ("circle", (None, 22, ANY)),
    ],
)
def test_the_first_hop(tmp_path: Path, jump: str, hop: tuple[str | None, int, socket.AddressFamily]) -> None:
    async def scenario() -> None:
        found = await first_hop(resolved(tmp_path, jump).target())
        assert (found.hostname, found.port, found.family) == hop
        assert [remote[0] for _, remote in await found.look_up()] == ([hop[0]] if hop[0] else [])

    play(scenario())


def test_a_jump_host_that_ssh_does_not_accept_cannot_be_knocked_at(tmp_path: Path) -> None:
    async def scenario() -> None:
        target = resolved(tmp_path, "gate").target()
        (tmp_path / "config").write_text("Bogus yes\n")
        assert (await first_hop(target)).hostname is None

    play(scenario())


def test_following_may_be_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        following = asyncio.create_task(first_hop(resolved(tmp_path, "gate").target()))
        await asyncio.sleep(0)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        for thread in threads_of_sensors():
            thread.join(DEADLINE_S)
        await asyncio.sleep(0)
        assert complaints == []

    play(scenario())


def test_a_proxy_command_is_no_place_to_knock(tmp_path: Path) -> None:
    async def scenario() -> None:
        resolved(tmp_path, "")
        assert (await first_hop(Resolving("tunnel", str(tmp_path / "config")).target())).hostname is None

    play(scenario())


def test_addresses_are_known_before_the_first_knock(tmp_path: Path) -> None:
    async def scenario() -> None:
        hop = await first_hop(resolved(tmp_path, "").target())
        assert hop.addresses == [(socket.AF_INET, ("127.0.0.9", 99))]

    play(scenario())


def test_a_first_hop_does_not_wait_for_a_dead_resolver(tmp_path: Path, resolver: Resolver) -> None:
    async def scenario() -> None:
        resolver.free.clear()
        hop = await first_hop(resolved(tmp_path, "").target())
        assert hop.addresses == []
        resolver.answer = [("127.0.0.9", 99)]
        resolver.free.set()
        await hop.look_up()
        assert (len(hop.addresses), resolver.asked) == (1, 1)

    play(scenario())


def test_loopback_is_ours_and_documentation_is_not() -> None:
    assert local_address("127.0.0.1") == "127.0.0.1"
    assert is_ours("127.0.0.1")
    assert not is_ours("192.0.2.1")
    assert not is_ours("2001:db8::1")


def test_a_name_is_no_address() -> None:
    assert local_address("localhost") is None


NAMESPACE = """
import asyncio, json, socket, subprocess
from lnode.laptop.addresses import is_ours, local_address
from lnode.reconnect.sensors import FirstHop, knock

def ip(*words):
    subprocess.run(["ip", *words], check=True)

async def toward(name):
    hop = FirstHop(name)
    await hop.look_up()
    return hop.local_address()

async def knocked(name):
    hop = FirstHop(name)
    await hop.look_up()
    return await knock(hop, timeout_s=0.1)

def on_another_network():
    hop = FirstHop("login.site.edu")
    hop.addresses = [(socket.AF_INET, ("10.1.2.3", 22))]  # from before
    return hop.local_address()

def look(*ours):
    print(json.dumps([
        on_another_network(),
        FirstHop(None).local_address(),
        *(asyncio.run(toward(name)) for name in ("10.1.2.3", "2001:db8:1::1", "fe80::1%lan")),
        [is_ours(address) for address in ours],
        str(asyncio.run(knocked("10.1.2.3"))),
    ]))

ip("link", "set", "lo", "up")
ip("link", "add", "lan", "index", "7", "type", "veth", "peer", "name", "far")
ip("link", "set", "lan", "addrgenmode", "none")
look()
ip("link", "set", "lan", "up")
ip("link", "set", "far", "up")
ip("addr", "add", "fe80::7/64", "dev", "lan", "nodad")
ip("addr", "add", "fd00::7/64", "dev", "lan", "nodad")
ip("-6", "route", "add", "default", "via", "fd00::1")
ours = ("10.9.8.7", "fd00::7", "fe80::7%7")
look(*ours)
ip("addr", "add", "10.9.8.7/24", "dev", "lan")
ip("route", "add", "default", "via", "10.9.8.1")
look(*ours)
ip("addr", "replace", "10.9.9.9/24", "dev", "lan")
ip("addr", "del", "10.9.8.7/24", "dev", "lan")
ip("route", "replace", "default", "via", "10.9.9.1")
look(*ours)
ip("link", "del", "lan")
look(*ours)
"""


def test_routes_and_addresses_come_and_go() -> None:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("needs root, ip and unshare, to make a network of its own")
    if subprocess.run(
        ["unshare", "-n", "ip", "link", "add", "type", "veth"], capture_output=True, check=False
    ).returncode:
        pytest.skip("this kernel makes no network namespace with a veth pair in it")
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", NAMESPACE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(row) for row in done.stdout.splitlines()] == [
        [None, None, None, None, None, [], "Cause.NO_ROUTE"],
        ["fd00::7", "fd00::7", None, "fd00::7", "fe80::7%7", [False, True, True], "Cause.NO_ROUTE"],
        ["10.9.8.7", "10.9.8.7", "10.9.8.7", "fd00::7", "fe80::7%7", [True, True, True], "Cause.TIMED_OUT"],
        ["10.9.9.9", "10.9.9.9", "10.9.9.9", "fd00::7", "fe80::7%7", [False, True, True], "Cause.TIMED_OUT"],
        [None, None, None, None, None, [False, False, False], "Cause.NO_ROUTE"],
    ]


@pytest.mark.parametrize(("hostname", "dead"), [("unity", True), (None, False)])
def test_an_address_that_the_terminal_may_never_have_had_ends_nothing(hostname: str | None, *, dead: bool) -> None:
    """Behind a ProxyCommand the connection is that program's own, and may outlive a change of networks."""
    hop = FirstHop(hostname)
    hop.addresses = [(socket.AF_INET, ("127.0.0.1", 22))]
    way = loop._Way(hop)
    way._local = way._terminal_local = "192.0.2.7"
    event = way.moved(1.0)
    assert event is not None
    assert (event.what, event.dead) == (Happened.ROUTE_CHANGED, dead)


@pytest.mark.parametrize(("bound", "dead"), [("127.0.0.1", False), ("192.0.2.77", True)])
def test_a_terminal_is_as_alive_as_the_address_that_its_own_connection_has(bound: str, *, dead: bool) -> None:
    """ssh may be bound to another one than the route's (BindAddress)."""
    hop = FirstHop("unity")
    hop.addresses = [(socket.AF_INET, ("127.0.0.1", 22))]
    way = loop._Way(hop)
    way._local = way._terminal_local = "192.0.2.7"
    way.bound(bound)
    event = way.moved(1.0)
    assert event is not None
    assert (event.what, event.dead) == (Happened.ROUTE_CHANGED, dead)
