"""`lnode HOST NAME --logs [-f] [-n N]`: what a run has printed, and goes on printing."""

from lnode.errors import ExitCode
from lnode.laptop import notify, screen
from lnode.runs import record
from lnode.runs.follower import follow
from lnode.ssh.target import Target


def logs(target: Target, name: str, *, follows: bool, lines: int | None, notifies: bool) -> ExitCode:
    """Print the log; following it, wait for the end of the run and end as it did: 0, or 1 for any other exit code."""
    record.check_name(name)
    log = screen.Log()
    run = follow(target, name, lines=lines, to_the_end=follows, log=log)
    return _conclude(target, run, log, notifies=notifies) if follows else ExitCode.DONE


def wait(target: Target, name: str) -> ExitCode:
    """Wait for the end of the run, print nothing of it, and notify."""
    log = screen.Log()
    return _conclude(target, follow(target, name, lines=0, to_the_end=True), log, notifies=True)


def _conclude(target: Target, run: record.Run, log: screen.Log, *, notifies: bool) -> ExitCode:
    """Say how it ended, here and where a person may look instead."""
    words = f"{run.name} on {target.alias} {record.whereabouts(run)}"
    log.break_line()
    screen.say(words)
    if notifies and not notify.send("lnode", words):
        screen.write_control("\a")
    return ExitCode.DONE if run.code == 0 else ExitCode.FAILED
