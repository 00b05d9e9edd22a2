"""Laptops with a network of their own in front of a container: packets that can be late, lost, or from elsewhere.

Each laptop is a network namespace. A tun device in it and one in the container's namespace are joined by a thread that
carries packets, so what a fault takes away is truly gone: TCP backs off and sends again as it does on the road, and UDP
has the same way. The machine's own network is not touched. Needs root and `ip`; netem is in few small kernels.
"""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_TCP = 6
_PACKET = 1 << 16
_COMMAND_WITHIN_S = 60.0
_CONGESTION_CONTROL = ("congctl", "cubic")  # as on macOS and on nearly every Linux, whatever this machine's default is
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Laptop:
    """One laptop, two wires of `delay_s` each way from the container whose first process is `server`.

    `number` (1 to 254) must be no other laptop's of the same `name` at the same time. The container is reached at
    `host`; processes are started through `argv`, and everything that runs here ends with the block.
    """

    def __init__(self, name: str, number: int, server: int, *, delay_s: float) -> None:
        self.host = f"10.88.{number}.1"
        self._network = f"10.88.{number}.0/24"
        self._name = f"{name}-{number}"
        self._near_device, self._far_device = f"{self._name}l", f"{self._name}s"
        self._addresses = deque([f"10.88.{number}.2", f"10.88.{number}.3"])
        self._server = str(server)
        self._delay_s = delay_s
        self._silent = self._ended = False
        self.packets = self.bytes = 0  # carried, both ways
        self._flows: set[bytes] = set()  # by the laptop's port
        self._dead: set[bytes] = set()
        self._carrier = threading.Thread(target=self._carry, name=self._name, daemon=True)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            _run("ip", "netns", "add", self._name)
            undo.callback(_run, "ip", "netns", "delete", self._name)
            self._near = _tun(self._near_device, self._name)
            undo.callback(os.close, self._near)  # a device goes with its file
            self._far = _tun(self._far_device, self._server)
            undo.callback(os.close, self._far)
            self._inside("link", "set", "lo", "up")
            self._inside("link", "set", self._near_device, "up")
            self._join()
            _run(*_at(self._server), "ip", "address", "add", f"{self.host}/24", "dev", self._far_device)
            _run(*_at(self._server), "ip", "link", "set", self._far_device, "up")
            way_back = (self._network, "dev", self._far_device, "src", self.host)
            _run(*_at(self._server), "ip", "route", "change", *way_back, *_CONGESTION_CONTROL)
            self._carrier.start()
            undo.callback(self._stop_carrying)
            undo.callback(self._end_all)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def argv(self, *argv: str) -> list[str]:
        """What starts a program on this laptop."""
        return ["ip", "netns", "exec", self._name, *argv]

    def pids(self) -> list[int]:
        """Every process of this laptop, also those that have left their parents."""
        return [int(pid) for pid in _run("ip", "netns", "pids", self._name).split()]

    def cpu_s(self) -> float:
        """CPU time of all that runs here now, and of the children that it has waited for."""
        return sum(_cpu_s(pid) for pid in self.pids())

    def wakeups(self) -> int:
        """How often anything that runs here now has gone to sleep, and been woken."""
        return sum(map(_wakeups, self.pids()))

    def memory_mb(self) -> float:
        """What all that runs here holds, shared pages by their share (PSS)."""
        return sum(_memory_mb(pid) for pid in self.pids())

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Every packet vanishes, both ways, and nobody is told."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    @contextlib.contextmanager
    def interface_down(self) -> Iterator[None]:
        """The interface goes down, and its routes with it; both come back."""
        self._inside("link", "set", self._near_device, "down")
        try:
            yield
        finally:
            self._inside("link", "set", self._near_device, "up")
            self._add_routes()

    @contextlib.contextmanager
    def new_address(self) -> Iterator[None]:
        """The address is gone, and with it every route; then there is another one, as in another building."""
        self._inside("address", "flush", "dev", self._near_device)
        try:
            yield
        finally:
            self._addresses.rotate()
            self._join()

    def forget(self, program: str) -> None:
        """Let the network forget the TCP connections that a program has now, and no others, as a NAT does."""
        rows = _run(*self.argv("ss", "-tnpH")).splitlines()
        ports = [int(row.split()[3].rpartition(":")[2]) for row in rows if f'(("{program}' in row]
        assert ports, f"{program} has no connection:\n{rows}"
        self._dead |= {port.to_bytes(2, "big") for port in ports}

    def add_a_way_to_nowhere(self) -> None:
        """Give it an IPv6 address and route, by which no packet ever arrives."""
        self._inside("-6", "address", "add", "fd00:88::2/64", "dev", self._near_device, "nodad")
        self._inside("-6", "route", "add", "default", "dev", self._near_device)

    @contextlib.contextmanager
    def asleep(self, *, forgotten: bool = True) -> Iterator[None]:
        """Every process is stopped and no packet moves; the network may forget its TCP connections."""
        with self.stopped(), self.silence():
            yield
            if forgotten:
                self._dead |= self._flows

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Every process is stopped."""
        pids = self.pids()
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def reset(self) -> Iterator[None]:
        """Every TCP connection is reset, from the other side."""
        _run(*_at(self._server), "ss", "-K", "src", self.host)
        yield

    def _end_all(self) -> None:
        for pid in self.pids():
            _signal(pid, signal.SIGKILL)

    def _stop_carrying(self) -> None:
        self._ended = True
        self._carrier.join()

    def _join(self) -> None:
        self._inside("address", "add", f"{self._addresses[0]}/24", "dev", self._near_device)
        self._add_routes()

    def _add_routes(self) -> None:
        for to in (self._network, "default"):
            self._inside("route", "replace", to, "dev", self._near_device, *_CONGESTION_CONTROL)

    def _inside(self, *words: str) -> None:
        _run("ip", "-n", self._name, *words)

    def _carry(self) -> None:
        """Take packets from either end and give each to the other when its time has come."""
        under_way: deque[tuple[float, int, bytes]] = deque()
        across = {self._near: self._far, self._far: self._near}
        while not self._ended:
            due = under_way[0][0] - time.monotonic() if under_way else 0.2
            for end in select.select([*across], [], [], max(0.0, due))[0]:
                packet = os.read(end, _PACKET)
                if self._passes(packet, outward=end == self._near):
                    self.packets, self.bytes = self.packets + 1, self.bytes + len(packet)
                    under_way.append((time.monotonic() + self._delay_s, across[end], packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, end, packet = under_way.popleft()
                with contextlib.suppress(OSError):  # that interface is down
                    os.write(end, packet)

    def _passes(self, packet: bytes, *, outward: bool) -> bool:
        if self._silent or packet[0] >> 4 != 4:  # IPv6 asks for routers here
            return False
        if packet[9] != _TCP:
            return True
        ports = 4 * (packet[0] & 15)
        flow = packet[ports : ports + 2] if outward else packet[ports + 2 : ports + 4]
        self._flows.add(flow)
        return flow not in self._dead


def _tun(device: str, namespace: str) -> int:
    """Make a tun device in a namespace (its name, or a process there): the file that carries its packets."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
        _run("ip", "link", "set", device, "netns", namespace)
    except BaseException:
        os.close(tun)
        raise
    return tun


def _run(*argv: str) -> str:
    """Run a command: what it says. Raises RuntimeError when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_COMMAND_WITHIN_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _at(pid: str) -> list[str]:
    """What starts a program of this machine in the network of a process."""
    return ["nsenter", "-t", pid, "-n"]


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _cpu_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    utime, stime, cutime, cstime = map(int, stat.rpartition(")")[2].split()[11:15])
    return (utime + stime + cutime + cstime) / _CLOCK_TICKS


def _wakeups(pid: int) -> int:
    """The voluntary context switches of all threads; how often a task sleeps is how often it is woken."""
    found = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            rows = (task / "status").read_text().splitlines()
            found += sum(int(row.split()[1]) for row in rows if row.startswith("voluntary_ctxt_switches:"))
    return found


def _memory_mb(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    pss = next((line for line in rollup.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(pss.split()[1]) / 1024
