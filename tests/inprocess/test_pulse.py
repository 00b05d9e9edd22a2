"""The TCP socket of another process, as the kernel sees it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lnode.attach import pulse

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone shows it")

LIMIT_S = 30.0
# It opens a file and two connections, the second to `other`, and ends with its input.
CLIENT = """
import socket, sys
file = open("/dev/null")
one, two = (socket.create_connection((host, int(port))) for host, port in zip(sys.argv[1::2], sys.argv[2::2]))
print("connected", flush=True)
for line in sys.stdin:
    one.sendall(line.encode())
    print("sent", flush=True)
"""


class Client:
    def __init__(self, process: "subprocess.Popen[str]", server: socket.socket) -> None:
        self.process, self.server = process, server

    def send(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("x\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "sent\n"


@pytest.fixture
def client() -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.2", 0)) as other:
        places = [str(word) for sock in (server, other) for word in sock.getsockname()]
        with subprocess.Popen(
            [sys.executable, "-c", CLIENT, *places], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout and process.stdout.readline() == "connected\n"
            with server.accept()[0] as connection:
                yield Client(process, connection)
            process.kill()


def test_the_connection_to_the_peer_is_found_and_no_other(client: Client) -> None:
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found and found._peer == client.server.getsockname()
    assert found.local_address() == client.server.getpeername()[0]
    assert pulse.of(client.process.pid, "127.0.0.3") is None


def test_behind_a_jump_host_it_is_the_connection_of_the_child(client: Client) -> None:
    found = pulse.of(os.getpid(), None)
    assert found and found._peer == client.server.getsockname()


@pytest.mark.parametrize(
    ("peer", "is_host"),
    [("10.0.0.1", True), ("2001:db8::1", True), ("127.0.0.1", False), ("::1", False), (None, False)],
)
def test_a_jump_host_and_a_tunnel_do_not_vouch_for_the_host(peer: str | None, is_host: bool, client: Client) -> None:
    assert pulse.is_host(peer) is is_host
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found and not found.vouches


def test_macos_shows_none(client: Client) -> None:
    assert pulse.of(client.process.pid, "127.0.0.1", platform="darwin") is None


def test_a_process_that_has_ended_has_none(client: Client) -> None:
    found = pulse.of(client.process.pid, "127.0.0.1")
    client.process.kill()
    client.process.wait()
    assert pulse.of(client.process.pid, "127.0.0.1") is None
    assert found
    assert found.silent_s() == 0
    assert not asyncio.run(found.answers(LIMIT_S))


def test_the_other_kernel_answers_though_its_program_reads_nothing(client: Client) -> None:
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    assert asyncio.run(found.answers(LIMIT_S))
    client.send()
    assert found.silent_s() == 0
    assert asyncio.run(found.answers(LIMIT_S))


def test_nothing_is_left_of_a_look(client: Client) -> None:
    """A copy of the socket would keep the connection open after the end of ssh."""
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    found.silent_s()
    asyncio.run(found.answers(LIMIT_S))
    client.process.kill()
    client.process.wait()
    client.server.settimeout(LIMIT_S)
    assert client.server.recv(1) == b""


def test_the_probes_end_with_the_question(client: Client) -> None:
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    asyncio.run(found.answers(LIMIT_S))
    with found._borrowed() as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) > 60


def test_it_carries_if_the_other_program_answers_and_nothing_is_on_its_way(client: Client) -> None:
    def carries(answered: bool) -> bool:
        found = pulse.of(client.process.pid, "127.0.0.1")
        assert found

        def begin() -> None:
            client.send()
            if answered:
                client.server.sendall(b"screen")

        return asyncio.run(asyncio.wait_for(found.carries(begin, lambda: None, silences=(100,)), LIMIT_S))

    assert not carries(answered=False)
    assert carries(answered=True)


def test_what_began_ends_only_after_the_answer(client: Client) -> None:
    """Else tmux may hear of both sizes at once, and draw nothing over the notice."""
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    late = found.carries(client.send, lambda: client.server.sendall(b"screen"), silences=(100,))
    assert not asyncio.run(asyncio.wait_for(late, LIMIT_S))


def test_it_does_not_carry_while_something_waits_for_an_acknowledgement(client: Client) -> None:
    """The other kernel does not take it: TCP sends it again, ever more rarely."""
    told: list[None] = []
    client.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    with found._borrowed() as sock:
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                sock.send(bytes(1 << 16))
        sock.setblocking(True)
        assert pulse._look(sock).unacked
    assert not asyncio.run(found.carries(lambda: told.append(None), lambda: None, silences=(100,)))
    assert told == []


def test_a_program_that_printed_when_the_silence_began_has_something_on_its_way(client: Client) -> None:
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    told: list[None] = []
    client.server.sendall(b"a row")
    assert not asyncio.run(found.carries(lambda: told.append(None), lambda: None, silences=(30, 0)))
    assert told == []


def test_what_came_after_the_silence_has_nothing_on_its_way(client: Client) -> None:
    """A laptop that wakes lets ssh send a key, and the session answers, before lnode knows that it has slept."""
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    told: list[None] = []
    for _ in range(20):  # on a busy machine it may be old before it is looked at
        client.server.sendall(b"a row")
        asyncio.run(found.carries(lambda: told.append(None), lambda: None, silences=(1, 30)))
        if told:
            return
    raise AssertionError("it was taken for what is on its way")


def test_it_stalls_if_the_program_printed_as_the_silence_began(client: Client) -> None:
    """The kernel's time went on in a stop of lnode alone: what has just been printed came after its begin."""
    found = pulse.of(client.process.pid, "127.0.0.1")
    assert found
    for _ in range(20):  # on a busy machine it may be old before it is looked at
        client.server.sendall(b"a row")
        if found.stalls(0.0):
            assert not found.stalls(30.0)
            return
    raise AssertionError("it was taken for what came after")
