"""`lnode HOST SESSION --peek [N]`: print the session's screen and N rows above it, without attaching."""

from lnode.cluster import panes
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen, shown
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane, has_pane
from lnode.locate.known_agents import agent_on, signs

_MOST = 10_000  # rows: at 200 characters a row 2 MB


def peek(address: Address, *, above: int) -> ExitCode:
    """Print the rows as plain text: bytes that could move a cursor stayed on the host, or are made visible.

    You have then seen the question of an agent there, for `--answer`.
    """
    if not 0 <= above <= _MOST:
        raise LnodeError(ExitCode.USAGE, f"--peek takes a number of lines up to {_MOST}", "as in: --peek 200")
    values = (address.settings.tmux, address.name, str(above), "\n".join(signs()))
    with asked(address, "peek", *values, has=has_pane) as (_, _, reply):
        check_pane(reply, address.alias, address.name)
    rows = [row.rstrip() for row in panes.unbarred(reply.get("screen", ()))]
    while rows and not rows[-1]:
        rows.pop()
    screen.show(*rows)
    agent = agent_on(reply.get("screens", ()))
    if agent and agent.waits:
        shown.remember(address.alias, {address.name: agent.dialog})
    return ExitCode.DONE
