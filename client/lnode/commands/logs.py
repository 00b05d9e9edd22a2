"""`lnode HOST NAME --logs [-f] [-n N]`: what a run has printed, and goes on printing."""

from lnode.errors import ExitCode
from lnode.laptop import screen
from lnode.runs import ending, record
from lnode.runs.follower import follow
from lnode.ssh.target import Target


def logs(target: Target, name: str, *, follows: bool, lines: int | None, notifies: bool) -> ExitCode:
    """Print the log; following it, wait for the end of the run and end as it did: 0, or 1 for any other exit code."""
    record.check_name(name)
    log = screen.Log()
    run = follow(target, name, lines=lines, to_the_end=follows, log=log)
    return ending.tell(target, run, log, notifies=notifies) if follows else ExitCode.DONE
