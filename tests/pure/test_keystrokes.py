"""A text as words for tmux's send-keys."""

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
        ("ls;", ("tls\\;",)),
        (";", ("t\\;",)),
        ("ls\\;", ("tls\\\\;",)),
        ("a;b", ("ta;b",)),
        ("a\nb", ("ta", "kEnter", "tb")),
        ("a\r\nb", ("ta", "kEnter", "tb")),
        ("\x03", ("kC-c",)),
        ("\x01\x1a\x1d\x1e\x1f", ("kC-a", "kC-z", "kC-]", "kC-^", "kC-_")),
        ("\t\x1b\x7f\x1c", ("kTab", "kEscape", "kBSpace", "kC-\\")),
        ("x" * 4001, ("t" + "x" * 2000, "t" + "x" * 2000, "tx")),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert keystrokes.words(text, enter=False) == words
    assert keystrokes.words(text, enter=True) == (*words, "kEnter")


@given(st.text())
def test_no_word_ends_a_command_and_nothing_is_lost(text: str) -> None:
    words = keystrokes.words(text, enter=False)
    assert not any(word.endswith(";") and not word.endswith("\\;") for word in words)
    typed = "".join(word[1:].removesuffix("\\;") + ";" * word.endswith("\\;") for word in words if word[0] == "t")
    assert typed == "".join(c for c in text if not ("\0" < c < " " or c == "\x7f"))
