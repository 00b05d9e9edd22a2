"""The rules by which an agent is recognized, from the tables of agents.toml and of your config.toml."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """One rule of agents.toml, its expressions compiled by their keys."""

    patterns: Mapping[str, re.Pattern[str]]
    words: Mapping[str, object]

    def finds(self, key: str, text: str) -> bool:
        return key in self.patterns and self.patterns[key].search(text) is not None


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
    """Return the rules of a table of agents.toml. Raises ValueError in words for a table that does not fit."""
    kinds: dict[str, list[Rule]] = {}
    for kind, keys in EXPRESSIONS.items():
        found = table.get(kind, [])
        if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
            raise ValueError(f"{kind} must be a list of tables: [[agents.{name}.{kind}]]")
        kinds[kind] = [Rule({key: _compiled(rule[key]) for key in keys if key in rule}, rule) for rule in found]
    signs = table.get("signs", [])
    if not isinstance(signs, list) or not all(isinstance(sign, str) and sign.isprintable() for sign in signs):
        raise ValueError("signs must be a list of texts")
    return Rules(str(table.get("name", name)), tuple(filter(None, signs)), str(table.get("marks", "")), kinds)


def _compiled(text: object) -> re.Pattern[str]:
    try:
        return re.compile(str(text), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
