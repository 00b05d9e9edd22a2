"""The Docker rig: a login node in a container, and a laptop's ssh configuration, keys and home in front of it.

Keys are made anew for every container, the host key is read through Docker and not from the network, and
StrictHostKeyChecking is always yes.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from docker import DockerClient
from docker.models.containers import Container

import inside

Image = Literal["standin", "slurm", "accounts", "bench", "gridengine", "oar", "htcondor", "tmuxes"]

ROOT = Path(__file__).parent.parent
LABEL = "lnode.rig"
RELEASE = os.environ.get("LNODE_RIG") or "bookworm"
"""The Debian of the login nodes, by its code name. docker/base-image has the list."""
AS_SITES_RUN = os.environ.get("LNODE_SLURM") == "sites"
"""Slurm with cgroups and a /tmp for each job: see as-sites-run. It takes rights that the usual rig has not."""
# The least that sshd and Slurm run with. Without KILL the first scancel drains the node.
CAPABILITIES = ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_CHROOT"]
# What `ssh unity` and so on mean on the rig's laptop: alias -> user. Every shell has a user whose rc files print noise.
SHELL_USERS = ("u_bash", "u_zsh", "u_dash", "u_fish", "u_csh", "u_tcsh")
ALIASES = {"unity": "alice", "modular": "modular", **{user: user for user in SHELL_USERS}}

_SETUID = ("oar",)  # the programs of its users are its own
_SLURM_READY = "test \"$(sinfo -h -o '%D %t')\" = '4 idle'"
_READY: dict[Image, str] = {
    "standin": "true",
    "slurm": _SLURM_READY,
    "accounts": f"{_SLURM_READY} && sinfo -M gpu -h -o %t | grep -qx idle",
    "bench": _SLURM_READY,
    "gridengine": "qhost -h login1 | grep -q '^login1 *lx-'",
    "oar": 'test "$(oarstat >/dev/null && oarnodes -s | grep -c Alive)" = 2',
    "htcondor": 'test "$(condor_status -af State | sort -u)" = Unclaimed',
    "tmuxes": "true",
}
# `modular` has no tmux on PATH. A heart whose laptop has no network more would beat into the next test.
_FORGET = """\
PATH=$PATH:/opt/apps/tmux/bin USER=$(id -un)
pkill -KILL -u "$USER" -fx 'cat -u' 2>/dev/null
tmux kill-server 2>/dev/null
rm -f /var/log/standin/* ~/.local/state/lnode/requests/*
if command -v qconf >/dev/null; then
  until [ -z "$(qstat -u "$USER")" ]; do
    qdel -u "$USER"
    sleep 0.1
  done
fi
if command -v oardel >/dev/null; then
  tries=0
  while jobs=$(oarstat -u "$USER" | grep -oE '^[0-9]+'); do
    if [ $((tries % 20)) = 0 ]; then oardel $jobs; fi # each is a round of OAR's, which takes long on a busy machine
    tries=$((tries + 1))
    sleep 0.5
  done
fi
if command -v condor_rm >/dev/null; then
  until [ -z "$(condor_q -af ClusterId)" ]; do
    condor_rm -all
    sleep 0.1
  done
fi
command -v scancel >/dev/null || exit 0
if command -v slurmdbd >/dev/null; then
  until [ -z "$(squeue -M gpu -h --user "$USER")" ]; do
    scancel -M gpu --user "$USER"
    sleep 0.1
  done
fi
until [ -z "$(squeue -h --user "$USER")" ] && [ "$(sinfo -h -o '%D %t')" = '4 idle' ]; do
  scancel --user "$USER"
  sleep 0.1
done
"""


@dataclass(frozen=True, slots=True)
class Rig:
    """One running login node and the laptop in front of it. The tests start it through fixtures of conftest.py."""

    container: Container
    port: int
    folder: Path
    _shells: list[inside.Shell] = field(default_factory=list, repr=False, compare=False)

    @property
    def ssh_config(self) -> Path:
        """An `ssh -F` file with every alias of ALIASES; also what plain `ssh` means under `env()`."""
        return self.folder / "ssh_config"

    @property
    def home(self) -> Path:
        """HOME of the laptop, and below it every XDG folder."""
        return self.folder / "home"

    @property
    def settings(self) -> Path:
        """The laptop's config.toml."""
        return self.home / ".config" / "lnode" / "config.toml"

    def env(self, **more: str) -> dict[str, str]:
        """The environment for running `lnode` or `ssh` on this laptop; nothing of the developer's own but PATH."""
        return {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            **more,
        }

    def ssh(self, alias: str, command: str, *, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command through the login shell of the alias's user, with no terminal and empty input."""
        return subprocess.run(
            ["ssh", alias, command],
            env=self.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def exec(self, command: str, user: str = "alice") -> tuple[int, str]:
        """Run a sh command in the container past sshd and login shell: exit status, stdout and stderr together."""
        while True:
            shell = self._shells.pop() if self._shells else inside.Shell(self.container)
            try:
                status, output = shell.run(command, user)
            except inside.ShellError as ended:
                if ended.begun:
                    raise
                continue
            self._shells.append(shell)
            return status, output.decode()

    def sshd_log(self) -> str:
        """All that sshd has said; each channel has its line `Starting session: command for alice from ...`."""
        log: bytes = self.container.logs()
        return log.decode()

    def recorded(self, program: Literal["tmux", "sinteractive"]) -> list[dict[str, Any]]:
        """Image standin: every call of a stand-in since the last `forget_sessions`, oldest first."""
        log = f"/var/log/standin/{program}.jsonl"
        status, text = self.exec(f"if [ -e {log} ]; then cat {log}; fi")
        assert status == 0, text
        return [json.loads(line) for line in text.splitlines()]

    @property
    def socket_folder(self) -> Path:
        """The folder of lnode's own masters on this laptop."""
        return self.home / "run" / "lnode"

    def masters(self) -> list[int]:
        """The pids of lnode's own masters on this laptop."""
        rows = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        folder = re.escape(str(self.socket_folder))
        title, words = rf"ssh: {folder}/\S+ \[mux\]", rf"\S*ssh .* -N .*ControlPath={folder}/"
        return [int(pid) for pid in re.findall(rf"^ *(\d+) (?:{title}|{words})", rows.stdout, re.MULTILINE)]

    def forget_connections(self) -> None:
        """End lnode's own masters on this laptop."""
        for pid in self.masters():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def forget_sessions(self, user: str = "alice") -> None:
        """End the user's tmux server and jobs, and wait until Slurm has freed the nodes (some 10 s)."""
        status, said = self.exec(f"timeout 100 sh -c {shlex.quote(_FORGET)}", user)
        assert status == 0, f"{user}'s sessions or jobs do not end: {said}{self.exec('squeue; sinfo')[1]}"


@contextmanager
def configured(rig: Rig, extra: str) -> Iterator[None]:
    """The laptop's ssh configuration with lines that win over the rest."""
    before = rig.ssh_config.read_text()
    rig.ssh_config.write_text(f"{extra}\n{before}")
    try:
        yield
    finally:
        rig.ssh_config.write_text(before)


@contextmanager
def with_settings(rig: Rig, text: str) -> Iterator[None]:
    """The laptop's config.toml with this text alone."""
    before = rig.settings.read_text()
    rig.settings.write_text(text)
    try:
        yield
    finally:
        rig.settings.write_text(before)


def ensure_base_image(release: str = RELEASE) -> None:
    """Pull or make Debian's image of that release, unless it is there. Raises RuntimeError with one sentence."""
    env = {**os.environ, "LNODE_RIG": release}
    done = subprocess.run([ROOT / "docker" / "base-image"], env=env, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())


def build(engine: DockerClient, image: Image) -> str:
    """Build one target of docker/Dockerfile, or find it in the layer cache; the image's id.

    The workers of pytest build one after the other: Docker before BuildKit does the same steps once for each of them.
    """
    with (ROOT / "docker" / "Dockerfile").open() as dockerfile:
        fcntl.flock(dockerfile, fcntl.LOCK_EX)
        built, _ = engine.images.build(
            path=str(ROOT), dockerfile="docker/Dockerfile", target=image, tag=f"lnode-rig:{image}-{RELEASE}",
            buildargs={"RELEASE": RELEASE}, network_mode="host", rm=True, forcerm=True,
        )  # fmt: skip
    assert built.id is not None
    return built.id


@contextmanager
def running(
    engine: DockerClient,
    image: Image,
    image_id: str,
    run: str,
    *,
    volumes: dict[str, dict[str, str]] | None = None,
) -> Iterator[Rig]:
    """Start a container and yield it once it can be worked with; it is removed whatever happens.

    `run` is this test run's own name, which labels the container: several runs may share one engine.
    """
    # Not pytest's tmp_path: below it the name of a control socket grows past the 104 bytes that macOS allows.
    with TemporaryDirectory(prefix="rig-") as name:
        folder = Path(name)
        container = _create(engine, image, image_id, run, _new_key(folder / "id_ed25519"), volumes or {})
        try:
            container.start()
            yield _ready(container, image, folder)
        finally:
            container.remove(force=True, v=True)


def _create(
    engine: DockerClient, image: Image, image_id: str, run: str, key: str, volumes: dict[str, dict[str, str]]
) -> Container:
    environment, more, security = {"LNODE_AUTHORIZED_KEY": key}, list[str](), ["no-new-privileges"]
    if image in _SETUID:
        security = []
    if AS_SITES_RUN and image == "slurm":
        environment["AS_SITES_RUN"] = "yes"
        more, security = ["SYS_ADMIN", "SYS_NICE"], ["seccomp=unconfined", "apparmor=unconfined"]
        volumes = {**volumes, "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}}
    return engine.containers.create(
        image_id, name=f"lnode-{image}-{run}", labels={LABEL: run}, environment=environment,
        hostname="login1", volumes=volumes, init=True, ports={"22/tcp": ("127.0.0.1", 0)},
        cap_drop=["ALL"], cap_add=[*CAPABILITIES, *more], security_opt=security,
    )  # fmt: skip


def _new_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rig", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


def _ready(container: Container, image: Image, folder: Path) -> Rig:
    """Wait for sshd's banner and the scheduler, then set up the laptop."""

    rig = Rig(container, port_of(container), folder)
    wait_until(lambda: banner(port_of(container)), "sshd answers")
    wait_until(lambda: rig.exec(_READY[image])[0] == 0, f"{image} is ready")
    _equip(rig)
    return rig


def seeing_tmp_of(job: str) -> str:
    """The words before a command that is to see the job's /tmp, in which is the socket of its tmux."""
    return f"srun --jobid={job} --overlap -N1 -n1 " if AS_SITES_RUN else ""


def port_of(container: Container) -> int:
    """The port on 127.0.0.1 that leads to sshd, another one after each start.

    Raises RuntimeError when the container has ended.
    """
    container.reload()
    published = container.ports.get("22/tcp")
    if not published:
        raise RuntimeError(f"the container ended at its start:\n{container.logs().decode()}")
    return int(published[0]["HostPort"])


def wait_until(true: Callable[[], bool], what: str, *, within_s: float = 60) -> None:
    """Ask until it is so. Raises TimeoutError after the deadline."""
    deadline, pause_s = time.monotonic() + within_s, 0.02
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s: {what}")
        time.sleep(pause_s)
        pause_s = min(1.3 * pause_s, 0.25)


def banner(port: int) -> bool:
    """Does sshd answer there?"""
    # Docker's own proxy accepts before sshd listens, and then hangs up.
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _equip(rig: Rig) -> None:
    """Write what the laptop has: known_hosts, the ssh configuration, an empty home, and `ssh` on its PATH."""
    status, host_key = rig.exec("cat /etc/ssh/ssh_host_ed25519_key.pub")
    assert status == 0, host_key
    (rig.folder / "known_hosts").write_text(f"lnode-rig {host_key}")
    rig.ssh_config.write_text(_config(rig))
    (rig.home / "run").mkdir(parents=True, mode=0o700)
    # As on a laptop that has signed in before: with a key that is silent, and every terminal has its own connection.
    rig.settings.parent.mkdir(parents=True)
    rig.settings.write_text("".join(f'[hosts.{alias}]\nkeep_warm = "no"\n' for alias in (*ALIASES, "beside")))
    _wrap_ssh(rig)


def _config(rig: Rig) -> str:
    aliases = "".join(f"Host {alias}\n    User {user}\n" for alias, user in ALIASES.items())
    return f"""\
{aliases}
Host *
    HostName 127.0.0.1
    Port {rig.port}
    HostKeyAlias lnode-rig
    StrictHostKeyChecking yes
    UserKnownHostsFile {rig.folder / "known_hosts"}
    GlobalKnownHostsFile none
    IdentityFile {rig.folder / "id_ed25519"}
    IdentitiesOnly yes
    IdentityAgent none
"""


def _wrap_ssh(rig: Rig) -> None:
    # OpenSSH finds ~/.ssh/config through the password database, whatever HOME says. A later -F overrides this one.
    real = shutil.which("ssh")
    if real is None:
        sys.exit("the tests need an OpenSSH client")
    wrapper = rig.folder / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(real)} -F {shlex.quote(str(rig.ssh_config))} "$@"\n')
    wrapper.chmod(0o755)
