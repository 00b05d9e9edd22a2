"""A home on a cluster for the tests of the remote scripts, and the lines and terminals with which they attach there."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pexpect
import pytest

import lnode
from lnode.cluster import sessions, tmux_answers
from lnode.remote import call as remote_call
from lnode.remote.reply import Reply, parse_reply
from rig import wait_until

SHELLS = ("bash", "zsh", "dash", "fish", "bsd-csh", "tcsh")
CSH = ("bsd-csh", "tcsh")
LIMIT_S = 60
TMUX = shutil.which("tmux")
needs_tmux = pytest.mark.skipif(TMUX is None, reason="no tmux here")
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="no /proc here, as on Linux")
no_slurm = pytest.mark.skipif(shutil.which("squeue") is not None, reason="Slurm is installed here")


@cache
def functions() -> frozenset[str]:
    """The functions of all scripts and parts."""
    texts = (path.read_text() for path in Path(lnode.__file__).parent.rglob("*.sh"))
    return frozenset(name for text in texts for name in re.findall(r"(?m)^([a-z_]+)\(\)", text))


@dataclass(frozen=True)
class Site:
    """A home on a cluster: its own PATH folder, tmux socket folder and login shell; nothing of this machine's user."""

    home: Path
    shell: str
    ttys: "list[pexpect.spawn[str]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "bin").mkdir()
        (self.home / "hidden").mkdir()
        self.program("squeue", 'cat "$HOME/jobs" 2>/dev/null || :')

    def program(self, name: str, script: str, folder: str = "bin") -> Path:
        path = self.home / folder / name
        draft = path.with_name(f"{name}.new")  # the present one may run just now: execve(2), ETXTBSY
        draft.write_text(f"#!/bin/sh\n{script}\n")
        draft.chmod(0o755)
        return draft.replace(path)

    @property
    def env(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "SHELL": self.shell,
            "TERM": "xterm-ghostty",
            "LANG": "C.UTF-8",
            "TMUX_TMPDIR": str(self.home),
            "BASH_ENV": str(self.home / "noise.sh"),
            "TMUX": "/nowhere/default,1,0",
            "TMUX_PANE": "%7",
        }

    def answer(self, line: str, tell: str = "") -> subprocess.CompletedProcess[str]:
        """What sshd does with a command: hand it to the login shell, without a tty."""
        done = subprocess.run(
            [self.shell, "-c", line],
            env=self.env, cwd=self.home, input=tell, capture_output=True, timeout=LIMIT_S, check=False,
            encoding="utf-8", errors="backslashreplace",
        )  # fmt: skip
        unknown = {*re.findall(r"([a-z]+_[a-z_]+): (?:command )?not found", done.stderr)} & functions()
        assert not unknown, f"a part is missing: {unknown}"
        return done

    def reply(self, script: str, *values: str, tmux_path: str = "", tell: str = "") -> Reply:
        nonce = remote_call.nonce()
        done = self.answer(remote_call.question(script, nonce, *tmux_answers.list_values(tmux_path), *values), tell)
        return parse_reply(nonce, done.stdout.split("\n"))

    def picture(self, tmux_path: str = "") -> sessions.Picture:
        return sessions.picture_of(self.reply("list", tmux_path=tmux_path))

    def tmux(self, *args: str) -> str:
        """tmux by hand, past lnode."""
        env = {name: value for name, value in self.env.items() if not name.startswith("TMUX") or name == "TMUX_TMPDIR"}
        done = subprocess.run(
            ["tmux", "-u", *args], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return done.stdout.strip()

    def attach(self, line: str, **env: str) -> "pexpect.spawn[str]":
        """The attach line on a tty of its own."""
        child = pexpect.spawn(
            self.shell, ["-c", line], env=self.env | env, cwd=str(self.home), timeout=LIMIT_S, encoding="utf-8",
            dimensions=(30, 100),
        )  # fmt: skip
        self.ttys.append(child)
        return child

    def by_hand(self, *args: str) -> "pexpect.spawn[str]":
        """tmux by hand on a tty of its own."""
        return self.attach(f"exec env -u TMUX -u TMUX_PANE {shlex.join(['tmux', '-u', *args])}", TERM="xterm")

    def mark(self, run: str, value: str = "") -> list[str]:
        """The mark of a run on session x, after writing it where a value is given: tty, pid, epoch."""
        if value:
            self.tmux("set-option", "-t", "x:", f"@lnode_run_{run}", value)
        return self.tmux("show-options", "-qv", "-t", "x:", f"@lnode_run_{run}").split()

    def clients(self) -> set[str]:
        """The ttys of all clients."""
        return set(self.tmux("list-clients", "-F", "#{client_tty}").split())

    def refreshed(self, run: str, tmux_path: str = "") -> bool:
        nonce = remote_call.nonce()
        reply = parse_reply(
            nonce, self.answer(remote_call.line("client", nonce, run, "refresh", tmux_path, "0")).stdout.split("\n")
        )
        assert "end" in reply
        return "here" in reply

    def later(self) -> None:
        """A minute passes for scripts, but not for tmux."""
        real = shutil.which("date")
        self.program("date", f'case $1 in +%s) echo $(($({real} +%s) + 60)) ;; *) exec {real} "$@" ;; esac')

    def end(self) -> None:
        # terminals first: a tmux server waits for a client whose terminal nobody reads
        for child in self.ttys:
            child.close(force=True)
        if TMUX:
            self.tmux("kill-server")


def _site(shell: str, folder: Path) -> Iterator[Site]:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    made = Site(folder, program)
    for name in ("noise.sh", ".zshenv", ".cshrc", ".config/fish/config.fish"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("echo 'Welcome! *** maintenance on Monday ***'\n")
    yield made
    made.end()


LOGIN_FILES = {
    "bash": ".bash_profile", "zsh": ".zprofile", "dash": ".profile", "fish": ".config/fish/config.fish",
    "bsd-csh": ".login", "tcsh": ".login",
}  # fmt: skip


def write_login_file(site: Site, posix: str, fish: str, csh: str) -> None:
    shell = Path(site.shell).name
    text = fish if shell == "fish" else csh if shell in CSH else posix
    (site.home / LOGIN_FILES[shell]).write_text(f"echo Welcome to the login node\n{text}\n")


def blank(script: str) -> list[str]:
    return [""] * len(remote_call.value_names(script))


def pane_pid(site: Site, name: str) -> int:
    return int(site.tmux("list-panes", "-t", f"={name}:", "-F", "#{pane_pid}"))


HERE, ELSEWHERE = ("a" * 16, "my-laptop"), ("b" * 16, "desk.example.org")
RUN = "0123456789abcdef"
PANE = "echo in the pane; exec cat"  # a session that says when it is there, and ends with Ctrl-D
DETACH, END_OF_FILE = "\x02d", "\x04"


def attach_line(
    name: str,
    *,
    mode: str = "create",
    others: str = "keep",
    command: str = "",
    program: str = "",
    run: str = "",
    laptop: tuple[str, str] = HERE,
    tmux_path: str = "",
    cwd: str = "",
) -> str:
    kind = "node" if command else "login"
    run = run or remote_call.run_id()
    mine = (run, *laptop, "0", "", tmux_path)
    return remote_call.line("session", name, mode, others, kind, command, program, *mine, "draw", cwd)


def again_line(**values: str) -> str:
    return remote_call.line(
        "session", "x", "again", "keep", "node", "echo never", "", RUN, *HERE,
        values.get("away_s", "0"), values.get("node", ""), values.get("tmux_path", ""), "draw", "",
    )  # fmt: skip


def status_of(child: "pexpect.spawn[str]", keys: str = "") -> int:
    """The exit code, after pressing the keys: again once a second, for tmux may lose what comes while it draws."""
    # Not until the end of the file: a tmux server that csh started holds csh's own copies of the tty open.
    begin, presses = time.monotonic(), 0
    while child.isalive():
        waited_s = time.monotonic() - begin
        assert waited_s < LIMIT_S, "the attach line does not end"
        if waited_s >= presses:
            child.send(keys)
            presses += 1
        with suppress(pexpect.TIMEOUT, pexpect.EOF):
            child.read_nonblocking(4096, timeout=0.05)
    child.close()
    assert child.exitstatus is not None
    return int(child.exitstatus)


def detach(child: "pexpect.spawn[str]") -> int:
    child.expect_exact("in the pane")
    return status_of(child, DETACH)


def attached(site: Site, line: str) -> "pexpect.spawn[str]":
    child = site.attach(line)
    child.expect_exact("in the pane")
    return child


def by_hand(site: Site, *flags: str) -> "pexpect.spawn[str]":
    child = site.by_hand("attach-session", *flags, "-t", "x")
    child.expect_exact("in the pane")
    return child


def no_process() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


def cut_off(site: Site, child: "pexpect.spawn[str]") -> None:
    """sshd has found out that the laptop is gone: the tty hangs up under the client."""
    child.close(force=True)
    wait_until(lambda: not site.clients(), "the client has ended")


OLD_TMUX = f"""\
for word; do
  shift
  case $word in
  =*) echo "session not found: $word" >&2; exit 1 ;;
  *'#{{@'*) word=${{word%%'#{{@'*}} ;;
  *' #{{client_pid}}') word="${{word%#*}}" ;;
  esac
  set -- "$@" "$word"
done
exec {TMUX} "$@"
"""
