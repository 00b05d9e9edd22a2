"""What is lost when something ends below a session, and what comes back: `python tests/bench/losses.py`.

On a real Slurm with two login nodes and one home, for tmux on the login node and for tmux in a job. Each case has a
session of its own with a variable in its shell. Afterwards the processes and the job are looked for, and lnode has to
lead to that shell again: by itself, by another attach, or by --renew. The seconds are from the end of what happens
until that shell has answered a line, or until the next job runs; they are not judged. A case that loses more than the
table says ends it with exit 1. Needs Docker; takes some ten minutes, since Slurm's shortest time limit is a minute.
"""

import contextlib
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import docker

import rig as rigs
import table
from rig import Rig, wait_until
from sites import wait_for_s
from table import Bench, Judged
from two_nodes import TwoNodes, two_nodes
from window import LNODE, Window

PLACES = {"tmux on the login node": (), "tmux in a job": ("--where", "node")}
SILENT_S = 10
ANSWERS_WITHIN_S = 1
LOST_AT_MOST = Judged("lost", 0)
WORSE_BACK = Judged("back", 0)
BACK = ["by itself", "by an attach", "by --renew", "not at all"]  # best first

SLURMCTLD = "pkill -x slurmctld; sleep 3; setpriv --reuid slurm --regid slurm --init-groups slurmctld"


class Case(NamedTuple):
    """What happens to a session. `minutes` is the time limit of its job."""

    name: str
    happens: Callable[[TwoNodes, "Held"], None]
    minutes: int = 60


class Held(NamedTuple):
    """What holds a session: processes and a job."""

    tmux: str
    shell: str
    job: str


def main() -> None:
    """Run all cases and print them as a table."""
    parser = table.parser(__doc__ or "", pairs=1)
    parser.add_argument("--only", metavar="WORDS", default="", help="the cases with these words in their name")
    chosen = parser.parse_args()
    with Bench("losses", chosen) as bench, contextlib.closing(docker.from_env(timeout=600)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "slurm")
        with two_nodes(engine, image, uuid.uuid4().hex[:12], shared_home=True) as nodes:
            for case in (case for case in CASES if chosen.only in case.name):
                for place, words in PLACES.items():
                    name = f"{case.name}: {place}"
                    try:
                        lost, back, seconds = _through(case, nodes, words)
                    except (AssertionError, RuntimeError, TimeoutError) as error:
                        bench.failed(name, error)
                    else:
                        of = {what: float(what in lost) for what in Held._fields}
                        numbers = {**of, "lost": float(len(lost)), "back": float(BACK.index(back)), "seconds": seconds}
                        said = {bench.add(name, numbers, judged) for judged in (LOST_AT_MOST, WORSE_BACK)}
                        print(
                            f"{name:<70} lost: {', '.join(lost) or '-':<18} back: {back} {seconds:.1f} s: {max(said)}",
                            flush=True,
                        )
                    finally:
                        nodes.forget()


def _through(case: Case, nodes: TwoNodes, words: tuple[str, ...]) -> tuple[list[str], str, float]:
    """Let it happen to a session with an attach; return what is gone, how lnode leads there again, and how soon."""
    request, rig = (*words, "-m", "1000", "-t", f"{case.minutes}"), nodes.first
    nodes.land_on(rig)
    with Window([*LNODE, "unity", "x", *request], rig.env()) as window:
        window.wait_for("alice@login1")
        window.press("MARK=four$((1 + 1)); echo pid-$$-$SLURM_JOB_ID-\r")
        shell, job = window.find(r"^pid-(\d+)-(\d+)-").groups()
        server = f"tmux -L lnode-{job}" if words else "tmux"
        held = Held(_said(rig, f"{server} display-message -p '#{{pid}}'"), shell, job)
        case.happens(nodes, held)
        began = time.monotonic()
        back = _back(rig, window, held, request)
        seconds = time.monotonic() - began
        wait_for_s(2)  # a job ends some time after its shell
        return [what for what in Held._fields if not _is_there(rig, held, what)], back, seconds


def _back(rig: Rig, window: Window, held: Held, request: tuple[str, ...]) -> str:
    """How lnode leads to what is left of it."""
    if _answer(window, tries=40) == ("four2", held.job):
        return "by itself"
    window.process.close(force=True)
    with Window([*LNODE, "unity", "x", *request], rig.env()) as another:
        answer = _answer(another, tries=25)
        if answer and answer[1] == held.job:
            return "by an attach"
    if answer and answer[1]:  # a new session
        return "not at all"
    renew = [*LNODE, "unity", "x", "--renew", *request[-4:]]
    with Window(renew, rig.env()) as renewed, contextlib.suppress(TimeoutError):
        wait_until(lambda: bool(renewed.look()) and _runs(rig, ""), "another job runs", within_s=90)
        return "by --renew"
    return "not at all"


def _answer(window: Window, *, tries: int) -> tuple[str, str] | None:
    """What a shell says of the variable and its job.

    Keys that are pressed before a connection is back are not sent, and none of these is a word to lnode.
    """
    for turn in range(tries):
        if not window.process.isalive():
            return None
        with contextlib.suppress(OSError):
            window.press(f"\x15echo IT{turn}=$MARK in $SLURM_JOB_ID.\r")
        with contextlib.suppress(AssertionError):
            said = window.find(r"^IT\d+=(\w*) in (\d*)\.", within_s=ANSWERS_WITHIN_S)
            return said[1], said[2]
    return None


def _is_there(rig: Rig, held: Held, what: str) -> bool:
    if what == "job":
        return _runs(rig, held.job)
    return rig.exec(f"kill -0 {getattr(held, what)}")[0] == 0


def _runs(rig: Rig, job: str) -> bool:
    """True if that job runs; any job if it is ""."""
    running = rig.exec("squeue -h --me -t R -o %i")[1].split()
    return job in running if job else bool(running)


def _said(rig: Rig, command: str) -> str:
    status, said = rig.exec(command)
    if status != 0:
        raise RuntimeError(said)
    return said.strip()


# --- the cases


def _silence(nodes: TwoNodes, _held: Held) -> None:
    nodes.way.freeze()
    wait_for_s(SILENT_S)
    nodes.way.heal()


def _as_root(command: str) -> Callable[[TwoNodes, Held], None]:
    def happens(nodes: TwoNodes, _held: Held) -> None:
        nodes.first.exec(command, "root")

    return happens


def _login_node_ends(signal: str, nodes: TwoNodes, _held: Held) -> None:
    """What runs on the login node alone gets that signal at once: one container plays it and the compute nodes."""
    server = _said_if_there(nodes.first, "tmux display-message -p '#{pid}'")
    others = "$(pgrep -u alice -x 'srun|salloc|sattach') $(pgrep -f '^sshd: alice')"
    nodes.first.exec(f"kill -{signal} {server} {others}", "root")
    if server:
        wait_until(lambda: nodes.first.exec(f"kill -0 {server}")[0] != 0, "tmux has ended")


def _tmux_ends(nodes: TwoNodes, _held: Held) -> None:
    """Somebody ends tmux on the login node."""
    nodes.first.exec("tmux kill-server")


def _another_login_node(nodes: TwoNodes, _held: Held) -> None:
    """The connection ends, and the balancer leads to the other login node from now on."""
    nodes.land_on(nodes.second)
    nodes.way.reset()


def _said_if_there(rig: Rig, command: str) -> str:
    status, said = rig.exec(command)
    return said.strip() if status == 0 else ""


def _time_limit(nodes: TwoNodes, held: Held) -> None:
    left = "squeue -h --me -o %i"  # one that ends is among them
    wait_until(lambda: held.job not in nodes.first.exec(left)[1].split(), "its time is over", within_s=240)


CASES = [
    Case(f"the link is silent for {SILENT_S} s", _silence),
    Case("sshd's processes are killed", _as_root("pkill -KILL -f '^sshd: alice'")),
    Case("you land on another login node", _another_login_node),
    Case("slurmctld restarts", _as_root(SLURMCTLD)),
    Case("tmux on the login node is ended", _tmux_ends),
    Case("the login node crashes", partial(_login_node_ends, "KILL")),
    Case("the login node restarts cleanly", partial(_login_node_ends, "TERM")),
    Case("the time limit", _time_limit, minutes=1),
]


if __name__ == "__main__":
    main()
