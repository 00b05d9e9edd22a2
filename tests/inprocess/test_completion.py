"""Words completed by the shells themselves, from what this laptop knows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from window import Window

LIMIT_S = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two aliases, one of them in an included file, a profile, and the last answer of one host."""
    (tmp_path / ".ssh" / "more").mkdir(parents=True)
    (tmp_path / ".ssh" / "config").write_text("Include more/*\nHost *\n  User me\nHost unity union-* !x\n  Port 22\n")
    (tmp_path / ".ssh" / "more" / "a").write_text('host = "helix"\n')
    (tmp_path / ".config" / "lnode").mkdir(parents=True)
    (tmp_path / ".config" / "lnode" / "config.toml").write_text('[profiles.gpu]\ngpus = "1"\n')
    pictures = tmp_path / ".local" / "state" / "lnode" / "pictures"
    pictures.mkdir(parents=True)
    kept = {"host": "unity", "at": 1.0, "names": [["fit", "default", "evil;id"], ["sim"]], "replies": []}
    (pictures / "unity.json").write_text(json.dumps(kept))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "lnode").write_text(f'#!/bin/sh\nexec {sys.executable} -m lnode "$@"\n')
    (tmp_path / "bin" / "lnode").chmod(0o755)
    (tmp_path / "bin" / "ssh").write_text(f"#!/bin/sh\ntouch '{tmp_path}/connected'\n")
    (tmp_path / "bin" / "ssh").chmod(0o755)
    return tmp_path


def env(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "TERM": "xterm-256color", "LANG": "C.UTF-8"}


def said(home: Path, shell: str, script: str) -> list[str]:
    argv = [shell, *(["--norc", "--noprofile"] if shell == "bash" else ["--no-config"]), "-c", script]
    done = subprocess.run(argv, env=env(home), capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert not (home / "connected").exists()
    return done.stdout.splitlines()


TYPED = [
    ("lnode ", ["demo", "helix", "unity"]),
    ("lnode uni", ["unity"]),
    ("lnode unity ", ["default", "fit"]),
    ("lnode unity --logs ", ["sim"]),
    ("lnode unity fit --ki", ["--kill"]),
    ("lnode -P ", ["gpu"]),
]


@pytest.mark.parametrize(("typed", "found"), TYPED)
def test_bash(home: Path, typed: str, found: list[str]) -> None:
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    script = (
        f'eval "$(lnode --completion bash)"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _lnode; '
    )
    assert sorted(said(home, "bash", script + "printf '%s\\n' \"${COMPREPLY[@]}\"")) == found


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(("typed", "found"), TYPED)
def test_fish(home: Path, typed: str, found: list[str]) -> None:
    rows = said(home, "fish", f"lnode --completion fish | source; complete -C '{typed}'")
    assert sorted(row.partition("\t")[0] for row in rows) == found


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh(home: Path) -> None:
    with Window(["zsh", "-f"], {**env(home), "PS1": "laptop> "}) as window:
        window.press("autoload -Uz compinit; compinit -u -D; eval \"$(lnode --completion zsh)\"; echo rea''dy\r")
        window.wait_for("ready")
        for typed, whole in (("lnode uni\t", "lnode unity"), ("f\t", "unity fit"), ("--ki\t", "fit --kill")):
            window.press(typed)
            window.wait_for(whole)
        window.press("-\x15lnode unity --lo\t\t")
        window.wait_for("plain tmux on the login node")
    assert not (home / "connected").exists()


def test_a_mistake_in_the_configuration_says_nothing(home: Path) -> None:
    (home / ".config" / "lnode" / "config.toml").write_text("nonsense")
    done = subprocess.run(
        [home / "bin" / "lnode", "--complete", "bash", "uni"], env=env(home), capture_output=True, text=True,
        timeout=LIMIT_S, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("unity\n", "")
