"""`lnode HOST --close`: end the connection that stays open after a sign-in. The next connection signs in again."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.ssh import master


def close(address: Address) -> ExitCode:
    """End lnode's own connection to the host, and all that uses it. Raises LnodeError if your ssh config shares it."""
    target, alias = master.with_own(address.target), address.alias
    if target.one("controlpath"):
        raise LnodeError(
            ExitCode.USAGE,
            f"connections to {alias} are shared as your ssh configuration says",
            f"close it with: ssh -O exit {alias}",
        )
    if master.close(target):
        screen.say(f"the connection to {alias} is closed; sessions go on there")
    else:
        screen.say(f"no connection to {alias} is open")
    return ExitCode.DONE
