"""The processes of the login node, as ps and /proc tell them to list.sh."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from lnode.schedulers.clients import parse_clients
from lnode.schedulers.job import parse_duration


class LoginProcess(NamedTuple):
    """A process of the user. `started` is in epoch seconds of the login node's clock, None if ps does not say."""

    parent: int
    sid: int
    started: int | None
    command: str


class Work(NamedTuple):
    """More facts about a process: its process group and its command line."""

    group: int
    words: str


class Host(NamedTuple):
    """The login node's facts. `origins` is pid -> (pid of the tmux server, pane) from the process's environment.

    `work` has the processes of each session from which a batch job was submitted, and all of srun and sattach.
    """

    name: str
    now: int | None
    processes: Mapping[int, LoginProcess]
    origins: Mapping[int, tuple[int, str]]
    work: Mapping[int, Work] = MappingProxyType({})


def parse_processes(lines: Iterable[str], now: int | None) -> dict[int, LoginProcess]:
    """Read `ps -o pid= -o ppid= -o sid= -o etime= -o comm=`; skip other lines."""
    rows = (re.fullmatch(r" *([0-9]{1,10}) +([0-9]{1,10}) +([0-9]{1,10}) +([0-9:-]{1,20}) (.*)", row) for row in lines)
    return {
        int(row[1]): LoginProcess(int(row[2]), int(row[3]), _started(row[4], now), row[5].strip())
        for row in rows
        if row
    }


def parse_hidden(lines: Sequence[str], now: int | None) -> dict[int, LoginProcess]:
    """Return the clients of interactive jobs that run as another user: clients.sh has a row of ps for each, too."""
    clients = {client.pid for client in parse_clients(lines)}
    return {pid: process for pid, process in parse_processes(lines, now).items() if pid in clients}


def _started(age: str, now: int | None) -> int | None:
    age_s = parse_duration(age)
    return now - age_s if now is not None and age_s is not None else None


def parse_origins(lines: Iterable[str]) -> dict[int, tuple[int, str]]:
    """Read `pid PID` and below it TMUX and TMUX_PANE of its environment."""
    found: dict[int, tuple[int, str]] = {}
    pid, server, pane = 0, 0, ""
    for row in lines:
        if match := re.fullmatch(r"pid ([0-9]{1,10})", row):
            pid, server, pane = int(match[1]), 0, ""
        elif match := re.fullmatch(r"TMUX=[^,]*,([0-9]{1,10}),[^,]*", row):
            server = int(match[1])
        elif match := re.fullmatch(r"TMUX_PANE=(%[0-9]{1,10})", row):
            pane = match[1]
        if pid and server and pane:
            found[pid] = (server, pane)
    return found


def parse_work(lines: Iterable[str]) -> dict[int, Work]:
    """Read `ps -o sid= -o pid= -o pgid= -o args=`; skip other lines."""
    rows = (re.fullmatch(r" *\d{1,10} +(\d{1,10}) +(\d{1,10}) (.*)", row) for row in lines)
    return {int(row[1]): Work(int(row[2]), row[3].strip()) for row in rows if row}
