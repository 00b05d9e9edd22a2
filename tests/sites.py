"""What sites ask of a login, a key, a password, a one-time code; and what their sshd says of each try."""

import hmac
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import pytest

from faults import children
from forwarded import free_port
from rig import Rig, configured, wait_until
from window import LNODE, Window

SIGN_IN = "lnode: unity needs you to sign in; r sign in, d leave"
PASSWORD = f"correct horse {os.getpid()}"  # of these tests alone: some look through /proc, where others run too
LISTENING = "Server listening on 0.0.0.0"  # once for each start of sshd; the line for IPv6 comes later
SSHD = "(sshd|sshd-session)"  # pgrep(1): the process of a connection, which is a program of its own since OpenSSH 9.8
_RELOAD = "kill -HUP $(cat /run/sshd.pid)"


def lnode(rig: Rig, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `lnode unity WORDS` as a script does: without a terminal, so lnode can ask nothing."""
    return subprocess.run(
        [*LNODE, "unity", *words], env=rig.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def logged(rig: Rig, words: str) -> int:
    """How often sshd has said so."""
    return rig.sshd_log().count(words)


def noted(rig: Rig, words: str, count: int) -> int:
    """The same, once it has said so that often: sshd writes a line when it has answered already."""
    wait_until(lambda: logged(rig, words) >= count, f"sshd has noted: {words}")
    return logged(rig, words)


def turned_away(rig: Rig) -> int:
    """Connections that found no place at sshd: `past MaxStartups` in its log, or `Maxstartups` since OpenSSH 9.8."""
    return len(re.findall(r"^drop connection #.* maxstartups", rig.sshd_log(), re.MULTILINE | re.IGNORECASE))


def attempts(rig: Rig) -> int:
    """Logins that came to nothing; those that said no name, like knocks, do not count."""
    return logged(rig, "Failed ") + logged(rig, " authenticating user ")


def logins(rig: Rig) -> tuple[int, int]:
    """Those that let somebody in, and those that came to nothing. One that is under way is in neither yet."""
    return len(re.findall(r"^Accepted \S+ for ", rig.sshd_log(), re.MULTILINE)), attempts(rig)


PAUSE_S = 14  # between two logins: 15, and what a slow machine takes to write a line of the log


def terminals_of(rig: Rig, user: str) -> list[float]:
    """When sshd let the user's terminals in, by the container's clock, in seconds."""
    accepted, links = _accepted(rig, user), _links_of(rig, user)
    return [at for at, port in accepted if port not in links]


def links_of(rig: Rig, user: str) -> list[float]:
    """The same for the links: each login that asked for a command and for no terminal."""
    accepted, links = _accepted(rig, user), _links_of(rig, user)
    return [at for at, port in accepted if port in links]


def failed_of(rig: Rig, user: str) -> int:
    """The user's logins that came to nothing. sshd has up to two lines for each."""
    rows = rf"^(?:Failed \S+ for|.* (?:authenticating|invalid) user) {user} .*port (\d+)"
    found = re.findall(rows, rig.sshd_log(), re.MULTILINE)
    return len(set(found))


def _accepted(rig: Rig, user: str) -> list[tuple[float, str]]:
    log: bytes = rig.container.logs(timestamps=True)
    pattern = rf"^(\S{{19}})(\.\d{{1,6}})\S* Accepted \S+ for {user} from \S+ port (\d+)"
    rows = re.findall(pattern, log.decode(), re.MULTILINE)
    return [(datetime.fromisoformat(f"{second}+00:00").timestamp() + float(part), port) for second, part, port in rows]


def _links_of(rig: Rig, user: str) -> set[str]:
    started = rf"^Starting session: (?!.* on pts/).* for {user} from \S+ port (\d+)"
    return set(re.findall(started, rig.sshd_log(), re.MULTILINE))


@contextmanager
def held(rig: Rig, port: int) -> Iterator[None]:
    """Another program listens on that port of the host."""
    code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    rig.container.exec_run(["python3", "-c", code], user="alice", detach=True)
    wait_until(lambda: rig.exec(f"grep -q ':{port:04X} .* 0A ' /proc/net/tcp")[0] == 0, "the port is held")
    try:
        yield
    finally:
        rig.exec("pkill -f create_server")
        wait_until(lambda: rig.exec(f"grep -q ':{port:04X} .* 0A ' /proc/net/tcp")[0] != 0, "the port is free")


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
    """An sshd that reads more lines, which may end with a Match. What they set is said nowhere else.

    Of two lines the first counts, but of two MaxStartups the last, until OpenSSH 10.6.
    """
    before = rig.exec("cat /etc/ssh/sshd_config")[1]
    words = {line.partition(" ")[0] for line in lines.splitlines()}
    others = "".join(row for row in before.splitlines(keepends=True) if row.partition(" ")[0] not in words)
    _reconfigure(rig, f"{others}{lines}\n")
    try:
        yield
    finally:
        _reconfigure(rig, before)


def _reconfigure(rig: Rig, config: str) -> None:
    listening = logged(rig, LISTENING)
    status, said = rig.exec(f"printf %s {shlex.quote(config)} >/etc/ssh/sshd_config; sshd -t && {_RELOAD}", "root")
    assert status == 0, said
    wait_until(lambda: logged(rig, LISTENING) > listening, "sshd has reloaded")


@contextmanager
def with_pam(rig: Rig) -> Iterator[None]:
    """An sshd that asks PAM about each account, as those of most sites."""
    path, modules = "/etc/pam.d/sshd", "account required pam_nologin.so\naccount required pam_unix.so\n"
    before = rig.exec(f"cat {path}")[1]
    rig.exec(f"printf %s {shlex.quote(modules)} >{path}", "root")
    try:
        with sshd_with(rig, "UsePAM yes"):
            yield
    finally:
        rig.exec(f"printf %s {shlex.quote(before)} >{path}", "root")


@contextmanager
def without_key(rig: Rig) -> Iterator[None]:
    """An sshd that knows no key."""
    key = rig.exec("cat /etc/ssh/authorized_keys")[1]
    rig.exec(": >/etc/ssh/authorized_keys", "root")
    try:
        yield
    finally:
        rig.exec(f"printf %s {shlex.quote(key)} >/etc/ssh/authorized_keys", "root")


def with_password(rig: Rig) -> AbstractContextManager[None]:
    """An sshd that wants a password from alice, and takes nothing else."""
    return _with_only(rig, "password", f"echo 'alice:{PASSWORD}' | chpasswd")


def with_nothing(rig: Rig) -> AbstractContextManager[None]:
    """An sshd that lets alice in without a key or an answer (the method `none`)."""
    return _with_only(rig, "none", "passwd -d alice", "PermitEmptyPasswords yes\n")


@contextmanager
def _with_only(rig: Rig, method: str, prepare: str, lines: str = "") -> Iterator[None]:
    """An sshd that lets alice in by that method alone; `prepare` is root's command that sets her password."""
    status, said = rig.exec(prepare, "root")
    assert status == 0, said
    wanted = f"Match User alice\n    AuthenticationMethods {method}\n    PasswordAuthentication yes"
    try:
        with sshd_with(rig, f"{lines}{wanted}"):
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


def listing(rig: Rig, alias: str = "unity") -> dict[str, dict[str, Any]]:
    """`--ls --json`: session name -> its entry."""
    done = in_a_pipe(rig, alias, "--ls", "--json")
    assert done.returncode == 0, done.stderr
    return {entry["name"]: entry for entry in json.loads(done.stdout)["sessions"]}


def state(rig: Rig, session: str) -> str:
    """What `--ls` says of a session of alice's."""
    entry = listing(rig).get(session)
    return str(entry["state"]) if entry else "not there yet"
