"""A new laptop, with Python and ssh and nothing else: two commands lead from the wheel, or a clone, to a compute node.

The second line, `lnode --init`, takes eight keys beside the password or the code. LNODE_LAPTOP=debian:trixie-slim takes
another image for the laptop, if Docker has it.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from docker import DockerClient
from docker.models.containers import Container

import new_laptop
import rig
import scenes
from new_laptop import make_known, shell_argv
from rig import Rig, wait_until
from sites import PASSWORD, Codes, logins, sign_in, with_codes, with_password
from window import Window

# It installs from the archives of Debian and Python.
pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

VENV = "python3 -m venv .lnode"
PIP = ".lnode/bin/pip install -q"
INSTALLS = {"wheel": f"{PIP} lnode", "clone": f"cp -r /wheels/clone lnode && {PIP} ./lnode"}  # stands for git clone


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    new_laptop.gather_wheels(folder)
    return folder


@pytest.fixture(scope="module", params=[*INSTALLS])
def laptop(engine: DockerClient, wheels: Path, request: pytest.FixtureRequest) -> Iterator[Container]:
    with new_laptop.started(engine, wheels) as container:
        with shell(container) as window:
            window.press(f"{VENV} && {INSTALLS[request.param]}; echo ended with $?\r")
            assert window.find(r"^ended with (\d+)", within_s=240)[1] == "0", window.text()
        yield container


@contextmanager
def shell(laptop: Container) -> Iterator[Window]:
    """A terminal of Bob's."""
    with Window(shell_argv(laptop), os.environ) as window:
        window.wait_for("$")
        yield window


def site_of(rig: Rig, wants: str) -> AbstractContextManager[Codes | None]:
    if wants == "a code":
        return with_codes(rig)
    return with_password(rig) if wants == "a password" else nullcontext()


@pytest.mark.parametrize("wants", ["a password", "a code"])
def test_two_commands_lead_to_a_compute_node(laptop: Container, slurm: Rig, wants: str) -> None:
    make_known(laptop, slurm)
    with site_of(slurm, wants) as codes, shell(laptop) as window:
        before = logins(slurm)
        window.press(".lnode/bin/lnode --init\r")
        keys = 0
        for question, answer in (
            ("which is your cluster? Enter for this one", "\r"),
            ("(yes/no/[fingerprint])?", "yes\r"),
            ("", ""),
            ("write ~/.config/lnode/config.toml? [y/N]", "y\r"),
            ("start your first session on unity now? [Y/n]", "\r"),
        ):
            if not question and codes:
                codes.sign_in(window)
            elif not question:
                sign_in(window)
            else:
                window.wait_for(question)
                window.press(answer)
                keys += len(answer)
        assert keys <= 8
        wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T")[1], "the job runs")
        window.press("echo on-$SLURMD_NODENAME\r")
        window.wait_for("on-node0")
        window.detach()
        window.wait_for("lnode: detached; ")
        assert logins(slurm)[0] == before[0] + 1
        window.press(".lnode/bin/lnode unity --close\r")
        window.wait_for("is closed; sessions go on there")


def test_grid_engine_too(laptop: Container, gridengine: Rig) -> None:
    make_known(laptop, gridengine)
    with shell(laptop) as window:
        window.press(".lnode/bin/lnode --init\r")
        for question, answer in (
            ("which is your cluster? Enter for this one", "\r"),
            ("(yes/no/[fingerprint])?", "yes\r"),
            ("write ~/.config/lnode/config.toml? [y/N]", "y\r"),
            ("start your first session on unity now? [Y/n]", "\r"),
        ):
            window.wait_for(question)
            window.press(answer)
        window.find(r"^alice@login1:~\$")
        wait_until(lambda: " r " in gridengine.exec("qstat -u alice")[1], "the job runs")
        window.detach()
        window.wait_for("lnode: detached; ")


@pytest.fixture(scope="module")
def tmux_alone(engine: DockerClient, run: str) -> Iterator[Rig]:
    """A host with sshd and tmux, and no scheduler."""
    with rig.running(engine, "tmuxes", rig.build(engine, "tmuxes"), run) as started:
        yield started


def test_a_host_with_tmux_alone_too(laptop: Container, tmux_alone: Rig) -> None:
    make_known(laptop, tmux_alone)
    with shell(laptop) as window:
        window.press(".lnode/bin/lnode --init\r")
        for question, answer in (
            ("which is your cluster? Enter for this one", "\r"),
            ("(yes/no/[fingerprint])?", "yes\r"),
            ("start a session on the login node on unity now? [Y/n]", "\r"),
        ):
            window.wait_for(question)
            window.press(answer)
        window.wait_for("[notes]")
        window.press("echo in-$((40+2))\r")
        window.wait_for("in-42")
        window.detach()
        window.wait_for("lnode: detached; notes")
    tmux_alone.exec("pkill -KILL -u alice tmux")


def test_the_recording_is_what_a_new_laptop_shows(engine: DockerClient, wheels: Path, slurm: Rig) -> None:
    name = scenes.NEW_LAPTOP
    recorded, host = scenes.read(name)
    with new_laptop.started(engine, wheels) as container, with_password(slurm):
        make_known(container, slurm, "login.unity.edu")
        scenes.play_new_laptop(shell_argv(container), PASSWORD, recorded, host)
