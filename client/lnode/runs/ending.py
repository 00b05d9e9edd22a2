"""The end of a run: told in one line, by a notice on the desktop, and as an exit code."""

from lnode.errors import ExitCode
from lnode.laptop import notify, screen
from lnode.locate.address import Address
from lnode.runs import record
from lnode.runs.follower import follow
from lnode.ssh.target import Target


def wait(address: Address) -> ExitCode:
    """Wait for the end of the run without its log, and notify you."""
    log = screen.Log()
    return tell(address.target, follow(address, lines=0, to_the_end=True), log, notifies=True)


def tell(target: Target, run: record.Run, log: screen.Log, *, notifies: bool) -> ExitCode:
    """Say how the run ended, here and with `notifies` on your desktop; DONE if its exit code is 0."""
    words = f"{run.name} on {target.alias} {record.whereabouts(run)}"
    log.break_line()
    screen.say(words)
    if notifies and not notify.send("lnode", words):
        screen.write_control("\a")
    return ExitCode.DONE if run.code == 0 else ExitCode.FAILED
