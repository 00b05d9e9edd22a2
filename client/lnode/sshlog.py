"""The words of an ssh, kept off the screen: its own log in one file without a name, its standard error in another.

Prompts reach the tty all the same: ssh opens that itself. On standard error are the host's banner, a remote command and
a jump host's ssh. Were ssh's own log there too (`ssh -E` moves it), a banner could say that ssh has logged in.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from lnode.causes import Said, told_apart

_HALF = 1 << 15  # bytes that are read of its beginning, and of its end


class SshLog:
    """Two files that nobody else can open, gone with this process whatever ends it.

    `fileno()` is for ssh's standard error, `argv()` sends its log to the other file.
    """

    def __enter__(self) -> Self:
        folders = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR", "TEMP"))
        folder = next((f for f in folders if f and os.access(f"{f}/.", os.W_OK)), "/tmp")  # noqa: S108 - O_EXCL, 0600
        path = f"{folder}/lnode-{os.getpid()}-{os.urandom(6).hex()}"
        self._stderr, self._log = _open(f"{path}.err"), _open(f"{path}.log")
        os.unlink(f"{path}.err")
        self._name = path = f"{path}.log"
        nameless = f"/proc/{os.getpid()}/fd/{self._log}"
        self._path = nameless if os.path.exists(nameless) else path
        if self._path is nameless:
            self._forget_name()
        self._open = True
        return self

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The ssh, writing its log here: by a path, because ssh closes what it inherits above 2 (ssh.c, closefrom)."""
        ssh, *words = argv
        return [ssh, "-E", self._path, *words]

    def fileno(self) -> int:
        return self._stderr

    def said(self) -> Said:
        """What has been said so far, by whom; of very much how it began and how it ended."""
        log, late = _read(self._log)
        if log:
            self._forget_name()  # ssh has opened it
        stderr = "".join(_read(self._stderr))
        said = told_apart(log, stderr)
        return said._replace(others=f"{late}{said.others}")  # between its beginning and its end may be a quotation

    def words(self) -> str:
        """All of that."""
        return str(self.said())

    def _forget_name(self) -> None:
        if self._name:
            with suppress(FileNotFoundError):
                os.unlink(self._name)
            self._name = ""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._open:  # a terminal that has ended is closed before its block is left
            self._forget_name()
            os.close(self._stderr)
            os.close(self._log)
            self._open = False


def _open(path: str) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o600)


def _read(file: int) -> tuple[str, str]:
    """The beginning, whole where that is not much; else the last 32 KiB apart."""
    size = os.fstat(file).st_size
    if size <= 2 * _HALF:
        return _text(os.pread(file, 2 * _HALF, 0)), ""
    return _text(os.pread(file, _HALF, 0)), _text(os.pread(file, _HALF, size - _HALF))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
