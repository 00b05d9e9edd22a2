"""The user's terminal after lnode, however it ends and in whatever state: modes, screen, and what tmux had armed."""

import os
import re
import shlex
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faults import children_of, clients, settle, shell_of, wired
from full import FULL
from rig import Rig, wait_until
from sites import without_key
from window import LNODE, Window
from wire import Wire

# A shell's part: lnode runs, and runs again where it was killed. It goes on living, so that the pty does.
AGAIN = 'trap : INT; read -r go; "$@"; while s=$?; [ $s -eq 137 ]; do "$@"; done; echo "status=$s="; read -r end'
ARMED = {1, 1000, 1002, 1003, 1004, 1005, 1006, 1049, 2004}  # by tmux: DECSET
CURSOR = 25
OF_LNODE = b"\x1b7\x1b[?69l\x1b[r\x1b8"  # how lnode's own taking back begins
MOUSE, FOCUS = "\x1b[<0;10;5M\x1b[<0;10;5m\x1b[<64;3;4M", "\x1b[O\x1b[I"


class Laptop:
    """lnode as a shell has started it, in a window that lives on after it."""

    def __init__(self, rig: Rig, wire: Wire, window: Window, name: str) -> None:
        self.rig, self.wire, self.window, self.name = rig, wire, window, name
        self.before = self.modes()
        window.press("\n")

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.window.process.child_fd)

    def lnode(self) -> int:
        """Its pid, once it runs."""
        found: list[int] = []

        def runs() -> bool:
            found[:] = children_of(self.window.process.pid)
            return bool(found)

        wait_until(runs, "lnode runs")
        return found[0]

    def terminals(self) -> list[int]:
        """The pid of `ssh -t`, if there is one; before it, `ssh -G` runs."""
        return [pid for pid, argv in children_of(self.lnode()).items() if " -t " in argv]

    def status(self) -> int:
        """How it ended, once it has, with all that it must have left as it was."""
        said = self.window.wait_for("status=")
        status = re.search(r"status=(\d+)=", said)
        assert status, said
        assert self.modes() == self.before
        assert self.armed() & ARMED == set()
        assert CURSOR in self.armed()
        assert self.window.raw.rfind(b"\x1b=") <= self.window.raw.rfind(b"\x1b>")  # keypad
        assert [path.name for path in (self.rig.home / ".local/state/lnode").glob("tty*")] == []
        return int(status[1])

    def armed(self) -> set[int]:
        """The private modes that are set (DECSET)."""
        return {mode >> 5 for mode in self.window._screen.mode}

    def took_back(self) -> int:
        """How often lnode itself took back what tmux had armed."""
        return self.window.raw.count(OF_LNODE)


@contextmanager
def connecting(laptop: Laptop) -> Iterator[None]:
    wait_until(lambda: bool(laptop.terminals()), "ssh is on its way")
    yield
    laptop.wire.heal()


@contextmanager
def in_session(laptop: Laptop) -> Iterator[None]:
    shell_of(laptop.window)
    laptop.window.press("\x1bP>|XTerm(390)\x1b\\")  # the answer that tmux waits for before it wants focus events
    wait_until(lambda: laptop.window._read(0.1) and 1004 in laptop.armed(), "focus events are on")
    settle(laptop.rig, laptop.wire)
    yield


@contextmanager
def silent(laptop: Laptop) -> Iterator[None]:
    with in_session(laptop):
        laptop.wire.freeze()
        laptop.window.wait_for("unity silent for ")
        yield
        laptop.wire.heal()


@contextmanager
def refused(laptop: Laptop) -> Iterator[None]:
    with in_session(laptop):
        laptop.wire.refuse()
        laptop.wire.reset()
        laptop.window.wait_for("unity refuses connections")
        assert laptop.armed() & ARMED == {1049}  # the last screen stays
        yield
        laptop.wire.heal()


@contextmanager
def lost(laptop: Laptop) -> Iterator[None]:
    """The terminal was lost at once, and the next one finds nobody."""
    with in_session(laptop):
        laptop.wire.freeze()
        laptop.wire.reset()
        laptop.window.wait_for("reconnecting to unity")
        assert not laptop.modes()[3] & (termios.ECHO | termios.ICANON)
        yield
        laptop.wire.heal()


@contextmanager
def not_let_in(laptop: Laptop) -> Iterator[None]:
    with in_session(laptop), without_key(laptop.rig):
        laptop.wire.reset()
        laptop.window.wait_for("unity needs you to sign in")
        yield


State = Callable[[Laptop], object]
STATES = {
    "connecting": connecting,
    "attached": in_session,
    "silent": silent,
    "refused": refused,
    "lost": lost,
    "not let in": not_let_in,
}


@pytest.fixture
def started(slurm: Rig, request: pytest.FixtureRequest) -> Iterator[Laptop]:
    """lnode, on its way to a session with mouse and focus events on."""
    name = "modes"
    status, said = slurm.exec(f"tmux new -d -s {name} ';' set -g mouse on ';' set -g focus-events on")
    assert status == 0, said
    argv = ["sh", "-c", AGAIN, "sh", *LNODE, "unity", name, "--login"]
    with wired(slurm) as wire:
        if "connecting" in request.node.name:
            wire.freeze()
        with Window(argv, slurm.env()) as window:
            yield Laptop(slurm, wire, window, name)


@pytest.mark.parametrize("state", STATES)
def test_told_to_end(started: Laptop, state: str) -> None:
    with STATES[state](started):
        os.kill(started.lnode(), signal.SIGTERM)
        assert started.status() == 130
    attached = state != "connecting"
    assert started.took_back() == attached
    assert started.window.raw.count(b"\x1b[?1049l") == attached


@pytest.mark.parametrize(
    ("state", "key", "status"),
    [
        ("connecting", "\x03", 130),
        ("silent", "d", 4),
        ("refused", "\x03", 4),
        ("lost", "q", 4),
        ("not let in", "d", 4),
    ],
)
def test_left_by_a_key(started: Laptop, state: str, key: str, status: int) -> None:
    with STATES[state](started):
        started.window.press(key)
        assert started.status() == status


@pytest.mark.parametrize("state", STATES if FULL else ["attached", "lost"])
def test_killed_and_started_again(started: Laptop, state: str) -> None:
    with STATES[state](started):
        lnode, ssh = started.lnode(), started.terminals()
        shell = started.window.process.pid
        assert shell
        os.kill(shell, signal.SIGSTOP)
        os.kill(lnode, signal.SIGKILL)
        if state == "refused":  # a first attach does not wait for a host that refuses
            started.wire.heal()
        os.kill(shell, signal.SIGCONT)
        wait_until(lambda: started.lnode() != lnode, "lnode runs again")
        wait_until(lambda: not set(ssh) & set(children_of(1)), "nothing is left of the first")
    settle(started.rig, started.wire)
    shell_of(started.window)
    assert len(clients(started.rig, started.name)) == 1
    started.window.detach()
    assert started.status() == 0


def test_an_ssh_that_stops_itself_stops_lnode_too(slurm: Rig) -> None:
    """`~^Z`: the shell has the tty back, and `fg` goes on where it was."""
    status, said = slurm.exec("tmux new -d -s stops")
    assert status == 0, said
    with Window(["bash", "--norc", "-i"], {**slurm.env(), "PS1": "laptop> "}) as window:
        window.wait_for("laptop>")
        window.press(f"{shlex.join([*LNODE, 'unity', 'stops', '--login'])}\r")
        shell_of(window)
        window.press("\r~\x1a")
        window.wait_for("Stopped")
        window.press("echo of the laptop: $((40 + 2))\r")
        window.wait_for("of the laptop: 42")
        window.press("fg\r")
        window.press("\recho of the host: $((40 + 3))\r")
        window.wait_for("of the host: 43")
        window.detach()
        window.wait_for("lnode: detached; stops ")


BUG = """
import os
waitid = os.waitid
def broken(*words):
    if os.path.exists({trigger!r}):
        raise RuntimeError("a bug")
    return waitid(*words)
os.waitid = broken
"""


def test_a_bug_leaves_nothing_armed(slurm: Rig, tmp_path: Path) -> None:
    trigger = tmp_path / "now"
    (tmp_path / "sitecustomize.py").write_text(BUG.format(trigger=str(trigger)))
    env = {**slurm.env(), "PYTHONPATH": str(tmp_path)}
    status, said = slurm.exec("tmux new -d -s modes ';' set -g mouse on ';' set -g focus-events on")
    assert status == 0, said
    with wired(slurm) as wire, Window(["sh", "-c", AGAIN, "sh", *LNODE, "unity", "modes", "--login"], env) as window:
        laptop = Laptop(slurm, wire, window, "modes")
        with in_session(laptop):
            assert laptop.armed() & ARMED
            trigger.touch()
            assert laptop.status() == 3


def test_detached(started: Laptop) -> None:
    """Ctrl-C is for the shell; tmux itself takes back what it had armed, and lnode adds nothing."""
    with in_session(started):
        assert {1002, 1004, 1006, 1049, 2004} <= started.armed()  # and 1000 from tmux 3.2 on
        assert started.modes() != started.before
        started.window.press("sleep 600\r\x03")
        shell_of(started.window)
        started.window.detach()
        assert started.status() == 0
    assert started.took_back() == 0
    assert started.window.raw.count(b"\x1b[?1049l") == 1
    after = started.window.raw.rpartition(b"[detached (from session modes)]")[2]
    assert re.fullmatch(rb"\s*(\x1b[^l]*)?\s*lnode: detached; .*\s*status=0=\s*", after, re.DOTALL), after


@pytest.mark.parametrize("state", ["silent", "refused", "lost"])
def test_reports_are_no_keys(started: Laptop, state: str) -> None:
    with STATES[state](started):
        started.window.press(MOUSE + FOCUS)
        started.window.press("x")
        started.window.wait_for("; 1 key not sent")
        started.window.press(MOUSE[:4])
        started.window.press(MOUSE[4:])
        started.window.press("y")
        started.window.wait_for("; 2 keys not sent")
    started.window.wait_without("lnode: ")
    settle(started.rig, started.wire)
    shell_of(started.window)
    pane = started.rig.exec(f"tmux capture-pane -p -t {started.name}")[1]
    assert "0;10;5" not in pane
    assert not re.search(r"\$ .*[xy]+$", pane, re.MULTILINE)
    started.window.detach()
    assert started.status() == 0


def test_killed_under_an_interactive_shell(slurm: Rig) -> None:
    """Its job control leaves the ssh of the killed lnode behind, drawing on the prompt: the next lnode ends it."""
    with wired(slurm) as wire, Window(["bash", "--norc", "-i"], slurm.env(PS1="laptop: ")) as window:
        command = shlex.join([*LNODE, "unity", "job", "--login"])
        for _ in range(2):
            window.wait_for("laptop:")
            window.press(f"clear; {command}; echo status=$?=\r")
            wait_until(lambda: window._read(0.1) and len(clients(slurm, "job")) == 1, "one client")
            settle(slurm, wire)
            (lnode,) = children_of(window.process.pid)
            (ssh,) = children_of(lnode)
            os.kill(lnode, signal.SIGKILL)
            window.wait_for("status=137=")
        window.press(f"clear; {command}; echo status=$?=\r")
        wait_until(lambda: ssh not in children_of(1), "the last ssh has ended")
        wait_until(lambda: window._read(0.1) and len(clients(slurm, "job")) == 1, "one client")
        settle(slurm, wire)
        window.detach()
        window.wait_for("status=0=")
