"""What --rescue tells you to type, typed at each shell that is installed here, whose terminal is then closed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lnode.commands.rescue import recipes
from lnode.commands.rescue.recipes import Fate, RescueProcess
from lnode.remote import call
from lnode.remote.reply import parse_reply
from rig import wait_until
from window import Window

SHELLS = {"bash": ["--norc"], "zsh": ["-f"], "fish": [], "tcsh": ["-f"], "dash": []}
LIMIT_S = 60
# It counts for two minutes, in a file; a hangup ends it, as it ends any program.
COUNT = """\
import os, time
open("pid", "w").write(str(os.getpid()))
for step in range(1200):
    with open("steps", "a") as file:
        file.write(".")
    time.sleep(0.1)
"""
# A pipe of its own, so that the one that is rescued is not the one by which the shell knows the job.
JOB = f"{sys.executable} count.py\necho over\n"

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc here, as on Linux")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    return str(request.param)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "count.py").write_text(COUNT)
    (tmp_path / "job.sh").write_text(JOB)
    # Without it fish makes completions of all man pages, in a process that outlives it.
    (tmp_path / ".local/share/fish/generated_completions").mkdir(parents=True)
    return {
        "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LANG": "C.UTF-8", "TMUX_TMPDIR": str(tmp_path),
    }  # fmt: skip


@pytest.fixture
def window(shell: str, tmp_path: Path, environment: dict[str, str]) -> Iterator[Window]:
    """Its terminal, with another job in it that was stopped before."""
    path = shutil.which(shell) or shell
    with Window(["/bin/sh", "-c", f"cd {tmp_path} && exec {path} {' '.join(SHELLS[shell])} -i"], environment) as opened:
        typed(opened, "")
        opened.press("sh -c 'printf =%s= up; exec cat'\r")
        opened.wait_again("=up=")
        opened.press("\x1a")
        typed(opened, "")
        yield opened


def typed(window: Window, line: str) -> None:
    """A line, until the shell has done it."""
    window.press(f"{line}\r")
    window.press("printf '=%s=\\n' done\r")
    window.wait_again("=done=")


def state(pid: int) -> str:
    """ps's STAT, "" of who is gone."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def stop(window: Window, pid: int) -> None:
    window.press("\x1a")
    wait_until(lambda: state(pid).startswith("T"), "it is stopped")


def started(window: Window, folder: Path, how: str) -> int:
    """The counting process, as the second job there: in front, stopped or behind."""
    window.press("sh job.sh &\r" if how == "behind" else "sh job.sh\r")
    wait_until((folder / "steps").exists, "it counts")
    pid = int((folder / "pid").read_text())
    if how == "stopped":
        stop(window, pid)
    return pid


def looked_at(pid: int, environment: dict[str, str]) -> RescueProcess:
    """What rescue.sh says of it."""
    nonce = call.nonce()
    done = subprocess.run(
        ["/bin/sh", "-c", call.line("rescue", nonce, "", str(pid), "rescued")],
        env=environment, input="", capture_output=True, text=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    found = recipes.parse(parse_reply(nonce, done.stdout.split("\n"))["facts"])
    assert isinstance(found, RescueProcess)
    return found


def obey(window: Window, pid: int, words: str) -> None:
    """Type what the recipe says, as a person does who reads it."""
    if words.startswith("nothing more"):
        return
    if words.startswith("Ctrl-Z, then "):
        stop(window, pid)
        words = words.removeprefix("Ctrl-Z, then ")
    words, _, where = words.partition(", where jobs -l has ")
    if where:
        job = where.split()[0]
        window.press("jobs -l\r")
        number = window.find(rf"^\[(\d+)\] .*\b{job}\b")[1]
        words = words.replace("%N", f"%{number}")
    typed(window, words)


def steps(folder: Path) -> int:
    return (folder / "steps").stat().st_size


@pytest.mark.parametrize("how", ["in front", "stopped", "behind"])
def test_it_goes_on_when_its_terminal_is_gone(
    how: str, shell: str, window: Window, tmp_path: Path, environment: dict[str, str]
) -> None:
    pid = started(window, tmp_path, how)
    process = looked_at(pid, environment)
    assert (recipes.fate(process), process.shell) == (Fate.BY_HAND, shell)
    obey(window, pid, re.sub(r"^at its terminal \(pts/\d+\): ", "", recipes.recipe(process, "unity")[0]))
    window.process.close(force=True)
    seen = steps(tmp_path)
    wait_until(lambda: steps(tmp_path) > seen + 3, f"it goes on; it is {state(pid)!r}")
    os.kill(pid, 9)


@pytest.mark.parametrize("how", ["in front", "stopped"])
def test_without_that_it_ends(how: str, window: Window, tmp_path: Path) -> None:
    pid = started(window, tmp_path, how)
    window.process.close(force=True)
    wait_until(lambda: state(pid)[:1] in ("", "Z"), "it ends")
