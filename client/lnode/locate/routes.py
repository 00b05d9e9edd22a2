"""The way to one of several login nodes behind an alias, and this laptop's memory of them.

The alias keeps its user, key and HostKeyAlias. lnode can jump through a master of the alias, but never uses it as the
way itself: a master stays on the node that it reached, so another node has another ControlPath.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from lnode.cluster.login_nodes import is_same
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders
from lnode.laptop.file_lock import alone
from lnode.laptop.settings import HostSettings
from lnode.remote.fields import SSH_PORT, NodeName, Port
from lnode.ssh.arguments import Local, Option

if TYPE_CHECKING:  # completion needs the memory alone
    from lnode.ssh.target import Target

_WITHIN_S = 10  # to a node that is down, the jump would wait for minutes


class Known(NamedTuple):
    """The login nodes of an alias with their sshd's port, and the node on which each session was last seen.

    A node counts if the alias has led to it, or if it had sessions: an interactive job may come from any compute node.
    """

    ports: Mapping[NodeName, Port]
    sessions: Mapping[str, NodeName]

    def owner(self, name: str) -> NodeName | None:
        """Return the node on which to look for the session, None if unknown."""
        return self.sessions.get(name)

    def port(self, node: NodeName) -> Port:
        """Return the port of its sshd; the default is another node's, because login nodes of one alias are alike."""
        return self.ports.get(node, next(iter(self.ports.values()), SSH_PORT))

    @property
    def are_several(self) -> bool:
        """True if the alias has led to more than one node. Otherwise the alias itself is the shortest way."""
        return len(self.ports) > 1


def to_node(target: "Target", node: NodeName, port: Port, settings: HostSettings, *, led: bool = False) -> "Target":
    """Return the target that is this login node. Raises LnodeError as Resolving does.

    `led`: the alias has led to it, so its key is known by the alias' name; otherwise ssh asks you about a new key.
    """
    from lnode.ssh import master, sign_in_memory
    from lnode.ssh.target import Resolving

    if settings.login_nodes:
        route: tuple[Option, ...] = (Option("HostName", _address(settings.login_nodes, node)),)
    else:
        route = (Option("HostName", node), Option("Port", port), _through(target))
        if sign_in_memory.takes_person(target) is False or master.identity(
            target
        ):  # otherwise you may need longer to sign in
            route = (*route, Option("ConnectTimeout", _WITHIN_S))
    if led:
        route = (*route, Option("HostKeyAlias", Local(target.host_key_alias or target.place.known_hosts_name)))
    if target.one("controlpath"):
        route = (*route, Option("ControlPath", Local("none")))  # it may be the same for both: %n, or no token at all
    routed = Resolving(target.alias, target.config, node=node, route=route).target()
    return master.with_master(routed, settings.keep_warm)


def to_owner(target: "Target", node: NodeName, settings: HostSettings) -> "Target":
    """Return the target that is the login node of a session, past the one where the alias leads. Raises LnodeError."""
    port = recall(target.alias).ports.get(node) or Port(target.port)
    return to_node(target, node, port, settings, led=True)


def _address(template: str, node: NodeName) -> NodeName:
    """Return the address of a login node, by `login_nodes` of config.toml. Raises LnodeError."""
    address = NodeName.parse(template.replace("{node}", node))
    if address is None:
        raise LnodeError(
            ExitCode.USAGE,
            f"login_nodes does not make an address from {node}",
            f"fix it in config.toml: login_nodes = {template!r}",
        )
    return address


def _through(target: "Target") -> Option:
    """Return the option that jumps through the alias, over its open master if it has one."""
    if not target.control_path:
        return Option("ProxyJump", Local(target.alias))
    import shlex

    alias = shlex.quote(target.alias).replace("%", "%%")
    way = f"ssh -o ControlPath={target.control_path} -o ControlMaster=no -W [%h]:%p -- {alias}"
    return Option("ProxyCommand", Local(way))


def wants_person(target: "Target", there: "Target") -> bool:
    """True if `there`, a login node of the target, would refuse a silent sign-in.

    If you have to sign in to one login node, lnode expects the same of the others, until one lets it in silently.
    """
    from lnode.ssh import master, sign_in_memory

    takes_person = sign_in_memory.takes_person(there)
    if takes_person is None:
        takes_person = sign_in_memory.takes_person(target)
    return bool(takes_person) and master.identity(there) is None


def recall(alias: str) -> Known:
    """Return the laptop's memory of an alias, read as strictly as an answer: an older lnode may have written it."""
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
    """Remember exactly these sessions of a login node. `led`: the alias leads to it."""
    known = recall(alias)
    ports = {one: its for one, its in known.ports.items() if led or names or not is_same(one, node)}
    others = {
        name: where for name, where in known.sessions.items()
        if not is_same(where, node) and name not in names
    }  # fmt: skip
    if led or names:
        node = _as_kept(known, node)
        ports = {**{one: its for one, its in ports.items() if one != node}, node: port}
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
    """Write the latest of the memory if it has changed. If lnode cannot write its state folder, it forgets."""
    ports = dict([*now.ports.items()][-_MOST_NODES:])
    seen = [(name, node) for name, node in now.sessions.items() if node in ports and len(name) <= _LONGEST_NAME]
    now = Known(ports, dict(seen[-_MOST_SESSIONS:]))
    if now != before or [*now.ports] != [*before.ports]:
        import json

        with suppress(OSError), alone(_path()):
            folders.replace_privately(_path(), json.dumps({**_read(), alias: now._asdict()}))


_MOST_NODES = 64  # a host may say another one each time
_MOST_SESSIONS = 2000
_LONGEST_NAME = 250


def _read() -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError), open(_path(), encoding="utf-8") as file:
        import json  # on the way to ssh, and most have one login node

        kept = json.load(file)
        if isinstance(kept, dict):
            return kept
    return {}


def _path() -> str:
    return f"{folders.state_folder()}/login-nodes"
