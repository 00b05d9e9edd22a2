"""The last answer of each host, kept on this laptop: `--ls` shows it if the host does not answer.

The file holds the host's words, and the same parsers read it. So the file is as harmless as a reply.
"""

import json
import math
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from lnode.laptop import folders
from lnode.remote.reply import Reply

_LONGEST = 8 << 20  # bytes


class Kept(NamedTuple):
    """The replies of a host's login nodes, and when they came, in seconds since the epoch."""

    at: float
    replies: tuple[Reply, ...]


class Names(NamedTuple):
    """The names of a host's sessions and runs, for the words that you are typing."""

    sessions: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


_NO_NAMES = Names()


def keep(alias: str, replies: Sequence[Reply], names: Names = _NO_NAMES) -> None:
    """Remember a host's answer, unless it is too long to read again, or lnode cannot write its state folder.

    The screens of panes are left out: they may show secrets.
    """
    with suppress(OSError):
        kept = {"host": alias, "at": time.time(), "names": names, "replies": [_kept(reply) for reply in replies]}
        text = json.dumps(kept)
        if len(text) <= _LONGEST:  # json.dumps writes ASCII
            folders.replace_privately(_path(alias), text)


def _kept(reply: Reply) -> Reply:
    """Return the sections without screens. In those of a job (`shown-JOB`) screens stand among other rows."""
    sections = ((name, rows) for name, rows in reply.items() if not name.startswith("screens"))
    return {
        name: [row for row in rows if row[:1] not in _OF_SCREENS] if name.startswith("shown-") else rows
        for name, rows in sections
    }


_OF_SCREENS = ("%", "|", ">")  # parts/screens.sh: the row about a pane, and those of its screen


def read(alias: str) -> Kept | None:
    """Return the last answer of a host; None if there is none, or if lnode cannot read it."""
    return _read(_path(alias), alias)


def names(alias: str) -> Names:
    """Return the names in the last answer of a host; none if there is no answer, or if lnode cannot read it."""
    try:
        sessions, runs = (tuple(map(str, kind)) for kind in _load(_path(alias), alias)["names"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _NO_NAMES
    return Names(sessions, runs)


def hosts() -> list[str]:
    """Return the aliases with a kept answer."""
    return [alias for alias in aliases() if read(alias)]


def aliases() -> list[str]:
    """Return the aliases that have a file for their answer, which lnode does not read."""
    try:
        return [alias for name in sorted(os.listdir(_folder())) if (alias := _alias(name))]
    except OSError:
        return []


def _load(path: str, alias: str) -> Any:
    """Return the document of a kept answer. Raises OSError or ValueError, or what a strange document raises."""
    with open(path, encoding="utf-8", errors="replace") as file:
        kept = json.loads(file.read(_LONGEST))
    if kept["host"] != alias:
        raise ValueError
    return kept


def _read(path: str, alias: str) -> Kept | None:
    try:
        kept = _load(path, alias)
        replies = [{str(name): [str(row) for row in rows] for name, rows in reply.items()} for reply in kept["replies"]]
        at = float(kept["at"])
        return Kept(at, tuple(replies)) if math.isfinite(at) else None
    except (OSError, ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _folder() -> str:
    return f"{folders.state_folder()}/pictures"


def _path(alias: str) -> str:
    name = alias
    if not re.fullmatch(r"[A-Za-z0-9_.~-]+", alias):
        from urllib.parse import quote  # 3 ms

        name = quote(alias, safe="")
    return f"{_folder()}/{name}.json"


def _alias(name: str) -> str:
    if not name.endswith(".json"):
        return ""
    if "%" in name:
        from urllib.parse import unquote

        name = unquote(name)
    return name.removesuffix(".json")
