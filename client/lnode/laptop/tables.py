"""The layout of tables, for screen.py to show: by rich, or in plain columns. No text of a cell controls a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lnode.text import columns_of, fitted, visible

if TYPE_CHECKING:
    from rich.table import Table

Rows = Sequence[Sequence[tuple[str, str]]]
"""The cells of each row: the text of a cell, and its style by rich."""


def in_columns(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Yield the lines of a table; an empty cell is `-`."""
    plain = [[visible(text) or "-" for text, _ in row] for row in rows]
    widths = [max(map(columns_of, column)) for column in zip(columns, *plain, strict=True)]
    for row in (columns, *plain):
        yield "  ".join(map(fitted, row, widths)).rstrip()


def set_by_rich(columns: Sequence[str], rows: Rows) -> "Table":
    """Return the table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(text), style=style) for text, style in row))
    return table
