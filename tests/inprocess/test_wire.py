"""The wire carries faithfully, and each of its faults is what it says."""

import contextlib
import errno
import gc
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from wire import Wire

_DEADLINE_S = 10.0
_ESTABLISHED, _SYN_SENT = 1, 2  # the first byte of TCP_INFO, linux/tcp.h

linux_only = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="asks the kernel for the state of a socket")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket behind the wire; each test accepts from it by hand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_DEADLINE_S)
        yield listener


@pytest.fixture
def wire(server: socket.socket) -> Iterator[Wire]:
    with Wire(server.getsockname()[1]) as running:
        yield running


@contextlib.contextmanager
def _connected(wire: Wire, server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one connection through the wire."""
    with _dial(wire) as laptop:
        host = server.accept()[0]
        host.settimeout(_DEADLINE_S)
        with host:
            yield laptop, host


def _dial(wire: Wire) -> socket.socket:
    laptop = socket.create_connection(("127.0.0.1", wire.port), timeout=_DEADLINE_S)
    laptop.settimeout(_DEADLINE_S)
    return laptop


def _answers(near: socket.socket, far: socket.socket) -> bool:
    near.sendall(b"?")
    assert far.recv(1) == b"?"
    far.sendall(b"!")
    return near.recv(1) == b"!"


def _is_silent(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1) is None
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(_DEADLINE_S)


def _state_of_a_new_dial(wire: Wire) -> tuple[socket.socket, int]:
    # On loopback the answer to a SYN is there when connect() returns.
    laptop = socket.socket()
    laptop.setblocking(False)
    assert laptop.connect_ex(("127.0.0.1", wire.port)) == errno.EINPROGRESS
    return laptop, struct.unpack("B", laptop.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]


def test_carries_every_byte_in_order_both_ways_and_each_end_of_stream(wire: Wire, server: socket.socket) -> None:
    there, back = bytes(range(256)) * 20_000, bytes(range(255, -1, -1)) * 20_000

    def send_all(sock: socket.socket, data: bytes) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    with _connected(wire, server) as (laptop, host):
        senders = [
            threading.Thread(target=send_all, args=args, daemon=True) for args in ((laptop, there), (host, back))
        ]
        for sender in senders:
            sender.start()
        with host.makefile("rb") as at_host, laptop.makefile("rb") as at_laptop:
            assert at_host.read() == there
            assert at_laptop.read() == back
        for sender in senders:
            sender.join(_DEADLINE_S)


def test_delays_each_way_and_the_handshake(server: socket.socket) -> None:
    # Time is the subject here, and only ever a lower bound: a busy machine makes it no shorter.
    with Wire(server.getsockname()[1], delay_s=0.04) as slow:
        began = time.monotonic()
        with _connected(slow, server) as (laptop, host):
            connected = time.monotonic()
            assert connected - began >= 0.12
            assert _answers(laptop, host)
            assert time.monotonic() - connected >= 0.08


def test_counts_dials(wire: Wire, server: socket.socket) -> None:
    for _ in range(3):
        with _connected(wire, server) as (laptop, host):
            assert _answers(laptop, host)
    assert wire.dials == 3


def test_freeze_holds_what_heal_lets_pass(wire: Wire, server: socket.socket) -> None:
    with _connected(wire, server) as (laptop, host):
        wire.freeze()
        laptop.sendall(b"held")
        wire.freeze()  # twice is once
        assert _is_silent(host)
        wire.heal()
        assert host.recv(4) == b"held"
        assert _answers(laptop, host)


@linux_only
def test_a_frozen_wire_does_not_answer_a_dial_and_a_healed_one_does(wire: Wire, server: socket.socket) -> None:
    wire.freeze()
    laptop, state = _state_of_a_new_dial(wire)
    with laptop:
        assert state == _SYN_SENT
        wire.heal()
        with _connected(wire, server) as (other, host):
            assert _answers(other, host)
        laptop.settimeout(_DEADLINE_S)
        laptop.sendall(b"?")  # the repeated SYN is answered
        assert server.accept()[0].recv(1) == b"?"
    assert wire.dials == 2


def test_cut_is_for_good_but_for_new_connections(wire: Wire, server: socket.socket) -> None:
    with _connected(wire, server) as (laptop, host):
        wire.cut()
        laptop.sendall(b"lost")
        with _connected(wire, server) as (other, its_host):
            assert _answers(other, its_host)
        wire.heal()
        gc.collect()  # a socket that nobody holds closes, which would be an end of stream
        assert _is_silent(host)
        assert _is_silent(laptop)


def test_hang_up_is_an_end_of_stream_on_both_sides(wire: Wire, server: socket.socket) -> None:
    with _connected(wire, server) as (laptop, host):
        assert _answers(laptop, host)
        wire.hang_up()
        assert laptop.recv(1) == b""
        assert host.recv(1) == b""
        with _connected(wire, server) as (other, its_host):
            assert _answers(other, its_host)


def test_reset_is_a_reset_on_both_sides(wire: Wire, server: socket.socket) -> None:
    with _connected(wire, server) as (laptop, host):
        assert _answers(laptop, host)
        wire.reset()
        for sock in (laptop, host):
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


@pytest.mark.parametrize("frozen_before", [False, True])
def test_refuses_new_connections_until_healed(wire: Wire, server: socket.socket, frozen_before: bool) -> None:
    with _connected(wire, server) as (laptop, host):
        if frozen_before:
            wire.freeze()
        wire.refuse()
        with pytest.raises(ConnectionRefusedError):
            _dial(wire)
        wire.heal()
        assert _answers(laptop, host)
        with _connected(wire, server) as (other, its_host):
            assert _answers(other, its_host)


def test_a_refusing_server_and_a_reset_by_one_side_reach_the_other(wire: Wire, server: socket.socket) -> None:
    with _connected(wire, server) as (laptop, host):
        assert _answers(laptop, host)
        host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        host.close()
        with pytest.raises(ConnectionResetError):
            laptop.recv(1)
    server.close()
    with pytest.raises(ConnectionResetError), _dial(wire) as laptop:  # it may come before the dial is done
        laptop.recv(1)


def _all_faults() -> list[Callable[[Wire], None]]:
    return [Wire.freeze, Wire.cut, Wire.hang_up, Wire.reset, Wire.refuse, Wire.heal]


def test_any_fault_may_follow_any_other_and_heal_mends_all(wire: Wire, server: socket.socket) -> None:
    for first, second in pairwise([fault for one in _all_faults() for two in _all_faults() for fault in (one, two)]):
        first(wire)
        second(wire)
    wire.heal()
    with _connected(wire, server) as (laptop, host):
        assert _answers(laptop, host)
