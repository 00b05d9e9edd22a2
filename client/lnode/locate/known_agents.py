"""The rules for agents: those of agents.toml, with the tables [agents.NAME] of your config.toml over them."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from lnode.cluster.agent_rules import EXPRESSIONS, Rules, check, rules_of
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop.settings import load

if TYPE_CHECKING:
    from lnode.cluster.agents import Agent
    from lnode.cluster.sessions import Picture

_FILE = os.path.join(os.path.dirname(__file__), "agents.toml")


@cache
def known_agents() -> tuple[Rules, ...]:
    """Return the rules of each agent. Raises LnodeError(USAGE) for a table of config.toml that does not fit."""
    import tomllib

    with open(_FILE, "rb") as file:
        tables: dict[str, Mapping[str, object]] = tomllib.load(file)
    settings = load()
    found = {name: rules_of(name, table) for name, table in tables.items()}
    for name, table in settings.agents.items():
        try:
            found[name] = rules_of(name, {**tables.get(name, {}), **table})
            check(found[name])
        except ValueError as error:
            hint = f"keys are name, signs, marks, and the lists {', '.join(EXPRESSIONS)}"
            said = f"{settings.path}: agents.{name}: {error}"
            raise LnodeError(ExitCode.USAGE, said, hint, page=Page.AGENTS) from None
    return tuple(found.values())


def signs() -> tuple[str, ...]:
    """Return the texts by which a host chooses the screens for its answer. Raises LnodeError(USAGE).

    A host is asked as soon as they are known, and a parser of TOML takes 6 ms to load: without tables of yours the rows
    of lnode's own file do.
    """
    if load().agents:
        found = [sign for rules in known_agents() for sign in rules.signs]
    else:
        with open(_FILE, encoding="utf-8") as file:
            found = [sign for row in file if row.startswith("signs = [") for sign in row.split('"')[1::2]]
    return tuple(dict.fromkeys(found))


def patterns() -> str:
    """Return the rules by which a host itself tells the agents that wait. Raises LnodeError(USAGE)."""
    from lnode.cluster.agent_patterns import table_of

    return table_of(known_agents())


def agent_on(rows: Iterable[str]) -> "Agent | None":
    """Return the agent on the screens of one session, as the host has shown them. Raises LnodeError(USAGE)."""
    from lnode.cluster.screens import agent_in, parse_screens

    return agent_in(tuple(parse_screens(rows).values()), known_agents())


def with_agents(picture: "Picture") -> "Picture":
    """Return the picture with the agent of each session, and without the screens. Raises LnodeError(USAGE)."""
    if not any(entry.session.screens for entry in picture.entries):
        return picture
    from lnode.cluster.screens import agent_in  # signs() needs no more than their rules

    rules = known_agents()
    entries = (
        entry._replace(agent=agent_in(entry.session.screens, rules), session=entry.session._replace(screens=()))
        for entry in picture.entries
    )
    return picture._replace(entries=tuple(entries))
