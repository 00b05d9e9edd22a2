"""`lnode demo`: the same verbs against an embedded one-node cluster on this laptop; `--reset` removes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from lnode import screen
from lnode.errors import ExitCode

ALIAS = "demo"


@contextmanager
def reach(alias: str) -> Iterator[str | None]:
    """The `ssh -F` file under which ssh knows the alias: the demo's while the block runs its cluster, else None."""
    if alias != ALIAS:
        yield None
        return
    from lnode.demo import cluster

    with cluster() as config:
        yield str(config)


def reset() -> ExitCode:
    """End the demo's sessions and remove everything that it left on this laptop."""
    from lnode.demo import reset as remove

    screen.say("the demo is gone" if remove() else "there was no demo")
    return ExitCode.DONE
