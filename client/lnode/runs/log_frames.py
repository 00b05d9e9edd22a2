"""A log in frames, as logs.sh sends it: lines `NONCE KIND WORDS`; after `data OFFSET LENGTH` come so many raw bytes.

A frame counts only whole: the line `NONCE ok` must follow its bytes. If a frame is torn, by a cut or by a log that
shrank meanwhile, lnode asks again from the end of the last whole frame.
"""

from collections.abc import Iterator
from typing import NamedTuple

MAX_LENGTH = 1 << 20  # bytes; logs.sh sends 64 KiB
_MAX_LINE = 1 << 12  # of a frame; lines of rc files may be longer


class Torn(Exception):  # noqa: N818 (the state of a stream, not an error of the program)
    """The bytes are not the announced ones."""


class Frame(NamedTuple):
    """A frame. `kind` is "run", "gone", "data", "shrunk", "beat" or "over"; `data` begins at `offset` of the log."""

    kind: str
    words: str = ""
    offset: int = 0
    data: bytes = b""


class Chunks:
    """Bytes in, frames out. Lines without the nonce are skipped."""

    def __init__(self, nonce: str) -> None:
        self._mark = f"{nonce} ".encode()
        self._ok = b"\n" + self._mark + b"ok\n"
        self._held = bytearray()
        self._announced: tuple[int, int] | None = None  # offset and length of the data that come next

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete by now. Raises Torn; after that, use a new object."""
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
        """Return the next line, None if its end has not come. Raises Torn for a frame's line that is too long."""
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
    """Return the announced offset and length. Raises Torn."""
    numbers = [int(word) for word in words.split() if word.isdecimal() and len(word) < len(str(1 << 62))]
    if len(numbers) != len(("offset", "length")) or not 0 < numbers[1] <= MAX_LENGTH:
        raise Torn(words)
    return numbers[0], numbers[1]
