"""The picker without its terminal: a key, an answer or time -> the next state.

Two rules hold whatever arrives, and whenever:

- Only your keys move the cursor. An answer moves rows, but the cursor stays on its session, also if that is gone.
- An action names the host and the session of the row under the cursor, and does nothing for a session that is gone.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.attach.keys import PASTED
from lnode.cluster.sessions import IN_DOUBT
from lnode.commands.ls.table import Cell, View, news, run_row, session_row

_MOST_ROWS = 200  # of a host: each second all rows are made again, and your keys wait meanwhile
COLUMNS = ("HOST", "SESSION", "STATE", "AGENT", "SEEN", "NODE", "LEFT", "WHY", "ATTACHED", "IDLE", "LOGIN NODE")
ALWAYS = ("HOST", "SESSION", "STATE", "NODE")
MATCHED = (*ALWAYS, "AGENT")
_LAST_LINES = 20  # of a log


class Place(NamedTuple):
    """A session or a run of a host by its name, or the host itself: then `session` is "". A lost one has no tmux."""

    host: str
    session: str = ""
    login_node: str = ""
    is_run: bool = False
    is_lost: bool = False


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
    """A verb for a session or a run, as if you had typed it; the session is None for the host's default."""

    verb: str
    host: str
    session: str | None
    words: Mapping[str, object] = {}


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
    host, session, _, is_run, _ = state.under.place
    if is_run:
        return _chosen_run(state, verb, host, session)
    if state.under.is_gone:
        return state._replace(said=f"{session} on {host} is gone; n starts a new one")
    if session and len(_sessions_named(state.rows, host, session)) > 1:
        return state._replace(said=f"{host} has {session} twice; give one another name: tmux rename-session")
    if not session and verb != "attach":
        return state._replace(said=f"this row of {host} has no session")
    return Choice(verb, host, session or None)


def _sessions_named(rows: Sequence[Row], host: str, name: str) -> list[Row]:
    return [row for row in rows if row.place[:2] == (host, name) and not row.place.is_run]


def _chosen_run(state: State, verb: str, host: str, name: str) -> State | Choice:
    """Return the verb for a run: its log, its end, or --kill, which takes a session of that name if there is one."""
    if verb != "kill":
        return Choice("logs", host, name, {"follows": True} if verb == "attach" else {"lines": _LAST_LINES})
    if _sessions_named(state.rows, host, name):
        return state._replace(said="a session has this name too; --kill would end that one")
    return Choice("kill", host, name)


def _moved(state: State, steps: int) -> State:
    rows = shown(state)
    if not rows:
        return state
    at = index_of(rows, state.under)
    to = 0 if at is None else max(0, min(len(rows) - 1, at + steps))
    return state._replace(under=rows[to])


def _filtered(state: State, text: str) -> State:
    """Return the state with another filter; if it hides the row under the cursor, the cursor goes to the first row."""
    if text == state.filter:
        return state
    found = [row for row in state.rows if _matches(row, text)]
    under = state.under if index_of(found, state.under) is not None else next(iter(found), None)
    return state._replace(filter=text, under=under)


# --- rows


def shown(state: State) -> list[Row]:
    """Return the rows that the filter leaves, and the row under the cursor in any case."""
    rows = [row for row in state.rows if _matches(row, state.filter)]
    under = state.under
    if under is not None and index_of(rows, under) is None:
        at = next((at for at, row in enumerate(rows) if row.place.host >= under.place.host), len(rows))
        rows.insert(at, under)
    return rows


def index_of(rows: Sequence[Row], under: Row | None) -> int | None:
    """Return the number of the row for that place, None if there is none."""
    return next((at for at, row in enumerate(rows) if under and row.place == under.place), None)


def _matches(row: Row, text: str) -> bool:
    said = " ".join(row.cells[name][0] for name in MATCHED).casefold()
    return all(word in said for word in text.casefold().split())


def _with_rows(state: State) -> State:
    rows = tuple(row for view in state.views.values() for row in _rows_of(view, view.host in state.asking))
    return state._replace(rows=rows, under=_again(state, rows))


def _rows_of(view: View, asking: bool) -> list[Row]:
    """Return a row for each session and run of a host, or one for the host."""
    found = {
        Place(view.host, entry.session.name, entry.login_node, is_lost=entry.is_lost): session_row(view, entry)
        for entry in view.entries[:_MOST_ROWS]
    }
    for run in news(view)[:_MOST_ROWS]:
        cells = run_row(view, run)
        found[Place(view.host, run.name, is_run=True)] = {
            **cells,
            "STATE": (f"run, {cells['STATE'][0]}", cells["STATE"][1]),
        }
    if not found:
        word = "asking" if asking else "no sessions" if _is_known(view) else "not known"
        found[Place(view.host)] = _host_row(view.host, word)
    return [Row(place, cells) for place, cells in found.items()]


def _host_row(host: str, word: str) -> dict[str, Cell]:
    return dict.fromkeys(COLUMNS, ("", "")) | {"HOST": (host, ""), "STATE": (word, "dim")}


def _again(state: State, rows: Sequence[Row]) -> Row | None:
    """Return the row under the cursor as it is now: the same session, or else the last that was known of it."""
    under = state.under
    if under is None:
        return None
    same = [row for row in rows if row.place._replace(login_node="") == under.place._replace(login_node="")]
    host, session, _, is_run, _ = under.place
    if found := next((row for row in same if row.place == under.place), None):
        return found
    if same and len(_sessions_named(state.rows, host, session)) <= 1:  # of two, the other one is another session
        return same[0]
    if not session:
        runs_alone = all(row.place.is_run for row in rows if row.place.host == host)
        return Row(under.place, _host_row(host, "has runs" if runs_alone else "has sessions"))
    is_gone = _is_known(state.views[host]) and not is_run
    word = ("gone", "red") if is_gone else ("not known", "magenta")
    return Row(under.place, {**under.cells, "STATE": word}, is_gone)


def _is_known(view: View) -> bool:
    """True if the host has told all of its sessions. Otherwise a session that is not in the view may still exist."""
    answered = all(picture.tmux not in IN_DOUBT for picture in view.pictures)
    is_whole = len(view.entries) <= _MOST_ROWS
    return view.is_fresh and bool(view.pictures) and answered and not view.silent and is_whole
