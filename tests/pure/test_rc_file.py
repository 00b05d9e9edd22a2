"""lnode's block in somebody's file."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.commands.setup.rc_file import difference, with_block, without_block

LINES = "livenode() {\n  :\n}"
files = st.one_of(
    st.none(), st.binary(max_size=60), st.lists(st.sampled_from([b"", b"a", b"# >>> lnode"])).map(b"\n".join)
)


@given(files)
def test_taken_out_it_leaves_the_very_same_bytes(before: bytes | None) -> None:
    assert without_block(with_block(before, LINES)) == before


@given(files)
def test_twice_is_once(before: bytes | None) -> None:
    once = with_block(before, LINES)
    assert with_block(once, LINES) == once


@given(files)
def test_other_lines_take_the_place_of_the_old_ones(before: bytes | None) -> None:
    assert with_block(with_block(before, "old"), LINES) == with_block(before, LINES)


@given(files)
def test_what_has_no_block_stays(before: bytes | None) -> None:
    assert without_block(before) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"a\n", b"a\nb\n"), (b"a", b"a\nb\n"), (None, b"b\n"), (b"", b"b\n"), (b"\n", b"\nb\n"), (b"a\n\n", b"a\n\nb\n")],
)
def test_what_the_user_has_added_below_stays(before: bytes | None, after: bytes) -> None:
    assert without_block(with_block(before, LINES) + b"b\n") == after


def test_what_it_looks_like() -> None:
    assert (
        with_block(b"alias ll='ls -l'\n", LINES).decode()
        == """\
alias ll='ls -l'
# >>> lnode >>> added by: lnode HOST --setup; taken out by: lnode HOST --setup --undo
livenode() {
  :
}
# <<< lnode <<<
"""
    )


@given(files, st.booleans())
def test_a_change_is_shown_as_diff_shows_it(before: bytes | None, undo: bool) -> None:
    after = with_block(before, LINES)
    before, after = (after, before) if undo else (before, after)
    old, new = ((text or b"").decode(errors="backslashreplace").splitlines() for text in (before, after))
    shown = list(difflib.unified_diff(old, new, "rc", "rc", lineterm=""))
    assert difference(before, after, "rc") == shown


def test_nothing_to_show_of_what_stays() -> None:
    assert difference(b"a\nb", b"a\nb", "rc") == []


def test_lines_of_yours_behind_a_block_that_has_lost_its_end_stay() -> None:
    broken = with_block(b"alias a=1\n", "f() { :; }").replace(b"# <<< lnode <<<\n", b"") + b"export MINE=1\n"
    again = with_block(broken, "f() { :; }")
    assert again.startswith(broken)
    assert with_block(again, "g() { :; }").startswith(broken)
    assert without_block(again) == broken
