"""A login without the pauses of TCP. Linux only.

ssh(1) switches them off once a session is open. Before that, the second of two small packets waits until the first is
acknowledged (RFC 896): the request for the login waits for that of the new keys, one round trip and up to 40 ms, by
which the host delays an acknowledgement. sshd waits in the same way for those of this laptop, which need no delay.
"""

import os
import sys
import time
from contextlib import suppress

from lnode.ssh import borrowed

_LOOK_S = 0.01
_LOGIN_S = 10.0  # then ssh has logged in, or waits for you


def hurry(ssh: int, *, platform: str = sys.platform) -> None:
    """Let a process `ssh` that has just started log in without these pauses, and so the ssh of its jump hosts."""
    if platform == "linux":
        import threading

        threading.Thread(target=_hurry, args=(ssh,), name="lnode-brisk", daemon=True).start()


def _hurry(ssh: int) -> None:
    until = time.monotonic() + _LOGIN_S
    while time.monotonic() < until and os.path.exists(f"/proc/{ssh}"):
        borrowed.make_prompt(ssh)
        with suppress(OSError):
            for child in borrowed.children(ssh):
                borrowed.make_prompt(child)
        time.sleep(_LOOK_S)
