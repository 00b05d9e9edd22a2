"""Text that is safe to show on a terminal, and lengths of time in words."""

import re
from itertools import cycle


def visible(text: str) -> str:
    """Return text with control characters made visible as `\\x1b`, so that it cannot move the cursor or the clipboard.

    Newlines and tabs become visible too, because the caller breaks the lines. So do C1 controls, bidirectional
    controls, zero-width characters and lone surrogates: isprintable() is false for all of these. Other unicode stays,
    spaces of another width too.
    """
    return text if text.isprintable() else text.translate(_SHOWN)


class _Shown(dict[int, str]):
    """Code point -> the characters that show it, for str.translate(): ten times as fast as one character at a time."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if len(self) >= _MOST_SHOWN:
            self.clear()
        stays = character.isprintable() or character in _SPACES
        shown = character if stays else character.encode("unicode_escape").decode("ascii")
        return self.setdefault(code, shown)


_MOST_SHOWN = 1 << 14
_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"  # Unicode's Zs
)
_SHOWN = _Shown()


def tamed(text: str) -> tuple[str, str]:
    """Return a program's text made safe for a terminal, and the begun escape sequence that needs more text.

    Colours (SGR), erasing to the end of the line and moves along the line stay, because logs are full of colours and
    progress bars. All other controls become visible: titles, the clipboard, reports that the terminal would type.
    """
    begun = re.search(_BEGUN, text)
    held = begun[0] if begun and len(begun[0]) < _LONGEST_ESCAPE else ""
    text = text.removesuffix(held)
    parts = zip(re.split(_TAME, text), cycle((False, True)))
    return "".join(part if tame else visible(part) for part, tame in parts), held


def colours_after(colours: str, text: str) -> str:
    """Return the colours (SGR) that a terminal has on after tame `text`, where it had on `colours` before."""
    since_plain = re.split(_PLAIN, colours + text)[-1]
    return "".join(re.findall(_COLOUR, since_plain)[-_MOST_COLOURS:])


_COLOUR = r"\x1b\[[0-9;:]{0,60}m"
_PLAIN = r"\x1b\[[0;]*m"
_MOST_COLOURS = 16  # sequences; later ones have replaced all earlier ones by now
_TAME = r"(\x1b\[[0-9;:]*[mK]|[\n\r\t\b]+)"
_BEGUN = r"\x1b(\[[0-9;:]*)?\Z"
_LONGEST_ESCAPE = 64


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a visible text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fitted(text: str, width: int) -> str:
    """Return exactly `width` columns of a visible text: its beginning, or the text and spaces."""
    if text.isascii():
        return text[:width].ljust(width)
    room, fitting = width, ""
    for character in text:
        if _columns(character) > room:
            break
        room -= _columns(character)
        fitting += character
    return fitting + " " * room


def fitted_notice(text: str, width: int) -> str:
    """Return exactly `width` columns of a line of lnode's. If it is too long, the prefix "lnode: " goes first."""
    return fitted(text.removeprefix("lnode: ") if columns_of(text) > width else text, width)


def _columns(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me"):  # marks, which stand above and below the one before
        return 0
    return 1 + (unicodedata.east_asian_width(character) in "WF")


def in_words(seconds: int) -> str:
    """Return a length of time in words: `61 h`, `3 d 4 h`, `25 min`, `40 s`."""
    minute, hour, day = 60, 3600, 86400
    if seconds < 2 * minute:
        return f"{seconds} s"
    if seconds < 2 * hour:
        return f"{seconds // minute} min"
    if seconds < 4 * day:
        return f"{seconds // hour} h"
    return f"{seconds // day} d {seconds % day // hour} h"
