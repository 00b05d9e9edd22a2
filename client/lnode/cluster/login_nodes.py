"""Which login node has a session: what the shared home, the scheduler and the laptop say, and what follows from it.

All of that are hints that may be old. Where a session is, only the node itself knows; where it does not answer, a hint
is enough to start nothing anew.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from lnode.remote.fields import NodeName, Port
from lnode.schedulers.slurm import Job


class Claim(NamedTuple):
    """Another login node, the port of its sshd, and the sessions that are said to be there; none: something is."""

    node: NodeName
    port: Port
    names: tuple[str, ...]


class Verdict(Enum):
    """FOUND: it is there. DOWN: it is said to be there, who does not answer. DOUBT: it may be. NOWHERE: it is not."""

    FOUND = auto()
    DOWN = auto()
    DOUBT = auto()
    NOWHERE = auto()


def claims(rows: Iterable[str], jobs: Iterable[Job], here: NodeName | None, port: Port) -> tuple[Claim, ...]:
    """Of the other login nodes, by name: rows `NODE PORT NAME` of the home, and where requests were made.

    Login nodes of one alias are alike, so the port of this one serves where the home has none. A batch job says nothing
    of sessions.
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
    for host in {job.submit_host for job in jobs if not job.is_batch}:
        if host not in known and (node := NodeName.parse(host)):
            names[node] = set()
    return tuple(Claim(node, ports.get(node, port), tuple(sorted(names[node]))) for node in sorted(names))


def decide(
    name: str,
    found: Mapping[NodeName | None, Collection[str]],
    silent: Sequence[Claim],
    remembered: NodeName | None,
) -> tuple[Verdict, NodeName | None]:
    """Where the session is, and on which node: `found` are the sessions of those that answered, by node.

    The node where the alias leads is None if its name is unknown. `remembered` is where the laptop saw it last, None
    for nowhere.
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
    """True for two names of one login node: one program's name has the domain, another's has not. None is no name."""
    return bool(node and other) and _short(node or "") == _short(other or "")


def _short(node: str) -> str:
    return node.partition(".")[0]
