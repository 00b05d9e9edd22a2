"""The agents of a host that wait, and who is told of them."""

import pytest

from lnode.attach.waits import heading, untold, waits_of
from lnode.cluster.agents import Agent, AgentState
from lnode.cluster.sessions import Entry, Picture, State
from lnode.cluster.tmux_answers import Session

NOW = 1_800_000_000
ASKS = Agent("claude", AgentState.WAITS, "Do you want to proceed?", dialog="run sbatch")
WORKS = Agent("codex", AgentState.WORKING)


def entry(name: str, agent: Agent | None = ASKS, *, attached: int = 0, active: int = NOW - 500) -> Entry:
    session = Session(f"${len(name)}", name, NOW - 900, active, attached, (1,), "login")  # type: ignore[arg-type]
    return Entry(session, State.SHELL, None, "login1", agent=agent)


def picture(*entries: Entry) -> Picture:
    return Picture("login1", entries, "ok", "ok", NOW)


def test_only_who_waits_is_told_and_once() -> None:
    waits = waits_of(picture(entry("fit"), entry("work", WORKS), entry("shell", None)))
    assert [wait.text for wait in waits] == ["claude in fit waits: Do you want to proceed?"]
    assert untold(waits, ()) == list(waits)
    assert untold(waits, {wait.key for wait in waits}) == []
    other = waits_of(picture(entry("fit", ASKS._replace(dialog="run scancel"))))
    assert untold(other, {wait.key for wait in waits}) == list(other)


@pytest.mark.parametrize(
    ("attached", "active", "told"), [(0, NOW, True), (1, NOW - 5, False), (1, NOW - 300, True), (2, NOW - 60, False)]
)
def test_you_are_not_told_while_you_look_at_it(attached: int, active: int, told: bool) -> None:
    waits = waits_of(picture(entry("fit", attached=attached, active=active)))
    assert bool(untold(waits, ())) == told


def test_the_title_names_other_sessions_only() -> None:
    waits = waits_of(picture(entry("fit"), entry("main"), entry("third"), entry("fourth")))
    own = waits[2].session
    assert heading("main: c0512", "main", waits[:1], own) == "claude in fit waits - main: c0512"
    assert heading("", "main", waits[:1], own) == "claude in fit waits - main"
    assert heading("", "main", (), own) == ""
    assert heading("main: c1", "main", [wait for wait in waits if wait.name == "main"], own) == "main: c1"
    assert heading("t", "main", waits, own) == "claude in fit waits, claude in fourth waits, 1 more wait - t"
