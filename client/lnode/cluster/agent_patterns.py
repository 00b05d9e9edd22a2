"""The rules by which an agent waits as POSIX expressions: remote/parts/waits.sh gives them to awk on the host.

awk reads bytes, and not each awk knows `{1,8}`. So a bound becomes `*` or `+`, a range of characters that are not ASCII
becomes any such characters, and text is compared in lower case. The expressions find all that those of agents.toml
find, and rarely more. A rule with another construct (a lookahead, a reference) is left out: only the laptop knows it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from lnode.cluster.agent_rules import Rule, Rules

_CLASSES = {"w": "a-z0-9_", "d": "0-9", "s": " \t"}
_REST = {"S": "[^ \t]", "W": "[^a-z0-9_]", "D": "[^0-9]"}
_BOUND = re.compile(r"\{(\d+)(,?)(\d*)\}\??")
_SET = re.compile(r"\[(\^?)((?:\\.|\]|)(?:\\.|[^\]\\])*)\]")


def posix(pattern: str) -> str:
    """Return the expression in POSIX's extended syntax. Raises ValueError if it has a construct without an equal."""
    found, at = "", 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        found += piece
    return found


def _piece(pattern: str, at: int) -> tuple[str, int]:
    """Return the next piece of the expression, translated, and the place behind it."""
    character = pattern[at]
    if character == "\\":
        return _escaped(pattern, at + 1), at + 2
    if bound := _BOUND.match(pattern, at):
        return _bound(*bound.groups()), bound.end()
    if group := _SET.match(pattern, at):
        found = _set(group[1] == "^", group[2])
        return (_of_bytes(found, pattern[group.end() :]) if group[1] else found), group.end()
    if pattern.startswith("(?:", at):
        return "(", at + 3
    if character in "*+?":
        return character, at + 1 + pattern.startswith("?", at + 1)  # a lazy one finds the same
    if pattern.startswith("(?", at):
        raise ValueError(pattern)
    return _single(character, pattern[at + 1 : at + 2]), at + 1


def _single(character: str, after: str) -> str:
    if character == ".":
        return "." if after in ("*", "+", "{") else "..?.?"
    return character if character in "()|^$" else _literal(character)


def _of_bytes(rest: str, behind: str) -> str:
    """Return a set of all other characters, one of which may be several bytes."""
    return rest if behind[:1] in ("*", "+") else f"({rest}|[^ -~]+)"


def _escaped(pattern: str, at: int) -> str:
    character = pattern[at]
    if character in _CLASSES:
        return f"[{_CLASSES[character]}]"
    if character in _REST:
        return _of_bytes(_REST[character], pattern[at + 1 :])
    if character == "b":
        return "(^|[^a-z0-9_])" if re.match(r"[\w(\[\\]", pattern[at + 1 :]) else "([^a-z0-9_]|$)"
    if character.isalnum() or character == "\\":
        raise ValueError(pattern)
    return _literal(character)


def _literal(character: str) -> str:
    if not character.isascii():
        return f"({character})"
    if character.isalnum() or character in " _-/'\"!#%&,:;<=>@`~":
        return character.lower()
    return "." if character == "^" else f"[{character}]"


def _bound(least: str, comma: str, most: str) -> str:
    if int(least):
        return "+" if comma or int(least) > 1 else ""
    return "?" if most == "1" else "*"


def _set(is_rest: bool, inside: str) -> str:
    """Return a set of characters; those that are not ASCII stand beside it."""
    plain, others, at = "", [], 0
    while at < len(inside):
        character = inside[at]
        if character == "\\":
            at += 1
            plain += _CLASSES.get(inside[at], inside[at])
        elif character.isascii():
            plain += character.lower()
        elif inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            others.append("[^ -~]+")
            at += 2
        else:
            others.append(character)
        at += 1
    plain = _in_order(plain)
    if is_rest:
        return f"[^{plain}]" if plain else "."
    return f"({'|'.join([*([f'[{plain}]'] if plain else []), *others])})" if others else f"[{plain}]"


def _in_order(plain: str) -> str:
    """Return the characters of a set in the order that POSIX wants: `]` first, `^` and `-` last."""
    rest = re.sub(r"(?<!.)-|-$|[\]^]", "", plain)
    dash = "-" if re.search(r"^-|-$", plain) else ""
    return f"{']' if ']' in plain else ''}{rest}{'^' if '^' in plain else ''}{dash}"


def table_of(all_rules: Sequence[Rules]) -> str:
    """Return the rules as lines for waits.sh: a letter, and a text or an expression."""
    return "\n".join(line for rules in all_rules for line in _lines(rules))


def _lines(rules: Rules) -> Iterator[str]:
    yield f"A {rules.name}"
    yield from (f"M {mark}" for mark in rules.marks)
    yield from (f"B {text}" for rule in rules.of_kind["below"] if (text := _of(rule, "text")))
    yield from (f"P {row}" for rule in rules.of_kind["prompt"] if (row := _of(rule, "row")))
    for rule in rules.of_kind["dialog"]:
        ends = {"F": _of(rule, "footer"), "L": _of(rule, "last")}
        if any(ends.values()):
            yield from _asking("Q", rule, ends)
    for rule in rules.of_kind["menu"]:
        ends = {"F": _of(rule, "footer"), "L": _of(rule, "last")}
        if any(ends.values()) or not rule.expressions.keys() & {"footer", "last"}:
            yield from _asking("U", rule, ends)
    for rule in rules.of_kind["text"]:
        if footer := _of(rule, "footer"):
            yield from _asking("T", rule, {"F": footer})


def _asking(letter: str, rule: Rule, ends: Mapping[str, str]) -> Iterator[str]:
    if question := _of(rule, "question"):
        yield f"{letter} {question}"
        yield from (f"{end} {text}" for end, text in ends.items() if text)


def _of(rule: Rule, key: str) -> str:
    """Return an expression of the rule, "" if it has none or if that has no equal."""
    try:
        return posix(rule.expressions[key]) if key in rule.expressions else ""
    except ValueError:
        return ""
