"""`lnode demo --drop 10`: cut the wire of the demo's windows for 10 s, to see the notice and the return."""

from lnode.demo import demo
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen


def drop(host: str, *, seconds: int) -> ExitCode:
    """Cut the demo's wire. Raises LnodeError for another host, and if no window is attached."""
    if host != demo.ALIAS:
        raise LnodeError(ExitCode.USAGE, "--drop is for the demo only", "as in: lnode demo --drop 10")
    try:
        windows = demo.drop(seconds)
    except ValueError as error:
        raise LnodeError(ExitCode.USAGE, str(error), "as in: lnode demo --drop 10") from None
    if not windows:
        raise LnodeError(ExitCode.FAILED, "the demo has no window", "open one in another terminal: lnode demo")
    screen.say(f"the demo's wire is cut for {seconds} s; type in its window, and see lnode come back")
    return ExitCode.DONE
