"""The line of a reconnect: it replaces its own ghost, leaves other clients alone, and creates no session."""

import os
import shlex
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from inprocess.cluster_home import (
    DETACH,
    ELSEWHERE,
    LIMIT_S,
    OLD_TMUX,
    PANE,
    RUN,
    Site,
    again_line,
    attach_line,
    attached,
    by_hand,
    cut_off,
    detach,
    needs_tmux,
    no_process,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach
from rig import wait_until


@needs_tmux
def test_a_reconnect_replaces_its_ghost_and_leaves_the_others_alone(site: Site) -> None:
    ghost = attached(site, attach_line("x", command=PANE, run=RUN))
    ghost_tty, ghost_pid, epoch = site.mark(RUN)
    assert (ghost_pid, site.clients()) == (str(ghost.pid), {ghost_tty})
    by_hand(site)
    (other,) = site.clients() - {ghost_tty}
    site.mark(RUN, f"{ghost_tty} {ghost_pid} {int(epoch) - 100}")  # the other is newer, and only shares
    site.tmux("rename-session", "-t", "x", "y")
    site.tmux("new-session", "-d", "-s", "x", "cat")

    child = attached(site, again_line())
    assert status_of(ghost) == ExitOfAttach.DETACHED
    site.tmux("kill-session", "-t", "x", ";", "rename-session", "-t", "y", "x")
    tty, pid, _ = site.mark(RUN)  # which the ghost has not taken along
    assert (pid, site.clients()) == (str(child.pid), {tty, other})

    site.later()
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert (site.mark(RUN), site.clients()) == ([], {other})


@needs_tmux
@pytest.mark.parametrize("which", ["this tmux", "tmux 1.8"])
def test_a_ghost_that_has_outlived_its_shell_is_no_stranger(sh_site: Site, which: str) -> None:
    path = "" if which == "this tmux" else str(sh_site.program("old-tmux", OLD_TMUX))
    line = attach_line("x", command=PANE, run=RUN, tmux_path=path)
    attached(sh_site, f"sh -c {shlex.quote(line)}; exec sleep {LIMIT_S}")
    tty, shell, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {shell} {int(epoch) - 1}")  # a client comes a moment later than its mark
    os.kill(int(shell), signal.SIGKILL)
    assert sh_site.clients() == {tty}
    child = attached(sh_site, again_line(tmux_path=path))
    wait_until(lambda: tty not in sh_site.clients(), "the ghost is detached")
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_window_that_was_given_the_terminal_of_a_ghost_is_left_alone(site: Site) -> None:
    window = attached(site, attach_line("x", command=PANE, run="fedcba9876543210"))
    tty, _, epoch = site.mark("fedcba9876543210")
    site.mark(RUN, f"{tty} {no_process()} {epoch}")  # two windows were cut off and come back in the same second
    child = attached(site, again_line())
    assert len(site.clients()) == 2
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert site.clients() == {tty}
    assert status_of(window, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_ghost_of_another_window_takes_nothing_over(sh_site: Site) -> None:
    line = attach_line("x", command=PANE, run="fedcba9876543210")
    attached(sh_site, f"sh -c {shlex.quote(line)}; exec sleep {LIMIT_S}")
    tty, shell, epoch = sh_site.mark("fedcba9876543210")
    sh_site.mark(RUN, f"/dev/pts/none {no_process()} {int(epoch) - 100}")
    os.kill(int(shell), signal.SIGKILL)
    parent = ["ps", "-o", "ppid=", "-p", sh_site.tmux("list-clients", "-F", "#{client_pid}")]
    wait_until(lambda: subprocess.check_output(parent, text=True).strip() != shell, "the ghost has another parent")
    if subprocess.check_output(parent, text=True).strip() != "1":
        pytest.skip("a process of this machine adopts orphans (prctl(2)), as none of a login node does")
    child = attached(sh_site, again_line())
    assert tty in sh_site.clients()  # its own window sees to it
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_reconnect_without_a_ghost(site: Site) -> None:
    cut_off(site, attached(site, attach_line("x", command=PANE, run=RUN)))
    assert detach(site.attach(again_line())) == ExitOfAttach.DETACHED


@needs_tmux
@pytest.mark.parametrize(("away_s", "rebooted"), [("0", False), ("999999999", True)])
@pytest.mark.parametrize("ps", ["of procps", "that knows no etimes"])
def test_a_session_that_is_gone_is_not_made_again(sh_site: Site, away_s: str, rebooted: bool, ps: str) -> None:
    if ps != "of procps":
        sh_site.program("ps", f'case $* in *etimes*) echo error >&2; exit 1;; esac; exec {shutil.which("ps")} "$@"')
    line = again_line(away_s=away_s)
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.SERVER_GONE)
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    sh_site.tmux("kill-session", "-t", "x", ";", "new-session", "-d", "-s", "x", "cat")
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.NO_SESSION)
    assert sh_site.tmux("list-sessions", "-F", "#{session_name} #{session_attached}") == "x 0"
    sh_site.tmux("kill-server")
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.SERVER_GONE)
    assert sh_site.tmux("list-sessions") == ""


@needs_tmux
def test_a_session_on_another_login_node_is_not_gone(sh_site: Site) -> None:
    attached(sh_site, attach_line("other", command=PANE))
    assert status_of(sh_site.attach(again_line(node="login2", away_s="999999999"))) == ExitOfAttach.OTHER_NODE
    sh_site.tmux("kill-server")
    assert status_of(sh_site.attach(again_line(node="login2"))) == ExitOfAttach.OTHER_NODE
    assert status_of(sh_site.attach(again_line(node=os.uname().nodename))) == ExitOfAttach.SERVER_GONE


@needs_tmux
def test_what_a_reconnect_has_to_say_is_said_below_the_last_screen(sh_site: Site) -> None:
    gone = sh_site.attach(again_line())
    gone.expect(pexpect.EOF)
    assert (gone.before, status_of(gone)) == ("\x1b[?1049l", ExitOfAttach.SERVER_GONE)
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    attached(sh_site, attach_line("x", laptop=ELSEWHERE))
    taken = sh_site.attach(again_line())
    taken.expect_exact("\x1b[?1049lx was taken over by desk.example.org at ")
    assert status_of(taken) == ExitOfAttach.TAKEN_OVER


@needs_tmux
@pytest.mark.parametrize(
    "complaint",
    [
        "tmux: need UTF-8 locale (LC_CTYPE) but have ANSI_X3.4-1968",
        "error connecting to /tmp/tmux-0/default (Permission denied)",
        "failed to connect to server: Permission denied",
        "tmux: error while loading shared libraries: libevent.so: cannot open shared object: No such file or directory",
    ],
)
def test_a_tmux_that_cannot_be_asked_is_not_gone(sh_site: Site, complaint: str) -> None:
    broken = sh_site.program("broken-tmux", f'echo "{complaint}" >&2; exit 1')
    child = sh_site.attach(again_line(tmux_path=str(broken), away_s="999999999"))
    child.expect_exact(complaint.rsplit(maxsplit=1)[-1])
    assert status_of(child) == ExitOfAttach.CANNOT_ASK


@needs_tmux
def test_a_reconnect_without_a_terminal_ends(sh_site: Site) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    done = sh_site.answer(again_line())
    assert (done.returncode, "not a terminal" in done.stderr) == (ExitOfAttach.NOT_ATTACHED, True)


@needs_tmux
def test_a_detach_that_the_laptop_never_heard_of_is_final(sh_site: Site) -> None:
    assert detach(sh_site.attach(attach_line("x", command=PANE, run=RUN))) == ExitOfAttach.DETACHED
    assert status_of(sh_site.attach(again_line())) == ExitOfAttach.DETACHED
    assert sh_site.clients() == set()


@needs_tmux
def test_a_tty_is_used_again_by_somebody_else(sh_site: Site) -> None:
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    other = by_hand(sh_site)
    (tty,) = sh_site.clients()
    sh_site.mark(RUN, f"{tty} {other.pid} {int(time.time()) + 100}")  # other.pid is the client, not its parent
    assert not sh_site.refreshed(RUN)
    attached(sh_site, again_line())
    assert sh_site.clients() > {tty}
    assert other.isalive()
