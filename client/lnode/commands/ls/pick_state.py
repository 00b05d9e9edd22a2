"""The picker without its terminal: a key, an answer or time -> the next state; a state -> the lines of the screen.

Two rules hold whatever arrives, and whenever:

- Only your keys move the cursor. An answer moves rows, but the cursor stays on its session, also if that is gone.
- An action names the host and the session of the row under the cursor, and does nothing for a session that is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.attach.keys import PASTED
from lnode.cluster.sessions import IN_DOUBT
from lnode.commands.ls.table import Cell, View, notes, session_row
from lnode.text import columns_of, fitted, visible

_MOST_ROWS = 200  # of a host: each second all rows are made again, and your keys wait meanwhile
_COLUMNS = ("HOST", "SESSION", "STATE", "SEEN", "NODE", "LEFT", "WHY", "ATTACHED", "IDLE", "LOGIN NODE")
_MATCHED = ("HOST", "SESSION", "STATE", "NODE")
_NARROWEST = 6  # of a column that is cut at the right margin
_GAP = "  "
_HINTS = (
    "Enter attaches  p peeks  x ends  n new  / filters  q leaves",
    "Enter  p peek  x end  n new  /  q",
    "Enter p x n / q",
)

Line = Sequence[Cell]


class Place(NamedTuple):
    """A session of a host, or the host itself: then `session` is ""."""

    host: str
    session: str = ""
    login_node: str = ""


class Row(NamedTuple):
    """A place, its cells by column, and whether its session certainly is gone."""

    place: Place
    cells: Mapping[str, Cell]
    is_gone: bool = False


class Mode(StrEnum):
    """The meaning of a letter that you type."""

    CHOOSING = "choosing"
    FILTERING = "filtering"
    NAMING = "naming"


class State(NamedTuple):
    """The views of all hosts, those that lnode still asks, the row under the cursor, and the words that you type.

    `rows` are those of all views. `said` answers your last key.
    """

    views: Mapping[str, View]
    asking: frozenset[str]
    rows: tuple[Row, ...] = ()
    under: Row | None = None
    mode: Mode = Mode.CHOOSING
    filter: str = ""
    name: str = ""
    said: str = ""


class Choice(NamedTuple):
    """A verb for a session, as if you had typed it; the session is None for the host's default."""

    verb: str
    host: str
    session: str | None


def begun(views: Sequence[View]) -> State:
    """Return the first state: the last known views of hosts that lnode is going to ask."""
    by_host = {view.host: view for view in sorted(views, key=lambda view: view.host)}
    state = _with_rows(State(by_host, frozenset(by_host)))
    return state._replace(under=next(iter(state.rows), None))


def arrived(state: State, view: View) -> State:
    """Return the state after the answer of a host."""
    return _with_rows(state._replace(views={**state.views, view.host: view}, asking=state.asking - {view.host}))


def older(state: State, by_s: int) -> State:
    """Return the state some seconds later."""
    return _with_rows(
        state._replace(views={host: view._replace(age_s=view.age_s + by_s) for host, view in state.views.items()})
    )


def pressed(state: State, key: bytes) -> State | Choice | None:
    """Return the state after a key, your choice, or None if you leave."""
    state = state._replace(said="")
    if key == PASTED:
        return state._replace(said="a paste does nothing here")
    if key in _LEAVING:
        return None
    if key in _STEPS and state.mode is not Mode.NAMING:
        return _moved(state, _STEPS[key])
    return _BY_MODE[state.mode](state, key)


# --- keys

_ENTER = (b"\r", b"\n")
_ESCAPE = b"\x1b"
_BACKSPACE = (b"\x7f", b"\x08")
_CLEAR = b"\x15"  # Ctrl-u
_LEAVING = (b"\x03", b"\x04")  # Ctrl-c, Ctrl-d
_FAR = 1 << 20
_PAGE = 10
_STEPS = {
    b"\x1b[A": -1, b"\x1bOA": -1, b"\x10": -1, b"\x1b[B": 1, b"\x1bOB": 1, b"\x0e": 1,
    b"\x1b[5~": -_PAGE, b"\x1b[6~": _PAGE, b"\x1b[H": -_FAR, b"\x1bOH": -_FAR, b"\x1b[1~": -_FAR,
    b"\x1b[F": _FAR, b"\x1bOF": _FAR, b"\x1b[4~": _FAR,
}  # fmt: skip
_LETTER_STEPS = {b"k": -1, b"j": 1, b"g": -_FAR, b"G": _FAR}
_VERBS = {b"\r": "attach", b"\n": "attach", b"p": "peek", b"x": "kill"}


def _choosing(state: State, key: bytes) -> State | Choice | None:
    if key in (b"q", b"Q"):
        return None
    if key in _LETTER_STEPS:
        return _moved(state, _LETTER_STEPS[key])
    if key in _VERBS:
        return _chosen(state, _VERBS[key])
    if key == b"/":
        return state._replace(mode=Mode.FILTERING)
    if key == b"n":
        return state._replace(mode=Mode.NAMING, name="") if state.under else state._replace(said=_NOTHING)
    return _filtered(state, "") if key == _ESCAPE else state


def _filtering(state: State, key: bytes) -> State | Choice | None:
    if key in _ENTER:
        return state._replace(mode=Mode.CHOOSING)
    if key == _ESCAPE:
        return _filtered(state._replace(mode=Mode.CHOOSING), "")
    return _filtered(state, _edited(state.filter, key))


def _naming(state: State, key: bytes) -> State | Choice | None:
    if key == _ESCAPE or state.under is None:
        return state._replace(mode=Mode.CHOOSING)
    if key in _ENTER:
        return Choice("attach", state.under.place.host, state.name or None)
    return state._replace(name=_edited(state.name, key))


_BY_MODE = {Mode.CHOOSING: _choosing, Mode.FILTERING: _filtering, Mode.NAMING: _naming}
_NOTHING = "no row is under the cursor"


def _edited(text: str, key: bytes) -> str:
    if key in _BACKSPACE:
        return text[:-1]
    if key == _CLEAR:
        return ""
    typed = key.decode("utf-8", "replace")
    return text + typed if typed.isprintable() else text


def _chosen(state: State, verb: str) -> State | Choice:
    """Return the verb for the row under the cursor."""
    if state.under is None:
        return state._replace(said=_NOTHING)
    host, session, _ = state.under.place
    if state.under.is_gone:
        return state._replace(said=f"{session} on {host} is gone; n starts a new one")
    if not session and verb != "attach":
        return state._replace(said=f"this row of {host} has no session")
    return Choice(verb, host, session or None)


def _moved(state: State, steps: int) -> State:
    rows = shown(state)
    if not rows:
        return state
    at = _index(rows, state.under)
    to = 0 if at is None else max(0, min(len(rows) - 1, at + steps))
    return state._replace(under=rows[to])


def _filtered(state: State, text: str) -> State:
    """Return the state with another filter; if it hides the row under the cursor, the cursor goes to the first row."""
    if text == state.filter:
        return state
    found = [row for row in state.rows if _matches(row, text)]
    under = state.under if _index(found, state.under) is not None else next(iter(found), None)
    return state._replace(filter=text, under=under)


# --- rows


def shown(state: State) -> list[Row]:
    """Return the rows that the filter leaves, and the row under the cursor in any case."""
    rows = [row for row in state.rows if _matches(row, state.filter)]
    under = state.under
    if under is not None and _index(rows, under) is None:
        at = next((at for at, row in enumerate(rows) if row.place.host >= under.place.host), len(rows))
        rows.insert(at, under)
    return rows


def _index(rows: Sequence[Row], under: Row | None) -> int | None:
    return next((at for at, row in enumerate(rows) if under and row.place == under.place), None)


def _matches(row: Row, text: str) -> bool:
    said = " ".join(row.cells[name][0] for name in _MATCHED).casefold()
    return all(word in said for word in text.casefold().split())


def _with_rows(state: State) -> State:
    rows = tuple(row for view in state.views.values() for row in _rows_of(view, view.host in state.asking))
    return state._replace(rows=rows, under=_again(state, rows))


def _rows_of(view: View, asking: bool) -> list[Row]:
    """Return a row for each session of a host, or one for the host."""
    found = {
        Place(view.host, entry.session.name, entry.login_node): session_row(view, entry)
        for entry in view.entries[:_MOST_ROWS]
    }
    if not found:
        word = "asking" if asking else "no sessions" if _is_known(view) else "not known"
        found[Place(view.host)] = _host_row(view.host, word)
    return [Row(place, cells) for place, cells in found.items()]


def _host_row(host: str, word: str) -> dict[str, Cell]:
    return dict.fromkeys(_COLUMNS, ("", "")) | {"HOST": (host, ""), "STATE": (word, "dim")}


def _again(state: State, rows: Sequence[Row]) -> Row | None:
    """Return the row under the cursor as it is now: the same session, or else the last that was known of it."""
    under = state.under
    if under is None:
        return None
    same = [row for row in rows if row.place[:2] == under.place[:2]]
    if same:
        return next((row for row in same if row.place == under.place), same[0])
    host, session, _ = under.place
    if not session:
        return Row(under.place, _host_row(host, "has sessions"))
    is_gone = _is_known(state.views[host])
    word = ("gone", "red") if is_gone else ("not known", "magenta")
    return Row(under.place, {**under.cells, "STATE": word}, is_gone)


def _is_known(view: View) -> bool:
    """True if the host has told all of its sessions. Otherwise a session that is not in the view may still exist."""
    answered = all(picture.tmux not in IN_DOUBT for picture in view.pictures)
    is_whole = len(view.entries) <= _MOST_ROWS
    return view.is_fresh and bool(view.pictures) and answered and not view.silent and is_whole


# --- lines


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
    at = _index(rows, state.under)
    place = f"{0 if at is None else at + 1}/{len(rows)}{_GAP}" + (f"/{state.filter}{_GAP}" if state.filter else "")
    hints = next((hint for hint in _HINTS if columns_of(place + hint) <= columns), _HINTS[-1])
    return ((place, ""), (hints, "dim"))


def _table(rows: Sequence[Row], under: Row | None, columns: int, room: int) -> list[Line]:
    """Return the names of the columns, then rows: as many as there is room for, around the cursor."""
    widths = _widths(rows, columns)
    room = max(1, room - 1) if room > 1 else 1
    at = _index(rows, under) or 0
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
    for name in _COLUMNS:
        longest = max((columns_of(visible(row.cells[name][0])) for row in rows), default=0)
        if not longest and name not in _MATCHED:
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
