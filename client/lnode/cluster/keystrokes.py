"""A text as the words that pane.sh types into a pane (type_in): texts to paste, and names of keys."""

import re
from binascii import b2a_base64
from collections.abc import Collection

from lnode.errors import ExitCode, LnodeError

_CONTROL = re.compile(r"([\x01-\x1f\x7f])")
_KEYS = {"\t": "Tab", "\n": "Enter", "\r": "Enter", "\x1b": "Escape", "\x1c": "C-\\", "\x7f": "BSpace"}
_MOST_BYTES = 64 << 10  # of a line, which a shell reads one by one


def words(text: str, *, enter: bool) -> tuple[str, ...]:
    """Each word is `t` and a text to be typed as it is, or `k` and the name of a key.

    A control character is the key that makes it: a newline is Enter, `\\x03` is Ctrl-C. With `enter` Enter comes last.
    """
    found: list[str] = []
    for part in _CONTROL.split(text.replace("\r\n", "\n")):
        if _CONTROL.fullmatch(part):
            found.append(f"k{_KEYS.get(part) or f'C-{chr(ord(part) | 0x40).lower()}'}")
        elif part:
            found.append(f"t{part}")
    return (*found, "kEnter") if enter else tuple(found)


def line(text: str, *, enter: bool) -> str:
    """Return the line that send.sh reads. It is no argument, which every user of the login node could read.

    Raises LnodeError(USAGE) for a text that is too long.
    """
    found = " ".join(map(_in_base64, words(text, enter=enter)))
    if len(found) > _MOST_BYTES:
        raise LnodeError(
            ExitCode.USAGE,
            f"a text of {len(text)} characters is too long to be typed",
            "copy a file there, as with scp",
        )
    return found


def _in_base64(word: str) -> str:
    """Return the word without a space or a byte that a shell reads in its own way; the name of a key has none."""
    if word.startswith("k"):
        return word
    return f"t{b2a_base64(word[1:].encode('utf-8', 'surrogateescape'), newline=False).decode()}"


def typed(reply: Collection[str], alias: str, name: str, text: str, *, enter: bool) -> str:
    """Return a sentence about the typed text."""
    characters = "1 character" if len(text) == 1 else f"{len(text)} characters"
    left = "; its copy mode was left" if "left-mode" in reply else ""
    return f"typed {characters}{' and Enter' if enter else ''} into {name} on {alias}{left}"
