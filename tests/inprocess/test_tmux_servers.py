"""The tmux server: killed under its clients, ended by a logout, without its socket, or of another name."""

import shutil

import pytest

from inprocess.cluster_home import (
    DETACH,
    END_OF_FILE,
    PANE,
    TMUX,
    Site,
    attach_line,
    detach,
    needs_proc,
    needs_tmux,
    pane_pid,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call as remote_call
from rig import wait_until


@needs_tmux
def test_a_server_that_is_killed_under_its_client_starts_nothing_anew(sh_site: Site) -> None:
    child = sh_site.attach(attach_line("x", command=PANE))
    child.expect_exact("in the pane")
    again = sh_site.attach(attach_line("x", command=PANE))
    again.expect_exact("in the pane")
    sh_site.tmux("kill-server")
    assert status_of(child) == ExitOfAttach.ENDED
    assert status_of(again) == ExitOfAttach.ENDED
    assert sh_site.picture().entries == ()


@needs_tmux
def test_a_tmux_that_always_complains_of_something_starts_nothing_twice(sh_site: Site) -> None:
    noisy = sh_site.program(
        "noisy-tmux", f'echo "$*" >>"$HOME/calls"; echo "ld.so: cannot be preloaded: ignored" >&2; exec {TMUX} "$@"'
    )
    line = attach_line("x", command=PANE, tmux_path=str(noisy))
    assert detach(sh_site.attach(line)) == ExitOfAttach.DETACHED
    assert detach(sh_site.attach(line)) == ExitOfAttach.DETACHED
    again = sh_site.attach(line)
    again.expect_exact("in the pane")
    assert status_of(again, END_OF_FILE) == ExitOfAttach.ENDED
    assert (sh_site.home / "calls").read_text().count("new-session") == 1


@needs_tmux
@pytest.mark.parametrize("answer", ["b true", "b false\\nt 600000000"])  # at logout, or once the login is idle
@pytest.mark.parametrize("lingers", [True, False])
def test_a_login_that_takes_its_processes_along(sh_site: Site, answer: str, *, lingers: bool) -> None:
    sh_site.program("busctl", f"printf '{answer}\\n'")
    sh_site.program("loginctl", f"echo Linger={'yes' if lingers else 'no'}")
    sh_site.program("systemd-run", 'echo "$*" >>"$HOME/lasting"; shift 3; exec "$@"')
    child = sh_site.attach(attach_line("x"))
    wait_until(lambda: sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x", "there is a session")
    other = sh_site.attach(attach_line("y"))
    wait_until(lambda: sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x\ny", "there is another")
    del child, other
    lasting = sh_site.home / "lasting"
    started = lasting.read_text().splitlines() if lasting.exists() else []
    assert [words.split()[:5] for words in started] == [  # the other one is in the server that is there
        ["--quiet", "--user", "--scope", "true"], ["--quiet", "--user", "--scope", shutil.which("tmux"), "-u"],
    ] * lingers  # fmt: skip


@needs_tmux
@needs_proc
def test_a_server_whose_socket_was_removed_has_its_sessions_still(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    pid = pane_pid(sh_site, "x")
    (socket,) = sh_site.home.glob("tmux-*/default")
    socket.unlink()
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]
    socket.unlink()
    socket.parent.rmdir()
    child = sh_site.attach(attach_line("x"))
    wait_until(lambda: sh_site.tmux("list-clients", "-F", "#{session_name}") == "x", "it is attached")
    assert pane_pid(sh_site, "x") == pid
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
@needs_proc
def test_a_server_that_cannot_make_its_socket_again_is_said(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    (socket,) = sh_site.home.glob("tmux-*/default")
    socket.unlink()
    socket.mkdir()
    (socket / "full").touch()
    try:
        assert status_of(sh_site.attach(attach_line("y")), "") == ExitOfAttach.SOCKET_GONE
        assert sh_site.picture().tmux == "lost"
        assert " lost-tmux\n" in sh_site.answer(remote_call.line("peek", remote_call.nonce(), "", "x", "0", "")).stdout
    finally:
        shutil.rmtree(socket)
        sh_site.picture()  # it has its socket again, to be ended by


@needs_tmux
@needs_proc
def test_a_server_of_another_name_has_lost_nothing(sh_site: Site) -> None:
    sh_site.tmux("-uL", "work", "new-session", "-d", "-s", "mine", "exec cat")
    try:
        child = sh_site.attach(attach_line("x"))
        wait_until(lambda: sh_site.tmux("list-clients", "-F", "#{session_name}") == "x", "it is attached")
        assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    finally:
        sh_site.tmux("-L", "work", "kill-server")
