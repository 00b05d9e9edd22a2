"""An agent in a session on a compute node of a real Slurm: its title and screen cross srun and tmux to `--ls`."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import agents_draw
from faults import wired
from full import FULL
from rig import Rig, wait_until
from sites import lnode
from window import LNODE, Window

COLUMNS, ROWS = 100, 30
# Draws a scene for each name that comes through the fifo, in the raw mode of an agent.
AGENT = "stty raw -echo; while :; do read -r scene <$HOME/scene || continue; cat $HOME/scenes/$scene; done"

Show = Callable[[str], None]


@pytest.fixture
def show(slurm: Rig) -> Iterator[Show]:
    """A session `fit` of alice's with a stand-in agent inside srun; call it with the name of a scene."""
    setup = ["rm -rf $HOME/scene $HOME/scenes", "mkfifo $HOME/scene", "mkdir $HOME/scenes"]
    for name in ("claude-thinks", "claude-bash", "claude-edit", "claude-done"):
        scene = agents_draw.BY_NAME[name]
        text = f"\x1b]2;{scene.title}\a\x1b[H\x1b[2J{scene.draw(COLUMNS, ROWS)}"
        setup.append(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d >$HOME/scenes/{name}")
    setup.append(f"printf %s '{AGENT}' >$HOME/agent.sh")
    setup.append(f"tmux -u new-session -d -s fit -x {COLUMNS} -y {ROWS} 'srun --pty sh $HOME/agent.sh'")
    status, said = slurm.exec("; ".join(setup))
    assert status == 0, said
    wait_until(lambda: slurm.exec("squeue -h -t RUNNING")[1] != "", "its job runs")
    yield lambda name: wait_until(
        lambda: slurm.exec(f"timeout 5 sh -c 'echo {name} >$HOME/scene'")[0] == 0, f"the agent takes {name}"
    )


def agent(rig: Rig) -> Any:
    done = lnode(rig, "--ls", "--json")
    return next(entry["agent"] for entry in json.loads(done.stdout)["sessions"] if entry["name"] == "fit")


def state(rig: Rig) -> str | None:
    found = agent(rig)
    return str(found["state"]) if found else None


def test_an_agent_on_a_node_goes_through_its_states(slurm: Rig, show: Show) -> None:
    assert agent(slurm) is None
    show("claude-thinks")
    wait_until(lambda: state(slurm) == "working", "it works")
    assert agent(slurm)["since"] is None
    show("claude-bash")
    wait_until(lambda: state(slurm) == "waits for you", "it asks")
    found = agent(slurm)
    assert found["name"] == "claude"
    assert found["question"].startswith("Do you want to proceed?")
    assert found["since"] is not None
    assert "claude waits for you" in lnode(slurm, "--ls").stdout
    show("claude-done")
    wait_until(lambda: state(slurm) == "done", "it is done")


def test_an_answer_goes_only_to_a_question_that_you_have_seen(slurm: Rig, show: Show) -> None:
    show("claude-thinks")
    wait_until(lambda: state(slurm) == "working", "it works")
    done = lnode(slurm, "fit", "--answer", "y")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "lnode: no question is visible in fit on unity; claude there works; nothing was typed\n"
    )
    show("claude-bash")
    wait_until(lambda: state(slurm) == "waits for you", "it asks")  # --ls shows the question
    assert lnode(slurm, "fit", "--answer", "9").stderr.startswith("lnode: claude in fit on unity offers no answer '9'")
    show("claude-edit")
    wait_until(lambda: "train.py" in slurm.exec("tmux capture-pane -p -t =fit:")[1], "it asks something else")
    done = lnode(slurm, "fit", "--answer", "1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "lnode: you have not seen this question of claude in fit yet: Do you want to make this"
    )
    done = lnode(slurm, "fit", "--answer", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("lnode: 1 was typed into fit on unity, and its screen is as it was\n")


def test_waiting_for_an_agent_prints_its_question(slurm: Rig, show: Show) -> None:
    show("claude-thinks")
    wait_until(lambda: state(slurm) == "working", "it works")
    waiting = subprocess.Popen(
        [*LNODE, "unity", "fit", "--wait-for", "agent", "--timeout", "100"], env=slurm.env(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    show("claude-bash")
    said, trouble = waiting.communicate(timeout=110)
    assert (waiting.returncode, trouble) == (0, "")
    assert said.startswith("claude waits for you: Do you want to proceed?\n1  Yes\n2  Yes, and don't ask again")
    show("claude-done")
    wait_until(lambda: state(slurm) == "done", "it is done")
    done = lnode(slurm, "fit", "--wait-for", "agent")
    assert (done.returncode, done.stdout) == (0, "claude is done\n")


@pytest.fixture
def notices(slurm: Rig) -> Iterator[Path]:
    """A desktop; the file has a line for each notice."""
    program, said = slurm.folder / "bin" / "notify-send", slurm.folder / "notices"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >>{said}; echo >>{said}\n')
    program.chmod(0o755)
    said.write_text("")
    yield said
    program.unlink()
    said.unlink()


def has_title(window: Window, title: str) -> bool:
    return window.look() != "" and f"\x1b]0;{title}\a".encode() in window.raw


@pytest.mark.skipif(not FULL, reason="only slow: LNODE_FULL=1 runs it")
def test_an_attach_to_another_session_tells_once_of_an_agent_that_waits(slurm: Rig, show: Show, notices: Path) -> None:
    show("claude-thinks")
    with wired(slurm) as wire, Window([*LNODE, "unity", "main", "--login"], slurm.env()) as window:
        window.wait_for("alice@login1")
        wait_until(lambda: state(slurm) == "working", "it works")
        show("claude-bash")
        began = time.monotonic()
        wait_until(lambda: "claude in fit waits: Do you want to proceed?" in notices.read_text(), "the notice")
        assert time.monotonic() - began < 40  # 35 s, and what the machine takes
        wait_until(lambda: has_title(window, "claude in fit waits - main"), "the title")
        wire.cut()
        window.wait_for("alice@login1")
        wait_until(lambda: slurm.exec("tmux list-clients -t =main")[1] != "", "it is back")
        show("claude-thinks")
        wait_until(lambda: has_title(window, "main"), "the title without the agent", within_s=90)
        show("claude-edit")
        wait_until(lambda: "train.py" in notices.read_text(), "the second notice", within_s=90)
        assert notices.read_text().count("\n") == 2
        window.detach()
        assert window.exit_status() == 0


@pytest.mark.skipif(not FULL, reason="only slow: LNODE_FULL=1 runs it")
def test_the_list_on_the_screen_notifies_of_an_agent_that_waits(slurm: Rig, show: Show, notices: Path) -> None:
    show("claude-thinks")
    with Window([*LNODE, "unity", "--ls", "--watch", "--notify"], slurm.env()) as window:
        window.wait_for("claude working")
        show("claude-bash")
        window.wait_for("claude waits for you")
        wait_until(lambda: "claude in fit waits: Do you want to proceed?" in notices.read_text(), "the notice")
        window.press("q")
        assert window.exit_status() == 0
    assert notices.read_text().count("\n") == 1
