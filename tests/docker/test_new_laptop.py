"""A new laptop, with Python and ssh and nothing else: two commands lead from the wheel, or a clone, to a compute node.

The second line, `lnode --init`, takes eight keys beside the password or the code. LNODE_LAPTOP=debian:trixie-slim takes
another image for the laptop, if Docker has it.
"""

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from docker import DockerClient
from docker.models.containers import Container

import rig
from rig import LABEL, ROOT, Rig, wait_until
from sites import Codes, logins, sign_in, with_codes, with_password
from window import Window

pytestmark = pytest.mark.full  # it installs from the archives of Debian and Python

BASE = os.environ.get("LNODE_LAPTOP", "debian:bookworm-slim")
VENV = "python3 -m venv .lnode"
PIP = ".lnode/bin/pip install -q --no-index --find-links /wheels"
INSTALLS = {"wheel": f"{PIP} lnode", "clone": f"cp -r /wheels/clone lnode && {PIP} ./lnode"}  # stands for git clone


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lnode's wheel and a clone, and the wheels of its packages for any Python 3: pip picks."""
    folder = tmp_path_factory.mktemp("wheels")
    folder.chmod(0o755)  # Bob has another number than you
    pip = [".venv/bin/python", "-m", "pip"] if (ROOT / ".venv/bin/pip").exists() else ["python3", "-m", "pip"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", folder, ROOT], cwd=ROOT, check=True)
    (lnode,) = folder.glob("lnode-*.whl")
    for version in ("3.11", "3.13"):
        subprocess.run(
            [*pip, "download", "-q", "--only-binary", ":all:", "--python-version", version, "-d", folder, lnode,
             "hatchling"],
            cwd=ROOT, check=True,
        )  # fmt: skip
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{ROOT}", folder / "clone"], check=True)
    return folder


@pytest.fixture(scope="module", params=[*INSTALLS])
def laptop(engine: DockerClient, wheels: Path, request: pytest.FixtureRequest) -> Iterator[Container]:
    """It is on the network of this computer, so that it reaches the rig's port."""
    image, _ = engine.images.build(
        path=str(ROOT), dockerfile="docker/Dockerfile", target="laptop", network_mode="host", rm=True, forcerm=True,
        buildargs={"LAPTOP": BASE},
    )  # fmt: skip
    container = engine.containers.create(
        image, ["sleep", "infinity"], name=f"lnode-laptop-{uuid.uuid4().hex[:12]}", labels={LABEL: "laptop"},
        network_mode="host", init=True, user="bob", working_dir="/home/bob",
        volumes={str(wheels): {"bind": "/wheels", "mode": "ro"}},
    )  # fmt: skip
    try:
        container.start()
        with shell(container) as window:
            window.press(f"{VENV} && {INSTALLS[request.param]}; echo ended with $?\r")
            assert window.find(r"^ended with (\d+)", within_s=240)[1] == "0", window.text()
        yield container
    finally:
        container.remove(force=True, v=True)


@contextmanager
def shell(laptop: Container) -> Iterator[Window]:
    """A terminal of Bob's."""
    argv = ["docker", "exec", "-it", "-e", "TERM=xterm-256color", str(laptop.id), "bash", "-l"]
    with Window(argv, os.environ) as window:
        window.wait_for("$")
        yield window


def knows(laptop: Container, rig: Rig) -> None:
    """Bob has the alias and its key, as everybody has who has used ssh there; he has never seen the host's key."""
    laptop.exec_run(["rm", "-rf", "/home/bob/.ssh", "/home/bob/.config", "/home/bob/.local"], user="root")
    config = f"Host unity\n    HostName 127.0.0.1\n    Port {rig.port}\n    User alice\n"
    files = {"config": config.encode(), "id_ed25519": (rig.folder / "id_ed25519").read_bytes()}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(entry(".ssh", 0o700, tarfile.DIRTYPE))
        for name, content in files.items():
            told = entry(f".ssh/{name}", 0o600, tarfile.REGTYPE)
            told.size = len(content)
            tar.addfile(told, io.BytesIO(content))
    laptop.put_archive("/home/bob", archive.getvalue())


def entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    told = tarfile.TarInfo(name)
    told.mode, told.type, told.uid, told.gid = mode, kind, 1000, 1000
    return told


def site_of(rig: Rig, wants: str) -> AbstractContextManager[Codes | None]:
    if wants == "a code":
        return with_codes(rig)
    return with_password(rig) if wants == "a password" else nullcontext()


@pytest.mark.parametrize("wants", ["a password", "a code"])
def test_two_commands_lead_to_a_compute_node(laptop: Container, slurm: Rig, wants: str) -> None:
    knows(laptop, slurm)
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
    knows(laptop, gridengine)
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
    knows(laptop, tmux_alone)
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
