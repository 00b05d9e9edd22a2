"""The silent master beside the terminals of a host: one login for all that follows, and the standby at the return."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from faults import NOTICE, laptop_of, shell_of
from net import Laptop
from rig import Rig, wait_until, with_settings
from sites import wait_for_s
from window import LNODE, Window

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"),
    reason="making a network takes root, ip and /dev/net/tun",
)


class Site:
    """A laptop whose key is enough, in front of a rig. `logins` are those since the site was made."""

    def __init__(self, rig: Rig, laptop: Laptop) -> None:
        self.rig, self.laptop = rig, laptop
        self._before = self._accepted()

    def _accepted(self) -> int:
        return self.rig.sshd_log().count("Accepted publickey ")

    @property
    def log(self) -> str:
        return self.rig.sshd_log()

    @property
    def logins(self) -> int:
        return self._accepted() - self._before

    def has(self, logins: int) -> bool:
        return self.logins >= logins

    def window(self, name: str, *words: str) -> Window:
        return Window(self.laptop.argv(*LNODE, "unity", name, "--login", *words), self.rig.env())

    def asks(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.laptop.argv(*LNODE, "unity", *words), env=self.rig.env(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def standbys(self) -> list[int]:
        """The masters that listen."""
        return self.rig.masters()

    def stands(self) -> int:
        """Wait until one stands by, and return it."""
        noted = self.rig.socket_folder
        wait_until(lambda: len(self.standbys()) == 1 and any(noted.glob("*.from")), "a master stands by", within_s=90)
        return self.standbys()[0]

    def terminal(self) -> str:
        """The words of the terminal's ssh."""
        return next((words for words in self._sshs() if " -t " in words), "")

    def rests(self) -> None:
        """Wait until nothing new was asked for a while: a question in a silence would delay the standby."""
        self.stands()
        began, asked = time.monotonic(), list[str]()
        while time.monotonic() < began + 3:
            now = sorted(words for words in self._sshs() if " -T " in words)
            if now != asked:
                began, asked = time.monotonic(), now
            time.sleep(0.1)

    def _sshs(self) -> Iterator[str]:
        for pid in self.laptop.pids():
            with suppress(OSError):
                argv = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                if argv[0].endswith("ssh"):
                    yield " ".join(argv)


def silence(site: Site, window: Window, seconds: str) -> None:
    """Let the network be silent until the notice says so many seconds.

    A key is on its way, so the old terminal cannot go on.
    """
    with site.laptop.silence():
        window.press(" ")
        window.find(rf"unity silent for (?:{seconds}) s")
    window.wait_without(NOTICE, within_s=60)


@pytest.fixture
def site(slurm: Rig) -> Iterator[Site]:
    with with_settings(slurm, ""), laptop_of(slurm) as laptop:
        assert Site(slurm, laptop).asks("--ls").returncode == 0  # so lnode knows that the key is enough
        yield Site(slurm, laptop)  # counts from here on


@pytest.fixture
def far(slurm: Rig) -> Iterator[Site]:
    """One that is some milliseconds away."""
    with with_settings(slurm, ""), laptop_of(slurm, delay_s=0.03) as laptop:
        assert Site(slurm, laptop).asks("--ls").returncode == 0
        yield Site(slurm, laptop)


def test_one_login_beside_the_terminals_serves_all_that_follows(site: Site) -> None:
    with site.window("first") as first:
        shell_of(first)
        site.stands()
        assert site.logins == 2
        with site.window("second") as second:
            shell_of(second)
            second.detach()
            assert second.exit_status() == 0
            assert "lnode: detached; second " in second.text()
        assert re.findall(r"^(\w+) +login", site.asks("--ls").stdout, re.MULTILINE) == ["first", "second"]
        assert site.asks("second", "--kill", "--yes").returncode == 0
        assert site.logins == 2
        first.detach()
        assert first.exit_status() == 0
    (standby,) = site.standbys()
    assert site.asks("--close").stderr == "lnode: the connection to unity is closed; sessions go on there\n"
    wait_until(lambda: standby not in site.standbys(), "it has ended")
    assert site.logins == 2


def test_a_lost_terminal_comes_back_over_the_standby(far: Site) -> None:
    """Another login begins beside the standby, and is given up. On a busy machine that may be faster."""
    with far.window("lost") as window:
        shell = shell_of(window)
        for _ in range(4):
            far.rests()
            before, logins = far.terminal(), far.logins
            silence(far, window, r"1[2-9]|[2-9]\d")
            assert shell_of(window) == shell
            if far.terminal() != before and "ControlPath=/" in far.terminal():
                assert far.logins == logins
                break
        assert "ControlPath=/" in far.terminal()
        window.leave()


def test_a_laptop_that_wakes_with_its_network_tries_the_standby_at_once(far: Site) -> None:
    """On a busy machine that may be too slow, and a login of its own faster."""
    with far.window("woken") as window:
        shell = shell_of(window)
        for _ in range(4):
            far.rests()
            logins = far.logins
            print_on(window)
            with far.laptop.asleep(forgotten=False):
                wait_for_s(7)
            print_no_more(window)
            assert shell_of(window) == shell
            if far.logins == logins and "ControlPath=/" in far.terminal():
                break
        assert "ControlPath=/" in far.terminal()
        window.leave()


def test_a_laptop_that_wakes_before_its_network_is_back_with_it(far: Site) -> None:
    with far.window("early") as window:
        shell = shell_of(window)
        far.rests()
        print_on(window)
        with far.laptop.silence():
            with far.laptop.stopped():
                wait_for_s(7)
            window.wait_again("lnode: reconnecting to unity")
            wait_for_s(2)
        print_no_more(window)
        assert shell_of(window) == shell
        window.leave()


def print_on(window: Window) -> None:
    """Let the session print until Enter: what it prints as a laptop goes to sleep comes late.

    TCP repeats that ever more rarely.
    """
    window.press("clear; until read -t 0.1; do echo up; done\r")
    window.find("^up$")


def print_no_more(window: Window) -> None:
    """Press Enter until it is heard: keys before the connection is back are not sent."""

    def is_heard() -> bool:
        window.press("\r")
        return re.search(r"\$ *$", window.look(), re.MULTILINE) is not None

    wait_until(is_heard, "the prompt", within_s=90)


def test_a_standby_that_is_silent_costs_no_more_than_a_moment(site: Site) -> None:
    with site.window("late") as window:
        shell = shell_of(window)
        dead = site.stands()
        os.kill(dead, signal.SIGSTOP)
        silence(site, window, r"[6-9]|\d\d+")
        assert shell_of(window) == shell
        wait_until(lambda: site.standbys() not in ([], [dead]), "another master stands by", within_s=90)
        wait_until(lambda: site.logins == 4 and dead not in site.standbys(), "the dead one is gone")
        window.leave()


def test_beside_a_standby_that_may_be_dead_another_login_begins(far: Site) -> None:
    """sshd may give up in a silence that is long enough, and only TCP would tell, much later."""
    with far.window("spare", "-v") as window:
        shell = shell_of(window)
        dead = far.stands()
        os.kill(dead, signal.SIGSTOP)
        silence(far, window, r"1[2-9]|[2-9]\d")
        assert shell_of(window) == shell
        wait_until(
            lambda: far.logins == 4 and dead not in far.standbys(), "terminal and standby, once each", within_s=90
        )
        window.detach()
        assert window.exit_status() == 0
        assert "the standby is silent: a login that has begun beside it goes on" in window.text()


def test_lines_are_short_as_long_as_the_host_has_their_script(site: Site) -> None:
    with site.window("short") as window:
        shell = shell_of(window)
        site.stands()
        noted = site.rig.socket_folder
        wait_until(lambda: any(noted.glob("*.has")), "the host has the scripts", within_s=90)
        assert re.findall(r"^(\w+) +login", site.asks("--ls").stdout, re.MULTILINE) == ["short"]
        with site.laptop.reset():
            window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        assert "/lnode/scripts/" in site.terminal()
        site.rig.exec("cd ~/.local/state/lnode && rm -r scripts && touch scripts")
        assert re.findall(r"^(\w+) +login", site.asks("--ls").stdout, re.MULTILINE) == ["short"]
        with site.laptop.reset():
            window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        assert "/lnode/scripts/" not in site.terminal()
        site.rig.exec("rm ~/.local/state/lnode/scripts")
        window.leave()


def test_a_new_address_costs_one_terminal_and_one_standby(site: Site) -> None:
    with site.window("moved") as window:
        shell = shell_of(window)
        dead = site.stands()
        with site.laptop.new_address():
            window.wait_for("no network")
        window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        wait_until(lambda: site.logins == 4 and dead not in site.standbys(), "another master stands by", within_s=90)
        window.leave()


@pytest.mark.full
@pytest.mark.timeout(1500)
def test_the_logins_of_a_day(site: Site) -> None:
    """Of 10 attaches, 50 questions and 20 drops no question signs in; a drop may twice, for terminal and standby."""
    with site.window("day") as day:
        shell = shell_of(day)
        site.stands()
        began = site.logins
        for _ in range(50):
            assert site.asks("--ls").returncode == 0
        assert site.logins == began == 2, "questions ride on the standby"
        for number in range(9):
            with site.window(f"visit{number}") as visit:
                shell_of(visit)
                visit.leave()
        visits = site.logins - began
        for _ in range(20):
            silence(site, day, r"[4-9]|\d\d+")
            site.stands()
        assert shell_of(day) == shell
        drops = site.logins - began - visits
        day.leave()
    print(
        f"logins of a day: {began} for the first attach, {visits} for 9 more, {drops} for 20 drops, 0 for 50 questions"
    )
    assert visits <= 9 and drops <= 40
