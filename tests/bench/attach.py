"""What lnode costs beside plain ssh, over a wire of 50 ms round trip: `python tests/bench/attach.py`.

Each row is the median of paired runs: lnode, then plain ssh doing the same thing. Needs Docker and takes about two
minutes. A bound that is missed is only printed; a ratio that is 25 % worse than the table's ends it with exit 1.
"""

import contextlib
import os
import re
import select
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect

sys.path.insert(0, str(Path(__file__).parent.parent))

import docker

import rig as rigs
import table
from rig import Rig
from table import Bench, Took, spread, verdict
from timed import DEADLINE_S, MARK, ended, painted
from wire import Wire

PAIRS = 10
DEATHS = 3
MORE_S = 2.0
ONE_WAY_S = 0.025

LNODE = str(Path(sys.executable).with_name("lnode"))
ATTACH = [LNODE, "unity", "s"]
LIST = [LNODE, "unity", "--ls"]
SSH_ATTACH = ["ssh", "-t", "unity", "tmux new -A -s s"]
COLD_SSH_ATTACH = ["ssh", "-S", "none", "-t", "unity", "tmux new -A -s s"]
SSH_LIST = ["ssh", "unity", "tmux ls"]

# Passes `ssh -G` on, tells the time of anything else through a pipe, and fails as ssh does: that ends lnode.
STUB = """#!/bin/sh
case $1 in -G) exec {real} "$@" ;; esac
echo >{pipe}
echo 'ssh: connect to host 127.0.0.1 port 22: Connection refused' >&2
exit 255
"""


def main() -> None:
    """Measure all rows and print them as a table."""
    chosen = table.parser(__doc__ or "", pairs=PAIRS).parse_args()
    with Bench("attach", chosen) as bench, contextlib.closing(docker.from_env(timeout=120)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "slurm")
        with rigs.running(engine, "slurm", image, uuid.uuid4().hex[:12]) as rig:
            status, said = rig.exec(f"tmux new-session -d -s s 'printf {MARK}; exec sleep 3600'")
            assert status == 0, said
            bench.head()
            own_part(rig)
            with Wire(rig.port, delay_s=ONE_WAY_S) as wire:
                move(rig, wire.port)
                pairs = chosen.pairs
                bench.compare("cold attach", painted(rig, ATTACH), painted(rig, SSH_ATTACH), count=pairs, bound=1.12)
                bench.compare("cold --ls", ended(rig, LIST), ended(rig, SSH_LIST), count=pairs, bound=1.15)
                with master(rig):
                    over, cold = painted(rig, ATTACH), painted(rig, COLD_SSH_ATTACH)
                    bench.compare("attach over a live master", over, cold, count=pairs, bound=0.35)
                for what, death in (("stale", stale), ("frozen", frozen), ("blackholed", blackholed)):
                    past_a_dead_master(bench, rig, wire, what, death)


def past_a_dead_master(bench: Bench, rig: Rig, wire: Wire, what: str, death: Callable[[Rig, Wire], None]) -> None:
    """An attach that meets lnode's own master dead, beside plain ssh that has none: at most 2 s more."""
    pairs = []
    for _ in range(DEATHS):
        with own_master(rig):
            attach = painted(rig, ATTACH)
            attach()
            death(rig, wire)
            pairs.append((attach(), painted(rig, SSH_ATTACH)()))
    more = statistics.median(ours - theirs for ours, theirs in pairs)
    bench.ratio(f"past a {what} master", pairs)
    print(f"  {more:+.1f} s, bound {MORE_S:+.1f} s: {verdict(more <= MORE_S)}", flush=True)


@contextlib.contextmanager
def own_master(rig: Rig) -> Iterator[None]:
    """A laptop on which lnode keeps what a sign-in has opened; the masters end with the block."""
    with rigs.with_settings(rig, '[hosts.unity]\nkeep_warm = "10m"\n'):
        try:
            yield
        finally:
            for pid in masters(rig):
                os.kill(pid, signal.SIGKILL)


def masters(rig: Rig) -> list[int]:
    """The processes behind lnode's own sockets."""
    rows = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid in re.findall(rf"^ *(\d+) ssh: {rig.home}/run/lnode/\S+ \[mux\]", rows, re.MULTILINE)]


def stale(rig: Rig, _: Wire) -> None:
    """It was killed, and has left its socket."""
    for pid in masters(rig):
        os.kill(pid, signal.SIGKILL)


def frozen(rig: Rig, _: Wire) -> None:
    """It takes connections and answers nothing."""
    for pid in masters(rig):
        os.kill(pid, signal.SIGSTOP)


def blackholed(_: Rig, wire: Wire) -> None:
    """Its network is gone, and another one is there."""
    wire.cut()


def own_part(rig: Rig) -> None:
    """From the start of lnode to the start of `ssh -t`, without any network."""
    with stub(rig) as told:
        took = [told() for _ in range(PAIRS + 1)][1:]
    fine = statistics.median(took) <= 0.1
    print(f"{'lnode before its ssh':<46}{spread(took):>21}  bound 100: {verdict(fine)}", flush=True)


def move(rig: Rig, port: int) -> None:
    """Let the laptop's ssh go to another port."""
    config = rig.ssh_config.read_text()
    rig.ssh_config.write_text(config.replace(f"Port {rig.port}\n", f"Port {port}\n"))


@contextlib.contextmanager
def master(rig: Rig) -> Iterator[None]:
    """A live master, as a user's own configuration shares it."""
    before = rig.ssh_config.read_text()
    rig.ssh_config.write_text(f"{before}    ControlMaster auto\n    ControlPath {rig.folder}/%C\n")
    try:
        subprocess.run(["ssh", "-fN", "unity"], env=rig.env(), timeout=DEADLINE_S, check=True)
        try:
            yield
        finally:
            subprocess.run(["ssh", "-q", "-O", "exit", "unity"], env=rig.env(), timeout=DEADLINE_S, check=True)
    finally:
        rig.ssh_config.write_text(before)


@contextlib.contextmanager
def stub(rig: Rig) -> Iterator[Took]:
    """Put an ssh on lnode's PATH that tells when it was started; what is yielded starts lnode and waits for that."""
    folder = rig.folder / "stub"
    folder.mkdir()
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    ssh = folder / "ssh"
    ssh.write_text(STUB.format(real=rig.folder / "bin" / "ssh", pipe=pipe))
    ssh.chmod(0o755)
    # Read and write, so that neither side waits for the other to open it.
    told = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    path = {"PATH": f"{folder}{os.pathsep}{rig.env()['PATH']}"}

    def took() -> float:
        began = time.monotonic()
        child = pexpect.spawn(ATTACH[0], ATTACH[1:], env=rig.env(**path), timeout=DEADLINE_S)
        if not select.select([told], [], [], DEADLINE_S)[0]:
            raise RuntimeError(f"lnode started no ssh: {child.read()!r}")
        seconds = time.monotonic() - began
        os.read(told, 1)
        child.expect_exact(pexpect.EOF)
        child.close()
        return seconds

    try:
        yield took
    finally:
        os.close(told)


if __name__ == "__main__":
    main()
