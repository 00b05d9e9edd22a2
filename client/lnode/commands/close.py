"""`lnode HOST --close`: end the connection that stays open after a sign-in, and with it the sign-in."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.ssh import master
from lnode.ssh.target import Target


def close(target: Target) -> ExitCode:
    """End lnode's own connection to the host, and what rides on it. Raises LnodeError where it is the user's own."""
    alias = target.alias
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
