"""The words of an ssh, kept off the screen: its own log in one pipe, its standard error in another.

Prompts still reach the tty, because ssh opens the tty itself. The host's banner, a remote command and a jump host's ssh
write on standard error. So does ssh if a key waits for your touch, but only to a tty (readpass.c, notify_start): an ssh
that may ask you gets a pty. `ssh -E` moves ssh's own log away from it, so that a banner cannot say that ssh has
logged in.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from lnode.ssh.drain import Drain
from lnode.ssh.said import Said, told_apart


class SshLog:
    """Two pipes that no other user can open, gone with this process however it ends.

    `fileno()` is for ssh's standard error, `argv()` sends its log to the other pipe. `asks`: this ssh may ask you.
    """

    def __init__(self, *, asks: bool = False) -> None:
        self._asks, self._open = asks, False

    def __enter__(self) -> Self:
        self._name = "" if os.path.exists(f"/proc/{os.getpid()}/fd") else _new_name()
        self._stderr = Drain(tty=self._asks)
        try:
            self._log = Drain(self._name)
        except OSError:  # no file is free; lnode tries again
            self._stderr.close()
            self._forget_name()
            raise
        self._path = self._name or f"/proc/{os.getpid()}/fd/{self._log.fileno()}"
        self._open = True
        return self

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Return the ssh that logs here; by a path, because ssh closes descriptors above 2 (ssh.c, closefrom)."""
        ssh, *words = argv
        return [ssh, "-E", self._path, *words]

    def fileno(self) -> int:
        return self._stderr.fileno()

    def said(self) -> Said:
        """Return the words so far, ssh's own and others'; of a long text the beginning and the end."""
        log, late = self._log.read()
        if log:
            self._forget_name()  # ssh has opened it
        stderr = "".join(self._stderr.read())
        said = told_apart(log, stderr)
        return said._replace(others=f"{late}{said.others}")  # between its beginning and its end may be a quotation

    def words(self) -> str:
        """Return all words so far as one text."""
        return str(self.said())

    def _forget_name(self) -> None:
        if self._name:
            with suppress(FileNotFoundError):
                os.unlink(self._name)
            self._name = ""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._open:  # a terminal that has ended is closed before its block is left
            self._forget_name()
            self._stderr.close()
            self._log.close()
            self._open = False


def _new_name() -> str:
    folders = (os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR", "TEMP"))
    folder = next((f for f in folders if f and os.access(f"{f}/.", os.W_OK)), "/tmp")  # noqa: S108 - mkfifo, 0600
    return f"{folder}/lnode-{os.getpid()}-{os.urandom(6).hex()}.log"
