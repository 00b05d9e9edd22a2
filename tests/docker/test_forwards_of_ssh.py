"""Ports that the user's own ssh configuration forwards: free again at a reconnect, and said where they are not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faults import NOTICE, attached, leave, returned, settle, shell_of, wired
from full import slow
from rig import Rig, configured, wait_until
from sites import PASSWORD, PAUSE_S, SIGN_IN, held, logged, logins, sign_in, terminals_of, wait_for_s, with_password

THERE = 9999


@contextmanager
def greeter() -> Iterator[int]:
    """A port of the laptop that says hello to each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(b"hello")


def greets(rig: Rig) -> bool:
    """Does the port there lead to the laptop?"""
    said = f"import socket; s = socket.create_connection(('127.0.0.1', {THERE}), 5); s.settimeout(5); print(s.recv(5))"
    return "hello" in rig.exec(f'timeout 9 python3 -c "{said}"')[1]


@pytest.mark.parametrize("strict", ["yes", slow("no")])
def test_a_remote_forward_comes_back_with_the_terminal(slurm: Rig, strict: str) -> None:
    """The sshd of the lost terminal holds the port; it is ended before the next terminal asks for the port."""
    with greeter() as here, wired(slurm) as wire:
        forward = f"Host unity\n    RemoteForward {THERE} 127.0.0.1:{here}\n    ExitOnForwardFailure {strict}\n"
        with configured(slurm, forward), attached(slurm, "forwards") as window:
            shell = shell_of(window)
            settle(slurm, wire)
            assert greets(slurm)
            accepted, failed = logins(slurm)
            wire.cut()
            window.wait_for("lnode: unity silent for ")
            window.wait_without(NOTICE)
            assert shell_of(window) == shell
            wait_until(lambda: greets(slurm), "the port leads to the laptop again")
            wait_for_s(5)
            assert logins(slurm) == (accepted + 2, failed)  # the terminal and its link, as always
            window.wait_without(NOTICE)
            assert shell_of(window) == shell  # keys arrive
            window.detach()
            assert window.exit_status() == 0


def test_a_sign_in_is_not_lost_for_a_port(slurm: Rig) -> None:
    forward = f"Host unity\n    RemoteForward {THERE} 127.0.0.1:1\n    ExitOnForwardFailure yes\n"
    with with_password(slurm), wired(slurm) as wire, attached(slurm, "signed") as window:
        sign_in(window)
        shell = shell_of(window)
        accepted, failed = logins(slurm)
        with held(slurm, THERE), configured(slurm, forward):
            wire.reset()
            window.wait_for(SIGN_IN)
            window.press("r")
            window.wait_again("password:")
            window.press(f"{PASSWORD}\r")
            window.wait_without(NOTICE)
            assert shell_of(window) == shell
            assert logins(slurm) == (accepted + 1, failed)
            window.detach()
            assert window.exit_status() == 0


def test_a_port_that_another_program_holds_ends_the_first_attach_with_its_name(slurm: Rig) -> None:
    forward = f"Host unity\n    RemoteForward {THERE} 127.0.0.1:1\n    ExitOnForwardFailure yes\n"
    accepted, failed = logins(slurm)
    with held(slurm, THERE), wired(slurm), configured(slurm, forward), attached(slurm, "taken") as window:
        assert window.exit_status() == 4
        assert f"let you in, but port {THERE} there is taken" in window.text().replace("\n", "")
        assert logins(slurm) == (accepted + 1, failed)
    assert slurm.exec("tmux has-session -t taken")[0] != 0


@pytest.mark.full
def test_a_port_that_stays_taken_costs_one_login_in_fifteen_seconds(slurm: Rig) -> None:
    forward = f"Host unity\n    RemoteForward {THERE} 127.0.0.1:1\n    ExitOnForwardFailure yes\n"
    with wired(slurm) as wire, attached(slurm, "paced") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        before, refused = len(terminals_of(slurm, "alice")), logged(slurm, "Failed ")
        with held(slurm, THERE), configured(slurm, forward):
            wire.reset()
            window.find(r"lnode: a port that unity forwards is taken, again in \d+ s")
            wait_until(lambda: len(terminals_of(slurm, "alice")) >= before + 2, "it has tried again")
            first, second, *_ = terminals_of(slurm, "alice")[before:]
            assert second - first >= PAUSE_S
        returned(slurm, wire, window, shell)
        assert logged(slurm, "Failed ") == refused
        leave(slurm, wire, window)


def test_a_forward_that_is_dead_is_said(slurm: Rig) -> None:
    forward = f"Host unity\n    RemoteForward {THERE} 127.0.0.1:1\n"
    with held(slurm, THERE), wired(slurm) as wire, configured(slurm, forward), attached(slurm, "dead") as window:
        window.wait_for(f"lnode: not forwarded, because it is taken or not allowed: port {THERE} there")
        shell_of(window)
        leave(slurm, wire, window)
