"""Six login shells with rc files that print, LANG=C and a TERM that the host has never heard of."""

import re
import subprocess
from contextlib import suppress

import pytest

from faults import LATE
from rig import SHELL_USERS, Rig, wait_until
from window import LNODE, Window

HOSTILE = {"LANG": "C", "LC_ALL": "C", "TERM": "xterm-ghostty"}


def test_attach_ls_and_kill_work_in_every_login_shell(slurm: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [_row(slurm, user) for user in SHELL_USERS]
    with capsys.disabled():
        print(f"\n\n{'login shell':<14}{'attach':<10}{'--ls':<10}{'--kill':<10}")
        for user, *results in rows:
            print(f"{user.removeprefix('u_'):<14}" + "".join(f"{result:<10}" for result in results))
    assert [row[1:] for row in rows] == [("ok", "ok", "ok")] * len(SHELL_USERS)


def _row(slurm: Rig, user: str) -> tuple[str, str, str, str]:
    """Attach with an allocation, list, detach, kill: "ok" or what was seen instead."""
    env = slurm.env(**HOSTILE)
    try:
        with Window([*LNODE, user, "myproject"], env) as window:
            wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me", user)[1], f"{user}'s job runs")
            attach = _where(window)
            ls = subprocess.run([*LNODE, user, "--ls"], env=env, capture_output=True, text=True, check=False)
            listed = "ok" if ls.stdout.count("myproject  node  running  node0") == 1 else ls.stdout + ls.stderr
            window.detach()
            ended = window.exit_status()
            if ended != 0 or not re.search(f"detached; myproject (runs on node0|{LATE})", window.text()):
                attach = window.text()
        kill = subprocess.run(
            [*LNODE, user, "myproject", "--kill", "--yes"], env=env, capture_output=True, text=True, check=False
        )
        gone = slurm.exec("tmux ls", user)[0] != 0
        return user, attach, listed, "ok" if kill.returncode == 0 and gone else kill.stderr
    finally:
        slurm.forget_sessions(user)


def _where(window: Window) -> str:
    """ "ok" where the shell says that it is on a node; asked again, for a shell that only just starts may lose keys."""
    for _ in range(3):
        window.press("\x15echo on-$SLURMD_NODENAME-\r")
        with suppress(AssertionError):
            window.wait_for("on-node0", within_s=10)
            return "ok"
    return window.text()


def test_tmux_by_module_only_is_found(slurm: Rig) -> None:
    try:
        assert "tmux" not in slurm.ssh("modular", "command -v tmux").stdout
        with Window([*LNODE, "modular", "myproject"], slurm.env()) as window:
            window.wait_for("modular@login1")
            ls = subprocess.run(
                [*LNODE, "modular", "--ls"], env=slurm.env(), capture_output=True, text=True, check=True
            )
            assert "myproject  node  running  node0" in ls.stdout
            window.detach()
            assert window.exit_status() == 0
        subprocess.run([*LNODE, "modular", "myproject", "--kill", "--yes"], env=slurm.env(), check=True)
    finally:
        slurm.forget_sessions("modular")
