"""The command with which every shell behind lnode's own sshd begins, in each login shell that is installed here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lnode.remote import call

LIMIT_S = 60
SHELLS = ("bash", "zsh", "dash", "ksh93", "mksh", "fish", "tcsh", "bsd-csh")
ENDS = "203.0.113.7 50022 192.0.2.1 2200"
PART = Path(call.__file__).parent / "parts" / "key_command.sh"


def option(shell: str, connection: str) -> str:
    """The key's option as sshd reads it: what stands between the outer quotes, with `\\"` for a quote."""
    done = subprocess.run(
        ["sh", "-c", f"{PART.read_text()}\nkey_command"], env={"SHELL": shell, "SSH_CONNECTION": connection},
        stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    if not done.stdout:
        return ""
    assert "\n" not in done.stdout
    found = re.fullmatch(r'command="((?:\\"|[^"])*)"', done.stdout)
    assert found is not None
    return found[1].replace('\\"', '"')


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return shutil.which(request.param) or pytest.skip(f"no {request.param} here")


def session(shell: str, home: Path, asked: str | None) -> subprocess.CompletedProcess[str]:
    """What sshd starts: the login shell with that command."""
    env = {
        "SHELL": shell, "HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
        "SSH_CONNECTION": "UNKNOWN 65535 UNKNOWN 65535", "SSH_CLIENT": "UNKNOWN 65535 65535",
    }  # fmt: skip
    if asked is not None:
        env["SSH_ORIGINAL_COMMAND"] = asked
    return subprocess.run(
        [shell, "-c", option(shell, ENDS)], env=env, cwd=home, input="echo read:$SSH_CLIENT\nexit 4\n",
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip


def test_a_command_runs_as_it_was_asked(shell: str, tmp_path: Path) -> None:
    asked = "echo \"$SSH_CONNECTION, $SSH_CLIENT\"; env | grep -c ORIGINAL; echo 'a  b' \"c;d\" | cat; sh -c 'exit 3'"
    done = session(shell, tmp_path, asked)
    assert (done.stdout, done.stderr) == (f"{ENDS}, 203.0.113.7 50022 2200\n0\na  b c;d\n", "")
    assert done.returncode == 3


def test_a_login_and_a_script_on_standard_input(shell: str, tmp_path: Path) -> None:
    for asked in (None, "sh"):
        done = session(shell, tmp_path, asked)
        assert "read:203.0.113.7 50022 2200" in done.stdout
        assert done.returncode == 4


@pytest.mark.parametrize("connection", ["", "$(id) 1 2 3", '" 1 2 3', "a;b 1 2 3"])
def test_no_other_text_becomes_a_command(connection: str) -> None:
    assert option("/bin/bash", connection) == ""
