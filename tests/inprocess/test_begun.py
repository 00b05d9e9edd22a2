"""No verb waits without a limit, over a host that never begins lnode's line, or begins it and falls silent.

Nor over one with a stopped tmux, or a stopped scheduler.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from forwarded import free_port
from lnode.cli import words
from nearby import SSH, Nearby, nearby
from window import Window

LIMIT_S = 300  # a verb that takes longer waits without a limit

# lnode with limits of 10 s instead of 60 and 90.
_IN_A_HURRY = """\
import runpy
from lnode.ssh import question
question.REPLY_WITHIN_S = question.DONE_WITHIN_S = 10.0
runpy.run_module("lnode", run_name="__main__", alter_sys=True)
"""

# An ssh that says that it has logged in, and then does what `~/shell` says with the line.
_SSH = """\
#!/bin/sh
case " $* " in *" -G "*) exec {ssh} -F "$HOME/.ssh/config" "$@" ;; esac
echo called >>"$HOME/calls"
for word; do
  if [ "$before" = -E ]; then echo 'Authenticated to 127.0.0.1 ([127.0.0.1]:1) using "publickey".' >>"$word"; fi
  before=$word
done
exec /bin/sh "$HOME/shell" "$word"
"""
_HURRIED = (sys.executable, "-P", "-c", _IN_A_HURRY)
_RUNS = 'exec /bin/sh -c "$1"\n'
_SILENT = 'PATH=$HOME/silent:$PATH; exec /bin/sh -c "$1"\n'  # the line begins, and its base64 hangs
_OTHER = "echo 'Welcome. 1) shell 2) leave'\nexec tail -f /dev/null\n"  # a menu

VERBS = {
    "ls": ("--ls",),
    "ls as JSON": ("--ls", "--json"),
    "peek": ("work", "--peek"),
    "kill": ("other", "--kill", "--yes"),
    "kill a run": ("none", "--kill", "--yes"),
    "renew": ("work", "--renew", "--early"),
    "send": ("work", "--send", "hello"),
    "wait for": ("work", "--wait-for", "never shown"),
    "reset": ("work", "--reset"),
    "keep": ("work", "--keep", "3 weeks"),
    "run": ("sim", "--run", "--", "true"),
    "run on": ("sim", "--run", "--on", "work", "--", "true"),
    "logs": ("none", "--logs"),
    "logs -f": ("none", "--logs", "-f"),
    "doctor": ("--doctor", "--json"),
    "setup": ("--setup", "--yes"),
    "rescue": ("--rescue", "4194303"),  # no kernel gives a process a greater number; few have come so far
    "ports": ("work", "-L", "PORT:8888"),
    "code": ("work", "--code", "~", "--yes"),
    "way": ("--way", "work.x.lnode"),
    "when": ("--when",),
    "exec": ("--exec", "--", "true"),
    "exec on": ("--exec", "--on", "work", "--", "true"),
    "answer": ("work", "--answer", "y"),
    "wait for its agent": ("work", "--wait-for", "agent"),
    "send and wait for": ("work", "--send", "hello", "--wait-for", "never shown"),
    "phone": ("--phone",),
    "init": ("--init", "--yes"),
}


@pytest.fixture
def near() -> Iterator[Nearby]:
    with nearby() as made:
        made.program("ssh", _SSH.format(ssh=shlex.quote(SSH or "")))
        (made.home / "shell").write_text(_RUNS)
        with (made.home / "config.toml").open("a") as config:
            config.write('push = "http://127.0.0.1:1/x"\n')
        (made.home / "silent").mkdir()
        made.program("../silent/base64", "#!/bin/sh\nexec sleep 1000\n")
        yield made


def walked(near: Nearby, *more: str) -> "dict[str, subprocess.CompletedProcess[str]]":
    """All verbs at the same time: what each did. Each one has to end.

    With `more` words for the one that waits they have their real limits, without they are in a hurry.
    """

    def walk(verb: str) -> "subprocess.CompletedProcess[str]":
        typed = [word.replace("PORT", str(free_port())) for word in VERBS[verb]]
        typed += more if "--wait-for" in typed else ()
        program = (sys.executable, "-P", "-m", "lnode") if more else _HURRIED
        return subprocess.run(
            [*program, "x", *typed], env=near.env, cwd=near.home, timeout=LIMIT_S,
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip

    with ThreadPoolExecutor(len(VERBS)) as pool:
        return dict(zip(VERBS, pool.map(walk, VERBS), strict=True))


def ends(near: Nearby, *more: str) -> dict[str, tuple[int, str]]:
    """How each verb ended, and its sentence; for the doctor its first finding of the host."""
    found = {}
    for verb, done in walked(near, *more).items():
        said = next((row for row in reversed(done.stderr.splitlines()) if row.startswith("lnode: ")), "")
        if verb == "doctor":
            said = next((one["found"] for one in json.loads(done.stdout)["findings"] if one["check"] == "answers"), "")
        found[verb] = (done.returncode, said)
    return found


def test_each_verb_that_asks_a_host_is_walked() -> None:
    asking = {verb.flag for verb in words.VERBS.values() if verb.connects and verb.scope is not words.Scope.LAPTOP}
    unasked = {"", "--sign-in", "--close"}  # the terminal's own; they need a terminal, or ask only this laptop's ssh
    assert asking - unasked <= {word for typed in VERBS.values() for word in typed}


def test_each_verb_says_that_the_host_did_not_begin(near: Nearby) -> None:
    (near.home / "shell").write_text(_OTHER)
    for verb, (status, said) in ends(near).items():
        assert "let you in, but lnode's line did not begin there" in said, f"{verb}: {said!r}"
        assert status == (1 if verb == "doctor" else 8), verb


@pytest.mark.parametrize("typed", [("--ls",), ("none", "--logs", "-f")])
def test_at_a_terminal_you_are_told_meanwhile(near: Nearby, typed: tuple[str, ...]) -> None:
    (near.home / "shell").write_text(_OTHER)
    with Window([*_HURRIED, "x", *typed], near.env) as window:
        window.wait_for("lnode: your login shell on x is still in its rc files, or runs another program")
        window.wait_for("x let you in, but lnode's line did not begin there")
        window.wait_for("hint:  in your rc file there, start other programs only at a prompt: case $- in *i*)")
        assert window.exit_status() == 8


@pytest.mark.parametrize(
    ("shell", "said", "status"),
    [(_OTHER, "lnode's line did not begin there", 8), (_SILENT, "began to answer, and then fell silent", 4)],
)
def test_a_list_that_stays_ends_if_it_never_had_anything_to_show(
    near: Nearby, shell: str, said: str, status: int
) -> None:
    (near.home / "shell").write_text(shell)
    with Window([*_HURRIED, "x", "--ls", "--watch"], near.env) as window:
        window.wait_for(said)
        assert window.exit_status() == status


@pytest.mark.parametrize("typed", [("work",), ("work", "--cc")])
def test_an_attach_that_never_got_past_a_menu_was_in_no_session(near: Nearby, typed: tuple[str, ...]) -> None:
    (near.home / "shell").write_text("echo 'Welcome. 1) shell 2) leave'\nread answer\n")
    with Window([*_HURRIED, "x", *typed], near.env) as window:
        window.wait_for("2) leave")
        window.press("2\r")
        window.wait_for("lnode: x ended the login with exit code 0 before tmux could start")
        assert window.exit_status() == 8


def test_a_person_who_sees_the_errors_is_told_whatever_the_input_is(near: Nearby) -> None:
    (near.home / "shell").write_text(_OTHER)
    with Window(["sh", "-c", '"$@" </dev/null | cat', "sh", *_HURRIED, "x", "--ls"], near.env) as window:
        window.wait_for("lnode: your login shell on x is still in its rc files, or runs another program")
        window.wait_for("x let you in, but lnode's line did not begin there")


def test_a_wait_that_has_seen_nothing_does_not_say_what_the_session_showed(near: Nearby) -> None:
    (near.home / "shell").write_text(_OTHER)
    done = near.lnode("x", "work", "--wait-for", "never shown", "--timeout", "3")
    assert (done.returncode, "lnode's line did not begin there" in done.stderr) == (8, True), done.stderr


@pytest.mark.parametrize("typed", [("--ls",), ("--exec", "--", "echo", "done")])
def test_a_megabyte_of_rc_files_does_not_end_a_question(near: Nearby, typed: tuple[str, ...]) -> None:
    (near.home / "shell").write_text(f"yes | head -c 1000000\n{_RUNS}")
    done = near.lnode("x", *typed)
    assert (done.returncode, "too long" in done.stderr) == (0, False), done.stderr
    assert done.stdout == ("done\n" if "--exec" in typed else "")


@pytest.mark.parametrize(
    ("shell", "status", "said", "complaint"),
    [
        ("exec tmux new -A -s main", 8, "x ended the login before lnode's line could begin", "not a terminal"),
        ('PATH=/nonexistent\nexec /bin/sh -c "$1"\n', 4, "the answer of x broke off", "base64"),
    ],
)
def test_what_the_host_complains_of_is_shown(near: Nearby, shell: str, status: int, said: str, complaint: str) -> None:
    (near.home / "shell").write_text(shell)
    done = near.lnode("x", "--ls")
    assert (done.returncode, f"lnode: {said}" in done.stderr) == (status, True), done.stderr
    assert complaint in done.stderr.partition("lnode: ")[0]


def test_each_verb_says_that_the_host_fell_silent(near: Nearby) -> None:
    (near.home / "shell").write_text(_SILENT)
    for verb, (status, said) in ends(near).items():
        assert "x began to answer, and then fell silent" in said, f"{verb}: {said!r}"
        assert status == (1 if verb == "doctor" else 4), verb


def test_no_verb_waits_for_a_stopped_tmux(near: Nearby) -> None:
    near.tmux("new-session", "-d", "-s", "work")
    said = subprocess.run(
        ["tmux", "display-message", "-p", "#{pid}"], env=near.env, capture_output=True, text=True, check=True
    )
    server = int(said.stdout)
    os.kill(server, signal.SIGSTOP)
    try:
        with near.window("x", "work") as window:
            found = ends(near, "--timeout", "15")
            window.wait_for("tmux on x does not answer as it should, so whether work runs there is not known")
            assert window.exit_status() == 1
    finally:
        os.kill(server, signal.SIGCONT)
    # None of these needs tmux.
    assert {verb for verb, (status, _) in found.items() if status == 0} == {"run", "setup", "exec", "init"}
    unsaid = [verb for verb, (_, said) in found.items() if "answer" not in said]
    assert unsaid == ["run", "logs", "logs -f", "setup", "rescue", "exec", "phone", "init"]
    assert not [said for _, said in found.values() if "there is no session" in said or "work on x has ended" in said]


def test_no_verb_waits_for_a_stopped_scheduler(near: Nearby) -> None:
    for name in ("squeue", "srun", "scontrol", "sinfo"):
        near.program(name, "#!/bin/sh\nexec sleep 1000\n")
    near.tmux("new-session", "-d", "-s", "work", ";", "new-session", "-d", "-s", "other")
    with near.window("x", "work") as window:
        window.wait_for("[work]")
        found = ends(near, "--timeout", "5")
        window.detach()
        assert window.exit_status() == 0
    needing = {
        verb for verb, (status, said) in found.items() if status and "the scheduler of x does not answer" in said
    }
    assert needing == {"kill", "ports", "code", "way", "when"}
    assert found["renew"] == (1, "lnode: whether work holds an allocation is not known, so nothing was asked")
    assert not [said for _, said in found.values() if "has ended" in said]
