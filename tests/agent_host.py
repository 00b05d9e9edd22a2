"""A tmux server of its own with programs that draw what agents draw, and lnode's scripts as sshd would run them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import agents_draw
from lnode.cluster import sessions, tmux_answers
from lnode.cluster.agents import Agent
from lnode.cluster.sessions import Picture
from lnode.locate.known_agents import signs, with_agents
from lnode.remote import call
from lnode.remote.reply import Reply, parse_reply
from rig import wait_until

LIMIT_S = 60
COLUMNS, ROWS = 100, 30


class Host:
    """A tmux server of its own, and the scripts as sshd would run them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "bin").mkdir()
        self.env = {"HOME": str(home), "PATH": f"{home}/bin:/usr/bin:/bin", "SHELL": "/bin/sh", "TERM": "xterm",
                    "LANG": "C.UTF-8", "TMUX_TMPDIR": str(home), "PS1": "$ "}  # fmt: skip

    def tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", *args], env=self.env, cwd=self.home, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def start(self, name: str, *argv: str, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.tmux("new-session", "-d", "-s", name, "-x", str(columns), "-y", str(rows), *argv)

    def draw(self, scene: str, name: str = "") -> None:
        self.start(name or scene, *drawing(scene))

    def drawn(self, *names: str) -> None:
        """Wait until each session shows something."""
        for name in names:
            wait_until(partial(self._shows, name), name)

    def _shows(self, name: str) -> bool:
        return self.tmux("capture-pane", "-p", "-t", f"={name}:").strip() != ""

    def reply(self, *, among: Sequence[str] | None = None) -> Reply:
        nonce = call.nonce()
        values = tmux_answers.list_values("", signs() if among is None else among)
        done = subprocess.run(
            ["sh", "-c", call.question("list", nonce, *values)], env=self.env, capture_output=True, timeout=LIMIT_S,
            check=False, encoding="utf-8", errors="backslashreplace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
        found = parse_reply(nonce, done.stdout.split("\n"))
        assert "end" in found, done.stderr
        return found

    def run(self, script: str, *values: str, tell: str = "") -> Reply:
        """Run a script with one line on its standard input; a later section of a name replaces an earlier one."""
        nonce = call.nonce()
        done = subprocess.run(
            ["sh", "-c", call.question(script, nonce, "", *values)], env=self.env, input=f"{tell}\n",
            capture_output=True, timeout=LIMIT_S, check=False, encoding="utf-8", errors="backslashreplace",
        )  # fmt: skip
        found = parse_reply(nonce, done.stdout.split("\n"))
        assert "end" in found, done.stderr
        return found

    def picture(self) -> Picture:
        return with_agents(sessions.picture_of(self.reply()))

    def agents(self) -> dict[str, Agent | None]:
        return {entry.session.name: entry.agent for entry in self.picture().entries}


def drawing(scene: str) -> list[str]:
    return [sys.executable, agents_draw.__file__, scene]


@contextmanager
def started() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="lnode-") as name:  # not tmp_path: a socket's name is short
        made = Host(Path(name).resolve())
        try:
            yield made
        finally:
            subprocess.run(["tmux", "kill-server"], env=made.env, capture_output=True, check=False)
