"""The way to one login node of several behind an alias, and what this laptop remembers of them.

The alias keeps its user, key and HostKeyAlias. A master of the alias is the way through, never the way itself: it pins
the node on which it landed, so what leads to another node has another ControlPath.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

from lnode.cluster.login_nodes import is_same
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders
from lnode.laptop.settings import HostSettings
from lnode.remote.fields import SSH_PORT, NodeName, Port
from lnode.ssh import master, sign_in_memory
from lnode.ssh.arguments import Local, Option
from lnode.ssh.target import Resolving, Target

_WITHIN_S = 10  # a node that is down lets the jump wait for minutes


class Known(NamedTuple):
    """What was seen of an alias: its login nodes with their sshd's port, and on which each session was last.

    A node is one to which the alias has led, or that had sessions: an interactive job may come from any compute node.
    """

    ports: Mapping[NodeName, Port]
    sessions: Mapping[str, NodeName]

    def owner(self, name: str) -> NodeName | None:
        """Where to look for the session, None where that is unknown."""
        return self.sessions.get(name)

    def port(self, node: NodeName) -> Port:
        """Of its sshd: login nodes of one alias are alike."""
        return self.ports.get(node, next(iter(self.ports.values()), SSH_PORT))

    @property
    def are_several(self) -> bool:
        """Has the alias led to more than one node? If not it is itself the shortest way."""
        return len(self.ports) > 1


def to_node(target: Target, node: NodeName, port: Port, settings: HostSettings, *, led: bool = False) -> Target:
    """The target that is this login node. Raises LnodeError as Resolving does.

    `led`: the alias has led there, so its key is known by the alias' name; else ssh has to ask about one that is new.
    """
    if settings.login_nodes:
        route: tuple[Option, ...] = (Option("HostName", _address(settings.login_nodes, node)),)
    else:
        route = (Option("HostName", node), Option("Port", port), _through(target))
        if sign_in_memory.takes_person(target) is False or master.identity(
            target
        ):  # or who signs in there may need longer
            route = (*route, Option("ConnectTimeout", _WITHIN_S))
    if led:
        route = (*route, Option("HostKeyAlias", Local(target.host_key_alias or target.place.known_hosts_name)))
    if target.one("controlpath"):
        route = (*route, Option("ControlPath", Local("none")))  # it may be the same for both: %n, or no token at all
    routed = Resolving(target.alias, target.config, node=node, route=route).target()
    return master.with_master(routed, settings.keep_warm)


def to_owner(target: Target, node: NodeName, settings: HostSettings) -> Target:
    """Return the target that is the login node of a session, past the one where the alias leads. Raises LnodeError."""
    port = recall(target.alias).ports.get(node) or Port(target.port)
    return to_node(target, node, port, settings, led=True)


def _address(template: str, node: NodeName) -> NodeName:
    """The address of a login node, by `login_nodes` of config.toml. Raises LnodeError."""
    address = NodeName.parse(template.replace("{node}", node))
    if address is None:
        raise LnodeError(
            ExitCode.USAGE,
            f"login_nodes makes no address of {node}",
            f"fix it in config.toml: login_nodes = {template!r}",
        )
    return address


def _through(target: Target) -> Option:
    """Through wherever the alias leads, over the master that a sign-in left open."""
    if not target.control_path:
        return Option("ProxyJump", Local(target.alias))
    import shlex

    alias = shlex.quote(target.alias).replace("%", "%%")
    way = f"ssh -o ControlPath={target.control_path} -o ControlMaster=no -W [%h]:%p -- {alias}"
    return Option("ProxyCommand", Local(way))


def wants_person(target: Target, there: Target) -> bool:
    """Would a silent sign-in be refused `there`, at a login node of the target?

    What takes somebody at one of them does at the others, until one was seen to take nobody.
    """
    takes_person = sign_in_memory.takes_person(there)
    if takes_person is None:
        takes_person = sign_in_memory.takes_person(target)
    return bool(takes_person) and master.identity(there) is None


def recall(alias: str) -> Known:
    """What is remembered, read as strictly as what a host says: an older lnode may have written it."""
    kept = _read().get(alias)
    kept = kept if isinstance(kept, dict) else {}
    ports, sessions = (_table(kept.get(part)) for part in ("ports", "sessions"))
    known = {
        node: port for name, number in ports.items()
        if (node := NodeName.parse(name)) and (port := Port.parse(number))
    }  # fmt: skip
    seen = {name: node for name, where in sessions.items() if (node := NodeName.parse(where)) and node in known}
    return Known(known, seen)


def _table(kept: object) -> dict[str, str]:
    return {key: str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def learn_node(alias: str, node: NodeName, port: Port, names: Collection[str], *, led: bool) -> None:
    """These are the sessions of a login node, and no others. `led`: the alias leads there."""
    known = recall(alias)
    ports = {one: its for one, its in known.ports.items() if led or names or not is_same(one, node)}
    others = {
        name: where for name, where in known.sessions.items()
        if not is_same(where, node) and name not in names
    }  # fmt: skip
    if led or names:
        node = _as_kept(known, node)
        ports[node] = port
    _keep(alias, known, Known(ports, {**others, **dict.fromkeys(names, node)}))


def learn_session(alias: str, name: str, node: NodeName) -> None:
    """Remember that the session was last seen on `node`."""
    known = recall(alias)
    node = _as_kept(known, node)
    ports = {**known.ports, node: known.port(node)}
    _keep(alias, known, Known(ports, {**known.sessions, name: node}))


def _as_kept(known: Known, node: NodeName) -> NodeName:
    return next((one for one in known.ports if is_same(one, node)), node)


def _keep(alias: str, before: Known, now: Known) -> None:
    """A state folder that cannot be written remembers nothing."""
    if now != before:
        import json

        with suppress(OSError):
            folders.replace_privately(_path(), json.dumps({**_read(), alias: now._asdict()}))


def _read() -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError), open(_path(), encoding="utf-8") as file:
        import json  # on the way to ssh, and most have one login node

        kept = json.load(file)
        if isinstance(kept, dict):
            return kept
    return {}


def _path() -> str:
    return f"{folders.state_folder()}/login-nodes"
