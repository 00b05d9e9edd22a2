"""What the link sees of a terminal whose line has not begun: rows of ps, and the words for them."""

import subprocess
from pathlib import Path

import pytest

from lnode.attach import login_shell
from lnode.attach.login_shell import LoginShell
from lnode.errors import ExitCode
from lnode.remote import call

RUN = "0123456789abcdef"
SSHD = "10 9 20 ? sshd: alice@pts/3"
VALUES = [""] * len(call.value_names("session"))
LINE = call.line("session", *VALUES, called=RUN).replace("'", "")  # as ps shows it, without the quotes
BEGUN = LINE.removeprefix("exec ")
SHORT = call.short_line("session", *VALUES, called=RUN, unless="exit 96").replace("'", "")
OTHERS = call.line("session", *VALUES, called="fedcba9876543210").replace("'", "")


def seen(folder: Path, *rows: str, age_s: int = 20) -> LoginShell | None:
    """What client.sh would say, if ps says this."""
    return login_shell.parse(said(folder, *rows, age_s=age_s))


def said(folder: Path, *rows: str, age_s: int = 20) -> list[str]:
    (folder / "rows").write_text("".join(f"{row}\n" for row in rows))
    (folder / "ps").write_text(f"#!/bin/sh\ncat {folder}/rows\n")
    (folder / "ps").chmod(0o755)
    part = next(text for text in call.texts("client") if "\nlogin_shell()" in text)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{part}\nlogin_shell {RUN} {age_s}"],
        env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", [LINE, SHORT])
def test_a_line_that_has_begun_is_known(tmp_path: Path, line: str) -> None:
    assert said(tmp_path, SSHD, f"11 10 19 pts/3 {line.removeprefix('exec ')}") == ["begun"]
    assert said(tmp_path, SSHD, f"11 10 19 pts/3 bash -c {line}") == ["rc "]


@pytest.mark.parametrize("sshd", [SSHD, "10 9 20 ? sshd-session: alice@pts/3", "10 9 20 ? sshd: alice@pts/1,pts/3"])
def test_a_program_in_the_place_of_the_login_shell_is_named(tmp_path: Path, sshd: str) -> None:
    assert seen(tmp_path, sshd, "11 10 19 pts/3 /usr/bin/zsh -l", "12 11 3 pts/3 vim x") == LoginShell("zsh", True)


def test_the_rc_files_run_a_program(tmp_path: Path) -> None:
    rows = (SSHD, f"11 10 19 pts/3 bash -c {LINE}", f"12 11 19 pts/3 bash -c {LINE}", "13 12 18 pts/3 sleep 40")
    assert seen(tmp_path, *rows) == LoginShell("sleep")
    assert seen(tmp_path, *rows[:3]) == LoginShell("")
    assert seen(tmp_path, *rows, age_s=4000) == LoginShell("sleep")


@pytest.mark.parametrize(
    "rows",
    [
        (f"11 10 19 pts/3 {BEGUN}", "12 11 19 pts/3 tmux -u new-session -s work"),  # it has begun
        (f"11 10 19 pts/3 {BEGUN}", "20 10 19 pts/4 zsh -l"),  # and something runs beside it
        ("11 10 19 pts/3 -bash",),  # a plain ssh in another window
        ("11 10 300 pts/3 htop",),  # an older one
        ("11 10 1 pts/3 htop",),  # a younger one
        (f"11 10 19 pts/3 bash -c {OTHERS}",),  # another attach
        ("11 10 19 ? cat -u", "12 9 19 pts/5 zsh"),  # the link's heartbeat; a shell in a tmux
        ("11 10 19 pts/3 sshd: alice [priv]",),
        (f"11 9 19 pts/9 ssh -t -- x {LINE}",),  # this laptop is the host
        (),
    ],
)  # fmt: skip
def test_of_others_and_of_a_line_that_has_begun_nothing_is_said(tmp_path: Path, rows: tuple[str, ...]) -> None:
    assert seen(tmp_path, SSHD, *rows) is None


def test_a_name_that_is_no_plain_word_is_not_shown(tmp_path: Path) -> None:
    assert seen(tmp_path, SSHD, "11 10 19 pts/3 /tmp/\x1b]0;x\x07 -l") == LoginShell("", True)


def test_the_words_name_the_fix() -> None:
    zsh = LoginShell("zsh", replaced=True)
    said = login_shell.notice(zsh, "unity", "gpu1")
    assert said == "not in gpu1: your rc file runs zsh instead; there: case $- in *i*) exec zsh ;; esac"
    assert all("no sign of gpu1" in row or "case $- in *i*)" in row for row in login_shell.unseen("unity", "gpu1"))
    error = login_shell.never_begun(zsh, "unity", "gpu1")
    assert error.code is ExitCode.MISSING_THERE
    assert "case $- in *i*) exec zsh ;; esac" in error.hint
