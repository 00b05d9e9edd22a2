"""The TCP socket of a child, borrowed by pidfd_getfd(2) to look at it or to set an option. Linux only.

Give it back at once: a copy that lnode kept would hold the connection open after the child has ended. lnode may borrow
it because the process is its child (ptrace(2), access mode checking).
"""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

# pidfd_open and pidfd_getfd in every table of system calls. A Python that was built for an old Linux has no
# os.pidfd_open, on whatever Linux it runs.
_OPEN, _GETFD = 434, 438
_STATE_AT = 0  # tcpi_state in struct tcp_info of linux/tcp.h
_ESTABLISHED, _SYN_SENT = 1, 2  # include/net/tcp_states.h
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 20}  # seconds; a silence of ten minutes ends it


@contextmanager
def socket_of(pid: int, fd: int) -> Iterator[socket.socket]:
    """Yield a copy of another process' socket. Raises OSError, also if Python was built without ctypes."""
    try:
        import ctypes
    except ImportError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    if sys.platform != "linux":
        raise NotImplementedError
    libc = _libc()
    process = libc.syscall(_OPEN, pid, 0)
    if process < 0:
        raise OSError(ctypes.get_errno(), "pidfd_open")
    try:
        copy = libc.syscall(_GETFD, process, fd, 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
    finally:
        os.close(process)
    os.set_inheritable(copy, False)
    try:
        sock = socket.socket(fileno=copy)
    except OSError:  # the process has closed it, and opened another file in its place
        os.close(copy)
        raise
    with sock:
        yield sock


@cache
def _libc() -> "ctypes.CDLL":
    """Return the C library; each other CDLL of it would be garbage that only gc takes away."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def is_allowed() -> bool:
    """True if the kernel lends sockets at all; a container may forbid it."""
    if sys.platform == "linux":
        with suppress(OSError), socket.socket() as own, socket_of(os.getpid(), own.fileno()):
            return True
    return False


def peer_of(pid: int, fd: int) -> tuple[str, ...] | None:
    """Return the other side's address of a TCP connection, None for any other file."""
    with suppress(OSError):
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
            with socket_of(pid, fd) as sock:
                is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
                return tuple(sock.getpeername()) if is_tcp else None
    return None


def _state(pid: int, fd: int) -> int | None:
    """Return the state of a TCP socket, None for any other file."""
    if sys.platform != "linux":
        raise NotImplementedError
    with suppress(OSError):
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
            with socket_of(pid, fd) as sock:
                return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[_STATE_AT]
    return None


def has_socket(pid: int, *, platform: str = sys.platform) -> bool:
    """True if a process has a socket of any kind, or if the kernel does not show it."""
    if platform != "linux":
        return True
    with suppress(OSError):
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:") for fd in os.listdir(f"/proc/{pid}/fd"))
    return True


def children(pid: int) -> list[int]:
    """Return the pids of its children. Raises OSError."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def is_dialling(pid: int, *, platform: str = sys.platform) -> bool:
    """True if a process waits for the answer to a TCP connection; False if the kernel does not show it."""
    return bool(_connections(pid, {_SYN_SENT}, platform))


def keep_alive(pid: int, *, platform: str = sys.platform) -> bool:
    """Let the kernel probe the connection of a process from now on; True once it has one.

    A probe is no data: after a silence TCP has nothing to send again, and a NAT remembers the connection.
    """
    for fd in _connections(pid, {_ESTABLISHED}, platform)[:1]:
        with suppress(OSError), socket_of(pid, fd) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE.items():
                swap(sock, option, value)
            return True
    return False


def make_prompt(pid: int, *, platform: str = sys.platform) -> None:
    """Let the connections of a process send small packets at once, and now acknowledge what has come (tcp(7))."""
    for fd in _connections(pid, {_SYN_SENT, _ESTABLISHED}, platform):
        with suppress(OSError), socket_of(pid, fd) as sock:
            swap(sock, "TCP_NODELAY", 1)
            swap(sock, "TCP_QUICKACK", 1)


def _connections(pid: int, states: set[int], platform: str) -> list[int]:
    """Return the descriptors of the TCP connections of a process in these states; none if the kernel hides them."""
    if platform != "linux":
        return []
    with suppress(OSError):
        return [fd for fd in map(int, os.listdir(f"/proc/{pid}/fd")) if _state(pid, fd) in states]
    return []


def swap(sock: socket.socket, option: str, value: int) -> int:
    """Set an option of TCP. Return its value before."""
    number = getattr(socket, option)
    before = sock.getsockopt(socket.IPPROTO_TCP, number)
    sock.setsockopt(socket.IPPROTO_TCP, number, value)
    return before
