"""Sessions and jobs of a real Slurm joined: right or unknown, however the request was made."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from faults import LATE
from rig import Rig, wait_until
from sites import listing
from window import LNODE, Window

# How a request for {m} MB is made in a pane, behind which a shell stays. The memory tells the jobs apart.
FAMILIES = {
    "srun": "sinteractive -m {m}; bash",
    "salloc": "sinteractive-salloc -m {m}; bash",
    "sbatch": "sinteractive-sbatch -m {m}; bash",
    "exec": "exec sinteractive -m {m}",
    "nested shells": 'sh -c "sh -c \'bash -lc \\"sinteractive -m {m}\\"; true\'; true"; bash',
    "subshell": "(env -i PATH=$PATH HOME=$HOME SHELL=/bin/bash TERM=$TERM sinteractive -m {m}); bash",
    "script": "script -qec 'sinteractive-salloc -m {m}' /dev/null; bash",
    "a nested tmux": "tmux -L inner new-session 'sinteractive -m {m}'; bash",
    "setsid": "sleep 600 | setsid sinteractive-salloc -m {m}; bash",
}


def start(slurm: Rig, commands: dict[str, str], typed: dict[str, str]) -> dict[str, int]:
    """Start all sessions in one go, some by typing at their prompt; session -> the MB that it asks for."""
    memory = {name: 301 + number for number, name in enumerate([*commands, *typed])}
    words: list[str] = []
    for name, command in commands.items():
        words += ["tmux", "-u", "new-session", "-d", "-s", name, command.format(m=memory[name]), "\n"]
    for name in typed:
        words += ["tmux", "-u", "new-session", "-d", "-s", name, "bash", "\n"]
    for name, command in typed.items():
        words += ["tmux", "-u", "send-keys", "-t", f"={name}:", command.format(m=memory[name]), "Enter", "\n"]
    lines = "".join(word if word == "\n" else f" {quoted(word)}" for word in words)
    status, said = slurm.exec(f"cd; export SHELL=/bin/bash LANG=C.UTF-8\n{lines}")
    assert status == 0, said
    return memory


def quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def jobs(slurm: Rig, *, state: str = "PENDING,RUNNING") -> dict[int, str]:
    """MB -> job number."""
    _, text = slurm.exec(f"squeue -h -t {state} -O MinMemory:20,JobID:20")
    return {int(memory.rstrip("M")): job for memory, job in (row.split() for row in text.splitlines())}


def told(slurm: Rig) -> dict[str, tuple[str, str | None]]:
    return {
        name: (entry["state"], entry["job"] and entry["job"]["id"])
        for name, entry in listing(slurm).items()
    }  # fmt: skip


@contextmanager
def counted(slurm: Rig) -> Iterator[None]:
    """Every call of squeue is noted on the way."""
    slurm.exec(
        'printf \'#!/bin/sh\\necho "$*" >>/tmp/asked\\nexec /usr/bin/squeue "$@"\\n\' >/usr/local/bin/squeue; '
        ": >/tmp/asked; chmod 777 /tmp/asked /usr/local/bin/squeue",
        user="root",
    )
    try:
        yield
    finally:
        slurm.exec("rm /usr/local/bin/squeue /tmp/asked", user="root")


def test_every_way_to_ask_is_joined(slurm: Rig) -> None:
    typed = {"typed": "salloc --mem={m}", "batch by hand": "sbatch --mem={m} --output=/dev/null --wrap 'sleep 600'"}
    memory = start(slurm, FAMILIES | {"plain": "bash"}, typed)
    try:
        asking = [name for name in memory if name != "plain"]
        wait_until(lambda: len(jobs(slurm, state="RUNNING")) == len(asking), "all jobs run")
        number = jobs(slurm)
        expected: dict[str, tuple[str, str | None]] = {name: ("running", number[memory[name]]) for name in asking}
        expected |= {"plain": ("shell", None), "batch by hand": ("shell", None)}
        with suppress(TimeoutError):  # a script sees only some time later that its job runs, and makes its step
            wait_until(lambda: told(slurm) == expected, "each is joined")
        assert told(slurm) == expected
    finally:
        slurm.exec("tmux -L inner kill-server")


@pytest.mark.full
def test_fifty_sessions_are_one_squeue_and_each_is_told_right(slurm: Rig) -> None:
    odd = ("a|b", "zwei Wörter", "日本 $(touch executed)", "'\"", "-x")
    ways = [FAMILIES[way] for way in ("srun", "salloc", "script", "subshell")]
    commands = {
        f"{odd[at % len(odd)]} {at}" if at < 10 else f"s{at}": ways[at % len(ways)]
        for at in range(45)
    }  # fmt: skip
    plain = {f"plain{at}": "cat" for at in range(5)}
    slurm.container.exec_run("scontrol update partition=interactive state=DOWN")
    try:
        memory = start(slurm, commands | plain, {})
        wait_until(lambda: len(jobs(slurm)) == len(commands), "all requests wait", within_s=120)
        number = jobs(slurm)
        with counted(slurm):
            seen = told(slurm)
            _, asked = slurm.exec("cat /tmp/asked")
        assert [row.split()[:4] for row in asked.splitlines()] == [["-a", "-h", "-u", "alice"]]
        assert seen == {name: ("waiting", number[memory[name]]) for name in commands} | dict.fromkeys(
            plain, ("shell", None)
        )
    finally:
        slurm.exec("tmux kill-server")
        slurm.container.exec_run("scontrol update partition=interactive state=UP")


def test_full_nodes_are_told_with_reason_and_estimate(slurm: Rig) -> None:
    slurm.exec("for it in 1 2 3 4 5 6 7 8; do sbatch --mem=48000 -t 60 --output=/dev/null --wrap 'sleep 600'; done")
    wait_until(lambda: slurm.exec("squeue -h -t RUNNING -o %i | wc -l")[1] == "8\n", "the nodes are full")
    with Window([*LNODE, "unity", "queued"], slurm.env()) as window:
        wait_until(lambda: "20" in slurm.exec("squeue -h -t PENDING -O StartTime:20")[1], "there is an estimate")
        assert listing(slurm)["queued"]["state"] == "waiting"
        window.detach()
        assert window.exit_status() == 0
        said = window.text()
    assert re.search(rf"detached; queued (waits its turn \(\w+\), about \d+ min|{LATE})", said), said
