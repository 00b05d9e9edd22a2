"""The laptop's own addresses: the one on the way to another address, and whether it still has one."""

import errno
import socket
from contextlib import suppress
from typing import Any

Address = tuple[socket.AddressFamily, tuple[Any, ...]]

_DISCARD = 9  # the port of a socket that sends nothing; macOS refuses 0
# Of a link-local address whose interface has gone, Linux says ENODEV, BSD sockets ENXIO.
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO})


def local_address(address: str) -> str | None:
    """Return this laptop's own address on the route to an IP address, None without a route. Sends no packet.

    Link-local addresses carry their interface, as in `fe80::1%2`.
    """
    with suppress(OSError):
        family, remote = _numeric(address)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(remote)
            return own_end(sock)
    return None


def own_end(sock: socket.socket) -> str:
    """Return this laptop's own address of a connected socket, link-local ones with their interface. Raises OSError."""
    host, _, *rest = sock.getsockname()
    return f"{host}%{rest[1]}" if rest and rest[1] else str(host)


def is_ours(local: str) -> bool:
    """True if any interface has this address, or in doubt. Otherwise a connection from it is dead.

    An IPv6 address that has just come back is missing for its first second (duplicate detection).
    """
    try:
        family, here = _numeric(local)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((here[0], 0, *here[2:]))
    except OSError as exc:
        return exc.errno not in _NOT_HERE
    return True


def _numeric(address: str) -> Address:
    # In bytes: for a text Python loads its codec of international names, 7 ms.
    found = socket.getaddrinfo(
        address.encode("ascii", "replace"), _DISCARD, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )
    family, _, _, _, remote = found[0]
    return family, remote
