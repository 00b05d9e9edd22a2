"""The network under the laptop goes and comes: interface down, another address, long silence. Root only, on Linux."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from faults import NOTICE, shell_of
from net import Laptop
from rig import Rig, configured, wait_until
from window import LNODE, Window

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("ip") or not os.path.exists("/dev/net/tun"),
    reason="making a network takes root, ip and /dev/net/tun",
)

Fault = Callable[[Laptop], AbstractContextManager[None]]
FAULTS: dict[str, tuple[Fault, str]] = {
    "interface down": (Laptop.interface_down, "no network"),
    "new address": (Laptop.new_address, "no network"),
    "packets lost": (Laptop.silence, "unity silent for "),
}


@contextmanager
def laptop_of(slurm: Rig) -> Iterator[Laptop]:
    server = int(slurm.container.attrs["State"]["Pid"])
    with (
        Laptop(f"net{os.getpid() % 100000}", 1, server, delay_s=0.005) as laptop,
        configured(slurm, f"Host *\n    HostName {laptop.host}\n    Port 22\n"),
    ):
        yield laptop


@pytest.mark.parametrize(("fault", "given_up"), [*((fault, False) for fault in FAULTS), ("new address", True)])
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
        assert "lnode: detached; roaming runs on login1" in window.text()


def test_the_kind_of_address_that_answers_is_the_one_that_is_dialled(slurm: Rig, tmp_path: Path) -> None:
    """ssh itself would wait for IPv6 first, until its ConnectTimeout is over."""
    hosts = tmp_path / "hosts"
    with laptop_of(slurm) as laptop, configured(slurm, "Host *\n    HostName cluster.test\n"):
        hosts.write_text(f"fd00:88:1::1 cluster.test\n{laptop.host} cluster.test\n")
        here = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]  # in a mount namespace of its own
        with Window(laptop.argv(*here, *LNODE, "unity", "dual", "--login"), slurm.env()) as window:
            shell = shell_of(window)
            wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
            with laptop.silence():
                wait_until(lambda: not any(_is_ssh(pid) for pid in laptop.pids()), "the terminal is given up")
                laptop.add_a_way_to_nowhere()
            window.wait_without(NOTICE, within_s=60)
            assert shell_of(window) == shell
            assert any(b"AddressFamily=inet" in _argv(pid) for pid in laptop.pids())
            wait_until(lambda: slurm.exec("pgrep -fx 'cat -u'")[0] == 0, "the heart beats")
            window.detach()
            assert window.exit_status() == 0


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
