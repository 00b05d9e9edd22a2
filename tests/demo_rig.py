"""A demo of its own for a test: a private home, its programs, and terminals in it."""

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from lnode.demo import demo, state

LIMIT = 60
USER = getpass.getuser()
NOBODY = 2**22 + 1  # no Linux or macOS process id is so high


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"


@contextmanager
def prepared(kind: str) -> Iterator[state.DemoFolders]:
    if kind == "real" and state.real_tmux() is None:
        pytest.skip("no tmux on this computer; the stand-in is tested alone")
    root = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))  # not tmp_path: that is too long for a socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root))
        patch.setenv("XDG_STATE_HOME", str(root / "state"))
        patch.setenv("SHELL", "/bin/bash")
        if kind == "standin":
            patch.setenv("LNODE_DEMO_TMUX", "standin")
        yield state.prepare()
        demo.reset()
    shutil.rmtree(root)


def run(place: state.DemoFolders, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words, env=state.environment(place) | env, capture_output=True, text=True, timeout=LIMIT, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def on_terminal(place: state.DemoFolders, *words: str) -> "pexpect.spawn[str]":
    env = state.environment(place) | {"TERM": "xterm-256color"}
    path = shutil.which(words[0], path=env["PATH"])
    assert path
    return pexpect.spawn(path, list(words[1:]), env=env, timeout=LIMIT, dimensions=(40, 110), encoding="utf-8")


def queue(place: state.DemoFolders, fields: str, *, all_states: bool = False, **env: str) -> list[str]:
    more = ("-t", "all") if all_states else ()
    done = run(place, "squeue", "-h", *more, "-u", USER, "-O", fields, **env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
