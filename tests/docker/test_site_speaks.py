"""What a site says at a login, where you can read it; and the logins that it costs, in sshd's own log."""

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from faults import attached, leave, returned, settle, shell_of, wired
from full import slow
from rig import Rig, wait_until
from sites import PASSWORD, as_delivered, in_a_pipe, logged, logins, sshd_with, wait_for_s, with_pam, with_password

CLOSED = "Maintenance until 18:00, see https://site.edu/status"


@contextmanager
def closed(rig: Rig, *, pam: bool) -> Iterator[None]:
    """/etc/nologin, which sshd reads itself, or PAM in its place."""
    assert rig.exec(f"echo {shlex.quote(CLOSED)} >/etc/nologin", "root")[0] == 0
    try:
        with with_pam(rig) if pam else nullcontext():
            yield
    finally:
        rig.exec("rm -f /etc/nologin", "root")


@pytest.mark.parametrize("pam", [True, slow(False)])
def test_a_site_that_is_closed_says_so(slurm: Rig, pam: bool) -> None:
    with closed(slurm, pam=pam), wired(slurm) as wire, attached(slurm, "closed") as window:
        assert window.exit_status() == 5
        assert window.text().count(CLOSED) == 1
        assert "unity (127.0.0.1 port " in window.text() and "ended the login before it was done" in window.text()
        done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, CLOSED in done.stderr) == (5, True), done.stderr
        assert wire.dials == 2  # and no link beside the terminal, though without PAM its login is done
    assert slurm.exec("tmux has-session -t closed")[0] != 0


@pytest.mark.parametrize("pam", [True, slow(False)])
def test_a_site_that_closes_while_you_are_away_is_asked_once(slurm: Rig, pam: bool) -> None:
    with wired(slurm) as wire, attached(slurm, "away") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        with closed(slurm, pam=pam):
            dials = wire.dials
            wire.reset()
            window.find("; r (sign in|try again), d leave")
            window.wait_for(CLOSED)
            wait_for_s(8)
            assert wire.dials == dials + 1
            window.press("r")
            window.wait_for("unity ended the login; r try again, d leave")
        window.press("r")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


def test_an_account_that_has_expired_is_not_called_a_ban(slurm: Rig) -> None:
    assert slurm.exec("chage -E 1 alice", "root")[0] == 0
    try:
        with with_pam(slurm), wired(slurm) as wire, attached(slurm, "expired") as window:
            assert window.exit_status() == 5
            assert "Your account has expired" in window.text() and "banned" not in window.text()
            assert wire.dials == 1
    finally:
        slurm.exec("chage -E -1 alice", "root")


def test_a_password_that_has_expired_is_named_where_it_cannot_be_changed(slurm: Rig) -> None:
    assert slurm.exec("chage -d 0 alice", "root")[0] == 0
    try:
        with with_pam(slurm):
            done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, done.stderr.splitlines()[-2:]) == (
            5, ["lnode: your password on unity has expired", "hint:  change it: ssh unity; more: lnode --guide sign-in"]
        ), done.stderr  # fmt: skip
    finally:
        slurm.exec("chage -d 20000 alice", "root")


@contextmanager
def greeting(rig: Rig, text: str) -> Iterator[None]:
    assert rig.exec(f"printf %s {shlex.quote(text)} >/etc/greeting", "root")[0] == 0
    with sshd_with(rig, "Banner /etc/greeting"):
        yield


def test_a_banner_stands_above_the_question(slurm: Rig) -> None:
    text = "Open https://site.edu/device\n\x1b]0;title\x07and type ABCD\n"
    with (
        as_delivered(slurm),
        greeting(slurm, text),
        with_password(slurm),
        wired(slurm),
        attached(slurm, "asked") as window,
    ):
        window.wait_for("Open https://site.edu/device")
        window.wait_for("and type ABCD")
        window.wait_for("password:")
        assert window.text().splitlines()[-1].endswith("password:")
        window.press("wrong\r")
        window.wait_for("Permission denied, please try again.")
        window.press(f"{PASSWORD}\r")
        shell_of(window)
        window.detach()
        assert window.exit_status() == 0
        assert b"\x1b]0;title" not in window.raw


def test_a_key_that_waits_for_a_touch_says_so(slurm: Rig) -> None:
    """ssh itself speaks of it only to a terminal; a stand-in of it does the same here."""
    wrapper = slurm.folder / "bin" / "ssh"
    before, real = wrapper.read_text(), shutil.which("ssh")
    touch = slurm.folder / "touched"
    wait = (
        'case " $* " in *" -t "*) if [ -t 2 ]; then printf "\\rConfirm user presence for key abc\\r\\n" >&2; '
        f"until [ -e {touch} ]; do sleep 0.1; done; fi ;; esac"
    )
    wrapper.write_text(f'#!/bin/sh\n{wait}\nexec {real} -F {slurm.ssh_config} "$@"\n')
    try:
        with wired(slurm) as wire, attached(slurm, "touched") as window:
            window.wait_for("Confirm user presence for key abc")
            touch.touch()
            shell_of(window)
            leave(slurm, wire, window, connections=1, hearts=0)
    finally:
        wrapper.write_text(before)
        touch.unlink(missing_ok=True)


def test_a_banner_that_speaks_of_refusals_stops_nothing(slurm: Rig) -> None:
    text = "jobs from master nodes: Permission denied (ask us) after sessions that timed out\n"
    with greeting(slurm, text), wired(slurm) as wire, attached(slurm, "talk") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        accepted, failed = logins(slurm)
        for drop in range(2):
            wire.reset()
            returned(slurm, wire, window, shell)
            assert logins(slurm) == (accepted + 2 + 2 * drop, failed)
        window.press("\r~.")
        assert window.exit_status() == 0
        assert "ssh was closed" in window.text()
    wait_until(lambda: logged(slurm, "Accepted ") >= accepted + 4, "sshd has written its log")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("PermitTTY no", "let you in, but its sshd gives you no terminal"),
        ("MaxSessions 0", "let you in, but its sshd opens no session for you"),
    ],
)
def test_an_sshd_that_gives_you_nothing_to_work_in_is_asked_once(slurm: Rig, line: str, words: str) -> None:
    no_session = line.startswith("Max")
    with sshd_with(slurm, f"Match User alice\n    {line}"), wired(slurm) as wire:
        with attached(slurm, "nothing") as window:
            assert window.exit_status() == 8
            assert words in window.text().replace("\n", "")
        assert wire.dials == 1
        done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, words in done.stderr) == ((8, True) if no_session else (0, False)), done.stderr
    assert slurm.exec("tmux has-session -t nothing")[0] != 0


@pytest.mark.full
def test_an_sshd_that_gives_no_terminal_while_you_are_away_waits_for_you(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "away") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        with sshd_with(slurm, "Match User alice\n    PermitTTY no"):
            dials = wire.dials
            wire.reset()
            window.wait_for("unity gives you no terminal; r try again, d leave")
            wait_for_s(8)
            assert wire.dials <= dials + 2  # one of them frees ports
        window.press("r")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ForceCommand internal-sftp", "This service allows sftp connections only."),
        ("ForceCommand /usr/sbin/nologin", "This account is currently not available."),
    ],
)
def test_an_account_without_a_shell_says_so(slurm: Rig, line: str, words: str) -> None:
    with sshd_with(slurm, f"Match User alice\n    {line}"), wired(slurm) as wire:
        with attached(slurm, "shell") as window:
            assert window.exit_status() == 8
            assert words in window.text()
        assert wire.dials == 1
        done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, words in done.stderr) == (8, True), done.stderr
