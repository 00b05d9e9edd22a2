"""`lnode --version`: print lnode's version."""

from importlib.metadata import version as version_of

from lnode.errors import ExitCode
from lnode.laptop import screen


def version() -> ExitCode:
    """Print the version."""
    screen.show(f"lnode {version_of('lnode')}")
    return ExitCode.DONE
