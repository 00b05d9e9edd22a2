"""Sign-ins of which the method's name says nothing: the logins and the failures that they cost, in sshd's own log."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults import attached, leave, returned, settle, shell_of, wired
from full import slow
from rig import Rig, configured, wait_until, with_settings
from sites import PASSWORD, SIGN_IN, as_delivered, logins, wait_for_s, with_nothing, with_password
from window import Window

PASSPHRASE = "correct horse"
# An ssh that logs as older ones do, or as one that signs in in another way. `-E` comes first.
_SAYS = """\
#!/bin/sh
for word; do case $word in -G | -O | -V) exec {ssh} -F {config} "$@" ;; esac; done
if [ "$1" != -E ]; then exec {ssh} -F {config} "$@"; fi
log=$2 pipe={folder}/log$$
shift 2
mkfifo "$pipe"
sed -u {words} <"$pipe" >>"$log" 2>/dev/null &
exec {ssh} -F {config} -E "$pipe" "$@"
"""


@contextmanager
def saying(rig: Rig, words: str) -> Iterator[None]:
    """The laptop's ssh, whose log goes through that sed script."""
    wrapper = rig.folder / "bin" / "ssh"
    before = wrapper.read_text()
    real = shutil.which("ssh")
    assert real
    wrapper.write_text(
        _SAYS.format(ssh=real, config=shlex.quote(str(rig.ssh_config)), words=shlex.quote(words), folder=rig.folder)
    )
    try:
        yield
    finally:
        wrapper.write_text(before)


OLD = r's/^\(Authenticated to .*\) using ".*"\./\1./; /^debug1: /d; /partial success/d'


@contextmanager
def with_passphrase(rig: Rig) -> Iterator[None]:
    key = rig.folder / "id_ed25519"
    change = ["ssh-keygen", "-q", "-p", "-f", str(key)]
    subprocess.run([*change, "-P", "", "-N", PASSPHRASE], check=True)
    try:
        yield
    finally:
        subprocess.run([*change, "-P", PASSPHRASE, "-N", ""], check=True)


def answer(window: Window, prompt: str, secret: str) -> None:
    """Type as a person does, who takes a moment."""
    window.wait_again(prompt)
    wait_for_s(0.5)
    window.press(f"{secret}\r")


def test_a_key_with_a_passphrase_and_no_agent_costs_no_failed_login(slurm: Rig) -> None:
    with as_delivered(slurm), with_passphrase(slurm), wired(slurm) as wire, attached(slurm, "locked") as window:
        accepted, failed = logins(slurm)
        answer(window, "Enter passphrase for key", PASSPHRASE)
        shell = shell_of(window)
        settle(slurm, wire, connections=1)
        for drop in range(2):
            wire.reset()
            window.wait_for(SIGN_IN)
            wait_for_s(4)
            assert logins(slurm) == (accepted + 1 + drop, failed)
            window.press("r")
            answer(window, "Enter passphrase for key", PASSPHRASE)
            returned(slurm, wire, window, shell, connections=1)
        leave(slurm, wire, window, connections=1)
        assert logins(slurm) == (accepted + 3, failed)


@contextmanager
def asking_agent(rig: Rig) -> Iterator[Path]:
    """An agent that asks before each use of its key (ssh-add -c), and a person who takes two seconds to say yes."""
    asked, socket, askpass = (rig.folder / name for name in ("asked", "asking-agent", "asks"))
    askpass.write_text(f"#!/bin/sh\necho once >>{asked}\nsleep 2\n")
    askpass.chmod(0o755)
    asked.touch()
    env = rig.env(SSH_AUTH_SOCK=str(socket), SSH_ASKPASS=str(askpass), SSH_ASKPASS_REQUIRE="force", DISPLAY="none")
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], env=env, stdout=subprocess.DEVNULL) as agent:
        try:
            wait_until(socket.exists, "the agent listens")
            subprocess.run(["ssh-add", "-q", "-c", str(rig.folder / "id_ed25519")], env=env, check=True)
            with configured(rig, f"Host unity\n    IdentityAgent {socket}\n"):
                yield asked
        finally:
            agent.terminate()
            agent.wait()
            socket.unlink(missing_ok=True)


def test_an_agent_that_asks_is_asked_once_where_no_connection_is_shared(slurm: Rig) -> None:
    with with_settings(slurm, '[hosts.unity]\nkeep_warm = "no"\n'), wired(slurm), asking_agent(slurm) as asked:
        for attach in range(1, 3):
            with attached(slurm, "asked") as window:
                shell_of(window)
                wait_for_s(8)
                assert asked.read_text().split() == ["once"] * attach
                window.leave()


@pytest.mark.parametrize("way", ["none", slow("gssapi-with-mic")])
def test_a_login_that_only_ssh_can_do_has_a_heartbeat_at_each_attach(slurm: Rig, way: str) -> None:
    """Nobody is asked, and no link can log in: it rides on the connection of the terminal."""
    said = f's/using "none"/using "{way}"/'
    with as_delivered(slurm), with_nothing(slurm), saying(slurm, said), wired(slurm) as wire:
        accepted, failed = logins(slurm)
        for _ in range(2):
            with attached(slurm, "alone") as window:
                shell = shell_of(window)
                settle(slurm, wire, connections=1)
                leave(slurm, wire, window, connections=1)
            wire.reset()  # the next attach has no connection to ride on
            wait_until(lambda: wire.carries == 0, "the master has ended")
        with attached(slurm, "alone") as window:
            settle(slurm, wire, connections=1)
            wire.cut()
            window.wait_for("lnode: unity silent for ")
            returned(slurm, wire, window, shell, connections=1)
            leave(slurm, wire, window, connections=1)
        assert logins(slurm) == (accepted + 4, failed)


@pytest.mark.full
def test_a_password_is_asked_for_once_if_ssh_does_not_say_how_it_has_signed_in(slurm: Rig) -> None:
    with as_delivered(slurm), with_password(slurm), saying(slurm, OLD), wired(slurm) as wire:
        accepted, failed = logins(slurm)
        with attached(slurm, "old") as window:
            answer(window, "password:", PASSWORD)
            shell = shell_of(window)
            settle(slurm, wire, connections=1)
            for name in ("second", "third"):
                with attached(slurm, name) as other:
                    shell_of(other)
                    other.detach()
                    assert other.exit_status() == 0
            assert logins(slurm) == (accepted + 1, failed)
            wire.freeze()
            window.find(r"lnode: unity silent for (?:1[5-9]|[2-9]\d) s")
            wire.heal()
            returned(slurm, wire, window, shell, connections=1)
            wire.reset()
            window.wait_for(SIGN_IN)
            wait_for_s(4)
            assert logins(slurm) == (accepted + 1, failed)
            window.press("d")
            assert window.exit_status() == 4
    assert re.search("Accepted password", slurm.sshd_log())
