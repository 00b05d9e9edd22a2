"""The demo on a laptop without the programs of GNU and util-linux that every login node has, as on a Mac."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_rig import LIMIT
from lnode.demo import state

# What macOS does not have: the programs, and the keywords of its ps.
MISSING = (
    "timeout",
    "setsid",
    "stdbuf",
    "getent",
    "loginctl",
    "busctl",
    "systemd-run",
    "nproc",
    "tac",
    "shuf",
    "numfmt",
)
_PS = """\
#!/bin/sh
for word; do
  case $word in *etimes* | *sid*) echo "ps: $word: keyword not found" >&2; exit 1 ;; esac
done
exec {ps} "$@"
"""
_GREP = """\
#!/bin/sh
case $1 in -*z*) echo "grep: invalid option -- z" >&2; exit 2 ;; esac
exec {grep} "$@"
"""
_LNODE = "from lnode.demo import state; state._SYSTEM_PATH = ({folder!r},); from lnode.__main__ import main; main()"


@pytest.fixture(scope="module")
def mac() -> Iterator[Path]:
    """A laptop with a home of its own, and a folder `bin` as the only one with programs."""
    root = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))  # not tmp_path: that is too long for a socket
    programs = root / "bin"
    programs.mkdir()
    for folder in state._SYSTEM_PATH:
        for path in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if path.name not in MISSING and not (programs / path.name).is_symlink():
                (programs / path.name).symlink_to(path)
    for name, text in (("ps", _PS), ("grep", _GREP)):
        (programs / name).unlink()
        (programs / name).write_text(text.format(**{name: shutil.which(name)}))
        (programs / name).chmod(0o755)
    yield root
    assert lnode(root, "demo", "--reset").returncode == 0
    shutil.rmtree(root)


def lnode(mac: Path, *words: str, usual: str = "") -> "subprocess.CompletedProcess[str]":
    env = {
        "PATH": str(mac / "bin"), "HOME": str(mac), "XDG_STATE_HOME": str(mac), "LNODE_CONFIG": f"{mac}/config.toml",
        "SHELL": "/bin/sh", "LANG": "C.UTF-8",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", _LNODE.format(folder=usual or str(mac / "bin")), *words],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip


def test_tmux_is_asked(mac: Path) -> None:
    done = lnode(mac, "demo", "--ls")
    assert done.returncode == 0, done.stderr
    assert "no sessions on demo" in done.stderr or done.stdout.startswith("SESSION "), "a run of another test"


def test_programs_are_found_where_this_laptop_keeps_them(mac: Path) -> None:
    """NixOS has neither awk nor ps in /usr/bin."""
    done = lnode(mac, "demo", "--ls", usual="/nowhere")
    assert done.returncode == 0, done.stderr
    assert "no sessions on demo" in done.stderr or done.stdout.startswith("SESSION "), "a run of another test"


def test_a_run_goes_on_by_itself(mac: Path) -> None:
    done = lnode(mac, "demo", "sim", "--run", "--", "sh", "-c", "echo here; exit 3")
    assert done.returncode == 0, done.stderr
    followed = lnode(mac, "demo", "sim", "--logs", "-f")
    assert (followed.returncode, followed.stdout) == (1, "here\n")
    assert "exit code 3" in followed.stderr


def test_setsid_begins_a_session_also_for_the_leader_of_a_group(mac: Path) -> None:
    assert lnode(mac, "demo", "--ls").returncode == 0
    setsid = mac / "lnode" / "demo" / "bin" / "setsid"
    tells = [str(setsid), sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid()); os._exit(3)"]
    child = subprocess.run(tells, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (child.stdout, child.returncode) == ("True\n", 3)
    leader = subprocess.run(tells, capture_output=True, text=True, timeout=LIMIT, check=False, process_group=0)
    assert leader.stdout == "True\n"


def test_timeout_takes_the_words_of_lnode(mac: Path) -> None:
    assert lnode(mac, "demo", "--ls").returncode == 0
    timeout = str(mac / "lnode" / "demo" / "bin" / "timeout")
    for words in (["-k", "1", "5"], ["5"]):
        done = subprocess.run([timeout, *words, "sh", "-c", "exit 7"], timeout=LIMIT, check=False)
        assert done.returncode == 7, words
    assert os.access(timeout, os.X_OK)
