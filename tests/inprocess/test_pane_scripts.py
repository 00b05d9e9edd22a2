"""Looking at a session and typing into it without attaching: the scripts on a real tmux with a private socket."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lnode.cluster import keystrokes, panes
from lnode.cluster.panes import Look, PanePosition
from lnode.remote import call
from lnode.remote.reply import Reply, parse_reply
from rig import wait_until
from shells import installed, through

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
LIMIT_S = 60
# As a program sees its keys: raw, each run of bytes appended to a file.
KEYS = "stty raw -echo; echo ready; exec dd bs=1 of=keys 2>/dev/null"


class Host:
    """A tmux server of its own, and the scripts as sshd would run them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {"HOME": str(home), "PATH": os.environ["PATH"], "SHELL": "/bin/sh", "TERM": "xterm",
                    "LANG": "C.UTF-8", "TMUX_TMPDIR": str(home), "PS1": "$ "}  # fmt: skip

    def tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", *args],
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def start(self, name: str, command: str, *, shows: str = "ready", history: int = 2000) -> None:
        """A session of that name, however odd, with 60 columns and 10 rows."""
        limit = ("set-option", "-g", "history-limit", str(history))
        session = self.tmux(
            "start-server",
            ";",
            *limit,
            ";",
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{session_id}",
            "-x",
            "60",
            "-y",
            "10",
            command,
        )
        literal = name.replace("#", "##")
        self.tmux("rename-session", "-t", session, "--", f"{literal[:-1]}\\;" if name.endswith(";") else literal)
        wait_until(lambda: shows in self.tmux("capture-pane", "-p", "-t", session), f"{name} shows {shows}")

    def argv(self, nonce: str, script: str, *values: str) -> list[str]:
        return ["sh", "-c", call.line(script, nonce, *values)]

    def ask(self, script: str, *values: str, tell: str = "") -> Reply:
        nonce = call.nonce()
        done = subprocess.run(
            self.argv(nonce, script, "", *values), env=self.env, input=f"{tell}\n", capture_output=True,
            timeout=LIMIT_S, check=False, encoding="utf-8", errors="backslashreplace",
        )  # fmt: skip
        reply = parse_reply(nonce, done.stdout.split("\n"))
        assert "end" in reply, done.stderr
        return reply

    def peek(self, name: str, above: int = 0) -> list[str]:
        rows = [row.rstrip() for row in panes.unbarred(self.ask("peek", name, str(above), "")["screen"])]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def send(self, name: str, text: str, *, enter: bool = False) -> Reply:
        return self.ask("send", name, tell=keystrokes.line(text, enter=enter))

    def shows(self, name: str, row: str) -> None:
        wait_until(lambda: row in self.peek(name), f"{name} shows {row}")


class Waiting:
    """wait.sh with pipes to it."""

    def __init__(self, host: Host, place: PanePosition, text: str | None = None, *, how: str = "follow") -> None:
        self.nonce = call.nonce()
        argv = host.argv(self.nonce, "wait", "", "", *place, how, "" if text is None else "type", "")
        self._sh = subprocess.Popen(argv, env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.began = self._reply()
        if text is not None:
            self._say(keystrokes.line(text, enter=True))
            self.began = self._reply()

    def _reply(self) -> Reply:
        rows = []
        for row in cast("IO[str]", self._sh.stdout):
            rows.append(row.rstrip("\n"))
            if rows[-1] == f"{self.nonce} end":
                break
        return parse_reply(self.nonce, rows)

    def look(self) -> Reply:
        self._say("look")
        return self._reply()

    def _say(self, line: str) -> None:
        stdin = cast("IO[str]", self._sh.stdin)
        stdin.write(f"{line}\n")
        stdin.flush()

    def until(self, text: str) -> Look:
        """Look until that is among the rows."""
        found: list[Look] = []

        def seen() -> bool:
            look = panes.parse_look(self.look())
            if look is not None and any(text in row for row in look.rows):
                found.append(look)
            return bool(found)

        wait_until(seen, text)
        return found[0]

    def end(self) -> None:
        cast("IO[str]", self._sh.stdin).close()
        assert self._sh.wait(LIMIT_S) == 0
        cast("IO[str]", self._sh.stdout).close()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="lnode-") as name:  # not tmp_path: a socket's name is short
        made = Host(Path(name).resolve())
        yield made
        subprocess.run(["tmux", "kill-server"], env=made.env, capture_output=True, check=False)


def program(host: Host, name: str, script: str) -> str:
    """A command that tmux takes, whatever is in the script."""
    path = host.home / name
    path.write_text(script)
    return f"sh {path}"


def test_peek_shows_the_screen_as_plain_text(host: Host) -> None:
    said = r"one\n\n\033[31mred\033[0m |bar \033]0;title\007\344\275\240\345\245\275 e\314\201\n%s end\nready\n"
    host.start("peeked", program(host, "said", f"printf '{said}' lnode-x; cat"))
    assert host.peek("peeked") == ["one", "", "red |bar 你好 e\u0301", "lnode-x end", "ready"]


def test_peek_shows_rows_above(host: Host) -> None:
    host.start("long", program(host, "long", "seq 100; echo ready; cat"))
    assert host.peek("long")[:2] == ["93", "94"]
    assert host.peek("long", 20)[:2] == ["73", "74"]
    assert host.peek("long", 10000)[0] == "1"


@pytest.fixture(scope="module")
def keys(host: Host) -> Path:
    host.start("keys", program(host, "raw", f"cd {host.home}; {KEYS}"))
    return host.home / "keys"


def arrived(keys: Path, host: Host, text: str) -> bytes:
    """What the program in the session reads when that is typed; Ctrl-C after it is the mark of its end."""
    before = keys.stat().st_size if keys.exists() else 0
    assert "typed" in host.send("keys", f"{text}\x03")
    wait_until(lambda: keys.exists() and keys.read_bytes()[before:].endswith(b"\x03"), repr(text))
    return keys.read_bytes()[before:-1]


TYPED = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)


@example("'\"\\ $HOME `id` $(id) !! #{pane_id} #(id) %1 ~ * ? [a] {b}")
@example("a;")
@example("\\;")
@example("a\\;")
@example(";;")
@example("-l")
@example("--")
@example("-t other")
@example("Enter")
@example("C-c")
@example(" x ")
@example("你好 🙂")
@example("tmux kill-server")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED)
def test_what_is_typed_arrives_as_it_is(host: Host, keys: Path, text: str) -> None:
    assert arrived(keys, host, text) == text.encode()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\nb", b"a\rb"),
        ("\t", b"\t"),
        ("\x1b", b"\x1b"),
        ("\x04\x1a\x1d", b"\x04\x1a\x1d"),
        ("x" * 5000, b"x" * 5000),
        ("\x85\x9b", "\x85\x9b".encode()),
        ("\udcff", b"\xff"),
    ],
)
def test_control_characters_are_the_keys_that_make_them(host: Host, keys: Path, text: str, read: bytes) -> None:
    assert arrived(keys, host, text) == read


@pytest.mark.parametrize("name", ["a b", "it's", '"', "-x", "#{pane_id}", "$(id)", "é你", "a;", "%0", "=y", "*"])
def test_names_are_exact(host: Host, name: str) -> None:
    host.start(f"{name}2", "echo ready; echo other; cat")
    assert "no-session" in host.ask("peek", name, "0", "")
    host.start(name, "echo ready; echo mine; cat")
    assert host.peek(name) == ["ready", "mine"]
    assert "typed" in host.send(name, "x")
    host.shows(name, "x")
    assert host.peek(f"{name}2") == ["ready", "other"]


def test_a_pane_in_copy_mode_is_brought_back(host: Host, keys: Path) -> None:
    host.tmux("copy-mode", "-t", "keys:")
    before = len(keys.read_bytes()) if keys.exists() else 0
    assert {"left-mode", "typed"} <= set(host.send("keys", "q", enter=False))
    wait_until(lambda: keys.read_bytes()[before:] == b"q", "the key is the program's")


def test_a_dead_pane_is_told(host: Host) -> None:
    host.start("dead", "echo ready; exec cat")
    host.tmux("set-option", "-t", "dead", "remain-on-exit", "on")
    host.tmux("send-keys", "-t", "dead:", "C-d")
    wait_until(lambda: host.tmux("list-panes", "-t", "dead:", "-F", "#{pane_dead}") == "1", "it has ended")
    assert "dead" in host.send("dead", "x")
    assert "typed" not in host.send("dead", "x")


def test_waiting_sees_what_went_past_the_screen_and_only_what_has_changed(host: Host) -> None:
    host.start("flow", "echo ready; exec sh -i", shows="$")
    waiting = Waiting(host, panes.named("flow"))
    waiting.until("ready")
    assert "same" in waiting.look()
    host.send("flow", "seq 500; echo 'do'ne", enter=True)
    host.shows("flow", "done")
    look = waiting.until("done")
    assert "7" in look.rows
    waiting.end()


def test_after_a_cut_it_goes_on_where_it_was(host: Host) -> None:
    host.start("cut", "echo ready; exec sh -i", shows="$")
    waiting = Waiting(host, panes.named("cut"))
    look = waiting.until("ready")
    place = panes.again(waiting.began)
    assert place is not None
    waiting.end()
    host.tmux("rename-session", "-t", "cut", "other-name")
    host.send("other-name", "seq 100; echo 'do'ne", enter=True)
    host.shows("other-name", "done")
    assert look.last == place.last == "0"
    waiting = Waiting(host, place)
    assert "7" in waiting.until("done").rows
    waiting.end()


@pytest.mark.parametrize("how", ["follow", "since"])
@pytest.mark.parametrize("rows", [12, 25, 37, 60])
def test_a_history_that_is_full_does_not_hide_what_is_new(host: Host, rows: int, how: str) -> None:
    """tmux drops ten rows of these 100 each time."""
    name = f"full{rows}{how}"
    host.start(name, "seq 104; echo ready; exec sh -i", shows="$", history=100)
    waiting = Waiting(host, panes.named(name), "echo 'rea'lly" if how == "since" else None, how=how)
    waiting.until("really" if how == "since" else "ready")
    assert int(host.tmux("list-panes", "-t", f"{name}:", "-F", "#{history_size}")) >= 95
    host.send(name, f"echo 'fir'st; seq 1001 {1000 + rows}; echo 'do'ne", enter=True)
    host.shows(name, "done")
    seen = waiting.until("done").rows
    assert ("first" in seen, "ready" in seen) == (True, how == "follow")  # the screen that was looked at
    waiting.end()


# A tmux that has something printed on the terminal in $TTY before it shows a pane, once for each row of $ROWS.
PRINTS_BETWEEN = """#!/bin/sh
case " $* " in *" capture-pane "*)
  if [ -s "$ROWS" ]; then
    sed -i 1d "$ROWS"
    count() { "$REAL" list-panes -t "$NAME:" -F '#{history_size} #{history_bytes} #{cursor_y}'; }
    was=$(count)
    echo between >"$TTY"
    until [ "$(count)" != "$was" ]; do :; done
  fi
esac
exec "$REAL" "$@"
"""


@pytest.mark.parametrize("number", range(1, 7))
def test_a_row_that_comes_between_two_questions_hides_nothing(host: Host, tmp_path: Path, number: int) -> None:
    """tmux counts from the top of the screen, which moves while a program prints."""
    name = f"between{number}"
    host.start(name, "seq 104; echo ready; exec sh -i", shows="$", history=100)
    waiting = Waiting(host, panes.named(name), "echo 'rea'lly", how="since")
    waiting.until("really")
    waiting.end()
    place = panes.again(waiting.began)
    assert place is not None
    (tmp_path / "tmux").write_text(PRINTS_BETWEEN)
    (tmp_path / "tmux").chmod(0o755)
    (tmp_path / "rows").touch()
    real = {
        "NAME": name,
        "REAL": str(shutil.which("tmux")),
        "ROWS": f"{tmp_path}/rows",
        "TTY": host.tmux("display-message", "-pt", f"{name}:", "#{pane_tty}"),
    }
    between = Host(host.home)
    between.env = {**host.env, **real, "PATH": f"{tmp_path}:{host.env['PATH']}"}
    waiting = Waiting(between, place, how="since")
    waiting.until("really")
    host.send(name, "echo 'fir'st; seq 1001 1037; echo 'do'ne", enter=True)
    host.shows(name, "done")
    (tmp_path / "rows").write_text("between\n" * number)
    seen = waiting.until("done").rows
    assert ("first" in seen, (tmp_path / "rows").read_text()) == (True, "")
    waiting.end()


def test_the_last_words_of_a_pane_that_closes_are_told(host: Host, tmp_path: Path) -> None:
    """The pane is there when its rows are read, and gone a moment later."""
    host.start("closes", "echo ready; exec sh -i", shows="$")
    (tmp_path / "tmux").write_text(
        '#!/bin/sh\n"$REAL" "$@"\nstatus=$?\n'
        'case " $* " in *" capture-pane "*) [ ! -e "$ENDS" ] || "$REAL" kill-session -t closes ;; esac\nexit $status\n'
    )
    (tmp_path / "tmux").chmod(0o755)
    between = Host(host.home)
    real = {"REAL": str(shutil.which("tmux")), "ENDS": f"{tmp_path}/ends"}
    between.env = {**host.env, **real, "PATH": f"{tmp_path}:{host.env['PATH']}"}
    waiting = Waiting(between, panes.named("closes"))
    waiting.until("ready")
    host.send("closes", "echo 'do'ne", enter=True)
    host.shows("closes", "done")
    (tmp_path / "ends").touch()
    look = panes.parse_look(waiting.look())
    assert look is not None and "done" in look.rows
    assert "gone" in waiting.look()


def test_waiting_after_a_sending_passes_over_what_was_there(host: Host) -> None:
    host.start("since", "echo ready; exec sh -i", shows="$")
    waiting = Waiting(host, panes.named("since"), "echo 'do'ne", how="since")
    assert panes.unbarred(waiting.began["before"])[0].rstrip() == "$"
    look = waiting.until("done")
    assert "ready" not in look.rows
    assert "echo 'do'ne" in look.rows[0]
    waiting.end()


def test_after_clear_all_is_new(host: Host) -> None:
    host.start("clear", "seq 30; echo ready; exec sh -i", shows="$")
    waiting = Waiting(host, panes.named("clear"), r"printf '\033[H\033[2J\033[3J'; echo 'do'ne", how="since")
    waiting.until("done")
    waiting.end()


def test_a_session_that_ends_is_gone(host: Host) -> None:
    host.start("ends", "echo ready; exec cat")
    waiting = Waiting(host, panes.named("ends"))
    place = panes.again(waiting.began)
    host.tmux("kill-session", "-t", "ends")
    assert "gone" in waiting.look()
    waiting.end()
    assert place is not None
    assert "no-session" in Waiting(host, place).began


def test_a_bell_is_seen_where_nobody_is_attached(host: Host) -> None:
    host.start("bell", "echo ready; exec sh -i", shows="$")
    waiting = Waiting(host, panes.named("bell"), "sleep 0", how="since")
    look = waiting.until("sleep")
    assert not look.bell
    host.send("bell", r"printf '\a'ding", enter=True)
    assert waiting.until("'ding").bell or waiting.until("ding").bell
    waiting.end()


def test_keys_that_would_go_to_all_panes_are_not_typed(host: Host) -> None:
    host.start("both", "echo ready; exec cat")
    host.tmux("split-window", "-d", "-t", "both:", "cat")
    host.tmux("set-window-option", "-t", "both:", "synchronize-panes", "on")
    reply = host.send("both", "y", enter=True)
    assert ("synchronized" in reply, "typed" in reply) == (True, False)
    assert "flow" not in host.ask("reset", "both")
    host.tmux("set-window-option", "-t", "both:", "synchronize-panes", "off")
    assert "typed" in host.send("both", "y", enter=True)


def test_options_that_rc_files_export_change_nothing(host: Host, tmp_path: Path) -> None:
    host.start("strict", "echo ready; exec cat")
    nonce = call.nonce()
    line = through(call.line("peek", nonce, "", "strict", "0", ""), installed("bash", tmp_path / "bin"))
    done = subprocess.run(
        ["sh", "-c", line], env={**host.env, "SHELLOPTS": "braceexpand:errexit:noclobber:nounset"},
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert "screen" in parse_reply(nonce, done.stdout.split("\n")), done.stderr


def test_a_screen_full_of_binary_is_thawed(host: Host) -> None:
    host.start("frozen", r"echo ready; printf '\033(0\033[?1003h'; exec sh -i")
    host.tmux("send-keys", "-t", "frozen:", "C-s")
    assert {"terminal", "flow"} <= set(host.ask("reset", "frozen"))
    assert host.tmux("list-panes", "-t", "frozen:", "-F", "#{mouse_any_flag}") == "0"
    host.send("frozen", "echo 'thaw'ed", enter=True)
    host.shows("frozen", "thawed")


@pytest.mark.parametrize(("program", "thaws"), [("srun", True), ("qsh", True), ("emacs", False)])
def test_what_is_frozen_on_the_node_is_thawed_through_the_tty_here(
    host: Host, tmp_path: Path, program: str, thaws: bool
) -> None:
    """script stands for srun: it passes all keys on to a tty of its own."""
    there = shutil.copy(shutil.which("script") or pytest.skip("no script here"), tmp_path / program)
    host.start(program, f"echo ready; exec {there} -qc 'exec sh -i' /dev/null", shows="$")
    host.send(program, "echo in-far", enter=True)
    host.shows(program, "in-far")
    host.tmux("send-keys", "-t", f"{program}:", "C-s")
    assert ("flow" in host.ask("reset", program)) == thaws
    if not thaws:
        host.tmux("send-keys", "-t", f"{program}:", "C-q")  # script outlives tmux while it is frozen
    host.send(program, "echo 'thaw'ed", enter=True)
    host.shows(program, "thawed")


def test_a_tmux_that_knows_no_panes_is_no_session_that_is_not_there(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.start("x", "echo ready; cat")
    real, folder = shutil.which("tmux"), host.home / "bin"
    folder.mkdir()
    (folder / "tmux").write_text(
        f'#!/bin/sh\ncase $* in *list-panes*) echo no such thing; exit 64 ;; esac\nexec {real} "$@"\n'
    )
    (folder / "tmux").chmod(0o755)
    monkeypatch.setitem(host.env, "PATH", f"{folder}:{host.env['PATH']}")
    assert host.ask("peek", "x", "0", "")["refused"] == ("no such thing",)
    assert "no-session" in host.ask("peek", "y", "0", "")


def test_a_tmux_that_does_not_answer_for_a_while_is_no_pane_that_is_gone(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.start("doubt", "echo ready; exec cat")
    real, folder = shutil.which("tmux"), host.home / "doubting"
    folder.mkdir()
    broken = host.home / "broken"
    (folder / "tmux").write_text(
        f'#!/bin/sh\nif [ -e {broken} ] && [ "$1" != -V ]; then echo "lost server" >&2; exit 1; fi\nexec {real} "$@"\n'
    )
    (folder / "tmux").chmod(0o755)
    monkeypatch.setitem(host.env, "PATH", f"{folder}:{host.env['PATH']}")
    waiting = Waiting(host, panes.named("doubt"))
    place = panes.again(waiting.began)
    assert place is not None
    waiting.until("ready")
    broken.touch()
    reply = waiting.look()
    assert (reply.get("refused"), "gone" in reply) == (("lost server",), False)
    assert "no-session" not in Waiting(host, place).began
    assert "refused-tmux" in host.ask("send", "doubt", tell=keystrokes.line("x", enter=True))


def test_what_is_typed_is_in_no_programs_arguments(host: Host, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user of a login node can read those (ps): each program on the way writes down its own."""
    folder = host.home / "spies"
    folder.mkdir()
    for program in ("tmux", "base64", "timeout", "cat", "printf", "env", "sed"):
        (folder / program).write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$0 $*" >>{host.home}/argv\nexec {shutil.which(program)} "$@"\n'
        )
        (folder / program).chmod(0o755)
    monkeypatch.setitem(host.env, "PATH", f"{folder}:{host.env['PATH']}")
    for secret in ("hunter2 ünsafe;", "-b x", "x" * 9000):
        assert arrived(keys, host, secret) == secret.encode()
        argv = (host.home / "argv").read_text()
        assert "load-buffer" in argv
        assert secret not in argv
        assert base64.b64encode(secret.encode()).decode() not in argv
    assert host.tmux("list-buffers") == ""


@pytest.mark.parametrize("text", ["fix the test", "one\ntwo", "x" * 5000, "\x15again"])
def test_the_last_enter_comes_after_a_pause(host: Host, keys: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """To Codex an Enter within 120 ms of a burst is pasted as a newline. Here the pause lasts until all is read."""
    folder, begun = host.home / "pauses", keys.stat().st_size if keys.exists() else 0
    folder.mkdir(exist_ok=True)
    expected = text.replace("\n", "\r").encode()
    size = begun + len(expected)
    until = f'until [ "$(($(wc -c <{keys})))" -ge {size} ]; do /bin/sleep 0.01; done'
    (folder / "sleep").write_text(f"#!/bin/sh\n{until}\nwc -c <{keys} >{folder}/at\n")
    (folder / "sleep").chmod(0o755)
    monkeypatch.setitem(host.env, "PATH", f"{folder}:{host.env['PATH']}")
    keys.touch()
    assert "typed" in host.send("keys", text, enter=True)
    assert int((folder / "at").read_text()) == size
    wait_until(lambda: keys.read_bytes()[begun:] == expected + b"\r", "Enter has come")
    (folder / "at").unlink()
    assert "typed" in host.send("keys", "", enter=True)  # an Enter alone needs none
    wait_until(lambda: keys.read_bytes()[begun:] == expected + b"\r\r", "Enter has come")
    assert not (folder / "at").exists()


def test_a_tmux_whose_buffers_have_numbers(host: Host, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tmux 1.8 and 1.9."""
    folder = host.home / "numbers"
    folder.mkdir()
    (folder / "tmux").write_text(
        '#!/bin/sh\ncase "$*" in *" -b lnode"*) echo "buffer invalid" >&2; exit 1 ;; esac\n'
        f'exec {shutil.which("tmux")} "$@"\n'
    )
    (folder / "tmux").chmod(0o755)
    monkeypatch.setitem(host.env, "PATH", f"{folder}:{host.env['PATH']}")
    assert arrived(keys, host, "typed all the same") == b"typed all the same"


def test_nothing_is_typed_for_a_connection_that_nobody_waits_for(host: Host) -> None:
    host.start("given up", "echo ready; exec cat")
    line = host.argv(call.nonce(), "send", "", "given up")
    done = subprocess.run(
        line, env=host.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    assert "typed" not in done.stdout
