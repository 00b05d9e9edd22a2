"""What the benches share: pairs of runs, a printed row, and the committed table that no row may be 25 % worse than.

`table.json` has for each bench its rows, the machine's facts and the date, as `--write` left them. Less is better.
A row that is 25 % worse than there is named at the end, and the bench ends with exit 1. A row that the table does not
have is only printed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pexpect

TABLE = Path(__file__).with_name("table.json")
WORSE = 1.25
QUIET = 3.0  # a load above makes all times longer

Took = Callable[[], float]  # does something and returns how long it took, in seconds
Pairs = Sequence[tuple[float, float]]  # of lnode, and of plain ssh right after it


class Judged(NamedTuple):
    """How rows are judged: by which of their numbers, and how much of it is chance."""

    number: str
    chance: float


RATIO = Judged("ratio", 0.03)


class Bench:
    """The rows of one bench. At the end of its block the table is written, or the program ends with exit 1."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self._name = name
        self._writes = bool(arguments.write)
        self._facts = facts()
        self._rows: dict[str, Mapping[str, float | None]] = {}
        self._worse: list[str] = []
        self._known: dict[str, dict[str, float | None]] = read().get(name, {}).get("rows", {})

    def __enter__(self) -> Self:
        print(f"{self._name}: load before {self._facts['load']}", flush=True)
        if float(self._facts["load"]) > QUIET:
            print("the machine is busy: no number here is worth much", flush=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            return
        if self._writes:
            self._write()
        if self._worse:
            sys.exit("\n".join(["worse than the table:", *self._worse]))

    def head(self) -> None:
        """Print what stands above the rows of `compare`."""
        print(f"{'ms: least, median, most':<46}{'lnode':>21}{'plain ssh':>21}{'ratio':>8}{'table':>8}", flush=True)

    def compare(
        self, name: str, lnode: Took, ssh: Took, *, count: int, bound: float | None = None, before: int = 1
    ) -> None:
        """Run both in turn, after a pair that does not count, and add the row."""
        try:
            for _ in range(before):
                lnode(), ssh()
            pairs = [(lnode(), ssh()) for _ in range(count)]
        except (RuntimeError, OSError, pexpect.ExceptionPexpect) as error:
            self.failed(name, error)
        else:
            self.ratio(name, pairs, bound=bound)

    def failed(self, name: str, error: Exception) -> None:
        """Tell of a row that could not be measured, which the bench ends with."""
        print(f"{name:<46}failed: {str(error).partition(chr(10))[0]}", flush=True)
        self._worse.append(f"{name}: not measured")

    def ratio(self, name: str, pairs: Pairs, *, bound: float | None = None) -> None:
        """Add the row of these pairs: the median of their ratios, and both medians."""
        ours, theirs = zip(*pairs, strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        numbers = {"ratio": ratio, "lnode s": statistics.median(ours), "ssh s": statistics.median(theirs)}
        said = self.add(name, numbers)
        known = self._known.get(name, {}).get("ratio")
        table = "-" if known is None else f"{known:.2f}"
        if bound is not None:
            said = f"{said}  bound {bound:.2f}: {verdict(ratio <= bound)}"
        print(f"{name:<46}{spread(ours):>21}{spread(theirs):>21}{ratio:>8.2f}{table:>8}  {said}", flush=True)

    def add(self, name: str, numbers: Mapping[str, float | None], judged: Judged = RATIO) -> str:
        """Add a row, of which one number is judged; return the word for it. None is never, which is worse than all."""
        self._rows[name] = {key: None if value is None else round(value, 3) for key, value in numbers.items()}
        if self._writes or judged.number not in self._known.get(name, {}):
            return "new"
        now, then = numbers[judged.number], self._known[name][judged.number]
        if not is_worse(now, then, judged.chance):
            return "ok"
        self._worse.append(f"{name}: {_number(now)} in place of {_number(then)}")
        return "WORSE"

    def _write(self) -> None:
        """Renew these rows, and leave the others that the bench has."""
        table = read()
        rows = {**table.get(self._name, {}).get("rows", {}), **self._rows}
        table[self._name] = {**self._facts, "rows": rows}
        TABLE.write_text(_text(table), encoding="utf-8")
        print(f"{TABLE.name} has {len(self._rows)} rows of {self._name}")


def is_worse(now: float | None, then: float | None, chance: float) -> bool:
    """True if a number is 25 % worse than another one, and more than chance explains."""
    if now is None or then is None:
        return then is not None
    return now > WORSE * then and now > then + chance


def read() -> dict[str, dict[str, Any]]:
    """Return the committed table: by bench."""
    try:
        table: dict[str, dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return table


def _text(table: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table as JSON, each row on a line of its own."""
    benches = []
    for name, bench in sorted(table.items()):
        values = [f"  {json.dumps(key)}: {json.dumps(bench[key])}" for key in bench if key != "rows"]
        rows = ",\n".join(f"   {json.dumps(key)}: {json.dumps(row)}" for key, row in bench["rows"].items())
        inner = ",\n".join([*values, f'  "rows": {{\n{rows}\n  }}'])
        benches.append(f" {json.dumps(name)}: {{\n{inner}\n }}")
    return "{\n" + ",\n".join(benches) + "\n}\n"


def _number(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f}"


def facts() -> dict[str, str]:
    """Return what tells this measurement from another one: the date, the machine, its programs and its load."""
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.partition(",")[0]
    model = _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    memory_gb = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    kernel = f"{platform.system()} {platform.release()}"
    machine = f"{os.cpu_count()} cores of {model}, {memory_gb} GB, {kernel}, Python {platform.python_version()}, {ssh}"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _first(path: str, key: str) -> str:
    """Return the first value of a key in a file of /proc, "" if there is none."""
    try:
        rows = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((row.partition(":")[2].strip() for row in rows if row.startswith(key)), "")


def spread(took: Sequence[float]) -> str:
    """Least, median, most, in milliseconds."""
    return " ".join(f"{1000 * seconds:6.0f}" for seconds in (min(took), statistics.median(took), max(took)))


def verdict(fine: bool) -> str:
    return "ok" if fine else "MISS"


def parser(doc: str, *, pairs: int) -> argparse.ArgumentParser:
    """Return the words that each bench takes."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--write", action="store_true", help="put these numbers into table.json, and judge nothing")
    found.add_argument(
        "--pairs", metavar="N", type=int, default=pairs, help=f"each row is the median of so many ({pairs})"
    )
    return found
