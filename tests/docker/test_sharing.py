"""One connection for all windows: what rides on it, what happens when it is dead, and whose it is."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from faults import LATE, attached, leave, returned, settle, shell_of, wired
from rig import Rig, configured, wait_until, with_settings
from sites import in_a_pipe
from window import LNODE, Window


@pytest.fixture
def warm(slurm: Rig) -> Iterator[Rig]:
    """A rig whose laptop keeps its sign-ins."""
    with with_settings(slurm, '[hosts.unity]\nkeep_warm = "10m"\n'):
        yield slurm


def sockets(rig: Rig) -> list[Path]:
    return sorted(path for path in rig.socket_folder.glob("*") if path.is_socket())


def logins(rig: Rig) -> int:
    return rig.sshd_log().count("Accepted publickey ")


def signed_in(rig: Rig, name: str = "first") -> None:
    """A master is there, and nobody is attached any more."""
    with attached(rig, name) as window:
        shell_of(window)
        window.detach()
        assert window.exit_status() == 0
    wait_until(lambda: len(rig.masters()) == 1, "there is a master")


def test_all_that_follows_rides_on_one_sign_in(warm: Rig) -> None:
    before = logins(warm)
    with attached(warm, "first") as first:
        shell_of(first)
        with attached(warm, "second") as second:
            shell_of(second)
            second.detach()
            assert second.exit_status() == 0, second.text()
            assert re.search(rf"lnode: detached; second (runs on login1|{LATE})", second.text())
        listed = in_a_pipe(warm, "unity", "--ls")
        assert re.findall(r"^(\w+) +login", listed.stdout, re.MULTILINE) == ["first", "second"]
        assert in_a_pipe(warm, "unity", "second", "--kill", "--yes").returncode == 0
        first.detach()
        assert first.exit_status() == 0
    assert logins(warm) == before + 1
    assert (
        in_a_pipe(warm, "unity", "--close").stderr == "lnode: the connection to unity is closed; sessions go on there\n"
    )
    assert (sockets(warm), warm.masters()) == ([], [])
    assert in_a_pipe(warm, "unity", "--close").stderr == "lnode: no connection to unity is open\n"


def test_no_key_of_a_silence_reaches_the_shell(warm: Rig) -> None:
    """After a reconnect, where the modes that ssh gives back are those in which lnode reads."""
    with wired(warm) as wire, attached(warm, "quiet") as window:
        shell = shell_of(window)
        settle(warm, wire, connections=1)
        wire.reset()
        returned(warm, wire, window, shell, connections=1)
        wire.freeze()
        window.wait_for("keys are not sent, Ctrl-C leaves")
        window.press("touch quirky\r")
        window.wait_for("; r now, d leave")
        window.press("docker\r")
        window.wait_for("; 7 keys not sent")
        wire.heal()
        returned(warm, wire, window, shell, connections=1)
        assert "quirky" not in warm.exec("ls ~")[1]
        assert "docker" not in warm.exec("tmux capture-pane -p -t quiet")[1]
        leave(warm, wire, window, connections=1)


def test_the_escape_leaves_a_window_and_not_the_connection(warm: Rig) -> None:
    with attached(warm, "first") as window:
        shell_of(window)
        window.press("\r~")
        window.press(".")
        assert window.exit_status() == 0
        assert "lnode: ssh was closed; come back to first with: lnode unity first" in window.text().replace("\n", "")
    assert len(warm.masters()) == 1


def frozen(rig: Rig) -> None:
    (master,) = rig.masters()
    os.kill(master, signal.SIGSTOP)


def stale(rig: Rig) -> None:
    (master,) = rig.masters()
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: not rig.masters(), "it has ended")
    assert sockets(rig)


@pytest.mark.parametrize("death", [frozen, stale])
@pytest.mark.parametrize("words", [("first", "--login"), ("--ls",)])
def test_a_dead_master_is_passed_by(warm: Rig, death: Callable[[Rig], None], words: tuple[str, ...]) -> None:
    signed_in(warm)
    dead = warm.masters()
    death(warm)
    if words == ("--ls",):
        assert re.findall(r"^(\w+) +login", in_a_pipe(warm, "unity", *words).stdout, re.MULTILINE) == ["first"]
    else:
        with Window([*LNODE, "unity", *words], warm.env()) as window:
            shell_of(window)
            wait_until(lambda: len(warm.masters()) == 1 and warm.masters() != dead, "another one is there")
            window.detach()
            assert window.exit_status() == 0
        assert len(warm.masters()) == 1
        assert not set(dead) & set(warm.masters())


def test_a_question_ends_no_connection_that_windows_wait_on(warm: Rig) -> None:
    with wired(warm) as wire:
        signed_in(warm)
        master = warm.masters()
        wire.cut()
        assert in_a_pipe(warm, "unity", "--ls").returncode == 0
        assert warm.masters() == master


def test_a_master_whose_network_is_gone_is_passed_by(warm: Rig) -> None:
    with wired(warm) as wire:
        signed_in(warm)
        (dead,) = warm.masters()
        wire.cut()
        with attached(warm, "first") as window:
            shell_of(window)
            window.detach()
            assert window.exit_status() == 0
        assert dead not in warm.masters()


def test_a_users_own_master_is_left_alone_even_if_it_is_dead(warm: Rig) -> None:
    path = warm.folder / "mine"
    shared = f"Host unity\n    ControlPath {path}\n    ControlMaster auto\n    ControlPersist 60\n"
    with configured(warm, shared), ExitStack() as last:
        assert warm.ssh("unity", "true").returncode == 0
        said = subprocess.run(
            ["ssh", "-O", "check", "unity"], env=warm.env(), capture_output=True, text=True, check=True
        )
        master = int(re.findall(r"pid=(\d+)", said.stderr)[0])
        last.callback(os.kill, master, signal.SIGKILL)
        os.kill(master, signal.SIGSTOP)
        with attached(warm, "first") as window:
            shell_of(window)
            window.detach()
            assert window.exit_status() == 0
        assert path.is_socket()
        assert Path(f"/proc/{master}/stat").read_text().split()[2] == "T"
        assert "your ssh configuration says" in in_a_pipe(warm, "unity", "--close").stderr
    assert sockets(warm) == []


@contextmanager
def of_somebody_else(rig: Rig) -> Iterator[None]:
    os.chown(rig.home / "run", 4242, 4242)
    try:
        yield
    finally:
        os.chown(rig.home / "run", os.getuid(), os.getgid())


@contextmanager
def a_link(rig: Rig) -> Iterator[None]:
    target = rig.folder / "elsewhere"
    target.mkdir()
    rig.socket_folder.symlink_to(target)
    try:
        yield
        assert list(target.iterdir()) == []
    finally:
        rig.socket_folder.unlink()


@contextmanager
def open_to_all(rig: Rig) -> Iterator[None]:
    rig.socket_folder.mkdir()
    rig.socket_folder.chmod(0o777)
    try:
        yield
        assert sockets(rig) == []
    finally:
        rig.socket_folder.rmdir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize("trap", [of_somebody_else, a_link, open_to_all])
def test_a_folder_that_is_not_this_users_alone_is_not_used(
    warm: Rig, trap: Callable[[Rig], AbstractContextManager[None]]
) -> None:
    with trap(warm), attached(warm, "first") as window:
        shell_of(window)
        window.detach()
        assert window.exit_status() == 0
        assert in_a_pipe(warm, "unity", "--close").returncode == 0
