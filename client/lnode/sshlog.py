"""ssh's own words: the private file of `ssh -E`, which keeps them off the screen while prompts still reach the tty."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

_MOST = 1 << 16  # bytes that are read of it


class SshLog:
    """A new file that only this user can read, in the folder for temporary files; gone when the block ends."""

    def __enter__(self) -> Self:
        folders = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR", "TEMP"))
        folder = next((f for f in folders if f and os.access(f, os.W_OK)), "/tmp")  # noqa: S108 - O_EXCL, 0600
        self.path = f"{folder}/lnode-{os.getpid()}-{os.urandom(6).hex()}.log"
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return self

    def words(self) -> str:
        with Path(self.path).open(encoding="utf-8", errors="backslashreplace") as log:
            return log.read(_MOST)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        Path(self.path).unlink()
