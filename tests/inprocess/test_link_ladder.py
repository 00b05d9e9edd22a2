"""Which rung opens, and when the next one may be tried."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import asyncssh
import paramiko
import pytest

from inprocess.paramikod import paramiko_serving
from inprocess.sshd import DEADLINE_S, Site, serving
from lnode.ssh.failures import Cause
from lnode.ssh.link import ladder, wires
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.ladder import RUNGS, open_link
from lnode.ssh.target import Target

T = TypeVar("T")
MLKEM = "mlkem768x25519-sha256"


def play(scenario: Awaitable[T]) -> T:
    return asyncio.run(asyncio.wait_for(scenario, 3 * DEADLINE_S))


async def climbed(target: Target) -> str:
    """The rung that opens, proved by a command."""
    link: Link = await open_link(target, timeout_s=DEADLINE_S)
    try:
        answer = await link.run("echo here", timeout_s=DEADLINE_S)
        assert answer.stdout == b"here\n"
    finally:
        await link.close()
    return link.rung


async def failure(target: Target, *, timeout_s: float = DEADLINE_S) -> LinkFailed:
    with pytest.raises(LinkFailed) as failed:
        await open_link(target, timeout_s=timeout_s)
    return failed.value


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_live_master_is_used_and_nothing_else_dials(site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, site.control_path)
            async with site.master():
                assert await climbed(target) == "master"
            assert sshd.connections == 1

    play(scenario())


def test_without_a_master_asyncssh_makes_the_only_connection(site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            assert await climbed(site.target(sshd.port, site.control_path)) == "asyncssh"
            assert sshd.connections == 1

    play(scenario())


def test_a_master_that_died_does_not_make_the_master_rung_dial(site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, site.control_path)
            async with site.master():
                link = await open_link(target, timeout_s=DEADLINE_S)
            with pytest.raises(LinkFailed) as failed:
                await link.run("true", timeout_s=DEADLINE_S)
            assert failed.value.cause is Cause.LOST
            assert sshd.connections == 1

    play(scenario())


def test_a_stopped_master_is_passed_over(site):
    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, site.control_path)
            async with site.master() as pid:
                os.kill(pid, signal.SIGSTOP)
                assert await climbed(target) == "asyncssh"

    play(scenario())


def test_a_master_whose_commands_take_their_time_is_alive(site):
    """A login shell reads its rc files, some of them for ten seconds; the server has let the session open."""

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            target = site.target(sshd.port, site.control_path)
            async with site.master():
                sshd.frozen = True
                link = await open_link(target, timeout_s=DEADLINE_S)
                assert link.rung == "master"
                await link.close()

    play(scenario())


def test_paramiko_where_asyncssh_cannot_be_imported(site, monkeypatch):
    # The world is broken here, not our code: this is what an interpreter without asyncssh looks like.
    monkeypatch.delitem(sys.modules, "lnode.ssh.link.rung_asyncssh", raising=False)
    monkeypatch.delattr(ladder, "_asyncssh", raising=False)
    monkeypatch.setitem(sys.modules, "asyncssh", None)

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            assert await climbed(site.target(sshd.port)) == "paramiko"

    play(scenario())


def test_paramiko_where_the_version_line_is_beyond_asyncssh(site):
    # sshd sends `VersionAddendum` as it stands; OpenSSH and paramiko read it, asyncssh insists on ASCII.
    with paramiko_serving(version="SSH-2.0-sshd Universität") as server:
        site.trust(server.port, server.public_key)
        target = site.target(server.port)
        assert play(climbed(target)) == "paramiko"
        assert server.connections == 2


def test_paramiko_where_asyncssh_lacks_the_only_key_exchange(site, monkeypatch):
    # asyncssh before 2.22 without liboqs, laptop with OpenSSH 9.9: a server that insists on ML-KEM.
    from asyncssh import kex

    if MLKEM not in paramiko.Transport._preferred_kex:
        pytest.skip("this paramiko has no ML-KEM")
    monkeypatch.setattr(kex, "_kex_algs", [name for name in kex._kex_algs if name != MLKEM.encode()])
    with paramiko_serving(kex=(MLKEM,)) as server:
        site.trust(server.port, server.public_key)
        target = site.target(server.port)
        newer = (f"{MLKEM},{target.one('kexalgorithms')}",)
        target = target._replace(options={**target.options, "kexalgorithms": newer})
        assert play(climbed(target)) == "paramiko"


def test_no_rung_goes_below_the_configured_algorithms(site):
    async def scenario() -> None:
        async with serving(kex_algs=["diffie-hellman-group14-sha1"]) as sshd:
            site.trust(sshd.port, sshd.host_key)
            failed = await failure(site.target(sshd.port))
            assert failed.cause is Cause.NO_COMMON_ALGORITHM
            assert sshd.connections == len(RUNGS) - 1
            assert "asyncssh: No matching key exchange" in failed.story
            assert "paramiko: Incompatible ssh peer" in failed.story

    play(scenario())


def test_a_silent_server_is_given_up_in_time(site):
    async def scenario() -> None:
        guests = []
        mute = await asyncio.start_server(lambda _, writer: guests.append(writer), "127.0.0.1", 0)
        failed = await failure(site.target(mute.sockets[0].getsockname()[1]), timeout_s=3.0)
        assert failed.cause is Cause.TIMED_OUT
        assert len(guests) == 1
        guests[0].close()
        mute.close()

    play(scenario())


def test_a_door_shut_before_the_login_is_no_reason_for_the_next_rung(site):
    async def scenario() -> None:
        guests = []

        def shut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            guests.append(writer)
            writer.write(b"Not allowed at this time\r\n")  # what sshd says to a penalised address
            writer.close()

        door = await asyncio.start_server(shut, "127.0.0.1", 0)
        failed = await failure(site.target(door.sockets[0].getsockname()[1]))
        assert failed.cause is Cause.CLOSED_EARLY
        assert len(guests) == 1
        door.close()

    play(scenario())


def test_nobody_listens(site):
    with paramiko_serving() as gone:
        pass
    assert play(failure(site.target(gone.port))).cause is Cause.REFUSED


def test_a_name_that_does_not_resolve(site):
    assert play(failure(replace_host(site.target(22), "host.invalid"))).cause is Cause.UNRESOLVED


def test_an_impossible_name_does_not_resolve(site):
    assert play(failure(replace_host(site.target(22), "a..b"))).cause is Cause.UNRESOLVED


def replace_host(target: Target, hostname: str) -> Target:
    return target._replace(options={**target.options, "hostname": (hostname,)})


def test_a_cancelled_opening_leaves_no_connection(site):
    async def scenario() -> None:
        arrived, left = asyncio.Event(), asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            while await reader.read(1 << 10):
                pass
            left.set()
            writer.close()

        mute = await asyncio.start_server(listen, "127.0.0.1", 0)
        opening = asyncio.create_task(open_link(site.target(mute.sockets[0].getsockname()[1])))
        await arrived.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await left.wait()
        mute.close()

    play(scenario())


def test_asyncssh_is_fed_from_the_target_alone(site, tmp_path, monkeypatch):
    # Its own reading of ~/.ssh/config would be a second parser.
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text("Host *\n  Port 1\n  ProxyCommand false\n  HostKeyAlias other\n")
    monkeypatch.setenv("HOME", str(home))

    async def scenario() -> None:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            assert await climbed(site.target(sshd.port)) == "asyncssh"

    play(scenario())


assert asyncssh  # imported before a test breaks its import


def test_the_link_dials_the_address_of_the_terminal() -> None:
    """One name may stand for many login nodes, and its first address may lead nowhere."""

    async def story() -> str | None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = str(server.sockets[0].getsockname()[1])
            target = Target("unity", None, {"hostname": ("nowhere.invalid",), "port": (port,)}, peer="127.0.0.1")
            wire = await wires.dial(target)
            await wire.close()
            return wire.address

    assert asyncio.run(story()) == "127.0.0.1"
