"""`lnode HOST SESSION --send TEXT`: type into its active pane, without attaching. Enter follows."""

from lnode import screen, sendkeys
from lnode.commands.asking import Reply, asked, has_pane
from lnode.commands.peek import check
from lnode.errors import ExitCode, LnodeError
from lnode.settings import Request
from lnode.target import Target

_MOST = 48 << 10  # bytes: with the script, in base64, below what one argument may have on Linux


def send(target: Target, name: str, request: Request, *, text: str, enter: bool) -> ExitCode:
    """Type `text`, each character as itself, and say so. Raises LnodeError where not all of it was typed."""
    values = (request.tmux, name, *words(text, enter=enter))
    with asked(target, name, request, "send", *values, has=has_pane) as (_, question, reply):
        check(reply, target.alias, name)
        question.tell("type")
        done = question.reply()
        check(done, target.alias, name)
    screen.say(typed(done, target.alias, name, text, enter=enter))
    return ExitCode.DONE


def words(text: str, *, enter: bool) -> tuple[str, ...]:
    """What is typed, as send.sh takes it. Raises LnodeError(USAGE) for more than travels at a time."""
    found = sendkeys.words(text, enter=enter)
    size = sum(len(word.encode("utf-8", "surrogateescape")) + 4 for word in found)
    if size > _MOST:
        raise LnodeError(
            ExitCode.USAGE,
            f"a text of {len(text)} characters is too long to be typed",
            "copy a file there, as with scp",
        )
    return found


def typed(reply: Reply, alias: str, name: str, text: str, *, enter: bool) -> str:
    """What was done, in a sentence."""
    characters = "1 character" if len(text) == 1 else f"{len(text)} characters"
    left = "; its copy mode was left" if "left-mode" in reply else ""
    return f"typed {characters}{' and Enter' if enter else ''} into {name} on {alias}{left}"
