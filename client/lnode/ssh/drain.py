"""A pipe, or a pty, that takes any amount of bytes and keeps only the beginning and the end.

A file would grow for as long as a host likes, also after lnode's end. ssh survives the end of a pipe: it ignores
SIGPIPE.
"""

import _thread
import errno
import os
import select
from contextlib import suppress

_HALF = 1 << 15  # bytes kept of the beginning, and as many of the end
_CHUNK = 1 << 16
_ROW = 1024  # characters of a line, as in ssh's own log (MSGBUFSIZ of log.c): patterns may take the square of that
_POLLS = hasattr(select, "poll")  # Windows has no poll(2): on Windows a read waits, on the thread
_MOST_CHUNKS = 16  # at a time: a pipe holds one, and a writer without an end must not keep a reader


class Drain:
    """Empties a pipe on its own thread. With a `name` it is a FIFO, for a program that opens it by its name.

    With `tty` it is a pty if this computer has one free, for a program that says less to a pipe. Raises OSError.
    """

    def __init__(self, name: str = "", *, tty: bool = False) -> None:
        ends = _pty() if tty else None
        self._is_tty = ends is not None
        if ends:
            self._reader, self._writer = ends
        elif name:
            os.mkfifo(name, 0o600)
            self._reader = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            try:
                self._writer = os.open(name, os.O_WRONLY)
            except OSError:
                os.close(self._reader)
                raise
        else:
            self._reader, self._writer = os.pipe()
            if _POLLS:
                os.set_blocking(self._reader, False)
        self._first, self._last, self._size = bytearray(), bytearray(), 0
        self._is_open = True
        self._lock = _thread.allocate_lock()
        # threading's own start waits until the thread runs, and an attach waits for that.
        try:
            _thread.start_new_thread(self._empty, ())
        except RuntimeError:
            os.close(self._reader)
            os.close(self._writer)
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def fileno(self) -> int:
        """Return the descriptor to write to."""
        return self._writer

    def read(self) -> tuple[str, str]:
        """Return the text so far: all of it and "", or for a long text the beginning and the end."""
        with self._lock:
            if _POLLS:
                self._take()
            if self._size <= 2 * _HALF:
                return _text(self._first + self._last), ""
            return _text(self._first), _text(self._last)

    def close(self) -> None:
        """Close this writer. The thread ends with the last writer; a master may keep the pipe open for hours."""
        os.close(self._writer)

    def _empty(self) -> None:
        while self._is_open:
            if _POLLS:
                self._wait()
                with self._lock:
                    self._take()
            else:
                data = os.read(self._reader, _CHUNK)
                with self._lock:
                    self._keep(data)
        os.close(self._reader)

    def _wait(self) -> None:
        if self._is_tty:
            select.select([self._reader], [], [])  # poll(2) of macOS knows no pty
            return
        waiting = select.poll()
        waiting.register(self._reader, select.POLLIN)
        waiting.poll()

    def _take(self) -> None:
        """Keep the bytes in the pipe now. After its end read no more: the descriptor may be another file's by then."""
        with suppress(BlockingIOError):
            for _ in range(_MOST_CHUNKS):
                if self._is_open:
                    self._keep(self._read())

    def _read(self) -> bytes:
        try:
            return os.read(self._reader, _CHUNK)
        except OSError as error:
            if error.errno != errno.EIO:  # the end of a pty, on Linux
                raise
            return b""

    def _keep(self, data: bytes) -> None:
        self._is_open = bool(data)  # no bytes: the end
        self._size += len(data)
        room = _HALF - len(self._first)
        self._first += data[:room]
        self._last += data[room:]
        del self._last[:-_HALF]


def _pty() -> tuple[int, int] | None:
    """Return both ends of a pty that passes each byte as it is, None if there is none."""
    try:
        import tty

        reader, writer = os.openpty()
    except (ImportError, OSError):  # Windows, or no pty is free
        return None
    tty.setraw(writer)
    os.set_blocking(reader, False)
    return reader, writer


def _text(data: bytearray) -> str:
    return "\n".join(row[:_ROW] for row in data.decode("utf-8", "backslashreplace").split("\n"))
