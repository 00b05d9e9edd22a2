"""What sites ask of a login, a key, a password, a one-time code; and what their sshd says of each try."""

import hmac
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faults import children
from forwarded import free_port
from rig import Rig, configured, wait_until
from window import LNODE, Window

SIGN_IN = "lnode: unity needs you to sign in; r sign in, d leave"
PASSWORD = f"correct horse {os.getpid()}"  # of these tests alone: some look through /proc, where others run too
_RELOAD = "kill -HUP $(cat /run/sshd.pid)"


def logged(rig: Rig, words: str) -> int:
    """How often sshd has said so."""
    return rig.sshd_log().count(words)


def attempts(rig: Rig) -> int:
    """Logins that came to nothing; those that said no name, like knocks, do not count."""
    return logged(rig, "Failed ") + logged(rig, " authenticating user ")


def logins(rig: Rig) -> tuple[int, int]:
    """Those that let somebody in, and those that came to nothing. One that is under way is in neither yet."""
    return len(re.findall(r"^Accepted \S+ for ", rig.sshd_log(), re.MULTILINE)), attempts(rig)


def skip_unless_traceable(rig: Rig) -> None:
    """On many desktops, whose kernel a container shares, a process may trace only what it has started."""
    if rig.exec("cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null")[1].strip() not in ("", "0"):
        pytest.skip("this kernel lets no process take hold of another one (ptrace_scope)")


# What Remote-SSH does: a SOCKS port, no terminal, a shell that reads what it is to do.
_EDITOR = """\
#!/bin/sh
printf '%s\\n' "$@" >"$HOME/argv"
echo 'echo $0 on $(uname -n); squeue -h -s --me -o "%i %j"' |
  ssh -T -D {port} -o ConnectTimeout=15 "${{2#ssh-remote+}}" sh >"$HOME/said" 2>&1
"""


@contextmanager
def with_editor(rig: Rig) -> Iterator[None]:
    """`code` on the laptop's PATH, which keeps its arguments and what it was told there, and a ~/.ssh/config."""
    editor, config = rig.folder / "bin" / "code", rig.home / ".ssh" / "config"
    editor.write_text(_EDITOR.format(port=free_port()))
    editor.chmod(0o755)
    config.parent.mkdir(mode=0o700, exist_ok=True)
    config.write_text("Host other\n    User bob\n")
    with configured(rig, f"Include {config}\n"):
        yield
    for path in (editor, *config.parent.iterdir(), rig.home / "argv", rig.home / "said"):
        path.unlink(missing_ok=True)


def wait_for_s(seconds: float) -> None:
    """For what must not happen."""
    over = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > over, "the time is over", within_s=2 * seconds)


@contextmanager
def sshd_with(rig: Rig, lines: str) -> Iterator[None]:
    """An sshd that reads more lines, a Match or what counts when it is said last."""
    before = rig.exec("cat /etc/ssh/sshd_config")[1]
    _reconfigure(rig, f"{before}{lines}\n")
    try:
        yield
    finally:
        _reconfigure(rig, before)


def _reconfigure(rig: Rig, config: str) -> None:
    listening = logged(rig, "Server listening")
    status, said = rig.exec(f"printf %s {shlex.quote(config)} >/etc/ssh/sshd_config; sshd -t && {_RELOAD}", "root")
    assert status == 0, said
    wait_until(lambda: logged(rig, "Server listening") > listening, "sshd has reloaded")


@contextmanager
def without_key(rig: Rig) -> Iterator[None]:
    """An sshd that knows no key."""
    key = rig.exec("cat /etc/ssh/authorized_keys")[1]
    rig.exec(": >/etc/ssh/authorized_keys", "root")
    try:
        yield
    finally:
        rig.exec(f"printf %s {shlex.quote(key)} >/etc/ssh/authorized_keys", "root")


@contextmanager
def with_password(rig: Rig) -> Iterator[None]:
    """An sshd that wants a password from alice, and takes nothing else."""
    status, said = rig.exec(f"echo 'alice:{PASSWORD}' | chpasswd", "root")
    assert status == 0, said
    wanted = "Match User alice\n    AuthenticationMethods password\n    PasswordAuthentication yes"
    try:
        with sshd_with(rig, wanted):
            yield
    finally:
        rig.exec("usermod --password '*' alice", "root")


class Codes:
    """Whoever holds alice's token: each code is good once (RFC 4226)."""

    PROMPT = "One-time password (OATH) for `alice':"

    def __init__(self) -> None:
        self.secret = os.urandom(20)
        self._counter = 0

    def sign_in(self, window: Window) -> None:
        """Answer ssh's next question; an earlier one may still be on the screen."""
        window.wait_again(self.PROMPT)
        window.press(f"{self.next()}\r")

    def next(self) -> str:
        """The token's button, pressed."""
        mac = hmac.digest(self.secret, self._counter.to_bytes(8), "sha1")
        self._counter += 1
        at = mac[-1] & 15
        return f"{(int.from_bytes(mac[at : at + 4]) & 0x7FFFFFFF) % 10**6:06}"


@contextmanager
def with_codes(rig: Rig, lines: str = "") -> Iterator[Codes]:
    """Image slurm: an sshd that wants alice's key and a one-time code; `lines` as sshd_with() takes them."""
    codes = Codes()
    user = f"HOTP alice - {codes.secret.hex()}"
    status, said = rig.exec(f"umask 077; echo {shlex.quote(user)} >/etc/users.oath", "root")
    assert status == 0, said
    wanted = "Match User alice\n    AuthenticationMethods publickey,keyboard-interactive"
    try:
        with sshd_with(rig, f"UsePAM yes\n{lines}\n{wanted}"):
            yield codes
    finally:
        rig.exec("rm -f /etc/users.oath*", "root")


def sharing(rig: Rig) -> str:
    """The laptop's ssh configuration where the link rides on the terminal, and ends with it."""
    return f"Host unity\n    ControlMaster auto\n    ControlPath {rig.folder}/%C\n"


def sign_in(window: Window) -> None:
    window.wait_for("password:")
    window.press(f"{PASSWORD}\r")


def terminal(window: Window) -> list[int]:
    """The pid of `ssh -t`, if there is one."""
    return [pid for pid, argv in children(window).items() if " -t " in argv]


@contextmanager
def as_delivered(rig: Rig) -> Iterator[None]:
    """A laptop without a config.toml, where lnode shares what takes a person."""
    settings = rig.home / ".config" / "lnode" / "config.toml"
    before = settings.read_text()
    settings.unlink()
    try:
        yield
    finally:
        settings.write_text(before)


def in_a_pipe(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    """lnode where nobody is."""
    return subprocess.run(
        [*LNODE, *words],
        env=rig.env(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
