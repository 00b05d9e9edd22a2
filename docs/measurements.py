"""The measured tables of the pages, made from the numbers that the benches left in tests/bench/table.json."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "tests" / "bench" / "table.json"
QUIET = 3.0  # as tests/bench/table.py has it

Row = Mapping[str, float | None]

# The faults of tests/bench/race.py, in its order.
FAULTS = {
    "silence-2": "no packet for 2 s",
    "silence-8": "no packet for 8 s",
    "silence-30": "no packet for 30 s",
    "silence-120": "no packet for 2 min",
    "interface-20": "the interface is down for 20 s",
    "alive-5": "no packet for 30 s, and sshd gives up after 15 s",
    "address-10": "10 s without a network, then another address",
    "asleep-30": "asleep for 30 s, connections forgotten",
    "asleep-alive": "asleep for 30 s, connections alive",
    "reset": "every connection is reset",
    "sshd-3": "sshd is away for 3 s, its connections end",
}
CLIENTS = ("lnode", "ssh 15x3", "ssh 2x2", "autossh", "mosh")
LOST = {"tmux": "windows and history", "shell": "the shell", "job": "the allocation"}
NOTHING = "; nothing comes back"
BACK = (  # as losses.py numbers them
    "",
    "; another attach brings the rest",
    "; `--renew` asks for another one",
    NOTHING,
)


def race() -> str:
    """Return the seconds until a prompt can be used again, for each fault and way to stay."""
    rows = _rows("race")
    parts = [_source("race")]
    for ms in (50, 150):
        names = [(f"{fault} at {ms} ms: seconds", words) for fault, words in FAULTS.items()]
        head = (f"seconds at {ms} ms", *CLIENTS)
        parts += ["", _table(head, ([words, *_cells(rows[name], "never")] for name, words in names if name in rows))]
    return "\n".join(parts)


def lost() -> str:
    """Return the keys, sign-ins, sessions and allocations that each way spent on the faults."""
    rows = _rows("race")
    parts = []
    for what, head in (("keys lost", "keys lost of those typed, one a second"), ("sign-ins", "sign-ins")):
        found = [(words, rows.get(f"{fault} at 50 ms: {what}")) for fault, words in FAULTS.items()]
        parts += [_table((head, *CLIENTS), ([words, *_cells(row, "")] for words, row in found if row)), ""]
    sums = []
    for what in ("sessions lost", "allocations lost"):
        found_rows = [row for name, row in rows.items() if name.endswith(f": {what}")]
        if found_rows:
            sums.append(
                [
                    f"{what}, of {len(found_rows)}",
                    *(_whole(sum(row.get(one) or 0 for row in found_rows)) for one in CLIENTS),
                ]
            )
    return "\n".join([*parts, _table(("in all of them", *CLIENTS), sums)])


def node() -> str:
    """Return the ratios of what goes to a node, at both delays."""
    rows = _rows("node")
    names = dict.fromkeys(name.rpartition(", ")[0] for name in rows)
    cells = ([name, *_of_wire(rows, name, "0 ms"), *_of_wire(rows, name, "50 ms")] for name in names)
    return (
        f"{_source('node')}\n\n{_table(('', 'ratio', 'lnode s', 'ssh s', 'ratio at 50 ms', 'lnode s', 'ssh s'), cells)}"
    )


def verbs() -> str:
    """Return the ratios of all words, cold and warm."""
    rows = _rows("verbs")
    names = dict.fromkeys(name.rpartition(", ")[0] for name in rows)
    cells = ([_word(name), *_of_wire(rows, name, "cold"), *_of_wire(rows, name, "warm")[:2]] for name in names)
    head = ("", "ratio", "lnode s", "ssh s", "ratio when warm", "lnode s")
    return f"{_source('verbs')}\n\n{_table(head, cells)}"


def losses() -> str:
    """Return what each case costs a session, for both places of its tmux."""
    cases: dict[str, list[str]] = {}
    for name, row in _rows("losses").items():
        cases.setdefault(name.rpartition(": ")[0], []).append(_loss(row))
    head = ("what happens", "tmux on the login node", "tmux in a job")
    return f"{_source('losses', timed=False)}\n\n{_table(head, ([case, *cells] for case, cells in cases.items()))}"


def _loss(row: Row) -> str:
    gone = [words for what, words in LOST.items() if row[what]]
    back = int(row["back"] or 0)
    seconds = f" ({_cell(row['seconds'], 'never')} s)" if "seconds" in row and BACK[back] != NOTHING else ""
    return (", ".join(gone) or "nothing") + BACK[back] + seconds


def _of_wire(rows: Mapping[str, Row], name: str, wire: str) -> list[str]:
    row = rows.get(f"{name}, {wire}")
    return _cells(row, "", ("ratio", "lnode s", "ssh s")) if row else ["", "", ""]


def _word(name: str) -> str:
    """Return a word as code, without what the row says beside it."""
    word, comma, rest = name.partition(",")
    return f"`{word}`{comma}{rest}" if word.startswith("-") else name


def _cells(row: Row, never: str, keys: Sequence[str] = CLIENTS) -> list[str]:
    return [_cell(row[key], never) if key in row else "" for key in keys]


def _cell(number: float | None, never: str) -> str:
    return never if number is None else _whole(number) if number == int(number) else f"{number:.2f}"


def _whole(number: float) -> str:
    return f"{number:.0f}"


def _rows(bench: str) -> Mapping[str, Row]:
    rows: Mapping[str, Row] = _all().get(bench, {}).get("rows", {})
    return rows


def _source(bench: str, *, timed: bool = True) -> str:
    """Return the line with date, machine and load."""
    one = _all().get(bench)
    if one is None:
        return "Not measured yet."
    busy = (
        " The machine was busy: all times are too long, and most ratios too high."
        if timed and float(one["load"]) > QUIET
        else ""
    )
    return f"{one['date']}, {one['machine']}; load before: {one['load']}.{busy}"


def _all() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
