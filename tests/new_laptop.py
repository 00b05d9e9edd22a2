"""A new laptop: a container with Python, ssh and nothing else, and its user Bob, who has an ssh alias for the rig."""

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient
from docker.models.containers import Container

from rig import LABEL, ROOT, Rig, ensure_base_image

BASE = os.environ.get("LNODE_LAPTOP", "debian:bookworm-slim")
# pip finds all that it needs in /wheels
_PIP = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}


def gather_wheels(folder: Path) -> None:
    """Put lnode's wheel and a clone into the folder, and the wheels of its packages for any Python 3: pip picks."""
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


@contextmanager
def started(engine: DockerClient, wheels: Path) -> Iterator[Container]:
    """Start the container. It is on the network of this computer, so that it reaches the rig's port."""
    ensure_base_image("bookworm")
    image, _ = engine.images.build(
        path=str(ROOT), dockerfile="docker/Dockerfile", target="laptop", network_mode="host", rm=True, forcerm=True,
        buildargs={"LAPTOP": BASE},
    )  # fmt: skip
    container = engine.containers.create(
        image, ["sleep", "infinity"], name=f"lnode-laptop-{uuid.uuid4().hex[:12]}", labels={LABEL: "laptop"},
        network_mode="host", init=True, user="bob", working_dir="/home/bob", environment=_PIP,
        extra_hosts={"login.unity.edu": "127.0.0.1"}, volumes={str(wheels): {"bind": "/wheels", "mode": "ro"}},
    )  # fmt: skip
    try:
        container.start()
        yield container
    finally:
        container.remove(force=True, v=True)


def shell_argv(laptop: Container) -> Sequence[str]:
    """Return the command that opens a terminal of Bob's."""
    return ["docker", "exec", "-it", "-e", "TERM=xterm-256color", "-e", "LANG=C.UTF-8", str(laptop.id), "bash", "-l"]


def make_known(laptop: Container, rig: Rig, address: str = "127.0.0.1") -> None:
    """Give Bob the alias and its key, as everybody has who has used ssh there; he has never seen the host's key."""
    laptop.exec_run(["rm", "-rf", "/home/bob/.ssh", "/home/bob/.config", "/home/bob/.local"], user="root")
    config = f"Host unity\n    HostName {address}\n    Port {rig.port}\n    User alice\n"
    files = {"config": config.encode(), "id_ed25519": (rig.folder / "id_ed25519").read_bytes()}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(_entry(".ssh", 0o700, tarfile.DIRTYPE))
        for name, content in files.items():
            told = _entry(f".ssh/{name}", 0o600, tarfile.REGTYPE)
            told.size = len(content)
            tar.addfile(told, io.BytesIO(content))
    laptop.put_archive("/home/bob", archive.getvalue())


def _entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    told = tarfile.TarInfo(name)
    told.mode, told.type, told.uid, told.gid = mode, kind, 1000, 1000
    return told
