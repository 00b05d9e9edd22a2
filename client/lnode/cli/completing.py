"""The words that could stand in place of the one that you are typing: from the table, and from this laptop's memory."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lnode.cli.words import OPTIONS, VERBS, WORDS, Option, Scope, Verb

# Names of sessions and runs come from a host, and go into your command line: only what means the same in every shell.
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VALUES = {
    "wait_for": ("idle", "bell", "agent"),
    "where": ("login", "node"),
    "completion": ("bash", "zsh", "fish"),
}


class Names(NamedTuple):
    """The names of one host's sessions and runs."""

    sessions: Sequence[str]
    runs: Sequence[str]


class Known(NamedTuple):
    """What this laptop knows; each is asked only if it is of use."""

    hosts: Callable[[], Sequence[str]]
    profiles: Callable[[], Sequence[str]]
    names: Callable[[str], Names]
    pages: Callable[[], Sequence[str]] = tuple


Candidate = tuple[str, str]
"""A word, and its help text, "" for none."""


def candidates(words: Sequence[str], known: Known) -> list[Candidate]:
    """Return what could stand in place of the last of the words behind `lnode`, which may be empty."""
    *before, typed = words or [""]
    found = [one for one in _all(before, typed, known) if one[0].startswith(typed)]
    return list({word: (word, text) for word, text in reversed(found)}.values())[::-1]


def _all(before: Sequence[str], typed: str, known: Known) -> Iterator[Candidate]:
    if "--" in before:
        return
    given, place, open_word = _read(before)
    if open_word:
        yield from _values(open_word, place, known)
    elif typed.startswith("-"):
        yield from _flags(given, place)
    elif given and given[-1].name == "guide":
        yield from _safe(known.pages())
    elif not place:
        yield from _safe(known.hosts())
    elif len(place) == 1:
        yield from _second(given, known.names(place[0]))


def _read(before: Sequence[str]) -> tuple[list[Verb | Option], list[str], Verb | Option | None]:
    """Return the words of the table among those before, the host and session, and the word that wants its value now."""
    by_flag = {flag: word for word in WORDS for flag in word.flags}
    given: list[Verb | Option] = []
    place: list[str] = []
    waiting: Verb | Option | None = None
    for text in before:
        if waiting:
            waiting = None
        elif word := by_flag.get(text):
            given.append(word)
            waiting = word if word.type is not bool and word.metavar[:1] != "[" else None
        elif not text.startswith("-"):
            place.append(text)
    return given, place, waiting


def _values(word: Verb | Option, place: Sequence[str], known: Known) -> Iterator[Candidate]:
    if word.name == "profile":
        yield from _safe(known.profiles())
    elif word.name == "on" and place:
        yield from _safe(known.names(place[0]).sessions)
    else:
        yield from _safe(_VALUES.get(word.name, ()))


def _second(given: Sequence[Verb | Option], names: Names) -> Iterator[Candidate]:
    """Yield the names that fit: runs for --logs, both for --kill, none for a verb that takes no name or a new one."""
    verbs = [word for word in given if isinstance(word, Verb)] or [VERBS["attach"]]
    if verbs[0].name in ("kill", "logs"):
        yield from _safe(names.runs, "run")
    if verbs[0].scope is Scope.SESSION:
        yield from _safe(names.sessions, "session")


def _flags(given: Sequence[Verb | Option], place: Sequence[str]) -> Iterator[Candidate]:
    verbs = [word for word in given if isinstance(word, Verb)]
    chosen = verbs[-1] if verbs else VERBS["attach"]
    words: list[Verb | Option] = []
    if verbs or place:
        words += [option for option in OPTIONS.values() if not option.beside or chosen.name in option.beside]
    if not verbs:
        scopes = (Scope.HOSTS, Scope.LAPTOP) if not place else (Scope.SESSION, Scope.NAMED, Scope.HOST, Scope.HOSTS)
        words += [verb for verb in VERBS.values() if verb.group and verb.scope in scopes]
    for word in words:
        if word not in given:
            yield from ((flag, word.help) for flag in word.flags)
    if not given and not place:
        yield "--help", "all there is"


def _safe(names: Sequence[str], text: str = "") -> Iterator[Candidate]:
    return ((name, text) for name in names if _SAFE.fullmatch(name))
