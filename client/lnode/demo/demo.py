"""`lnode demo`: a one-node cluster on this laptop, for you who have no account yet.

An ssh server on a loopback port with throw-away keys, a login node with its own home, stand-ins for sinteractive,
squeue and scancel, and tmux (or a stand-in for it). The rest of lnode meets it as it meets any host. The server
ends with the process; sessions and jobs stay, in one folder that `reset` removes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every attach passes here
    from pathlib import Path

ALIAS = "demo"


@contextmanager
def reach(alias: str) -> Iterator[str | None]:
    """The `ssh -F` file under which ssh knows the alias: the demo's while the block runs its cluster, else None."""
    if alias != ALIAS:
        yield None
        return
    with cluster() as config:
        yield str(config)


@contextmanager
def cluster() -> "Iterator[Path]":
    """Run the cluster's ssh server beside this thread; yields an `ssh -F` file that knows the host `demo`.

    Several processes may do so at once: each has a server and a file of its own, all share sessions and jobs.
    """
    from lnode.demo import server, state

    place = state.prepare()
    with server.serving(place) as port, state.config_file(place, port) as config:
        yield config


def reset() -> bool:
    """End the demo's sessions and jobs and remove all that it keeps; False if there was nothing."""
    from lnode.demo import state

    return state.remove()
