"""Which login node has a session: hints of the shared home, the scheduler and the laptop, and the verdict.

All hints may be old. Only the node itself knows its sessions. If it does not answer, lnode starts nothing because of
the hint.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from lnode.remote.fields import NodeName, Port

if TYPE_CHECKING:
    from lnode.schedulers.job import Job


class Claim(NamedTuple):
    """Another login node, its sshd's port, and its sessions by the hints; without names it has an unknown session."""

    node: NodeName
    port: Port
    names: tuple[str, ...]


class Verdict(Enum):
    """FOUND: a node has it. DOWN: by a hint, a silent node has it. DOUBT: a silent node may. NOWHERE: no node."""

    FOUND = auto()
    DOWN = auto()
    DOUBT = auto()
    NOWHERE = auto()


def claims(
    rows: Iterable[str], jobs: "Iterable[Job]", here: NodeName | None, port: Port, compute: Collection[str] = ()
) -> tuple[Claim, ...]:
    """Return the hints about other login nodes, by name: from rows `NODE PORT NAME` of the home, and from requests.

    Login nodes of one alias are alike, so this node's port is the default. A batch job is no hint about sessions, nor
    is a request from one of the `compute` nodes.
    """
    names: dict[NodeName, set[str]] = {}
    ports: dict[NodeName, Port] = {}
    for row in rows:
        match = re.fullmatch(r"(\S{1,253}) (\S{0,5}) (.+)", row)
        node = NodeName.parse(match[1]) if match else None
        if match and node and not is_same(node, here):
            names.setdefault(node, set()).add(match[3])
            ports[node] = Port.parse(match[2]) or port
    known = {_short(node) for node in names} | {_short(here or "")}
    for host in {job.submit_host for job in jobs if not job.is_batch} - {*map(_short, compute)}:
        if host not in known and (node := NodeName.parse(host)):
            names[node] = set()
    return tuple(Claim(node, ports.get(node, port), tuple(sorted(names[node]))) for node in sorted(names))


def of_kind(kind: str, rows: Iterable[str]) -> set[str]:
    """Return the short names of the submit hosts of a kind, `self` or `compute`, from the rows of list.sh."""
    pairs = (row.partition(" ") for row in rows)
    return {_short(node) for word, _, name in pairs if word == kind and (node := NodeName.parse(name))}


def decide(
    name: str,
    found: Mapping[NodeName | None, Collection[str]],
    silent: Sequence[Claim],
    remembered: NodeName | None,
) -> tuple[Verdict, NodeName | None]:
    """Return the verdict and the node. `found` are the sessions of the nodes that answered, by node.

    The node to which the alias leads is None if its name is unknown. `remembered` is the node on which the laptop saw
    the session last, or None.
    """
    owners = sorted((node for node in found if name in found[node]), key=lambda node: node or "")
    if owners:
        return Verdict.FOUND, next((node for node in owners if is_same(node, remembered)), owners[0])
    for claim in silent:
        if name in claim.names or is_same(claim.node, remembered):
            return Verdict.DOWN, claim.node
    doubtful = [claim.node for claim in silent if not claim.names]
    return (Verdict.DOUBT, doubtful[0]) if doubtful else (Verdict.NOWHERE, None)


def is_same(node: str | None, other: str | None) -> bool:
    """True for two names of one login node, with or without the domain. None is no name."""
    return bool(node and other) and _short(node or "") == _short(other or "")


def _short(node: str) -> str:
    return node.partition(".")[0]
