"""Ports, editors and files on a session's node beside plain ssh to its login node: `python tests/bench/node.py`.

Each row is the median of paired runs in a container with a real Slurm, at no delay and over a wire of 50 ms round trip.
The name of the node is the one of `--code`, the port that of `-L`, and lnode's settings are those of a new laptop.
Needs Docker, rsync, git and sshfs; what is missing is named and left out. Takes some ten minutes.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import docker

import rig as rigs
import table
from faults import wired
from forwarded import free_port
from rig import Rig, wait_until
from sites import in_a_pipe, with_editor
from table import Bench, Took
from window import LNODE, Window

ROUND_TRIPS_MS = (0, 50)
BOUND, CONNECTION_BOUND, SECOND_BOUND = 1.3, 1.5, 1.2
FILES, IN_REPOSITORY, MOUNTED, REQUESTS, EXCHANGES = 10_000, 2_000, 200, 300, 30
GIGABYTE = 10**9

NODE, LOGIN = "fit.unity.lnode", "unity"
SERVED = 8888  # the port of the server on the node's 127.0.0.1
SERVER = f"cd /tmp/served && exec setsid python3 -m http.server --bind 127.0.0.1 {SERVED} >/dev/null 2>&1 &"
LISTENS = "pgrep -u alice -f 'sshd.* -[D] '"
REPOSITORY = f"""\
cd && rm -rf repository && mkdir repository && cd repository && git init -q . || exit
i=0; while [ $i -lt {IN_REPOSITORY} ]; do
  mkdir -p part$((i / 50)); seq $i $((i + 100)) >part$((i / 50))/file$i; i=$((i + 1))
done
git add . && git -c user.name=a -c user.email=a@b commit -q -m all
"""
# Counts in a process of its own: the wire is in this one.
CLIENT = """\
import sys, time, urllib.request
url, count = sys.argv[1], int(sys.argv[2])
began = time.monotonic()
for _ in range(count):
    with urllib.request.urlopen(url, timeout=600) as answer:
        while answer.read(1 << 20):
            pass
print(time.monotonic() - began)
"""
ECHO = """\
import subprocess, sys, time
count, size, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
there = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
def exchange():
    there.stdin.write(b"x" * size)
    left = size
    while left:
        left -= len(there.stdout.read(left))
for _ in range(3):
    exchange()
began = time.monotonic()
for _ in range(count):
    exchange()
print((time.monotonic() - began) / count)
there.stdin.close()
there.wait()
"""


def main() -> None:
    """Measure all rows and print them as a table."""
    parser = table.parser(__doc__ or "", pairs=3)
    parser.add_argument("--only", metavar="ROW,...", type=lambda text: text.split(","), default=[*ROWS])
    parser.add_argument("--ms", metavar="MS,...", type=lambda text: [*map(int, text.split(","))])
    chosen = parser.parse_args()
    with Bench("node", chosen) as bench, contextlib.closing(docker.from_env(timeout=600)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "bench")
        with (
            rigs.running(engine, "bench", image, uuid.uuid4().hex[:12]) as rig,
            rigs.with_settings(rig, ""),
            with_editor(rig),
            _job(rig),
        ):
            bench.head()
            for ms in chosen.ms or ROUND_TRIPS_MS:
                with wired(rig, delay_s=ms / 2000) if ms else contextlib.nullcontext():
                    for row in chosen.only:
                        _measure(Course(rig, bench, chosen.pairs, f", {ms} ms"), ROWS[row])


class Course:
    """What a row is measured with: the rig, and what stands behind its name for this wire."""

    def __init__(self, rig: Rig, bench: Bench, pairs: int, wire: str) -> None:
        self.rig, self._bench, self._pairs, self._wire = rig, bench, pairs, wire

    def compare(self, name: str, to: Callable[[str], Took], *, bound: float = BOUND, long: bool = False) -> None:
        """Add the row of what `to` does with either name. What takes `long` is done twice at most."""
        count, before = (min(self._pairs, 2), 0) if long else (self._pairs, 1)
        self._bench.compare(f"{name}{self._wire}", to(NODE), to(LOGIN), count=count, bound=bound, before=before)

    def run(self, *argv: str) -> str:
        """Run a program of the laptop to its end. Raises where it fails."""
        done = subprocess.run(
            argv, env=self.rig.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def timed(self, *argv: str, before: Callable[[], object] = lambda: None) -> Took:
        """From the start of a program to its end; what has to come before is not counted."""

        def took() -> float:
            before()
            began = time.monotonic()
            self.run(*argv)
            return time.monotonic() - began

        return took

    @property
    def space(self) -> Path:
        """A folder of the laptop for files."""
        folder = self.rig.folder / "space"
        folder.mkdir(exist_ok=True)
        return folder


def _measure(course: Course, row: "Row") -> None:
    missing = [program for program in row.needs if not (shutil.which(program) or Path(program).exists())]
    if missing:
        print(f"left out: {', '.join(missing)} is not on this laptop", flush=True)
        return
    row.measure(course)


@contextlib.contextmanager
def _job(rig: Rig) -> Iterator[None]:
    """A session with an allocation, its name in ssh's configuration, and a server of files beside it."""
    served = f"mkdir -p /tmp/served && echo small >/tmp/served/small && truncate -s {GIGABYTE} /tmp/served/big"
    served = f"{served} && cat /tmp/served/big >/dev/null"  # else whoever reads it first waits for the kernel's pages
    for command in (served, SERVER, REPOSITORY):
        _said(rig, command)
    _said(rig, "tmux new-session -d -s fit 'sinteractive -m 1000 -t 4:00:00; exec cat'")
    _said(rig, "tmux new-session -d -s beside")
    wait_until(lambda: "RUNNING" in rig.exec("squeue -h -o %T --me")[1], "the job runs")
    done = in_a_pipe(rig, "unity", "fit", "--code", "~", "--yes")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    try:
        yield
    finally:
        rig.forget_connections()


@contextlib.contextmanager
def _attached(course: Course) -> Iterator[None]:
    """Beside an attach: lnode's standby is there."""
    rig = course.rig
    with Window([*LNODE, "unity", "beside"], rig.env()) as window:
        window.wait_for("$")
        wait_until(lambda: bool(rig.masters()), "the standby is there")
        try:
            yield
        finally:
            window.leave()


def _said(rig: Rig, command: str) -> str:
    status, said = rig.exec(command)
    if status != 0:
        raise RuntimeError(said)
    return said


# --- connections


def _first_in_job(course: Course) -> None:
    """The step with its sshd does not run yet, and the laptop knows no way."""

    def new() -> None:
        rig = course.rig
        _forget(rig)
        rig.exec(f"kill $({LISTENS}); rm -f ~/.local/state/lnode/sshd/*.at")
        wait_until(lambda: rig.exec(LISTENS)[0] != 0, "no sshd is there")

    def to(name: str) -> Took:
        return course.timed("ssh", name, "true", before=new if name == NODE else lambda: None)

    course.compare("a connection, the first in its job", to, bound=CONNECTION_BOUND)


def _first_of_laptop(course: Course) -> None:
    def to(name: str) -> Took:
        return course.timed("ssh", name, "true", before=lambda: _forget(course.rig))

    def beside(name: str) -> Took:
        return course.timed("ssh", name, "true", before=lambda: _forget_ways(course.rig))

    course.compare("a connection, the first of the laptop", to, bound=CONNECTION_BOUND)
    with _attached(course):
        course.compare("a connection, the first beside an attach", beside, bound=CONNECTION_BOUND)


def _second(course: Course) -> None:
    def to(name: str) -> Took:
        return course.timed("ssh", name, "true")

    course.compare("a connection, the second", to, bound=SECOND_BOUND)


def _forget(rig: Rig) -> None:
    """The laptop has no connection, and knows no way."""
    rig.forget_connections()
    _forget_ways(rig)


def _forget_ways(rig: Rig) -> None:
    shutil.rmtree(rig.home / ".local/state/lnode/ways", ignore_errors=True)


# --- what goes over a connection


def _exchanges(course: Course) -> None:
    for size in (1_000, 10_000):

        def to(name: str, size: int = size) -> Took:
            words = ("-c", ECHO, str(EXCHANGES), str(size), "ssh", name, "cat")
            return lambda: float(course.run(sys.executable, *words))

        course.compare(f"a round trip of {size:,} bytes", to)


def _rsync(course: Course) -> None:
    folder = course.space / "many"
    for number in range(FILES if not folder.exists() else 0):
        path = folder / f"{number // 100}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number} " * 20)

    def to(name: str) -> Took:
        clean = lambda: _said(course.rig, "rm -rf /dev/shm/many")  # noqa: E731
        return course.timed("rsync", "-a", f"{folder}/", f"{name}:/dev/shm/many/", before=clean)

    course.compare(f"rsync of {FILES:,} files", to, long=True)


def _git(course: Course) -> None:
    copy = course.space / "copy"

    def to(name: str) -> Took:
        clean = lambda: shutil.rmtree(copy, ignore_errors=True)  # noqa: E731
        return course.timed("git", "clone", "-q", f"{name}:repository", str(copy), before=clean)

    course.compare(f"git clone of {IN_REPOSITORY:,} files", to)


def _sshfs(course: Course) -> None:
    """From the mount until so many files are read."""
    place = course.space / "mounted"
    place.mkdir(exist_ok=True)
    folders = f"repository/part{{0..{MOUNTED // 50 - 1}}}"
    read = f'sshfs "$1:" "$2" -o ssh_command="$3" && cat "$2"/{folders}/* >/dev/null'

    def to(name: str) -> Took:
        def away() -> None:
            subprocess.run(["fusermount", "-qu", place], capture_output=True, check=False)

        def took() -> float:
            try:
                return course.timed("bash", "-c", read, "bash", name, str(place), "ssh")()
            finally:
                away()

        return took

    course.compare(f"sshfs, {MOUNTED} files read", to)


def _http(course: Course) -> None:
    _over_ports(course, f"{REQUESTS} small HTTP requests by -L", "small", REQUESTS)


def _gigabyte(course: Course) -> None:
    _over_ports(course, "1 GB by -L", "big", 1, long=True)


def _over_ports(course: Course, name: str, path: str, count: int, *, long: bool = False) -> None:
    ours, theirs = free_port(), free_port()
    with (
        _port_open(course, [*LNODE, "unity", "fit", "-L", f"{ours}:{SERVED}"], ours),
        _port_open(course, ["ssh", "-N", "-L", f"{theirs}:127.0.0.1:{SERVED}", LOGIN], theirs),
    ):

        def to(name: str) -> Took:
            url = f"http://127.0.0.1:{ours if name == NODE else theirs}/{path}"
            return lambda: float(course.run(sys.executable, "-c", CLIENT, url, str(count)))

        course.compare(name, to, long=long)


@contextlib.contextmanager
def _port_open(course: Course, argv: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        argv, env=course.rig.env(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(port), "the port is open")
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


class Row:
    """A row's measurement, and what the laptop needs for it."""

    def __init__(self, measure: Callable[[Course], None], *needs: str) -> None:
        self.measure, self.needs = measure, needs


ROWS = {
    "first-in-job": Row(_first_in_job),
    "first-of-laptop": Row(_first_of_laptop),
    "second": Row(_second),
    "exchanges": Row(_exchanges),
    "rsync": Row(_rsync, "rsync"),
    "git": Row(_git, "git"),
    "sshfs": Row(_sshfs, "sshfs", "/dev/fuse"),
    "http": Row(_http),
    "gigabyte": Row(_gigabyte),
}


if __name__ == "__main__":
    main()
