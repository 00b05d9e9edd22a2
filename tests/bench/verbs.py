"""Every word that connects, beside plain ssh doing the nearest thing: `python tests/bench/verbs.py`.

Over a wire of 50 ms round trip to a real Slurm. Each word is measured cold, without any connection, and warm, beside an
attach whose silent standby it rides on. Plain ssh is cold both times. Each row is the median of paired runs. Needs
Docker; takes some ten minutes.
"""

import contextlib
import itertools
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import docker

import rig as rigs
import table
from faults import wired
from forwarded import free_port
from lnode.cli.words import VERBS
from rig import Rig, wait_until
from sites import in_a_pipe, with_editor
from table import Bench, Took
from timed import MARK, ended, painted, shown
from window import LNODE as MODULE
from window import Window

ONE_WAY_S = 0.025
LNODE = str(Path(sys.executable).with_name("lnode"))
BOUNDS = {"cold": 1.3, "warm": 0.6}
REQUEST = "sinteractive -m 1000 -t 4:00:00"
ASKS = """while :; do
  clear
  read -r -p "Continue with $((number += 1))? [y/N] " _
done
"""

# Words that connect and have no row, with the reason.
LEFT_OUT = {
    "sign_in": "a person types a secret",
    "close": "it speaks to a socket of the laptop",
    "phone": "the time is that of the site's way to the internet",
}


class Row(NamedTuple):
    """What lnode does, and what plain ssh does for nearly the same."""

    verb: str
    lnode: Took
    ssh: Took
    name: str = ""  # if it is not the verb's flag


def main() -> None:
    """Measure all rows and print them as a table."""
    parser = table.parser(__doc__ or "", pairs=5)
    parser.add_argument("--only", metavar="WORD,...", type=lambda text: text.split(","), default=[])
    chosen = parser.parse_args()
    with Bench("verbs", chosen) as bench, contextlib.closing(docker.from_env(timeout=600)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "slurm")
        with (
            rigs.running(engine, "slurm", image, uuid.uuid4().hex[:12]) as rig,
            with_editor(rig),
            wired(rig, delay_s=ONE_WAY_S),
        ):
            _furnish(rig)
            rows = _rows(rig)
            _check_all_are_there(rows)
            bench.head()
            for heat, laptop in (("cold", contextlib.nullcontext), ("warm", lambda: _attached(rig))):
                with laptop():
                    for row in rows:
                        if not chosen.only or row.verb in chosen.only:
                            name = f"{row.name or VERBS[row.verb].flag}, {heat}"
                            bench.compare(name, row.lnode, row.ssh, count=chosen.pairs, bound=BOUNDS[heat])


def _check_all_are_there(rows: list[Row]) -> None:
    """Raise where a word that connects has neither a row nor a reason."""
    connects = {verb.name for verb in VERBS.values() if verb.connects}
    if missing := connects - {row.verb for row in rows} - LEFT_OUT.keys():
        raise RuntimeError(f"no row for {', '.join(sorted(missing))}")


def _furnish(rig: Rig) -> None:
    """Sessions for all rows: a plain one, one with a job, one in a job, one that asks, and a run."""
    for command in (
        f"cat >/tmp/asks.sh <<'END'\n{ASKS}END",
        f"tmux new-session -d -s plain 'printf {MARK}; exec sleep 36000'",
        "tmux new-session -d -s beside",
        "tmux new-session -d -s frozen 'exec sleep 36000'",
        "tmux new-session -d -s asks 'exec bash /tmp/asks.sh'",
        f"tmux new-session -d -s fit '{REQUEST}; exec cat'",
    ):
        _said(rig, command)
    with Window([*MODULE, "unity", "inside", "--where", "node", "-m", "1000", "-t", "4:00:00"], rig.env()) as window:
        window.wait_for("alice@login1")
        window.press(f"clear; printf {MARK}; exec sleep 36000\r")
        window.wait_without("alice@login1")
        window.leave()
    wait_until(lambda: rig.exec("squeue -h -o %T --me")[1].split() == ["RUNNING"] * 2, "both jobs run")
    for words in (("fit", "--code", "~", "--yes"), ("log", "--run", "--", "seq", "100")):
        done = in_a_pipe(rig, "unity", *words)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr}")


@contextlib.contextmanager
def _attached(rig: Rig) -> Iterator[None]:
    """Beside an attach: lnode's standby is there."""
    with rigs.with_settings(rig, ""), Window([*MODULE, "unity", "beside"], rig.env()) as window:
        window.wait_for("$")
        wait_until(lambda: bool(rig.masters()), "the standby is there")
        yield
        window.leave()
    rig.forget_connections()


def _rows(rig: Rig) -> list[Row]:
    def lnode(*words: str, status: int = 0, before: Callable[[], object] = lambda: None) -> Took:
        return ended(rig, [LNODE, "unity", *words], status=status, before=before)

    def ssh(command: str, *, before: Callable[[], object] = lambda: None) -> Took:
        return ended(rig, ["ssh", "unity", command], before=before)

    numbers = itertools.count()

    def run() -> float:
        return lnode(f"run{next(numbers)}", "--run", "--", "true")()

    def doomed() -> None:
        _said(rig, "tmux new-session -d -s doomed")

    def asked() -> None:
        in_a_pipe(rig, "unity", "asks", "--peek")  # an answer goes only to a question that you have seen

    lists = "tmux list-sessions; squeue --me"
    to_node = ["ssh", "fit.unity.lnode", "true"]
    _, job = rig.exec("squeue -h --me -n inside -o %i")
    by_hand = f"srun --overlap -N1 -n1 --jobid {job.strip()} --pty tmux -L lnode-{job.strip()} attach"
    return [
        Row("attach", painted(rig, [LNODE, "unity", "plain"]),
            painted(rig, ["ssh", "-t", "unity", "tmux new -A -s plain"]), "attach"),
        Row("attach", painted(rig, [LNODE, "unity", "inside"]), painted(rig, ["ssh", "-t", "unity", by_hand]),
            "attach to a session on its node"),
        Row("ls", lnode("--ls"), ssh(lists)),
        Row("when", lnode("--when"), ssh("srun --test-only -t 1:00:00 true; scontrol show reservation")),
        Row("peek", lnode("plain", "--peek"), ssh("tmux capture-pane -p -t plain")),
        Row("wait_for", lnode("plain", "--wait-for", MARK), ssh(f"tmux capture-pane -p -t plain | grep {MARK}")),
        Row("send", lnode("fit", "--send", "true"), ssh("tmux send-keys -t fit true Enter")),
        Row("answer", lnode("asks", "--answer", "y", before=asked), ssh("tmux send-keys -t asks y Enter")),
        Row("renew", lnode("fit", "--renew", status=1), ssh(lists), "--renew, its question"),
        Row("keep", lnode("inside", "--keep", "1 day"), ssh("squeue --me; cat .bashrc")),
        Row("reset", lnode("frozen", "--reset"), ssh("tmux send-keys -R -t frozen")),
        Row("rescue", lnode("--rescue", "4000000", status=1), ssh("ps -p 4000000 || true")),
        Row("kill", lnode("doomed", "--kill", "--yes", before=doomed),
            ssh("tmux kill-session -t doomed", before=doomed)),
        Row("run", run, ssh("nohup true >/dev/null 2>&1 &")),
        Row("exec", lnode("--exec", "--", "true"), ssh("true")),
        Row("exec", lnode("--exec", "--on", "fit", "--", "true"),
            ssh("srun --overlap --jobid $(squeue -h --me -o %i | tail -n 1) true"), "--exec --on"),
        Row("logs", lnode("log", "--logs"), ssh("seq 100")),
        Row("ports", _port(rig, lambda port: [LNODE, "unity", "fit", "-L", f"{port}:22"]),
            _port(rig, lambda port: ["ssh", "-N", "-L", f"{port}:127.0.0.1:22", "unity"]), "-L, until it is open"),
        Row("code", lnode("fit", "--code", "~"),
            ended(rig, [str(rig.folder / "bin" / "code"), "--remote", "ssh-remote+unity", "/"])),
        Row("way", ended(rig, to_node, before=lambda: _forget_ways(rig)), ssh("true"), "ssh NAME.HOST.lnode, first"),
        Row("way", ended(rig, to_node), ssh("true"), "ssh NAME.HOST.lnode, second"),
        Row("setup", shown(rig, [LNODE, "unity", "--setup"], "[y/N]", "n\r", ends=(0, 1)),
            ssh("cat .bashrc .tmux.conf; true"), "--setup, its question"),
        Row("init", shown(rig, [LNODE, "unity", "--init"], "[y/N]", "n\r", ends=(0, 1)),
            ssh("sinfo; tmux -V; command -v sinteractive"), "--init, its question"),
        Row("doctor", lnode("--doctor"), ssh("tmux -V; squeue --version; df .; sinfo")),
    ]  # fmt: skip


def _forget_ways(rig: Rig) -> None:
    shutil.rmtree(rig.home / ".local/state/lnode/ways", ignore_errors=True)


def _port(rig: Rig, argv: Callable[[int], list[str]]) -> Took:
    """From the start of a process until its port leads to the sshd there; then it is ended, which is not counted."""

    def took() -> float:
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            argv(port), env=rig.env(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: rigs.banner(port), "the port is open")
            return time.monotonic() - began
        finally:
            process.terminate()
            process.wait()

    return took


def _said(rig: Rig, command: str) -> None:
    status, said = rig.exec(command)
    if status != 0:
        raise RuntimeError(said)


if __name__ == "__main__":
    main()
