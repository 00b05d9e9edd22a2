"""The environment of an ssh that must not ask anybody anything."""

import os

_ASK_NOBODY = os.path.join(os.path.dirname(__file__), "ask_nobody")


def environment() -> dict[str, str]:
    """This environment, with an askpass that answers nothing and ends the ssh that asks.

    `BatchMode=yes` reaches neither the jump hosts of a jump host nor an ssh inside a ProxyCommand; without a
    terminal these would send an empty password up to three times, and each is a failed login to the site. An ssh
    older than 8.4 does not know SSH_ASKPASS_REQUIRE and looks whether there is a DISPLAY.
    """
    return {"DISPLAY": "none", **os.environ, "SSH_ASKPASS": _ASK_NOBODY, "SSH_ASKPASS_REQUIRE": "force"}
