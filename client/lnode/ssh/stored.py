"""Scripts that a host has stored, as far as the present master is sure: it has seen them where it leads."""

import os
from contextlib import suppress

from lnode.laptop import folders
from lnode.remote import call
from lnode.ssh import master
from lnode.ssh.target import Target

_MOST = 1024


def note(target: Target, scripts: tuple[str, ...]) -> None:
    """Remember that the host has these, as long as the present master is there."""
    if found := master.identity(target):
        names = " ".join(call.stored(script)[0] for script in scripts)
        with suppress(OSError):
            folders.replace_privately(master.stored_path(target), f"{found[0]} {found[1]} {names}\n")


def forget(target: Target) -> None:
    """Take that back: the host has lost one."""
    if target.control_path:
        with suppress(OSError):
            os.unlink(master.stored_path(target))


def has(target: Target, script: str) -> bool:
    """True if the host to which the present master leads has the script."""
    with suppress(OSError, ValueError), open(master.stored_path(target), encoding="ascii") as file:
        inode, changed, *names = file.read(_MOST).split()
        return (int(inode), int(changed)) == master.identity(target) and call.stored(script)[0] in names
    return False
