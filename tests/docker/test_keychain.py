"""A password that the laptop's keychain keeps: given once, and proved; then nobody is asked, and it lies nowhere."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import keychains
from faults import attached, leave, returned, settle, shell_of, wired
from full import FULL, slow
from rig import Rig, wait_until
from sites import PASSWORD, SIGN_IN, attempts, logged, logins, noted, sign_in, terminal, with_editor, with_password
from window import LNODE, Window

KEPT = "alice@lnode-rig's password"
Keychain = Mapping[str, str]
"""The environment of a laptop that has one."""


GNOME = "gnome"
FILE = "encrypted file"
TIMES = 10 if FULL else 3
"""That a script asks in turn."""


@pytest.fixture(params=[FILE, slow(GNOME)])
def keychain(request: pytest.FixtureRequest, slurm: Rig, tmp_path: Path) -> Iterator[Keychain]:
    """An empty one, on a laptop whose temporary files can be looked through."""
    (tmp_path / "tmp").mkdir()
    if request.param == FILE:
        yield {**keychains.encrypted_file(tmp_path / "keychain"), "TMPDIR": str(tmp_path / "tmp")}
    elif keychains.MISSING:
        pytest.skip(f"not installed: {', '.join(keychains.MISSING)}")
    else:
        folder = slurm.folder / "gnome"  # short enough for a socket
        with keychains.gnome(folder, slurm.env()) as env:
            yield {**env, "TMPDIR": str(tmp_path / "tmp")}
        shutil.rmtree(folder)
    index(slurm).unlink(missing_ok=True)


@pytest.fixture
def locked(tmp_path: Path) -> Keychain:
    return keychains.of_class("keychains.Locked")


def index(rig: Rig) -> Path:
    return rig.home / ".local" / "state" / "lnode" / "keychain"


def lnode(rig: Rig, keychain: Keychain, *words: str) -> subprocess.CompletedProcess[str]:
    """lnode where nobody is."""
    return subprocess.run(
        [*LNODE, *words], env=rig.env(**keychain), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def keep(rig: Rig, keychain: Keychain, password: str = PASSWORD) -> str:
    """`--sign-in`, and what it said in the end."""
    with Window([*LNODE, "unity", "--sign-in"], rig.env(**keychain)) as window:
        window.wait_for("password:")
        window.press(f"{password}\r")
        window.exit_status()
        return window.text()


@contextmanager
def nowhere(*folders: Path) -> Iterator[None]:
    """The password is in no file, and at no time in an argument or the environment of any process."""
    over, seen = threading.Event(), set[str]()

    def watch() -> None:
        while not over.is_set():
            for process in filter(str.isdigit, os.listdir("/proc")):
                for words in ("cmdline", "environ"):
                    with suppress(OSError):  # it has ended
                        if PASSWORD.encode() in Path("/proc", process, words).read_bytes():
                            seen.add(f"{words} of {process}")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
    for folder in folders:
        seen |= {str(path) for path in folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()}
    assert not seen


@pytest.fixture
def cores() -> Iterator[None]:
    """A laptop on which processes that crash leave core files, as far as it lets us."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)


def leaves_no_core(pid: int | None) -> bool:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return any(row.startswith("Max core file size") and row.split()[4] == "0" for row in limits.splitlines())


@pytest.mark.parametrize("keychain", [GNOME, slow(FILE)], indirect=True)
@pytest.mark.usefixtures("cores")
def test_nobody_is_asked_for_what_the_keychain_keeps(slurm: Rig, keychain: Keychain, tmp_path: Path) -> None:
    private = Path(f"/tmp/lnode-{os.getuid()}")
    with with_password(slurm), wired(slurm) as wire, nowhere(slurm.folder, tmp_path, private):
        accepted, failed = logins(slurm)
        assert f"lnode: the keychain keeps {KEPT}" in keep(slurm, keychain)
        assert logins(slurm) == (accepted + 1, failed)
        assert lnode(slurm, keychain, "unity", "--ls").returncode == 0
        assert logins(slurm) == (accepted + 2, failed)
        with attached(slurm, "kept", **keychain) as window:
            shell_of(window)
            assert b"password" not in window.raw
            (ssh,) = terminal(window)
            assert leaves_no_core(ssh) and leaves_no_core(window.process.pid)
            settle(slurm, wire)
            leave(slurm, wire, window)
        assert attempts(slurm) == failed
        assert PASSWORD not in slurm.sshd_log()
        said = lnode(slurm, keychain, "unity", "--forget").stderr
        assert said == f"lnode: the keychain has forgotten {KEPT}\n"
        assert lnode(slurm, keychain, "unity", "--forget").stderr == "lnode: the keychain has nothing of unity\n"
        with attached(slurm, "kept", **keychain) as window:
            sign_in(window)
            shell_of(window)


@pytest.mark.full
def test_an_editors_ssh_is_let_in_by_it_too(slurm: Rig, keychain: Keychain) -> None:
    slurm.exec("tmux new-session -d -s fit")
    with with_password(slurm), with_editor(slurm):
        keep(slurm, keychain)
        accepted, failed = logins(slurm)
        assert lnode(slurm, keychain, "unity", "fit", "--code", "~", "--yes").returncode == 0
        assert (slurm.home / "said").read_text().startswith("sh on login1\n")
        assert logins(slurm) == (accepted + 3, failed)  # to look, by the editor's ssh to look again, and as its way
        assert lnode(slurm, keychain, "unity", "--forget").returncode == 0
        done = slurm.ssh("fit.unity.lnode", "true")
        assert (done.returncode, "lnode: unity needs you to sign in" in done.stderr) == (
            255,
            True,
        )
        assert logins(slurm) == (accepted + 3, failed)
    wait_until(lambda: not ways(), "no way is left behind")


def test_a_port_needs_nobody_whose_password_is_kept(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm):
        keep(slurm, keychain)
        slurm.exec("tmux new -d -s fit")
        failed = logged(slurm, "Failed password")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        argv = [*LNODE, "unity", "fit", "-L", f"{port}:22"]
        with subprocess.Popen(
            argv, env=slurm.env(**keychain), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as ports:
            try:
                assert ports.stderr is not None
                assert f"localhost:{port} is port 22 of login1" in (said := ports.stderr.readline()), said
            finally:
                ports.terminate()
        assert logged(slurm, "Failed password") == failed


def ways() -> list[str]:
    """What runs as a way to fit."""
    rows = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return [row for row in rows if "--way fit.unity.lnode" in row]


def test_what_was_not_proved_is_not_kept(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm):
        failed = logged(slurm, "Failed password")
        assert "refused the login" in keep(slurm, keychain, "wrong")
        assert not index(slurm).exists()
        assert lnode(slurm, keychain, "unity", "--ls").returncode == 5
        assert noted(slurm, "Failed password", failed + 1) == failed + 1


@pytest.mark.full
def test_a_password_that_was_changed_there_is_sent_once(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm):
        keep(slurm, keychain)
        slurm.exec("echo 'alice:battery staple' | chpasswd", "root")
        failed = logged(slurm, "Failed password")
        with attached(slurm, "changed", **keychain) as window:
            window.wait_for(f"lnode: the keychain's {KEPT} is no longer right")
            window.wait_for("password:")
            assert noted(slurm, "Failed password", failed + 1) == failed + 1
            window.press("battery staple\r")
            shell_of(window)
        with attached(slurm, "changed", **keychain) as window:
            window.wait_for("password:")
            assert noted(slurm, "Failed password", failed + 1) == failed + 1


def test_a_script_does_not_repeat_a_password_that_was_refused(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm):
        keep(slurm, keychain)
        slurm.exec("echo 'alice:battery staple' | chpasswd", "root")
        failed = logged(slurm, "Failed password")
        assert [lnode(slurm, keychain, "unity", "--ls").returncode for _ in range(3)] == [5, 5, 5]
        assert noted(slurm, "Failed password", failed + 1) == failed + 1


@pytest.mark.full
def test_a_silent_login_is_not_repeated_with_a_password_that_was_refused(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm), wired(slurm) as wire:
        keep(slurm, keychain)
        with attached(slurm, "pushed", **keychain) as window:
            shell_of(window)
            settle(slurm, wire)
            slurm.exec("echo 'alice:battery staple' | chpasswd", "root")
            failed = logged(slurm, "Failed password")
            wire.reset()
            window.wait_for(SIGN_IN)
            assert noted(slurm, "Failed password", failed + 1) == failed + 1


def test_a_keychain_that_stays_locked(slurm: Rig, keychain: Keychain, locked: Keychain) -> None:
    with with_password(slurm):
        keep(slurm, keychain)
        with attached(slurm, "locked", **locked) as window:
            window.wait_for("lnode: the keychain is locked")
            sign_in(window)
            shell_of(window)
            assert window.raw.count(b"the keychain is locked") == 1


def test_a_script_signs_in_nowhere_while_the_keychain_is_locked(
    slurm: Rig, keychain: Keychain, locked: Keychain
) -> None:
    with with_password(slurm), wired(slurm) as wire:
        keep(slurm, keychain)
        failed, dials = attempts(slurm), wire.dials
        done = [lnode(slurm, locked, "unity", "--ls") for _ in range(TIMES)]
        assert {(one.returncode, one.stderr.splitlines()[0]) for one in done} == {
            (5, "lnode: unity needs you to sign in")
        }
        assert (attempts(slurm), wire.dials) == (failed, dials)
        assert lnode(slurm, keychain, "unity", "--ls").returncode == 0  # unlocked


@pytest.mark.full
def test_a_site_that_has_changed_its_prompt_sees_one_login(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm), wired(slurm):
        keep(slurm, keychain)
        kept = index(slurm).read_text()
        assert "'s password: " in kept
        index(slurm).write_text(kept.replace("'s password: ", "'s old password: "))  # what it had asked until then
        with keychain_answers(slurm, keychain, kept):
            accepted, failed = logins(slurm)
            assert [lnode(slurm, keychain, "unity", "--ls").returncode for _ in range(TIMES)] == [5] * TIMES
            assert logins(slurm) == (accepted, failed + 1)
        with Window([*LNODE, "unity", "--ls"], slurm.env(**keychain)) as window:
            sign_in(window)
            assert window.exit_status() == 0, window.text()


@contextmanager
def keychain_answers(rig: Rig, keychain: Keychain, kept: str) -> Iterator[None]:
    """The keychain has a password for what is asked no longer."""
    service, name = "lnode unity", kept.splitlines()[0].split("\t")[-1].replace("'s password: ", "'s old password")
    code = "import keyring, sys; keyring.set_password(*sys.argv[1:])"
    env = rig.env(**keychain)
    subprocess.run([sys.executable, "-c", code, service, name, PASSWORD], env=env, check=True)
    yield


@pytest.mark.full
def test_a_lost_connection_comes_back_by_itself(slurm: Rig, keychain: Keychain) -> None:
    with with_password(slurm), wired(slurm) as wire:
        keep(slurm, keychain)
        failed = attempts(slurm)
        with attached(slurm, "lost", **keychain) as window:
            shell = shell_of(window)
            settle(slurm, wire)
            wire.reset()
            returned(slurm, wire, window, shell)
            assert SIGN_IN not in window.text()
            leave(slurm, wire, window)
        assert attempts(slurm) == failed
