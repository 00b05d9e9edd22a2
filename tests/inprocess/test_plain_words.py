"""The words of messages and help are those of CONTRIBUTING.md, How we write."""

import re
from pathlib import Path

import pytest

import plain_words

NOT_OURS = re.compile(
    r"\b(somebody|nobody|anybody|whoever|mends?|mended|anew|cannot be had|takes no(thing)?|no more|any more|"
    r"of one's own|one's own)\b",
    re.IGNORECASE,
)
OF_SSH = "no more authentication methods"  # ssh's own words, which lnode reads


@pytest.mark.parametrize("source", plain_words.SOURCES, ids=lambda source: f"{source.parent.name}/{source.name}")
def test_a_text_for_users_has_plain_words(source: Path) -> None:
    found = [f"line {line}: {text}" for line, text in plain_words.shown(source) if NOT_OURS.search(text)]
    assert not [one for one in found if OF_SSH not in one]


@pytest.mark.parametrize("source", plain_words.SOURCES, ids=lambda source: f"{source.parent.name}/{source.name}")
def test_no_docstring_begins_with_a_question(source: Path) -> None:
    assert not [*plain_words.questions(source)]


@pytest.mark.parametrize("page", plain_words.PAGES, ids=lambda page: page.name)
def test_a_page_has_plain_words(page: Path) -> None:
    assert not NOT_OURS.findall(page.read_text(encoding="utf-8"))


def test_a_text_in_a_call_and_in_a_table_is_seen_and_a_docstring_is_not(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text('"""Mend it."""\nsay(f"mend it: {how}")\nTABLE = {1: "nobody is here"}\n')
    assert {text for _, text in plain_words.shown(source)} == {"nobody is here", "mend it: "}


def test_a_docstring_that_begins_with_a_question_is_seen_and_a_later_question_is_not(tmp_path: Path) -> None:
    source = tmp_path / "x.py"
    source.write_text('"""Does it run?"""\ndef f():\n    """Return it.\n\n    Is that a question?\n    """\n')
    assert [*plain_words.questions(source)] == ["Does it run?"]
