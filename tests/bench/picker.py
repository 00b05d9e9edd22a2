"""How soon the picker paints and answers a key, and Tab completes, with 10 hosts and 200 sessions.

`python tests/bench/picker.py` prints milliseconds: medians of 20, and in brackets the processor's time on Linux, which
is the same on a busy computer. The table has their ratios to Python alone. All ten hosts are silent, so lnode asks
them all the while. Needs no Docker.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect

import table
from table import Bench

RUNS = 20
KEYS = 150
HOSTS, SESSIONS = 10, 20
LNODE = str(Path(sys.executable).with_name("lnode"))
BARE = (sys.executable, "-c", "print()")  # what none of them can do without
SSH = '#!/bin/sh\ncase " $* " in *" -G "*) echo hostname x; exit ;; esac\nexec sleep 60\n'


def remember(home: Path) -> None:
    """Keep the pictures of all hosts, and put the silent ssh on their way."""
    now = int(time.time())
    (home / "bin").mkdir()
    (home / "bin" / "ssh").write_text(SSH)
    (home / "bin" / "ssh").chmod(0o755)
    pictures = home / "state" / "lnode" / "pictures"
    pictures.mkdir(parents=True)
    panes = [
        f"${number} {now - 9000} {now - 100} 1 {1000 + number} %{number} f knode o e w t session-{number}"
        for number in range(SESSIONS)
    ]
    reply = {"host": ["login1", str(now), "22"], "panes": panes, "no-scheduler": [], "end": []}
    for host in (f"host{number}" for number in range(HOSTS)):
        names = [[f"session-{number}" for number in range(SESSIONS)], []]
        kept = {"host": host, "at": now, "names": names, "replies": [reply]}
        (pictures / f"{host}.json").write_text(json.dumps(kept))


def environment(home: Path) -> dict[str, str]:
    return {
        "PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "XDG_STATE_HOME": f"{home}/state",
        "LNODE_CONFIG": f"{home}/config.toml", "LANG": "C.UTF-8", "TERM": "xterm-256color",
    }  # fmt: skip


def started(home: Path) -> tuple["pexpect.spawn[bytes]", float]:
    """Start the picker; return it, and how long it took to show its last line."""
    began = time.perf_counter()
    child: pexpect.spawn[bytes] = pexpect.spawn(LNODE, env=environment(home), dimensions=(30, 100), timeout=60)
    child.delaybeforesend = None
    child.expect("q leaves")
    return child, (time.perf_counter() - began) * 1000


def ended(child: "pexpect.spawn[bytes]") -> None:
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()


def keys(child: "pexpect.spawn[bytes]") -> list[float]:
    """How long it took to show the row after each press of `j`."""
    took = []
    for number in range(2, KEYS):
        began = time.perf_counter()
        child.send("j")
        child.expect_exact(f"{number}/{HOSTS * SESSIONS}")
        took.append((time.perf_counter() - began) * 1000)
    return took


def processor(pid: int) -> float:
    """Return the time that the process has had of a processor; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return 0.0


def timed(home: Path, *argv: str) -> tuple[float, float]:
    """Run a program; return how long the process took, and its time of a processor."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, env=environment(home), check=True, capture_output=True, timeout=60)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout
    return took * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def middle(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f}"


def main() -> None:
    with Bench("picker", table.parser(__doc__ or "", pairs=RUNS).parse_args()) as bench:
        measure(bench)


def measure(bench: Bench) -> None:
    with TemporaryDirectory() as name:
        home = Path(name)
        remember(home)
        subprocess.run([LNODE, "--version"], check=True, capture_output=True, timeout=60)  # compiles
        paints, busy = [], []
        for _ in range(RUNS):
            child, took = started(home)
            busy.append(processor(child.pid or 0))
            paints.append(took)
            ended(child)
        child, _ = started(home)
        pressed = keys(child)
        ended(child)
        alone, hosts, sessions = (
            [timed(home, *argv) for _ in range(RUNS)]
            for argv in (BARE, (LNODE, "--complete", "bash", ""), (LNODE, "--complete", "bash", "host7", ""))
        )
    print(f"first paint: median {middle(paints)} ({middle(busy)}), worst {max(paints):.0f} of {RUNS}")
    for name, found in (("completion of hosts", hosts), ("completion of sessions", sessions), ("Python alone", alone)):
        all_ms, busy_ms = zip(*found, strict=True)
        print(f"{name}: median {middle(all_ms)} ({middle(busy_ms)}), worst {max(all_ms):.0f} of {RUNS}")
    print(f"a key: median {statistics.median(pressed):.1f}, worst {max(pressed):.1f} of {len(pressed)}")
    bare = [statistics.median(column) for column in zip(*alone, strict=True)]
    add(bench, "first paint", [*zip(paints, busy, strict=True)], bare)
    add(bench, "completion of hosts", hosts, bare)
    add(bench, "completion of sessions", sessions, bare)
    add(bench, "a key", [(took, 0.0) for took in pressed], bare)


def add(bench: Bench, name: str, took: Sequence[tuple[float, float]], bare: Sequence[float]) -> None:
    """Add the row of a time to that of Python alone: of the processor's times, if there are any."""
    ours = [statistics.median(column) for column in zip(*took, strict=True)]
    which = 1 if ours[1] and bare[1] else 0
    numbers = {"ratio": ours[which] / bare[which], "lnode s": ours[which] / 1000, "Python s": bare[which] / 1000}
    print(f"{name}: {numbers['ratio']:.2f} of Python alone: {bench.add(name, numbers)}")


if __name__ == "__main__":
    main()
