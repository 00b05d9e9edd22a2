"""Notices that several lnodes on this laptop would give: the first gives it."""

import os
import time
from contextlib import suppress

from lnode.laptop import folders

_GOES_ON_S = 200.0  # a wait that no lnode has seen for so long has ended
_JUST_TOLD_S = 30.0
_FORGOTTEN_S = 7 * 86400.0


def is_mine(*words: str) -> bool:
    """True if no other lnode of this laptop has told these words of a wait that goes on; if lnode cannot know: True."""
    path = _path(words)
    try:
        folders.make_private(os.path.dirname(path))
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return _renew(path) > _GOES_ON_S
    except OSError:
        return True
    _sweep(os.path.dirname(path))
    return True


def goes_on(*words: str) -> None:
    """Note that the wait goes on."""
    _renew(_path(words))


def has_ended(*words: str) -> None:
    """Note that the wait has ended, so that the next one is told; nothing if another lnode has just told that one."""
    path = _path(words)
    with suppress(OSError):
        if time.time() - os.stat(path).st_mtime > _JUST_TOLD_S:
            os.unlink(path)


def forget(*words: str) -> None:
    """Note that these words were not told after all."""
    with suppress(OSError):
        os.unlink(_path(words))


def _renew(path: str) -> float:
    """Return the seconds since the last note; a missing one is new."""
    try:
        age_s = time.time() - os.stat(path).st_mtime
        os.utime(path)
    except OSError:
        return 0.0
    return age_s


def _sweep(folder: str) -> None:
    with suppress(OSError):
        for entry in os.scandir(folder):
            if time.time() - entry.stat().st_mtime > _FORGOTTEN_S:
                os.unlink(entry.path)


def _path(words: tuple[str, ...]) -> str:
    from hashlib import sha256

    name = sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"{folders.state_folder()}/told/{name}"
