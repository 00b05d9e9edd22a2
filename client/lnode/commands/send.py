"""`lnode HOST SESSION --send TEXT`: type into its active pane, without attaching. Enter follows."""

import shlex
from binascii import b2a_base64

from lnode.cluster import keystrokes
from lnode.commands.peek import check
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import HostSettings
from lnode.locate.find import Reply, asked, has_pane
from lnode.ssh.target import Target

_MOST = 48 << 10  # bytes, which a shell reads one by one


def send(target: Target, name: str, request: HostSettings, *, text: str, enter: bool) -> ExitCode:
    """Type `text`, each character as itself, and say so. Raises LnodeError where not all of it was typed."""
    line = words(text, enter=enter)
    with asked(target, name, request, "send", request.tmux, name, has=has_pane) as (_, question, reply):
        check(reply, target.alias, name)
        done = question.do(line)
        check(done, target.alias, name)
    screen.say(typed(done, target.alias, name, text, enter=enter))
    return ExitCode.DONE


def words(text: str, *, enter: bool) -> str:
    """What is typed, as the line that send.sh reads: in no argument, which everybody on the login node could read.

    Raises LnodeError(USAGE) for too much.
    """
    found = shlex.join(keystrokes.words(text, enter=enter)).encode("utf-8", "surrogateescape")
    if len(found) > _MOST:
        raise LnodeError(
            ExitCode.USAGE,
            f"a text of {len(text)} characters is too long to be typed",
            "copy a file there, as with scp",
        )
    return b2a_base64(found, newline=False).decode()


def typed(reply: Reply, alias: str, name: str, text: str, *, enter: bool) -> str:
    """What was done, in a sentence."""
    characters = "1 character" if len(text) == 1 else f"{len(text)} characters"
    left = "; its copy mode was left" if "left-mode" in reply else ""
    return f"typed {characters}{' and Enter' if enter else ''} into {name} on {alias}{left}"
