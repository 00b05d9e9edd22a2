"""`lnode demo`: a one-node cluster on this laptop, for readers without an account.

An ssh server on a loopback port with throw-away keys, a login node with its own home, stand-ins for sinteractive,
squeue and scancel, and tmux (or a stand-in for it). The rest of lnode treats it like any host. The server
ends with the process; sessions and jobs stay, in one folder that `reset` removes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every attach loads this file
    from pathlib import Path

ALIAS = "demo"


@contextmanager
def reach(alias: str) -> Iterator[str | None]:
    """Yield the `ssh -F` file for the alias: the demo's, with its cluster running in the block, else None."""
    if alias != ALIAS:
        yield None
        return
    with cluster() as config:
        yield str(config)


@contextmanager
def cluster() -> "Iterator[Path]":
    """Run the cluster's ssh server beside this thread; yield an `ssh -F` file that knows the host `demo`.

    Several processes can do so at once: each has its own server and file, and all share sessions and jobs.
    """
    from lnode.demo import server, state

    place = state.prepare()
    with server.serving(place) as port, state.config_file(place, port) as config:
        yield config


def reset() -> bool:
    """End the demo's sessions and jobs and remove all its files; return False if there were none."""
    from lnode.demo import state

    return state.remove()


def drop(seconds: int) -> int:
    """Cut the wire of all the demo's windows for so long; return how many there were. Raises ValueError."""
    from lnode.demo import drop, state

    folder, length = state.locate().short, drop.parse_seconds(str(seconds))
    return drop.cut(str(folder), length) if state.is_own(folder) else 0
