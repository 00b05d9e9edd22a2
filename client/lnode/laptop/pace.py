"""How often a thing was done at a host in the last minute, by all lnodes of this laptop."""

import json
import os
import time
from contextlib import suppress
from urllib.parse import quote

from lnode.laptop import folders
from lnode.laptop.file_lock import alone

WITHIN_S = 60


def is_within(alias: str, what: str, most: int) -> bool:
    """True if it was done less than `most` times in the last minute; then it counts as done now."""
    path = f"{folders.state_folder()}/pace/{quote(f'{what} {alias}', safe='')}"
    with suppress(OSError):
        folders.make_private(os.path.dirname(path))
        with alone(path):
            now = time.time()
            times = [at for at in _read(path) if 0 <= now - at < WITHIN_S]
            if len(times) >= most:
                return False
            folders.replace_privately(path, json.dumps([*times, now]))
    return True


def _read(path: str) -> list[float]:
    with suppress(OSError, ValueError, TypeError, RecursionError), open(path, encoding="utf-8") as file:
        return [float(at) for at in json.load(file)]
    return []
