"""The committed table of the benches: what is worse than it, and what ends a bench with exit 1."""

import argparse
from pathlib import Path

import pytest

import table
from table import Bench, Judged, is_worse

SECONDS = Judged("lnode", 0.25)


@pytest.mark.parametrize(
    ("now", "then", "chance", "worse"),
    [
        (1.25, 1.0, 0.03, False),
        (1.26, 1.0, 0.03, True),
        (0.5, 1.0, 0.03, False),
        (0.05, 0.03, 0.03, False),  # more than a quarter, and less than chance
        (1, 0, 0, True),
        (0, 0, 0, False),
        (None, 1.0, 0.03, True),  # never
        (None, None, 0.03, False),
        (1.0, None, 0.03, False),
    ],
)
def test_what_is_worse(now: float | None, then: float | None, chance: float, worse: bool) -> None:
    assert is_worse(now, then, chance) == worse


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(table, "TABLE", tmp_path / "table.json")
    return tmp_path / "table.json"


def run(name: str, ratio: float, *, write: bool = False) -> None:
    with Bench(name, argparse.Namespace(write=write)) as bench:
        bench.ratio("row", [(ratio, 1.0)])


def test_a_row_that_is_worse_ends_a_bench_and_one_that_is_written_is_the_next_measure(at: Path) -> None:
    run("one", 9.0)
    run("one", 1.0, write=True)
    run("two", 5.0, write=True)
    run("one", 1.2)
    with pytest.raises(SystemExit, match=r"row: 1\.30 in place of 1\.00"):
        run("one", 1.3)
    run("one", 1.3, write=True)
    run("one", 1.3)
    assert {name: bench["rows"]["row"]["ratio"] for name, bench in table.read().items()} == {"one": 1.3, "two": 5.0}


def test_a_row_that_failed_ends_a_bench_also_one_that_writes(at: Path) -> None:
    def fails() -> float:
        raise RuntimeError("no way")

    with pytest.raises(SystemExit, match="row: not measured"), Bench("one", argparse.Namespace(write=True)) as bench:
        bench.compare("row", fails, fails, count=1)
        bench.add("other", {"lnode": 0.5, "mosh": None}, SECONDS)
    assert table.read()["one"]["rows"] == {"other": {"lnode": 0.5, "mosh": None}}
