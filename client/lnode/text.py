"""Text that is safe to show on a terminal, and lengths of time in words."""

import re
from itertools import cycle


def visible(text: str) -> str:
    """Make control characters visible as `\\x1b`, so that remote text cannot move the cursor or the clipboard.

    Newlines and tabs become visible too: the caller decides where lines break. So do C1 controls,
    bidirectional controls, zero-width characters and lone surrogates, none of which isprintable() lets through. Other
    unicode stays.
    """
    return text if text.isprintable() else text.translate(_SHOWN)


class _Shown(dict[int, str]):
    """Code point -> the characters that show it, for str.translate(): ten times as fast as a character at a time."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if len(self) >= _MOST_SHOWN:
            self.clear()
        shown = character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        return self.setdefault(code, shown)


_MOST_SHOWN = 1 << 14
_SHOWN = _Shown()


def tamed(text: str) -> tuple[str, str]:
    """Text for a terminal as a program wrote it, and what has to wait for more: the beginning of an escape sequence.

    Colours (SGR), erasing to the end of the line, and what moves along the line stay, for logs are full of colours and
    progress bars. All else that controls a terminal becomes visible: titles, the clipboard, reports typed by it.
    """
    begun = _BEGUN.search(text)
    held = begun[0] if begun and len(begun[0]) < _LONGEST_ESCAPE else ""
    text = text.removesuffix(held)
    return "".join(part if tame else visible(part) for part, tame in zip(_TAME.split(text), cycle((False, True)))), held


def colours_after(colours: str, text: str) -> str:
    """Return the colours (SGR) that a terminal has on after tame `text`, where it had on `colours` before."""
    since_plain = _PLAIN.split(colours + text)[-1]
    return "".join(_COLOUR.findall(since_plain)[-_MOST_COLOURS:])


_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,60}m")
_PLAIN = re.compile(r"\x1b\[[0;]*m")
_MOST_COLOURS = 16  # sequences; what came before them has been painted over by now
_TAME = re.compile(r"(\x1b\[[0-9;:]*[mK]|[\n\r\t\b]+)")
_BEGUN = re.compile(r"\x1b(\[[0-9;:]*)?\Z")
_LONGEST_ESCAPE = 64


def in_words(seconds: int) -> str:
    """A length of time as a person says it: `61 h`, `3 d 4 h`, `25 min`, `40 s`."""
    minute, hour, day = 60, 3600, 86400
    if seconds < 2 * minute:
        return f"{seconds} s"
    if seconds < 2 * hour:
        return f"{seconds // minute} min"
    if seconds < 4 * day:
        return f"{seconds // hour} h"
    return f"{seconds // day} d {seconds % day // hour} h"
