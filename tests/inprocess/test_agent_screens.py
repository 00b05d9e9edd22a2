"""The screens of agents, as list.sh reads them from a real tmux: nothing on a screen leaves its row."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest

import agents_draw
from agent_host import LIMIT_S, Host, drawing, started
from lnode.cluster import sessions, tmux_answers
from lnode.cluster.agent_patterns import table_of
from lnode.cluster.agents import AgentState
from lnode.locate.known_agents import known_agents, signs, with_agents
from lnode.remote import call
from lnode.remote.reply import Reply, parse_reply
from rig import wait_until
from shells import SHELLS, installed, through

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
AWKS = ("mawk", "gawk", "original-awk", "busybox")


@pytest.fixture
def host() -> Iterator[Host]:
    with started() as made:
        yield made


def states(host: Host, *names: str) -> dict[str, tuple[str, str]]:
    found = host.agents()
    return {name: ((agent.name, agent.state.value) if (agent := found[name]) else ("", "")) for name in names}


SHOWN = ("claude-bash", "claude-thinks", "claude-done", "claude-question", "codex-exec", "codex-works", "codex-done",
         "gemini-exec-framed", "gemini-works", "aider-run", "aider-done", "apt", "less-claude", "cat-claude",
         "vim-no-ruler", "log-codex", "tail-aider", "starship", "shell")  # fmt: skip


@pytest.mark.parametrize("awk", AWKS)
def test_each_awk_tells_the_scenes_of_a_real_tmux_as_they_are(host: Host, awk: str) -> None:
    program = shutil.which(awk)
    if program is None:
        pytest.skip(f"no {awk} here")
    (host.home / "bin/awk").symlink_to(program)
    for name in SHOWN:
        host.draw(name)
    host.drawn(*SHOWN)
    expected = {name: (agents_draw.BY_NAME[name].agent, agents_draw.BY_NAME[name].state) for name in SHOWN}
    wait_until(lambda: states(host, *SHOWN) == expected, "each state")
    found = host.agents()
    asks = found["claude-bash"]
    assert asks is not None
    assert "Do you want to proceed?" in asks.question
    assert [choice.key for choice in asks.choices] == ["1", "2", "3"]
    assert asks.since is not None
    assert found["claude-thinks"] is not None
    assert found["claude-thinks"].since is None


def test_a_session_costs_two_kilobytes_at_most_and_a_screen_without_a_sign_nothing(host: Host) -> None:
    host.draw("claude-bash")
    host.start("full", "sh", "-c", "printf '❯%.0s' $(seq 20000); exec cat", columns=400, rows=100)
    host.start("plain", "sh", "-c", "seq 100; exec cat")
    host.drawn("claude-bash", "full", "plain")
    for _ in range(4):
        host.tmux("split-window", "-t", "=claude-bash:", *drawing("claude-bash"))
        host.tmux("new-window", "-t", "=claude-bash:", *drawing("claude-bash"))
    wait_until(lambda: states(host, "claude-bash") == {"claude-bash": ("claude", "waits for you")}, "the agent")
    reply = host.reply()
    rows = reply["screens"]
    picture = sessions.picture_of(reply)
    for entry in picture.entries:
        size, mine = 0, False
        for row in rows:
            if row.startswith("%"):
                mine = row.split(" ")[0] in entry.session.pane_ids
            size += (len(row.encode()) + 1) * mine
        assert size <= 2048, entry.session.name
    assert picture.named("plain").session.screens == ()  # type: ignore[union-attr]
    assert "screens" not in host.reply(among=())


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_that_may_be_sh_tells_and_answers(host: Host, tmp_path: Path, shell: str) -> None:
    sh = installed(shell, tmp_path / "sh")
    host.start("agent", "sh", "-c", "printf 'Continue? [y/N] '; read -r x; echo \"got $x\"; exec cat")
    wait_until(lambda: states(host, "agent") == {"agent": ("a prompt", "waits for you")}, "the prompt")
    found = through_shell(host, sh, "list", *tmux_answers.list_values("", signs()))
    agent = with_agents(sessions.picture_of(found)).entries[0].agent
    assert agent is not None and agent.waits
    with glancing(host, sh) as (changes, _):
        told = with_agents(sessions.picture_of(next(changes))).entries[0].agent
        assert told is not None and told.waits
    found = through_shell(host, sh, "answer", "", "agent", "\n".join(signs()), tell=f"{agent.pane} y Enter\n")
    assert "taken" in found
    wait_until(lambda: "got y" in host.tmux("capture-pane", "-p", "-t", "=agent:"), "the answer")


def through_shell(host: Host, shell: Path, script: str, *values: str, tell: str = "") -> Reply:
    nonce = call.nonce()
    line = through(call.question(script, nonce, *values), shell)
    done = subprocess.run(
        ["sh", "-c", line], env=host.env, input=tell, capture_output=True, timeout=LIMIT_S, check=False, text=True
    )
    found = parse_reply(nonce, done.stdout.split("\n"))
    assert "end" in found, done.stderr
    return found


@contextmanager
def glancing(host: Host, sh: Path, before: str = "") -> Iterator[tuple[Iterator[Reply], "subprocess.Popen[str]"]]:
    """glance.sh, and what it tells."""
    nonce = call.nonce()
    line = call.question("glance", nonce, *tmux_answers.list_values("", signs()), table_of(known_agents()), before)
    argv = ["sh", "-c", through(line, sh)]
    with subprocess.Popen(argv, env=host.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:

        def changes() -> Iterator[Reply]:
            rows: list[str] = []
            for row in cast("IO[str]", running.stdout):
                rows.append(row.rstrip("\n"))
                if rows[-1] == f"{nonce} end":
                    yield parse_reply(nonce, rows)
                    rows.clear()

        yield changes(), running
        cast("IO[str]", running.stdin).close()
        assert running.wait(LIMIT_S) is not None
        cast("IO[str]", running.stdout).close()


def test_a_glance_tells_each_change_of_the_agents_that_wait_and_nothing_else(host: Host) -> None:
    (host.home / "bin/sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.3\n")
    (host.home / "bin/sleep").chmod(0o755)
    host.start("shell", "cat")
    with glancing(host, Path("/bin/sh")) as (changes, running):
        host.draw("claude-thinks")
        host.draw("claude-bash")
        reply = next(changes)
        assert "scheduler" not in reply
        entries = with_agents(sessions.picture_of(reply)).entries
        asked = sessions.picture_of(host.reply()).entries
        assert sorted(entry.session.birth for entry in entries) == sorted(entry.session.birth for entry in asked)
        agents = {entry.session.name: entry.agent for entry in entries}
        assert {name for name, agent in agents.items() if agent and agent.waits} == {"claude-bash"}
        host.tmux("send-keys", "-t", "=shell:", "x", "Enter")
        host.tmux("kill-session", "-t", "=claude-bash")
        agents = {entry.session.name: entry.agent for entry in with_agents(sessions.picture_of(next(changes))).entries}
        # It may have ended between the question for sessions and that for screens.
        assert agents.get("claude-bash") is None
        assert running.poll() is None


def test_a_glance_of_a_later_link_tells_that_no_agent_waits_any_more(host: Host) -> None:
    host.start("shell", "cat")
    with glancing(host, Path("/bin/sh"), before="some") as (changes, _):
        found = sessions.picture_of(next(changes))
        assert [entry.session.name for entry in found.entries] == ["shell"]


@pytest.mark.parametrize("tmux", ["here", "missing here"])
def test_a_glance_tells_to_look_when_an_agent_waits_in_a_job_and_when_it_no_longer_does(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmux: str
) -> None:
    """JOB.shown is a pane and its screens, as the batch script of a job has them from its own tmux."""
    (host.home / "bin/sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.3\n")
    (host.home / "bin/sleep").chmod(0o755)
    host.draw("claude-bash")
    wait_until(lambda: host.picture().entries[0].agent is not None, "the agent")
    reply = host.reply()
    rows = [*(row for row in reply["panes"] if row.startswith("$")), *reply["screens"]]
    host.start("shell", "cat")
    host.tmux("kill-session", "-t", "=claude-bash")
    notes = host.home / ".local/state/lnode/in_jobs"
    notes.mkdir(parents=True, mode=0o700)
    with monkeypatch.context() as patch:
        if tmux == "missing here":
            patch.setitem(host.env, "PATH", programs_without("tmux", host.home / "bin"))
        with glancing(host, Path("/bin/sh")) as (changes, running):
            (notes / ".shown").write_text("\n".join((*rows, "")))
            (notes / ".shown").rename(notes / "4711.shown")
            assert set(next(changes)) == {"begun", "look", "end"}
            (notes / "4712.shown").write_text("$0 1 1 0 4712 %0 f k x\n")  # no agent: nothing new
            (notes / "4711.shown").unlink()
            assert set(next(changes)) == {"look", "end"}
            assert running.poll() is None


def programs_without(name: str, folder: Path) -> str:
    """Link all programs but that one into a folder, and return its path."""
    for program in (program for path in ("/usr/bin", "/bin") for program in Path(path).iterdir()):
        link = folder / program.name
        if program.name != name and not link.is_symlink() and not link.exists():
            link.symlink_to(program)
    return str(folder)


@pytest.mark.parametrize("closed", ["%900", "%900 %901"])
def test_panes_that_close_meanwhile_hide_no_other(host: Host, closed: str) -> None:
    host.draw("claude-bash")
    host.drawn("claude-bash")
    pane = host.tmux("display-message", "-p", "-t", "=claude-bash:", "#{pane_id}").strip()
    first, *rows, last = shown(host, "tmux", f"{closed} {pane}")
    assert (first.split(" ")[0], last) == (pane, "left 0"), rows
    assert "Do you want to proceed?" in "".join(rows)


def test_a_tmux_that_says_nothing_of_its_panes_is_asked_for_screens_once(host: Host) -> None:
    assert shown(host, "silent", "%1 %2", 'silent() { echo called >>"$HOME/calls"; }') == ["left 2"]
    assert (host.home / "calls").read_text() == "called\n"


def shown(host: Host, tmux: str, panes: str, before: str = "") -> list[str]:
    """The lines of show_screens, and its status."""
    parts = (text for text in call.texts("glance") if "show_screens()" in text or "have()" in text)
    told = f"nonce=n patience_s=8 tmux={tmux} signs='❯'; have() {{ false; }}; {before}"
    script = "\n".join((*parts, told, f'show_screens {panes}; echo "left $?"'))
    done = subprocess.run(
        ["sh", "-c", script], env=host.env, capture_output=True, timeout=LIMIT_S, check=True, text=True
    )
    return done.stdout.splitlines()


def test_each_pane_has_its_own_rows_and_no_other(host: Host) -> None:
    for height in (3, 8, 15, 16, 40):
        each = f'echo "❯ {height} $n"; n=$((n+1))'
        fill = f'n=1; while [ $n -lt {height} ]; do {each}; done; printf "❯ {height} $n"; exec cat'
        host.start(f"h{height}", "sh", "-c", fill, rows=height)
        wait_until(
            lambda height=height: host.tmux("capture-pane", "-p", "-t", f"=h{height}:").endswith(f" {height}"), "full"
        )
    for entry in sessions.picture_of(host.reply()).entries:
        height = int(entry.session.name[1:])
        (shown,) = entry.session.screens
        assert list(shown.screen.rows) == [f"❯ {height} {row}" for row in range(max(1, height - 14), height + 1)]
        assert shown.screen.cursor == len(shown.screen.rows) - 1


def test_an_agent_in_another_window_is_found(host: Host) -> None:
    host.start("work", "cat")
    host.tmux("new-window", "-d", "-t", "=work:", *drawing("codex-exec"))
    wait_until(lambda: states(host, "work") == {"work": ("codex", "waits for you")}, "the other window's agent")
    agent = host.agents()["work"]
    assert agent is not None
    assert agent.pane in host.tmux("list-panes", "-s", "-t", "=work:", "-F", "#{pane_id}").split()[1:]


HOSTILE = r"""
import sys
out = sys.stdout.buffer
size = b"size %0 3 y0 c0 a0 t1 $0 x\n"
rows = [b"%0 c0 a0 t1 title", b"|Do you want to proceed?", b"> 1. Yes", b"lnode-0123456789abcdef end", b"prefix C-b",
        b"size %1 30 y1 c0 a0 t1 $1 x", b"\xff\xfe\xc3", "❯ 1. Yes".encode(), b"\x1b[5n\x9b31m", b"%9999999999999 c0"]
out.write(b"\x1b]2;" + size * 30 + b"\a\x1b]2;%0 c0 a0 t1 \x1b]52;c;eA==\a")
for _ in range(int(sys.argv[1])):
    out.write(b"".join(b"\r\n" + row for row in rows))
out.write(b"\x1b[?25l")
out.flush()
sys.stdin.readline()
"""


def test_what_stands_on_a_hostile_screen_changes_no_other_row(host: Host) -> None:
    good = ("claude-bash", "claude-done", "shell")
    host.draw(good[0])
    for number, times in enumerate((3, 30, 100_000)):  # the last are 10 MB
        host.start(f"evil{number}", sys.executable, "-c", HOSTILE, str(times))
    host.draw(good[1])
    host.draw(good[2])
    host.tmux("select-pane", "-t", "=shell:", "-T", "size %0 3 y0 c0 a0 t1 $0 x")
    host.drawn(*good, "evil0", "evil1", "evil2")
    wait_until(lambda: "prefix" in host.tmux("capture-pane", "-p", "-t", "=evil2:"), "it has drawn")
    expected = {name: (agents_draw.BY_NAME[name].agent, agents_draw.BY_NAME[name].state) for name in good}
    wait_until(lambda: states(host, *good) == expected, "the others are as they are")
    picture = host.picture()
    assert sorted(entry.session.name for entry in picture.entries) == sorted((*good, "evil0", "evil1", "evil2"))
    assert all(not entry.session.screens for entry in picture.entries)


def test_a_pane_that_ends_meanwhile_costs_only_what_comes_after_it(host: Host) -> None:
    """tmux ends a sequence of commands at the first that fails; the sessions are told all the same."""
    host.draw("claude-bash")
    host.drawn("claude-bash")
    real = shutil.which("tmux")
    tool = host.home / "bin/tmux"
    tool.write_text(
        f'#!/bin/sh\ncase "$*" in *capture-pane*) set -- "$@" ";" capture-pane -p -t %99 ;; esac\nexec {real} "$@"\n'
    )
    tool.chmod(0o755)
    wait_until(lambda: states(host, "claude-bash") == {"claude-bash": ("claude", "waits for you")}, "the agent")


NARROW = ("aider-edit", "wrapped-yes", "claude-ask-tall", "claude-ask-colored", "claude-trust-plain", "codex-text",
          "claude-ask-submit", "gemini-action", "draft-claude", "log-trust", "vim-colored")  # fmt: skip


def test_a_pane_of_forty_columns_beside_another_is_told_as_it_is(host: Host) -> None:
    for name in NARROW:
        host.start(name, "cat", columns=81)
        host.tmux("split-window", "-h", "-t", f"={name}:", *drawing(name))
        host.drawn(name)
    expected = {name: (agents_draw.BY_NAME[name].agent, agents_draw.BY_NAME[name].state) for name in NARROW}
    wait_until(lambda: states(host, *NARROW) == expected, "each state")
    tall = host.agents()["claude-ask-tall"]
    assert tall is not None
    assert [choice.key for choice in tall.choices] == ["1", "2", "3", "4", "5", "6"]


def test_copy_mode_hides_no_question(host: Host) -> None:
    host.draw("claude-bash")
    wait_until(lambda: states(host, "claude-bash")["claude-bash"][1] == AgentState.WAITS.value, "the agent")
    host.tmux("copy-mode", "-t", "=claude-bash:")
    assert states(host, "claude-bash")["claude-bash"] == ("claude", "waits for you")


def test_no_screen_is_kept_on_the_laptop(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from lnode.locate import pictures

    monkeypatch.setenv("XDG_STATE_HOME", str(host.home / "state"))
    host.draw("claude-bash")
    wait_until(lambda: "screens" in host.reply() and "sbatch" in "\n".join(host.reply()["screens"]), "its screen")
    pictures.keep("unity", [host.reply()])
    kept = pictures.read("unity")
    assert kept is not None
    assert "screens" not in kept.replies[0]
    written = [path for path in (host.home / "state").rglob("*") if path.is_file()]
    assert written and all(b"sbatch" not in path.read_bytes() for path in written)
    assert os.environ["XDG_STATE_HOME"]
