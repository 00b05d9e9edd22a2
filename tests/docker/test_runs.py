"""Runs on a real host: what hangs up does not reach them, their log arrives whole, their words as they were typed."""

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from faults import wired
from full import FULL
from rig import SHELL_USERS, Rig, wait_until
from sites import PASSWORD, SSHD, attempts, sign_in, with_password
from window import LNODE, Window

LIMIT_S = 120
CUTS = 20 if FULL else 5
PART = 2_500_000 if FULL else 1_000_000  # bytes of the log between two cuts
FOLDER = ".local/state/lnode/runs"
TORTURE = [
    "", " ", "two words", "*", "~", "$HOME", "${HOME}", "$(touch executed)", "`touch executed`", "!!", "a!b", "'", '"',
    "'\"'\"'", "\\", "\\n", "\\'", "a\nb", "\n", "tab\there", "%s", "%", "#", "# no comment", ";", "&", "&&", "|",
    "a | b", "<x", ">y", "(", ")", "{a,b}", "[z]", "?", "-n", "--", "--run", "=x", "^", "é日\U0001f600", "\x01\x1b[31m",
    "\udcff\udc80",
]  # fmt: skip


def lnode(rig: Rig, *words: str) -> subprocess.CompletedProcess[bytes]:
    """lnode where nobody is."""
    return subprocess.run(
        [*LNODE, *words], env=rig.env(), stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False
    )


def at_home(rig: Rig, command: str, user: str = "alice") -> tuple[int, str]:
    """A sh command in the user's home, past sshd."""
    return rig.exec(f"cd /home/{user} && {command}", user)


def started(rig: Rig, *words: str) -> None:
    done = lnode(rig, *words)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def host(slurm: Rig) -> Iterator[Rig]:
    """Its runs are gone after each test."""
    yield slurm
    at_home(
        slurm,
        f"for run in {FOLDER}/*/started; do read -r _ _ pid _ <$run && kill -s KILL -- -$pid; done; rm -rf {FOLDER} go*"
        " 2>/dev/null",
    )


def test_words_arrive_as_they_were_typed_through_every_login_shell(slurm: Rig) -> None:
    try:
        for user in SHELL_USERS:
            started(slurm, user, "quoting", "--run", "--", "sh", "-c", r'printf "%s\0" "$@"', "sh", *TORTURE)
        arrived = {user: lnode(slurm, user, "quoting", "--logs", "-f").stdout for user in SHELL_USERS}
    finally:
        for user in SHELL_USERS:
            at_home(slurm, f"rm -rf {FOLDER}", user)
    words = b"".join(os.fsencode(word) + b"\0" for word in TORTURE)
    assert arrived == dict.fromkeys(SHELL_USERS, words)


def test_a_run_outlives_link_sshd_and_laptop(host: Rig) -> None:
    command = "echo one; until [ -e go ]; do sleep 0.1; done; echo two; echo three >&2; exit 7"
    with wired(host) as wire:
        started(host, "unity", "sim", "--run", "--", "sh", "-c", command)
        laptop = subprocess.Popen(
            [*LNODE, "unity", "sim", "--logs", "-f"], env=host.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert laptop.stdout is not None and laptop.stdout.readline() == b"one\n"
        wire.cut()
        laptop.kill()
        laptop.communicate()
    host.exec(f"pkill -KILL -u alice sshd; pkill -KILL -f '{SSHD}: alice'", "root")
    at_home(host, "touch go")
    wait_until(lambda: at_home(host, f"cat {FOLDER}/sim/ended")[1].startswith("7 "), "the run ends")
    seen = lnode(host, "unity", "sim", "--logs", "-f")
    assert (seen.returncode, seen.stdout) == (1, b"one\ntwo\nthree\n")
    assert seen.stderr.startswith(b"lnode: sim on unity ended after ") and seen.stderr.endswith(b"with exit code 7\n")
    assert lnode(host, "unity", "sim", "--logs", "-n", "1").stdout == b"three\n"
    listed = lnode(host, "unity", "--ls").stdout.decode()
    assert re.search(r"^sim +run +ended +login1 +- +- +exit code 7, \d+ s ago", listed, re.MULTILINE), listed


@pytest.mark.timeout(900)  # links that do not last are dialled less and less often
def test_a_log_is_followed_across_cuts_byte_for_byte(host: Rig, tmp_path: Path) -> None:
    """Random bytes, cut while they flow; every third cut is a silence that nothing tells of."""
    program = (
        "import os, random, sys, time\n"
        f"for part in range({CUTS + 1}):\n"
        "    while not os.path.exists(f'go.{part}'): time.sleep(0.02)\n"
        f"    sys.stdout.buffer.write(random.randbytes({PART}))\n"
        "    sys.stdout.flush()\n"
    )
    followed = tmp_path / "followed"
    with wired(host) as wire, followed.open("wb") as out:
        started(host, "unity", "flood", "--run", "--", "python3", "-c", program)
        laptop = subprocess.Popen(
            [*LNODE, "unity", "flood", "--logs", "-f"],
            env=host.env(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            for part, fault in zip(range(CUTS), [wire.reset, wire.hang_up, wire.cut] * CUTS, strict=False):
                at_home(host, f"touch go.{part}")
                wait_until(partial(_is_longer, followed, part * PART), f"part {part} flows", within_s=120)
                fault()
            at_home(host, f"touch go.{CUTS}")
            said = laptop.communicate(timeout=LIMIT_S)[1]
        finally:
            laptop.kill()
    there = at_home(host, f"sha256sum <{FOLDER}/flood/log")[1].split()[0]
    assert followed.stat().st_size == (CUTS + 1) * PART, said
    assert hashlib.sha256(followed.read_bytes()).hexdigest() == there
    assert (laptop.returncode, said.count(b": reconnected after ") >= CUTS) == (0, True), said


def _is_longer(path: Path, size: int) -> bool:
    return path.stat().st_size > size


def test_a_host_that_wants_somebody_is_not_tried_in_silence(host: Rig) -> None:
    started(host, "unity", "sim", "--run", "--", "sh", "-c", "echo one; until [ -e go ]; do sleep 0.1; done; echo two")
    with wired(host) as wire, with_password(host):
        with Window([*LNODE, "unity", "sim", "--logs", "-f"], host.env()) as window:
            sign_in(window)
            window.wait_for("one")
            refused = attempts(host)
            wire.reset()
            window.wait_for("lnode: unity needs you to sign in: Enter signs in, Ctrl-C leaves")
            at_home(host, "touch go")
            window.press("\r")
            window.wait_again("password:")
            window.press(f"{PASSWORD}\r")
            window.wait_for("two")
            assert window.exit_status() == 0
            assert window.text().count("one") == 1
        in_a_pipe = lnode(host, "unity", "sim", "--logs", "-f")
        assert attempts(host) == refused
    assert (in_a_pipe.returncode, in_a_pipe.stdout) == (5, b"")
    assert b"lnode: unity needs you to sign in\n" in in_a_pipe.stderr


def test_kill_ends_the_whole_group_and_says_how(host: Rig) -> None:
    stubborn = "trap '' TERM; sleep 1000 & echo ready; while :; do sleep 1; done"
    started(host, "unity", "mild", "--run", "--", "sh", "-c", "sleep 1001 & sleep 1002; echo not reached")
    started(host, "unity", "stubborn", "--run", "--", "sh", "-c", stubborn)
    wait_until(lambda: lnode(host, "unity", "stubborn", "--logs").stdout == b"ready\n", "the trap is set")
    host.exec("tmux new-session -d -s mild")
    both = lnode(host, "unity", "mild", "--kill", "--yes")
    assert (both.returncode, both.stderr) == (0, b"lnode: mild on unity has ended; the run of that name goes on\n")
    mild = lnode(host, "unity", "mild", "--kill", "--yes")
    assert (mild.returncode, mild.stderr) == (
        0, b"lnode: mild on unity has ended; its log is kept: lnode unity mild --logs\n",
    )  # fmt: skip
    hard = lnode(host, "unity", "stubborn", "--kill", "--yes")
    assert hard.returncode == 0 and b"has ended, by KILL: it did not heed TERM for 8 s" in hard.stderr
    assert host.exec("pgrep -f 'sleep 100[012]'")[1] == ""
    assert at_home(host, f"cut -d' ' -f1 {FOLDER}/mild/ended {FOLDER}/stubborn/ended")[1] == "143\n137\n"
    again = lnode(host, "unity", "mild", "--kill", "--yes")
    assert again.returncode == 1 and b"lnode: mild on unity ended after " in again.stderr


def test_on_runs_inside_a_sessions_allocation(host: Rig) -> None:
    with Window([*LNODE, "unity", "gpu1"], host.env()) as window:
        wait_until(lambda: "RUNNING" in host.exec("squeue -h -o %T --me")[1], "the job runs")
        window.wait_for("$")
        fit = "until [ -e ~/go ]; do sleep 0.1; done; echo on $SLURMD_NODENAME; exit 4"
        done = lnode(host, "unity", "fit", "--run", "--on", "gpu1", "--", "sh", "-c", fit)
        job = host.exec("squeue -h -o %i --me")[1].strip()
        assert done.returncode == 0, done.stderr
        assert b" in the allocation of gpu1, job " + job.encode() in done.stderr
        host.exec("touch ~/go")  # /tmp may be another one in each job
        seen = lnode(host, "unity", "fit", "--logs", "-f")
        assert b"on node0" in seen.stdout, seen  # srun may have said before how it has ended
        assert seen.returncode == 1 and b"with exit code 4" in seen.stderr
        mild = "trap 'sleep 1; echo saved; exit 9' TERM; echo up; while :; do sleep 0.1; done"
        started(host, "unity", "long", "--run", "--on", "gpu1", "--", "sh", "-c", mild)
        wait_until(lambda: lnode(host, "unity", "long", "--logs").stdout == b"up\n", "the step runs")
        ended = lnode(host, "unity", "long", "--kill", "--yes")
        assert ended.returncode == 0 and b"by KILL" not in ended.stderr
        assert b"saved\n" in lnode(host, "unity", "long", "--logs").stdout  # what TERM is for
        assert at_home(host, f"cut -d' ' -f1 {FOLDER}/long/ended")[1] == "9\n"
        hard = "trap '' TERM; echo up; sleep 1003"
        started(host, "unity", "hard", "--run", "--on", "gpu1", "--", "sh", "-c", hard)
        wait_until(lambda: lnode(host, "unity", "hard", "--logs").stdout == b"up\n", "the step runs")
        assert b"by KILL: it did not heed TERM" in lnode(host, "unity", "hard", "--kill", "--yes").stderr
        wait_until(lambda: host.exec("pgrep -f 'sleep 100[3]'")[1] == "", "the step has ended")
        assert "RUNNING" in host.exec("squeue -h -o %T --me")[1]
        window.detach()
        assert window.exit_status() == 0
    host.exec("tmux new-session -d -s plain")
    refused = lnode(host, "unity", "x", "--run", "--on", "plain", "--", "true")
    assert refused.returncode == 1
    assert b"lnode: plain on unity has no allocation to run in: it runs on login1" in refused.stderr
    absent = lnode(host, "unity", "x", "--run", "--on", "nowhere", "--", "true")
    assert absent.returncode == 7
    assert at_home(host, f"ls -d {FOLDER}/x")[0] != 0


def test_a_run_that_asks_for_nodes_itself_can_save_what_it_has(host: Rig) -> None:
    mild = "trap 'sleep 1; echo saved; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    started(host, "unity", "own", "--run", "--", "sh", "-c", 'srun -n1 sh -c "$1"', "sh", mild)
    wait_until(lambda: lnode(host, "unity", "own", "--logs").stdout == b"up\n", "the step runs")
    ended = lnode(host, "unity", "own", "--kill", "--yes")
    assert ended.returncode == 0 and b"by KILL" not in ended.stderr
    assert b"saved\n" in lnode(host, "unity", "own", "--logs").stdout
    wait_until(lambda: host.exec("squeue -h --me")[1] == "", "its job has ended")


def test_a_home_that_takes_nothing_is_said_before_anything_runs(host: Rig) -> None:
    at_home(host, "mkdir -p .local/state/lnode; chmod 500 .local/state/lnode")
    try:
        done = lnode(host, "unity", "x", "--run", "--", "touch", "executed")
    finally:
        at_home(host, "chmod 700 .local/state/lnode")
    assert done.returncode == 1
    assert b"Permission denied" in done.stderr
    assert b"lnode: cannot write a log in your home on unity; nothing was started\n" in done.stderr
    assert at_home(host, "ls executed")[0] != 0


@pytest.mark.skipif(not FULL, reason="a measurement, with LNODE_FULL=1")
def test_memory_is_flat_at_a_thousand_lines_a_second(host: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Shown, not asserted: how far behind the follower is, and how much memory it takes."""
    seconds = 30
    second = "print('\\n'.join(['x' * 79] * 1000)); time.sleep(1)"
    program = f"import time\nfor _ in range({seconds}): {second}"
    started(host, "unity", "lines", "--run", "--", "python3", "-c", program)
    laptop = subprocess.Popen(
        [*LNODE, "unity", "lines", "--logs", "-f"],
        env=host.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert laptop.stdout is not None
    rows = []
    for number, _ in enumerate(laptop.stdout, 1):
        if number % 1000 == 0:
            status = Path(f"/proc/{laptop.pid}/status").read_text()
            rows.append((number, time.monotonic(), int(status.split("VmRSS:")[1].split()[0])))
    assert laptop.wait() == 0
    assert rows[-1][0] == seconds * 1000
    with capsys.disabled():
        print(f"\n\n{'lines':>8}{'s':>8}{'kB':>8}")
        for number, at, memory in rows[:: max(1, len(rows) // 6)]:
            print(f"{number:>8}{at - rows[0][1]:>8.1f}{memory:>8}")
