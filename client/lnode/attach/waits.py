"""The agents of a host that wait for you, and who is told: the words of an attach about other sessions than its own.

A wait begins when a dialog is first seen and ends when it is no longer there; you are told once. You are not told
while you look at that session: somebody is attached to it, and has pressed a key in the last minute.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from lnode.cluster.sessions import Entry, Picture
from lnode.cluster.tmux_answers import Birth

_LOOKS_S = 60
_MOST_NAMED = 2


class Wait(NamedTuple):
    """An agent that waits for you in a session. `looks`: you look at that session."""

    session: Birth
    name: str
    agent: str
    question: str
    dialog: str
    looks: bool

    @property
    def key(self) -> "Key":
        return self.session, self.dialog

    @property
    def text(self) -> str:
        """Return the words of a notice."""
        return f"{self.agent} in {self.name} waits: {self.question}"


Key = tuple[Birth, str]
"""A wait: its session and its dialog."""


def waits_of(picture: Picture) -> tuple[Wait, ...]:
    """Return the agents that wait for you, by the names of their sessions."""
    found = [
        Wait(entry.session.birth, entry.session.name, entry.agent.name, entry.agent.question, entry.agent.dialog,
             _looks(entry, picture.now))
        for entry in picture.entries
        if entry.agent and entry.agent.waits
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda wait: wait.name))


def _looks(entry: Entry, now: int | None) -> bool:
    session = entry.session
    return session.attached > 0 and now is not None and now - session.active <= _LOOKS_S


def untold(waits: Sequence[Wait], told: Container[Key]) -> list[Wait]:
    """Return the waits to tell."""
    return [wait for wait in waits if wait.key not in told and not wait.looks]


def heading(title: str, name: str, waits: Sequence[Wait], own: Birth) -> str:
    """Return the title of a session's terminal with the agents that wait in other sessions of the host."""
    others = [f"{wait.agent} in {wait.name} waits" for wait in waits if wait.session != own]
    if not others:
        return title
    more = f", {len(others) - _MOST_NAMED} more wait" if len(others) > _MOST_NAMED else ""
    return f"{', '.join(others[:_MOST_NAMED])}{more} - {title or name}"
