"""What a user reads when the host is not as it should be: the sentence, the hint and the exit code."""

import subprocess
from pathlib import Path

import pytest

from rig import Rig, configured
from window import LNODE, Window


def in_a_pipe(rig: Rig, *words: str) -> tuple[int, str]:
    """`lnode` without a terminal: exit status and stderr."""
    done = subprocess.run(
        [*LNODE, *words], env=rig.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def in_a_window(rig: Rig, *words: str) -> tuple[int, str]:
    """`lnode` in a terminal: exit status and what its screen showed."""
    with Window([*LNODE, *words], rig.env()) as window:
        return window.exit_status(), window.text()


@pytest.fixture(params=["pipe", "window"])
def both(request: pytest.FixtureRequest) -> str:
    """The same failure met by a question (--ls in a pipe) and by an attach (in a terminal)."""
    return str(request.param)


def met(rig: Rig, how: str) -> tuple[int, str]:
    return in_a_pipe(rig, "unity", "--ls") if how == "pipe" else in_a_window(rig, "unity", "x")


def place(rig: Rig) -> str:
    return f"unity (127.0.0.1 port {rig.port})"


def flat(text: str) -> str:
    """Text without line breaks, for what a window has wrapped."""
    return text.replace("\n", "").replace(" ", "")


def test_login_refused(standin: Rig, both: str, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger"], check=True)
    before = standin.sshd_log().count("Connection from")
    with configured(standin, f"Host unity\n  IdentityFile {tmp_path / 'stranger'}\n  IdentitiesOnly yes\n"):
        # The first IdentityFile wins, but all of them are tried: take the good one away.
        text = standin.ssh_config.read_text().replace(f"IdentityFile {standin.folder / 'id_ed25519'}", "")
        standin.ssh_config.write_text(text)
        code, said = met(standin, both)
    assert code == 5
    assert flat(f"lnode: {place(standin)} refused the login") in flat(said)
    assert flat("hint: sign in once by hand, to see the reason: ssh unity") in flat(said)
    # One login for the terminal, and at most one silent one for the link beside it.
    assert standin.sshd_log().count("Connection from") - before <= (1 if both == "pipe" else 2)


def test_unknown_host_key_in_a_pipe(standin: Rig, tmp_path: Path) -> None:
    with configured(standin, f"Host *\n  UserKnownHostsFile {tmp_path / 'none'}\n  StrictHostKeyChecking ask\n"):
        code, said = in_a_pipe(standin, "unity", "--ls")
    assert code == 6
    assert said == (
        f"lnode: the host key of {place(standin)} is not known here, and was not accepted\n"
        "hint:  check its fingerprint once by hand: ssh unity; more: lnode --guide sign-in/host-keys\n"
    )


def test_unknown_host_key_in_a_window_is_asked_by_ssh(standin: Rig, tmp_path: Path) -> None:
    ask = configured(standin, f"Host *\n  UserKnownHostsFile {tmp_path / 'none'}\n  StrictHostKeyChecking ask\n")
    with ask, Window([*LNODE, "unity", "x", "--login"], standin.env()) as window:
        window.wait_for("Are you sure you want to continue connecting")
        window.press("no\r")
        assert window.exit_status() == 6


def test_changed_host_key_shows_opensshs_own_warning(standin: Rig, both: str, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    (tmp_path / "known").write_text(f"lnode-rig {(tmp_path / 'other.pub').read_text()}")
    with configured(standin, f"Host *\n  UserKnownHostsFile {tmp_path / 'known'}\n"):
        code, said = met(standin, both)
    assert code == 6
    assert flat("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!") in flat(said)
    assert flat(f"lnode: the host key of {place(standin)} is not the known one, so nothing was sent") in flat(said)


def test_no_tmux_there(standin: Rig, both: str) -> None:
    standin.exec("mv /usr/local/bin/tmux /usr/local/bin/tmux.away", user="root")
    try:
        code, said = met(standin, both)
    finally:
        standin.exec("mv /usr/local/bin/tmux.away /usr/local/bin/tmux", user="root")
    assert code == 8
    assert flat("lnode: there is no tmux on unity: not on PATH, not in a login shell, not as a module") in flat(said)
    assert flat('set tmux = "/path/to/tmux" under [hosts.unity] in config.toml') in flat(said)


def test_no_sinteractive_there_starts_nothing(standin: Rig) -> None:
    standin.exec("mv /usr/local/bin/sinteractive /usr/local/bin/sinteractive.away", user="root")
    try:
        code, said = in_a_window(standin, "unity", "x")
    finally:
        standin.exec("mv /usr/local/bin/sinteractive.away /usr/local/bin/sinteractive", user="root")
    assert code == 8
    assert flat("lnode: there is no sinteractive on unity, so nothing was started") in flat(said)
    assert not [call for call in standin.recorded("tmux") if "new-session" in call["argv"]]


def test_no_route(standin: Rig) -> None:
    # A network namespace of its own has no interface up, not even loopback.
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", *LNODE, "unity", "--ls"],
        env=standin.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr:
        pytest.skip(f"no network namespaces here: {done.stderr}")
    assert done.returncode == 4
    assert done.stderr == (
        f"lnode: there is no route to {place(standin)}\n"
        "hint:  check the network, and the VPN if the cluster needs one\n"
    )


def test_a_name_by_hand_attaches_but_is_never_created(standin: Rig) -> None:
    code, said = in_a_window(standin, "unity", "two words")
    assert code == 2
    assert flat("a session that lnode makes cannot be called 'two words'") in flat(said)
    assert not [call for call in standin.recorded("tmux") if "new-session" in call["argv"]]


def test_the_other_sides_words_are_harmless(standin: Rig) -> None:
    liar = r'printf "\033]52;c;aGk=\007gone fishing\n"; exit 3'
    standin.exec(f"printf '%s\n' '#!/bin/sh' '{liar}' >/usr/local/bin/liar; chmod 755 /usr/local/bin/liar", user="root")
    standin.exec("usermod --shell /usr/local/bin/liar alice", user="root")
    try:
        code, said = in_a_pipe(standin, "unity", "--ls")
    finally:
        standin.exec("usermod --shell /bin/bash alice", user="root")
    assert code == 8
    assert said == (
        "  \\x1b]52;c;aGk=\\x07gone fishing\n"
        "lnode: unity answered, but not with a shell\n"
        "hint:  see what it says: ssh unity /bin/sh -c true; more: lnode --guide field/your-login-shell\n"
    )
