"""A man in the middle: an sshd with another key behind the host's address. It takes any login, and gets none."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults import attached, settle, shell_of, wired
from inprocess.sshd import DEADLINE_S, Sshd, serving
from rig import Rig, configured, wait_until
from sites import in_a_pipe, logins
from window import Window
from wire import Wire

WARNING = "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"


@contextmanager
def stranger(*, wants_password: bool = False) -> Iterator[Sshd]:
    """An sshd with a key of its own, which lets in anybody who shows a key, or asks everybody for a password."""
    started: list[Sshd] = []
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with serving(refuse=wants_password) as sshd:
            started.append(sshd)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="stranger")
    thread.start()
    try:
        wait_until(lambda: bool(started), "the stranger listens")
        yield started[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(DEADLINE_S)
        loop.close()


def was_told_nothing(man: Sshd) -> bool:
    """He was connected to, and saw no user, no key, no password."""
    return man.connections > 0 and (man.logins, man.passwords, man.seen) == (0, 0, [])


def has_changed(rig: Rig, wire: Wire, window: Window) -> bool:
    """lnode has ended with OpenSSH's own warning and a sentence of its own, and nobody was asked anything."""
    assert window.exit_status(within_s=60) == 6
    said = window.text().replace("\n", "")
    sentence = f"lnode: the host key of unity (127.0.0.1 port {wire.port}) is not the known one, so nothing was sent"
    return WARNING in said and sentence in said and "password:" not in said


@contextmanager
def behind_gate(rig: Rig, folder: Path) -> Iterator[tuple[Wire, Sshd]]:
    """A wire to the rig that starts at an honest jump host."""
    with wired(rig) as wire, stranger() as gate:
        (folder / "gate").write_text(f"gate {gate.host_key.export_public_key().decode()}")
        words = f"Port {gate.port}\n    HostKeyAlias gate\n    UserKnownHostsFile {folder / 'gate'}"
        with configured(rig, f"Host gate\n    {words}\nHost unity\n    ProxyJump gate\n"):
            yield wire, gate


@pytest.mark.parametrize("wants_password", [False, True])
def test_at_the_first_attach(standin: Rig, wants_password: bool) -> None:
    ways = "Host unity\n    PreferredAuthentications password\n" if wants_password else ""
    with wired(standin) as wire, stranger(wants_password=wants_password) as man, configured(standin, ways):
        wire.to_port = man.port
        with attached(standin, "first") as window:
            assert has_changed(standin, wire, window)
        assert was_told_nothing(man)
        assert man.connections == 1


def test_at_a_question(standin: Rig) -> None:
    with wired(standin) as wire, stranger() as man:
        wire.to_port = man.port
        done = in_a_pipe(standin, "unity", "--ls")
        assert (done.returncode, done.stdout) == (6, "")
        assert WARNING in done.stderr
        assert was_told_nothing(man)


def test_at_an_unknown_host_only_ssh_asks(standin: Rig, tmp_path: Path) -> None:
    unknown = f"Host *\n    UserKnownHostsFile {tmp_path / 'none'}\n    StrictHostKeyChecking ask\n"
    with wired(standin) as wire, stranger() as man, configured(standin, unknown):
        wire.to_port = man.port
        with attached(standin, "first") as window:
            window.wait_for("Are you sure you want to continue connecting")
            assert was_told_nothing(man)
            window.press("no\r")
            assert window.exit_status() == 6
        assert was_told_nothing(man)
        assert man.connections == 1


@pytest.mark.parametrize("fault", [Wire.reset, Wire.cut])
def test_at_a_reconnect(slurm: Rig, fault: Callable[[Wire], None]) -> None:
    with wired(slurm) as wire, stranger() as man, attached(slurm, "middle") as window:
        shell_of(window)
        settle(slurm, wire)
        before = logins(slurm)
        wire.to_port = man.port
        fault(wire)
        assert has_changed(slurm, wire, window)
        assert was_told_nothing(man)
        assert logins(slurm) == before


def test_at_the_link_alone(slurm: Rig) -> None:
    """The terminal lives; the link that keeps it company was lost, and is opened anew."""
    with wired(slurm) as wire, stranger() as man, attached(slurm, "middle") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        wire.to_port = man.port
        status, said = slurm.exec("kill $(ps -o ppid= -p $(pgrep -fx 'cat -u'))")
        assert status == 0, said
        wait_until(lambda: man.connections > 0 and man.deserted.is_set(), "the stranger was looked at", within_s=60)
        assert was_told_nothing(man)
        assert shell_of(window) == shell
        window.detach()
        assert window.exit_status() == 0
        assert was_told_nothing(man)


def test_between_jump_host_and_target(slurm: Rig, tmp_path: Path) -> None:
    with behind_gate(slurm, tmp_path) as (wire, gate), stranger() as man:
        wire.to_port = man.port
        with attached(slurm, "middle") as window:
            assert has_changed(slurm, wire, window)
        assert (gate.logins, gate.seen[-1]) == (1, (gate.port, "to", "127.0.0.1", wire.port))
        assert was_told_nothing(man)


def test_between_jump_host_and_target_at_a_reconnect(slurm: Rig, tmp_path: Path) -> None:
    with behind_gate(slurm, tmp_path) as (wire, _), stranger() as man, attached(slurm, "middle") as window:
        shell_of(window)
        settle(slurm, wire)
        before = logins(slurm)
        wire.to_port = man.port
        wire.reset()
        assert has_changed(slurm, wire, window)
        assert was_told_nothing(man)
        assert logins(slurm) == before


def test_in_the_place_of_a_jump_host(slurm: Rig, tmp_path: Path) -> None:
    with behind_gate(slurm, tmp_path) as (wire, gate), stranger() as man:
        with configured(slurm, f"Host gate\n    Port {man.port}\n"), attached(slurm, "middle") as window:
            assert window.exit_status() == 6
            assert WARNING in window.text()
        assert was_told_nothing(man)
        assert (gate.connections, wire.dials) == (0, 0)
