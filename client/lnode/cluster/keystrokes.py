"""A text as the words of which tmux's send-keys makes key strokes (type_in in pane.sh)."""

import re
import shlex
from binascii import b2a_base64
from collections.abc import Collection

from lnode.errors import ExitCode, LnodeError

_CONTROL = re.compile(r"([\x01-\x1f\x7f])")
_KEYS = {"\t": "Tab", "\n": "Enter", "\r": "Enter", "\x1b": "Escape", "\x1c": "C-\\", "\x7f": "BSpace"}
_MOST = 2000  # characters a word: tmux takes no message over 16 KiB
_MOST_BYTES = 48 << 10  # of a line, which a shell reads one by one


def words(text: str, *, enter: bool) -> tuple[str, ...]:
    """Each word is `t` and a text for `send-keys -l`, or `k` and the name of a key.

    A control character is the key that makes it: a newline is Enter, `\\x03` is Ctrl-C. With `enter` Enter comes last.
    """
    found: list[str] = []
    for part in _CONTROL.split(text.replace("\r\n", "\n")):
        if _CONTROL.fullmatch(part):
            found.append(f"k{_KEYS.get(part) or f'C-{chr(ord(part) | 0x40).lower()}'}")
        else:
            found += (f"t{_literal(part[at : at + _MOST])}" for at in range(0, len(part), _MOST))
    return (*found, "kEnter") if enter else tuple(found)


def _literal(text: str) -> str:
    """A `;` at the end of a word ends a command, in every tmux, unless a backslash is before it."""
    return f"{text[:-1]}\\;" if text.endswith(";") else text


def line(text: str, *, enter: bool) -> str:
    """Return the line that send.sh reads: in no argument, which everybody on the login node could read.

    Raises LnodeError(USAGE) for too much.
    """
    found = shlex.join(words(text, enter=enter)).encode("utf-8", "surrogateescape")
    if len(found) > _MOST_BYTES:
        raise LnodeError(
            ExitCode.USAGE,
            f"a text of {len(text)} characters is too long to be typed",
            "copy a file there, as with scp",
        )
    return b2a_base64(found, newline=False).decode()


def typed(reply: Collection[str], alias: str, name: str, text: str, *, enter: bool) -> str:
    """Return what was done in a sentence."""
    characters = "1 character" if len(text) == 1 else f"{len(text)} characters"
    left = "; its copy mode was left" if "left-mode" in reply else ""
    return f"typed {characters}{' and Enter' if enter else ''} into {name} on {alias}{left}"
