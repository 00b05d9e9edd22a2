"""tests/by-hand/macos.sh, which a person runs on a Mac: its syntax, its hands, and with LNODE_FULL=1 all of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "by-hand"
SCRIPT, HANDS = FOLDER / "macos.sh", FOLDER / "hands.py"
SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
# What the programs of macOS, or its bash 3.2, do not know.
GNU = (
    r"\btimeout\b", r"\bsetsid\b", r"sed (-[a-z]* )*-i", r"sed (-[a-z]* )*-r", r"readlink -", r"date -d", r"stat -",
    r"grep -[a-zA-Z]*[Pz]", r"xargs -r", r"mktemp --", r"\btac\b", r"head -n -", r"sort -V", r"base64 -w", r"etimes",
    r"-o [a-z]+=,", r"&>", r"<<<", r"\[\[ ", r"\blocal\b", r"\bdeclare\b", r"\bmapfile\b", r"\$\{[a-z]+[,^]",
)  # fmt: skip


@pytest.mark.skipif(SHELLCHECK is None, reason="no shellcheck here")
def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([str(SHELLCHECK), SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize("shell", ["sh", "bash --posix", "zsh", "dash", "busybox sh"])
def test_each_shell_reads_it(shell: str) -> None:
    words = shell.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")
    done = subprocess.run([*words, "-n", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("pattern", GNU)
def test_it_asks_for_no_program_and_no_option_that_a_mac_lacks(pattern: str) -> None:
    rows = [row for row in SCRIPT.read_text().splitlines() if not row.lstrip().startswith("#")]
    assert [row for row in rows if re.search(pattern, row)] == []


def hands(*words: str, steps: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, HANDS, *words], input=steps, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout


ASKS = ("play", "20", "sh", "-c", "printf 'na\\033[1mme? '; read -r it; echo hello $it; read -r it; exit 3")


def test_hands_type_and_see() -> None:
    steps = "see name?\ntype you\\r\nsee hello you\nnever bye\ntype \\r\nend 3\n"
    assert hands(*ASKS, steps=steps) == (0, "")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("see name?\nnever nam\n", "shown: 'nam'"),
        ("type you\\r\\r\nend 0\n", "ended with 3"),
        ("run exit 1\n", "run exit 1"),
        ("type \\r\\r\nsee bye\n", "never shown: 'bye'"),
    ],
)
def test_hands_say_which_step_did_not_come_true(steps: str, told: str) -> None:
    status, said = hands(*ASKS, steps=steps)
    assert status == 1
    assert told in said


def test_no_program_takes_longer_than_its_limit() -> None:
    assert hands("limit", "0.2", "sleep", "600") == (124, "took more than 0 s\n")
    assert hands("limit", "60", "sh", "-c", "exit 7") == (7, "")


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_all_of_it_on_this_system(tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": "/tmp", "LANG": "C.UTF-8",
        "LNODE_CHECK_TESTS": "tests/pure/test_keys.py",
    }  # fmt: skip
    done = subprocess.run(
        ["sh", SCRIPT], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1100, check=False
    )
    assert [row for row in done.stdout.splitlines() if row.startswith("FAILED")] == [], done.stderr
    assert re.findall(r"^(?:ok|--) +(\d+) ", done.stdout, re.MULTILINE) == [str(number) for number in range(1, 21)]
    assert done.returncode == 0
    assert str(tmp_path) not in done.stdout  # it is sent to others
