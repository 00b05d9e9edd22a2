"""What was true of a session when it was last seen, kept on this laptop as a sentence: on the way to ssh nothing is
parsed for it, nor imported.
"""

import os
import re
import time
from contextlib import suppress

from lnode.laptop import folders
from lnode.remote.fields import epoch

_LONGEST = 400
_DAY_S = 86400
_FORGOTTEN_S = 7 * _DAY_S
_PLAIN = re.compile(r"[\w@+-][\w.@+-]{0,100}")  # of an alias; others are not kept


def keep(alias: str, session: str, sentence: str) -> None:
    """Remember `sentence`, or with "" nothing. A state folder that cannot be written keeps nothing."""
    path = _path(alias, session)
    with suppress(OSError):
        if path and sentence:
            folders.replace_privately(path, f"{int(time.time())} {sentence[:_LONGEST]}\n")
        elif path:
            os.unlink(path)


def read(alias: str, session: str) -> str:
    """The sentence, and when it was true; "" where there is none, or none of this week."""
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
    if not _PLAIN.fullmatch(alias) or not _PLAIN.fullmatch(session) or "." in session:
        return None
    return f"{folders.state_folder()}/seen/{alias}.{session}"
