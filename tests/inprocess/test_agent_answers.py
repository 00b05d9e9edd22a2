"""Acting on an agent: a text is submitted, an answer goes to the question that was shown, a wait tells a question."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest

import agents_draw
import burst
from agent_host import Host, started
from full import FULL
from lnode.cluster import keystrokes, panes
from lnode.cluster.agents import Agent
from lnode.cluster.screens import agent_in, parse_screens
from lnode.locate.known_agents import known_agents, signs
from lnode.remote import call
from lnode.remote.reply import parse_reply
from rig import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
SIGNS = "\n".join(signs())
TEXTS = {"1": "y", "300": "fix the test " * 23 + "x", "5000": "word " * 1000, "lines": "def f():\n\treturn 1\n\n# done"}


@pytest.fixture
def host() -> Iterator[Host]:
    with started() as made:
        yield made


def submitted(file: Path) -> list[str]:
    return [json.loads(row) for row in file.read_text().splitlines()] if file.exists() else []


def sent_to_a_reader_of_bursts(host: Host, mode: str, text: str, times: int) -> None:
    host.start("agent", sys.executable, burst.__file__, str(host.home / "got"), mode)
    host.drawn("agent")
    for count in range(1, times + 1):
        assert "typed" in host.run("send", "agent", tell=keystrokes.line(text, enter=True))
        wait_until(lambda count=count: len(submitted(host.home / "got")) == count, "it is submitted")
    assert submitted(host.home / "got") == [text] * times


@pytest.mark.parametrize("mode", ["brackets", "keys"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_submitted_to_a_reader_of_bursts(host: Host, mode: str, name: str) -> None:
    sent_to_a_reader_of_bursts(host, mode, TEXTS[name], 1)


@pytest.mark.parametrize(
    ("asked", "got"), [("\\033[?2004h", b"\x1b[200~a\rb\x1b[201~\r"), ("", b"a\rb\r")], ids=["asked", "not asked"]
)
def test_lines_come_in_brackets_where_the_program_has_asked_for_them(host: Host, asked: str, got: bytes) -> None:
    keys = host.home / "keys"
    host.start("agent", "sh", "-c", f"stty raw -echo; printf '{asked}ready'; exec dd bs=1 of={keys} 2>/dev/null")
    host.drawn("agent")
    host.run("send", "agent", tell=keystrokes.line("a\nb", enter=True))
    wait_until(lambda: keys.exists() and keys.read_bytes() == got, "all of it")


@pytest.mark.skipif(not FULL, reason="only slow: LNODE_FULL=1 runs it")
@pytest.mark.parametrize("mode", ["brackets", "keys"])
@pytest.mark.parametrize("name", TEXTS)
def test_fifty_of_fifty_texts_are_submitted(host: Host, mode: str, name: str) -> None:
    sent_to_a_reader_of_bursts(host, mode, TEXTS[name], 50)


# Draws the scenes that it is told, the next one at each key.
STAND_IN = f"""
import os, sys, tty
sys.path.insert(0, {str(Path(agents_draw.__file__).parent)!r})
import agents_draw
tty.setraw(0)
for name in sys.argv[2:]:
    scene = agents_draw.BY_NAME[name]
    os.write(1, f"\\x1b[H\\x1b[2J\\x1b]2;{{scene.title}}\\a{{scene.draw(*os.get_terminal_size())}}".encode())
    with open(sys.argv[1], "ab", buffering=0) as keys:
        keys.write(os.read(0, 1))
with open(sys.argv[1], "ab", buffering=0) as keys:
    while key := os.read(0, 1):
        keys.write(key)
"""


class Answering:
    """answer.sh with pipes to it."""

    def __init__(self, host: Host, name: str) -> None:
        self.nonce = call.nonce()
        line = call.question("answer", self.nonce, "", name, SIGNS)
        self._sh = subprocess.Popen(
            ["sh", "-c", line], env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.reply = self._reply()

    def agent(self) -> Agent | None:
        return agent_in(tuple(parse_screens(self.reply.get("screens", ())).values()), known_agents())

    def _reply(self) -> dict[str, tuple[str, ...]]:
        rows: list[str] = []
        for row in cast("IO[str]", self._sh.stdout):
            rows.append(row.rstrip("\n"))
            if rows[-1] == f"{self.nonce} end":
                break
        return dict(parse_reply(self.nonce, rows))

    def say(self, line: str) -> dict[str, tuple[str, ...]]:
        stdin = cast("IO[str]", self._sh.stdin)
        stdin.write(f"{line}\n")
        stdin.close()
        found = self._reply()
        cast("IO[str]", self._sh.stdout).close()
        assert self._sh.wait(60) == 0
        return found


def asks(host: Host, name: str = "agent") -> Agent:
    found: list[Agent] = []

    def seen() -> bool:
        agent = host.agents()[name]
        found[:] = [agent] if agent and agent.waits else []
        return bool(found)

    wait_until(seen, f"{name} asks")
    return found[0]


def test_an_answer_is_one_key_for_the_pane_that_asks(host: Host) -> None:
    host.start("agent", "cat")
    keys = host.home / "keys"
    host.tmux(
        "new-window", "-d", "-t", "=agent:", sys.executable, "-c", STAND_IN, str(keys), "claude-bash", "claude-thinks"
    )
    agent = asks(host)
    done = Answering(host, "agent").say(f"{agent.pane} {agent.key_of('y')}")
    assert {"typed", "taken"} <= done.keys()
    assert keys.read_bytes() == b"1"


def test_what_a_neighbour_in_its_window_prints_is_no_change(host: Host) -> None:
    keys = host.home / "keys"
    host.start("agent", sys.executable, "-c", STAND_IN, str(keys), "claude-bash", "claude-thinks")
    agent = asks(host)
    ticks = f"while :; do date +%N; date >>{host.home}/ticked; sleep 0.2; done"
    host.tmux("split-window", "-d", "-t", "=agent:", "sh", "-c", ticks)
    answering = Answering(host, "agent")
    now = time.time()
    wait_until(lambda: time.time() > now + 1.5 and (host.home / "ticked").exists(), "it has printed, seconds later")
    done = answering.say(f"{agent.pane} {agent.key_of('y')}")
    assert {"typed", "taken"} <= done.keys()
    assert keys.read_bytes() == b"1"


def test_a_prompt_gets_its_key_and_enter(host: Host) -> None:
    host.start("agent", "sh", "-c", f"printf 'Continue? [y/N] '; read -r x; echo \"$x\" >{host.home}/keys; exec cat")
    agent = asks(host)
    assert agent.enter
    done = Answering(host, "agent").say(f"{agent.pane} y Enter")
    assert "taken" in done
    wait_until(lambda: (host.home / "keys").exists() and (host.home / "keys").read_text() == "y\n", "the answer")


def test_a_prompt_that_wants_a_word_gets_all_of_it(host: Host) -> None:
    keys = host.home / "keys"
    host.start("agent", "sh", "-c", f"printf 'Continue (yes/no)? '; read -r x; echo \"$x\" >{keys}; exec cat")
    agent = asks(host)
    assert "taken" in Answering(host, "agent").say(f"{agent.pane} {agent.key_of('y')} Enter")
    wait_until(lambda: keys.exists() and keys.read_text() == "yes\n", "the answer")


def test_nothing_is_typed_if_the_question_has_changed_since(host: Host) -> None:
    keys = host.home / "keys"
    host.start("agent", sys.executable, "-c", STAND_IN, str(keys), "claude-bash", "claude-edit")
    agent = asks(host)
    answering = Answering(host, "agent")
    host.tmux("send-keys", "-t", "=agent:", "x")
    wait_until(lambda: "train.py" in asks(host).question, "another question")
    done = answering.say(f"{agent.pane} 1")
    assert "changed" in done
    assert "typed" not in done
    assert keys.read_bytes() == b"x"


@pytest.mark.full  # a drawing that a busy machine breaks off for half a second counts as a change
def test_an_answer_after_which_the_screen_is_as_it_was_is_not_taken(host: Host) -> None:
    keys = host.home / "keys"
    host.start("agent", sys.executable, "-c", STAND_IN, str(keys), "claude-bash", "claude-bash")
    agent = asks(host)
    done = Answering(host, "agent").say(f"{agent.pane} 1")
    assert "typed" in done
    assert "taken" not in done


@pytest.mark.parametrize(
    "line", ["", "%0 1; kill-server", "%0 -X", "1", "%0 11", "$0 1", "%0 1 Enter Enter", "%0 yes", "%0 rm Enter"]
)
def test_a_line_of_another_form_types_nothing(host: Host, line: str) -> None:
    keys = host.home / "keys"
    host.start("agent", sys.executable, "-c", STAND_IN, str(keys), "claude-bash", "claude-edit")
    asks(host)
    assert "typed" not in Answering(host, "agent").say(line)
    assert not keys.exists() or keys.read_bytes() == b""


def test_a_wait_for_an_agent_tells_each_change_of_its_screens(host: Host) -> None:
    keys = host.home / "keys"
    host.start("agent", sys.executable, "-c", STAND_IN, str(keys), "claude-thinks", "claude-bash", "claude-done")
    nonce = call.nonce()
    line = call.question("wait", nonce, "", "", *panes.named("agent"), "agent", "", SIGNS)
    waiting = subprocess.Popen(
        ["sh", "-c", line], env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stdin, stdout = cast("IO[str]", waiting.stdin), cast("IO[str]", waiting.stdout)

    def reply() -> dict[str, tuple[str, ...]]:
        rows: list[str] = []
        for row in stdout:
            rows.append(row.rstrip("\n"))
            if rows[-1] == f"{nonce} end":
                break
        return dict(parse_reply(nonce, rows))

    def state() -> str:
        stdin.write("look\n")
        stdin.flush()
        look = panes.parse_look(reply())
        if look is not None:
            agent = agent_in(tuple(parse_screens(look.rows).values()), known_agents())
            states.append(agent.state.value if agent else "")
        return states[-1] if states else ""

    states: list[str] = []
    reply()
    for wanted in ("working", "waits for you", "done"):
        wait_until(lambda wanted=wanted: state() == wanted, wanted)
        host.tmux("send-keys", "-t", "=agent:", "x")
    stdin.close()
    assert waiting.wait(60) == 0
    stdout.close()
