"""The kernel tells of routes, addresses and clocks, and of the first key after a while."""

import asyncio
import os
import pty
import shutil
import subprocess
import sys
import tty
from collections.abc import Iterator

import pytest

from lnode.attach import quiet
from lnode.attach.quiet import Quiet
from lnode.reconnect.watches import Watches, clock_file, routes_file

DEADLINE_S = 30.0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells it so")

ROUTES = """
import asyncio, subprocess
from lnode.reconnect.watches import Watches

async def main():
    stirred = asyncio.Event()
    watches = Watches(stirred.set)
    for words in ("link set lo up", "addr add 10.9.8.7/24 dev lo", "route add 10.1.0.0/16 via 10.9.8.8",
                  "-6 addr add fd00::7/64 dev lo", "addr del 10.9.8.7/24 dev lo"):
        stirred.clear()
        subprocess.run(["ip", *words.split()], check=True)
        await asyncio.wait_for(stirred.wait(), 30)
    watches.close()
    print("told")

asyncio.run(main())
"""


def test_each_change_of_routes_and_addresses_is_told() -> None:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("needs root, ip and unshare, to make a network of its own")
    argv = ["unshare", "-n", sys.executable, "-c", ROUTES]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("this kernel makes no network namespace")
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr


def test_nothing_is_left_open() -> None:
    async def scenario() -> None:
        before = os.listdir("/dev/fd")
        watches = Watches(lambda: None)
        watches.close()
        assert len(os.listdir("/dev/fd")) == len(before)

    asyncio.run(scenario())


def test_a_system_without_such_files_is_looked_at_now_and_then() -> None:
    assert routes_file("cygwin") is None
    assert clock_file("darwin") is None


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Your end of a terminal, and that of its programs."""
    yours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield yours, theirs
    os.close(yours)
    os.close(theirs)


def test_a_key_ends_the_quiet(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The time at which a program read it counts; output does not."""
    _, theirs = terminal
    monkeypatch.setattr(quiet.time, "time", lambda: os.fstat(theirs).st_mtime + 400)

    async def scenario() -> None:
        told: list[None] = []
        hears = Quiet(lambda: told.append(None), tty=theirs, platform="other")
        hears._heard_at = 0.0
        os.utime(theirs, (os.fstat(theirs).st_mtime - 1000,) * 2)
        assert hears.seconds() == 400
        assert hears.calm_s() == 2
        assert hears.beat_s() == 15
        os.utime(theirs, (os.fstat(theirs).st_mtime + 399, os.fstat(theirs).st_mtime))
        assert hears.calm_s() == 0
        assert told == [None]
        assert hears.beat_s() == 1
        hears.close()

    asyncio.run(scenario())


@LINUX
def test_the_first_key_after_a_while_is_told(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    yours, theirs = terminal
    monkeypatch.setattr(quiet, "_LONG_S", 0.0)

    async def scenario() -> None:
        typed = asyncio.Event()
        hears = Quiet(typed.set, tty=theirs)
        assert hears.calm_s() == 10
        os.write(theirs, b"output is no key")
        os.write(yours, b"x")
        assert not typed.is_set()
        assert os.read(theirs, 1) == b"x"
        await asyncio.wait_for(typed.wait(), DEADLINE_S)
        assert hears.beat_s() == 1
        hears.close()

    asyncio.run(scenario())
