"""Measures all that is published: `python tests/bench/publish.py` renews table.json and the pages made from it.

With `--judge` it writes nothing, and ends with exit 1 if a number is 25 % worse than the table. Needs root, Docker and
what the benches need; takes about two hours, most of them silence. A busy machine is waited for, but not for ever.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from table import QUIET

HERE = Path(__file__).parent
PAGES = HERE.parents[1] / "docs" / "generated.py"
WAITS_S = 1800
TYPED_INTO = "silence-8,silence-30,interface-20,address-10,sshd-3"
BENCHES = (
    ("picker.py",),
    ("attach.py",),
    ("verbs.py",),
    ("node.py",),
    ("losses.py",),
    ("race.py", "--ms", "50,150"),
    ("race.py", "--typing", "--only", TYPED_INTO),
)


def main() -> None:
    """Run all benches, and tell which of them have failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", action="store_true", help="write nothing, compare")
    judges = parser.parse_args().judge
    failed = []
    for script, *words in BENCHES:
        wait_for_quiet()
        argv = [sys.executable, str(HERE / script), *words, *([] if judges else ["--write"])]
        print(f"\n== {script} {' '.join(words)}", flush=True)
        if subprocess.run(argv, check=False).returncode != 0:
            failed.append(" ".join((script, *words)))
    if not judges:
        subprocess.run([sys.executable, str(PAGES)], check=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def wait_for_quiet() -> None:
    """Wait until the load is low; a bench that ran before has its own load in it."""
    given_up = time.monotonic() + WAITS_S
    while os.getloadavg()[0] > QUIET / 2 and time.monotonic() < given_up:
        time.sleep(5)


if __name__ == "__main__":
    main()
