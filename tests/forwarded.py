"""lnode -L beside a test, and a client of the port that it opens."""

import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, cast

from rig import Rig
from window import LNODE

LIMIT_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


class Ports:
    """lnode -L, and what it says."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port

    def says(self) -> str:
        return cast("IO[str]", self.process.stderr).readline()

    def echo(self, data: bytes) -> bytes:
        """What comes back of that."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=LIMIT_S) as connection, ThreadPoolExecutor() as beside:
            sending = beside.submit(self._say, connection, data)
            found = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            sending.result()
        return found

    @staticmethod
    def _say(connection: socket.socket, data: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


@contextmanager
def ports(rig: Rig, name: str) -> Iterator[Ports]:
    port = free_port()
    process = subprocess.Popen(
        [*LNODE, "unity", name, "-L", f"{port}:8888"],
        env=rig.env(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Ports(process, port)
    finally:
        process.kill()
        process.wait()
