"""A job that has lost its session: an attach brings it back, and a note of it stays as long as the job may."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from inprocess.cluster_home import LIMIT_S, PANE, Site, attach_line, detach, needs_tmux, no_process, pane_pid, status_of
from lnode.cluster import tmux
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call as remote_call
from shells import installed, through

STEPS = 'case " $* " in *" -s "*) cat "$HOME/steps" 2>/dev/null ;; *) cat "$HOME/jobs" ;; esac'


def orphaned(
    site: Site, *, shell: bool = True, asked_ago_s: int = 3600, state: str = "RUNNING", batch: int = 0, after_s: int = 2
) -> Path:
    """A note of a pane that is gone, and its job 7; `shell` if the job still has its shell."""
    pid, now, node = no_process(), int(time.time()), os.uname().nodename
    note = site.home / ".local" / "state" / "lnode" / "requests" / f"{node}.{pid}"
    note.parent.mkdir(parents=True, mode=0o700)
    note.write_text(f"{now - asked_ago_s} - x\n")
    at = now - asked_ago_s + after_s
    row = f"{7:<24}{pid:<16}{node.partition('.')[0]:<80}{at:<24}{batch:<4}{state:<20}\n"
    (site.home / "jobs").write_text(row)
    (site.home / "steps").write_text("7.0 node01 bash\n" if shell else "")
    site.program("squeue", STEPS)
    site.program("sattach", 'echo "the same shell: $*"; read -r line')
    site.program("srun", 'case $1 in --version) echo slurm 22.05.8 ;; *) echo "a shell: $*"; read -r line ;; esac')
    site.program("scancel", 'echo "$*" >>"$HOME/cancelled"')
    return note


@needs_tmux
@pytest.mark.parametrize("sh", ["dash", "bash", "mksh", "busybox"])
@pytest.mark.parametrize("shell", [True, False])
def test_its_job_is_brought_back_and_ends_with_its_shell(sh_site: Site, sh: str, *, shell: bool) -> None:
    note = orphaned(sh_site, shell=shell)
    line = attach_line("x", command="exec echo another request", program="salloc")
    child = sh_site.attach(through(line, installed(sh, sh_site.home / "sh")))
    if shell:
        child.expect_exact("lnode: back in the same shell of job 7")
        child.expect_exact("the same shell: --pty 7.0")
    else:
        child.expect_exact("lnode: a new shell in job 7: the one before is gone")
        child.expect_exact("a shell: --jobid=7 --immediate=30 -N1 -n1 --overlap --pty")
    assert not note.exists()
    pid = pane_pid(sh_site, "x")
    (kept,) = note.parent.iterdir()
    assert kept.name == f"{os.uname().nodename}.{pid}"
    assert kept.read_text().split()[1:] == ["7", "x"]
    child.send("\r")
    child.expect_exact("lnode: job 7 has ended. This shell is on the login node")
    assert ((sh_site.home / "cancelled").read_text(), [*note.parent.iterdir()]) == ("7\n", [])
    sh_site.tmux("kill-server")


def it_outlives_a_new_shell(site: Site, child: "pexpect.spawn[str]") -> None:
    """The job of the session goes on after the shell in the place of its first one."""
    child.expect_exact("lnode: a new shell in job 7: the one before cannot be reached")
    child.expect_exact("a shell: ")
    child.send("\r")
    child.expect_exact("lnode: job 7 goes on. This shell is on the login node")
    assert not (site.home / "cancelled").exists()
    site.tmux("kill-server")


@needs_tmux
def test_a_shell_that_cannot_be_reached_is_not_ended_with_the_one_in_its_place(sh_site: Site) -> None:
    orphaned(sh_site)
    sh_site.program("sattach", 'echo "sattach: error: no such step" >&2; exit 1')
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    child.expect_exact("sattach: error: no such step")
    it_outlives_a_new_shell(sh_site, child)


@needs_tmux
@pytest.mark.parametrize(
    "steps",
    ["7.interactive node01 interactive\n", "7.0 node01 python\n", "7.extern node01 extern\n7.1 node01 train\n",
     "7.batch node01 batch\n", None],
    ids=["salloc's own step", "a program", "a later step", "a batch script", "squeue does not tell"],
)  # fmt: skip
def test_what_may_live_in_the_job_is_not_ended_with_a_shell_in_its_place(sh_site: Site, steps: str | None) -> None:
    orphaned(sh_site)
    (sh_site.home / "steps").write_text(steps or "")
    sh_site.program("squeue", STEPS if steps else STEPS.replace('cat "$HOME/steps" 2>/dev/null', "exit 1"))
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    it_outlives_a_new_shell(sh_site, child)


@needs_tmux
def test_a_step_with_the_name_of_its_job_is_the_shell_of_a_request(sh_site: Site) -> None:
    """`srun -J interactive --pty bash` names the job and the step."""
    orphaned(sh_site)
    (sh_site.home / "steps").write_text("7.0 node01 interactive\n")
    sh_site.program("squeue", f'case " $* " in *" -o %j "*) echo interactive; exit ;; esac; {STEPS}')
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    child.expect_exact("the same shell: --pty 7.0")
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize(
    ("state", "told"),
    [
        *((state, "lnode: job 7 waits in the queue") for state in ("REQUEUED", "RESV_DEL_HOLD", "SPECIAL_EXIT")),
        ("OF_THE_FUTURE", "the same shell: --pty 7.0"),
    ],
)
def test_a_job_in_a_state_that_is_no_end_is_brought_back(sh_site: Site, state: str, told: str) -> None:
    note = orphaned(sh_site, state=state)
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    child.expect_exact(told)
    assert [file.read_text().split()[1] for file in note.parent.iterdir()] == ["7"]
    sh_site.tmux("kill-server")


@needs_tmux
def test_a_job_whose_host_the_scheduler_does_not_know_is_asked_for_no_second_time(sh_site: Site) -> None:
    """It may be another login node's, or this session's: only a note with its number tells."""
    note = orphaned(sh_site)
    row = (sh_site.home / "jobs").read_text()
    (sh_site.home / "jobs").write_text(f"{row[:40]}{'':<80}{row[120:]}")
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    assert status_of(child) == ExitOfAttach.JOB_SILENT
    assert note.exists() and sh_site.tmux("list-sessions") == ""
    note.write_text(note.read_text().replace(" - ", " 7 "))
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    child.expect_exact("the same shell: --pty 7.0")
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize(
    ("batch", "after_s", "is_its"), [(0, 800, True), (1, 30, True), (1, 600, False), (2, 600, False)]
)
def test_a_batch_job_that_you_have_submitted_later_is_nothing_to_bring_back(
    sh_site: Site, batch: int, after_s: int, *, is_its: bool
) -> None:
    orphaned(sh_site, batch=batch, after_s=after_s)
    child = sh_site.attach(attach_line("x", command="exec sh -c 'echo another request; sleep 60'", program="sh"))
    child.expect_exact("the same shell: --pty 7.0" if is_its else "another request")
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize("mode", ["existing", "there"])
def test_what_only_attaches_brings_it_back_too(sh_site: Site, mode: str) -> None:
    orphaned(sh_site)
    child = sh_site.attach(attach_line("x", mode=mode))
    child.expect_exact("the same shell: --pty 7.0")
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize(("program", "status"), [("sleep 20", 118), ("exit 1", 118), ("true", 100)])
def test_without_the_schedulers_answer_nothing_is_started(sh_site: Site, program: str, status: int) -> None:
    orphaned(sh_site)
    sh_site.program("squeue", program)
    sh_site.program("salloc", "true")
    child = sh_site.attach(attach_line("x", command=PANE, program="salloc"))
    if status == ExitOfAttach.DETACHED:
        assert detach(child) == status
    else:
        assert status_of(child) == status == ExitOfAttach.JOB_SILENT
        assert sh_site.tmux("list-sessions") == ""


@needs_tmux
@pytest.mark.parametrize(
    ("asked_ago_s", "jobs", "stays"),
    [
        (65, "", False), (65, "7", True), (65, None, True), (30, "", True), (10**9, "", True),
    ],
    ids=["all is gone", "its job goes on", "the scheduler is silent", "just now", "before the node has started"],
)  # fmt: skip
def test_a_note_goes_once_all_that_it_is_for_has_gone(
    sh_site: Site, asked_ago_s: int, jobs: str | None, *, stays: bool
) -> None:
    note = orphaned(sh_site, asked_ago_s=asked_ago_s)
    pid = note.name.rpartition(".")[2]
    row = "".join((f"{7:<24}", f"{pid:<16}", f"{0:<4}", "x" * 300))
    sh_site.program("squeue", "exit 1" if jobs is None else f"printf '%s\\n' '{row}'" if jobs else "true")
    sh_site.tmux("new-session", "-d", "-s", "other")
    sh_site.picture()
    assert note.exists() is stays
    sh_site.tmux("kill-server")


@pytest.mark.parametrize("ends", ["TIMEOUT", "RUNNING"])
def test_a_request_is_noted_while_its_job_may_go_on(site: Site, ends: str) -> None:
    folder = site.home / ".local" / "state" / "lnode" / "requests"
    folder.mkdir(parents=True, mode=0o700)
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    site.program("squeue", f'printf "%-24s%-24s%-24s%-4s\\n" 4711 $({sid}) {ends} 0')
    site.program(
        "request", f'ls "{folder}" >"$HOME/seen"; cat "{folder}"/* >>"$HOME/seen"; ls -l "{folder}" >>"$HOME/seen"'
    )
    (site.home / "shell").write_text(f'#!/bin/sh\ncase "$*" in -l) exit ;; esac\nexec {site.shell} "$@"\n')
    (site.home / "shell").chmod(0o755)
    command = remote_call.in_pane(tmux.pane_command("request", remote_call.after_request()), "x")
    done = subprocess.run(
        [site.shell, "-c", command], env=site.env | {"SHELL": str(site.home / "shell")}, start_new_session=True,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert "has ended" in done.stdout, done
    name, row, _, listed = (site.home / "seen").read_text().splitlines()
    assert name.startswith(f"{os.uname().nodename}.")
    assert row.split()[1:] == ["-", "x"]
    assert listed.startswith("-rw-------")
    assert [path.name for path in folder.iterdir()] == ([name] if ends == "RUNNING" else [])
