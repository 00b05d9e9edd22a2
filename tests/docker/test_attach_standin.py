"""What lnode asks of tmux and of the site's command, word for word: stand-ins on the host record it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from full import FULL
from rig import Rig, configured, wait_until
from shells import script_in
from sites import LISTENING
from window import LNODE, Window

CROWD = 20 if FULL else 8  # attaches


def calls(standin: Rig, verb: str) -> list[list[str]]:
    """The recorded argument lists of tmux that contain a verb."""
    return [call["argv"] for call in standin.recorded("tmux") if verb in call["argv"]]


def in_pane(command: str) -> str:
    """Return the script that a pane runs, with its request."""
    return script_in(command).decode()


def test_first_creates_with_the_livenode_request_and_second_only_attaches(standin: Rig) -> None:
    with Window([*LNODE, "unity", "myproject"], standin.env()) as first:
        wait_until(lambda: bool(standin.recorded("sinteractive")), "sinteractive runs")
        first.detach()
        assert first.exit_status() == 0
    (created,) = calls(standin, "new-session")
    at = created.index("new-session")
    assert created[at : at + 3] == ["new-session", "-s", "myproject"]
    assert "'sinteractive -m 48000 -t 72:00:00; " in in_pane(created[at + 3])
    assert standin.recorded("sinteractive")[0]["argv"][-4:] == ["-m", "48000", "-t", "72:00:00"]

    before = len(standin.recorded("tmux"))
    with Window([*LNODE, "unity", "myproject"], standin.env()) as second:
        second.wait_for("$")
        second.detach()
        assert second.exit_status() == 0
    verbs = [call["argv"][1] for call in standin.recorded("tmux")[before:]]
    del verbs[: verbs.index("attach-session")]  # what the first one's link had still asked
    # attach; then whose detach it was, and the mark taken back; then the link's look at what runs
    assert verbs[0] == "attach-session"
    assert set(verbs) == {"attach-session", "list-sessions", "show-options", "list-clients", "set-option"}
    assert any("list-panes" in call["argv"] for call in standin.recorded("tmux")[before:])
    assert verbs.count("attach-session") == 1
    assert len(standin.recorded("sinteractive")) == 1
    assert not [call for call in calls(standin, "attach-session") if "-d" in call]


def test_attaches_at_the_same_moment_create_one_session(standin: Rig) -> None:
    windows = [Window([*LNODE, "unity", "crowd"], standin.env()) for _ in range(CROWD)]
    try:
        for window in windows:
            window.wait_for("$", within_s=60)
        assert len(standin.recorded("sinteractive")) == 1
        done = subprocess.run(
            [*LNODE, "unity", "--ls", "--json"], env=standin.env(), capture_output=True, text=True, check=True
        )
        (session,) = json.loads(done.stdout)["sessions"]
        assert (session["name"], session["clients"]) == ("crowd", CROWD)
        for window in windows:
            window.detach()
        assert {window.exit_status() for window in windows} == {0}
    finally:
        for window in windows:
            window.process.close(force=True)


def test_words_profiles_and_login_reach_the_host(standin: Rig) -> None:
    config = standin.home / ".config" / "lnode" / "config.toml"
    before = config.read_text()
    config.write_text(
        f"{before}"
        '[profiles.gpu]\ncommand = "sinteractive -p {partition} -g {gpus} -t {time}"\npartition = "mine"\ngpus = 2\n'
    )
    rows = [
        (["words", "-m", "8000", "-t", "1:00:00", "-c", "4"], "sinteractive -m 8000 -t 1:00:00 -c 4; "),
        (["profile", "-P", "gpu", "-t", "2:00:00"], "sinteractive -p mine -g 2 -t 2:00:00; "),
        (["plain", "--login"], None),
    ]
    try:
        for words, request in rows:
            with Window([*LNODE, "unity", *words], standin.env()) as window:
                window.wait_for("$")
                window.detach()
                assert window.exit_status() == 0
            created = next(call for call in calls(standin, "new-session") if words[0] in call)
            command = created[created.index(words[0]) + 1]
            assert command == ";" if request is None else f"'{request}" in in_pane(command)
    finally:
        config.write_text(before)


@pytest.mark.parametrize("sessions", [10, 1])
def test_one_sign_in_for_terminal_and_link(standin: Rig, sessions: int) -> None:
    """Over a connection that the terminal shares; where the site allows one session on it, there is no second login.

    There the link can ask only after the terminal's session has ended, if that is soon enough for you.
    """
    shared = f"Host unity\n    ControlMaster auto\n    ControlPath {standin.folder}/%C\n    ControlPersist 60\n"
    with configured(standin, shared), sshd_with(standin, f"MaxSessions {sessions}"):
        before = standin.sshd_log().count("Accepted publickey")
        with Window([*LNODE, "unity", "shared", "--login"], standin.env()) as window:
            window.wait_for("$")
            window.detach()
            assert window.exit_status() == 0
            assert re.search(r"detached; shared (runs on login1|keeps running on unity)", window.text())
        assert standin.sshd_log().count("Accepted publickey") == before + 1
        subprocess.run(["ssh", "-q", "-O", "exit", "unity"], env=standin.env(), check=True)


@contextmanager
def sshd_with(rig: Rig, option: str) -> Iterator[None]:
    """An sshd that read one more option."""
    reload = "kill -HUP $(cat /run/sshd.pid)"
    listening = rig.sshd_log().count(LISTENING)
    status, said = rig.exec(
        f"cp /etc/ssh/sshd_config /tmp/before; echo {option} >>/etc/ssh/sshd_config; {reload}", "root"
    )
    assert status == 0, said
    wait_until(lambda: rig.sshd_log().count(LISTENING) > listening, "sshd has reloaded")
    try:
        yield
    finally:
        listening = rig.sshd_log().count(LISTENING)
        rig.exec(f"mv /tmp/before /etc/ssh/sshd_config; {reload}", "root")
        wait_until(lambda: rig.sshd_log().count(LISTENING) > listening, "sshd has reloaded")


def test_existing_never_creates_and_d_detaches_the_others(standin: Rig) -> None:
    with Window([*LNODE, "unity", "shared", "--existing"], standin.env()) as window:
        assert window.exit_status() == 7
        assert "there is no session shared on unity" in window.text()
    assert not calls(standin, "new-session")
    with Window([*LNODE, "unity", "shared", "--login"], standin.env()) as first:
        first.wait_for("$")
        with Window([*LNODE, "unity", "shared", "-d"], standin.env()) as second:
            assert first.exit_status() == 0
            second.wait_for("$")
            second.detach()
            assert second.exit_status() == 0


def test_what_a_tmux_around_it_does_to_the_prefix_is_said_once(standin: Rig) -> None:
    words = b"this terminal is in a tmux already: its prefix twice"
    for times in (1, 0):
        with Window([*LNODE, "unity", "inner", "--login"], standin.env(TMUX="/nowhere,1,0")) as window:
            window.wait_for("$")
            window.detach()
            assert window.exit_status() == 0
            assert window.raw.count(words) == times
