"""What a fresh interpreter has loaded before ssh is on its way: none of the libraries that cost time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

HEAVY = {"asyncssh", "paramiko", "keyring", "cryptography"}
LIMIT_S = 60

# Runs `lnode` and writes, at each start of a process, its argv and the modules that are loaded by then.
WATCH = """
import json, os, sys
def hook(event, args):
    if event == "subprocess.Popen":
        with open(os.environ["SEEN"], "a") as seen:
            print(json.dumps([[str(word) for word in args[1]], sorted(sys.modules)]), file=seen)
sys.addaudithook(hook)
from lnode.__main__ import main
main()
"""


# Windows has none of these modules.
WINDOWS = """
import sys
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
from lnode.__main__ import _run
from lnode.cli.exit import explained
sys.exit(explained(lambda: _run(sys.argv[1:], "win32")))
"""


@pytest.mark.parametrize("words", [[], ["unity"], ["--doctor"], ["unity", "--doctor"]])
def test_windows_itself_is_told_where_lnode_runs(words: list[str]) -> None:
    argv = [sys.executable, "-c", WINDOWS, *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lnode: Windows itself is not supported: lnode runs on macOS, Linux and in WSL\n")
    assert "wsl --install" in done.stderr


def loaded_before_ssh(folder: Path, *args: str, last: str) -> set[str]:
    """All modules at the start of the first ssh with the option `last`."""
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text('#!/bin/sh\ncase "$*" in *-G*) echo hostname x ;; *) exit 100 ;; esac\n')
    ssh.chmod(0o755)
    env = {
        "PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": str(folder), "LNODE_CONFIG": str(folder / "config.toml"),
        "TMPDIR": str(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8", "SEEN": str(folder / "seen"),
    }  # fmt: skip
    (folder / "config.toml").write_text('[hosts.unity]\nmem = "1000"\n')
    child = pexpect.spawn(sys.executable, ["-c", WATCH, *args], env=env, timeout=LIMIT_S, encoding="utf-8")
    if not args:
        child.expect("q leaves")
        child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    for row in (folder / "seen").read_text().splitlines():
        argv, modules = json.loads(row)
        if last in argv:
            return {*modules, *(module.partition(".")[0] for module in modules)}
    raise AssertionError(f"ssh {last} was never started: {child.before}")


def test_nothing_heavy_before_the_terminal(tmp_path: Path) -> None:
    loaded = loaded_before_ssh(tmp_path, "unity", last="-t")
    assert "lnode" in loaded
    assert not loaded & (HEAVY | {"rich", "asyncio", "lnode.cluster.sessions", "lnode.ssh.question"})


@pytest.mark.parametrize("args", [["unity", "--ls"], ["unity", "--kill", "--yes"]])
def test_nothing_heavy_before_the_question(tmp_path: Path, args: list[str]) -> None:
    assert not loaded_before_ssh(tmp_path, *args, last="-T") & (HEAVY | {"rich", "asyncio"})


def test_nothing_heavy_before_the_picker_asks(tmp_path: Path) -> None:
    loaded = loaded_before_ssh(tmp_path, last="-G")
    assert "lnode.commands.ls.pick_state" in loaded
    assert not loaded & (HEAVY | {"rich", "asyncio", "typer"})


def test_nothing_heavy_for_help() -> None:
    code = (
        "import atexit, json, sys; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
        "from lnode.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], env=dict(os.environ), capture_output=True, text=True,
        timeout=LIMIT_S, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("Usage: lnode")
    assert not {module.partition(".")[0] for module in json.loads(done.stderr)} & (HEAVY | {"rich", "asyncio"})
