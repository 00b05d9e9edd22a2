"""A log in frames, as logs.sh sends it: lines `NONCE KIND WORDS`; behind `data OFFSET LENGTH` come so many raw bytes.

A frame counts only whole: its bytes have to be followed by the line `NONCE ok`. What was torn, by a cut or by a log
that shrank under its reader, is asked for again from where the last whole frame ended.
"""

from collections.abc import Iterator
from typing import NamedTuple

MAX_LENGTH = 1 << 20  # bytes; logs.sh sends 64 KiB
_MAX_LINE = 1 << 12  # of a frame; what rc files print may be longer


class Torn(Exception):  # noqa: N818 (what became of a stream, not an error of the program)
    """The bytes are not those that were announced."""


class Frame(NamedTuple):
    """`kind` is "run", "gone", "data", "shrunk", "beat" or "over"; at `offset` of the log is `data`."""

    kind: str
    words: str = ""
    offset: int = 0
    data: bytes = b""


class Chunks:
    """Bytes in, frames out. What is not framed by the nonce is passed over."""

    def __init__(self, nonce: str) -> None:
        self._mark = f"{nonce} ".encode()
        self._ok = b"\n" + self._mark + b"ok\n"
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole by now. Raises Torn, after which nothing more can be read."""
        self._held += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        while True:
            line, newline, rest = self._held.partition(b"\n")
            if not newline:
                if len(line) > _MAX_LINE and not line.startswith(self._mark):
                    self._held = line[-len(self._mark) :]
                return None
            if not line.startswith(self._mark):
                self._held = rest
                continue
            kind, _, words = line.removeprefix(self._mark).decode("utf-8", "backslashreplace").partition(" ")
            if kind == "data":
                return self._data(words, rest)
            self._held = rest
            return Frame(kind, words)

    def _data(self, words: str, rest: bytes) -> Frame | None:
        numbers = [int(word) for word in words.split() if word.isdecimal() and len(word) < len(str(1 << 62))]
        if len(numbers) != len(("offset", "length")) or not 0 < numbers[1] <= MAX_LENGTH:
            raise Torn(words)
        offset, length = numbers
        if len(rest) < length + len(self._ok):
            return None
        if rest[length : length + len(self._ok)] != self._ok:
            raise Torn(words)
        self._held = rest[length + len(self._ok) :]
        return Frame("data", offset=offset, data=rest[:length])
