"""Tables in a pipe: each column is as wide as a terminal shows it."""

from lnode.laptop.tables import in_columns
from lnode.text import columns_of


def test_wide_characters_and_marks_shift_no_column() -> None:
    names = ("plain", "実験", "กี่", "e\u0301te\u0301")
    lines = [*in_columns(("NAME", "NODE"), [[(name, ""), ("node01", "")] for name in names])]
    assert lines[0] == "NAME   NODE"
    assert {columns_of(line.removesuffix("node01")) for line in lines[1:]} == {len("plain  ")}


def test_an_empty_cell_is_a_dash_and_nothing_trails() -> None:
    assert [*in_columns(("A", "B"), [[("", ""), ("", "")]])] == ["A  B", "-  -"]
