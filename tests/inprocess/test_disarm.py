"""What a cut leaves armed in the terminal: all that tmux switches on, lnode switches off in its place."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from rig import wait_until

LIMIT_S = 60
ALL = "256,RGB,bpaste,ccolour,clipboard,cstyle,extkeys,focus,margins,mouse,overline,strikethrough,sync,title,usstyle"
OF_MINTTY = b"\x1b[?64;1;2;4;6;9;15;21;22;28;29c\x1b[>77;30603;0c"  # its answers to the two questions who it is (DA)
# A program that asks for all that tmux passes on: mouse, focus, paste, cursor keys, blinking, shape and colour.
GREEDY = (
    r"printf '\033[?1003h\033[?1006h\033[?1005h\033[?1004h\033[?2004h\033[?1h\033=\033[5 q\033]12;red\007\033[?12h'"
)
# The start and the stop of tmux 3.6 and later on a terminal like a VT100 with all features, from tty.c (tty_start_tty,
# tty_update_features, tty_update_mode, tty_stop_tty) and tty-features.c.
NEWEST_START = (
    b"\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\x1b[?12l\x1b[?25h\x1b[?2004h\x1b[?2031h\x1b[?996n\x1b[?69h\x1b[>4;2m"
    b"\x1b[?1004h\x1b[?7727h\x1b[?2026h\x1b[?12;25h\x1b[5 q\x1b]12;rgb:ff/00/00\x07"
    b"\x1b[?1006h\x1b[?1000h\x1b[?1002h\x1b[?1003h"
)
NEWEST_STOP = (
    b"\x1b[1;30r\x1b(B\x1b[m\x1b[?1l\x1b>\x1b[2 q\x1b]112\x07\x1b[?12l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l"
    b"\x1b[?1006l\x1b[?1005l\x1b[?2004l\x1b[?7727l\x1b[?1004l\x1b[>4m\x1b[?69l\x1b[?1049l\x1b[?2031l"
)
OF_THE_SCREEN = {25, 1049}  # the cursor is to be there, and the screen from before is left later


def armed(went_by: bytes) -> set[int]:
    """The private modes that are on after that: every `?Nh` without its `?Nl` (DECSET, DECRST)."""
    on: set[int] = set()
    for numbers, letter in re.findall(rb"\x1b\[\?([0-9;]+)([hl])", went_by):
        named = {int(number) for number in numbers.split(b";")}
        on = on | named if letter == b"h" else on - named
    return on


@pytest.fixture(scope="module")
def disarming() -> bytes:
    """What lnode prints after a cut."""
    child = pexpect.spawn(sys.executable, ["-c", "from lnode.attach.tty import Tty; Tty().disarm()"], timeout=LIMIT_S)
    said: bytes = child.read()
    child.close()
    return said


@pytest.fixture
def attached() -> Iterator[tuple["pexpect.spawn[bytes]", list[bytes]]]:
    """A tmux on a pty, and all that it has printed."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    with tempfile.TemporaryDirectory(prefix="lnode-") as name:  # not tmp_path: a socket's name is short
        env = {"HOME": name, "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8", "TMUX_TMPDIR": name}
        conf = Path(name) / "conf"
        conf.write_text("set -g mouse on\nset -g focus-events on\nset -s extended-keys always\n")
        argv = ["-u", "-T", ALL, "-f", str(conf), "new-session", f"{GREEDY}; echo ready; exec cat"]
        child = pexpect.spawn("tmux", argv, env=env, timeout=LIMIT_S, dimensions=(30, 100))
        yield child, []
        pexpect.run("tmux kill-server", env=env)
        child.close(force=True)


def test_a_real_tmux_leaves_nothing_armed(
    attached: tuple["pexpect.spawn[bytes]", list[bytes]], disarming: bytes
) -> None:
    child, seen = attached
    child.send(OF_MINTTY)

    def has_come() -> bool:
        seen.append(child.read_nonblocking(1 << 16, timeout=LIMIT_S))
        return all(mode in b"".join(seen) for mode in (b"ready", b"?7727h", b"?1003h", b"?69h", b"\x1b[5 q"))

    wait_until(has_come, "all is armed")
    went_by = b"".join(seen)
    assert {1, 69, 1000, 1002, 1003, 1004, 1006, 2004, 7727} <= armed(went_by)
    assert armed(went_by + disarming) <= OF_THE_SCREEN


def test_the_newest_tmux_leaves_nothing_armed(disarming: bytes) -> None:
    assert {2026, 2031, 7727} <= armed(NEWEST_START)
    assert armed(NEWEST_START + disarming) <= OF_THE_SCREEN
    stops = set(re.findall(rb"\x1b\[\?\d+l|\x1b\]112\x07|\x1b\[>4m|\x1b>|\x1b\[m|\x1b\(B", NEWEST_STOP))
    assert {one for one in stops if one not in disarming} == {b"\x1b[?1049l"}
    assert b"\x1b[0 q" in disarming  # the shape that you have chosen, where tmux says the block


def test_the_margins_go_before_the_cursor_is_put_back(disarming: bytes) -> None:
    saved, restored = disarming.index(b"\x1b7"), disarming.index(b"\x1b8")
    assert saved < disarming.index(b"\x1b[?69l") < disarming.index(b"\x1b[r") < restored
