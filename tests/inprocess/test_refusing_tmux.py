"""A tmux that cannot be asked: lnode does not know its sessions, so no session counts as ended."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable

import pexpect
import pytest

from inprocess.cluster_home import (
    END_OF_FILE,
    LIMIT_S,
    PANE,
    TMUX,
    Site,
    again_line,
    attach_line,
    attached,
    detach,
    needs_proc,
    needs_tmux,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call as remote_call
from lnode.remote.reply import parse_reply


def planted_folder(site: Site) -> None:
    (site.home / f"tmux-{os.getuid()}").mkdir(mode=0o700)
    (site.home / f"tmux-{os.getuid()}").chmod(0o777)  # tmux: unsafe permissions


def file_for_folder(site: Site) -> None:
    (site.home / f"tmux-{os.getuid()}").touch()


def folder_of_another(site: Site) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    planted_folder(site)
    os.chown(site.home / "tmux-0", 12345, 12345)


def says(script: str, verbs: str = "*") -> Callable[[Site], None]:
    """A tmux in front of the real one which does that instead of these verbs."""

    def install(site: Site) -> None:
        site.program("tmux", f'case "$*" in {verbs}) {script} ;; esac\nexec {TMUX} "$@"')

    return install


def no_program(site: Site) -> None:
    (site.home / "bin" / "tmux").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(64))
    (site.home / "bin" / "tmux").chmod(0o755)


REFUSALS: dict[str, Callable[[Site], None]] = {
    "a folder that others can write": planted_folder,
    "a file": file_for_folder,
    "a folder of another user": folder_of_another,
    "versions": says("echo 'server version is too old for client' >&2; exit 1"),
    "protocols": says("echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1"),
    "a full disk": says("echo 'error creating /tmp/tmux-0 (No space left on device)' >&2; exit 1"),
    "no right": says("echo 'error connecting to /tmp/tmux-0/default (Permission denied)' >&2; exit 1"),
    "a server that always dies": says("echo 'server exited unexpectedly' >&2; exit 1"),
    "a lost server": says("echo 'lost server' >&2; exit 1"),
    "no word": says("exit 1"),
    "a crash": says("kill -s SEGV $$"),
    "a kill": says("kill -s KILL $$"),
    "no program": no_program,
    "a notice": says("echo 'tmux is not allowed on login nodes'; exit 0"),
    "silence": says("exit 0"),
}


@needs_tmux
@pytest.mark.parametrize("why", REFUSALS)
def test_what_a_tmux_that_refuses_has_is_not_known(sh_site: Site, why: str) -> None:
    notes = sh_site.home / ".local/state/lnode/nodes"
    notes.mkdir(parents=True, mode=0o700)
    (notes / os.uname().nodename).write_text("port  \nx\n")
    REFUSALS[why](sh_site)
    for mode in ("create", "existing"):
        assert status_of(sh_site.attach(attach_line("x", mode=mode, command=PANE))) == ExitOfAttach.CANNOT_ASK
    assert status_of(sh_site.attach(again_line())) == ExitOfAttach.CANNOT_ASK
    picture = sh_site.picture()
    assert (picture.tmux, bool(picture.tmux_says)) == ("refused", True)
    assert (notes / os.uname().nodename).read_text() == "port  \nx\n"
    nonce = remote_call.nonce()
    reply = parse_reply(nonce, sh_site.answer(remote_call.line("peek", nonce, "", "x", "0", "")).stdout.split("\n"))
    assert ("refused-tmux" in reply, "no-session" in reply) == (True, False)


@needs_tmux
def test_the_words_of_a_tmux_that_refuses_cannot_write_to_the_terminal(sh_site: Site) -> None:
    says(r"printf 'no \033]52;c;eA==\007right\n%s\n' \"$(seq 99999)\" >&2; exit 1")(sh_site)
    child = sh_site.attach(attach_line("x"))
    child.expect(pexpect.EOF)
    assert "no ]52;c;eA==right" in (child.before or "")
    assert len((child.before or "").splitlines()) < 10
    assert status_of(child) == ExitOfAttach.CANNOT_ASK


@needs_tmux
def test_a_server_that_is_stopped_cannot_be_asked(sh_site: Site) -> None:
    real = shutil.which("timeout")
    sh_site.program("timeout", f'if [ "$1" = -k ]; then shift 3; set -- 1 "$@"; fi; exec {real} "$@"')
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    server = int(sh_site.tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.CANNOT_ASK
        assert status_of(sh_site.attach(again_line())) == ExitOfAttach.CANNOT_ASK
        picture = sh_site.picture()
        stopped = f"the tmux server (process {server}) is stopped; let it go on: kill -CONT {server}"
        assert (picture.tmux, picture.tmux_says) == ("refused", stopped)
    finally:
        os.kill(server, signal.SIGCONT)
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]


@needs_tmux
@needs_proc
@pytest.mark.parametrize("processors", [(0, -1), (-1, 0)])
def test_of_two_servers_of_one_name_the_one_that_has_the_socket_is_named(
    sh_site: Site, processors: tuple[int, int]
) -> None:
    """As where a cleaned /tmp has left a server behind, and you have started another one, on each of two processors."""
    real = shutil.which("timeout")
    sh_site.program("timeout", f'if [ "$1" = -k ]; then shift 3; set -- 1 "$@"; fi; exec {real} "$@"')
    servers, usable = [], os.sched_getaffinity(0)
    for processor in processors:
        os.sched_setaffinity(0, {sorted(usable)[processor]})
        try:
            sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
        finally:
            os.sched_setaffinity(0, usable)
        servers.append(int(sh_site.tmux("display-message", "-p", "#{pid}")))
        (socket_,) = sh_site.home.glob("tmux-*/default")
        socket_.rename(sh_site.home / f"socket{len(servers)}")
    (sh_site.home / "socket2").rename(socket_)
    os.kill(servers[1], signal.SIGSTOP)
    try:
        assert f"(process {servers[1]}) is stopped" in sh_site.picture().tmux_says
    finally:
        os.kill(servers[1], signal.SIGCONT)
        sh_site.tmux("-S", str(sh_site.home / "socket1"), "kill-server")


@needs_tmux
def test_a_server_that_took_its_time_is_asked_once_more(sh_site: Site) -> None:
    real = shutil.which("timeout")
    late = 'if [ "$1" = -k ] && mkdir "$HOME/late" 2>/dev/null; then exit 124; fi'
    sh_site.program("timeout", f'{late}; exec {real} "$@"')
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]
    assert (sh_site.home / "late").exists()


@needs_tmux
@pytest.mark.parametrize("does", ["exit 0", "exit 1", "kill -s SEGV $$", "echo 'lost server' >&2; exit 1"])
def test_an_attach_that_fails_in_any_way_has_ended_nothing(sh_site: Site, does: str) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    says(does, "*attach-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.NOT_ATTACHED


@needs_tmux
@pytest.mark.parametrize("does", ["kill -s SEGV $$", "echo 'open terminal failed' >&2; exit 1", "exit 127"])
def test_a_session_that_was_never_created_has_not_ended(sh_site: Site, does: str) -> None:
    says(does, "*new-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.NOT_CREATED


@needs_tmux
def test_a_session_whose_server_crashes_at_its_attach_has_not_ended(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    crash = f"{TMUX} kill-server; echo 'server exited unexpectedly' >&2; exit 1"
    says(crash, "*attach-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x", command=PANE))) == ExitOfAttach.CANNOT_ASK
    assert sh_site.tmux("list-sessions") == ""


@needs_tmux
def test_the_same_number_in_another_server_is_another_session(sh_site: Site) -> None:
    child = attached(sh_site, attach_line("x", command=PANE))
    again = f"{TMUX} kill-server; while {TMUX} -u new-session -d -s y cat; [ $? != 0 ]; do :; done"
    subprocess.run(["sh", "-c", again], env=sh_site.env | {"TMUX": ""}, check=True, timeout=LIMIT_S)
    assert status_of(child) == ExitOfAttach.ENDED


@needs_tmux
def test_a_tmux_that_does_not_say_why_it_found_no_server(sh_site: Site) -> None:
    """As some before 2.0; that nothing listens the kernel says."""
    says(f"{TMUX} \"$@\" 2>/dev/null || {{ echo 'failed to connect to server' >&2; exit 1; }}; exit", "*list-*")(
        sh_site
    )
    assert (sh_site.picture().tmux, sh_site.picture().entries) == ("ok", ())
    child = attached(sh_site, attach_line("x", command=PANE))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    attached(sh_site, attach_line("x", command=PANE))
    says("echo 'failed to connect to server' >&2; exit 1", "*list-*")(sh_site)
    assert sh_site.picture().tmux == "refused"


@needs_tmux
def test_a_server_that_is_kept_without_sessions_has_none(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat", ";", "set-option", "-s", "exit-empty", "off")
    sh_site.tmux("kill-session", "-t", "x")
    assert (sh_site.picture().tmux, sh_site.picture().entries) == ("ok", ())
    assert status_of(sh_site.attach(attach_line("x", mode="existing"))) == ExitOfAttach.NO_SESSION
    assert detach(sh_site.attach(attach_line("x", command=PANE))) == ExitOfAttach.DETACHED
