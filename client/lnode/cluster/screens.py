"""The end of the screens of panes, as list.sh tells it.

A row about the pane comes first: `%3 c1 a0 t1700000000 TITLE`, with the flags of the cursor and of the other screen,
and the second in which its window said something last. The rows of the screen follow, each behind a bar, or behind `>`
if the cursor is in it. So no text on a screen is taken for anything else.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lnode.cluster.agent_rules import Rules
from lnode.cluster.agents import Agent, AgentState, Screen, agent_of
from lnode.remote.fields import PaneId, epoch


class PaneScreen(NamedTuple):
    """The end of a pane's screen. `active` is when its window said something last, in seconds of the host's clock."""

    pane: PaneId
    active: int | None
    screen: Screen


_HEAD = re.compile(r"(%[0-9]{1,10}) c([01]?) a([01]?) t([0-9]{0,12})(?: (.{0,300}))?", re.DOTALL)
_MOST_PANES = 600  # 100 of each server
_MOST_LINES = 60  # of a pane
_LONGEST = 700  # characters of a line


def parse_screens(lines: Iterable[str]) -> dict[PaneId, PaneScreen]:
    """Read the section `screens`; skip a pane with more or longer lines than list.sh sends."""
    found: dict[PaneId, PaneScreen] = {}
    rows: list[str] | None = None
    for line in lines:
        head = _HEAD.fullmatch(line)
        if head is not None:
            if len(found) >= _MOST_PANES:
                break
            rows, pane = [], PaneId(head[1])
            screen = Screen(head[5] or "", rows, {"1": True, "0": False}.get(head[2]), -1, head[3] == "1")
            found[pane] = PaneScreen(pane, epoch(head[4]), screen)
        elif rows is not None and line[0] in "|>" and len(rows) < _MOST_LINES and len(line) <= _LONGEST:
            if line[0] == ">":
                found[pane] = found[pane]._replace(screen=found[pane].screen._replace(cursor=len(rows)))
            rows.append(line[1:])
        elif rows is not None:
            found.pop(pane, None)
            rows = None
    return found


def agent_in(screens: Sequence[PaneScreen], rules: Sequence[Rules]) -> Agent | None:
    """Return the agent of a session, None if there is none: of several the first that waits, else one that works."""
    found = []
    for pane, active, screen in screens:
        agent = agent_of(screen, rules)
        if agent is not None:
            since = None if agent.state is AgentState.WORKING else active
            found.append(agent._replace(pane=pane, since=since))
    order = list(AgentState)
    return min(found, key=lambda agent: order.index(agent.state), default=None)
