"""`lnode demo`: a one-node cluster on this laptop, for whoever has no account yet.

An ssh server on a loopback port with throw-away keys, a login node with its own home, stand-ins for sinteractive,
squeue and scancel, and tmux (or a stand-in for it). The rest of lnode meets it as it meets any host. The server
ends with the process; sessions and jobs stay, in one folder that `reset` removes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def cluster() -> Iterator[Path]:
    """Run the cluster's ssh server beside this thread; yields an `ssh -F` file that knows the host `demo`.

    Several processes may do so at once: each has a server and a file of its own, all share sessions and jobs.
    """
    from lnode.demo import _server, _state

    place = _state.prepare()
    with _server.serving(place) as port, _state.config_file(place, port) as config:
        yield config


def reset() -> bool:
    """End the demo's sessions and jobs and remove what it keeps; False if there was nothing."""
    from lnode.demo import _state

    return _state.remove()
