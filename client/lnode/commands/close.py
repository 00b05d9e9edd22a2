"""`lnode HOST --close`: end the connection that stays open after a sign-in. The next connection signs in again."""

from collections.abc import Iterator
from contextlib import suppress

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.ssh import master
from lnode.ssh.target import Target


def close(address: Address) -> ExitCode:
    """End lnode's own connection to the host, and all that uses it. Raises LnodeError if your ssh config shares it."""
    target, alias = master.with_own(address.target), address.alias
    if target.one("controlpath"):
        raise LnodeError(
            ExitCode.USAGE,
            f"connections to {alias} are shared as your ssh configuration says",
            f"close it with: ssh -O exit {alias}",
        )
    others = [*_of_login_nodes(address)]  # before the way to them is closed
    closed = [master.close(one) for one in (target, *others)]
    if any(closed):
        screen.say(f"the connection to {alias} is closed; sessions go on there")
    else:
        screen.say(f"no connection to {alias} is open")
    return ExitCode.DONE


def _of_login_nodes(address: Address) -> Iterator[Target]:
    """Yield the login nodes of the alias that may have a connection of their own."""
    known = routes.recall(address.alias)
    for node in dict.fromkeys((*known.ports, *known.sessions.values())):
        for led in (True, False):
            with suppress(LnodeError):
                there = routes.to_node(address.target, node, known.port(node), address.settings, led=led)
                yield master.with_own(there)
