"""An rc file that takes its time or starts another program: you are told, nothing is replaced, no login is repeated."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from full import FULL
from rig import Rig, wait_until
from sites import as_delivered, in_a_pipe, logins, sshd_with
from window import LNODE, Window

Write = Callable[[str], None]


@pytest.fixture
def bashrc(slurm: Rig) -> Iterator[Write]:
    """Write alice's `.bashrc`, which bash reads below sshd also where it has a command."""

    def write(text: str) -> None:
        status, said = slurm.exec(f"cat >~/.bashrc <<'END'\n{text}\nEND")
        assert status == 0, said

    _, before = slurm.exec("cat ~/.bashrc")
    yield write
    write(before)


def test_a_slow_home_takes_its_time(slurm: Rig, bashrc: Write) -> None:
    bashrc(f"sleep {40 if FULL else 15}")
    before, failed = logins(slurm)
    with Window([*LNODE, "unity", "work", "--login"], slurm.env()) as window:
        window.wait_for("no sign of work yet: your login shell on unity is still in its rc files")
        wait_until(lambda: slurm.exec("tmux has-session -t work")[0] == 0, "it is attached", within_s=90)
        window.wait_for("[work]")
        assert logins(slurm) == (before + 2, failed)  # the terminal's, and the link's
        window.detach()
        assert window.exit_status() == 0


@pytest.mark.parametrize(
    ("line", "program", "leave"),
    [
        ("exec zsh -fl", "zsh", "exit\r"),
        ('[ -n "$TMUX" ] || exec tmux new -A -s main', "tmux", "\x02d"),
        ("zsh -f; exit", "zsh", "exit\r"),
    ],
)
def test_another_program_on_the_terminal_is_told_at_once(
    slurm: Rig, bashrc: Write, line: str, program: str, leave: str
) -> None:
    bashrc(f"if [ -t 1 ]; then {line}; fi")
    before, failed = logins(slurm)
    with Window([*LNODE, "unity", "work", "--login"], slurm.env()) as window:
        window.wait_for(f"runs {program} instead" if "exec" in line else f"they run {program}")
        assert "not in work" in window.text()
        window.press(leave)
        assert window.exit_status() == 8
        said = window.text().replace("\n", " ")
    assert f"{program} had this terminal on unity" in said
    assert f"case $- in *i*) exec {program} ;; esac" in said
    assert logins(slurm) == (before + 2, failed)


def test_a_link_without_a_shell_is_not_opened_again_and_again(slurm: Rig, bashrc: Write) -> None:
    bashrc("[ -t 1 ] || exit\nexec zsh -f")
    before, failed = logins(slurm)
    with Window([*LNODE, "unity", "work", "--login"], slurm.env()) as window:
        window.wait_for("cannot see if you are in work: unity runs no command; see: lnode unity --doctor")
        window.wait_again("cannot see if you are in work")  # 14 s after the login
        assert logins(slurm) == (before + 2, failed)
        window.press("exit\r")
        assert window.exit_status() == 8
        assert "unity ended the login with exit code 0 before tmux could start" in window.text()


def test_a_login_shell_that_ends_with_the_exit_code_of_ssh_is_no_escape(slurm: Rig, bashrc: Write) -> None:
    bashrc("[ -t 1 ] && exit 255")
    with Window([*LNODE, "unity", "work", "--login"], slurm.env()) as window:
        window.wait_for("unity ended the login with exit code 255 before tmux could start")
        assert window.exit_status() == 8


def test_in_a_program_that_has_taken_every_shells_place_nothing_is_typed(slurm: Rig, bashrc: Write) -> None:
    bashrc("exec tee /tmp/typed")
    before, failed = logins(slurm)
    try:
        with Window([*LNODE, "unity", "work", "--login"], slurm.env()) as window:
            window.wait_for("no sign of work yet: your login shell on unity is still in its rc files, or runs another")
            window.wait_for("put into your rc file there: case $- in *i*) exec zsh -l ;; esac")
            assert slurm.exec("cat /tmp/typed") == (0, "")
            window.press("\x04")
            assert window.exit_status() == 8
        assert logins(slurm) == (before + 2, failed)
    finally:
        slurm.exec("rm -f /tmp/typed")


def test_on_a_laptop_that_does_not_know_the_host_the_link_shares_the_one_login(
    slurm: Rig, bashrc: Write, tmp_path: Path
) -> None:
    bashrc("exec tee /dev/null")
    before, failed = logins(slurm)
    with (
        as_delivered(slurm),
        Window([*LNODE, "unity", "work", "--login"], slurm.env(XDG_STATE_HOME=str(tmp_path))) as window,
    ):
        window.wait_for("put into your rc file there: case $- in *i*) exec zsh -l ;; esac")
        assert logins(slurm) == (before + 1, failed)
        window.press("\x04")
        assert window.exit_status() == 8


@pytest.mark.skipif(not FULL, reason="waits a minute for each, with LNODE_FULL=1")
@pytest.mark.parametrize(
    ("rc", "sshd"),
    [
        ("exec fish", ""),
        ("read answer", ""),
        ("bash --norc", ""),  # as newgrp, which needs the rights that a container takes away
        ("", "ForceCommand while echo '1) shell 2) leave'; do read choice || exit; done"),
    ],
)
def test_each_question_to_a_login_that_does_not_begin_has_its_sentence(
    slurm: Rig, bashrc: Write, rc: str, sshd: str
) -> None:
    verbs = [("--ls",), ("sim", "--run", "--", "true"), ("none", "--kill", "--yes"), ("--doctor",)]
    if rc:
        bashrc(rc)
    with sshd_with(slurm, f"Match User alice\n    {sshd}") if sshd else nullcontext(), ThreadPoolExecutor(4) as pool:
        ended = [*pool.map(lambda words: in_a_pipe(slurm, "unity", *words), verbs)]
    assert [one.returncode for one in ended] == [8, 8, 8, 1]
    assert all("let you in, but lnode's line did not begin there" in one.stdout + one.stderr for one in ended)
