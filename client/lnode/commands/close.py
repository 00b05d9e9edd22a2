"""`lnode HOST --close`: end the connection that stays open after a sign-in, and with it the sign-in."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.ssh import master


def close(address: Address) -> ExitCode:
    """End lnode's own connection to the host, and what rides on it. Raises LnodeError where it is the user's own."""
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
