"""`lnode HOST SESSION --send TEXT`: type into its active pane, without attaching. Enter follows."""

from lnode.cluster import keystrokes
from lnode.errors import ExitCode
from lnode.laptop import screen
from lnode.laptop.settings import HostSettings
from lnode.locate.find import asked, check_pane, has_pane
from lnode.ssh.target import Target


def send(target: Target, name: str, request: HostSettings, *, text: str, enter: bool) -> ExitCode:
    """Type `text`, each character as itself, and say so. Raises LnodeError where not all of it was typed."""
    line = keystrokes.line(text, enter=enter)
    with asked(target, name, request, "send", request.tmux, name, has=has_pane) as (_, question, reply):
        check_pane(reply, target.alias, name)
        done = question.do(line)
        check_pane(done, target.alias, name)
    screen.say(keystrokes.typed(done, target.alias, name, text, enter=enter))
    return ExitCode.DONE
