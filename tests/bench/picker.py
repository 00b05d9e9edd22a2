"""How soon the picker paints and answers a key, with 10 hosts and 200 sessions: `python tests/bench/picker.py`.

All ten hosts are silent, so lnode asks them all the while. Needs no Docker, and prints milliseconds.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect

RUNS = 20
KEYS = 150
HOSTS, SESSIONS = 10, 20
LNODE = str(Path(sys.executable).with_name("lnode"))
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
        kept = {"host": host, "at": now, "names": [[], []], "replies": [reply]}
        (pictures / f"{host}.json").write_text(json.dumps(kept))


def started(home: Path) -> tuple["pexpect.spawn[bytes]", float]:
    """Start the picker; return it, and how long it took to show its last line."""
    env = {
        "PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "XDG_STATE_HOME": f"{home}/state",
        "LNODE_CONFIG": f"{home}/config.toml", "LANG": "C.UTF-8", "TERM": "xterm-256color",
    }  # fmt: skip
    began = time.perf_counter()
    child: pexpect.spawn[bytes] = pexpect.spawn(LNODE, env=env, dimensions=(30, 100), timeout=60)
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


def main() -> None:
    with TemporaryDirectory() as name:
        home = Path(name)
        remember(home)
        subprocess.run([LNODE, "--version"], check=True, capture_output=True, timeout=60)  # compiles
        paints = []
        for _ in range(RUNS):
            child, took = started(home)
            paints.append(took)
            ended(child)
        child, _ = started(home)
        pressed = keys(child)
        ended(child)
    print(f"first paint: median {statistics.median(paints):.0f}, worst {max(paints):.0f} of {RUNS}")
    print(f"a key: median {statistics.median(pressed):.1f}, worst {max(pressed):.1f} of {len(pressed)}")
    print(f"load of this computer: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
