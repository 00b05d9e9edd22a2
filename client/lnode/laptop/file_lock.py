"""A lock on a file of the state folder: several lnodes, and threads of one, may change it at the same moment."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lnode.laptop import folders


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Let no other lnode, and no other thread of this one, change that file of the state folder meanwhile.

    Raises OSError. Where files cannot be locked, nothing is.
    """
    folders.make_private(os.path.dirname(path))
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)  # no child gets it (PEP 446)
    try:
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
