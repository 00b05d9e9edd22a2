"""Cut the wire of the demo's windows for a while: `lnode demo --drop 10`, and `drop 10` on the demo's own cluster.

On the cluster this file is a program of its own, so it needs nothing but Python's standard library.
"""

import contextlib
import os
import socket
import sys

SOCKETS = "wire-"  # and the id of the demo's process, and its port
LONGEST_S = 600
_WITHIN_S = 5.0


def parse_seconds(text: str) -> int:
    """Return the length of a cut, 1 to 600 s. Raises ValueError with the sentence for you."""
    seconds = int(text) if text.strip().isdecimal() else 0
    if not 1 <= seconds <= LONGEST_S:
        raise ValueError(f"a cut takes 1 to {LONGEST_S} seconds")
    return seconds


def cut(folder: str, seconds: int) -> int:
    """Cut the wires whose sockets are in `folder`; return how many there were. Leave out those of killed demos."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sum(_cut_one(os.path.join(folder, name), seconds) for name in names if name.startswith(SOCKETS))


def _cut_one(path: str, seconds: int) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(_WITHIN_S)
        wire.connect(path)
        wire.sendall(b"%d\n" % seconds)
        return bool(wire.recv(1))
    return False


def main(folder: str, text: str = "10") -> str | None:
    """Do `drop 10` on the demo's cluster; return the sentence of an error."""
    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        return str(error)
    if not cut(folder, seconds):
        return "the demo has no window"
    print(f"the wire is cut for {seconds} s; type, and see lnode come back", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
