"""Framed replies of the remote scripts: sections between lines that begin with a nonce.

Remote text is hostile: what is outside the frame is passed over, what is inside is split into lines and nothing more.
A reply that passes one of the limits below is no reply: a part of it would be taken for the whole.
"""

from collections import deque
from collections.abc import Iterable, Mapping

MAX_BYTES = 4 << 20  # of a reply; squeue's rows for 4,800 jobs
MAX_ROWS = 12_000  # --peek asks for 10,000
MAX_ROW = 1 << 19  # bytes; --wait-for joins a wrapped line of up to 2,000 rows


class TooLong(Exception):  # noqa: N818 (what came, not an error of the program)
    """What came passes a limit. Nothing more is to be read of it."""


class Rows:
    """Bytes in, rows out, a reply at a time. Raises TooLong as soon as a limit is passed."""

    def __init__(self) -> None:
        self._begun = bytearray()  # a row whose end has not come
        self._whole: deque[str] = deque()
        self.renew()

    def renew(self) -> None:
        """Count again from zero: what comes now is another reply."""
        self._bytes = self._rows = 0

    def feed(self, data: bytes) -> None:
        """Take in what came, a chunk of some KiB at a time."""
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise TooLong(f"it has more than {MAX_BYTES >> 20} MiB")
        *ended, begun = data.split(b"\n")
        for part in ended:
            self._extend(part)
            self.end()
        self._extend(begun)

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
        """Return the next row, None where none is whole yet."""
        return self._whole.popleft() if self._whole else None


def rows_of(data: bytes) -> list[str]:
    """Return the rows of one whole reply. Raises TooLong."""
    rows = Rows()
    for at in range(0, len(data), _CHUNK):
        rows.feed(data[at : at + _CHUNK])
    rows.end()
    return list(iter(rows.next, None))


_CHUNK = 1 << 16


def parse_reply(nonce: str, lines: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Section name -> its lines, without empty ones. `end` is among the names only when the reply is whole.

    A mapping without `host` means that the script did not run: the other side answered with something else.
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
