"""The last known state of a session, kept on this laptop as a sentence.

Every attach reads it before ssh, so nothing is parsed for it, and nothing imported.
"""

import os
import time
from contextlib import suppress

from lnode.laptop import folders
from lnode.remote.fields import epoch

_LONGEST = 400
_DAY_S = 86400
_FORGOTTEN_S = 7 * _DAY_S
_LONGEST_NAME = 101  # characters of an alias or a session; others are not kept


def keep(alias: str, session: str, sentence: str) -> None:
    """Remember `sentence`; "" forgets it. If lnode cannot write its state folder, nothing is kept."""
    path = _path(alias, session)
    with suppress(OSError):
        if path and sentence:
            folders.replace_privately(path, f"{int(time.time())} {sentence[:_LONGEST]}\n")
        elif path:
            os.unlink(path)


def forget(alias: str) -> None:
    """Forget all sessions of a host."""
    with suppress(OSError):
        for name in os.listdir(_folder()):
            if name.startswith(f"{alias}.") and name.count(".") == alias.count(".") + 1:
                os.unlink(f"{_folder()}/{name}")


def read(alias: str, session: str) -> str:
    """Return the sentence with its time; "" if there is none, or none of the last 7 days."""
    path = _path(alias, session)
    if not path:
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            word, _, sentence = file.read(_LONGEST + 20).rstrip("\n").partition(" ")
    except OSError:
        return ""
    at = epoch(word)
    if at is None or not sentence or not 0 <= (age_s := time.time() - at) < _FORGOTTEN_S:
        return ""
    return f"as of {time.strftime('%H:%M' if age_s < _DAY_S / 2 else '%a %H:%M', time.localtime(at))}, {sentence}"


def _path(alias: str, session: str) -> str | None:
    if not _is_plain(alias) or not _is_plain(session) or "." in session:
        return None
    return f"{_folder()}/{alias}.{session}"


def _folder() -> str:
    return f"{folders.state_folder()}/seen"


def _is_plain(name: str) -> bool:
    """True if the name may be part of a file's. Without a regular expression: it is asked on the way to ssh."""
    return 0 < len(name) <= _LONGEST_NAME and name[0] != "." and all(char.isalnum() or char in "_@+-." for char in name)
