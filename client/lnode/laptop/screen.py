"""The only writer to the user's terminal: lines, errors, questions, tables, a sign of life.

lnode's messages go to stderr, lower case and without a full stop. Only the output that you asked for (`--ls`,
`--json`) goes to stdout. All text goes through `_put`, which makes control characters visible unless they are
lnode's own (`_Control`). So no text of a host can control the terminal, whichever function shows it.
"""

import errno
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from lnode.errors import ExitCode, LnodeError
from lnode.text import colours_after, fitted_notice, tamed, visible

if TYPE_CHECKING:
    from rich.console import Console

    from lnode.laptop.tables import Rows


class _Control(str):
    """Characters that may control the terminal: lnode's own, or a log that text.tamed() has made safe."""

    __slots__ = ()


_END = _Control("\n")


def _put(stream: TextIO, *parts: str) -> None:
    """Write the parts; make control characters visible in all parts but those of `_Control`."""
    stream.write("".join(part if isinstance(part, _Control) else visible(part) for part in parts))
    stream.flush()


def _write(*parts: str) -> None:
    with suppress(OSError):  # the window may be closed
        _put(sys.stderr, *parts)


def say(text: str) -> None:
    """Write one line on stderr."""
    _write("lnode: ", text, _END)


def show(*lines: str) -> None:
    """Print lines on stdout that you asked for. Raises as output() does."""
    with output():
        _put(sys.stdout, *(part for line in lines for part in (line, _END)))


def show_json(document: object) -> None:
    """Print a document as JSON on stdout. Raises as output() does."""
    import json

    show(*json.dumps(document, indent=2).split("\n"))


def quote(row: str) -> None:
    """Show a row of the host's words on a terminal, above the line of the cursor: a program may be asking there."""
    text, room = visible(row) if sys.stderr.isatty() else "", max(1, size()[0] - 3)
    _quoted.update([row] if text else [])
    for at in range(0, len(text), room):
        _write(_Control(_ABOVE), "  ", text[at : at + room], _Control(_BACK))


_quoted: set[str] = set()  # on the screen already
# Down and up, which scrolls at the end of the screen; a line is inserted; back.
_ABOVE, _BACK = "\x1bD\x1b[A\x1b7\r\x1b[L", "\x1b8\x1b[B"


def show_error(error: LnodeError) -> None:
    """Write the host's own words, if they do not stand above, then one sentence and one hint, which may name a page."""
    detail = (row.rstrip() for row in error.detail.splitlines() if row.strip() and row.strip() not in _quoted)
    for row in list(detail)[-20:]:
        _write("  ", row, _END)
    more = f"; more: lnode --guide {error.page}" if error.page else ""
    _write("lnode: ", error.message, _END, "hint:  ", error.hint, more, _END)


def is_terminal() -> bool:
    """True if stdout is a terminal, so that a person reads the output."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """True if stdin and stderr are a terminal, so that a person can answer."""
    return os.isatty(0) and os.isatty(2)


def confirm(question: str, *, usual: bool = False) -> bool:
    """Ask on stderr. `usual` is the answer of an empty line; an end of input means no."""
    answer = ask(f"{question} [Y/n]", "y") if usual else ask(f"{question} [y/N]")
    return answer.lower() in ("y", "yes")


def ask(question: str, usual: str = "") -> str:
    """Ask for a line of text on stderr and return it: `usual` for an empty line, "" for an end of input."""
    _write("lnode: ", question, " ")
    try:
        return input().strip() or usual
    except EOFError:
        _write(_END)
        return ""
    except KeyboardInterrupt:
        _write(_END)
        raise


def ask_secret(question: str) -> str | None:
    """Ask for a text that does not appear as you type it; None for an end of input."""
    from getpass import getpass

    _write("lnode: ", question, " ")
    try:
        return getpass("").strip()
    except EOFError:
        _write(_END)
        return None


@contextmanager
def waiting(text: str, *, after_s: float = 1.0) -> Iterator[None]:
    """Show `text` on a terminal while the block takes longer than `after_s`.

    The text stands still on purpose: a spinner would overwrite a password prompt of ssh on the same line.
    """
    if not sys.stderr.isatty():
        yield
        return
    lock, over, shown = threading.Lock(), False, False

    def show() -> None:
        nonlocal shown
        with lock:
            if not over:
                shown = True
                _write("lnode: ", text, " ")

    timer = threading.Timer(after_s, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
        if shown:
            _write(_Control("\r\x1b[K"))


def size() -> tuple[int, int]:
    """Return columns and rows of the terminal, or 80 and 24 if it does not tell."""
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:  # the window is closed
        columns = rows = 0
    return columns or 80, rows or 24


def draw_notice(*lines: str) -> None:
    """Draw lines over the top of the terminal, until the session paints over them. The cursor stays."""
    for number, text in enumerate(filter(None, lines), 1):
        paint((f"\x1b7\x1b[{number};1H\x1b(B\x1b[0;7m", fitted_notice(visible(text), size()[0])), ("\x1b8", ""))


def draw_status(text: str) -> None:
    """Draw `text` on the line of the cursor, in place of the last one; "" removes it."""
    if sys.stderr.isatty():
        _write(_Control("\r"), fitted_notice(visible(text), size()[0] - 1).rstrip(), _Control("\x1b[K"))


def say_beside(text: str) -> None:
    """Write one line on stderr while an ssh has the terminal, whose modes do not end a line by themselves."""
    if sys.stderr.isatty():
        _write(_Control("\r"), "lnode: ", text, _Control("\x1b[K\r\n"))


def print_table(columns: Sequence[str], rows: "Rows") -> None:
    """Print a table on stdout; each cell is (text, rich style). In a pipe: plain columns, `-` for an empty cell."""
    if sys.stdout.isatty():
        _rich_table(columns, rows)
        return
    from lnode.laptop import tables

    show(*tables.in_columns(columns, rows))


def print_page(text: str) -> None:
    """Print a page of Markdown on stdout: set for reading on a terminal, as it is in a pipe."""
    if not sys.stdout.isatty():
        show(*text.splitlines())
        return
    from rich.markdown import Markdown

    with output():
        console().print(Markdown(text, hyperlinks=False))


def print_diff(lines: Sequence[str]) -> None:
    """Print a unified diff on stdout, coloured on a terminal."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    for line in lines:
        colour = "" if plain else colours.get(line[:1], "")
        _put(sys.stdout, _Control(colour), line, _Control(colour and _PLAIN), _END)


def prepare_table() -> None:
    """Load all modules for a table on a terminal; rich loads half of them only when it prints the first table."""
    if sys.stdout.isatty():
        from io import StringIO

        _rich_table(("",), [[("", "bold")]], StringIO())


def _rich_table(columns: Sequence[str], rows: "Rows", file: TextIO | None = None) -> None:
    from lnode.laptop import tables

    console(file).print(tables.set_by_rich(columns, rows))


def console(file: TextIO | None = None) -> "Console":
    """Return rich's console for stdout, or for a file; without colours under NO_COLOR."""
    from rich.console import Console

    return Console(file=file, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)


class Log:
    """Prints the output of another program, on stdout or `errors`: in a pipe byte for byte, on a terminal made safe.

    Colours stay, but only during a write. Between two writes the terminal is plain, however lnode ends and whatever
    other text it prints. Writing raises as output() does.
    """

    def __init__(self, *, errors: bool = False) -> None:
        import codecs

        self._stream = sys.stderr if errors else sys.stdout
        self._tty = self._stream.isatty()
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._held = ""
        self._colours = ""  # those that the log has on
        self._inside_line = False

    def write(self, data: bytes) -> None:
        """Print it at once."""
        with output():
            if self._tty:
                text, self._held = tamed(self._held + self._decode(data))
                self._show(text)
            else:
                self._stream.buffer.write(data)
                self._stream.flush()

    def _show(self, text: str) -> None:
        if not text:
            return
        before, self._colours = self._colours, colours_after(self._colours, text)
        _put(self._stream, _Control(before), _Control(text), _Control(self._colours and _PLAIN))
        self._inside_line = not text.endswith("\n")

    def break_line(self) -> None:
        """End the line that the log has begun, before lnode writes other text on the same terminal."""
        if self._inside_line:
            _write(_END)
            self._inside_line = False


_PLAIN = "\x1b[m"


def open_streams() -> None:
    """Make the standard streams fit for use.

    A stream that came closed (`>&-`) leads to os.devnull, so that no file of lnode takes its number. Such a stdout can
    only be read: writing the output that you asked for still fails. A character that the locale does not have is
    written, or read, as `\\u2713`; it is not an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
        stream: Any = getattr(sys, name)
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def output() -> Iterator[None]:
    """Guard writes to stdout. Raises LnodeError(FAILED) if it is full, and BrokenPipeError if the reader has left."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        close_output()
        why, hint = error.strerror, "free some room"
        if error.errno == errno.EBADF:
            why, hint = "it is closed", "leave it open, or write it to a file"
        raise LnodeError(ExitCode.FAILED, f"cannot write the output: {why}", hint) from None


def close_output() -> None:
    """Give up stdout, which has no reader any longer, so that Python's own flush at exit does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def paint(*parts: tuple[str, str]) -> None:
    """Write texts to stdout at once, if it is a terminal; control sequences of lnode's own stand before each."""
    if sys.stdout.isatty():
        with suppress(OSError):  # the window may be closed
            _put(sys.stdout, *(part for control, text in parts for part in (_Control(control), text)))


def write_control(sequence: str) -> None:
    """Write lnode's own terminal control sequences to stdout, if it is a terminal."""
    paint((sequence, ""))
