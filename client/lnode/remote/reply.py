"""Framed replies of the remote scripts: sections between lines that begin with a nonce.

Remote text is hostile: lnode ignores text outside the frame, and only splits the text inside into lines. A reply that
exceeds one of the limits below is no reply, because a part of it would look like the whole. What rc files print before
the frame counts in bytes only.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

Reply = Mapping[str, Sequence[str]]
"""The sections of a script's answer: section name -> its lines."""

MAX_BYTES = 4 << 20  # of a reply, squeue's rows for 4,800 jobs; and of the rc files before it
MAX_ROWS = 12_000  # --peek asks for 10,000
MAX_ROW = 1 << 19  # bytes; --wait-for joins a wrapped line of up to 2,000 rows


class TooLong(Exception):  # noqa: N818 (a fact about the reply, not an error of the program)
    """The reply exceeds a limit. Read no more of that reply."""


class Rows:
    """Bytes in, rows out, one reply at a time. Raises TooLong as soon as the reply exceeds a limit.

    The first row is the one that begins with the nonce; `before` is the end of the text before that row.
    """

    def __init__(self, nonce: str) -> None:
        self._mark: bytes = f"\n{nonce} ".encode()  # b"" once the reply has begun
        self._before = b"\n"
        self._begun = bytearray()  # a row without its end so far
        self._whole: deque[str] = deque()
        self.renew()

    @property
    def before(self) -> list[str]:
        """Return the last rows that were printed before the reply, without empty ones."""
        return [row for row in self._before.decode("utf-8", "backslashreplace").split("\n") if row]

    def renew(self) -> None:
        """Count again from zero, for another reply."""
        self._bytes = self._rows = 0

    def feed(self, data: bytes) -> None:
        """Take in a chunk of some KiB."""
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise TooLong(f"it has more than {MAX_BYTES >> 20} MiB")
        if self._mark:
            data = self._behind_mark(data)
        *ended, begun = data.split(b"\n")
        for part in ended:
            self._extend(part)
            self.end()
        self._extend(begun)

    def _behind_mark(self, data: bytes) -> bytes:
        """Return the part of the chunk that belongs to the reply, which may begin in it."""
        text = self._before + data
        at = text.find(self._mark)
        self._before = text[: at if at >= 0 else None][-_KEPT:]
        if at < 0:
            return b""
        self._mark = b""
        self._bytes = len(text) - at
        return text[at + 1 :]

    def end(self) -> None:
        """End the row that has begun."""
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise TooLong(f"it has more than {MAX_ROWS:,} rows")
        self._whole.append(self._begun.decode("utf-8", "backslashreplace"))
        self._begun.clear()

    def _extend(self, part: bytes) -> None:
        self._begun += part
        if len(self._begun) > MAX_ROW:
            raise TooLong(f"a row of it has more than {MAX_ROW >> 10} KiB")

    def next(self) -> str | None:
        """Return the next row, None if no row is complete yet."""
        return self._whole.popleft() if self._whole else None


def rows_of(nonce: str, data: bytes) -> list[str]:
    """Return the rows of one whole reply. Raises TooLong."""
    rows = Rows(nonce)
    for at in range(0, len(data), _CHUNK):
        rows.feed(data[at : at + _CHUNK])
    rows.end()
    return list(iter(rows.next, None))


_CHUNK = 1 << 16
_KEPT = 1 << 12  # bytes before the reply, of which you are shown some rows


def parse_reply(nonce: str, lines: Iterable[str]) -> Reply:
    """Return section name -> its lines, without empty ones. The section `end` exists only if the reply is complete.

    Without the section `host` the script did not run: another program answered.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for row in lines:
        marker, _, name = row.partition(" ")
        if marker == nonce:
            current = sections.setdefault(name.strip(), [])
        elif current is not None and row:
            current.append(row)
    return {name: tuple(rows) for name, rows in sections.items()}
