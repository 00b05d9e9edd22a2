"""The only writer to the user's terminal: lines, errors, questions, tables, a sign of life.

Everything that lnode says goes to stderr, lower case and without a full stop; only what was asked for (`--ls`,
`--json`) goes to stdout. Remote text passes through reply.visible() before it is printed.
"""

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from lnode.errors import ExitCode, LnodeError
from lnode.reply import tamed, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def say(text: str) -> None:
    """One line on stderr."""
    _write(f"lnode: {visible(text)}\n")


def _write(text: str) -> None:
    with suppress(OSError):  # the window may be closed: then there is nobody to tell
        sys.stderr.write(text)
        sys.stderr.flush()


def show_error(error: LnodeError) -> None:
    """The other side's own words, if any, then one sentence and one hint."""
    detail = (row.rstrip() for row in error.detail.splitlines() if row.strip())
    for row in list(detail)[-20:]:
        _write(f"  {visible(row)}\n")
    _write(f"lnode: {visible(error.message)}\nhint:  {visible(error.hint)}\n")


def is_terminal() -> bool:
    """Is what was asked for shown to a person: stdout on a terminal?"""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Is there a person who can answer: stdin and stderr on a terminal?"""
    return os.isatty(0) and os.isatty(2)


def confirm(question: str) -> bool:
    """Ask on stderr, no is the default; an end of input is no."""
    _write(f"lnode: {visible(question)} [y/N] ")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        _write("\n")
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
                _write(f"lnode: {text} ")

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
            _write("\r\x1b[K")


def size() -> tuple[int, int]:
    """Columns and rows of the terminal; 80 and 24 where it does not say."""
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:  # the window is closed
        columns = rows = 0
    return columns or 80, rows or 24


def draw_notice(text: str) -> None:
    """`text` over the top line of the terminal, which the session's next picture paints over. The cursor stays."""
    width = size()[0]
    write_control(f"\x1b7\x1b[1;1H\x1b(B\x1b[0;7m{_fitted(visible(text), width)}\x1b8")


def draw_status(text: str) -> None:
    """`text` on the line of the cursor, in place of the last one; "" takes it away."""
    if sys.stderr.isatty():
        _write(f"\r{_fitted(visible(text), size()[0] - 1).rstrip()}\x1b[K")


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
    for row in (columns, *plain):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_diff(lines: Sequence[str]) -> None:
    """A unified diff on stdout, coloured on a terminal."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    for line in lines:
        colour = "" if plain else colours.get(line[:1], "")
        print(f"{colour}{visible(line)}{colour and chr(27) + '[m'}")


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

    Writing raises as output() does.
    """

    def __init__(self) -> None:
        import codecs

        self._tty = sys.stdout.isatty()
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._held = ""
        self._inside_line = False

    def write(self, data: bytes) -> None:
        """Print it at once."""
        if self._tty:
            text, self._held = tamed(self._held + self._decode(data))
            data = text.encode("utf-8", "backslashreplace")
        with output():
            sys.stdout.buffer.write(data)
        if data:
            self._inside_line = not data.endswith(b"\n")

    def break_line(self) -> None:
        """Before something else is said on the same terminal."""
        if self._tty and self._inside_line:
            _write("\n")
            self._inside_line = False


def open_closed() -> None:
    """Give standard streams that came closed (`>&-`) somewhere to go, so that no file of ours takes their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


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
    """Terminal control sequences, to the terminal itself and only to one."""
    if sys.stdout.isatty():
        with suppress(OSError):  # the window may be closed
            sys.stdout.write(sequence)
            sys.stdout.flush()
