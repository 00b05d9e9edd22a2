"""Ways to stay on a cluster, through the same faults: `python tests/bench/race.py [--only silence-8,...] [--ms 150]`.

ssh in a loop, autossh, mosh and lnode, each on a laptop of its own (net.py) with a round trip of 50 ms to a real sshd,
and a session of tmux that holds an allocation. They run side by side, some seconds apart, so that they do not come
back at the same moment. Needs root, Docker, `ip`, `nsenter` and `ss`; takes some ten minutes. A bound that is missed is
only printed; a number of lnode's that is 25 % worse than the table's ends it with exit 1.

A client is live again when it shows what the session said after the network's return *and* has brought a key there
that was typed after it. It has given notice when its screen says, in whatever words, that something is wrong. With
`--typing` somebody types a key each second while the fault lasts: how many of them never reach the session?
"""

import argparse
import contextlib
import io
import itertools
import math
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import pexpect
import pyte

sys.path.insert(0, str(Path(__file__).parent.parent))

import docker
from docker import DockerClient

import rig as rigs
import table
from net import Laptop
from rig import Rig
from table import Bench, Judged, verdict

PORT = 2222  # the image's own sshd has 22, and the container ends with it
ATTACH_WITHIN_S = 30.0
GIVEN_UP_S = 150.0
APART_S = 2.5
KEY_EVERY_S = 0.02
TYPED_EVERY_S = 1.0
LATE_KEYS_S = 2.0  # after it is live: until the last key is there, and the last login
IDLE_S = 60.0
HOUR_S = 3600.0

NOTICE_BOUND_S = 4.0
IDLE_WAKEUPS, IDLE_KB = 0.5, 5000 / 24  # a second, an hour
QUIET_S = 300.0  # before idle is idle

# As handbooks teach it, and as the impatient tune it.
KEEPALIVE = "-o ServerAliveInterval=15 -o ServerAliveCountMax=3"
TUNED = "-o ServerAliveInterval=2 -o ServerAliveCountMax=2 -o ConnectTimeout=5"
LOOP = "while ! ssh OPTIONS -t unity 'tmux attach -t {session}'; do sleep 1; done"
CLIENTS = {
    "ssh 15x3": ["sh", "-c", LOOP.replace("OPTIONS", KEEPALIVE)],
    "ssh 2x2": ["sh", "-c", LOOP.replace("OPTIONS", TUNED)],
    "autossh": ["autossh", "-M", "0", *KEEPALIVE.split(), "-t", "unity", "tmux attach -t {session}"],
    "mosh": ["mosh", "unity", "--", "tmux", "attach", "-t", "{session}"],
    "lnode": [str(Path(sys.executable).with_name("lnode")), "unity", "{session}"],
}

# Every client is attached before the first one's fault begins: none attaches while another comes back.
SETTLED_S = APART_S * len(CLIENTS)

# Says nothing before the first key, so that idle is idle; then the time, and how many keys of each kind it has got.
PROBE, TYPED = "x", "y"
SESSION = """
import os, select, time, tty
tty.setraw(0)
got = b""
os.write(1, b"\\033[2J\\033[?25l\\033[4;1Htick 0.00 probes 0 typed 0")
while True:
    if select.select([0], [], [], 0.2 if got and not STILL else None)[0]:
        got += os.read(0, 64)
    os.write(1, b"\\033[4;1Htick %.2f probes %d typed %d" % (time.time(), got.count(b"x"), got.count(b"y")))
"""
SAID = re.compile(r"^tick (\d+\.\d\d) probes (\d+) typed (\d+)\s*$")
IN_JOB = "salloc -Q -J {session} -n 1 --mem=100 -t 4:00:00 "
NOTICE = re.compile(r"mosh: |lnode: |Timeout, server|client_loop|[Cc]onnection|Broken pipe|No route|unreachable")

# Its connections end with it, as when the machine itself restarts; tmux stays.
STOP_SSHD = "pid=$(cat /run/{host}.pid) && kill $pid $(pgrep -P $pid)"
START_SSHD = "/usr/sbin/sshd -E /run/{host}.log -o ListenAddress={host}:{port} -o PidFile=/run/{host}.pid {more}"
SIGN_INS = "grep -c '^Accepted publickey ' /run/{host}.log || true"

MOSH_IMAGE = """\
FROM {image}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mosh
"""


class Course(NamedTuple):
    """What one client runs on: its laptop, and for it alone a sshd and a session."""

    laptop: Laptop
    rig: Rig
    session: str
    env: dict[str, str]
    name: str  # of the client
    server: str  # more words for its sshd

    def client(self) -> list[str]:
        """What starts the client."""
        return self.laptop.argv(*(word.format(session=self.session) for word in CLIENTS[self.name]))

    def takes_s(self, *argv: str) -> float:
        """How long a command takes on the laptop."""
        began = time.time()
        subprocess.run(self.laptop.argv(*argv), env=self.env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return time.time() - began

    def handshake_s(self) -> float:
        """How long a plain ssh takes, at best of two."""
        return min(self.takes_s("ssh", "unity", "true") for _ in range(2))

    def root(self, command: str) -> str:
        """Run a command on the login node as root, about this course's own sshd; what it says."""
        return _said(self.rig.exec(command.format(host=self.laptop.host, port=PORT, more=self.server), "root"))

    def sign_ins(self) -> int:
        """How many there have been."""
        return int(self.root(SIGN_INS))

    def has(self, what: str) -> bool:
        """Is the session still there, or its allocation?"""
        names = {"session": "tmux list-sessions -F '#{session_name}'", "allocation": "squeue -h --me -t R -o %j"}
        return self.session in self.rig.exec(names[what])[1].split()

    @contextlib.contextmanager
    def sshd_restarts(self) -> Iterator[None]:
        """sshd ends, and every connection with it; then it is there again."""
        self.root(STOP_SSHD)
        try:
            yield
        finally:
            self.root(START_SSHD)


class Fault(NamedTuple):
    """What happens, for how long, and how soon after it lnode has to be live; `blind` is a fault nobody can see."""

    name: str
    seconds: float
    happens: Callable[[Course], AbstractContextManager[None]]
    live_bound_s: float = 0.35
    blind: bool = False
    handshakes: int = 0  # that the bound allows beside it
    round_trips: int = 3
    server: str = ""  # more words for sshd

    def bound_s(self, ms: int, handshake_s: float) -> float:
        """The bound at a round trip of so many milliseconds."""
        return self.live_bound_s + self.round_trips * ms / 1000 + self.handshakes * handshake_s


FRESH = {"live_bound_s": 0.3, "handshakes": 1, "round_trips": 0}  # all connections are dead
FAULTS = [
    Fault("silence-2", 2, lambda course: course.laptop.silence()),
    Fault("silence-8", 8, lambda course: course.laptop.silence()),
    Fault("silence-30", 30, lambda course: course.laptop.silence()),
    Fault("silence-120", 120, lambda course: course.laptop.silence()),
    Fault("interface-20", 20, lambda course: course.laptop.interface_down()),
    Fault("alive-5", 30, lambda course: course.laptop.silence(), **FRESH, server="-o ClientAliveInterval=5"),
    Fault("address-10", 10, lambda course: course.laptop.new_address(), 0.4, handshakes=1, round_trips=0),
    Fault("asleep-30", 30, lambda course: course.laptop.asleep(), 2, blind=True, round_trips=0),
    Fault("asleep-alive", 30, lambda course: course.laptop.asleep(forgotten=False), 0.5, blind=True, round_trips=0),
    Fault("reset", 0, lambda course: course.laptop.reset(), 1.5, round_trips=0),
    Fault("sshd-3", 3, Course.sshd_restarts, 1.5, round_trips=0),
]
IDLE, AGAIN = "idle", "again"


class Seen(NamedTuple):
    """One client and one fault. Seconds; infinite is never."""

    notice_s: float  # from the fault's begin, or from waking
    live_s: float  # from the fault's end
    in_the_dark_s: float  # from the fault's begin, or from waking, to the notice or to being live
    cpu_percent: float  # of a core, from the fault's begin to being live
    handshake_s: float  # of a plain ssh over the same wire
    sign_ins: float
    keys_lost: float  # of those that somebody typed into the fault
    sessions_lost: float
    allocations_lost: float


class Again(NamedTuple):
    """Other commands beside a client that is attached. Seconds."""

    attach_s: float  # of another window
    ls_s: float  # of lnode --ls, and for ssh of tmux list-sessions
    handshake_s: float


class Idle(NamedTuple):
    """One client that is attached and has nothing to do."""

    attach_s: float
    cpu_percent: float  # of a core
    memory_mb: float
    wakeups: float  # a second
    packets: float  # an hour
    kilobytes: float  # an hour


_T = TypeVar("_T")
Runs = dict[str, tuple[list[_T], list[str]]]  # by client: what was measured, and what went wrong
_NUMBERS = itertools.cycle(range(1, 255))


class Screen:
    """A program on a pty, and what it has shown."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self._screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self._screen)
        self._process = pexpect.spawn(argv[0], argv[1:], env=env, dimensions=(30, 100), timeout=None)
        self._process.delaybeforesend = None  # pexpect's own pause before each key, 50 ms
        self.tick = self.noticed = math.inf  # when
        self.probes = self.typed = -1

    def watch(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Take in what is shown; whether `until` came true in that time."""
        deadline = time.time() + seconds
        while not until():
            left = deadline - time.time()
            if left <= 0:
                return False
            try:
                self._show(cast(bytes, self._process.read_nonblocking(1 << 16, timeout=left)))
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                time.sleep(max(0.0, deadline - time.time()))
        return True

    def live(self, since: float) -> bool:
        """Type until a key that was typed after `since` has come back, with a later tick; False when given up."""
        before = self.probes
        while time.time() < since + GIVEN_UP_S:
            self.press()
            if self.watch(KEY_EVERY_S, lambda: self.probes > before and since <= self.tick < math.inf):
                return True
        return False

    def press(self, key: str = PROBE) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._process.send(key)

    def text(self) -> str:
        return " / ".join(row.strip() for row in self._screen.display if row.strip())

    def close(self) -> None:
        self._process.close(force=True)

    def _show(self, data: bytes) -> None:
        self._stream.feed(data)
        for number in sorted(self._screen.dirty):
            row = self._screen.buffer[number]
            text = "".join(row[column].data for column in range(self._screen.columns))
            if said := SAID.match(text):
                self.tick, self.probes, self.typed = float(said[1]), int(said[2]), int(said[3])
            elif NOTICE.search(text):
                self.noticed = min(self.noticed, time.time())
        self._screen.dirty.clear()


def main() -> None:
    """Run every client through every fault and print a table for each."""
    chosen = _arguments()
    if os.geteuid() != 0:
        sys.exit("the race needs root, to make networks of its own")
    if missing := [tool for tool in ("ip", "nsenter", "ss") if shutil.which(tool) is None]:
        sys.exit(f"the race needs {', '.join(missing)}")
    clients = [client for client in chosen.clients if _is_here(client)]
    with Bench("race", chosen) as bench, contextlib.closing(docker.from_env(timeout=300)) as engine:
        rigs.ensure_base_image()
        image = rigs.build(engine, "slurm")
        if "mosh" in clients:
            image = _with_mosh(engine, image)
        with rigs.running(engine, "slurm", image, uuid.uuid4().hex[:12]) as rig:
            for ms in chosen.ms:
                print(f"\nround trip {ms} ms")
                race = partial(_side_by_side, clients, chosen.pairs, partial(_attached, rig, ms / 2000, chosen.still))
                if IDLE in chosen.only:
                    _print_idle(race("", _idle))
                if AGAIN in chosen.only:
                    _print_again(race("", _again))
                for fault in FAULTS:
                    if fault.name in chosen.only:
                        runs = race(IN_JOB, partial(_through, fault, chosen.typing), fault.server)
                        _print_fault(fault, ms, runs)
                        _add(bench, f"{fault.name} at {ms} ms", runs, typing=chosen.typing)


def _side_by_side(clients: list[str], rounds: int, attached: Callable[..., _T], *words: object) -> Runs[_T]:
    """Let every client do the same, in every round: what came of it, and why some of it did not."""
    runs: Runs[_T] = {client: ([], []) for client in clients}
    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in range(rounds):
            at_work = {
                client: pool.submit(attached, client, number * APART_S, *words) for number, client in enumerate(clients)
            }
            for client, future in at_work.items():
                try:
                    runs[client][0].append(future.result())
                except (RuntimeError, OSError) as error:
                    runs[client][1].append(str(error))
    return runs


def _attached(
    rig: Rig,
    one_way_s: float,
    still: bool,
    client: str,
    after_s: float,
    below: str,
    what: Callable[..., _T],
    server: str = "",
) -> _T:
    """Attach from a new laptop to a new session, and do what there is to do there."""
    time.sleep(after_s)
    number = next(_NUMBERS)
    with _course(rig, number, one_way_s, client, still, below, server) as course:
        began = time.time()
        screen = Screen(course.client(), course.env)
        try:
            if not screen.watch(ATTACH_WITHIN_S, lambda: screen.probes >= 0):
                raise RuntimeError(f"no attach: {screen.text()}")
            return what(course, screen, time.time() - began)
        finally:
            screen.close()


@contextlib.contextmanager
def _course(
    rig: Rig, number: int, one_way_s: float, client: str, still: bool, below: str, server: str
) -> Iterator[Course]:
    """A laptop, and for it a sshd and a session, whose program runs `below` another."""
    container = int(rig.container.attrs["State"]["Pid"])
    session = f"s{number}"
    with Laptop(f"race{os.getpid() % 100000}", number, container, delay_s=one_way_s) as laptop:
        course = Course(laptop, rig, session, _equipped(rig, laptop), client, server)
        course.root(START_SSHD)
        program = f"{below.format(session=session)}python3 -c {shlex.quote(SESSION.replace('STILL', str(still)))}"
        _said(rig.exec(f"tmux new-session -d -s {session} {shlex.quote(program)}"))
        if below:
            rigs.wait_until(lambda: course.has("allocation"), "it has its allocation")
        if client == "lnode":
            course.takes_s(CLIENTS["lnode"][0], "unity", "--ls")  # on which lnode learns that the key is enough
        try:
            yield course
        finally:
            _said(rig.exec(f"tmux kill-session -t {session}"))
            course.root(STOP_SSHD)


def _equipped(rig: Rig, laptop: Laptop) -> dict[str, str]:
    """Give a laptop a home and an ssh of its own: its environment."""
    folder = rig.folder / laptop.host
    (folder / "bin").mkdir(parents=True)
    shutil.copytree(rig.home, folder / "home")
    shutil.rmtree(folder / "home" / ".config" / "lnode", ignore_errors=True)  # the rig's lnode shares no connection
    config = rig.ssh_config.read_text().replace("HostName 127.0.0.1\n", f"HostName {laptop.host}\n")
    (folder / "ssh_config").write_text(config.replace(f"Port {rig.port}\n", f"Port {PORT}\n"))
    ssh = folder / "bin" / "ssh"
    ssh.write_text((rig.folder / "bin" / "ssh").read_text().replace(str(rig.ssh_config), str(folder / "ssh_config")))
    ssh.chmod(0o755)
    return replace(rig, folder=folder).env(AUTOSSH_PATH=str(ssh), AUTOSSH_GATETIME="0")


def _idle(course: Course, screen: Screen, attach_s: float) -> Idle:
    laptop = course.laptop
    screen.watch(SETTLED_S + QUIET_S)

    def now() -> tuple[float, ...]:
        return laptop.cpu_s(), laptop.wakeups(), laptop.packets, laptop.bytes

    before = now()
    screen.watch(IDLE_S)
    cpu_s, wakeups, packets, count = ((after - then) / IDLE_S for then, after in zip(before, now(), strict=True))
    return Idle(attach_s, 100 * cpu_s, laptop.memory_mb(), wakeups, HOUR_S * packets, HOUR_S * count / 1000)


def _again(course: Course, screen: Screen, _: float) -> Again:
    screen.watch(SETTLED_S)
    handshake_s, began = course.handshake_s(), time.time()
    other = Screen(course.client(), course.env)
    try:
        if not other.watch(ATTACH_WITHIN_S, lambda: other.probes >= 0):
            raise RuntimeError(f"no second attach: {other.text()}")
        attach_s = time.time() - began
    finally:
        other.close()
    lnode = course.name == "lnode"
    ls = [CLIENTS["lnode"][0], "unity", "--ls"] if lnode else ["ssh", "unity", "tmux list-sessions"]
    return Again(attach_s, course.takes_s(*ls), handshake_s)


def _through(fault: Fault, typing: bool, course: Course, screen: Screen, _: float) -> Seen:
    screen.press()
    if not screen.watch(ATTACH_WITHIN_S, lambda: screen.probes > 0):
        raise RuntimeError(f"the session does not answer: {screen.text()}")
    screen.watch(SETTLED_S)
    screen.noticed, handshake_s = math.inf, course.handshake_s()
    sign_ins, keys = course.sign_ins(), 0
    cpu_s, begin = course.laptop.cpu_s(), time.time()
    with fault.happens(course):
        while typing and time.time() < begin + fault.seconds - TYPED_EVERY_S:
            screen.press(TYPED)
            keys += 1
            screen.watch(TYPED_EVERY_S)
        screen.watch(max(0.0, begin + fault.seconds - time.time()))
    end = time.time()
    live = time.time() - end if screen.live(end) else math.inf
    cpu_percent = 100 * (course.laptop.cpu_s() - cpu_s) / (time.time() - begin)
    seen_from = end if fault.blind else begin
    in_the_dark = min(screen.noticed, end + live) - seen_from
    screen.watch(LATE_KEYS_S)
    return Seen(
        screen.noticed - seen_from, live, in_the_dark, cpu_percent, handshake_s, course.sign_ins() - sign_ins,
        keys - screen.typed, not course.has("session"), not course.has("allocation"),
    )  # fmt: skip


def _print_idle(runs: Runs[Idle]) -> None:
    print()
    _print_row("attached and idle", "wakes/s", "packets/h", "kB/h", "attach s, CPU %, memory MB", _load())
    for client, (done, failed) in runs.items():
        if done:
            row = Idle(*map(statistics.median, zip(*done, strict=True)))
            few = row.wakeups <= IDLE_WAKEUPS and row.kilobytes <= IDLE_KB
            bound = f"wake-ups <= {IDLE_WAKEUPS:g}, kB <= {IDLE_KB:.0f}: {verdict(few)}"
            cells = f"{row.wakeups:.2f}", f"{row.packets:.0f}", f"{row.kilobytes:.0f}"
            rest = f"{row.attach_s:.2f}, {row.cpu_percent:.2f}, {row.memory_mb:.1f}"
            _print_row(client, *cells, rest, bound if client == "lnode" else "")
        _print_failed(client, failed)


def _print_again(runs: Runs[Again]) -> None:
    print()
    _print_row("beside an attach", "attach s", "--ls s", "ssh s", _load())
    for client, (done, failed) in runs.items():
        if done:
            row = Again(*map(statistics.median, zip(*done, strict=True)))
            _print_row(client, *(f"{seconds:.2f}" for seconds in row))
        _print_failed(client, failed)


def _print_fault(fault: Fault, ms: int, runs: Runs[Seen]) -> None:
    print()
    _print_row(fault.name, "notice s", "live s", "ssh s", _load())
    for client, (done, failed) in runs.items():
        if done:
            row = Seen(*map(statistics.median, zip(*done, strict=True)))
            notice = f"notice <= {NOTICE_BOUND_S:g}: {verdict(row.in_the_dark_s <= NOTICE_BOUND_S)}"
            bound_s = fault.bound_s(ms, row.handshake_s)
            live = f"live <= {bound_s:.2f}: {verdict(row.live_s <= bound_s)}"
            cells = _seconds(row.notice_s, "-"), _seconds(row.live_s, "lost"), f"{row.handshake_s:.2f}"
            _print_row(client, *cells, f"{notice}, {live}" if client == "lnode" else "")
        _print_failed(client, failed)


def _add(bench: Bench, name: str, runs: Runs[Seen], *, typing: bool) -> None:
    """Put what the table has of a fault there: seconds, and what was lost on the way."""
    rows = {
        client: Seen(*map(statistics.median, zip(*done, strict=True))) for client, (done, _) in runs.items() if done
    }
    for client, (_, failed) in runs.items():
        if client == "lnode" and failed and client not in rows:
            bench.failed(name, RuntimeError(failed[0]))
    told: dict[str, tuple[str, Judged]] = (
        {
            "keys lost": ("keys_lost", Judged("lnode", 2)),
        }
        if typing
        else {
            "seconds": ("live_s", Judged("lnode", 0.25)),  # one knock
            "sign-ins": ("sign_ins", Judged("lnode", 1)),
            "sessions lost": ("sessions_lost", Judged("lnode", 0)),
            "allocations lost": ("allocations_lost", Judged("lnode", 0)),
        }
    )
    for what, (field, judged) in told.items():
        numbers = {client: _finite(getattr(row, field)) for client, row in rows.items()}
        said = bench.add(f"{name}: {what}", numbers, judged)
        print(f"  {what}: {', '.join(f'{client} {value}' for client, value in numbers.items())}: {said}", flush=True)


def _finite(number: float) -> float | None:
    return None if math.isinf(number) else round(number, 2)


def _print_row(first: str, *cells: str) -> None:
    """Three columns, and what there is to say about them."""
    print(f"{first:<20}", *(f"{cell:>10}" for cell in cells[:3]), "", *cells[3:], flush=True)


def _print_failed(client: str, failed: list[str]) -> None:
    for why in failed:
        print(f"{client:<20}  failed: {why}", flush=True)


def _load() -> str:
    return f"load: {os.getloadavg()[0]:.1f}"


def _seconds(seconds: float, never: str) -> str:
    return never if math.isinf(seconds) else f"{seconds:.2f}"


def _arguments() -> argparse.Namespace:
    def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
        def read(text: str) -> list[str]:
            chosen = text.split(",")
            if unknown := set(chosen) - set(known):
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
            return chosen

        return read

    parser = table.parser(__doc__ or "", pairs=1)
    rows = [IDLE, AGAIN, *(fault.name for fault in FAULTS)]
    parser.add_argument("--only", metavar="FAULT,...", type=some_of(rows), default=rows, help=", ".join(rows))
    parser.add_argument(
        "--clients", metavar="CLIENT,...", type=some_of(CLIENTS), default=[*CLIENTS], help=", ".join(CLIENTS)
    )
    parser.add_argument("--still", action="store_true", help="the session prints only what you type")
    parser.add_argument(
        "--ms", metavar="MS,...", type=lambda text: [*map(int, text.split(","))], default=[50], help="round trips"
    )
    parser.add_argument("--typing", action="store_true", help="somebody types while the fault lasts")
    return parser.parse_args()


def _is_here(client: str) -> bool:
    """Whether a client is installed; says so where it is not."""
    here = shutil.which(CLIENTS[client][0]) is not None
    if not here:
        print(f"{client}: not installed, left out")
    return here


def _with_mosh(engine: DockerClient, image: str) -> str:
    """The image with mosh's server in it, which no cluster has: its id."""
    built, _ = engine.images.build(
        fileobj=io.BytesIO(MOSH_IMAGE.format(image=image).encode()), tag="lnode-race:mosh",
        network_mode="host", rm=True, forcerm=True,
    )  # fmt: skip
    assert built.id is not None
    return built.id


def _said(done: tuple[int, str]) -> str:
    status, said = done
    if status != 0:
        raise RuntimeError(said)
    return said


if __name__ == "__main__":
    main()
