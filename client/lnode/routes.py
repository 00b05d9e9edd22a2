"""The way to one login node of several behind an alias, and what this laptop remembers of them.

The alias keeps its user, key and HostKeyAlias. A master of the alias is the way through, never the way itself: it pins
the node on which it landed, so what leads to another node has another ControlPath.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

from lnode import laptop, sharing
from lnode.login_nodes import is_node
from lnode.settings import Request
from lnode.target import Resolving, Target

_PORT = 22


class Known(NamedTuple):
    """What was seen of an alias: its login nodes with their sshd's port, and on which each session was last."""

    ports: Mapping[str, int]
    sessions: Mapping[str, str]

    def owner(self, name: str) -> str:
        """Where to look for the session, "" where that is unknown."""
        return self.sessions.get(name, "")

    @property
    def are_several(self) -> bool:
        """Has the alias led to more than one node? If not it is itself the shortest way."""
        return len(self.ports) > 1


def to_node(target: Target, node: str, port: int, request: Request) -> Target:
    """The target that is this login node. Raises LnodeError as Resolving does."""
    if request.login_nodes:
        route: tuple[str, ...] = (f"HostName={request.login_nodes.replace('{node}', node)}",)
    else:
        route = (f"HostName={node}", f"Port={port}", _through(target))
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


def learn_node(alias: str, node: str, port: int, names: Collection[str]) -> None:
    """These are the sessions of a login node, and no others."""
    known = recall(alias)
    others = {name: where for name, where in known.sessions.items() if where != node and name not in names}
    _keep(alias, known, Known({**known.ports, node: port}, {**others, **dict.fromkeys(names, node)}))


def learn_session(alias: str, name: str, node: str) -> None:
    """The session is there."""
    if is_node(node):
        known = recall(alias)
        ports = {**known.ports, node: known.ports.get(node, next(iter(known.ports.values()), _PORT))}
        _keep(alias, known, Known(ports, {**known.sessions, name: node}))


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
