"""The rules of agents as POSIX expressions: they find what those of agents.toml find."""

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster.agent_patterns import posix, table_of
from lnode.cluster.agent_rules import rules_of
from lnode.locate.known_agents import known_agents


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"do you want to |proceed\?", "do you want to |proceed[?]"),
        (r"esc to \w{1,8}(?: · x)?", "esc to [a-z0-9_]+( (·) x)?"),
        (r"^no\b|\bA+?", "^no([^a-z0-9_]|$)|(^|[^a-z0-9_])a+"),
        (r"[\w.-]{0,40}[⠀-⣿][^│\s]", "[a-z0-9_.-]*([^ -~]+)([^ \t]|[^ -~]+)"),
        (r"[☐x]\S.{2}don.t", "([x]|☐)([^ \t]|[^ -~]+).+don..?.?t"),
        (r"\S+,[^x]*", "[^ \t]+,[^x]*"),
        (r"\^\d{1}\{\(", ".[0-9][{][(]"),
        (r"[]^-]", "[]^-]"),
    ],
)
def test_an_expression_in_the_syntax_of_awk(pattern: str, expected: str) -> None:
    assert posix(pattern) == expected
    re.compile(expected)


@pytest.mark.parametrize("pattern", [r"(?!x)y", r"(?<=a)b", r"(a)\1", r"\A", r"\\"])
def test_a_construct_without_an_equal_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        posix(pattern)


def test_a_rule_without_an_equal_is_left_out() -> None:
    table = {
        "prompt": [{"row": r"(?!x)y"}, {"row": "z"}],
        "dialog": [{"question": "q", "footer": r"(?=x)", "last": "l"}],
    }
    assert table_of([rules_of("mine", table)]).splitlines() == ["A mine", "P z", "Q q", "L l"]


def test_all_known_rules_by_which_an_agent_waits_have_an_equal() -> None:
    lines = table_of(known_agents()).splitlines()
    rules = known_agents()
    for letter, kind in (("Q", "dialog"), ("P", "prompt"), ("B", "below")):
        wanted = sum(len(one.of_kind[kind]) for one in rules)
        assert sum(line.startswith(f"{letter} ") for line in lines) == wanted, kind


def test_one_character_may_be_several_bytes() -> None:
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # `[[]` is a set with a bracket
        assert re.fullmatch(posix(r"\[y(?:,\S){1,12}\]").encode(), "[y,n,¡]".encode())


@given(st.data())
def test_it_finds_all_that_the_expression_finds(data: st.DataObject) -> None:
    """In bytes and lower case, as awk reads it."""
    patterns = [p for rules in known_agents() for kind in ("dialog", "below", "prompt") for rule in rules.of_kind[kind]
                for p in rule.expressions.values()]  # fmt: skip
    pattern = data.draw(st.sampled_from(patterns))
    text = data.draw(st.from_regex(re.compile(pattern, re.IGNORECASE | re.ASCII)))
    if not text.isprintable():
        return
    lowered = "".join(c.lower() if c.isascii() else c for c in text).encode()
    as_bytes = posix(pattern).encode()
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # `[[]` is a set with a bracket
        found = re.search(as_bytes.replace(b"[^ -~]", rb"[^\x20-\x7e]"), lowered)
    assert found or not re.search(pattern, text, re.IGNORECASE)
