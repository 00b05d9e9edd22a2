"""`--rescue` with a real reptyr: what was started without protection outlives its terminal, or is told how."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rig import Rig, wait_until
from sites import in_a_pipe, skip_unless_traceable
from window import Window

TICKS = """\
import os, time
print(f"pid={os.getpid()}", flush=True)
while True:
    print("tick", flush=True)
    time.sleep(0.2)
"""


@contextmanager
def started(rig: Rig, command: str) -> Iterator[str]:
    """A command that is typed at a plain ssh, which is gone in the end: its pid."""
    rig.exec(f"cat >/tmp/ticks.py <<'END'\n{TICKS}END")
    with Window(["ssh", "-t", "unity"], rig.env()) as window:
        window.wait_for("alice@login1:~$")
        window.press(f"{command}\r")
        pid = window.find(r"^pid=(\d+)")[1]
        window.wait_for("tick")
        yield pid


def test_it_goes_on_in_a_session_when_its_terminal_is_gone(slurm: Rig) -> None:
    skip_unless_traceable(slurm)
    with started(slurm, "python3 /tmp/ticks.py") as pid:
        done = in_a_pipe(slurm, "unity", "saved", "--rescue", pid)
        assert (done.returncode, done.stderr) == (
            0, f"lnode: {pid} is in saved on unity now; what it had printed stays in its old terminal: "
            "lnode unity saved\n",
        )  # fmt: skip
    slurm.exec("tmux clear-history -t saved: ';' send-keys -R -t saved:")
    ticks = "tmux capture-pane -p -t saved: | grep -c tick"
    wait_until(lambda: int(slurm.exec(ticks)[1]) > 3, "it shows what it prints")
    assert slurm.exec(f"kill -0 {pid}")[0] == 0


def test_what_cannot_be_moved_is_told_what_to_type(slurm: Rig) -> None:
    skip_unless_traceable(slurm)
    with started(slurm, "python3 /tmp/ticks.py | cat") as pid:
        done = in_a_pipe(slurm, "unity", "--rescue", pid)
        assert done.returncode == 1
        why, at, *_ = done.stderr.splitlines()
        assert why.startswith(f"lnode: {pid} on login1 cannot be moved: ") and why.endswith("reptyr takes one alone")
        assert re.fullmatch(r"lnode: at its terminal \(pts/\d+\): Ctrl-Z, then bg; disown -h \d+", at), at
        assert slurm.exec("tmux list-sessions")[0] != 0


def test_what_prints_into_its_ssh_is_not_called_safe(slurm: Rig) -> None:
    slurm.exec(f"cat >/tmp/ticks.py <<'END'\n{TICKS}END")
    argv = ["ssh", "unity", "python3 /tmp/ticks.py"]
    with subprocess.Popen(argv, env=slurm.env(), stdout=subprocess.PIPE, text=True) as ssh:
        assert ssh.stdout is not None
        pid = ssh.stdout.readline().strip().removeprefix("pid=")
        done = in_a_pipe(slurm, "unity", "--rescue", pid)
        ssh.terminate()
    why, until, then = done.stderr.splitlines()
    assert (done.returncode, why.startswith(f"lnode: {pid} on login1 cannot be moved: it prints into the ssh")) == (
        1,
        True,
    )
    assert (until.startswith("lnode: it goes on until"), then) == (
        True, "lnode: next time: lnode unity NAME --run -- python3 /tmp/ticks.py"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("session", "command", "find"),
    [
        ("two words", "exec sleep 600", "pgrep -u alice -fx 'sleep 600'"),
        ("fit", "sinteractive -m 1000 -t 1:00:00", "pgrep -u alice -P $(pgrep -d , -x slurmstepd) bash"),
    ],
)
def test_what_runs_in_a_session_is_said_to(slurm: Rig, session: str, command: str, find: str) -> None:
    slurm.exec(f"tmux new-session -d -s '{session}' '{command}'")
    wait_until(lambda: slurm.exec(find)[0] == 0, "it runs")
    pid = slurm.exec(find)[1].strip()
    done = in_a_pipe(slurm, "unity", "--rescue", pid)
    assert (done.returncode, done.stderr) == (
        0, f"lnode: {pid} on login1 is in the session {session} already: lnode unity {shlex.quote(session)}\n"
    ), done  # fmt: skip


def test_what_is_not_there_or_not_yours(slurm: Rig) -> None:
    assert in_a_pipe(slurm, "unity", "--rescue", "4000000").stderr.startswith("lnode: there is no process 4000000 on ")
    assert in_a_pipe(slurm, "unity", "--rescue", "0").returncode == 2
    root = slurm.exec("pgrep -u root -x sshd | head -n 1", "root")[1].strip()
    done = in_a_pipe(slurm, "unity", "--rescue", root)
    assert (done.returncode, f"process {root} on login1 belongs to another user" in done.stderr) == (1, True), done
