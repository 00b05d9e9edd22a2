"""`lnode HOST NAME --logs [-f] [-n N]`: print the log of a run, and with -f follow it."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.runs import ending, record
from lnode.runs.follower import follow


def logs(address: Address, *, follows: bool = False, lines: int | None = None, notify: bool = False) -> ExitCode:
    """Print the log. With `follows` wait for the end of the run; return DONE if its exit code is 0, else FAILED."""
    name = address.name
    if lines is not None and lines < 0:
        example = f"as in: lnode {address.alias} {name} --logs -n 20"
        raise LnodeError(ExitCode.USAGE, "-n takes a number of lines, from 0 on", example)
    record.check_name(name)
    log, to_the_end = screen.Log(), follows or notify
    run = follow(address, lines=lines, to_the_end=to_the_end, log=log)
    return ending.tell(address.target, run, log, notifies=notify) if to_the_end else ExitCode.DONE
