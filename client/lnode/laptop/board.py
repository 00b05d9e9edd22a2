"""A table with lines beneath it that is drawn again and again in one place, by rich."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from lnode.laptop import screen
from lnode.text import visible

if TYPE_CHECKING:
    from rich.console import Group

    from lnode.laptop.tables import Rows

Draw: TypeAlias = "Callable[[Sequence[str], Rows, Sequence[str]], None]"


@contextmanager
def board(*, whole: bool) -> Iterator[Draw]:
    """Yield a function that draws a table with lines beneath it, each time in the same place.

    With `whole` it covers the screen and restores it at the end. Otherwise it starts at the cursor, and the last table
    stays.
    """
    from rich.live import Live

    # What lnode writes beside it, as a bell, is not for rich.
    live = Live(
        console=screen.console(), screen=whole, auto_refresh=False, vertical_overflow="crop", redirect_stdout=False,
        redirect_stderr=False,
    )  # fmt: skip

    def draw(columns: Sequence[str], rows: "Rows", lines: Sequence[str]) -> None:
        live.update(_set(columns, rows, lines), refresh=True)

    live.start(refresh=True)
    try:
        yield draw
    finally:
        with suppress(OSError):  # the window is closed
            live.stop()


def lines_of(columns: Sequence[str], rows: "Rows", lines: Sequence[str]) -> int:
    """Return the height of such a drawing in this window."""
    return len(screen.console().render_lines(_set(columns, rows, lines), pad=False))


def _set(columns: Sequence[str], rows: "Rows", lines: Sequence[str]) -> "Group":
    from rich.console import Group
    from rich.text import Text

    from lnode.laptop import tables

    said = [Text(visible(line), style="dim") for line in lines]
    return Group(*([tables.set_by_rich(columns, rows)] if rows else []), *said)
