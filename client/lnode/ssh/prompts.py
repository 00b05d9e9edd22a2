"""The options and the environment that decide whether an ssh may ask you, only the keychain or no one, and may dial."""

import os

from lnode.ssh import arguments, keychain, sign_in_memory
from lnode.ssh.arguments import Option
from lnode.ssh.target import Target

_ASK_NOBODY = os.path.join(os.path.dirname(__file__), "ask_nobody")


def asking(target: Target, *, may_ask: bool) -> tuple[tuple[Option, ...], dict[str, str] | None]:
    """Return options and environment of an ssh to the target. The keychain answers first; with `may_ask` then you.

    These options come before all options that lead to a host. None for the environment means this process's own.
    """
    telling = arguments.TELLING if tells(target) else ()
    if may_ask:
        kept = keychain.environment(target, may_ask=True) if can_end_ssh() else None
        return (*(arguments.CONFIRMED if kept and not keychain.is_checked(target) else ()), *telling), kept
    if not _may_dial(target):
        return (*arguments.RIDING, *arguments.SILENT), environment(target)
    kept = keychain.environment(target, may_ask=False)
    if kept is None:
        return (*arguments.SILENT, *telling), environment(target)
    return (*arguments.ANSWERED, *arguments.CHECKED, *keychain.methods(target), *telling), kept


def tells(target: Target) -> bool:
    """True if this ssh knows arguments.TELLING (OpenSSH 8.5)."""
    return "logverbose" in target.options


def _may_dial(target: Target) -> bool:
    """True if a silent ssh may make its own connection; False if that login cannot succeed."""
    if sign_in_memory.takes_person(target):
        return False
    if not can_end_ssh() and (target.place.proxied or keychain.is_kept(target)):
        return False
    rides = target.control_path and os.path.exists(target.control_path)
    return bool(rides) or keychain.opens(target)


def can_end_ssh() -> bool:
    """True if ssh can start ask_nobody. An installation may have lost its execute bit, or be mounted noexec."""
    return os.access(_ASK_NOBODY, os.X_OK)


def environment(target: Target | None = None) -> dict[str, str]:
    """Return this environment with an askpass that answers nothing and ends the ssh that asks.

    `BatchMode=yes` reaches neither the jump hosts of a jump host nor an ssh inside a ProxyCommand. Without a
    terminal these would send an empty password up to three times, and the site counts each as a failed login. An ssh
    older than 8.4 does not know SSH_ASKPASS_REQUIRE and uses an askpass only if DISPLAY is set. A newer one gets none:
    with ForwardX11 the host would offer that display to the session.
    """
    display = {} if target and tells(target) else {"DISPLAY": "none"}
    return {**display, **os.environ, "SSH_ASKPASS": _ASK_NOBODY, "SSH_ASKPASS_REQUIRE": "force"}
