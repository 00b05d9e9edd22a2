"""Sites that count and ban: what was refused is not repeated unasked, and no second login hides behind the first."""

import itertools
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faults import attached, leave, returned, settle, shell_of, wired
from full import FULL
from rig import Rig, wait_until
from sites import (
    SIGN_IN,
    SSHD,
    as_delivered,
    in_a_pipe,
    logged,
    logins,
    noted,
    sshd_with,
    turned_away,
    wait_for_s,
    with_codes,
    without_key,
)
from wire import Wire


@pytest.mark.timeout(2400 if FULL else 300)
def test_a_key_that_is_refused_while_the_network_flaps(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "flapping") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        refused = logged(slurm, "Failed publickey")
        with without_key(slurm):
            wire.reset()
            window.wait_for(SIGN_IN)  # a refusal that the network swallows could not be obeyed
            flap(wire, for_s=1800 if FULL else 12, each_s=2 if FULL else 0.3)
            assert SIGN_IN in window.look()
            assert noted(slurm, "Failed publickey", refused + 1) == refused + 1
        window.press("r")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


def flap(wire: Wire, *, for_s: float, each_s: float) -> None:
    """A network that fails in every way there is, and comes back each time."""
    over = time.monotonic() + for_s
    for fault in itertools.cycle((wire.reset, wire.cut, wire.hang_up, wire.freeze, wire.refuse)):
        fault()
        wait_for_s(each_s)
        wire.heal()
        wait_for_s(each_s)
        if time.monotonic() > over:
            return


def test_what_was_refused_to_the_link_is_not_tried_by_the_terminal(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "linked") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        refused, left = logged(slurm, "Failed publickey"), logged(slurm, " authenticating user alice ")
        with without_key(slurm):
            assert slurm.exec(f"pkill -f '^{SSHD}: alice@notty'", "root")[0] == 0
            # Until it hangs up: a refusal that it has not heard of before the network goes, it cannot know.
            wait_until(lambda: logged(slurm, " authenticating user alice ") > left, "the link is refused")
            wire.reset()
            window.wait_for(SIGN_IN)
            assert noted(slurm, "Failed publickey", refused + 1) == refused + 1
        window.press("r")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


@contextmanager
def agent_with(rig: Rig, *, before: int, after: int) -> Iterator[None]:
    """A laptop whose ssh configuration names no key; its agent offers some that are nobody's before and after it."""
    path = rig.folder / "agent"
    keys = [rig.folder / f"key{number}" for number in range(before + after)]
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    config = rig.ssh_config.read_text()
    named = f"IdentityFile {rig.folder / 'id_ed25519'}\n    IdentitiesOnly yes\n    IdentityAgent none"
    assert named in config
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        wait_until(path.is_socket, "the agent listens")
        keys.insert(before, rig.folder / "id_ed25519")
        subprocess.run(["ssh-add", "-q", *keys], env=rig.env(SSH_AUTH_SOCK=str(path)), check=True)
        rig.ssh_config.write_text(config.replace(named, f"IdentityFile none\n    IdentityAgent {path}"))
        yield
    finally:
        rig.ssh_config.write_text(config)
        agent.terminate()
        agent.wait()
        for key in set(rig.folder.glob("key*")):
            key.unlink()


@contextmanager
def tries(rig: Rig, allowed: int) -> Iterator[None]:
    """An sshd that hangs up after so many keys that it does not know."""
    with sshd_with(rig, f"MaxAuthTries {allowed}"):
        yield


def test_an_agent_with_more_keys_than_tries(slurm: Rig) -> None:
    """ssh itself is refused; nobody tries in its place."""
    with agent_with(slurm, before=4, after=0), tries(slurm, 2), wired(slurm) as wire:
        before = logged(slurm, "maximum authentication attempts exceeded")
        if slurm.ssh("unity", "true").returncode == 0:
            pytest.skip("this sshd does not count the keys that it does not know, as OpenSSH 10.6")
        wait_until(lambda: logged(slurm, "maximum authentication attempts exceeded") > before, "sshd says so")
        exceeded, dials = before + 1, wire.dials
        with attached(slurm, "many") as window:
            assert window.exit_status() == 5
            assert f"lnode: unity (127.0.0.1 port {wire.port}) refused the login" in window.text()
        found = noted(slurm, "maximum authentication attempts exceeded", exceeded + 1)
        assert (found, wire.dials) == (exceeded + 1, dials + 1)


def test_the_link_offers_no_more_keys_than_ssh(slurm: Rig) -> None:
    with agent_with(slurm, before=1, after=3), tries(slurm, 2), wired(slurm) as wire:
        exceeded, tried = logged(slurm, "maximum authentication attempts exceeded"), logged(slurm, "Failed publickey")
        with attached(slurm, "few") as window:
            shell = shell_of(window)
            settle(slurm, wire)
            assert logged(slurm, "Failed publickey") <= tried + 2
            wire.reset()
            returned(slurm, wire, window, shell)
            leave(slurm, wire, window)
        assert logged(slurm, "Failed publickey") <= tried + 4
        assert logged(slurm, "maximum authentication attempts exceeded") == exceeded


@pytest.mark.full
def test_a_site_that_allows_one_session_a_connection(slurm: Rig) -> None:
    """There is no room for anything beside the terminal: whatever would sign in anew asks a person, or is left."""
    with as_delivered(slurm), with_codes(slurm, "MaxSessions 1") as codes, wired(slurm) as wire:
        accepted, failed = logins(slurm)
        with attached(slurm, "only") as window:
            codes.sign_in(window)
            shell = shell_of(window)
            settle(slurm, wire, connections=1, hearts=0)
            wait_for_s(6)  # for the link
            done = in_a_pipe(slurm, "unity", "--ls")
            assert (done.returncode, done.stdout) == (5, "")
            assert logins(slurm) == (accepted + 1, failed)
            with attached(slurm, "other") as other:
                codes.sign_in(other)
                shell_of(other)
                other.detach()
                assert other.exit_status() == 0
            wait_until(lambda: wire.carries == 1, "the other one's connection is over")
            assert shell_of(window) == shell
            window.detach()
            assert window.exit_status() == 0
        assert logins(slurm) == (accepted + 2, failed)


@pytest.mark.full
def test_a_site_that_wants_a_person_and_sends_everybody_away(slurm: Rig) -> None:
    """As a ban does, or a penalty of sshd 9.8; once it is over somebody is wanted, and nothing has been tried."""
    with as_delivered(slurm), with_codes(slurm, "MaxStartups 1") as codes, wired(slurm) as wire:
        accepted, failed = logins(slurm)
        with attached(slurm, "banned") as window:
            codes.sign_in(window)
            shell = shell_of(window)
            settle(slurm, wire, connections=1)
            with socket.create_connection(("127.0.0.1", slurm.port)) as held:
                assert held.recv(4) == b"SSH-"
                dropped = turned_away(slurm)
                wire.reset()
                window.find(r"lnode: unity closes connections before the login, again in \d+ s")
                assert turned_away(slurm) == dropped + 1
            window.wait_for(SIGN_IN)
            assert logins(slurm) == (accepted + 1, failed)
            window.press("r")
            codes.sign_in(window)
            returned(slurm, wire, window, shell, connections=1)
            leave(slurm, wire, window, connections=1)
        assert logins(slurm) == (accepted + 2, failed)


@contextmanager
def forging(rig: Rig) -> Iterator[None]:
    """An sshd whose banner says what ssh says of a login that is done, and of a key that has changed."""
    rows = ('Authenticated to 127.0.0.1 ([127.0.0.1]:22) using "publickey".', "IDENTIFICATION HAS CHANGED!")
    forged = "\\r\\n".join((*rows, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", ""))
    assert rig.exec(f"printf '{forged}' >/etc/forged", "root")[0] == 0
    with sshd_with(rig, "Banner /etc/forged"):
        yield


def test_a_banner_does_not_speak_as_ssh_while_connections_are_lost(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "forged") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        refused = logged(slurm, "Failed publickey")
        with forging(slurm), without_key(slurm):
            for _ in range(30):
                wire.reset()
                window.wait_for(SIGN_IN)
            assert noted(slurm, "Failed publickey", refused + 1) == refused + 1
        window.press("r")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


def test_a_banner_gives_no_advice_to_forget_a_key(slurm: Rig) -> None:
    with as_delivered(slurm), wired(slurm) as wire, forging(slurm), without_key(slurm):
        refused = logged(slurm, "Failed publickey")
        done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, "ssh-keygen" in done.stderr) == (5, False), done
        assert f"lnode: unity (127.0.0.1 port {wire.port}) refused the login" in done.stderr
        done = in_a_pipe(slurm, "unity", "--ls")
        assert (done.returncode, done.stderr.splitlines()[0]) == (5, "lnode: unity needs you to sign in")
        assert (noted(slurm, "Failed publickey", refused + 1), wire.dials) == (refused + 1, 1)
