"""`lnode HOST SESSION --send TEXT`: type the text and Enter into the session's active pane, without attaching."""

from lnode.cluster import keystrokes
from lnode.errors import ExitCode
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane, has_pane


def send(address: Address, *, text: str, no_enter: bool = False) -> ExitCode:
    """Type `text`, each character as itself, and say so. Raises LnodeError if a part of it was not typed."""
    alias, name, enter = address.alias, address.name, not no_enter
    line = keystrokes.line(text, enter=enter)
    with asked(address, "send", address.settings.tmux, name, has=has_pane) as (_, question, reply):
        check_pane(reply, alias, name)
        done = question.do(line)
        check_pane(done, alias, name)
    screen.say(keystrokes.typed(done, alias, name, text, enter=enter))
    return ExitCode.DONE
