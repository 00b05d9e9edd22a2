"""The pane after its request: a sentence on the end of the job, then your login shell."""

import os
import subprocess
import sys

import pytest

from inprocess.cluster_home import LIMIT_S, TMUX, Site, attach_line, attached, needs_proc, needs_tmux
from lnode.cluster import tmux
from lnode.remote import call as remote_call
from rig import wait_until

PANE_COMMAND = tmux.pane_command("true", remote_call.after_request())


@pytest.mark.parametrize("request_", ["echo the request", "no-such-sinteractive-anywhere -m 1"])
def test_after_the_request_the_shell_says_where_it_is(site: Site, request_: str) -> None:
    # squeue knows the job by the session id of whoever asked for it, here as under tmux the pane's first process
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    site.program("squeue", f'printf "%-24s%-24s%-24s\\n" 1 1 RUNNING 4711 $({sid}) TIMEOUT')
    env = site.env | {"SHELL": str(site.program("myshell", 'echo "my shell $*"'))}
    done = subprocess.run(
        [site.shell, "-c", tmux.pane_command(request_, remote_call.after_request())],
        env=env, start_new_session=True, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    here = os.uname().nodename
    assert done.stdout.split("\n")[-6:] == [
        "",
        f"lnode: job 4711 (TIMEOUT) has ended. This shell is on the login node {here}, on no compute node.",
        "lnode: a new allocation in this session, from your laptop: lnode HOST SESSION --renew",
        "",
        "my shell -l",
        "",
    ]
    assert ("the request\n" in done.stdout) is request_.startswith("echo")


@needs_tmux
@needs_proc
def test_after_the_request_the_program_of_the_server_is_told(sh_site: Site) -> None:
    """Not the one on PATH, which may have another version."""
    sh_site.program("tmux", "exit 1")
    command = tmux.pane_command("echo in the pane", remote_call.after_request())
    attached(sh_site, attach_line("x", command=command, tmux_path=str(TMUX)))
    wait_until(lambda: sh_site.picture(str(TMUX)).entries[0].session.ended is not None, "its end is told")
    subprocess.run([str(TMUX), "kill-server"], env=sh_site.env | {"TMUX": ""}, check=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(
            ("4711 TIMEOUT 0", "4712 RUNNING 1", "4713 PENDING 1"), "job 4711 (TIMEOUT)", id="submitted there"
        ),
        pytest.param(("4711 COMPLETED 1", "4712 TIMEOUT 0"), "job 4712 (TIMEOUT)", id="one of these has ended, too"),
        pytest.param(("4711 TIMEOUT 0", "4720 CANCELLED 0"), "job 4720 (CANCELLED)", id="the last request"),
        pytest.param(("4711 CANCELLED 1",), "job 4711 (CANCELLED)", id="a wrapper's own"),
        pytest.param(("4711 RUNNING 1",), "the request", id="it goes on"),
    ],
)
def test_after_the_request_no_batch_job_is_taken_for_it(site: Site, rows: tuple[str, ...], said: str) -> None:
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    printed = "; ".join(
        f"printf '%-24s%-24s%-24s%-4s\\n' {job} $({sid}) {state} {batch}" for job, state, batch in map(str.split, rows)
    )
    site.program("squeue", printed)
    done = subprocess.run(
        [site.shell, "-c", PANE_COMMAND], env=site.env | {"SHELL": "/bin/true"},
        start_new_session=True, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert f"lnode: {said} has ended. This shell is on" in done.stdout


@pytest.mark.parametrize(
    ("squeue", "said", "is_kept"),
    [
        ("exit 1", "the request has ended. Whether its job has, the scheduler does not say.", True),
        (
            "echo 'squeue: error: Invalid user: alice' >&2",
            "the request has ended. Whether its job has, the scheduler does not say.",
            True,
        ),
        ("printf '%-24s%-24s%-24s%-4s\\n' 7 $({sid}) RUNNING 0", "the request has ended, and its job 7 goes on.", True),
        ("printf '%-24s%-24s%-24s%-4s\\n' 7 $({sid}) PENDING 0", "the request has ended, and its job 7 goes on.", True),
        (":", "the request has ended.", False),
    ],
)
def test_after_the_request_its_job_is_said_to_have_ended_only_if_it_has(
    sh_site: Site, squeue: str, said: str, *, is_kept: bool
) -> None:
    """Else the note by which it is found again stays."""
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    sh_site.program("squeue", squeue.replace("{sid}", sid))
    note = sh_site.home / ".local/state/lnode/requests" / os.uname().nodename
    note.parent.mkdir(parents=True)
    command = tmux.pane_command(f"touch {note}.$$", remote_call.after_request())
    done = subprocess.run(
        ["sh", "-c", command], env=sh_site.env | {"SHELL": "/bin/true"}, start_new_session=True,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert f"lnode: {said} This shell is on the login node" in done.stdout, done
    assert any(note.parent.iterdir()) is is_kept
