"""The last answer of each host, kept on this laptop: `--ls` shows it if the host does not answer.

The file holds the host's words, and the same parsers read it. So the file is as harmless as a reply.
"""

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from lnode.laptop import folders

Reply = Mapping[str, Sequence[str]]
_LONGEST = 8 << 20  # bytes


class Kept(NamedTuple):
    """The replies of a host's login nodes, and when they came, in seconds since the epoch."""

    at: float
    replies: tuple[Reply, ...]


def keep(alias: str, replies: Sequence[Reply]) -> None:
    """Remember a host's answer, unless it is too long to read again, or lnode cannot write its state folder."""
    with suppress(OSError):
        text = json.dumps({"host": alias, "at": time.time(), "replies": [dict(reply) for reply in replies]})
        if len(text) <= _LONGEST:  # json.dumps writes ASCII
            folders.replace_privately(_path(alias), text)


def read(alias: str) -> Kept | None:
    """Return the last answer of a host; None if there is none, or if lnode cannot read it."""
    return _read(_path(alias), alias)


def hosts() -> list[str]:
    """Return the aliases with a kept answer."""
    try:
        names = sorted(os.listdir(_folder()))
    except OSError:
        return []
    return [alias for name in names if (alias := _alias(name)) and read(alias)]


def _read(path: str, alias: str) -> Kept | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            kept = json.loads(file.read(_LONGEST))
        if kept["host"] != alias:
            return None
        replies = [{str(name): [str(row) for row in rows] for name, rows in reply.items()} for reply in kept["replies"]]
        at = float(kept["at"])
        return Kept(at, tuple(replies)) if math.isfinite(at) else None
    except (OSError, ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _folder() -> str:
    return f"{folders.state_folder()}/pictures"


def _path(alias: str) -> str:
    from urllib.parse import quote

    return f"{_folder()}/{quote(alias, safe='')}.json"


def _alias(name: str) -> str:
    from urllib.parse import unquote

    return unquote(name.removesuffix(".json")) if name.endswith(".json") else ""
