"""`lnode HOST [SESSION] --history`: list the events of this laptop's connections, with times."""

import time

from lnode.errors import ExitCode
from lnode.laptop import history as kept
from lnode.laptop import screen

_MOST = 200  # lines, the newest


def history(host: str, session: str | None = None) -> ExitCode:
    """Print the history of a host, or of one session on that host, oldest first."""
    moments = [moment for moment in kept.read(host) if session in (None, moment.session)][-_MOST:]
    if not moments:
        screen.say(f"nothing has happened with {session or host} yet")
        return ExitCode.DONE
    rows = [
        [
            (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment.at)), "dim"),
            (moment.session, "bold"),
            (moment.what, ""),
        ]
        for moment in moments
    ]
    with screen.output():
        screen.print_table(("WHEN", "SESSION", "WHAT"), rows)
    return ExitCode.DONE
