"""The lines of the picker's screen, for its state and the size of the window."""

from collections.abc import Iterator, Mapping, Sequence

from lnode.commands.ls.pick_state import ALWAYS, COLUMNS, Mode, Row, State, index_of, shown
from lnode.commands.ls.table import Cell, notes
from lnode.text import columns_of, fitted, visible

Line = Sequence[Cell]

_NARROWEST = 6  # of a column that is cut at the right margin
_GAP = "  "
_HINTS = (
    "Enter attaches  p peeks  x ends  n new  / filters  q leaves",
    "Enter  p peek  x end  n new  /  q",
    "Enter p x n / q",
)
_HINTS_OF_RUN = ("Enter follows its log  p prints the end  x ends  n new  / filters  q leaves", *_HINTS[1:])


def lines(state: State, columns: int, height: int) -> list[Line]:
    """Return the lines of a screen: names of columns, rows around the cursor, notes, and the keys; `height` at most."""
    rows = shown(state)
    below = [((note, "dim"),) for note in _notes(state)]
    most = max(0, height // 4)
    if len(below) > most:
        below = [*below[: max(0, most - 1)], ((f"{len(below) - most + 1} more notes: lnode --ls", "dim"),)][:most]
    foot = [_foot(state, rows, columns)] if height > 1 else []
    room = max(1, height - len(below) - len(foot))
    head, *body = _table(rows, state.under, columns, room)
    found = [*([head] if room > 1 else []), *body[: room - (room > 1)], *below, *foot]
    return [_cut(line, columns) for line in found]


def _notes(state: State) -> Iterator[str]:
    yield from notes([view for host, view in state.views.items() if host not in state.asking])
    if state.asking:
        yield f"asking {', '.join(sorted(state.asking))} ..."


def _foot(state: State, rows: Sequence[Row], columns: int) -> Line:
    if state.mode is Mode.NAMING and state.under:
        return ((f"new session on {state.under.place.host}: {state.name}_", "bold"),)
    if state.mode is Mode.FILTERING:
        return ((f"/{state.filter}_", "bold"),)
    if state.said:
        return ((state.said, "bold"),)
    at = index_of(rows, state.under)
    place = f"{0 if at is None else at + 1}/{len(rows)}{_GAP}" + (f"/{state.filter}{_GAP}" if state.filter else "")
    told = _HINTS_OF_RUN if state.under and state.under.place.is_run else _HINTS
    hints = next((hint for hint in told if columns_of(place + hint) <= columns), told[-1])
    return ((place, ""), (hints, "dim"))


def _table(rows: Sequence[Row], under: Row | None, columns: int, room: int) -> list[Line]:
    """Return the names of the columns, then rows: as many as there is room for, around the cursor."""
    widths = _widths(rows, columns)
    room = max(1, room - 1) if room > 1 else 1
    at = index_of(rows, under) or 0
    top = max(0, min(at - room // 2, len(rows) - room))
    head = ((_GAP, ""), *((fitted(name, width) + _GAP, "dim") for name, width in widths.items()))
    return [head, *(_line(row, widths, under) for row in rows[top : top + room])]


def _line(row: Row, widths: Mapping[str, int], under: Row | None) -> Line:
    is_under = under is not None and row.place == under.place
    mark, extra = ("> ", "reverse ") if is_under else (_GAP, "")
    cells = ((_clipped(visible(row.cells[name][0]), width), row.cells[name][1]) for name, width in widths.items())
    return ((mark, extra), *((text + _GAP, extra + style) for text, style in cells))


def _widths(rows: Sequence[Row], columns: int) -> dict[str, int]:
    """Return the columns for which there is room, and the width of each."""
    room, widest, found = columns - len(_GAP), max(_NARROWEST, (columns - len(_GAP)) // 3), dict[str, int]()
    for name in COLUMNS:
        longest = max((columns_of(visible(row.cells[name][0])) for row in rows), default=0)
        if not longest and name not in ALWAYS:
            continue
        width = min(max(longest, len(name)), widest - len(_GAP), room)
        if width < min(_NARROWEST, longest):
            break
        found[name] = width
        room -= width + len(_GAP)
    return found


def _clipped(text: str, width: int) -> str:
    """Return `width` columns of a text, which show if the text is longer."""
    return fitted(text, width) if columns_of(text) <= width else fitted(text, max(0, width - 1)) + "~"[:width]


def _cut(line: Line, columns: int) -> Line:
    """Return a line's first columns, its control characters made visible."""
    found, room = list[Cell](), columns
    for text, style in line:
        said = visible(text)
        found.append((fitted(said, min(room, columns_of(said))), style))
        room -= columns_of(found[-1][0])
    return tuple(found)
