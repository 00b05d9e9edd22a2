"""Messages for your phone from the login node of a real Slurm, attached, detached and over a cut: each once."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

import agents_draw
from faults import wired
from full import FULL
from rig import Rig, wait_until, with_settings
from window import LNODE, Window

LISTENER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode().strip()
        with open(os.path.expanduser("~/heard"), "a") as file:
            file.write(f"{self.headers['Title']}: {text}\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), Handler).serve_forever()
"""
# Draws the scene that the file names, when its name changes.
AGENT = """
was=; stty raw -echo
while :; do
  read -r scene <$HOME/scene && [ "$scene" != "$was" ] && was=$scene && cat $HOME/scenes/$scene
  sleep 0.2
done
"""


@pytest.fixture
def phone(slurm: Rig) -> Iterator[None]:
    """A listener on the login node, `push` in config.toml, and an agent that is started by the request of a session."""
    setup = ["rm -rf $HOME/heard $HOME/scenes $HOME/.local/state/lnode/push; mkdir $HOME/scenes; : >$HOME/heard"]
    for name in ("claude-thinks", "claude-bash", "claude-edit"):
        scene = agents_draw.BY_NAME[name]
        text = f"\x1b]2;{scene.title}\a\x1b[H\x1b[2J{scene.draw(100, 30)}"
        setup.append(put(f"scenes/{name}", text))
    setup += [put("agent.sh", AGENT), put("listener.py", LISTENER), "echo claude-thinks >$HOME/scene"]
    setup.append("setsid python3 $HOME/listener.py </dev/null >/dev/null 2>&1 & echo $! >$HOME/listener.pid")
    status, said = slurm.exec("; ".join(setup))
    assert status == 0, said
    command = "srun --pty -t 62 sh agent.sh"  # the watcher asks once a minute, and is to see it before the hour
    with with_settings(slurm, f'[hosts.unity]\npush = "http://127.0.0.1:8099/topic"\ncommand = "{command}"\n'):
        yield
    slurm.exec("kill $(cat $HOME/listener.pid)")


def put(name: str, text: str) -> str:
    return f"echo {base64.b64encode(text.encode()).decode()} | base64 -d >$HOME/{name}"


def heard(rig: Rig) -> list[str]:
    return [row.removeprefix("lnode unity: ") for row in rig.exec("cat $HOME/heard")[1].splitlines()]


@contextmanager
def held(rig: Rig) -> Iterator[None]:
    """All nodes are down for new jobs."""
    rig.exec("scontrol update nodename=ALL state=drain reason=test", user="root")
    yield
    rig.exec("scontrol update nodename=ALL state=resume", user="root")


def has_left(window: Window) -> bool:
    """Detach, if the terminal is back and takes keys."""
    window.press("\x02d")
    with suppress(AssertionError):
        assert window.exit_status(within_s=5) == 0
        return True
    return False


@pytest.mark.skipif(not FULL, reason="only slow: LNODE_FULL=1 runs it")
def test_each_event_is_told_once_attached_detached_and_over_a_cut(slurm: Rig, phone: None) -> None:
    argv = [*LNODE, "unity", "fit"]
    with wired(slurm) as wire, Window(argv, slurm.env()) as window:
        with held(slurm):
            wait_until(lambda: "PENDING" in slurm.exec("squeue -h -o %T")[1], "the request waits")
            wait_until(
                lambda: "j" in slurm.exec("tmux show-options -gqv @lnode_push_told")[1], "it is seen", within_s=90
            )
        wait_until(lambda: any(" is on " in row for row in heard(slurm)), "the nodes", within_s=120)
        wait_until(lambda: any("ends in 60 min" in row for row in heard(slurm)), "the hour", within_s=240)
        began = time.monotonic()
        slurm.exec("echo claude-bash >$HOME/scene")
        wait_until(lambda: "claude in fit waits for you" in heard(slurm), "attached", within_s=90)
        assert time.monotonic() - began < 75  # 65 s, and what the machine takes
        wire.cut()
        wait_until(lambda: has_left(window), "it is back, and detached", within_s=90)
    slurm.exec("echo claude-edit >$HOME/scene")
    began = time.monotonic()
    wait_until(lambda: heard(slurm).count("claude in fit waits for you") == 2, "detached", within_s=90)
    assert time.monotonic() - began < 75
    assert len(heard(slurm)) == 4
    slurm.exec("tmux kill-server")
    wait_until(lambda: "lnode-push" not in slurm.exec("ps -u alice -o args=")[1], "the watcher's end", within_s=60)


@pytest.mark.skipif(not FULL, reason="only slow: LNODE_FULL=1 runs it")
def test_a_session_on_its_node_says_that_no_message_comes(slurm: Rig) -> None:
    argv = [*LNODE, "unity", "x", "--where", "node", "-m", "1000", "-t", "1:00:00"]
    with (
        with_settings(slurm, '[hosts.unity]\npush = "http://127.0.0.1:8099/topic"\n'),
        Window(argv, slurm.env()) as window,
    ):
        window.wait_for("push is set, but this session is on its node: your phone gets no message about it")
        window.leave()
    slurm.exec("scancel -u alice")
