"""What the fault tests share: a rig behind a wire, a session in a window, and the proof that it is still the same."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from full import FULL
from net import Laptop
from rig import Rig, configured, wait_until
from window import LNODE, Window
from wire import Wire

NOTICE = "lnode: "  # how the notice line starts, and nothing else on these screens
LATE = "keeps running on "  # at a detach, if the facts come later than 2 s: on a busy machine now and then
DROPS = 200 if FULL else 8
FLAPS = 50 if FULL else 5
ROWS = 100_000 if FULL else 20_000  # of 100 bytes
QUIET_S = 60 if FULL else 12
_sums = itertools.count(1000)


@contextmanager
def wired(rig: Rig, *, delay_s: float = 0.0) -> Iterator[Wire]:
    """A wire in front of the rig, which every alias of the laptop leads to but `beside`: alice past the wire."""
    with Wire(rig.port, delay_s=delay_s) as wire:
        beside = f"Host beside\n    User alice\n    Port {rig.port}\n"
        with configured(rig, f"{beside}Host *\n    Port {wire.port}\n"):
            yield wire


@contextmanager
def laptop_of(slurm: Rig, *, delay_s: float = 0.005) -> Iterator[Laptop]:
    server = int(slurm.container.attrs["State"]["Pid"])
    with (
        Laptop(f"net{os.getpid() % 100000}", 1, server, delay_s=delay_s) as laptop,
        configured(slurm, f"Host *\n    HostName {laptop.host}\n    Port 22\n"),
    ):
        yield laptop


def attached(rig: Rig, name: str, *words: str, **env: str) -> Window:
    """A window with lnode in it, on its way to a plain session of alice's."""
    return Window([*LNODE, "unity", name, "--login", *words], rig.env(**env))


def shell_of(window: Window) -> str:
    """The pid of the shell in the session, as it says itself; so keys and screen work.

    Typed once more where nothing came: on a busy machine a heartbeat may be late, and then keys are not sent.
    """
    window.wait_for("$")
    number = next(_sums)
    for last in (False, True):
        window.press(f"\x15echo shell{number} is $$ here\r")
        try:
            return window.find(rf"^shell{number} is (\d+) here", within_s=10)[1]
        except AssertionError:
            if last:
                raise
    raise AssertionError


def settle(rig: Rig, wire: Wire, *, lnodes: int = 1, connections: int = 2, hearts: int = 1) -> None:
    """Wait until each lnode has its terminal and a heart that beats: from then on none of them dials or drops keys.

    `connections` and `hearts` are those of one lnode: less where the link rides on the terminal, or there is none.
    """
    try:
        wait_until(
            lambda: is_settled(rig, wire, lnodes=lnodes, connections=connections, hearts=hearts),
            "terminals, hearts and no more", within_s=60,
        )  # fmt: skip
    except TimeoutError as late:
        late.add_note(f"{wire.carries} connections; {_hearts(rig, lnodes)} hearts; on the host:")
        late.add_note(rig.exec("ps -eo ppid,pid,lstart,args --forest | cut -c1-150; tmux list-clients")[1])
        history = rig.home / ".local" / "state" / "lnode" / "history.jsonl"
        late.add_note(f"on the laptop:\n{history.read_text()[-2000:]}")
        raise


def seen(rig: Rig, name: str, alias: str = "unity") -> None:
    """Wait until lnode knows that the session is there: of one that it never saw it could not say that it has ended."""
    history = rig.home / ".local" / "state" / "lnode" / "history.jsonl"
    row = f'"{alias}", "{name}", "the session is on '
    wait_until(lambda: history.exists() and row in history.read_text(), f"{name} is seen", within_s=60)


def is_settled(rig: Rig, wire: Wire, *, lnodes: int = 1, connections: int = 2, hearts: int = 1) -> bool:
    """What settle() waits for."""
    return wire.carries == connections * lnodes and _hearts(rig, lnodes) >= hearts * lnodes


def _hearts(rig: Rig, lnodes: int) -> int:
    """Heartbeats that are younger than the oldest terminal; those of a connection that was cut may linger.

    None as long as there is a ghost among the clients: its heart may linger too.
    """
    terminals = "for pid in $(tmux list-clients -F '#{client_pid}'); do ps -o ppid= -p $pid; done"
    # By when they began (proc(5): the 22nd field, ticks since boot), not by their pids, which start again at their end.
    began = 'for pid in $({}); do cut -d" " -f22 /proc/$pid/stat 2>/dev/null; done'.format
    hearts = began("pgrep -fx 'cat -u'")
    windows, _, beating = rig.exec(f"{began(terminals)}; echo and; {hearts}")[1].partition("and")
    if len(windows.split()) != lnodes:
        return -1
    oldest = min(map(int, windows.split()))
    return sum(int(heart) > oldest for heart in beating.split())


def returned(rig: Rig, wire: Wire, window: Window, shell: str, **parts: int) -> None:
    """Wait until the session is back; the notice has to go, the shell to be the same, and keys to reach it."""
    window.wait_without(NOTICE, within_s=60)
    settle(rig, wire, **parts)
    assert shell_of(window) == shell


def children(window: Window) -> dict[int, str]:
    """The processes that the window's lnode has started: pid -> argv."""
    return children_of(window.process.pid)


def children_of(parent: int | None) -> dict[int, str]:
    """The processes that one has started, or init has taken over (1): pid -> argv."""
    rows = subprocess.run(["ps", "-A", "-o", "ppid=,pid=,args="], capture_output=True, text=True, check=True).stdout
    found = (row.split(maxsplit=2) for row in rows.splitlines())
    return {int(pid): argv for above, pid, argv in found if int(above) == parent}


def clients(rig: Rig, name: str) -> list[str]:
    """The ttys of the session's tmux clients."""
    return rig.exec(f"tmux list-clients -t {name} -F '#{{client_tty}}'")[1].split()


def leave(rig: Rig, wire: Wire, window: Window, **parts: int) -> None:
    """Ctrl-b d, as every test ends that ends attached: back at the prompt, and not one more login.

    Dials would not do: on a busy machine a heartbeat may be late, and its host knocked at.
    """
    settle(rig, wire, **parts)
    logins = rig.sshd_log().count("Accepted ")
    window.leave()
    assert "lnode: detached; " in window.text()
    assert rig.sshd_log().count("Accepted ") == logins
