"""Windows, simulated: each module loads without those of Unix, and each command says that lnode runs in WSL."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lnode
from lnode.cli.words import VERBS, Scope

LIMIT_S = 60
CI = Path(__file__).parents[2] / ".ci" / "run"
WORKING = (["--version"], ["--man"])
PACKAGE = Path(lnode.__file__).parent
OF_UNIX = ("termios", "fcntl", "pwd", "grp", "tty", "pty", "resource")
BEHIND_A_CHECK = ("lnode.demo.server", "lnode.demo.state")  # demo.py loads them, and not on Windows

# The libraries come first: they would not load with a platform that is not theirs.
WINDOWS = f"""\
import asyncio, concurrent.futures.process, importlib, logging.handlers, subprocess, sys
import asyncssh, keyring, paramiko, platformdirs, rich, typer, typer.core, typer.exceptions
sys.modules.update(dict.fromkeys({OF_UNIX}))  # None: an import of it fails
sys.platform = "win32"
"""


def on_windows(code: str, *words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WINDOWS + code, *words], env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip


def test_each_module_loads(tmp_path: Path) -> None:
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in sorted(PACKAGE.rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    assert {*BEHIND_A_CHECK} <= {*names}
    code = "for name in sys.argv[1:]: importlib.import_module(name)"
    done = on_windows(code, *(name for name in names if name not in BEHIND_A_CHECK), home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def of_each_verb() -> list[list[str]]:
    """The words of each verb, on a host if it has one."""
    words = []
    for verb in VERBS.values():
        place = [] if verb.scope is Scope.LAPTOP else ["unity"] if verb.scope is Scope.HOST else ["unity", "x"]
        words.append(
            [*place, *verb.flags, *(["5"] if verb.metavar else []), *(["--", "x"] if verb.name == "run" else [])]
        )
    return [[], ["demo"], ["demo", "--drop", "5"], ["--ls"], *words]


SAID = "lnode: Windows itself is not supported: lnode runs on macOS, Linux and in WSL"


@pytest.mark.parametrize("words", [["demo"], ["unity"], ["--ls"]], ids=" ".join)
def test_each_command_says_where_lnode_runs(words: list[str], tmp_path: Path) -> None:
    done = on_windows("from lnode.__main__ import main; main()", *words, home=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, SAID)


def test_each_verb_says_where_lnode_runs(tmp_path: Path) -> None:
    """In one process: the libraries take a second to load."""
    code = """\
import contextlib, io, json
from lnode.__main__ import _run
from lnode.cli.exit import explained
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = explained(lambda: _run(words))
    print(int(code), said.getvalue().splitlines()[0])"""
    words = [words for words in of_each_verb() if words not in WORKING]
    done = on_windows(code, json.dumps(words), home=tmp_path)
    assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", [f"1 {SAID}"] * len(words))
    assert len(words) > len(VERBS)


@pytest.mark.parametrize("words", [*WORKING, ["--help"]], ids=" ".join)
def test_some_words_need_no_wsl(words: list[str], tmp_path: Path) -> None:
    done = on_windows("from lnode.__main__ import main; main()", *words, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "lnode" in done.stdout.lower()


def test_ci_checks_the_types_of_all_that_windows_loads(tmp_path: Path) -> None:
    code = """\
import atexit
atexit.register(lambda: print(*(name for name in sys.modules if name.startswith("lnode")), file=sys.stderr))
from lnode.__main__ import main; main()"""
    loaded = set()
    for words in (["unity"], *WORKING, ["--help"]):
        loaded |= {*on_windows(code, *words, home=tmp_path).stderr.splitlines()[-1].split()}
    (line,) = re.findall(r"mypy --platform win32 (.+)", CI.read_text(encoding="utf-8").replace("\\\n", " "))
    paths = [PACKAGE.parent / word.removeprefix("client/") for word in line.split() if not word.startswith("-")]
    checked = {path for word in paths for path in ([word] if word.suffix else word.rglob("*.py"))}
    files = {PACKAGE.parent.joinpath(*name.split(".")) for name in loaded}
    missing = {file for file in files if not file.is_dir() and file.with_suffix(".py") not in checked}
    assert missing == set()
