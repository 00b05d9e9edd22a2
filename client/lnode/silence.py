"""Whom an ssh may ask: a person, the keychain, or nobody."""

import os

from lnode import credentials, sshargs
from lnode.sshargs import Option
from lnode.target import Target

_ASK_NOBODY = os.path.join(os.path.dirname(__file__), "ask_nobody")


def asking(target: Target, *, may_ask: bool) -> tuple[tuple[Option, ...], dict[str, str] | None]:
    """Options and environment of an ssh to the target: what is kept for it the keychain answers, else a person, if any.

    None for the environment stands for this one's.
    """
    kept = credentials.environment(target, may_ask=may_ask)
    if kept is not None:
        return (() if may_ask else sshargs.ANSWERED), kept
    return ((), None) if may_ask else (sshargs.SILENT, environment())


def environment() -> dict[str, str]:
    """This environment, with an askpass that answers nothing and ends the ssh that asks.

    `BatchMode=yes` reaches neither the jump hosts of a jump host nor an ssh inside a ProxyCommand; without a
    terminal these would send an empty password up to three times, and each is a failed login to the site. An ssh
    older than 8.4 does not know SSH_ASKPASS_REQUIRE and looks whether there is a DISPLAY.
    """
    return {"DISPLAY": "none", **os.environ, "SSH_ASKPASS": _ASK_NOBODY, "SSH_ASKPASS_REQUIRE": "force"}
