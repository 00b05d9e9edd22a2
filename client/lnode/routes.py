"""The way to one login node of several behind an alias, and what this laptop remembers of them.

The alias keeps its user, key and HostKeyAlias. A master of the alias is the way through, never the way itself: it pins
the node on which it landed, so what leads to another node has another ControlPath.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

from lnode import laptop, sharing, signins
from lnode.login_nodes import is_node, is_same
from lnode.settings import Request
from lnode.target import Resolving, Target

_PORT = 22
_WITHIN_S = 10  # a node that is down lets the jump wait for minutes


class Known(NamedTuple):
    """What was seen of an alias: its login nodes with their sshd's port, and on which each session was last.

    A node is one to which the alias has led, or that had sessions: an interactive job may come from any compute node.
    """

    ports: Mapping[str, int]
    sessions: Mapping[str, str]

    def owner(self, name: str) -> str:
        """Where to look for the session, "" where that is unknown."""
        return self.sessions.get(name, "")

    def port(self, node: str) -> int:
        """Of its sshd: login nodes of one alias are alike."""
        return self.ports.get(node, next(iter(self.ports.values()), _PORT))

    @property
    def are_several(self) -> bool:
        """Has the alias led to more than one node? If not it is itself the shortest way."""
        return len(self.ports) > 1


def to_node(target: Target, node: str, port: int, request: Request, *, led: bool = False) -> Target:
    """The target that is this login node. Raises LnodeError as Resolving does.

    `led`: the alias has led there, so its key is known by the alias' name; else ssh has to ask about one that is new.
    """
    if request.login_nodes:
        route: tuple[str, ...] = (f"HostName={request.login_nodes.replace('{node}', node)}",)
    else:
        route = (f"HostName={node}", f"Port={port}", _through(target))
        if signins.takes_person(target) is False or sharing.identity(target):  # or who signs in there may need longer
            route = (*route, f"ConnectTimeout={_WITHIN_S}")
    if led:
        route = (*route, f"HostKeyAlias={target.host_key_alias or target.place.known_hosts_name}")
    if target.one("controlpath"):
        route = (*route, "ControlPath=none")  # it may be the same for both: %n, or no token at all
    routed = Resolving(target.alias, target.config, node=node, route=route).target()
    return sharing.with_master(routed, request.keep_warm)


def _through(target: Target) -> str:
    """Through wherever the alias leads, over the master that a sign-in left open."""
    if not target.control_path:
        return f"ProxyJump={target.alias}"
    import shlex

    alias = shlex.quote(target.alias).replace("%", "%%")
    return f"ProxyCommand=ssh -o ControlPath={target.control_path} -o ControlMaster=no -W [%h]:%p -- {alias}"


def wants_person(target: Target, there: Target) -> bool:
    """Would a silent sign-in be refused `there`, at a login node of the target?

    What takes somebody at one of them does at the others, until one was seen to take nobody.
    """
    takes_person = signins.takes_person(there)
    if takes_person is None:
        takes_person = signins.takes_person(target)
    return bool(takes_person) and sharing.identity(there) is None


def recall(alias: str) -> Known:
    """What is remembered; nothing where nothing can be read."""
    kept = _read().get(alias)
    kept = kept if isinstance(kept, dict) else {}
    ports, sessions = kept.get("ports"), kept.get("sessions")
    known = {
        node: port for node, port in (ports.items() if isinstance(ports, dict) else ())
        if is_node(node) and isinstance(port, int)
    }  # fmt: skip
    where = sessions.items() if isinstance(sessions, dict) else ()
    return Known(known, {name: node for name, node in where if isinstance(node, str) and node in known})


def learn_node(alias: str, node: str, port: int, names: Collection[str], *, led: bool) -> None:
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


def learn_session(alias: str, name: str, node: str) -> None:
    """The session is there."""
    if is_node(node):
        known = recall(alias)
        node = _as_kept(known, node)
        ports = {**known.ports, node: known.port(node)}
        _keep(alias, known, Known(ports, {**known.sessions, name: node}))


def _as_kept(known: Known, node: str) -> str:
    return next((one for one in known.ports if is_same(one, node)), node)


def _keep(alias: str, before: Known, now: Known) -> None:
    """A state folder that cannot be written remembers nothing."""
    if now != before:
        import json

        with suppress(OSError):
            laptop.replace_privately(_path(), json.dumps({**_read(), alias: now._asdict()}))


def _read() -> dict[str, object]:
    with suppress(OSError, ValueError), open(_path(), encoding="utf-8") as file:
        import json  # on the way to ssh, and most have one login node

        kept = json.load(file)
        if isinstance(kept, dict):
            return kept
    return {}


def _path() -> str:
    return f"{laptop.state_folder()}/login-nodes"
