"""A text as words that are typed into a pane."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster import keystrokes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("make -j8", ("tmake -j8",)),
        ("-l -- #{q}", ("t-l -- #{q}",)),
        ("Enter", ("tEnter",)),
        ("ls;", ("tls;",)),
        ("a;b", ("ta;b",)),
        ("a\nb", ("ta\nb",)),
        ("a\r\nb", ("ta\nb",)),
        ("a\n\n\tb\n", ("ta\n\n\tb", "kEnter")),
        ("a\tb\n", ("ta", "kTab", "tb", "kEnter")),
        ("\n", ("kEnter",)),
        ("\n\na\n\x03b\n", ("kEnter", "kEnter", "ta", "kEnter", "kC-c", "tb", "kEnter")),
        ("\x03", ("kC-c",)),
        ("\x01\x1a\x1d\x1e\x1f", ("kC-a", "kC-z", "kC-]", "kC-^", "kC-_")),
        ("\t\x1b\x7f\x1c", ("kTab", "kEscape", "kBSpace", "kC-\\")),
        ("x" * 4001, ("t" + "x" * 4001,)),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert keystrokes.words(text, enter=False) == words
    assert keystrokes.words(text, enter=True) == (*words, "kEnter")


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    words = keystrokes.words(text, enter=False)
    typed = "".join(word[1:] for word in words if word[0] == "t")
    plain = re.sub(r"[\x01-\x1f\x7f]", "", typed)
    assert plain == "".join(c for c in text if not ("\0" < c < " " or c == "\x7f"))
    assert typed.count("\n") + words.count("kEnter") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_line_that_carries_them_has_no_byte_that_a_shell_reads_in_its_own_way(text: str) -> None:
    assert re.fullmatch(r"(t[A-Za-z0-9+/=]+|k[A-Za-z0-9@^_\]\\-]+| )*", keystrokes.line(text, enter=True))
