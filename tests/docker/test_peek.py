"""Looking at a session, typing into it and waiting for it without attaching, on a real host."""

import pytest

from faults import attached, shell_of, wired
from rig import Rig, wait_until
from sites import lnode
from window import LNODE, Window


@pytest.fixture
def session(slurm: Rig) -> str:
    """A shell of alice's that nobody is attached to."""
    status, said = slurm.exec("tmux -u new-session -d -s looked -x 100 -y 30 'PS1=\"at: \" exec sh -i'")
    assert status == 0, said
    return "looked"


def test_peek_and_send(slurm: Rig, session: str) -> None:
    text = "printf '%s|' \"it's\" '#{pane_id}' '$HOME' `echo x`;"
    done = lnode(slurm, session, "--send", text, "--wait-for", r"x\|at:")
    assert (done.returncode, done.stdout) == (0, "it's|#{pane_id}|$HOME|x|at:\n")
    assert done.stderr == f"lnode: typed {len(text)} characters and Enter into looked on unity\n"
    done = lnode(slurm, session, "--peek", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"at: {text}\nit's|#{{pane_id}}|$HOME|x|at:\n"
    assert lnode(slurm, session, "--send", "echo half", "--no-enter").returncode == 0
    assert lnode(slurm, session, "--peek").stdout.endswith("at: echo half\n")


def test_a_slip_of_the_keyboard_costs_two_sign_ins_and_no_more(slurm: Rig, session: str) -> None:
    before = slurm.sshd_log().count("Accepted publickey")
    assert lnode(slurm, "look", "--peek").returncode == 7
    assert slurm.sshd_log().count("Accepted publickey") == before + 2


def test_what_is_not_there(slurm: Rig, session: str) -> None:
    for words in (["--peek"], ["--send", "x"], ["--wait-for", "x"], ["--reset"]):
        done = lnode(slurm, "look", *words)
        assert (done.returncode, done.stdout) == (7, "")
        assert done.stderr == "lnode: there is no session look on unity\nhint:  see what is there: lnode unity --ls\n"


def test_waiting_in_vain(slurm: Rig, session: str) -> None:
    done = lnode(slurm, session, "--wait-for", "never", "--timeout", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "lnode: looked on unity did not show 'never' within 0 s\nhint:  see what it shows: lnode unity looked --peek\n"
    )


def test_a_session_that_ends_before(slurm: Rig, session: str) -> None:
    done = lnode(slurm, session, "--send", "exit", "--wait-for", "never", "--timeout", "100")
    assert (done.returncode, done.stdout) == (7, "")
    assert "lnode: looked on unity ended before\n" in done.stderr


def test_waiting_survives_a_drop_and_types_once(slurm: Rig, session: str) -> None:
    with wired(slurm) as wire:
        text = "echo on'ce'; read gate; echo thro'ugh'"
        with Window([*LNODE, "unity", session, "--send", text, "--wait-for", "^through"], slurm.env()) as window:
            window.wait_for("lnode: typed ")
            wait_until(lambda: "\nonce\n" in slurm.exec("tmux capture-pane -p -t looked")[1], "it runs")
            wire.reset()
            window.wait_for("; waiting goes on")
            slurm.exec("tmux send-keys -t looked go Enter; tmux send-keys -t looked 'seq 100' Enter")
            assert window.exit_status() == 0, window.text()
            window.wait_for("through")
        assert slurm.exec("tmux capture-pane -p -t looked -S -200")[1].count("\nonce\n") == 1


def test_a_bell_and_rest(slurm: Rig, session: str) -> None:
    assert lnode(slurm, session, "--send", r"printf '\a'", "--wait-for", "bell", "--timeout", "100").returncode == 0
    assert lnode(slurm, session, "--wait-for", "idle", "--timeout", "100").returncode == 0


def test_a_frozen_screen_is_thawed(slurm: Rig) -> None:
    with attached(slurm, "frozen") as window:
        shell = shell_of(window)
        window.press(r"printf '\033(0'; tput smcup" + "\r")
        window.press("\x13")
        done = lnode(slurm, "frozen", "--reset")
        assert done.returncode == 0
        assert "lnode: sent Ctrl-Q, which lets output go on after a Ctrl-S\n" in done.stderr
        window.press("\r")
        assert shell_of(window) == shell


def test_control_mode(slurm: Rig, session: str) -> None:
    with Window([*LNODE, "unity", session, "--cc"], slurm.env(TERM_PROGRAM="iTerm.app")) as window:
        wait_until(lambda: bool(window.look() or 1) and b"\x1bP1000p%begin" in window.raw, "tmux speaks its protocol")
        window.press("detach-client\r")
        assert window.exit_status() == 0
        assert b"%exit" in window.raw and b"\x1b\\" in window.raw
        assert b"lnode: detached; looked " in window.raw
        assert b"--cc is for iTerm2" not in window.raw


def test_control_mode_that_is_cut_off_gets_its_end(slurm: Rig, session: str) -> None:
    with wired(slurm) as wire, Window([*LNODE, "unity", session, "--cc"], slurm.env()) as window:
        wait_until(lambda: bool(window.look() or 1) and b"\x1bP1000p%begin" in window.raw, "tmux speaks its protocol")
        wire.reset()
        assert window.exit_status() == 4
        assert window.raw.index(b"--cc is for iTerm2") < window.raw.index(b"\x1bP1000p")
        assert b"\x1b\\" in window.raw.partition(b"%exit")[2]
        assert "lost the connection to unity" in window.text()


def test_a_profile_has_a_session_of_its_own(slurm: Rig) -> None:
    config = slurm.home / "profiles.toml"
    config.write_text('[hosts.unity]\nkeep_warm = "no"\n[profiles.notes]\nsession = "notebook"\n')
    with Window([*LNODE, "unity", "-P", "notes", "--login"], slurm.env(LNODE_CONFIG=str(config))) as window:
        shell_of(window)
        assert slurm.exec("tmux list-sessions -F '#{session_name}'")[1] == "notebook\n"
        window.detach()
        assert window.exit_status() == 0
