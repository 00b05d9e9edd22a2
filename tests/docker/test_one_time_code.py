"""A site that wants a key and a one-time code: one code for everything, and none that nobody asked for."""

import json
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from faults import QUIET_S, attached, clients, leave, returned, settle, shell_of, wired
from forwarded import ports
from full import FULL
from rig import Rig, wait_until
from sites import SIGN_IN, Codes, as_delivered, in_a_pipe, logged, logins, noted, wait_for_s, with_codes
from window import LNODE, Window
from wire import Wire


class Site(NamedTuple):
    """Alice's site, the wire to it, and her token."""

    rig: Rig
    wire: Wire
    codes: Codes


@pytest.fixture
def site(slurm: Rig) -> Iterator[Site]:
    """Nothing is known of it yet: with the wire's port it is another one each time."""
    with as_delivered(slurm), with_codes(slurm) as codes, wired(slurm) as wire:
        yield Site(slurm, wire, codes)


def sign_in_once(site: Site, name: str) -> None:
    """Attach, and detach: from here on the site is known to want somebody, and a connection is there."""
    with attached(site.rig, name) as window:
        site.codes.sign_in(window)
        shell_of(window)
        leave(site.rig, site.wire, window, connections=1)


def names(said: subprocess.CompletedProcess[str]) -> list[str]:
    """The sessions in an answer of `--ls --json`."""
    assert (said.returncode, said.stderr) == (0, "")
    return [entry["name"] for entry in json.loads(said.stdout)["sessions"]]


def ours(rig: Rig) -> set[str]:
    """Every ssh of this laptop's, and every socket, also those that an earlier test has left to end by themselves."""
    rows = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout.splitlines()
    sockets = {str(path) for path in rig.socket_folder.glob("*") if path.is_socket()}
    return {row for row in rows if str(rig.folder) in row} | sockets


def test_one_code_for_everything(site: Site) -> None:
    rig, wire, codes = site
    accepted, failed = logins(rig)
    with attached(rig, "first") as window:
        codes.sign_in(window)
        shell = shell_of(window)
        settle(rig, wire, connections=1)
        with attached(rig, "second") as second:
            shell_of(second)
            second.detach()
            assert second.exit_status() == 0
            assert Codes.PROMPT.encode() not in second.raw
        assert names(in_a_pipe(rig, "unity", "--ls", "--json")) == ["first", "second"]
        with ports(rig, "second") as open_:
            assert open_.says().endswith(" is port 8888 of login1; Ctrl-C ends\n")
        assert in_a_pipe(rig, "unity", "second", "--kill", "--yes").returncode == 0
        leave(rig, wire, window, connections=1)
    assert names(in_a_pipe(rig, "unity", "--ls", "--json")) == ["first"]
    with attached(rig, "first") as window:
        assert shell_of(window) == shell
        leave(rig, wire, window, connections=1)
        assert Codes.PROMPT.encode() not in window.raw
    assert logins(rig) == (accepted + 1, failed)


def test_close_forgets_the_sign_in(site: Site) -> None:
    rig, wire, _ = site
    accepted, failed = logins(rig)
    before = ours(rig)
    sign_in_once(site, "closed")
    assert ours(rig) - before
    done = in_a_pipe(rig, "unity", "--close")
    assert (done.returncode, done.stderr) == (0, "lnode: the connection to unity is closed; sessions go on there\n")
    assert ours(rig) <= before
    wait_until(lambda: wire.carries == 0, "the connection is over")
    assert logins(rig) == (accepted + 1, failed)
    sign_in_once(site, "closed")
    assert logins(rig) == (accepted + 2, failed)


@pytest.mark.timeout(600)
def test_after_a_drop_nothing_is_tried_until_a_key_is_pressed(site: Site) -> None:
    rig, wire, codes = site
    accepted, failed = logins(rig)
    with attached(rig, "dropped") as window:
        codes.sign_in(window)
        shell = shell_of(window)
        settle(rig, wire, connections=1)
        wire.reset()
        window.wait_for(SIGN_IN)
        dials = wire.dials
        wait_for_s(300 if FULL else QUIET_S)
        assert wire.dials == dials
        assert logins(rig) == (accepted + 1, failed)
        window.press("r")
        codes.sign_in(window)
        returned(rig, wire, window, shell, connections=1)
        assert len(clients(rig, "dropped")) == 1
        leave(rig, wire, window, connections=1)
    assert logins(rig) == (accepted + 2, failed)


@pytest.mark.parametrize("words", [("--ls", "--json"), ("asked", "--kill", "--yes")])
def test_where_nobody_is_nothing_is_tried(site: Site, words: tuple[str, ...]) -> None:
    rig, wire, codes = site
    sign_in_once(site, "asked")
    in_a_pipe(rig, "unity", "--close")
    before, dials = logins(rig), wire.dials
    done = in_a_pipe(rig, "unity", *words)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.splitlines() == [
        "lnode: unity needs you to sign in",
        "hint:  sign in once in a terminal, then ask again: lnode unity; more: lnode --guide sign-in",
    ]
    assert (logins(rig), wire.dials) == (before, dials)
    with Window([*LNODE, "unity", "--ls"], rig.env()) as window:
        codes.sign_in(window)
        assert window.exit_status() == 0, window.text()
    assert names(in_a_pipe(rig, "unity", "--ls", "--json")) == ["asked"]
    assert logins(rig) == (before[0] + 1, before[1])


def test_a_script_that_asks_again_and_again_is_refused_once(site: Site) -> None:
    """Of a site that nobody has ever signed in to from here."""
    rig, wire, _ = site
    accepted, failed = logins(rig)
    assert in_a_pipe(rig, "unity", "--ls").returncode == 5
    wait_until(lambda: logins(rig) == (accepted, failed + 1), "sshd has noted it")
    dials = wire.dials
    for _ in range(3):
        assert in_a_pipe(rig, "unity", "--ls").returncode == 5
    assert (logins(rig), wire.dials) == ((accepted, failed + 1), dials)


def test_wrong_codes(site: Site) -> None:
    """As many as ssh asks for, each typed by a person; after them lnode asks for nothing by itself."""
    rig, wire, codes = site
    wrong = logged(rig, "Failed keyboard-interactive")
    with attached(rig, "wrong") as window:
        mistype(window, 3)
        assert window.exit_status() == 5
        assert f"lnode: unity (127.0.0.1 port {wire.port}) refused the login" in window.text()
    assert (noted(rig, "Failed keyboard-interactive", wrong + 3), wire.dials) == (wrong + 3, 1)
    with attached(rig, "wrong") as window:
        mistype(window, 1)
        codes.sign_in(window)
        shell = shell_of(window)
        settle(rig, wire, connections=1)
        wire.reset()
        window.wait_for(SIGN_IN)
        window.press("r")
        mistype(window, 3)
        window.wait_again(f"{SIGN_IN}  ")
        wait_for_s(3)
        assert logged(rig, "Failed keyboard-interactive") == wrong + 7
        window.press("r")
        codes.sign_in(window)
        returned(rig, wire, window, shell, connections=1)
        leave(rig, wire, window, connections=1)
    assert logged(rig, "Failed keyboard-interactive") == wrong + 7


def mistype(window: Window, times: int) -> None:
    """Answer ssh's next questions with something that is no code."""
    for _ in range(times):
        window.wait_again(Codes.PROMPT)
        window.press("nocode\r")
