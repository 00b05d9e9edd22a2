"""The state of an agent, from the end of its screen, the place of the cursor and the title."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pyte
import pytest

import agents_draw
import agents_later
import lnode.locate
from agents_draw import Scene
from lnode.cluster.agent_rules import EXPRESSIONS, check, rules_of
from lnode.cluster.agents import MOST_ROWS, Agent, AgentState, Choice, Screen, agent_of

TABLES = tomllib.loads((Path(lnode.locate.__path__[0]) / "agents.toml").read_text(encoding="utf-8"))
RULES = [rules_of(name, table) for name, table in TABLES.items()]


@cache
def shown(scene: Scene, columns: int, rows: int) -> Screen:
    """Draw a scene on a terminal, and read it as list.sh does."""
    screen = pyte.Screen(columns, rows)
    text = scene.draw(columns, rows)
    pyte.Stream(screen).feed(text.replace(agents_draw.ALTERNATE, "\x1b[H\x1b[2J"))
    whole = [row.rstrip() for row in screen.display]
    end = max((at + 1 for at, row in enumerate(whole) if row), default=0)
    if end <= screen.cursor.y <= end + 1 and not screen.cursor.hidden:
        end = screen.cursor.y + 1
    begin, full, wanted = end, 0, 0
    while begin and full < max(MOST_ROWS, wanted):
        begin -= 1
        full += bool(whole[begin])
        number = re.match(r"[^0-9A-Za-z]*(\d\d?)[.)] +\S", whole[begin])
        if number and wanted in (0, 40):
            wanted = full + 3 if number[1] == "1" else 40
    has_cursor = not screen.cursor.hidden
    cursor = screen.cursor.y - begin if has_cursor and begin <= screen.cursor.y < end else -1
    return Screen(scene.title, whole[begin:end], has_cursor, cursor, agents_draw.ALTERNATE in text)


def seen(scene: Scene, columns: int, rows: int) -> Agent | None:
    return agent_of(shown(scene, columns, rows), RULES)


@pytest.mark.parametrize("scene", agents_draw.SCENES, ids=lambda scene: scene.name)
def test_each_scene_is_told_as_it_is(scene: Scene) -> None:
    for columns, rows in agents_draw.SIZES:
        agent = seen(scene, columns, rows)
        assert ((agent.name, agent.state.value) if agent else ("", "")) == (scene.agent, scene.state), columns
        if agent and agent.waits:
            assert scene.question in agent.question, columns
            assert len(agent.choices) == scene.choices or scene.choices == agents_later.ANY, columns


def test_the_corpus_is_large_and_no_quotation_waits() -> None:
    found = [(scene, seen(scene, *size)) for scene in agents_draw.SCENES for size in agents_draw.SIZES]
    assert len(agents_draw.SCENES) >= 60
    for state in (AgentState.WAITS, AgentState.WORKING, AgentState.DONE):
        said = [(scene, agent) for scene, agent in found if agent and agent.state is state]
        true = sum(scene.state == state and scene.agent == agent.name for scene, agent in said)
        wanted = sum(scene.state == state for scene, _ in found)
        precision, recall = true / len(said), true / wanted
        print(f"{state}: precision {precision:.3f}, recall {recall:.3f}, {wanted} screens of {len(found)}")
        assert min(precision, recall) >= 0.98, state
    assert not [scene.name for scene, agent in found if agent and agent.waits and scene.state != agents_draw.WAITS]


@pytest.mark.parametrize("below", ["epoch 3 loss 0.31", "me@login1:~$ ", "❯ ", ":", "3"])
def test_what_stands_below_a_question_ends_it(below: str) -> None:
    for scene in agents_draw.SCENES:
        for size in agents_draw.SIZES[:3:2] if scene.state == agents_draw.WAITS else ():
            seen_first = shown(scene, *size)
            rows = [*seen_first.rows, below]
            for has_cursor, cursor in ((False, -1), (True, len(rows) - 1), (None, -1)):
                agent = agent_of(seen_first._replace(rows=rows, has_cursor=has_cursor, cursor=cursor), RULES)
                assert not (agent and agent.waits), scene.name


@pytest.mark.parametrize("scene", agents_draw.SCENES, ids=lambda scene: scene.name)
def test_a_title_never_makes_it_wait(scene: Scene) -> None:
    before = seen(scene, 80, 24)
    for title in (
        "✋  Action Required (project)",
        "[ ! ] Action Required",
        "✳ waits for you",
        "⠐ Do you want to proceed?",
    ):
        agent = seen(scene._replace(title=title), 80, 24)
        assert bool(agent and agent.waits) == bool(before and before.waits)


def test_a_tmux_that_does_not_know_the_cursor_still_tells_a_dialog() -> None:
    for name in ("claude-bash", "codex-exec", "gemini-exec", "aider-run", "apt"):
        agent = agent_of(shown(agents_draw.BY_NAME[name], 80, 24)._replace(has_cursor=None, cursor=-1), RULES)
        assert agent is not None and agent.waits, name


@pytest.mark.parametrize(
    ("name", "answer", "key"),
    [
        ("claude-bash", "y", "1"), ("claude-bash", "n", "3"), ("claude-bash", "2", "2"), ("claude-bash", "4", None),
        ("codex-exec", "y", "1"), ("codex-exec", "n", "3"), ("gemini-exec", "y", "1"), ("gemini-exec", "n", "3"),
        ("claude-question", "y", None), ("aider-run", "y", "y"), ("aider-run", "1", None), ("apt", "N", "n"),
        ("ssh", "y", "yes"), ("ssh", "No", "no"), ("ssh", "n", "no"), ("aider-typed", "y", None),
        ("claude-mcp-many", "1", None), ("claude-trust-plain", "y", "1"), ("claude-trust-plain", "n", "2"),
    ],
)  # fmt: skip
def test_an_answer_is_a_key_of_a_visible_choice(name: str, answer: str, key: str | None) -> None:
    agent = seen(agents_draw.BY_NAME[name], 80, 24)
    assert agent is not None
    assert agent.key_of(answer) == key


def test_only_one_key_is_an_answer() -> None:
    choices = tuple(Choice(key, "Yes") for key in ("10", "yep", "", "$", "3"))
    agent = Agent("claude", AgentState.WAITS, choices=choices)
    assert [agent.key_of(answer) for answer in ("10", "yep", "", "$", "3", "y")] == [None, None, None, None, "3", "3"]


def test_a_choice_over_several_rows_is_whole() -> None:
    agent = seen(agents_draw.BY_NAME["codex-exec"], 40, 30)
    assert agent is not None
    assert agent.choices[-1] == Choice("3", "No, and tell Codex what to do differently (esc)")


def test_another_question_is_another_dialog_and_another_mark_is_not() -> None:
    first = seen(agents_draw.BY_NAME["claude-edit"], 80, 24)
    other = agents_draw.claude_dialog(
        "Do you want to make this edit to train.py?",
        ("Yes", "Yes, allow all edits during this session (shift+tab)", "No"),
        "Esc to cancel · Tab to amend",
        agents_draw.EDIT,
        2,
    )
    moved = seen(agents_draw.BY_NAME["claude-edit"]._replace(draw=other), 80, 24)
    assert first and moved and first.dialog == moved.dialog
    third = seen(agents_draw.BY_NAME["claude-bash"], 80, 24)
    assert third and third.dialog != first.dialog


def test_each_rule_is_dated_and_each_sign_is_on_a_screen() -> None:
    for name, table in TABLES.items():
        for kind in EXPRESSIONS:
            for rule in table.get(kind, []):
                assert "20" in rule["seen"], (name, kind)
        assert table["signs"], name
    for scene in agents_draw.SCENES:
        if scene.agent:
            signs = next(rules.signs for rules in RULES if rules.name == scene.agent)
            for columns, rows in agents_draw.SIZES:
                seen_rows = shown(scene, columns, rows).rows
                text = "\n".join(seen_rows) + "".join(seen_rows)  # the host finds a wrapped sign, too
                assert any(sign in text for sign in signs), scene.name


def test_all_that_lnode_brings_are_regular_expressions() -> None:
    for rules in RULES:
        check(rules)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"dialog": "x"}, "must be a list of tables"),
        ({"dialog": ["x"]}, "must be a list of tables"),
        ({"prompt": [{"row": "("}]}, "is no regular expression"),
        ({"signs": "x"}, "signs must be"),
        ({"signs": ["a\nb"]}, "signs must be"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_words(table: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check(rules_of("mine", table))


@pytest.mark.parametrize(
    "rows",
    [
        ("> console.table([1])", "┌─────────┬───┐", "│    0    │ 1 │", "└─────────┴───┘", "undefined", ">"),
        ("x", "(base) [me@login1 proj]$ ./x --mode yes/no"),
        ("[me@login1 proj]$ ./x [y/n]",),
    ],
)
def test_a_shell_is_no_agent(rows: tuple[str, ...]) -> None:
    assert agent_of(Screen("", rows, has_cursor=True, cursor=len(rows) - 1), RULES) is None
