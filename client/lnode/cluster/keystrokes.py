"""A text as the words that pane.sh types into a pane (type_in): texts to paste, and names of keys."""

import re
from binascii import b2a_base64
from collections.abc import Collection

from lnode.errors import ExitCode, LnodeError

_CONTROL = re.compile(r"([\x01-\x09\x0b-\x1f\x7f])")
_CONTROL_OF_LINES = re.compile(r"([\x01-\x08\x0b-\x1f\x7f])")  # a tab belongs to the lines
_KEYS = {"\t": "Tab", "\r": "Enter", "\x1b": "Escape", "\x1c": "C-\\", "\x7f": "BSpace"}
_MOST_BYTES = 64 << 10  # of a line, which a shell reads one by one


def words(text: str, *, enter: bool) -> tuple[str, ...]:
    """Each word is `t` and a text to be typed as it is, or `k` and the name of a key.

    A control character is the key that makes it: `\\x03` is Ctrl-C, a newline is Enter. But several lines are one text.
    With `enter` Enter comes last.
    """
    text = text.replace("\r\n", "\n")
    control = _CONTROL_OF_LINES if "\n" in text.strip("\n") else _CONTROL
    found: list[str] = []
    for part in control.split(text):
        lines = part.strip("\n")
        if control.fullmatch(part):
            found.append(f"k{_KEYS.get(part) or f'C-{chr(ord(part) | 0x40).lower()}'}")
        elif lines:
            before, _, after = part.partition(lines)
            found += [*["kEnter"] * len(before), f"t{lines}", *["kEnter"] * len(after)]
        else:
            found += ["kEnter"] * len(part)
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
