"""The rules for agents: the shipped file, and the tables of your config.toml over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lnode.cluster.agents import Agent, AgentState, Screen, agent_of
from lnode.errors import ExitCode, LnodeError
from lnode.locate.known_agents import known_agents, signs


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LNODE_CONFIG", str(tmp_path / "config.toml"))
    known_agents.cache_clear()
    yield tmp_path / "config.toml"
    known_agents.cache_clear()


def seen(*rows: str) -> Agent | None:
    return agent_of(Screen("", rows, True, len(rows) - 1), known_agents())


def test_the_signs_are_those_of_the_rules(config: Path) -> None:
    read = signs()
    assert read == tuple(dict.fromkeys(sign for rules in known_agents() for sign in rules.signs))
    config.write_text("[agents.mine]\nsigns = ['shall I']\n")
    known_agents.cache_clear()
    assert signs() == (*read, "shall I")


def test_a_table_of_yours_adds_an_agent(config: Path) -> None:
    config.write_text(
        "[agents.mine]\nsigns = ['shall I']\n[[agents.mine.prompt]]\nrow = 'shall I go on\\? $'\nkeys = ['j']\n"
    )
    assert seen("shall I go on?") is None
    config.write_text(config.read_text().replace("\\? $", "\\?$"))
    known_agents.cache_clear()
    agent = seen("shall I go on?")
    assert agent is not None
    assert (agent.name, agent.state, agent.key_of("j")) == ("mine", AgentState.WAITS, "j")


def test_a_table_of_yours_replaces_keys_of_a_known_agent(config: Path) -> None:
    config.write_text("[agents.prompt]\nname = 'a question'\n")
    agent = seen("Continue? [y/N]")
    assert agent is not None
    assert agent.name == "a question"
    config.write_text("[agents.prompt]\nprompt = []\n")
    known_agents.cache_clear()
    assert seen("Continue? [y/N]") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[agents.mine]\nsigns = 3\n", "agents.mine: signs must be a list of texts"),
        ("[agents.mine]\nprompt = [{ row = '(' }]\n", "agents.mine: '(' is no regular expression"),
        ("[agents]\nmine = 3\n", "line 2: agents.mine is not a table"),
        ("agents = 3\n", "line 1: agents is not a table"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_name(config: Path, text: str, why: str) -> None:
    config.write_text(text)
    with pytest.raises(LnodeError) as refused:
        known_agents()
    assert why in refused.value.message
    assert refused.value.code is ExitCode.USAGE
