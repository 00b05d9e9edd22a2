"""ssh's own words: a file without a name on its standard error, which keeps them off the screen.

Prompts reach the tty all the same: ssh opens that itself. What the ssh of a jump host says arrives here too, which
`ssh -E` would not catch.
"""

import os
from types import TracebackType
from typing import Self

_HALF = 1 << 15  # bytes that are read of its beginning, and of its end


class SshLog:
    """A file that nobody else can open, gone with this process whatever ends it. Its fileno() is for ssh's stderr."""

    def __enter__(self) -> Self:
        folders = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR", "TEMP"))
        folder = next((f for f in folders if f and os.access(f"{f}/.", os.W_OK)), "/tmp")  # noqa: S108 - O_EXCL, 0600
        path = f"{folder}/lnode-{os.getpid()}-{os.urandom(6).hex()}.log"
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o600)
        os.unlink(path)
        self._open = True
        return self

    def fileno(self) -> int:
        return self._file

    def words(self) -> str:
        """What has been said so far; of very much the first and the last 32 KiB, for how it began and how it ended."""
        size = os.fstat(self._file).st_size
        first = os.pread(self._file, _HALF, 0)
        last = os.pread(self._file, _HALF, max(_HALF, size - _HALF))
        return (first + last).decode("utf-8", "backslashreplace")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._open:  # a terminal that has ended is closed before its block is left
            os.close(self._file)
            self._open = False
