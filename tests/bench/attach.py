"""What lnode costs beside plain ssh, over a wire of 50 ms round trip: `python tests/bench/attach.py`.

Each row is the median of paired runs: lnode, then plain ssh doing the same thing. Needs Docker and takes about a
two minutes. It judges and prints; only a run that fails makes it fail.
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
from rig import Rig
from wire import Wire

PAIRS = 10
DEATHS = 3
MORE_S = 2.0
ONE_WAY_S = 0.025
MARK = "first-paint"  # all that the session's screen shows
DEADLINE_S = 20

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

Took = Callable[[], float]


def main() -> None:
    """Measure all rows and print them as a table."""
    with contextlib.closing(docker.from_env(timeout=120)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "slurm")
        with rigs.running(engine, "slurm", image, uuid.uuid4().hex[:12]) as rig:
            status, said = rig.exec(f"tmux new-session -d -s s 'printf {MARK}; exec sleep 3600'")
            assert status == 0, said
            print(f"{PAIRS} pairs each; load before: {os.getloadavg()[0]:.1f}; a wire of {2000 * ONE_WAY_S:.0f} ms")
            print(f"{'ms: least, median, most':<26}{'lnode':>18}{'plain ssh':>18}{'ratio':>8}{'bound':>8}", flush=True)
            own_part(rig)
            with Wire(rig.port, delay_s=ONE_WAY_S) as wire:
                move(rig, wire.port)
                compare("cold attach", painted(rig, ATTACH), painted(rig, SSH_ATTACH), bound=1.12)
                compare("cold --ls", ended(rig, LIST), ended(rig, SSH_LIST), bound=1.15)
                with master(rig):
                    compare(
                        "attach over a live master", painted(rig, ATTACH), painted(rig, COLD_SSH_ATTACH), bound=0.35
                    )
                for what, death in (("stale", stale), ("frozen", frozen), ("blackholed", blackholed)):
                    past_a_dead_master(rig, wire, what, death)


def compare(what: str, lnode: Took, ssh: Took, *, bound: float) -> None:
    """Run both in turn, after one unmeasured pair, and print the row."""
    lnode(), ssh()
    pairs = [(lnode(), ssh()) for _ in range(PAIRS)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (spread(column) for column in zip(*pairs, strict=True))
    print(f"{what:<26}{ours:>18}{theirs:>18}{ratio:>8.2f}{bound:>8.2f}  {verdict(ratio <= bound)}", flush=True)


def past_a_dead_master(rig: Rig, wire: Wire, what: str, death: Callable[[Rig, Wire], None]) -> None:
    """An attach that meets lnode's own master dead, beside plain ssh that has none: at most 2 s more."""
    pairs = []
    for _ in range(DEATHS):
        with own_master(rig):
            attach = painted(rig, ATTACH)
            attach()
            death(rig, wire)
            pairs.append((attach(), painted(rig, SSH_ATTACH)()))
    more = statistics.median(ours - theirs for ours, theirs in pairs)
    ours, theirs = (spread(column) for column in zip(*pairs, strict=True))
    fine = verdict(more <= MORE_S)
    print(f"{f'past a {what} master':<26}{ours:>18}{theirs:>18}{more:>+7.1f}s{MORE_S:>+7.1f}s  {fine}", flush=True)


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
    print(f"{'lnode before its ssh':<26}{spread(took):>18}{'':>26}{100:>8}  {verdict(fine)}", flush=True)


def spread(took: list[float] | tuple[float, ...]) -> str:
    """Least, median, most."""
    return " ".join(f"{1000 * seconds:5.0f}" for seconds in (min(took), statistics.median(took), max(took)))


def verdict(fine: bool) -> str:
    return "ok" if fine else "MISS"


def painted(rig: Rig, argv: list[str]) -> Took:
    """From the start of a process until the session's screen is on its pty; then it detaches, which is not counted."""

    def took() -> float:
        began = time.monotonic()
        child = spawn(rig, argv)
        child.expect_exact(MARK)
        seconds = time.monotonic() - began
        child.send("\x02d")
        finish(child)
        return seconds

    return took


def ended(rig: Rig, argv: list[str]) -> Took:
    """From the start of a process to its end."""

    def took() -> float:
        began = time.monotonic()
        child = spawn(rig, argv)
        child.expect_exact(pexpect.EOF)
        seconds = time.monotonic() - began
        finish(child)
        return seconds

    return took


def spawn(rig: Rig, argv: list[str]) -> "pexpect.spawn[bytes]":
    """Start a process on a pty of its own."""
    return pexpect.spawn(argv[0], argv[1:], env=rig.env(), timeout=DEADLINE_S, dimensions=(24, 80))


def finish(child: "pexpect.spawn[bytes]") -> None:
    """Wait for a clean end. Raises where it is none, since what was measured then is something else."""
    child.expect_exact(pexpect.EOF)
    child.close()
    if child.exitstatus != 0:
        raise RuntimeError(f"{child.args} ended with {child.exitstatus}: {child.before!r}")


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
