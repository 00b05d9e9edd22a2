"""`lnode HOST --phone`: keep the token for `push` on the host, and send your phone a message to try it.

The token goes over ssh's standard input into a file of yours alone on the host. The laptop does not keep it.
"""

import re

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import as_key
from lnode.locate.address import Address
from lnode.ssh.question import Question

_FORM = r"[A-Za-z0-9._~+/=-]{0,400}"  # RFC 6750, section 2.1
_KEEP = "-"
_FAULTS: dict[str, tuple[ExitCode, str, str]] = {
    "unwritable": (ExitCode.FAILED, "cannot keep the address and token in your home on {alias} for you alone",
                   "see whether it is full or read-only: ssh {alias} df -h .; quota"),
    "no-poster": (ExitCode.MISSING_THERE, "there is neither curl nor GNU wget on {alias}", "ask your site for curl"),
    "unsent": (ExitCode.FAILED, "{alias} could not send a message to {url}",
               "try it there: ssh {alias} curl -d test {url}"),
}  # fmt: skip
_UNSAID = (ExitCode.FAILED, "{alias} did not say whether the message was sent", "try it again: lnode {alias} --phone")


def phone(address: Address) -> ExitCode:
    """Ask for the token on a terminal, keep it there, and send a message. Raises LnodeError."""
    alias, settings = address.alias, address.settings
    if not settings.push:
        hint = f'under [hosts.{as_key(alias)}] in config.toml: push = "https://ntfy.sh/your-own-topic"'
        raise LnodeError(ExitCode.USAGE, f"no push is set for {alias}", hint)
    token: str | None = _KEEP
    if screen.can_ask():
        token = screen.ask_secret(f"token for {settings.push} (Enter for none, {_KEEP} for the one kept on {alias}):")
    if token is None:
        raise LnodeError(
            ExitCode.USAGE, "you gave no token, and nothing was changed", f"once more: lnode {alias} --phone"
        )
    if not re.fullmatch(_FORM, token):
        raise LnodeError(ExitCode.USAGE, "that is no token", "a token has letters, digits and - . _ ~ + / = only")
    asking = Question(address.target, "phone", settings.tmux, "", alias, "")
    with asking as question, screen.waiting(f"asking {alias} ..."):
        question.reply()
        reply = question.do(settings.push, token)
    if "sent" not in reply:
        code, message, hint = next((_FAULTS[section] for section in reply if section in _FAULTS), _UNSAID)
        raise LnodeError(
            code, message.format(alias=alias, url=settings.push), hint.format(alias=alias, url=settings.push)
        )
    screen.say(f"{alias} has sent a message to {settings.push}; look at your phone")
    return ExitCode.DONE
