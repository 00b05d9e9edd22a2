"""The rules by which an agent is recognized, from the tables of agents.toml and of your config.toml."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """One rule of agents.toml: its regular expressions by their keys, and all its words.

    An expression is compiled when it is first used, and then re has it: all of them together take 12 ms.
    """

    expressions: Mapping[str, str]
    words: Mapping[str, object]

    def finds(self, key: str, text: str) -> bool:
        return key in self.expressions and re.search(self.expressions[key], text, re.IGNORECASE) is not None

    def without(self, key: str, text: str) -> str:
        """Return the text with a blank in place of what the expression finds."""
        return re.sub(self.expressions[key], " ", text, flags=re.IGNORECASE) if key in self.expressions else text


class Rules(NamedTuple):
    """The rules of one agent: kind of rule -> its rules."""

    name: str
    signs: tuple[str, ...]
    marks: str
    of_kind: Mapping[str, Sequence[Rule]]


EXPRESSIONS: Mapping[str, Sequence[str]] = {
    "dialog": ("question", "footer", "last"),
    "menu": ("question", "footer", "last"),
    "text": ("question", "footer"),
    "prompt": ("row",),
    "composer": ("row",),
    "working": ("row", "text"),
    "below": ("text",),
    "title": ("title",),
}
"""Kind of rule -> the keys of it that hold an expression."""


def rules_of(name: str, table: Mapping[str, object]) -> Rules:
    """Return the rules of a table of agents.toml. Raises ValueError in words for a table that does not fit.

    Its expressions are not looked at: see check.
    """
    kinds: dict[str, list[Rule]] = {}
    for kind, keys in EXPRESSIONS.items():
        found = table.get(kind, [])
        if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
            raise ValueError(f"{kind} must be a list of tables: [[agents.{name}.{kind}]]")
        kinds[kind] = [Rule({key: str(rule[key]) for key in keys if key in rule}, rule) for rule in found]
    signs = table.get("signs", [])
    if not isinstance(signs, list) or not all(isinstance(sign, str) and sign.isprintable() for sign in signs):
        raise ValueError("signs must be a list of texts")
    return Rules(str(table.get("name", name)), tuple(filter(None, signs)), str(table.get("marks", "")), kinds)


def check(rules: Rules) -> None:
    """Raise ValueError in words for a text that is no regular expression."""
    for text in (text for of_one in rules.of_kind.values() for rule in of_one for text in rule.expressions.values()):
        try:
            re.compile(text, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"{text!r} is no regular expression: {error}") from None
