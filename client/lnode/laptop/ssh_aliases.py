"""The aliases of your ssh configuration: the names on its Host lines, also in included files."""

import glob
import os
import re
from collections.abc import Iterator

_LINE = re.compile(r"\s*(host|include)(?:\s*=\s*|\s+)(.*)", re.IGNORECASE)
_PATTERN = re.compile(r"[*?!]")
_DEEPEST = 16  # READCONF_MAX_DEPTH of OpenSSH's readconf.h
_MOST = 1000  # files


def ssh_aliases(path: str = "~/.ssh/config") -> list[str]:
    """Return the names, in the order of ssh_config(5), without patterns; nothing from a file that cannot be read."""
    return list(dict.fromkeys(_names(os.path.expanduser(path), 0, [])))


def _names(path: str, depth: int, read: list[str]) -> Iterator[str]:
    read.append(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except OSError:
        return
    for line in lines:
        if not (found := _LINE.fullmatch(line.rstrip())):
            continue
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|[^\s"]+', re.sub(r"(^|\s)#.*", "", found[2]))]
        if found[1].lower() == "host":
            yield from (word for word in words if not _PATTERN.search(word))
        elif depth < _DEEPEST:
            for word in words:
                for one in sorted(glob.glob(os.path.join(os.path.expanduser("~/.ssh"), os.path.expanduser(word)))):
                    if len(read) < _MOST:
                        yield from _names(one, depth + 1, read)
