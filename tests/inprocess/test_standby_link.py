"""The master beside the terminals: one login for all of a laptop, and never a second one after a refusal."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from inprocess.sshd import DEADLINE_S, Site, Sshd, serving
from lnode.ssh import master, sign_in_memory
from lnode.ssh.failures import Cause
from lnode.ssh.link import rung_standby
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.ladder import open_link
from lnode.ssh.link.rung_standby import StandbyLink
from lnode.ssh.target import Target
from rig import wait_until

Scenario = Callable[[Target, Sshd], Awaitable[None]]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Site(tmp_path)


def play(site: Site, scenario: Scenario, *, keep_warm: str = "10m", refuse: bool = False) -> None:
    async def played() -> None:
        async with serving(refuse=refuse) as sshd:
            site.trust(sshd.port, sshd.host_key)
            path = str(site.folder / "standby")
            target = site.target(sshd.port)._replace(control_path=path, keep_warm=keep_warm, standby=True)
            try:
                await scenario(target, sshd)
            finally:
                await asyncio.to_thread(master.drop, target)

    asyncio.run(asyncio.wait_for(played(), 3 * DEADLINE_S))


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[StandbyLink]:
    link = await open_link(target, timeout_s=DEADLINE_S)
    try:
        assert isinstance(link, StandbyLink)
        yield link
    finally:
        await link.close()


async def answers(link: StandbyLink) -> bool:
    return (await link.run("echo here", timeout_s=DEADLINE_S)).stdout == b"here\n"


def test_one_login_serves_all_windows_even_if_they_open_at_once(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target) as first:
            assert await answers(first)
        links = await asyncio.gather(*(open_link(target, timeout_s=DEADLINE_S) for _ in range(3)))
        assert {link.rung for link in links} == {"standby"}
        assert sshd.logins == 1
        for link in links:
            await link.close()
        assert os.stat(target.control_path).st_mode & 0o077 == 0

    play(site, scenario)


def test_it_is_fit_for_files_if_you_have_chosen_no_cipher(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target) as link:
            assert await answers(link)
            assert sshd.ciphers() == {"aes128-gcm@openssh.com"}

    play(site, scenario)


def test_windows_that_find_none_open_one(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        for link in await asyncio.gather(*(open_link(target, timeout_s=DEADLINE_S) for _ in range(3))):
            assert link.rung == "standby"
            await link.close()
        assert (sshd.connections, sshd.logins) == (1, 1)

    play(site, scenario)


def test_a_window_holds_it_beyond_its_time_and_no_longer(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target) as link:
            assert await answers(link)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(link.ended), 2.5)
            assert await answers(link)
        await asyncio.wait_for(sshd.deserted.wait(), DEADLINE_S)

    play(site, scenario, keep_warm="1")


def test_a_refusal_is_final_and_remembered(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        for _ in range(2):
            with pytest.raises(LinkFailed) as failed:
                await open_link(target, timeout_s=DEADLINE_S)
            assert failed.value.cause is Cause.LOGIN_REFUSED
        assert sshd.logins == 1
        assert sign_in_memory.takes_person(target) is True
        assert master.identity(target) is None

    play(site, scenario, refuse=True)


def state_of(pid: int) -> str:
    """The letter of ps(1) for the state of a process, "" if there is none."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_is_dead_is_replaced(site: Site, number: signal.Signals) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target) as link:
            (pid,) = await asyncio.to_thread(master._masters, target.control_path)
            os.kill(pid, number)
            # A busy machine takes its time for that, and until then it is not dead.
            await asyncio.to_thread(wait_until, lambda: state_of(pid) in ("", "Z", "T"), "it is dead, or stopped")
            async with opened(target) as other:
                assert await answers(other)
            await asyncio.wait_for(link.ended, DEADLINE_S)
        assert sshd.logins == 2

    play(site, scenario)


def test_one_that_is_left_to_its_sessions_ends_with_them(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        first = await open_link(target, timeout_s=DEADLINE_S)
        pipe = await first.start("exec cat -u")
        await pipe.write(b"a")
        assert await pipe.read() == b"a"
        await rung_standby.stop(target)
        async with opened(target) as second:
            assert sshd.logins == 2
            await first.close()
            await pipe.write(b"b")
            assert await pipe.read() == b"b"
            await pipe.close()
            assert await answers(second)
            await asyncio.to_thread(master.drop, target)
            await asyncio.wait_for(second.ended, DEADLINE_S)
        await asyncio.wait_for(sshd.deserted.wait(), DEADLINE_S)

    play(site, scenario)


def test_the_kernel_keeps_it_alive_and_ssh_sends_nothing(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target):
            argv = await asyncio.to_thread(_argv, target)
            assert "ServerAliveInterval" not in argv
            assert "ClearAllForwardings=yes" in argv

    play(site, scenario)


def _argv(target: Target) -> str:
    (pid,) = master._masters(target.control_path)
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_one_from_an_address_that_the_laptop_has_no_more_is_dropped(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target) as link:
            master.forget_moved(target)
            assert await answers(link)
            master.note_origin(target, "192.0.2.1")
            await asyncio.to_thread(master.forget_moved, target)
            assert master.identity(target) is None
            await asyncio.wait_for(link.ended, DEADLINE_S)

    play(site, scenario)


def test_a_note_about_another_master_drops_none(site: Site) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        async with opened(target):
            master.note_origin(target, "192.0.2.1")
            noted = Path(f"{target.control_path}.from")
            inode, changed, *origin = noted.read_text().split()
            noted.write_text(f"{int(inode) + 1} {changed} {' '.join(origin)}\n")
            master.forget_moved(target)
            assert master.identity(target) is not None

    play(site, scenario)


def test_it_forwards_the_agent_of_the_window_that_opened_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        forwards = target._replace(options={**target.options, "forwardagent": ("yes",)})
        async with opened(target):
            assert master.brings_your_agent(forwards)
            monkeypatch.setenv("SSH_AUTH_SOCK", "/elsewhere")
            assert not master.brings_your_agent(forwards)
            assert master.brings_your_agent(target)

    play(site, scenario)


def test_a_terminals_address_is_kept_if_the_name_has_several(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node of the session is one of several login nodes behind one name."""

    async def scenario(target: Target, sshd: Sshd) -> None:
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, sshd.port)) for host in ("127.0.0.1", "127.0.0.2")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: rows)
        there = await rung_standby._at_terminals_address(target._replace(peer="127.0.0.1"))
        assert "HostName=127.0.0.1" in there.route
        assert f"HostKeyAlias=[127.0.0.1]:{sshd.port}" in there.route
        assert await rung_standby._at_terminals_address(target) is target

    play(site, scenario)


def test_another_configuration_by_address_is_another_host(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(target: Target, sshd: Sshd) -> None:
        with site.config.open("a") as config:
            config.write("Match host 127.0.0.9\n  Compression yes\n")
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 22)) for host in ("127.0.0.1", "127.0.0.9")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: rows)
        with pytest.raises(LinkFailed) as failed:
            await rung_standby._at_terminals_address(target._replace(peer="127.0.0.9"))
        assert failed.value.cause is Cause.NO_COMMON_ALGORITHM
        assert sshd.logins == 0

    play(site, scenario)
