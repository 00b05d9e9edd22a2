"""Replies in their frame, with whatever rc files print around it; remote text made harmless."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.remote.reply import parse_reply
from lnode.text import colours_after, tamed, visible

NONCE = "lnode-0123456789abcdef"

rows = st.text(st.characters(exclude_characters="\n")).filter(lambda row: NONCE not in row)
sections = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1), st.lists(rows.filter(bool), max_size=4), max_size=4
)


def framed(reply: dict[str, list[str]]) -> list[str]:
    """As the scripts print it: an empty line, then the nonce and a name, then the rows."""
    return [line for name, found in reply.items() for line in ("", f"{NONCE} {name}", *found)]


@given(st.lists(rows, max_size=4), sections)
def test_noise_before_the_frame_is_passed_over(noise: list[str], reply: dict[str, list[str]]) -> None:
    assert parse_reply(NONCE, noise + framed(reply)) == {name: tuple(found) for name, found in reply.items()}


@given(sections.filter(lambda reply: "end" not in reply), st.lists(rows, max_size=4))
def test_noise_after_the_frame_lands_in_end(reply: dict[str, list[str]], noise: list[str]) -> None:
    parsed = dict(parse_reply(NONCE, [*framed(reply), "", f"{NONCE} end", *noise]))
    assert parsed.pop("end") == tuple(filter(None, noise))
    assert parsed == {name: tuple(found) for name, found in reply.items()}


@given(st.lists(rows))
def test_an_answer_without_a_frame_is_no_reply(noise: list[str]) -> None:
    assert parse_reply(NONCE, noise) == {}


def test_a_reply_that_was_cut_off_has_no_end() -> None:
    assert parse_reply(NONCE, [f"{NONCE} host", "login1", f"{NONCE} pan"]) == {"host": ("login1",), "pan": ()}


def test_another_nonce_is_only_text() -> None:
    assert parse_reply(NONCE, [f"{NONCE} host", "lnode-ffff end"]) == {"host": ("lnode-ffff end",)}


@given(st.text(st.characters(exclude_categories=())))
@example("\x1b]52;c;ZXZpbA==\x07")  # writes the clipboard
@example("\u202egnp.exe")  # reads backwards
@example("\ud800 \x9b2J")  # a lone surrogate; an 8-bit CSI
def test_visible_text_is_printable_and_stays_so(text: str) -> None:
    shown = visible(text)
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)
    assert visible(shown) == shown
    if text.isprintable():
        assert shown == text


def test_control_characters_are_shown_as_python_spells_them() -> None:
    assert visible("a\x1b[31mb\n\tü") == "a\\x1b[31mb\\n\\tü"


@pytest.mark.parametrize(
    ("said", "shown", "held"),
    [
        ("plain é日\n", "plain é日\n", ""),
        ("\x1b[1;31mred\x1b[0m\x1b[K\r50%\t\b", "\x1b[1;31mred\x1b[0m\x1b[K\r50%\t\b", ""),
        ("\x1b[38:2::1:2:3mx", "\x1b[38:2::1:2:3mx", ""),
        ("\x1b]0;title\a", "\\x1b]0;title\\x07", ""),
        ("\x1b]52;c;aGk=\x1b\\", "\\x1b]52;c;aGk=\\x1b\\", ""),
        ("\x1b[2J\x1b[6n\x1b[?1049h", "\\x1b[2J\\x1b[6n\\x1b[?1049h", ""),
        ("\x9b31m\x00\x7f", "\\x9b31m\\x00\\x7f", ""),
        ("begun \x1b", "begun ", "\x1b"),
        ("begun \x1b[31", "begun ", "\x1b[31"),
        ("\x1b[" + "1" * 80, "\\x1b[" + "1" * 80, ""),
    ],
)
def test_a_log_on_a_terminal_has_colours_and_no_power(said: str, shown: str, held: str) -> None:
    assert tamed(said) == (shown, held)


@given(st.lists(st.text("\x1b[]03;m\n\aé", max_size=6), max_size=6))
def test_how_a_log_is_split_changes_nothing_on_the_terminal(parts: list[str]) -> None:
    shown, held = "", ""
    for part in parts:
        more, held = tamed(held + part)
        shown += more
    whole, left = tamed("".join(parts))
    assert (shown, held) == (whole, left)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", "plain", ""),
        ("", "\x1b[31mred", "\x1b[31m"),
        ("\x1b[31m", "still \x1b[1mred", "\x1b[31m\x1b[1m"),
        ("\x1b[31m\x1b[8m", "\x1b[0mplain", ""),
        ("\x1b[31m", "\x1b[mplain \x1b[38;5;9m", "\x1b[38;5;9m"),
        ("\x1b[31m", "\x1b[K\r\b", "\x1b[31m"),
        ("", "\x1b[1m" * 1000, "\x1b[1m" * 16),
        ("", f"\x1b[{'1' * 1000}m", ""),
    ],
)
def test_the_colours_that_a_log_has_on(before: str, text: str, after: str) -> None:
    assert colours_after(before, text) == after


def test_spaces_of_another_width_are_no_controls() -> None:
    assert visible("1\u202f000\u00a0€\u3000\u200b\u2028") == "1\u202f000\u00a0€\u3000\\u200b\\u2028"
