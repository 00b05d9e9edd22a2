"""Messages for your phone: phone.sh and its watcher, as on a login node, with a real tmux, curl, wget and listener."""

import itertools
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_host import LIMIT_S, Host, drawing, started
from listener import Listener, listening
from lnode.cluster.agent_patterns import table_of
from lnode.locate.known_agents import known_agents, signs
from lnode.remote import call
from lnode.remote.reply import parse_reply
from rig import wait_until
from shells import SHELLS, installed, through

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
WAITS = "claude in fit waits for you"


@pytest.fixture
def host() -> Iterator[Host]:
    with started() as made:
        program(made, "sleep", "exec /bin/sleep 0.2")  # the watcher looks each 30 s
        made.start("last", "cat")
        yield made
        pid = watcher(made)
        made.tmux("kill-server")
        wait_until(lambda: not is_alive(pid), "the watcher's end")


@pytest.fixture
def heard() -> Iterator[Listener]:
    with listening() as made:
        yield made


def program(host: Host, name: str, script: str) -> None:
    draft = host.home / "bin" / f"{name}.new"  # the present one may run just now: execve(2), ETXTBSY
    draft.write_text(f"#!/bin/sh\n{script}\n")
    draft.chmod(0o755)
    draft.replace(host.home / "bin" / name)


def phone(host: Host, url: str, token: str = "-", *, session: str = "", shows: str = "", sh: str = "") -> set[str]:
    """Run phone.sh; for a session, as an attach to it does. Return what it says."""
    run = f"r{session}" if session else ""
    if session:
        host.tmux("set-option", "-t", f"={session}:", f"@lnode_run_{run}", "/dev/pts/1 1 1")
    watcher = call.with_values("phone_watch", "\n".join(signs()), table_of(known_agents()), shows)
    nonce = call.nonce()
    line = call.question("phone", nonce, "", run, "unity", watcher)
    done = subprocess.run(
        ["sh", "-c", through(line, Path(sh)) if sh else line], env=host.env, input=f"{url}\n{token}\n", text=True,
        capture_output=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    return set(parse_reply(nonce, done.stdout.split("\n"))) - {"host", "end", "begun"}


def watcher(host: Host) -> int:
    found = host.tmux("show-options", "-gqv", "@lnode_push_watch").split()
    return int(found[0]) if found else 0  # which is no process


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def redraw(host: Host, name: str, session: str = "fit") -> None:
    host.tmux("respawn-pane", "-k", "-t", f"={session}:", *drawing(name))


def looks_on(host: Host) -> None:
    """Wait until the watcher has looked at all once more, and again."""
    program(host, "sleep", f"echo >>{host.home}/slept; exec /bin/sleep 0.2")
    (host.home / "slept").write_text("")
    wait_until(lambda: len((host.home / "slept").read_text()) > 3, "three looks")


def test_a_question_is_told_once_and_the_next_one_again(host: Host, heard: Listener) -> None:
    host.draw("claude-thinks", "fit")
    assert phone(host, heard.url, session="fit") == {"watched"}
    wait_until(lambda: is_alive(watcher(host)), "the watcher")
    pid = watcher(host)
    redraw(host, "claude-bash")
    wait_until(lambda: heard.texts == [WAITS], "the message")
    assert phone(host, heard.url, session="fit") == {"watched"}  # as after a cut, or from another laptop
    looks_on(host)
    assert (heard.texts, watcher(host)) == ([WAITS], pid)
    redraw(host, "claude-edit")
    wait_until(lambda: heard.texts == [WAITS, WAITS], "the next question")
    assert heard.posts[0] == ("/topic", "", "lnode unity", WAITS)


def test_what_could_not_be_sent_is_sent_five_minutes_later(host: Host, heard: Listener) -> None:
    later = host.home / "later"
    later.write_text("0")
    program(
        host, "date", f'case $1 in +%s) echo $(($(/bin/date +%s) + $(cat {later}))) ;; *) exec /bin/date "$@" ;; esac'
    )
    heard.answer = 503
    host.draw("claude-bash", "fit")
    host.draw("codex-exec", "other")
    phone(host, heard.url, session="fit")
    phone(host, heard.url, session="other")
    wait_until(lambda: len(heard.texts) == 1, "the first is tried")
    looks_on(host)
    assert len(heard.texts) == 1, "each try takes one of the places of an hour"
    heard.answer = 200
    later.write_text("301")
    wait_until(lambda: len(heard.texts) == 3, "both are sent")
    looks_on(host)
    assert {*heard.texts} == {WAITS, "codex in other waits for you"}
    assert len(heard.texts) == 3


def test_another_watcher_goes_on_from_what_was_told(host: Host, heard: Listener) -> None:
    host.draw("claude-bash", "fit")
    phone(host, heard.url, session="fit")
    wait_until(lambda: heard.texts == [WAITS], "the message")
    first = watcher(host)
    phone(host, heard.url, session="fit", shows="yes")
    wait_until(lambda: watcher(host) != first and not is_alive(first), "the other watcher")
    looks_on(host)
    assert heard.texts == [WAITS]
    redraw(host, "claude-edit")
    wait_until(lambda: len(heard.texts) == 2, "the next question")
    assert heard.texts[1] == "claude in fit waits: Do you want to make this edit to train.py?"


def test_one_watcher_for_all_sessions_that_ends_with_the_last(host: Host, heard: Listener) -> None:
    for name in ("fit", "other", "mute"):
        host.start(name, "cat")
    host.tmux("new-window", "-d", "-t", "=fit:", *drawing("codex-exec"))
    host.tmux("new-window", "-d", "-t", "=mute:", *drawing("codex-exec"))
    phone(host, heard.url, session="fit")
    wait_until(lambda: is_alive(watcher(host)), "the watcher")
    pid = watcher(host)
    phone(host, heard.url, session="other")
    wait_until(lambda: heard.texts == ["codex in fit waits for you"], "the message")
    looks_on(host)
    assert heard.texts == ["codex in fit waits for you"]  # none of a session that has not asked for it
    host.tmux("kill-session", "-t", "=fit")
    looks_on(host)
    assert watcher(host) == pid and is_alive(pid)
    host.tmux("kill-session", "-t", "=other")
    wait_until(lambda: not is_alive(pid), "its end")


SQUEUE = """\
echo asked >>{home}/asked
while read -r row; do echo "$row"; done <{home}/rows
"""


def test_a_job_that_starts_and_ends_soon_is_told_once_each(host: Host, heard: Listener) -> None:
    host.start("fit", "cat")
    node, pid = os.uname().nodename, 4711
    program(host, "squeue", SQUEUE.format(home=host.home))
    now = int(subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout)
    note = host.home / f".local/state/lnode/requests/{node}.{pid}"
    note.parent.mkdir(parents=True, mode=0o700)
    note.write_text(f"{now} - fit\n")

    def put(path: Path, text: str) -> None:
        """Whole at once: somebody reads it all the time."""
        (host.home / "draft").write_text(text)
        (host.home / "draft").replace(path)

    def job(state: str, left: str, nodes: str = "") -> None:
        put(host.home / "rows", f"12 {pid} {node} {now + 2} 0 {state} {left} {nodes}\n")
        for _ in range(2):  # each other note is a reason to ask
            (host.home / "asked").write_text("")
            put(note, f"{now + next(notes)} - fit\n")
            wait_until(lambda: (host.home / "asked").read_text() != "", "the question")

    notes = itertools.count()
    phone(host, heard.url, session="fit")
    job("PENDING", "3-00:00:00")
    job("RUNNING", "3-00:00:00", "c0512")
    wait_until(lambda: heard.texts == ["fit is on c0512, job 12, 72 h left"], "the nodes")
    job("RUNNING", "59:30", "c0512")
    wait_until(lambda: heard.texts[1:] == ["fit on c0512 ends in 60 min, job 12"], "the hour")
    job("RUNNING", "50:00", "c0512")
    job("RUNNING", "14:10", "c0512")
    wait_until(lambda: heard.texts[2:] == ["fit on c0512 ends in 15 min, job 12"], "the quarter")
    looks_on(host)
    assert len(heard.texts) == 3
    assert (host.home / "asked").read_text().count("asked") == 1  # no more than each minute, if no request is new
    assert host.tmux("show-options", "-gqv", "@lnode_push_told") == "j12:r j12:15 j12:60"


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_the_token_is_in_a_file_of_yours_alone_and_in_no_argument(host: Host, heard: Listener, tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    only(host, tool)
    spied = f'echo "$0 $*" >>{host.home}/argv; env >>{host.home}/argv; exec {shutil.which(tool)} "$@"'
    program(host, tool, spied)
    assert phone(host, heard.url, "tk_secret") == {"sent"}
    assert heard.posts == [("/topic", "tk_secret", "lnode unity", f"lnode on {os.uname().nodename} reaches you")]
    said = (host.home / "argv").read_text()
    assert tool in said
    assert "tk_secret" not in said and "reaches you" not in said
    folder = host.home / ".local/state/lnode/push"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert phone(host, heard.url) == {"sent"}  # `-` keeps it
    assert phone(host, heard.url, "") == {"sent"}
    assert [token for _, token, *_ in heard.posts] == ["tk_secret", "tk_secret", ""]
    assert not any("tk_secret" in path.read_text() for path in files)
    heard.answer = 302
    assert phone(host, heard.url) == {"unsent"} or tool == "curl"
    assert not any(path == "/elsewhere" for path, *_ in heard.posts)
    heard.answer = 403
    assert phone(host, heard.url) == {"unsent"}


def test_a_token_stays_with_its_site_if_its_change_was_cut_short(host: Host, heard: Listener) -> None:
    here, there = heard.url, heard.url.replace("127.0.0.1", "localhost")
    assert phone(host, here, "-secret") == {"sent"}
    program(host, "mv", f'case $* in *push/token) exit 1 ;; esac; exec {shutil.which("mv")} "$@"')
    assert phone(host, there) == phone(host, there) == {"unwritable"}
    (host.home / "bin" / "mv").unlink()
    assert phone(host, there) == {"sent"}
    assert [token for _, token, *_ in heard.posts] == ["-secret", ""]


def test_a_watcher_whose_tmux_was_removed_ends(host: Host, heard: Listener, tmp_path: Path) -> None:
    host.start("fit", "cat")
    tmux = tmp_path / "tmux"
    shutil.copy(shutil.which("tmux") or "", tmux)
    host.env["PATH"] = f"{tmp_path}:{host.env['PATH']}"
    phone(host, heard.url, session="fit")
    wait_until(lambda: is_alive(watcher(host)), "the watcher")
    pid = watcher(host)
    looks_on(host)
    assert is_alive(pid)
    tmux.unlink()
    wait_until(lambda: not is_alive(pid), "its end")


def only(host: Host, tool: str) -> None:
    """Give the host all programs of this computer, and of curl and wget that one."""
    everything = host.home / "all"
    everything.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for path in Path(folder).iterdir():
            if path.name not in {"curl", "wget"} - {tool} and not (everything / path.name).exists():
                (everything / path.name).symlink_to(path)
    host.env["PATH"] = f"{host.home}/bin:{everything}"


def test_without_a_program_that_posts_it_is_said(host: Host, heard: Listener) -> None:
    only(host, "")
    assert phone(host, heard.url) == {"no-poster"}


def test_twenty_messages_in_an_hour_at_most(host: Host, heard: Listener) -> None:
    assert phone(host, heard.url) == {"sent"}
    (text,) = (one for one in call.texts("phone") if "may_push()" in one)
    script = f'{text}\nfor n in $(seq 30); do push "run $n" & done; wait'
    subprocess.run(["sh", "-c", script], env=host.env, timeout=LIMIT_S, check=True)
    assert len(heard.posts) == 20
    old = host.home / ".local/state/lnode/push/sent/7"
    os.utime(old, (1, 1))
    assert phone(host, heard.url) == {"sent"}
    assert phone(host, heard.url) == {"unsent"}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_that_may_be_sh_sends_and_watches(host: Host, heard: Listener, tmp_path: Path, shell: str) -> None:
    sh = installed(shell, tmp_path / "sh")
    host.draw("claude-bash", "fit")
    assert phone(host, heard.url, session="fit", sh=str(sh)) == {"watched"}
    wait_until(lambda: heard.texts == [WAITS], "the message")
