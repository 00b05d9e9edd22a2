"""Scripts that a host has stored, as far as the present master is sure: it has seen them where it leads."""

from lnode.remote import call
from lnode.ssh import master
from lnode.ssh.target import Target


def note(target: Target, scripts: tuple[str, ...]) -> None:
    """Remember that the host has these and no others, as long as the present master is there."""
    master.note(target, master.SCRIPTS, *(call.stored_name(script) for script in scripts))


def forget(target: Target) -> None:
    """Take that back: the host has lost one."""
    note(target, ())


def has(target: Target, script: str) -> bool:
    """True if the host to which the present master leads has the script."""
    names = master.noted(target, master.SCRIPTS)
    return bool(names) and call.stored_name(script) in names
