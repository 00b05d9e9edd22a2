"""Faults in which a login is refused, wanted from a person, paced, or lost before the session is there."""

import re
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults import QUIET_S, attached, clients, leave, returned, seen, settle, shell_of, wired
from full import slow
from rig import Rig, configured, wait_until
from sites import (
    SIGN_IN,
    attempts,
    logged,
    sharing,
    sign_in,
    sshd_with,
    terminal,
    turned_away,
    wait_for_s,
    with_password,
    without_key,
)  # fmt: skip
from window import LNODE, Window
from wire import Wire


def test_a_key_that_is_refused_after_it_worked(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "refused") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        with without_key(slurm):
            failed = logged(slurm, "Failed publickey")
            wire.reset()
            window.wait_for(SIGN_IN)
            wait_for_s(8)
            assert logged(slurm, "Failed publickey") == failed + 1
            window.press("r")
            window.wait_again(f"{SIGN_IN}  ")
            wait_until(lambda: logged(slurm, "Failed publickey") == failed + 2, "sshd has noted the second one")
        window.press("r")
        returned(slurm, wire, window, shell)
        with without_key(slurm):
            wire.reset()
            window.wait_for(SIGN_IN)
            window.press("d")
            assert window.exit_status() == 4
            assert "lnode: lost the connection to unity, last seen " in window.text()
        wait_until(lambda: logged(slurm, "Failed publickey") == failed + 3, "sshd has noted the third one")


def test_a_sign_in_is_kept_through_silence(slurm: Rig) -> None:
    accepted, failed = logged(slurm, "Accepted "), attempts(slurm)
    with (
        with_password(slurm), wired(slurm) as wire, configured(slurm, sharing(slurm)),
        attached(slurm, "kept") as window,
    ):  # fmt: skip
        sign_in(window)
        shell = shell_of(window)
        ssh = terminal(window)
        settle(slurm, wire, connections=1)
        wire.freeze()
        window.wait_for("lnode: unity silent for ")
        window.press("touch leaked\rd\r\ntouch leaked\n\x04touch leaked\r")
        window.wait_for(f"lnode: unity silent for {QUIET_S} s", within_s=90)
        window.press("touch leaked\r")
        wire.heal()
        returned(slurm, wire, window, shell, connections=1)
        assert terminal(window) == ssh
        assert slurm.exec("ls ~alice")[1].find("leaked") < 0
        assert len(clients(slurm, "kept")) == 1
        assert (logged(slurm, "Accepted "), attempts(slurm)) == (accepted + 1, failed)
        leave(slurm, wire, window, connections=1)


def test_ctrl_c_leaves_a_sign_in_that_is_silent(slurm: Rig) -> None:
    with (
        with_password(slurm), wired(slurm) as wire, configured(slurm, sharing(slurm)),
        attached(slurm, "left") as window,
    ):  # fmt: skip
        sign_in(window)
        shell_of(window)
        settle(slurm, wire, connections=1)
        wire.freeze()
        window.wait_for("keys are not sent, Ctrl-C leaves")
        window.press("d\x03")
        assert window.exit_status() == 4
        assert "lnode: lost the connection to unity, last seen " in window.text()
    assert slurm.exec("tmux has-session -t left")[0] == 0


@pytest.mark.parametrize("shared", [True, slow(False)])
def test_a_lost_sign_in_waits_for_a_person(slurm: Rig, shared: bool) -> None:
    """Without a shared connection there is no link, and so no heartbeat."""
    accepted, failed = logged(slurm, "Accepted "), attempts(slurm)
    with (
        with_password(slurm), wired(slurm) as wire, configured(slurm, sharing(slurm) if shared else ""),
        attached(slurm, "lost") as window,
    ):  # fmt: skip
        sign_in(window)
        shell = shell_of(window)
        settle(slurm, wire, connections=1, hearts=int(shared))
        wire.reset()
        window.wait_for(SIGN_IN)
        wait_for_s(8)
        assert (logged(slurm, "Accepted "), attempts(slurm)) == (accepted + 1, failed)
        window.press("r")
        sign_in(window)
        returned(slurm, wire, window, shell, connections=1, hearts=int(shared))
        assert len(clients(slurm, "lost")) == 1
        assert (logged(slurm, "Accepted "), attempts(slurm)) == (accepted + 2, failed)
        leave(slurm, wire, window, connections=1, hearts=int(shared))


def test_a_shared_connection_that_was_reset(slurm: Rig) -> None:
    """ssh waits for the link that rides on it; after a reconnect too lnode sees that the session is over."""
    with (
        wired(slurm) as wire,
        configured(slurm, sharing(slurm)),
        attached(slurm, "reset") as window,
    ):
        shell = shell_of(window)
        settle(slurm, wire, connections=1)
        wire.reset()
        returned(slurm, wire, window, shell, connections=1)
        leave(slurm, wire, window, connections=1)


def test_a_host_key_that_changes_while_away(slurm: Rig, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    (tmp_path / "known").write_text(f"lnode-rig {(tmp_path / 'other.pub').read_text()}")
    with wired(slurm) as wire, attached(slurm, "changed") as window:
        shell_of(window)
        settle(slurm, wire)
        accepted = logged(slurm, "Accepted ")
        with configured(slurm, f"Host *\n    UserKnownHostsFile {tmp_path / 'known'}\n"):
            wire.reset()
            assert window.exit_status() == 6
        assert "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!" in window.text()
        place = f"unity (127.0.0.1 port {wire.port})"
        assert f"lnode: the host key of {place} is not the known one, so nothing was sent" in window.text()
        assert logged(slurm, "Accepted ") == accepted


def test_a_host_that_closes_connections_before_the_login(slurm: Rig) -> None:
    """The notice counts down from 15 s and more, so at 5 s it has been quiet for 10."""
    with wired(slurm) as wire, attached(slurm, "paced") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        with sshd_with(slurm, "MaxStartups 1"):
            with socket.create_connection(("127.0.0.1", slurm.port)) as held:
                assert held.recv(4) == b"SSH-"
                dropped = turned_away(slurm)
                wire.reset()
                window.find(r"lnode: unity closes connections before the login, again in \d+ s")
                assert turned_away(slurm) == dropped + 1
            window.press("r")
            returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


@pytest.mark.parametrize("jumped", [slow(False), True])
def test_a_host_that_refuses_connections(slurm: Rig, jumped: bool) -> None:
    """The first hop counts: a target behind a jump host that is down may well be up."""
    with (behind_gate if jumped else wired)(slurm) as wire, attached(slurm, "refusing") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        came = logged(slurm, "Connection from")
        wire.refuse()
        wire.reset()
        window.find(r"lnode: unity refuses connections, none for ([3-9]|\d\d) s")
        assert logged(slurm, "Connection from") == came
        wire.heal()
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)
        wait_until(lambda: not jumps(slurm), "no jump process is left")


@pytest.mark.full
def test_a_silence_behind_a_jump_host(slurm: Rig) -> None:
    with behind_gate(slurm) as wire, attached(slurm, "behind") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        wire.freeze()
        window.wait_for("lnode: unity silent for ")
        wire.heal()
        returned(slurm, wire, window, shell)
        ssh = terminal(window)
        wire.cut()
        window.wait_for("lnode: unity silent for ")
        wait_until(lambda: terminal(window) != ssh, "the terminal is replaced")
        returned(slurm, wire, window, shell)
        assert len(clients(slurm, "behind")) == 1
        leave(slurm, wire, window)
        wait_until(lambda: not jumps(slurm), "no jump process is left")


@contextmanager
def behind_gate(rig: Rig) -> Iterator[Wire]:
    """A wire to a jump host, which is the login node itself by its port; from there it is port 22."""
    with wired(rig) as wire:
        gate = f"Host gate\n    User alice\n    Port {wire.port}\n"
        with configured(rig, f"{gate}Host unity\n    ProxyJump gate\n    Port 22\n"):
            yield wire


def jumps(rig: Rig) -> list[str]:
    """The laptop's `ssh -W` processes."""
    rows = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [row for row in rows.splitlines() if str(rig.ssh_config) in row and " -W " in row]


MOMENTS: dict[str, Callable[[Rig], int]] = {
    "dial": lambda rig: logged(rig, "Connection from"),
    "login": lambda rig: logged(rig, "Accepted publickey"),
    "creation": lambda rig: int(rig.exec("test -e /tmp/creating")[0] == 0),
    "session": lambda rig: int(rig.exec("tmux has-session -t slow")[0] == 0),
}
NOT_YET = {
    4: "closed the connection before the login",
    7: "lnode: the connection to unity was lost before slow was seen there, and now it is not there",
}
GATE = """\
#!/bin/sh
case $* in *new-session*)
  touch /tmp/creating
  until [ -e /tmp/go ]; do sleep 0.1; done ;;
esac
exec tmux "$@"
"""


@contextmanager
def gated(rig: Rig, moment: str) -> Iterator[None]:
    """A host where tmux waits before a creation, which would else be over before a busy machine sees the moment."""
    config = rig.home / ".config" / "lnode" / "config.toml"
    before = config.read_text()
    config.write_text('[hosts.unity]\nkeep_warm = "no"\ntmux = "/tmp/gate"\n')
    rig.exec(f"printf %s {shlex.quote(GATE)} >/tmp/gate; chmod +x /tmp/gate")
    if moment == "session":
        rig.exec("touch /tmp/go")
    try:
        yield
    finally:
        config.write_text(before)
        rig.exec("rm -f /tmp/gate /tmp/go /tmp/creating")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("silence", [True, slow(False)])
def test_a_link_lost_during_creation(slurm: Rig, moment: str, silence: bool) -> None:
    """One session and one job at most, whatever was lost when; on the way back none; and what lnode says is true."""
    reached = MOMENTS[moment]
    jobs, before = next_job(slurm), reached(slurm)
    with (
        gated(slurm, moment), wired(slurm, delay_s=0.05) as wire,
        Window([*LNODE, "unity", "slow"], slurm.env()) as window,
    ):  # fmt: skip
        wait_until(lambda: reached(slurm) > before, "it is the moment")
        if silence:
            wire.freeze()
            wait_for_s(4)
            wire.heal()
        else:
            wire.reset()
            wait_until(lambda: slurm.exec("pgrep -f '^/bin/sh /tmp/gate .*new-session'")[0] != 0, "it is lost")
        if silence:
            slurm.exec("touch /tmp/go")
        wait_until(lambda: len(clients(slurm, "slow")) == 1 or not window.process.isalive(), "there, or over")
        if silence or moment == "session":
            window.wait_for("alice@login1:~$")
            settle(slurm, wire)
            shell_of(window)
            assert next_job(slurm) == jobs + 1
            assert slurm.exec("tmux list-sessions -F '#{session_id} #{session_name}'")[1] == "$0 slow\n"
            leave(slurm, wire, window)
        else:
            code = window.exit_status()
            assert code in {"dial": (4, 7), "login": (4, 7), "creation": (7,)}[moment]
            assert NOT_YET[code] in window.text().replace("\n", "")
            assert slurm.exec("tmux list-sessions")[0] != 0
            assert next_job(slurm) == jobs


def next_job(rig: Rig) -> int:
    """The number of the next job: how many there have been, however short."""
    said = re.search(r"NEXT_JOB_ID\s*=\s*(\d+)", rig.exec("scontrol show config")[1])
    assert said
    return int(said[1])


def test_wait_keeps_trying_for_a_first_time(slurm: Rig) -> None:
    with wired(slurm) as wire:
        wire.refuse()
        with attached(slurm, "patient", "--wait") as window:
            window.find(r"lnode: unity refuses connections, none for ([3-9]|\d\d) s")
            wire.heal()
            shell_of(window)
            assert slurm.exec("tmux list-sessions -F '#{session_id} #{session_name}'")[1] == "$0 patient\n"
            leave(slurm, wire, window)


def test_without_wait_the_first_failure_is_final(slurm: Rig) -> None:
    with wired(slurm) as wire:
        wire.refuse()
        with attached(slurm, "final") as window:
            assert window.exit_status() == 4
            assert f"lnode: unity (127.0.0.1 port {wire.port}) refuses connections" in window.text()
    assert slurm.exec("tmux has-session -t final")[0] != 0


def test_wait_does_not_repeat_a_refused_login(slurm: Rig) -> None:
    with wired(slurm) as wire, without_key(slurm), attached(slurm, "refused", "--wait") as window:
        assert window.exit_status() == 5
        assert f"lnode: unity (127.0.0.1 port {wire.port}) refused the login" in window.text()
        assert wire.dials == 1


def test_the_history_tells_the_story(slurm: Rig) -> None:
    (slurm.home / ".local" / "state" / "lnode" / "history.jsonl").unlink(missing_ok=True)
    with wired(slurm) as wire, attached(slurm, "story", "-v") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        seen(slurm, "story")
        wire.reset()
        returned(slurm, wire, window, shell)
        wire.cut()
        window.wait_for("lnode: unity silent for ")
        returned(slurm, wire, window, shell)
        wire.refuse()
        wire.reset()
        window.wait_for("lnode: unity refuses connections")
        wire.heal()
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)
        shown = window.text()
    done = subprocess.run(
        [*LNODE, "unity", "story", "--history"], env=slurm.env(), capture_output=True, text=True, check=True
    )
    _, *rows = (re.split(" {2,}", row) for row in done.stdout.splitlines())
    assert {session for _, session, _ in rows} == {"story"}
    story = [what for _, _, what in rows]
    assert [re.sub(r"\d+", "N", what) for what in story] == STORY
    told = re.findall(r"^lnode: \d\d:\d\d:\d\d (.+)$", shown, re.MULTILINE)
    assert [what for what in told if what in story] == story


STORY = [
    "connected",
    "the session is on loginN",
    "lost the connection, reconnecting",
    "reconnected after N s",
    "silent for N s",
    "lost the connection, reconnecting",
    "reconnected after N s",
    "lost the connection, reconnecting",
    "connection refused, waiting",
    "connection refused, reconnecting",
    "reconnected after N s",
    "left",
]
