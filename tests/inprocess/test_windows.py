"""Windows, simulated: each module loads without those of Unix, and each command says that lnode runs in WSL."""

import subprocess
import sys
from pathlib import Path

import pytest

import lnode

LIMIT_S = 60
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


@pytest.mark.parametrize("words", [["demo"], ["demo", "--drop", "5"], ["unity"], ["unity", "--doctor"], ["--ls"]])
def test_each_command_says_where_lnode_runs(words: list[str], tmp_path: Path) -> None:
    done = on_windows("from lnode.__main__ import main; main()", *words, home=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1, "lnode: Windows itself is not supported: lnode runs on macOS, Linux and in WSL"
    )  # fmt: skip
