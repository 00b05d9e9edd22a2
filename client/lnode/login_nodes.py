"""Which login node has a session: what the shared home, the scheduler and the laptop say, and what follows from it.

All of that are hints that may be old. Where a session is, only the node itself knows; where it does not answer, a hint
is enough to start nothing anew.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from lnode.slurm import Job

_NODE = re.compile(r"(?!-)[A-Za-z0-9._-]{1,200}")


class Claim(NamedTuple):
    """Another login node, the port of its sshd, and the sessions that are said to be there; none: something is."""

    node: str
    port: int
    names: tuple[str, ...]


class Verdict(Enum):
    """FOUND: it is there. DOWN: it is said to be there, who does not answer. DOUBT: it may be. NOWHERE: it is not."""

    FOUND = auto()
    DOWN = auto()
    DOUBT = auto()
    NOWHERE = auto()


def is_node(name: str) -> bool:
    """Can that be the name of a login node?"""
    return _NODE.fullmatch(name) is not None


def claims(rows: Iterable[str], jobs: Iterable[Job], here: str, port: int) -> tuple[Claim, ...]:
    """Of the other login nodes, by name: rows `NODE PORT NAME` of the home, and where requests were made.

    Login nodes of one alias are alike, so the port of this one serves where the home has none. A batch job says nothing
    of sessions.
    """
    names: dict[str, set[str]] = {}
    ports: dict[str, int] = {}
    for row in rows:
        match = re.fullmatch(r"(\S{1,200}) ([0-9]{0,5}) (.+)", row)
        if match and is_node(match[1]) and not is_same(match[1], here):
            names.setdefault(match[1], set()).add(match[3])
            ports[match[1]] = int(match[2] or port)
    known = {_short(node) for node in names} | {_short(here), ""}
    for host in {job.submit_host for job in jobs if not job.is_batch}:
        if host not in known and is_node(host):
            names[host] = set()
    return tuple(Claim(node, ports.get(node, port), tuple(sorted(names[node]))) for node in sorted(names))


def decide(
    name: str, found: Mapping[str, Collection[str]], silent: Sequence[Claim], remembered: str
) -> tuple[Verdict, str]:
    """Where the session is, and on which node: `found` are the sessions of those that answered, by node.

    `remembered` is where the laptop saw it last, "" for nowhere.
    """
    owners = sorted(node for node in found if name in found[node])
    if owners:
        return Verdict.FOUND, next((node for node in owners if is_same(node, remembered)), owners[0])
    for claim in silent:
        if name in claim.names or is_same(claim.node, remembered):
            return Verdict.DOWN, claim.node
    doubtful = [claim.node for claim in silent if not claim.names]
    return (Verdict.DOUBT, doubtful[0]) if doubtful else (Verdict.NOWHERE, "")


def is_same(node: str, other: str) -> bool:
    """Is that the same login node? One program's name for it has the domain, another's has not."""
    return _short(node) == _short(other)


def _short(node: str) -> str:
    return node.partition(".")[0]
