"""The stand-in tmux and real tmux keep one contract: each scenario runs on both."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from lnode.demo import demo
from rig import wait_until

STANDIN = (sys.executable, "-I", "-S", str(Path(demo.__file__).parent / "standin" / "tmux"))
REAL = shutil.which("tmux")
LIMIT = 60


@dataclass
class Tmux:
    """One of the two programs, with a private socket folder."""

    argv: tuple[str, ...]
    env: dict[str, str]

    def run(self, *args: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*self.argv, *args], env=self.env, capture_output=True, text=True, timeout=LIMIT, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def ok(self, *args: str) -> str:
        code, out, err = self.run(*args)
        assert (code, err) == (0, "")
        return out

    def fails(self, *args: str) -> str:
        code, out, err = self.run(*args)
        assert (code, out) == (1, "")
        return err.strip()

    def on_terminal(self, *args: str) -> "pexpect.spawn[str]":
        return pexpect.spawn(
            self.argv[0], [*self.argv[1:], *args], env=self.env | {"TERM": "xterm-256color"},
            timeout=LIMIT, dimensions=(30, 97), encoding="utf-8",
        )  # fmt: skip


@pytest.fixture(params=["real", "standin"])
def tmux(request: pytest.FixtureRequest) -> Iterator[Tmux]:
    if request.param == "real" and REAL is None:
        pytest.skip("no tmux on this computer; the stand-in is tested alone")
    # not tmp_path: its name is too long for a socket
    folder = Path(tempfile.mkdtemp(prefix="lnode-tmux-", dir="/tmp"))
    env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
    env |= {"TMUX_TMPDIR": str(folder), "SHELL": "/bin/sh", "HOME": str(folder)}
    (folder / ".profile").write_text("PS1='READY$ '\n")
    env |= {"LNODE_STANDIN_LOG": str(folder / "log")} if request.param == "standin" else {}
    made = Tmux((REAL or "",) if request.param == "real" else STANDIN, env)
    yield made
    made.run("kill-server")
    shutil.rmtree(folder)


def ends(child: "pexpect.spawn[str]", saying: str) -> int:
    child.expect_exact(saying)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None
    return int(child.exitstatus)


def test_version(tmux: Tmux) -> None:
    assert tmux.ok("-V").startswith("tmux 3.")


def test_without_a_server(tmux: Tmux) -> None:
    socket = f"{tmux.env['TMUX_TMPDIR']}/tmux-{os.getuid()}/default"
    missing = f"error connecting to {socket} (No such file or directory)"
    assert tmux.fails("list-sessions") == missing
    assert tmux.fails("has-session", "-t", "x") == missing
    assert tmux.fails("attach", "-t", "x") == "no sessions"


def test_after_the_last_session(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "x", "sleep 1000")
    folder = tmux.env["TMUX_TMPDIR"]
    pid = int(tmux.ok("list-panes", "-a", "-F", "#{pane_pid}"))
    tmux.ok("kill-session", "-t", "=x")
    gone_within(pid)
    wait_until(lambda: tmux.run("list-sessions")[0] == 1, "tmux has left too")
    _, _, err = tmux.run("list-sessions")
    assert err.strip() in (f"no server running on {folder}/tmux-{os.getuid()}/default", "server exited unexpectedly")


def gone_within(pid: int) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
    pytest.fail(f"process {pid} did not end")


def test_create_list_and_format(tmux: Tmux) -> None:
    named = tmux.ok("new-session", "-d", "-P", "-F", "#{session_id} #{session_name}", "-s", "a.b:c")
    assert named == "$0 a_b_c\n"
    assert tmux.ok("-u", "-2", "new", "-d", "-P", "-s", "x") == "x:\n"
    assert tmux.ok("ls", "-F", "#{session_name}|#{session_attached}|#{session_windows}|#{@mark}|##") == (
        "a_b_c|0|1||#\nx|0|1||#\n"
    )
    plain = tmux.ok("ls").splitlines()
    assert [row.partition(" (created ")[0] for row in plain] == ["a_b_c: 1 windows", "x: 1 windows"]
    panes = tmux.ok("list-panes", "-a", "-F", "#{session_name} #{pane_id} #{pane_dead} #{window_active} #{pane_active}")
    assert panes == "a_b_c %0 0 1 1\nx %1 0 1 1\n"
    times = tmux.ok("display-message", "-p", "-t", "x", "#{session_created} #{session_activity}").split()
    assert all(int(t) > 1_600_000_000 for t in times)


def test_errors_have_tmux_words(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "work")
    tmux.ok("new-session", "-d", "-s", "worse")
    assert tmux.fails("new-session", "-d", "-s", "work") == "duplicate session: work"
    assert tmux.fails("new-session", "-s", "work") == "duplicate session: work"
    assert tmux.fails("new-session", "-s", "other") == "open terminal failed: not a terminal"
    assert tmux.fails("new-session", "-d", "-s", "") == "invalid session:"
    assert tmux.fails("attach", "-t", "work") == "open terminal failed: not a terminal"
    assert tmux.fails("new-session", "-A", "-s", "work") == "open terminal failed: not a terminal"
    assert tmux.fails("attach", "-t", "nope") == "can't find session: nope"
    assert tmux.fails("has-session", "-t", "=wor") == "can't find session: wor"
    assert tmux.fails("has-session", "-t", "wor") == "can't find session: wor"  # two begin so
    assert tmux.fails("has-session", "-t", "$77") == "can't find session: $77"
    assert tmux.fails("kill-session", "-t", "=nope") == "can't find session: nope"
    assert tmux.fails("list-panes", "-t", "nope", "-F", "x") == "can't find window: nope"
    assert tmux.fails("detach-client", "-s", "work") == "no current client"
    assert tmux.fails("detach-client", "-t", "/dev/nope") == "can't find client: /dev/nope"
    assert tmux.fails("refresh-client", "-t", "/dev/nope") == "can't find client: /dev/nope"
    assert tmux.fails("list-clients", "-t", "nope", "-F", "x") == "can't find session: nope"
    for target in ("=work", "work", "=work:", "work:", "wors", "$0"):
        tmux.ok("has-session", "-t", target)


def test_user_options(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "x", ";", "set", "-t", "x", "@a", "one two", ";", "set", "@b", "2")
    assert tmux.ok("show", "-v", "-t", "=x:", "@a") == "one two\n"
    assert tmux.ok("show", "-t", "x", "@b") == "@b 2\n"
    assert tmux.ok("display", "-p", "-t", "=x:", "#{@a}/#{@b}/#{@c}") == "one two/2/\n"
    assert tmux.fails("show", "-v", "-t", "x", "@c") == "invalid option: @c"
    assert tmux.ok("show", "-qv", "-t", "x", "@c") == ""
    assert tmux.fails("set", "-t", "nope", "@a", "1") == "no such session: nope"
    assert tmux.fails("set", "-t", "=x", "@a", "1") == "no such session: =x"  # the missing colon: a pane's name
    assert tmux.ok("display", "-p", "-t", "=x", "[#{session_name}]") == "[]\n"
    tmux.ok("set", "-g", "@a", "all")
    tmux.ok("new-session", "-d", "-s", "y")
    assert tmux.ok("ls", "-F", "#{session_name}=#{@a}") == "x=one two\ny=all\n"
    assert tmux.ok("show", "-gv", "mouse") == "off\n"
    tmux.ok("set", "-t", "x", "mouse", "on")
    assert tmux.ok("show", "-v", "-t", "x", "mouse") == "on\n"
    assert tmux.fails("set", "-t", "x", "mouse", "perhaps") == "bad value: perhaps"


def test_all_options_of_a_session_and_one_taken_back(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "x", ";", "set", "@b", "one two", ";", "set", "@c", "a,1,b.c-d,k")
    tmux.ok("set", "-g", "@everybody", "has it")
    assert tmux.ok("show", "-t", "$0:") == '@b "one two"\n@c a,1,b.c-d,k\n'
    tmux.ok("set", "-u", "-t", "$0:", "@b", ";", "set", "-u", "-t", "$0:", "@never", ";", "set", "-t", "$0:", "@d", "e")
    assert tmux.ok("show", "-t", "$0:") == "@c a,1,b.c-d,k\n@d e\n"
    assert tmux.ok("ls", "-F", "[#{client_tty}]") == "[]\n"


def test_a_chain_stops_at_its_first_failure(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "x")
    assert tmux.fails("has", "-t", "nope", ";", "ls") == "can't find session: nope"


def test_detach_and_reattach_is_the_same_shell(tmux: Tmux) -> None:
    first = tmux.on_terminal("new-session", "-s", "x")
    first.expect_exact("READY$")
    first.send('MINE=kept; echo "pid:$$:$(tty | cut -c1-5):$MINE:$TMUX_PANE:$(stty size | cut -d" " -f2)"\r')
    first.expect(r"pid:(\d+):/dev/:kept:%0:97")
    assert isinstance(first.match, re.Match)
    pid = first.match.group(1)
    assert tmux.ok("list-panes", "-a", "-F", "#{pane_pid} #{session_attached}") == f"{pid} 1\n"
    assert os.getsid(int(pid)) == int(pid)
    first.send("\x02d")
    assert ends(first, "[detached (from session x)]") == 0

    assert tmux.ok("ls", "-F", "#{session_attached}") == "0\n"
    second = tmux.on_terminal("attach", "-t", "=x")
    second.expect_exact(f"pid:{pid}:/dev/:kept")  # the screen as it was left
    second.send("echo again:$MINE:$$\r")
    second.expect_exact(f"again:kept:{pid}")
    second.setwinsize(20, 71)
    second.send("until stty size | grep -q 71; do :; done; echo wi''dth is 71\r")
    second.expect_exact("width is 71")
    second.send("exit\r")
    assert ends(second, "[exited]") == 0


def test_the_client_is_killed_and_the_session_stays(tmux: Tmux) -> None:
    client = tmux.on_terminal("new-session", "-s", "x", "echo wa''iting; cat")
    client.expect_exact("waiting")
    pid = int(tmux.ok("list-panes", "-a", "-F", "#{pane_pid}"))
    client.close(force=True)
    os.kill(pid, 0)
    tmux.ok("has-session", "-t", "=x")


def test_detached_killed_or_the_server_ended_from_elsewhere(tmux: Tmux) -> None:
    def attached(*more: str) -> "pexpect.spawn[str]":
        child = tmux.on_terminal("attach", *more, "-t", "x")
        child.expect_exact("waiting")
        return child

    tmux.ok("new-session", "-d", "-s", "x", "echo wa''iting; exec cat")
    assert tmux.ok("list-panes", "-a", "-F", "#{pane_current_command}") in ("cat\n", "sh\n", "echo\n")
    first = attached()
    tmux.ok("detach-client", "-s", "=x")
    assert ends(first, "[detached (from session x)]") == 0
    first = attached()
    second = attached("-d")
    assert ends(first, "[detached (from session x)]") == 0
    tmux.ok("kill-session", "-t", "=x", ";", "new-session", "-d", "-s", "y")
    assert ends(second, "[exited]") == 0
    last = tmux.on_terminal("new-session", "-A", "-s", "x", "echo wa''iting; cat")
    last.expect_exact("waiting")
    tmux.run("kill-server")
    assert ends(last, "[server exited]") == 1


def test_a_client_is_known_drawn_anew_and_detached_by_its_tty(tmux: Tmux) -> None:
    tmux.ok("new-session", "-d", "-s", "x", "echo wa''iting; exec cat", ";", "new-session", "-d", "-s", "y", "cat")
    child = tmux.on_terminal("attach", "-t", "x")
    child.expect_exact("waiting")
    path, pid, created = tmux.ok(
        "list-clients", "-t", "$0", "-F", "#{client_tty} #{client_pid} #{client_created}"
    ).split()
    assert (int(pid), 0 <= time.time() - int(created) < LIMIT) == (child.pid, True)
    assert tmux.ok("lsc", "-t", "y", "-F", "#{client_tty}") == ""
    assert tmux.ok("lsc", "-F", "#{client_tty} #{session_name}") == f"{path} x\n"
    tmux.ok("refresh-client", "-t", path)
    child.expect_exact("waiting")
    tmux.ok("detach-client", "-t", path)
    assert ends(child, "[detached (from session x)]") == 0
    assert tmux.ok("lsc", "-F", "#{client_tty}") == ""


def test_no_tmux_inside_itself(tmux: Tmux) -> None:
    inside = tmux.on_terminal("new-session", "-s", "x")
    inside.expect_exact("READY$")
    inside.send(f"{shlex.join(tmux.argv)} attach -t x; echo code:$?\r")
    inside.expect_exact("sessions should be nested with care, unset $TMUX to force")
    inside.expect_exact("code:1")
    inside.send("exit\r")
    inside.expect(pexpect.EOF)
    inside.close()


def test_twenty_at_once_make_one(tmux: Tmux) -> None:
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda _: tmux.run("new-session", "-d", "-s", "x", "sleep 1000"), range(20)))
    assert sorted(code for code, _, _ in done) == [0] + [1] * 19
    assert {err for code, _, err in done if code} == {"duplicate session: x\n"}
    assert tmux.ok("ls", "-F", "#{session_name}") == "x\n"


# Twenty stand-ins that have all been loaded and wait at one pipe: nothing is left between them but the lock.
AT_ONE_MOMENT = """
import os, sys
from importlib.machinery import SourceFileLoader
main = SourceFileLoader("standin", sys.argv[1]).load_module().main
gate, opener = os.pipe()
children = []
for _ in range(20):
    children.append(os.fork())
    if children[-1] == 0:
        os.close(opener)
        os.read(gate, 1)
        os._exit(main(["new-session", "-d", "-s", "x", "sleep 1000"]))
os.close(opener)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


@pytest.mark.parametrize("tmux", ["standin"], indirect=True)
def test_twenty_at_the_very_same_moment_start_one_server(tmux: Tmux) -> None:
    words = [sys.executable, "-I", "-W", "ignore", "-B", "-c", AT_ONE_MOMENT, STANDIN[-1]]
    done = subprocess.run(words, env=tmux.env, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.stdout == f"{[0] + [1] * 19}\n"
    assert set(done.stderr.splitlines()) == {"duplicate session: x"}
    tmux.ok("has-session", "-t", "=x")


@pytest.mark.parametrize(
    "args",
    [
        ["split-window"],
        ["new-session", "-t", "x"],
        ["new-session", "-d", "sleep", "1000"],
        ["new-session", "-d", "-s", "#{pid}"],
        ["ls", "-F", "#{session_path}"],
        ["ls", "-F", "#S"],
        ["ls", "-F", "#{?pane_dead,a,b}"],
        ["list-panes", "-a"],
        ["set", "-g", "status", "off"],
        ["set", "-gu", "@x"],
        ["set", "-u", "@x", "1"],
        ["list-clients"],
        ["refresh-client"],
        ["refresh-client", "-S"],
        ["show", "-g", "status"],
        ["display-message", "-t", "x", "a status line message"],
        ["-f", "/dev/null", "ls"],
        ["ls;", "ls"],
    ],
)
def test_the_stand_in_refuses_what_it_does_not_model(args: list[str], tmp_path: Path) -> None:
    env = os.environ | {"TMUX_TMPDIR": str(tmp_path), "LNODE_STANDIN_LOG": str(tmp_path / "log"), "TERM": "vt100"}
    done = subprocess.run([*STANDIN, *args], env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 64
    assert done.stderr.startswith("stand-in tmux: does not model ")
    row = json.loads((tmp_path / "log").read_text())
    assert row["argv"] == args
    assert row["TERM"] == "vt100"
    assert list(tmp_path.glob("tmux-*/default")) == []
