"""`lnode --man`: print the man page."""

from lnode.errors import ExitCode
from lnode.laptop import screen


def man(*, page: str) -> ExitCode:
    """Print the page in the language of man(7)."""
    screen.show(*page.splitlines())
    if screen.is_terminal():
        screen.say("to read it: lnode --man | man -l -")
    return ExitCode.DONE
