"""The only writer to the user's terminal: lines, errors, questions, tables, a sign of life.

Everything that lnode says goes to stderr, lower case and without a full stop; only what was asked for (`--ls`,
`--json`) goes to stdout. All of it goes through `_put`, which makes control characters visible unless they are
lnode's own (`_Control`): so no text of a host can control the terminal, whichever function shows it.
"""

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from lnode.errors import ExitCode, LnodeError
from lnode.text import colours_after, tamed, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class _Control(str):
    """Characters that may control the terminal: lnode's own, or what reply.tamed() has left of a log."""

    __slots__ = ()


_END = _Control("\n")


def _put(stream: TextIO, *parts: str) -> None:
    """Write the parts; all but those of `_Control` with control characters made visible."""
    stream.write("".join(part if isinstance(part, _Control) else visible(part) for part in parts))
    stream.flush()


def _write(*parts: str) -> None:
    with suppress(OSError):  # the window may be closed: then there is nobody to tell
        _put(sys.stderr, *parts)


def say(text: str) -> None:
    """One line on stderr."""
    _write("lnode: ", text, _END)


def show(*lines: str) -> None:
    """Print lines that were asked for on stdout. Raises as output() does."""
    with output():
        _put(sys.stdout, *(part for line in lines for part in (line, _END)))


def show_json(document: object) -> None:
    """Print a document as JSON on stdout. Raises as output() does."""
    import json

    show(*json.dumps(document, indent=2).split("\n"))


def show_error(error: LnodeError) -> None:
    """The other side's own words, if any, then one sentence and one hint."""
    detail = (row.rstrip() for row in error.detail.splitlines() if row.strip())
    for row in list(detail)[-20:]:
        _write("  ", row, _END)
    _write("lnode: ", error.message, _END, "hint:  ", error.hint, _END)


def is_terminal() -> bool:
    """Is what was asked for shown to a person: stdout on a terminal?"""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Is there a person who can answer: stdin and stderr on a terminal?"""
    return os.isatty(0) and os.isatty(2)


def confirm(question: str) -> bool:
    """Ask on stderr, no is the default; an end of input is no."""
    _write("lnode: ", question, " [y/N] ")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        _write(_END)
        return False


@contextmanager
def waiting(text: str, *, after_s: float = 1.0) -> Iterator[None]:
    """Show `text` on a terminal while the block takes longer than `after_s`.

    It stands still on purpose: ssh may be asking for a password on the same line, which a spinner would overwrite.
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
    """Columns and rows of the terminal; 80 and 24 where it does not say."""
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:  # the window is closed
        columns = rows = 0
    return columns or 80, rows or 24


def draw_notice(text: str) -> None:
    """`text` over the top line of the terminal, which the session's next picture paints over. The cursor stays."""
    fitted = _fitted(visible(text), size()[0])
    _to_terminal(_Control("\x1b7\x1b[1;1H\x1b(B\x1b[0;7m"), fitted, _Control("\x1b8"))


def draw_status(text: str) -> None:
    """`text` on the line of the cursor, in place of the last one; "" takes it away."""
    if sys.stderr.isatty():
        _write(_Control("\r"), _fitted(visible(text), size()[0] - 1).rstrip(), _Control("\x1b[K"))


def _fitted(text: str, width: int) -> str:
    """Exactly `width` columns of `text`; our own name goes first where they are too few."""
    import unicodedata

    def columns(character: str) -> int:
        return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")

    if sum(map(columns, text)) > width:
        text = text.removeprefix("lnode: ")
    room, fitting = width, ""
    for character in text:
        if columns(character) > room:
            break
        room -= columns(character)
        fitting += character
    return fitting + " " * room


def print_table(columns: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]]) -> None:
    """A table on stdout; each cell is (text, rich style). On a pipe: plain columns, `-` where there is nothing."""
    if sys.stdout.isatty():
        _rich_table(columns, rows)
        return
    plain = [[visible(text) or "-" for text, _ in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *plain, strict=True)]
    show(*("  ".join(map(str.ljust, row, widths)).rstrip() for row in (columns, *plain)))


def print_diff(lines: Sequence[str]) -> None:
    """A unified diff on stdout, coloured on a terminal."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    for line in lines:
        colour = "" if plain else colours.get(line[:1], "")
        _put(sys.stdout, _Control(colour), line, _Control(colour and _PLAIN), _END)


def prepare_table() -> None:
    """Load what a table on a terminal takes; rich keeps half of that for the first one that is printed."""
    if sys.stdout.isatty():
        from io import StringIO

        _rich_table(("",), [[("", "bold")]], StringIO())


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]], file: TextIO | None = None) -> None:
    _console(file).print(_table_of(columns, rows))


def _console(file: TextIO | None = None) -> "Console":
    from rich.console import Console

    return Console(file=file, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)


def _table_of(columns: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(text), style=style) for text, style in row))
    return table


def _no_key(within_s: float) -> str:
    threading.Event().wait(within_s)
    return ""


Draw = Callable[[Sequence[str], Sequence[Sequence[tuple[str, str]]], Sequence[str]], None]


@contextmanager
def board(*, whole: bool) -> Iterator[Draw]:
    """A table on the terminal with lines beneath it, drawn anew in its place: over the whole screen, which is given
    back in the end, or where the cursor is, where the last one stays.
    """
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=_console(), screen=whole, auto_refresh=False, vertical_overflow="crop") as live:

        def draw(columns: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]], lines: Sequence[str]) -> None:
            said = [Text(visible(line), style="dim") for line in lines]
            live.update(Group(*([_table_of(columns, rows)] if rows else []), *said), refresh=True)

        yield draw


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Keys of the person, Ctrl-C among them, without echo: what is yielded waits so many seconds for one, or is ""."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: only Ctrl-C
        yield _no_key
        return
    modes = termios.tcgetattr(0)

    def pressed(within_s: float) -> str:
        return os.read(0, 1).decode("latin-1") if select.select([0], [], [], within_s)[0] else ""

    try:
        tty.setcbreak(0)
        raw = termios.tcgetattr(0)
        raw[3] &= ~termios.ISIG  # whoever started lnode may have it ignore SIGINT
        termios.tcsetattr(0, termios.TCSANOW, raw)
        yield pressed
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, modes)


class Log:
    """Somebody else's output on stdout: in a pipe byte for byte, on a terminal without what could control that.

    Colours stay, but only while it is being written: between two writes the terminal is plain, however lnode ends and
    whatever else it says. Writing raises as output() does.
    """

    def __init__(self) -> None:
        import codecs

        self._tty = sys.stdout.isatty()
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
                sys.stdout.buffer.write(data)

    def _show(self, text: str) -> None:
        if not text:
            return
        before, self._colours = self._colours, colours_after(self._colours, text)
        _put(sys.stdout, _Control(before), _Control(text), _Control(self._colours and _PLAIN))
        self._inside_line = not text.endswith("\n")

    def break_line(self) -> None:
        """Before something else is said on the same terminal."""
        if self._inside_line:
            _write(_END)
            self._inside_line = False


_PLAIN = "\x1b[m"


def open_streams() -> None:
    """Make the standard streams fit for use: one that came closed (`>&-`) gets somewhere to go, so that no file of ours
    takes its number; and a character that the locale does not have is written, or read, as `\\u2713`: it is no error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
        stream: Any = getattr(sys, name)
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def output() -> Iterator[None]:
    """For writing to stdout. Raises LnodeError(FAILED) where it is full; a reader that left is BrokenPipeError."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        close_output()
        raise LnodeError(ExitCode.FAILED, f"cannot write the output: {error.strerror}", "free some room") from None


def close_output() -> None:
    """Give up stdout, which nobody reads any more, so that Python's own flush at exit does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def write_control(sequence: str) -> None:
    """Terminal control sequences of lnode's own, to the terminal itself and only to one."""
    _to_terminal(_Control(sequence))


def _to_terminal(*parts: str) -> None:
    if sys.stdout.isatty():
        with suppress(OSError):  # the window may be closed
            _put(sys.stdout, *parts)
