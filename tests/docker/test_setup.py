"""`--setup` and `--undo` on a real host: what they write, what they leave alone, and what it is good for."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rig import Rig, configured, wait_until
from sites import in_a_pipe
from window import LNODE, Window

RC = {
    "u_bash": ".bashrc",
    "u_zsh": ".zshrc",
    "u_dash": ".profile",
    "u_fish": ".config/fish/config.fish",
}


def home(rig: Rig, user: str) -> str:
    """What the files in the user's home hold, byte by byte."""
    return rig.exec("cd && cksum .*rc .profile .tmux.conf .config/fish/config.fish 2>/dev/null", user)[1]


def setup(rig: Rig, user: str, *words: str) -> subprocess.CompletedProcess[str]:
    return in_a_pipe(rig, user, "--setup", *words)


@pytest.fixture
def tidy(slurm: Rig) -> Iterator[Rig]:
    """A rig whose homes are as they were afterwards, whatever a test has done."""
    slurm.exec("tar -C / -cf /tmp/homes.tar home", "root")
    try:
        yield slurm
    finally:
        for user in RC:
            slurm.exec("tmux kill-server; scancel --user $(id -un)", user)
        slurm.exec("find /home -mindepth 2 -delete; tar -C / -xf /tmp/homes.tar && rm /tmp/homes.tar", "root")


@pytest.mark.parametrize("user", RC)
def test_twice_is_once_and_undo_leaves_nothing(tidy: Rig, user: str) -> None:
    before = home(tidy, user)
    shown = setup(tidy, user)
    assert shown.returncode == 1
    assert "+set -g mouse on\n" in shown.stdout
    assert f"+++ /home/{user}/{RC[user]}\n" in shown.stdout
    assert shown.stderr == "lnode: nothing was changed; to change it without being asked: --setup --yes\n"
    assert home(tidy, user) == before

    assert setup(tidy, user, "--yes").stderr == f"lnode: done; it counts from your next login on {user}\n"
    once = home(tidy, user)
    again = setup(tidy, user, "--yes")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == f"lnode: there is nothing to change on {user}\n"
    assert home(tidy, user) == once != before

    assert setup(tidy, user, "--undo", "--yes").stderr == f"lnode: {user} is as it was\n"
    assert home(tidy, user) == before
    assert setup(tidy, user, "--undo").stderr == f"lnode: there is nothing to take back on {user}\n"


@pytest.mark.parametrize("user", ["u_dash", "u_fish"])
def test_livenode_starts_a_session_and_comes_back_to_it(tidy: Rig, user: str) -> None:
    setup(tidy, user, "--yes")
    for again in (False, True):
        with Window(["ssh", "-t", user], tidy.env()) as window:
            window.press("livenode mine\r")
            wait_until(lambda: "RUNNING" in tidy.exec("squeue -h -o %T", user)[1], "the job runs")
            window.wait_for("[mine]")
            window.press(f"echo {again}-on-$SLURMD_NODENAME\r")
            window.wait_for(f"{again}-on-node0")
    assert tidy.exec("squeue -h | wc -l", user)[1] == "1\n"
    assert tidy.exec("tmux show-options -gv mouse", user)[1] == "on\n"
    setup(tidy, user, "--undo", "--yes")
    assert tidy.exec("tmux show-options -gv mouse", user)[1] == "off\n"


def test_it_asks_first(tidy: Rig) -> None:
    before = home(tidy, "u_bash")
    for answer in ("n", "y"):
        with Window([*LNODE, "u_bash", "--setup"], tidy.env()) as window:
            window.wait_for("change /home/u_bash/.bashrc and /home/u_bash/.tmux.conf on u_bash? [y/N]")
            window.press(f"{answer}\r")
            assert window.exit_status() == (0 if answer == "y" else 1)
        assert (home(tidy, "u_bash") == before) == (answer == "n")


def test_csh_knows_no_functions(tidy: Rig) -> None:
    done = setup(tidy, "u_csh", "--yes")
    assert "csh has no functions like livenode; what it would do, lnode u_csh does from here\n" in done.stderr
    assert tidy.exec("cat .tmux.conf 2>&1 | head -2 | tail -1; ls -a", "u_csh")[0] == 0
    assert "mouse on" in tidy.exec("cat ~/.tmux.conf", "u_csh")[1]
    assert "lnode" not in tidy.exec("cat ~/.cshrc", "u_csh")[1]


@pytest.mark.parametrize(
    ("trap", "why"),
    [
        ("mv .bashrc kept && ln -s kept .bashrc", "is a symbolic link, perhaps into a repository of yours"),
        ("rm .bashrc && mkdir .bashrc", "is no file"),
        ("yes '# y' | head -c 300000 >>.bashrc", "is longer than 200 kB"),
    ],
)
def test_what_it_leaves_alone(tidy: Rig, trap: str, why: str) -> None:
    assert tidy.exec(f"cd && {trap}", "u_bash")[0] == 0
    before = tidy.exec("cd && ls -ld .bashrc && cat .bashrc kept 2>/dev/null | cksum", "u_bash")
    done = setup(tidy, "u_bash", "--yes")
    assert done.returncode == 0
    assert f"lnode: /home/u_bash/.bashrc {why}, so it is left alone\n" in done.stderr
    assert tidy.exec("cd && ls -ld .bashrc && cat .bashrc kept 2>/dev/null | cksum", "u_bash") == before
    assert "mouse on" in tidy.exec("cat ~/.tmux.conf", "u_bash")[1]


def test_a_file_that_is_read_only(tidy: Rig) -> None:
    tidy.exec("chmod 444 ~/.bashrc", "u_bash")
    before = tidy.exec("cksum <~/.bashrc", "u_bash")
    assert "/home/u_bash/.bashrc cannot be written, so it is left alone" in setup(tidy, "u_bash", "--yes").stderr
    assert tidy.exec("cksum <~/.bashrc", "u_bash") == before


def test_a_file_that_somebody_else_changes_meanwhile(tidy: Rig) -> None:
    with Window([*LNODE, "u_bash", "--setup"], tidy.env()) as window:
        window.wait_for("[y/N]")
        tidy.exec("echo '# new' >>~/.bashrc", "u_bash")
        window.press("y\r")
        assert window.exit_status() == 1
        assert "/home/u_bash/.bashrc has changed meanwhile" in window.text()
    assert "lnode" not in tidy.exec("cat ~/.bashrc", "u_bash")[1]


def test_what_to_ask_for_where_sinteractive_is_another_or_none(tidy: Rig) -> None:
    with elsewhere(tidy, "sinteractive"):
        assert 'command = "salloc' in setup(tidy, "u_bash").stdout
    script = "#!/bin/sh\nwhile getopts 'ht:p:' flag; do :; done\n"
    tidy.exec(f"mkdir -p ~/bin && printf %s {shlex.quote(script)} >~/bin/sinteractive && chmod +x ~/bin/*", "u_bash")
    with elsewhere(tidy, "sinteractive"):
        assert '[hosts.u_bash]\ncommand = "sinteractive -t {time}"\n' in setup(tidy, "u_bash").stdout
    assert "command = " not in setup(tidy, "u_zsh").stdout
    assert "Host " not in setup(tidy, "u_zsh").stdout
    with configured(tidy, "Host localhost\n    HostName localhost\n    User u_zsh\n"):
        assert "\nHost localhost\n    HostName localhost\n    User u_zsh\n" in setup(tidy, "localhost").stdout


@contextmanager
def elsewhere(rig: Rig, program: str) -> Iterator[None]:
    """A site without that program."""
    path = f"/usr/local/bin/{program}"
    assert rig.exec(f"mv {path} {path}-kept", "root")[0] == 0
    try:
        yield
    finally:
        rig.exec(f"mv {path}-kept {path}", "root")
