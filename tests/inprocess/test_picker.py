"""`lnode` without words on a real terminal: pictures on disk, a stand-in ssh, and what a person sees and presses."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest

from nearby import Nearby, nearby
from rig import wait_until
from window import Window

# `x` is this computer, `gone` is silent until the test ends, `h0` and its like refuse.
_SSH = """\
case " $* " in
*" -G "*" gone "*|*" -G gone "*) echo hostname 127.0.0.1; exit ;;
*" gone "*) echo $$ >>"$HOME/silent"; exec sleep 600 ;;
*" -G "*) ;;
*" h"[0-9]" "*) echo "ssh: connect to host h port 22: Connection refused" >&2; exit 255 ;;
esac
"""


@pytest.fixture
def near() -> Iterator[Nearby]:
    with nearby() as made:
        ssh = made.home / "bin" / "ssh"
        made.program("ssh", ssh.read_text().replace("#!/bin/sh\n", "#!/bin/sh\n" + _SSH, 1))
        yield made


def remember(near: Nearby, host: str, names: Sequence[str], *, ago_s: int = 7200) -> None:
    """Keep the picture of a host with such sessions."""
    at = int(time.time()) - ago_s
    panes = [
        f"${number} {at} {at} 0 {900 + number} %{number} f klogin o e w t {name}" for number, name in enumerate(names)
    ]
    folder = near.state / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    replies = [{"host": [f"login-{host}", str(at), "22"], "panes": panes, "no-scheduler": [], "end": []}]
    (folder / f"{quote(host, safe='')}.json").write_text(
        json.dumps({"host": host, "at": at, "names": [[], []], "replies": replies})
    )


def row(window: Window, name: str) -> str:
    return window.find(rf"^.*\b{re.escape(name)}\b.*$")[0]


def test_the_picture_is_shown_and_the_truth_replaces_it(near: Nearby) -> None:
    remember(near, "x", ["old", "fit"])
    remember(near, "gone", ["far"])
    near.tmux("new-session", "-d", "-s", "fit")
    near.tmux("new-session", "-d", "-s", "new")
    with near.window() as window:
        window.wait_for("2 h ago")
        window.find(r"^..x +new ")  # the truth of x
        assert "2 h ago" in row(window, "far")
        assert "2 h ago" not in row(window, "fit")
        window.wait_without("old")
        window.press("jj")
        window.find(r"^> x .*new")
        window.press("q")
        assert window.exit_status() == 0
        assert window.raw.endswith(b"\x1b[?1049l")  # the screen as it was before


def test_enter_attaches_to_the_row(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "fit", "echo this is fit; cat")
    near.tmux("new-session", "-d", "-s", "web", "echo this is web; cat")
    remember(near, "x", ["fit", "web"])
    with near.window() as window:
        window.wait_for("fit")
        window.press("j\r")
        window.wait_for("this is web")
        window.leave()


def test_a_row_that_has_gone_under_the_cursor_is_not_replaced_by_another(near: Nearby) -> None:
    remember(near, "x", ["a-lost", "b-kept"])
    near.tmux("new-session", "-d", "-s", "b-kept")
    with near.window() as window:
        window.find(r"^> x +a-lost +gone")
        window.press("x")
        window.wait_for("a-lost on x is gone")
        window.press("q")
        assert window.exit_status() == 0
    near.tmux("has-session", "-t", "b-kept")


def test_ending_asks_first_and_names_the_session_of_the_row(near: Nearby) -> None:
    remember(near, "x", ["fit", "web"])
    for name in ("fit", "web"):
        near.tmux("new-session", "-d", "-s", name)
    with near.window() as window:
        window.wait_for("fit")
        window.press("jx")
        window.wait_for("end web on x?")
        window.press("y\r")
        window.wait_for("web on x has ended")
        assert window.exit_status() == 0
    near.tmux("has-session", "-t", "fit")


def test_peek_prints_the_session(near: Nearby) -> None:
    remember(near, "x", ["fit"])
    near.tmux("new-session", "-d", "-s", "fit", "echo epoch 17; cat")
    with near.window() as window:
        window.wait_for("fit")
        window.press("p")
        window.wait_for("epoch 17")
        assert window.exit_status() == 0


def test_a_run_is_listed_and_its_log_followed(near: Nearby) -> None:
    assert near.lnode("x", "sim", "--run", "--", "sh", "-c", "echo epoch 17; sleep 600").returncode == 0
    remember(near, "x", [])
    with near.window() as window:
        window.find(r"^> x .*has runs")
        window.find(r"^..x +sim +run, running")
        window.press("j\r")
        window.wait_for("epoch 17")
        window.press("\x03")
        assert window.exit_status() == 130
    with near.window() as window:
        window.find(r"^..x +sim +run, running")
        window.press("x")
        window.wait_for("end sim on x?")
        window.press("y\r")
        window.exit_status()


def test_a_new_session_by_its_name(near: Nearby) -> None:
    (near.home / "config.toml").write_text('[hosts.x]\nkeep_warm = "no"\ncommand = "sh"\n')
    remember(near, "x", [])
    with near.window() as window:
        window.find("x .*no sessions")
        window.press("nq1")
        window.wait_for("new session on x: q1_")
        window.press("\r")
        window.wait_for("[q1]")
        window.leave()


def test_ten_hosts_of_which_one_is_silent_answer_keys_and_leave_no_ssh(near: Nearby) -> None:
    for host in range(9):
        remember(near, f"h{host}", [f"s{number}" for number in range(20)])
    remember(near, "gone", ["far"])
    with near.window() as window:
        window.find(r"^1/18[12] ")  # x, which the configuration names, may have answered
        window.press("G")
        window.find(r"^18([12])/18\1 ")
        window.press("/far")
        window.find(r"^> gone +far")
        window.press("\r")
        window.wait_for("1/1")
        until_there(near)
        window.press("q")
        assert window.exit_status() == 0
    for pid in map(int, (near.home / "silent").read_text().split()):
        until_ended(pid)


def until_there(near: Nearby) -> None:
    deadline = time.monotonic() + 60
    while not (near.home / "silent").exists():
        assert time.monotonic() < deadline


def until_ended(pid: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline


def test_a_resized_window_is_painted_again(near: Nearby) -> None:
    (near.home / "config.toml").write_text("")  # no x
    remember(near, "gone", [f"s{number:02}" for number in range(50)])
    with near.window() as window:
        window.wait_for("q leaves")
        window.resize(12, 40)
        window.wait_for("Enter  p peek  x end  n new  /  q")
        window.press("G")
        window.find(r"^> gone +s49")
        window.resize(30, 100)
        window.wait_for("q leaves")
        window.find(r"^> gone +s49")
        window.press("\x03")
        assert window.exit_status() == 0


def test_no_colour_and_no_control_of_a_host(near: Nearby) -> None:
    remember(near, "gone", ["evil\x1b]0;owned\x07\x1b[2J", "b\u202ec", "d\x9b31m"])
    with near.window(NO_COLOR="1") as window:
        window.wait_for("q leaves")
        window.find(r"evil\\x1b\]0;owned")
        window.press("q")
        assert window.exit_status() == 0
    painted = window.raw.partition(b"\x1b[?1049h")[2].partition(b"\x1b[?1049l")[0]
    lnodes_own = rb"\x1b\[(?:\?25[hl]|\?2004[hl]|m|[127]m|2[JK]|\d+;1H)"
    rest = re.sub(lnodes_own, b"", painted)
    assert rest.decode().isprintable(), rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_screen_back(near: Nearby, number: signal.Signals) -> None:
    remember(near, "gone", ["far"])
    with near.window() as window:
        window.wait_for("q leaves")
        os.kill(window.process.pid, number)
        assert window.exit_status() == 128 + number
        assert window.raw.endswith(b"\x1b[?1049l")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_screen_of_the_watched_list_back(near: Nearby, number: signal.Signals) -> None:
    near.tmux("new-session", "-d", "-s", "fit")
    with near.window("x", "--ls", "--watch") as window:
        window.wait_for("q leaves")
        os.kill(window.process.pid, number)
        assert window.exit_status() == 128 + number
        assert b"\x1b[?1049l" in window.raw and window.raw.rindex(b"\x1b[?25h") > window.raw.rindex(b"\x1b[?25l")


@pytest.mark.parametrize("words", [(), ("x", "--ls", "--watch")])
def test_a_window_that_is_closed_is_no_bug(near: Nearby, words: tuple[str, ...]) -> None:
    remember(near, "gone", ["far"])
    window = near.window(*words)
    window.wait_for("q leaves")
    os.close(window.process.child_fd)  # as a terminal does: its programs get SIGHUP, and their terminal is gone
    wait_until(lambda: os.waitpid(window.process.pid, os.WNOHANG)[0] != 0, "its end")
    window.process.closed = True  # for its destructor
    assert not list((near.home / ".local/state/lnode").glob("bug-*"))


def test_the_watched_list_rings_where_there_is_no_desktop(near: Nearby) -> None:
    prompt = near.home / "asks"
    prompt.write_text("printf 'Continue? [y/N] '; read -r _; exec cat")
    with near.window("x", "--ls", "--watch", "--notify") as window:
        window.wait_for("q leaves")
        near.tmux("new-session", "-d", "-s", "fit", f"sh {prompt}")
        before = len(window.raw)
        wait_until(lambda: window.look() != "" and b"\a" in window.raw[before:], "the bell", within_s=90)
        window.press("q")
        assert window.exit_status() == 0


def test_a_host_that_cannot_be_named_is_a_row_of_trouble(near: Nearby) -> None:
    remember(near, "-oProxyCommand=touch pwned", ["far"])
    with near.window() as window:
        window.wait_for("is no ssh alias")
        window.press("\r")
        window.wait_for("hint:")
        assert window.exit_status() == 2
    assert not (near.home / "pwned").exists()


def test_in_tmux_it_is_the_same(near: Nearby) -> None:
    remember(near, "gone", ["far", "near"])
    argv = ["tmux", "-u", "-L", "outer", "new-session", f"{sys.executable} -m lnode"]
    with Window(argv, near.env) as window:
        window.wait_for("q leaves")
        window.press("\x1bOB")
        window.find(r"^> gone +near")
        window.press("q")
        assert window.exit_status() == 0


def test_escape_alone_removes_the_filter(near: Nearby) -> None:
    remember(near, "gone", ["far", "near"])
    with near.window() as window:
        window.wait_for("q leaves")
        window.press("/near\r")
        window.find(r"/near +Enter")
        window.press("\x1b")
        window.wait_without("/near")
        window.find(r"^> gone +near")
        window.press("q")
        assert window.exit_status() == 0


def test_without_a_known_host_it_says_how_to_begin(near: Nearby) -> None:
    (near.home / "config.toml").write_text("")
    (near.state / "pictures").mkdir(parents=True)
    (near.state / "pictures" / "x.json").write_text("not a picture")
    with near.window() as window:
        window.wait_for("no host is known yet")
        window.wait_for("lnode demo")
        assert window.exit_status() == 2


def test_in_a_pipe_and_on_a_dumb_terminal_it_says_what_can_be_typed(near: Nearby) -> None:
    remember(near, "x", ["fit"])
    done = near.lnode()
    assert (done.returncode, done.stdout) == (2, "")
    assert "HOST is missing" in done.stderr
    with near.window(TERM="dumb") as window:
        window.wait_for("HOST is missing")
        assert window.exit_status() == 2
