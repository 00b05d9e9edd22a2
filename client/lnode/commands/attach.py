"""`lnode HOST [SESSION]`: attach to a session, or start it."""

import os

from lnode.attach import find_or_start
from lnode.attach.find_or_start import Options
from lnode.errors import ExitCode, LnodeError
from lnode.locate.address import Address


def attach(
    address: Address,
    *,
    login: bool = False,
    existing: bool = False,
    here: bool = False,
    detach: bool = False,
    wait: bool = False,
    cc: bool = False,
    verbose: bool = False,
) -> ExitCode:
    """Give the terminal to the session until you leave it. Raises LnodeError if that fails.

    lnode looks for the session on the other login nodes before it starts one on the node of the alias. With `here` it
    skips the other login nodes.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise LnodeError(
            ExitCode.USAGE,
            "attaching needs a terminal, and this is a pipe",
            f"run it in a terminal; for scripts there is: lnode {address.alias} --ls --json",
        )
    return find_or_start.attach(address, Options(login, existing, here, detach, wait, cc, verbose))
