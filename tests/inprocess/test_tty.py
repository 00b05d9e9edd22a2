"""The user's tty, on a real pty: which keys act, what an lnode that was killed leaves behind, the notice."""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from lnode.attach.tty import Tty
from rig import wait_until
from window import Window


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """lnode's own folder of the laptop's state, not there yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "lnode"


@pytest.fixture
def master() -> Iterator[int]:
    """Standard input is a pty; its other side."""
    master, slave = pty.openpty()
    before = os.dup(0)
    os.dup2(slave, 0)
    os.set_blocking(master, False)
    yield master
    os.dup2(before, 0)
    for number in (before, master, slave):
        os.close(number)


def modes() -> list[object]:
    return termios.tcgetattr(0)


def is_listening() -> bool:
    return not termios.tcgetattr(0)[3] & (termios.ICANON | termios.ECHO)


# --- what the loop can watch


WATCHES = """
import asyncio, os
from lnode.attach.tty import event_loop
async def told():
    heard = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, heard.set)
    await heard.wait()
    print(os.read(0, 5).decode())
with asyncio.Runner(loop_factory=event_loop) as runner:
    runner.run(told())
"""


def test_a_standard_input_that_the_usual_selector_refuses_is_watched(tmp_path: Path) -> None:
    """As kqueue refuses /dev/tty on macOS, epoll refuses a file."""
    (tmp_path / "keys").write_text("typed")
    with (tmp_path / "keys").open() as keys:
        done = subprocess.run(
            [sys.executable, "-c", WATCHES], stdin=keys, capture_output=True, text=True, timeout=60, check=False
        )
    assert (done.stdout, done.stderr) == ("typed\n", "")


# --- keys


class Loop(asyncio.SelectorEventLoop):
    """Its clock is put forward by hand."""

    ahead_s = 0.0

    def time(self) -> float:
        return 1000.0 + self.ahead_s  # it stands still, however busy this computer is


class Heard(NamedTuple):
    acted: list[bytes]
    unsent: int
    echoed: bytes


def heard(master: int, *typed: bytes | float) -> Heard:
    """What comes of keys (bytes, one read each) and pauses (seconds)."""

    async def type_all(loop: Loop) -> Heard:
        acted: list[bytes] = []
        with Tty() as tty:
            tty.listen(acted.append)
            for what in typed:
                if isinstance(what, float):
                    loop.ahead_s += what
                    await asyncio.sleep(0)  # timers that are due are put in line, and then called
                    await asyncio.sleep(0)
                    continue
                os.write(master, what)
                assert select.select([0], [], [], 10)[0]
                while select.select([0], [], [], 0)[0]:
                    await asyncio.sleep(0)
            try:
                echoed = os.read(master, 100)
            except BlockingIOError:
                echoed = b""
            return Heard(acted, tty.unsent, echoed)

    with closing(Loop()) as loop:
        return loop.run_until_complete(type_all(loop))


MOUSE, MOVED, FOCUS = b"\x1b[<0;10;5M", b"\x1b[<35;11;5M", b"\x1b[I"
TYPED: dict[str, tuple[tuple[bytes | float, ...], list[bytes], int]] = {
    "nothing": ((1.0,), [], 0),
    "a key alone": ((b"d", 1.0), [b"d"], 1),
    "Ctrl-C": ((b"\x03", 1.0), [b"\x03"], 1),
    "Ctrl-S, Ctrl-Z": ((b"\x13", 1.0, b"\x1a", 1.0), [b"\x13", b"\x1a"], 2),
    "Enter": ((b"\r", 1.0), [b"\r"], 1),
    "Esc": ((b"\x1b", 1.0), [b"\x1b"], 1),
    "a key from a page of its own": (("é".encode(), 1.0), ["é".encode()], 1),
    "a key in two reads": ((b"\xc3", b"\xa9", 1.0), ["é".encode()], 1),
    "not yet": ((b"d", 0.3), [], 1),
    "a word": ((b"docker ps\r", 1.0), [], 10),
    "a word, key by key": ((b"r", 0.2, b"d", 0.2, b"q", 1.0), [], 3),
    "a word with its last key twice": ((b"a", b"d", b"d", 1.0), [], 3),
    "a word after its first key": ((b"d", 0.3, b"f", 1.0), [], 2),
    "a word that is typed slowly": ((b"d", 0.7, b"f", 1.5, b"q", 1.0), [], 3),
    "a key long after a word": ((b"cx", 2.5, b"d", 1.0), [b"d"], 3),
    "a key again and again": ((b"r", 0.2, b"r", b"rr", 1.0), [b"r"], 4),
    "a key, and later again": ((b"r", 1.0, b"r", 1.0), [b"r", b"r"], 2),
    "a key soon after a word": ((b"cx", 1.0, b"d", 1.0), [], 3),
    "the same, and once more": ((b"cx", 1.0, b"d", 1.0, b"d", 1.0), [b"d"], 4),
    "Ctrl-C after a word": ((b"ls", 1.0, b"\x03", 1.0), [b"\x03"], 3),
    "a key and Esc": ((b"d", 0.2, b"\x1b", 1.0), [b"\x1b"], 2),
    "an arrow": ((b"\x1b[D", 1.0), [b"\x1b[D"], 1),
    "Alt and a key": ((b"\x1bd", 1.0), [b"\x1bd"], 1),
    "reports": ((MOUSE, MOVED + FOCUS, b"\x1b[24;80R\x1b]11;rgb:d/d/d\x07\x1bP1$rd\x1b\\", 1.0), [], 0),
    "a report in two reads": ((MOUSE[:5], MOUSE[5:], 1.0), [], 0),
    "a report in two slow reads": ((MOUSE[:1], 0.4, MOUSE[1:5], 0.4, MOUSE[5:], 1.0), [], 0),
    "a report that is never whole": ((MOUSE[:5], 1.0), [], 0),
    "a key among reports": ((MOVED, b"d", 0.3, MOVED, 0.3, MOVED, 0.3), [b"d"], 1),
    "a key, later a report in two reads": ((b"r", 1.0, MOUSE[:5], 1.0), [b"r"], 1),
    "a paste of one key": ((b"\x1b[200~d\x1b[201~", 1.0), [], 1),
    "a paste of a word": ((b"\x1b[200~docker", b" ps\r\x1b[201~", 1.0), [], 10),
    "a key after a paste": ((b"\x1b[200~ls\x1b[201~", 1.0, b"d", 1.0), [b"d"], 3),
}  # fmt: skip


@pytest.mark.parametrize("case", TYPED)
def test_keys(master: int, case: str) -> None:
    typed, acted, unsent = TYPED[case]
    assert heard(master, *typed) == (acted, unsent, b"")


def test_the_modes_of_listening_are_taken_back(master: int) -> None:
    async def come_and_go() -> None:
        with Tty() as tty:
            os.write(master, b"early\n")
            tty.listen(print)
            assert is_listening()
            tty.give_back()
            assert modes() == before
            tty.listen(print)
        assert modes() == before

    before = modes()
    asyncio.run(come_and_go())


def test_a_window_that_is_closed(master: int) -> None:
    async def close() -> None:
        with Tty() as tty:
            tty.listen(print)
            os.dup2(os.open(os.devnull, os.O_RDONLY), master)  # the last one of its side
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            tty.forget_keys()
            tty.disarm()

    asyncio.run(close())


# --- an lnode that was killed

# lnode with an ssh on the tty; it says so, then waits to be killed.
KILLED = """
import signal, sys, tty
from lnode.attach.tty import Tty
with Tty() as kept:
    kept.keep(int(sys.argv[1]))
    tty.setraw(0)
    print("raw", flush=True)
    signal.pause()
"""


@pytest.fixture
def ssh() -> Iterator[subprocess.Popen[bytes]]:
    """What stands for the ssh of an lnode: another process of this session."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def start_lnode(ssh: int, *, new_session: bool = False) -> subprocess.Popen[str]:
    lnode = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(ssh)], stdin=0, stdout=subprocess.PIPE, text=True,
        start_new_session=new_session,
    )  # fmt: skip
    assert lnode.stdout
    assert lnode.stdout.readline() == "raw\n"
    return lnode


def end(lnode: subprocess.Popen[str], how: signal.Signals = signal.SIGKILL) -> None:
    with lnode:
        lnode.send_signal(how)


def was_spared(process: subprocess.Popen[bytes]) -> bool:
    """It lived until now: only this ends it."""
    process.terminate()
    return process.wait() == -signal.SIGTERM


def ended(process: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return lambda: process.poll() is not None


def test_the_next_lnode_takes_the_modes_of_one_that_was_killed(
    master: int, ssh: subprocess.Popen[bytes], state: Path
) -> None:
    before = modes()
    end(start_lnode(ssh.pid))
    (kept,) = state.glob("tty*")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert modes() != before
    with Tty() as tty:
        assert modes() == before
        wait_until(ended(ssh), "its ssh has ended")
        tty.keep(1)
    assert modes() == before
    assert list(state.iterdir()) == []


def test_the_next_lnode_is_killed_too(master: int, ssh: subprocess.Popen[bytes]) -> None:
    before = modes()
    for _ in range(3):
        end(start_lnode(ssh.pid))
        assert modes() != before
    with Tty():
        pass
    assert modes() == before


def test_modes_that_somebody_has_repaired_since_stay(master: int, ssh: subprocess.Popen[bytes]) -> None:
    end(start_lnode(ssh.pid))
    repaired = termios.tcgetattr(0)
    repaired[0] |= termios.IXOFF | termios.ICRNL
    repaired[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, repaired)
    repaired = termios.tcgetattr(0)
    with Tty():
        wait_until(ended(ssh), "its ssh has ended")
    assert modes() == repaired


@pytest.mark.parametrize("whose", ["an lnode that lives", "another session's"])
def test_what_belongs_to_somebody_else_is_left_alone(master: int, ssh: subprocess.Popen[bytes], whose: str) -> None:
    lnode = start_lnode(ssh.pid, new_session=whose == "another session's")
    if whose == "another session's":
        end(lnode)
    raw = modes()
    with Tty():
        assert modes() == raw
    assert modes() == raw
    assert was_spared(ssh)
    end(lnode)


def test_an_ssh_that_is_none_of_this_session_is_left_alone(master: int) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        end(start_lnode(other.pid))
        with Tty():
            pass
        assert was_spared(other)


NO_FILES = [
    "", "\n", "x\n", "1 2\n", "\xff", "{dead} {session} 0\n", "{dead} {session} -1 1 2 3\n", "{dead} {session} 0 5\n",
    "9" * 40 + " {session} " + "9" * 40 + " 5" * 60,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_FILES)
def test_a_file_that_is_none_of_ours(master: int, state: Path, ssh: subprocess.Popen[bytes], text: str) -> None:
    end(start_lnode(ssh.pid))
    (kept,) = state.glob("tty*")
    dead = kept.read_text().split()[0]
    kept.write_bytes(text.format(dead=dead, session=os.getsid(0)).encode("latin-1"))
    raw = modes()
    with Tty():
        assert modes() == raw
    assert was_spared(ssh)


def test_nothing_can_be_kept(master: int, state: Path) -> None:
    state.write_text("")
    before = modes()
    with Tty() as tty:
        tty.keep(1)
    assert modes() == before
    assert state.read_text() == ""


# --- the notice

# A screen, and a cursor in it that writes in bold red; one notice for each line that is read.
DRAWING = """
import ast, sys
from lnode.laptop import screen
print(end="\\x1b[?1049h\\x1b[H" + "\\r\\n".join("#" * 99 for row in range(30)), flush=True)
print(end="\\x1b[5;7H\\x1b[1;31m", flush=True)
for line in sys.stdin:
    screen.draw_notice(ast.literal_eval(line))
    print(end="q", flush=True)
"""


class Drawn:
    """A window in which notices are drawn."""

    def __init__(self, window: Window) -> None:
        self.window, self.pyte = window, window._screen
        self.drawn, self.narrowest = 0, 99

    def widen(self, columns: int) -> None:
        """Make the window wider or narrower, which cuts off what is there."""
        self.window.resize(30, columns)
        self.narrowest = min(self.narrowest, columns)

    def draw(self, text: str) -> str:
        """The top line, once the rest is seen to be as it was."""
        self.window.press(ascii(text) + "\n")
        self.drawn += 1
        wait_until(
            lambda: self.window._read(0.05) and self.pyte.cursor.x == 6 + self.drawn, "the cursor is where it was"
        )
        rows = self.pyte.display
        assert self.pyte.cursor.y == 4
        for number, row in enumerate(rows[1:], 1):
            below = "#" * self.narrowest
            assert row.rstrip() == (f"{below[:6]}{'q' * self.drawn}{below[6 + self.drawn :]}" if number == 4 else below)
        here = self.pyte.buffer[4][5 + self.drawn]
        assert (here.data, here.fg, here.bold, here.reverse) == ("q", "red", True, False)
        top = self.pyte.buffer[0]
        assert all(top[x].reverse and top[x].fg == "default" and not top[x].bold for x in range(self.pyte.columns))
        return rows[0]


@pytest.fixture
def drawn() -> Iterator[Drawn]:
    env = {**os.environ, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    with Window(["sh", "-c", 'stty -echo; exec "$0" -c "$1"', sys.executable, DRAWING], env) as window:
        at = window._screen.cursor
        wait_until(lambda: window._read(0.05) and (at.y, at.x) == (4, 6), "all of it is there")
        yield Drawn(window)


def test_a_notice_is_the_top_line_and_no_more(drawn: Drawn) -> None:
    assert drawn.draw("lnode: unity silent for 6 s, trying").rstrip() == "lnode: unity silent for 6 s, trying"
    assert drawn.draw("lnode: short").rstrip() == "lnode: short"
    assert b"\x1b[1;1H\x1b(B" in drawn.window.raw  # tmux may have been cut off while it drew lines


def test_a_notice_in_a_narrow_window(drawn: Drawn) -> None:
    drawn.widen(20)
    assert drawn.draw("lnode: unity silent for 6 s, trying; r now, d leave") == "unity silent for 6 s"


def test_a_notice_after_a_resize(drawn: Drawn) -> None:
    text = "lnode: unity needs you to sign in; r sign in, d leave; 12 keys not sent"
    for columns in (100, 60, 40, 110, 20):
        drawn.widen(columns)
        line = drawn.draw(text)
        shown = text if columns > len(text) else text.removeprefix("lnode: ")[:columns]
        assert line == shown.ljust(columns)


def test_a_notice_of_a_hostile_name(drawn: Drawn) -> None:
    line = drawn.draw("lnode: \x1b]0;x\x07\x1b[2J\r\n\x9b31m silent")
    assert line.rstrip() == r"lnode: \x1b]0;x\x07\x1b[2J\r\n\x9b31m silent"


def test_a_notice_of_wide_characters_does_not_wrap(drawn: Drawn) -> None:
    assert drawn.draw("lnode: " + "漢" * 80).count("漢") == 50
    assert drawn.draw("lnode: e\u0301te\u0301 silent").rstrip().startswith("lnode: ")
