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
        self._held = bytearray()
        self._announced: tuple[int, int] | None = None  # offset and length of the data that come now

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole by now. Raises Torn, after which nothing more can be read."""
        self._held += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        while self._announced is None:
            line = self._line()
            if line is None:
                return None
            if not line.startswith(self._mark):
                continue
            kind, _, words = line.removeprefix(self._mark).decode("utf-8", "backslashreplace").partition(" ")
            if kind != "data":
                return Frame(kind, words)
            self._announced = _numbers(words)
        return self._data(*self._announced)

    def _line(self) -> bytes | None:
        """The next line, None where its end has not come. Raises Torn for a frame's that has none."""
        end = self._held.find(b"\n")
        if max(end, len(self._held) if end < 0 else 0) > _MAX_LINE:
            if self._held.startswith(self._mark):
                raise Torn("a line without an end")
            if end < 0:
                del self._held[: -len(self._mark)]
        if end < 0:
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line

    def _data(self, offset: int, length: int) -> Frame | None:
        whole = length + len(self._ok)
        if len(self._held) < whole:
            return None
        if self._held[length:whole] != self._ok:
            raise Torn(f"{offset} {length}")
        data = bytes(self._held[:length])
        del self._held[:whole]
        self._announced = None
        return Frame("data", offset=offset, data=data)


def _numbers(words: str) -> tuple[int, int]:
    """Offset and length as they are announced. Raises Torn."""
    numbers = [int(word) for word in words.split() if word.isdecimal() and len(word) < len(str(1 << 62))]
    if len(numbers) != len(("offset", "length")) or not 0 < numbers[1] <= MAX_LENGTH:
        raise Torn(words)
    return numbers[0], numbers[1]
