"""The events of this laptop's connections, for `--history`: one JSON line each, the last few thousand."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from lnode.laptop import folders

_MOST = 1 << 18  # bytes; a full file is halved


class Moment(NamedTuple):
    """One line. `at` is seconds since the epoch on this laptop's clock."""

    at: float
    host: str
    session: str
    what: str


def append(host: str, session: str, what: str) -> None:
    """Record an event that happened now. If lnode cannot write to the state folder, there is no history."""
    with suppress(OSError):
        path = _path()
        folders.make_private(os.path.dirname(path))
        with open(path, "a", encoding="utf-8", opener=_private) as file:
            file.write(json.dumps(Moment(time.time(), host, session, what)) + "\n")
            full = file.tell() > _MOST
        if full:
            _halve(path)


def read(host: str) -> Iterator[Moment]:
    """Yield the events of a host, oldest first; skip lines that lnode did not write."""
    with suppress(OSError), open(_path(), encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError, TypeError):
                moment = Moment(*json.loads(line))
                if moment.host == host:
                    yield moment


def _path() -> str:
    return f"{folders.state_folder()}/history.jsonl"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _halve(path: str) -> None:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.readlines()
    folders.replace_privately(path, "".join(lines[len(lines) // 2 :]))
