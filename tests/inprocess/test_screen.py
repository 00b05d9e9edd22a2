"""What reaches the terminal, byte for byte, on a real pty: no text of a host controls it, it ends plain."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import lnode
from nearby import Nearby, nearby
from window import Window

# DCS, RIS, an 8-bit CSI, the clipboard, another text direction, a character of no width, half a character.
EVIL = "a\x1bP1$tq\x1b\\b\x1bc\x9b2J\x1b]52;c;ZXZpbA==\x07\u202egnp\u2066x\u200b\ud800"
SHOWN = r"a\x1bP1$tq\x1b\b\x1bc\x9b2J\x1b]52;c;ZXZpbA==\x07\u202egnp\u2066x\u200b\ud800"
NOT_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@contextmanager
def python(code: str) -> Iterator[Window]:
    """Python with lnode's screen in a terminal."""
    prelude = f"from lnode.laptop import screen; from lnode.errors import *; EVIL = {EVIL!r}\n"
    with Window([sys.executable, "-c", prelude + code], {"TERM": "xterm-256color", "LANG": "C.UTF-8"}) as window:
        yield window


@pytest.mark.parametrize(
    "code",
    [
        "with screen.waiting(EVIL, after_s=0): input()",
        "screen.say(EVIL); input()",
        "screen.show(EVIL); input()",
        "screen.show_json({'key': EVIL}); input()",
        "screen.show_error(LnodeError(ExitCode.FAILED, EVIL, EVIL, detail=EVIL)); input()",
        "screen.confirm(EVIL)",
        "screen.draw_status(EVIL); input()",
        "screen.quote(EVIL); input()",
        "screen.draw_notice(EVIL); input()",
        "screen.print_table(['A'], [[(EVIL, 'bold')]]); input()",
        "screen.print_diff([EVIL]); input()",
        "screen.Log().write(EVIL.encode('utf-8', 'replace')); input()",
        "from lnode.laptop.board import board\n"
        "with board(whole=False) as draw: draw(['A'], [[(EVIL, '')]], [EVIL]); input()",
    ],
)
def test_no_text_controls_the_terminal(code: str) -> None:
    with python(code) as window:
        window.wait_for("gnp")
        window.press("\r")
        assert window.exit_status() == 0, window.text()
    for control in (b"\x1bP", b"\x1bc", b"\xc2\x9b", b"\x9b", b"\x1b]", b"\x07", "\u202e".encode(), "\u200b".encode()):
        assert control not in window.raw, (control, window.raw)


def test_a_wait_shows_its_words_as_all_others_do() -> None:
    with python("with screen.waiting(EVIL, after_s=0): input()") as window:
        assert SHOWN in window.wait_for("gnp").replace("\n", "")


@pytest.mark.parametrize("above", [0, 28, 60])
def test_words_of_the_host_are_put_above_a_prompt(above: int) -> None:
    """Also at the end of the screen, and with an answer half typed."""
    code = f"print('\\n' * {above}, end=''); open('/dev/tty', 'w').write('password: '); "
    code += "input(); screen.quote('open https://site.edu/device'); screen.quote('x' * 120); input()"
    with python(code) as window:
        window.wait_for("password:")
        window.press("\rhalf")
        window.wait_for("x" * 97)
        window.wait_for("half")
        rows = window.text().split("\n")
        at = rows.index("  open https://site.edu/device")
        assert rows[at - 1 : at + 4] == [
            "password:", "  open https://site.edu/device", "  " + "x" * 97, "  " + "x" * 23, "half"
        ]  # fmt: skip


def test_words_that_stand_above_are_not_repeated_with_the_sentence() -> None:
    error = "LnodeError(ExitCode.FAILED, 'refused', 'hint', detail='closed today\\nnew')"
    code = f"screen.quote('closed today'); screen.show_error({error}); input()"
    with python(code) as window:
        assert window.wait_for("hint:").count("closed today") == 1
        assert "  new" in window.text()


def is_plain(raw: bytes) -> bool:
    """Does what was written last among colours take them all back?"""
    colours = re.findall(rb"\x1b\[([0-9;]*)m", raw)
    return colours[-1] in (b"", b"0")


def test_colours_of_a_log_last_while_it_is_written_and_come_back() -> None:
    code = """
log = screen.Log()
log.write(b"\\x1b[1;31mred \\x1b[4")
log.break_line()
screen.say("lnode's own words")
log.write(b"mboth\\n")
log.write(b"\\x1b[0mplain\\x1b[8m\\n")
import os; os.kill(os.getpid(), 9)
"""
    with python(code) as window:
        window.wait_for("plain")
    assert b"\x1b[1;31mred \x1b[m\r\nlnode: lnode's own words\r\n\x1b[1;31m\x1b[4mboth\r\n\x1b[m" in window.raw
    assert window.raw.endswith(b"\x1b[8m\r\n\x1b[m")


def test_colours_that_are_never_taken_back_do_not_pile_up() -> None:
    with python("log = screen.Log()\nfor _ in range(1000): log.write(b'\\x1b[1mx')\nprint('done')") as window:
        window.exit_status()
    assert len(window.raw) < 100_000


# --- the same, of lnode itself with a host that is this computer ---


@pytest.fixture
def laptop() -> Iterator[Nearby]:
    with nearby() as made:
        yield made


def run(laptop: Nearby, script: str) -> None:
    done = laptop.lnode("x", "sim", "--run", "--", "sh", "-c", script)
    assert done.returncode == 0, done


def test_a_log_leaves_no_colours_behind(laptop: Nearby) -> None:
    run(laptop, r"printf 'before \033[8;31mhidden \033[4'")
    with laptop.window("x", "sim", "--logs", "-f") as window:
        window.wait_for("lnode: sim on x ended")
        assert window.exit_status() == 0
    assert is_plain(window.raw[: window.raw.index(b"lnode: ")]) and is_plain(window.raw), window.raw


def test_a_log_leaves_no_colours_behind_after_ctrl_c(laptop: Nearby) -> None:
    run(laptop, r"printf 'before \033[8;31mhidden \033[4'; exec sleep 300")
    try:
        with laptop.window("x", "sim", "--logs", "-f") as window:
            window.wait_for("hidden")
            window.press("\x03")
            assert window.exit_status() == 130
    finally:
        laptop.lnode("x", "sim", "--kill", "--yes")
    assert is_plain(window.raw), window.raw


@pytest.mark.parametrize("encoding", [NOT_UTF8, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_locale_without_the_character_is_no_bug(laptop: Nearby, encoding: dict[str, str]) -> None:
    laptop.tmux("new-session", "-d", "-s", "\u65e5\u2713", "printf 'on the screen \\342\\234\\223'; cat")
    listed = laptop.lnode("x", "--ls", **encoding)
    assert (listed.returncode, r"\u65e5\u2713" in listed.stdout) == (0, True), listed
    peeked = laptop.lnode("x", "\u65e5\u2713", "--peek", **encoding)
    while "on the screen" not in peeked.stdout:  # its shell may not have come so far
        assert peeked.returncode == 0, peeked
        peeked = laptop.lnode("x", "\u65e5\u2713", "--peek", **encoding)
    assert r"on the screen \u2713" in peeked.stdout, peeked
    with laptop.window("x", "--ls", **encoding) as window:
        assert window.exit_status() == 0, window.text()
        assert r"\u65e5\u2713" in window.text()


def test_an_answer_that_is_no_text_is_no(laptop: Nearby) -> None:
    laptop.tmux("new-session", "-d", "-s", "fit", "cat")
    with laptop.window("x", "fit", "--kill", PYTHONIOENCODING="utf-8:strict") as window:
        window.wait_for("[y/N]")
        window.process.send(b"\xff\xfe\r")
        assert window.exit_status() == 1, window.text()
    laptop.tmux("has-session", "-t", "fit")


# --- screen.py is the only writer ---

# Programs of their own: askpass.py answers ssh and asks on /dev/tty, drop.py prints on the demo's cluster.
OTHER_WRITERS = {"demo/drop.py", "ssh/askpass.py"}


def writes(path: Path) -> list[int]:
    """The lines that write to a standard stream."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name("print"), keywords=words) if "file" not in [word.arg for word in words]:
                found.append(node.lineno)
            case ast.Attribute(ast.Name("sys"), "stdout" | "stderr" | "__stdout__" | "__stderr__"):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(ast.Name("os"), "write"), args=[ast.Constant(1 | 2), *_]):
                found.append(node.lineno)
    return found


def test_screen_is_the_only_writer() -> None:
    package = Path(str(lnode.__file__)).parent
    found = {str(path.relative_to(package)): writes(path) for path in package.rglob("*.py")}
    assert found.pop("laptop/screen.py")
    assert {name: lines for name, lines in found.items() if lines and name not in OTHER_WRITERS} == {}


def test_screen_writes_in_one_place() -> None:
    source = (Path(str(lnode.__file__)).parent / "laptop/screen.py").read_text()
    (put,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "_put"]
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"
    ]
    inside = [line for line in calls if put.lineno <= line <= int(put.end_lineno or 0)]
    log = [number for number, row in enumerate(source.split("\n"), 1) if "self._stream.buffer.write(data)" in row]
    assert sorted(calls) == sorted([*inside, *log])  # a log in a pipe is byte for byte
    assert not re.search(r"\bprint\(", source.replace(".print(", ""))


# --- one failure is one sentence ---

# As ssh, it says so in the log that -E names.
_REFUSED = """\
#!/bin/sh
case " $* " in *" -G "*) echo hostname x; exit ;; esac
while [ "$1" != -E ]; do shift; done
echo "{}" >>"$2"
exit 255
"""


@pytest.mark.parametrize("session", ["", "fit"])
def test_a_host_that_does_not_answer_is_told_once(laptop: Nearby, session: str) -> None:
    if session:
        laptop.tmux("new-session", "-d", "-s", session, "cat")
    assert laptop.lnode("x", "--ls").returncode == 0
    laptop.program("ssh", _REFUSED.format("ssh: connect to host x port 22: Connection refused"))
    done = laptop.lnode("x", "--ls")
    assert (done.returncode, session in done.stdout) == (4, True), done
    said, hint = done.stderr.splitlines()
    none = r"; \d+ s ago it had no sessions" if not session else ""
    assert re.fullmatch(rf"lnode: x \(x port 22\) refuses connections{none}", said), done
    assert hint.startswith("hint:  ")
