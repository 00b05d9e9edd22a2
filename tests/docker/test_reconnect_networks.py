"""The network under the laptop goes and comes: interface down, another address, long silence. Root only, on Linux."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from faults import NOTICE, laptop_of, shell_of
from forwarded import free_port
from full import FULL
from net import Laptop
from rig import Rig, configured, wait_until
from sites import SIGN_IN, sshd_with, wait_for_s, without_key
from window import LNODE, Window

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"),
    reason="making a network takes root, ip and /dev/net/tun",
)

BANNED = "activating .* penalty|drop connection"  # sshd's words; a deferred penalty keeps nobody out

Fault = Callable[[Laptop], AbstractContextManager[None]]
FAULTS: dict[str, tuple[Fault, str]] = {
    "interface down": (Laptop.interface_down, "no network"),
    "new address": (Laptop.new_address, "no network"),
    "packets lost": (Laptop.silence, "unity silent for "),
}


Dual = tuple[Laptop, list[str]]


@pytest.fixture
def dual(slurm: Rig, tmp_path: Path) -> Iterator[Dual]:
    """A laptop for which the host's name has an IPv6 address, too; the words before a program that sees it so."""
    hosts = tmp_path / "hosts"
    with laptop_of(slurm) as laptop, configured(slurm, "Host *\n    HostName cluster.test\n"):
        hosts.write_text(f"127.0.0.1 localhost\nfd00:88:1::1 cluster.test\n{laptop.host} cluster.test\n")
        here = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]  # in a mount namespace of its own
        yield laptop, here


_AWAY = [("new address", True)] if FULL else []


@pytest.mark.parametrize(("fault", "given_up"), [*((fault, False) for fault in FAULTS), *_AWAY])
def test_a_network_that_goes_and_comes(slurm: Rig, fault: str, given_up: bool) -> None:
    happens, notice = FAULTS[fault]
    with (
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "roaming", "--login"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        with happens(laptop):
            window.wait_for(notice)
            if given_up:
                wait_until(lambda: not any(_is_ssh(pid) for pid in laptop.pids()), "the terminal is given up")
        window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        window.detach()
        assert window.exit_status() == 0
        assert "lnode: detached; roaming " in window.text()  # without its node if the link is not back yet


@pytest.mark.full
def test_the_old_terminal_goes_on_if_its_connection_carries_again(slurm: Rig) -> None:
    """On a busy machine it may answer too late, and is replaced then."""
    with (
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "old", "--login"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        for _ in range(4):
            wait_until(lambda: len(_connections(laptop)) == 2, "terminal and link", within_s=90)
            (ssh,) = _sshs(laptop)
            _wait_for_silence(window)
            with laptop.silence():
                window.find(r"unity silent for (?:[6-9]|\d\d+) s")
            window.wait_without(NOTICE, within_s=60)
            window.wait_for(f"is {shell} here")  # drawn anew below the notice
            assert shell_of(window) == shell
            if _sshs(laptop) == [ssh]:
                break
        assert _sshs(laptop) == [ssh]
        rows = slurm.exec("tmux display -p -t old '#{window_height}'")[1]
        assert rows == "29\n"
        window.leave()


def test_the_kind_of_address_that_answers_is_the_one_that_is_dialled(slurm: Rig, dual: Dual) -> None:
    """ssh itself would wait for IPv6 first, until its ConnectTimeout is over."""
    laptop, here = dual
    with Window(laptop.argv(*here, *LNODE, "unity", "dual", "--login"), slurm.env()) as window:
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        with laptop.new_address():
            window.wait_for("no network")
            laptop.add_a_way_to_nowhere()
        window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        assert _dials_by_ipv4(laptop)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        window.leave()


def test_a_first_attach_leaves_an_address_that_is_silent(slurm: Rig, dual: Dual) -> None:
    laptop, here = dual
    laptop.add_a_way_to_nowhere()
    with Window(laptop.argv(*here, *LNODE, "unity", "hole", "--login"), slurm.env()) as window:
        shell_of(window)
        assert _dials_by_ipv4(laptop)
        window.leave()


@pytest.mark.parametrize(("verb", "shown"), [("-L", "; Ctrl-C ends"), ("--wait-for", "waiting for dual")])
def test_other_verbs_dial_the_kind_of_address_that_has_answered(slurm: Rig, dual: Dual, verb: str, shown: str) -> None:
    laptop, here = dual
    slurm.exec("tmux new-session -d -s dual")
    words = {"-L": str(free_port()), "--wait-for": "the end"}
    with Window(laptop.argv(*here, *LNODE, "unity", "dual", verb, words[verb]), slurm.env()) as window:
        window.wait_for(shown)
        laptop.add_a_way_to_nowhere()
        with laptop.reset():
            window.find("trying again|waiting goes on")
        wait_until(lambda: _dials_by_ipv4(laptop), "ssh dials again, by IPv4")
        if verb == "--wait-for":
            slurm.exec("tmux send-keys -t dual 'echo the e''nd' Enter")
        else:
            window.find(r"trying again\nlnode: localhost:\d+ is port ")
            window.press("\x03")
        assert window.exit_status() == (130 if verb == "-L" else 0)


def test_a_network_that_forgets_the_terminal_alone(slurm: Rig) -> None:
    """Once a key has gone out the silence is the terminal's, though the link beats on; ssh itself needs 90 s."""
    with (
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "forgotten", "--login"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        (ssh,) = _sshs(laptop)
        laptop.forget("ssh")
        window.press(" ")
        wait_until(lambda: ssh not in _sshs(laptop), "the terminal is replaced", within_s=60)
        window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        window.detach()
        assert window.exit_status() == 0


@pytest.mark.full
def test_a_silent_link_does_not_end_a_terminal_that_answers(slurm: Rig) -> None:
    """As where the link has landed on another login node, and that one hangs."""
    with (
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "well", "--login", "-v"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        (ssh,) = _sshs(laptop)
        logins = slurm.sshd_log().count("Accepted ")
        laptop.forget("python")
        wait_until(lambda: slurm.sshd_log().count("Accepted ") > logins, "another link", within_s=60)
        assert shell_of(window) == shell
        assert _sshs(laptop) == [ssh]
        window.detach()
        assert window.exit_status() == 0
        assert "and the terminal's own connection answers" in window.text()
        assert "silent for" not in window.text().replace("link: silent for", "")


@pytest.mark.skipif(not FULL, reason="half a minute: LNODE_FULL=1")
def test_many_windows_through_one_outage(slurm: Rig) -> None:
    """All are back soon, and few connections leave before their login: sshd 9.8 bans the address for those."""
    with laptop_of(slurm) as laptop, ExitStack() as closing:
        windows = [
            closing.enter_context(Window(laptop.argv(*LNODE, "unity", f"w{number}", "--login"), slurm.env()))
            for number in range(8)
        ]
        shells = [shell_of(window) for window in windows]
        wait_until(lambda: len(slurm.exec("pgrep -fx 'cat -u'")[1].split()) == len(windows), "all hearts beat")
        before = slurm.sshd_log()
        with laptop.silence():
            end = time.monotonic() + 20
            while time.monotonic() < end:
                windows[0].look()
                time.sleep(0.1)
        returned = time.monotonic()
        took = []
        for window in windows:
            window.wait_without(NOTICE, within_s=60)
            took.append(time.monotonic() - returned)
        assert [shell_of(window) for window in windows] == shells
        log = slurm.sshd_log()[len(before) :]
        dials, logins = log.count("Connection from "), log.count("Accepted publickey ")
        print(f"back after {max(took):.1f} s; {dials} connections, {logins} logins")
        assert max(took) < 20
        assert logins <= 2 * len(windows)
        assert dials - logins <= 40
        assert not re.search(BANNED, log)
        for window in windows:
            window.leave()


@pytest.mark.full
@pytest.mark.parametrize("turn", ["a key that is refused", "open ports, and no answer"])
def test_an_sshd_with_its_default_penalties_bans_no_laptop(slurm: Rig, turn: str) -> None:
    """sshd 9.8 and later counts what fails before its login by address, and turns the address away at 15 s."""
    if "persourcepenalties crash" not in slurm.exec("sshd -T", "root")[1]:
        pytest.skip("this sshd has no penalties: it is older than 9.8")
    with (
        sshd_with(slurm, ""),  # which forgets what others have done
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "counted", "--login"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        before = slurm.sshd_log()
        if turn == "a key that is refused":
            with without_key(slurm):
                with laptop.reset():
                    window.wait_for(NOTICE)
                window.wait_for(SIGN_IN)
                wait_for_s(30)
            window.press("r")
        else:
            slurm.exec("kill -STOP $(cat /run/sshd.pid)", "root")
            try:
                with laptop.reset():
                    window.wait_for(NOTICE)
                wait_for_s(120)
            finally:
                slurm.exec("kill -CONT $(cat /run/sshd.pid)", "root")
        window.wait_without(NOTICE, within_s=60)
        assert shell_of(window) == shell
        log = slurm.sshd_log()[len(before) :]
        assert "Accepted publickey " in log
        assert not re.search(BANNED, log)
        window.leave()


def test_an_account_whose_processes_wait_keeps_its_terminal(slurm: Rig) -> None:
    """As if its processor time is capped: the link's `cat` waits, and the kernel of the terminal's node does not."""
    with (
        laptop_of(slurm) as laptop,
        Window(laptop.argv(*LNODE, "unity", "capped", "--login", "-v"), slurm.env()) as window,
    ):
        shell = shell_of(window)
        wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
        wait_until(lambda: len(_connections(laptop)) == 2, "the link is open")
        (ssh,) = _sshs(laptop)
        assert slurm.exec("pkill -STOP -fx 'cat -u'")[0] == 0

        def is_given_up() -> bool:
            """Its connection is gone; or, if it rides on the silent master of earlier tests, another heart beats."""
            window.look()
            return len(_connections(laptop)) < 2 or len(slurm.exec("pgrep -fx 'cat -u'")[1].split()) > 1

        wait_until(is_given_up, "the link is given up", within_s=150)  # where nobody types the heart beats less often
        assert shell_of(window) == shell
        assert _sshs(laptop) == [ssh]
        window.detach()
        assert window.exit_status() == 0
        assert "and the terminal's own connection answers" in window.text()


def _connections(laptop: Laptop) -> list[str]:
    rows = subprocess.run(laptop.argv("ss", "-tnH", "state", "established"), capture_output=True, text=True, check=True)
    return rows.stdout.splitlines()


def _wait_for_silence(window: Window) -> None:
    """Wait until the host has printed nothing for a while: what it prints into an outage it sends late, and again."""
    before, since = -1, 0.0
    while len(window.raw) > before or time.monotonic() < since + 5:
        if len(window.raw) > before:
            before, since = len(window.raw), time.monotonic()
        window.look()
        time.sleep(0.1)


def _dials_by_ipv4(laptop: Laptop) -> bool:
    return any(b"AddressFamily=inet" in _argv(pid) for pid in _sshs(laptop))


def _sshs(laptop: Laptop) -> list[int]:
    return [pid for pid in laptop.pids() if _is_ssh(pid)]


def _argv(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _is_ssh(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read() == "ssh\n"
    except OSError:
        return False
