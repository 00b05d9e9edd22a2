"""Connections that block, one after the other, at a port of this laptop that answers, refuses, or begins to answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from forwarded import free_port
from lnode.reconnect.retries import Retries
from lnode.ssh.failures import Cause, SshFailed, explain
from lnode.ssh.target import Target

LIMIT_S = 60.0  # for what comes at once
BRISK_S = 0.1


@pytest.fixture
def target() -> Target:
    return Target("unity", None, {"hostname": ("127.0.0.1",), "user": ("me",), "port": (str(free_port()),)})


@pytest.fixture
def retries(target: Target) -> Iterator[Retries]:
    with closing(Retries(target)) as retries:
        retries.opened()
        yield retries


def failed(target: Target, cause: Cause) -> SshFailed:
    return explain(cause, "", target.place)


def greet(target: Target) -> socket.socket:
    """Listen at the target's port, and greet the first that knocks as sshd does."""
    server = socket.create_server(("127.0.0.1", int(target.port)))

    def serve() -> None:
        with server.accept()[0] as knock:
            knock.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")

    threading.Thread(target=serve, daemon=True).start()
    return server


def test_a_lost_connection_is_replaced_at_once_and_without_a_knock(target: Target, retries: Retries) -> None:
    retries.wait(failed(target, Cause.LOST), within_s=LIMIT_S)  # nothing would answer


def test_a_host_that_refuses_is_knocked_at_until_it_answers(target: Target, retries: Retries) -> None:
    retries.wait(failed(target, Cause.LOST))
    threading.Timer(1.0, greet, [target]).start()
    began = time.monotonic()
    retries.wait(failed(target, Cause.REFUSED))
    assert 0.5 < time.monotonic() - began < LIMIT_S


def test_a_wait_ends_in_time(target: Target, retries: Retries) -> None:
    retries.wait(failed(target, Cause.LOST))
    began = time.monotonic()
    retries.wait(failed(target, Cause.REFUSED), within_s=BRISK_S)
    assert BRISK_S <= time.monotonic() - began < LIMIT_S


def test_what_would_fail_again_is_not_tried(target: Target, retries: Retries) -> None:
    retries.wait(failed(target, Cause.LOST))
    with pytest.raises(SshFailed) as raised:
        retries.wait(failed(target, Cause.NO_COMMON_ALGORITHM))
    assert raised.value.cause is Cause.NO_COMMON_ALGORITHM


def test_no_knock_stays_open_while_nobody_looks_after_it(target: Target, retries: Retries) -> None:
    """sshd takes each such connection for a login that hangs, and bans an address for some of them (9.8)."""
    with socket.create_server(("127.0.0.1", int(target.port))) as server:
        retries.wait(failed(target, Cause.LOST))
        retries.wait(failed(target, Cause.REFUSED), within_s=2.0)
        server.settimeout(LIMIT_S)
        with server.accept()[0] as knock:
            knock.settimeout(LIMIT_S / 10)
            assert knock.recv(1) == b""
