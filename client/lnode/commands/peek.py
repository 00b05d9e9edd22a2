"""`lnode HOST SESSION --peek [N]`: what its screen shows now and N rows above it, without attaching."""

from lnode.cluster import panes
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import HostSettings
from lnode.locate.find import Reply, asked, has_pane, no_session, no_tmux
from lnode.ssh.target import Target

_MOST = 10_000  # rows: at 200 characters a row 2 MB


def peek(target: Target, name: str, request: HostSettings, *, above: int) -> ExitCode:
    """Print the rows as plain text: what could move a cursor stayed on the host, or is made visible."""
    if not 0 <= above <= _MOST:
        raise LnodeError(ExitCode.USAGE, f"--peek takes a number of lines up to {_MOST}", "as in: --peek 200")
    with asked(target, name, request, "peek", request.tmux, name, str(above), has=has_pane) as (_, _, reply):
        check(reply, target.alias, name)
    rows = [row.rstrip() for row in panes.unbarred(reply.get("screen", ()))]
    while rows and not rows[-1]:
        rows.pop()
    screen.show(*rows)
    return ExitCode.DONE


def check(reply: Reply, alias: str, name: str) -> None:
    """Raise LnodeError for what keeps a script of pane.sh from its pane."""
    for tmux_is, section in (("missing", "no-tmux"), ("lost", "lost-tmux"), ("refused", "refused-tmux")):
        if section in reply:
            raise no_tmux(alias, tmux_is, "\n".join(reply[section]))
    if "no-session" in reply:
        raise no_session(alias, name)
    attach = f"look at it: lnode {alias} {name}"
    if "dead" in reply:
        raise LnodeError(ExitCode.FAILED, f"the program in {name} on {alias} has ended, nobody reads its keys", attach)
    if "in-mode" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"{name} on {alias} does not leave tmux's copy mode; nothing was typed", attach
        )
    if "refused" in reply:
        said = "\n".join(reply["refused"])
        raise LnodeError(ExitCode.FAILED, f"tmux on {alias} could not do that with {name}", attach, detail=said)
