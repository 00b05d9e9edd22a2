"""Two login nodes behind one alias, which leads to either in turn.

The second has a login node's part only: no controller and no compute node, the munge key and the host key of the first,
and its home or one of its own. Both run in one Docker network, without names: each has the other's in /etc/hosts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle

from docker import DockerClient
from docker.models.containers import Container

import rig
from rig import CAPABILITIES, LABEL, Rig, configured, port_of, wait_until
from wire import Wire

_LOGIN_ONLY = """\
printf %s "$HOST_KEY" >/etc/ssh/ssh_host_ed25519_key
printf '%s\\n' "$HOST_PUB" >/etc/ssh/ssh_host_ed25519_key.pub
(umask 077; printf %s "$MUNGE_KEY" | base64 -d >/etc/munge/munge.key)
chown munge:munge /etc/munge/munge.key
chmod 400 /etc/munge/munge.key
install -d -o munge -g munge /run/munge
setpriv --reuid munge --regid munge --init-groups munged
"""


class Turnstile(Wire):
    """A wire whose connections lead to `ports` in turn."""

    def __init__(self, *ports: int) -> None:
        super().__init__(ports[0])
        self.lead_to(*ports)

    def lead_to(self, *ports: int) -> None:
        """New connections lead there from now on, the first to the first."""
        self._ports = cycle(ports)

    @property
    def to_port(self) -> int:
        return next(self._ports)

    @to_port.setter
    def to_port(self, port: int) -> None:
        self._ports = cycle([port])


@dataclass(frozen=True, slots=True)
class TwoNodes:
    """`first` is login1, the laptop's `unity` leads through `way`; `second` is login2 with the same laptop."""

    first: Rig
    second: Rig
    way: Turnstile

    def land_on(self, *nodes: Rig) -> None:
        """Where new connections of the alias land, in turn."""
        self.way.lead_to(*(node.port for node in nodes))

    def sessions(self) -> dict[str, list[str]]:
        """What tmux itself says on each node."""
        command = "tmux list-sessions -F '#{session_name}' 2>/dev/null"
        return {"login1": self.first.exec(command)[1].split(), "login2": self.second.exec(command)[1].split()}

    def forget(self) -> None:
        """No session, no job, nothing remembered."""
        for node in (self.second, self.first):
            node.exec("tmux kill-server; rm -rf ~/.local/state/lnode")
        self.first.forget_sessions()
        (self.first.home / ".local/state/lnode/login-nodes").unlink(missing_ok=True)
        self.land_on(self.first, self.second)


@contextmanager
def two_nodes(engine: DockerClient, image_id: str, run: str, *, shared_home: bool) -> Iterator[TwoNodes]:
    """Start both; they are removed whatever happens."""
    home = f"lnode-home-{run}-{shared_home:d}"
    volumes = {home: {"bind": "/home", "mode": "rw"}} if shared_home else {}
    with rig.running(engine, "slurm", image_id, f"{run}-two-{shared_home:d}", volumes=volumes) as first:
        second = _second(engine, image_id, run, first, volumes)
        try:
            second.start()
            first.exec(f"echo {_address(second)} login2 >>/etc/hosts", "root")
            wait_until(lambda: rig.banner(port_of(second)), "sshd of login2 answers")
            there = Rig(second, port_of(second), first.folder)
            with Turnstile(first.port, there.port) as way, configured(first, f"Host *\n    Port {way.port}\n"):
                yield TwoNodes(first, there, way)
        finally:
            second.remove(force=True, v=True)
    if shared_home:
        engine.volumes.get(home).remove(force=True)


def _second(engine: DockerClient, image_id: str, run: str, first: Rig, volumes: dict[str, dict[str, str]]) -> Container:
    read = {
        "LNODE_AUTHORIZED_KEY": "cat /etc/ssh/authorized_keys",
        "HOST_KEY": "cat /etc/ssh/ssh_host_ed25519_key",
        "HOST_PUB": "cat /etc/ssh/ssh_host_ed25519_key.pub",
        "MUNGE_KEY": "base64 -w0 /etc/munge/munge.key",
    }
    return engine.containers.create(
        image_id, ["sh", "-ec", _LOGIN_ONLY],
        name=f"lnode-second-{run}-{bool(volumes):d}", labels={LABEL: run},
        environment={name: first.exec(command, "root")[1] for name, command in read.items()},
        hostname="login2", extra_hosts={"login1": _address(first.container)}, volumes=volumes,
        init=True, ports={"22/tcp": ("127.0.0.1", 0)},
        cap_drop=["ALL"], cap_add=CAPABILITIES, security_opt=["no-new-privileges"],
    )  # fmt: skip


def _address(container: Container) -> str:
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])
