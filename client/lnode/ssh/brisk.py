"""A login without the pauses of TCP. Linux only.

ssh(1) switches them off once a session is open. Before that, the second of two small packets waits until the first is
acknowledged (RFC 896): the request for the login waits for that of the new keys, one round trip and up to 40 ms, by
which the host delays an acknowledgement. sshd waits in the same way for those of this laptop, which need no delay.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

from lnode.ssh import borrowed

_LOOK_S = 0.01
_LOGIN_S = 10.0  # then ssh has logged in, or waits for you


def hurry(ssh: int, *, platform: str = sys.platform) -> None:
    """Let a process `ssh` that has just started log in without these pauses, and so the ssh of its jump hosts."""
    if platform == "linux":
        import threading

        with suppress(RuntimeError):  # no thread is free: it is as slow as any other
            threading.Thread(target=_hurry, args=(ssh,), name="lnode-brisk", daemon=True).start()


def _hurry(ssh: int) -> None:
    until = time.monotonic() + _LOGIN_S
    while time.monotonic() < until and os.path.exists(f"/proc/{ssh}"):
        for process in _with_children(ssh):
            borrowed.make_prompt(process)
        time.sleep(_LOOK_S)


def _with_children(process: int) -> Iterator[int]:
    """Yield a process and all that it has started: each jump host has an ssh that the one before it has started."""
    yield process
    with suppress(OSError):
        for child in borrowed.children(process):
            yield from _with_children(child)
