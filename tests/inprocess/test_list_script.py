"""list.sh on a real tmux: the sessions, their clients, and the jobs of Slurm that belong to them."""

import os
import shlex
import subprocess
import sys
import time

import pytest

from inprocess.cluster_home import DETACH, PANE, TMUX, Site, attach_line, needs_tmux, no_slurm, pane_pid, status_of
from lnode.cluster import sessions, tmux_answers
from lnode.cluster.sessions import State
from lnode.cluster.tmux import ExitOfAttach
from lnode.schedulers.slurm import WIDTHS
from rig import wait_until


@needs_tmux
def test_the_list_in_every_login_shell(site: Site) -> None:
    site.tmux("new-session", "-d", "-s", "livenode", "cat", ";", "split-window", "cat")
    site.tmux("new-session", "-d", "-s", "zwei Wörter", "cat", ";", "set-option", "@lnode_kind", "login")
    reply = site.reply("list")
    assert next(iter(reply)) == "begun"  # before anything else
    picture = sessions.picture_of(reply)
    assert (picture.login_node, picture.scheduler, picture.tmux) == (
        os.uname().nodename.partition(".")[0],
        "ok",
        "ok",
    )
    assert [entry.session.name for entry in picture.entries] == ["livenode", "zwei Wörter"]
    assert [len(entry.session.pane_pids) for entry in picture.entries] == [2, 1]
    assert [entry.session.kind for entry in picture.entries] == ["", "login"]


def job_row(sid: int | str, *, submitted: float | None = None, **more: str) -> str:
    """What squeue prints of a running job that was requested here by process `sid`."""
    values = {
        "jobid": "4711", "allocsid": str(sid), "batchflag": "0", "submittime": f"{submitted or time.time():.0f}",
        "state": "RUNNING", "timeleft": "1:00:00", "starttime": "N/A", "allocnodes": os.uname().nodename,
        "nodelist": "c0512", "reason": "None", "name": "a | name",
    }  # fmt: skip
    return "".join((values | more)[field].ljust(width) for field, width in WIDTHS.items())


def schedule(site: Site, *rows: str) -> None:
    """What squeue says from now on."""
    (site.home / "jobs").write_text("".join(f"{row}\n" for row in rows))


@needs_tmux
def test_a_job_of_a_pane_is_found(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "myproject", "cat")
    schedule(sh_site, job_row(pane_pid(sh_site, "myproject")))
    (entry,) = sh_site.picture().entries
    assert entry.state is State.RUNNING
    assert (entry.node, entry.job and entry.job.id) == ("c0512", "4711")


@needs_tmux
def test_the_clock_of_the_host_comes_along(sh_site: Site) -> None:
    before = int(time.time())
    assert before <= (sh_site.picture().now or 0) <= time.time()


@needs_tmux
def test_a_job_is_this_nodes_by_the_name_of_another_network(sh_site: Site) -> None:
    sh_site.program(
        "getent", 'case $2 in login-ib) printf "10.9.8.7      STREAM login-ib\\n10.9.8.7      DGRAM\\n" ;; esac'
    )
    sh_site.program("hostname", "echo 192.0.2.1 10.9.8.7")
    sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    pid = sh_site.tmux("display-message", "-p", "-t", "a", "#{pane_pid}")
    schedule(sh_site, job_row(pid, allocnodes="login-ib"))
    picture = sh_site.picture()
    assert [entry.state for entry in picture.entries] == [State.RUNNING]
    assert picture.others == ()
    (sh_site.home / "bin" / "hostname").write_text("#!/bin/sh\necho 192.0.2.1\n")
    assert [claim.node for claim in sh_site.picture().others] == ["login-ib"]


COMPUTE = 'case " $* " in *" -n c0007 "*) echo c0007; echo c0007 ;; esac'  # once for each partition


@needs_tmux
def test_a_compute_node_that_asked_for_a_job_is_no_login_node(sh_site: Site) -> None:
    schedule(sh_site, job_row("1", allocnodes="c0007"))
    assert [claim.node for claim in sh_site.picture().others] == ["c0007"]
    sh_site.program("sinfo", COMPUTE)
    assert sh_site.picture().others == ()


@needs_tmux
@pytest.mark.parametrize(("compute", "left"), [(COMPUTE, ExitOfAttach.DETACHED), ("", ExitOfAttach.ELSEWHERE)])
def test_a_compute_node_that_asked_for_a_job_has_no_sessions(sh_site: Site, compute: str, left: ExitOfAttach) -> None:
    sh_site.program("squeue", 'printf "%-4s%-80s\\n" 0 c0007')
    sh_site.program("sinfo", compute)
    assert status_of(sh_site.attach(attach_line("new", command=PANE)), DETACH) == left


@needs_tmux
def test_no_host_is_asked_about_where_all_is_from_here(sh_site: Site) -> None:
    sh_site.program("sinfo", 'echo sinfo >>"$HOME/asked"')
    sh_site.program("getent", 'echo getent >>"$HOME/asked"')
    schedule(sh_site, job_row("1"), job_row("1", allocnodes="c0007", batchflag="1"), job_row("1", allocnodes="(null)"))
    assert sh_site.picture().others == ()
    assert not (sh_site.home / "asked").exists()


# The process that squeue names, below or beside a pane; it writes its pid and then waits.
STRANGER = "sh -c 'echo $$ >$HOME/sid.new; mv $HOME/sid.new $HOME/sid; exec cat $HOME/forever'"


@needs_tmux
@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="as on Linux")
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(f'script -qc "{STRANGER}" /dev/null', id="script"),
        pytest.param(f'tmux -L inner new-session -d "{STRANGER}"; exec cat', id="a nested tmux"),
        pytest.param(f"setsid -f {STRANGER}; exec cat", id="setsid"),
    ],
)
def test_a_job_is_found_behind_what_leads_a_session_of_its_own(sh_site: Site, how: str) -> None:
    os.mkfifo(sh_site.home / "forever")
    sh_site.tmux("new-session", "-d", "-s", "decoy", "cat")
    sh_site.tmux("new-session", "-d", "-s", "myproject", how)
    try:
        wait_until((sh_site.home / "sid").exists, "the stranger runs")
        schedule(sh_site, job_row((sh_site.home / "sid").read_text().strip()))
        picture = sh_site.picture()
        assert {entry.session.name: entry.job is not None for entry in picture.entries} == {
            "decoy": False,
            "myproject": True,
        }
    finally:
        os.close(os.open(sh_site.home / "forever", os.O_RDWR))  # it ends, or never was
        sh_site.tmux("-L", "inner", "kill-server")


@needs_tmux
def test_a_recycled_pid_is_unknown_until_a_request_elsewhere_shows_the_clocks(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "innocent", "cat")
    old = job_row(pane_pid(sh_site, "innocent"), submitted=time.time() - 3600)
    schedule(sh_site, old)
    assert [entry.state for entry in sh_site.picture().entries] == [State.UNKNOWN]

    sh_site.program("srun", "cat; exit 0")
    sh_site.tmux("new-session", "-d", "-s", "other", f"{sh_site.home}/bin/srun; cat")
    schedule(sh_site, old, job_row(pane_pid(sh_site, "other"), jobid="4712"))

    def states() -> list[State]:
        return [entry.state for entry in sh_site.picture().entries]

    wait_until(lambda: states()[1] is State.RUNNING, "srun asks")
    wait_until(lambda: states() == [State.SHELL, State.RUNNING], "the clocks are known")
    schedule(sh_site, job_row(pane_pid(sh_site, "innocent"), submitted=time.time() - 3 * 86400))
    assert states()[0] is State.SHELL


@needs_tmux
def test_a_request_whose_job_is_not_there_yet_is_unknown(sh_site: Site) -> None:
    sh_site.program("salloc", "cat; exit 0")
    sh_site.tmux("new-session", "-d", "-s", "x", f"{sh_site.home}/bin/salloc; cat")
    wait_until(lambda: sh_site.picture().entries[0].state is State.UNKNOWN, "salloc asks")


@needs_tmux
def test_an_ended_srun_that_nobody_has_reaped_asks_for_nothing(sh_site: Site) -> None:
    sh_site.program("srun", "exit 0")
    sh_site.program("squeue", "true")
    starts = f"import subprocess, time; subprocess.Popen(['{sh_site.home}/bin/srun']); time.sleep(3600)"
    sh_site.tmux("new-session", "-d", "-s", "x", shlex.join([sys.executable, "-c", starts]))
    wait_until(lambda: "<defunct>" in str(sh_site.reply("list")["processes"]), "it has ended")
    assert sh_site.picture().entries[0].state is State.SHELL


@needs_tmux
def test_where_clients_come_from(sh_site: Site) -> None:
    ours = sh_site.attach(attach_line("x", command=PANE))
    ours.expect_exact("in the pane")
    first = sh_site.clients()
    assert places(sh_site) == {"my-laptop"}
    sh_site.by_hand("attach-session", "-t", "=x").expect_exact("in the pane")
    (tty,) = (name.removeprefix("/dev/") for name in sh_site.clients() - first)
    assert places(sh_site) == {"my-laptop", tty}
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    sh_site.program("who", f"echo '{user} {tty} 2026-11-23 01:00 (desk.example.org)'")
    assert places(sh_site) == {"my-laptop", "desk.example.org"}


@needs_tmux
def test_a_session_is_noted_also_where_who_knows_nothing_of_its_client(sh_site: Site) -> None:
    ours = sh_site.attach(attach_line("x", command=PANE))
    ours.expect_exact("in the pane")
    note = sh_site.home / ".local/state/lnode/nodes" / os.uname().nodename
    note.unlink(missing_ok=True)
    sh_site.program("who", "true")
    sh_site.picture()
    assert note.read_text().splitlines()[1:] == ["x"]


def places(site: Site) -> set[str]:
    (entry,) = site.picture().entries
    return set(entry.session.clients)


@needs_tmux
def test_what_is_written_on_a_session_comes_along(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    for option, value in (
        ("kind", "node"), ("ended", "4711 TIMEOUT 1700000000"), ("told", "4711"), ("warned", "4711 15"),
    ):  # fmt: skip
        sh_site.tmux("set-option", "-t", "x:", f"@lnode_{option}", value)
    (entry,) = sh_site.picture().entries
    assert entry.session.ended == tmux_answers.Ended("4711", "TIMEOUT", 1700000000)
    assert (entry.session.told, entry.session.warned, entry.state) == ("4711", "4711 15", State.ENDED)


@needs_tmux
def test_a_bell_in_a_window_that_nobody_sees(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    assert sh_site.picture().entries[0].session.alerts == ""
    sh_site.tmux("new-window", "-d", "-t", "x:", "printf '\\a'; exec cat")
    wait_until(lambda: sh_site.picture().entries[0].session.alerts == "!", "the bell is seen")


@needs_tmux
def test_a_tmux_whose_formats_know_no_options(sh_site: Site) -> None:
    """As tmux 1.8 and 1.9, for which they are empty."""
    sh_site.tmux("new-session", "-d", "-s", "zwei Wörter", "cat", ";", "set-option", "@lnode_kind", "node")
    sh_site.program(
        "old-tmux",
        f"""for word; do
          shift
          set -- "$@" "$(printf %s "$word" | sed 's/#{{@[a-z_]*}}//g; s/#{{client_pid}}//g')"
        done
        exec {TMUX} "$@\"""",
    )
    (entry,) = sh_site.picture(tmux_path=str(sh_site.home / "bin" / "old-tmux")).entries
    assert (entry.session.name, entry.session.kind, entry.state) == ("zwei Wörter", "", State.SHELL)


@needs_tmux
def test_many_sessions_are_one_question_to_tmux(sh_site: Site) -> None:
    for number in range(20):
        sh_site.tmux("new-session", "-d", "-s", f"s{number}", "cat")
    sh_site.program("counted-tmux", f'echo "$2" >>"$HOME/asked"; exec {TMUX} "$@"')
    assert len(sh_site.picture(tmux_path=str(sh_site.home / "bin" / "counted-tmux")).entries) == 20
    assert (sh_site.home / "asked").read_text().split() == ["list-clients"]


def test_squeue_is_asked_once_for_the_users_own_jobs_in_epoch_seconds(sh_site: Site) -> None:
    sh_site.program("squeue", 'echo "$SLURM_TIME_FORMAT" "$@" >>"$HOME/asked"')
    fields = ",".join(f"{field}:{width}" for field, width in WIDTHS.items())
    sh_site.picture()
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert (sh_site.home / "asked").read_text() == f"%s -a -h -u {user} -O {fields}\n"


def test_a_scheduler_that_fails_is_silent_and_the_sessions_are_there(sh_site: Site) -> None:
    sh_site.program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    if TMUX:
        sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    picture = sh_site.picture()
    assert picture.scheduler == "silent"
    assert [entry.session.name for entry in picture.entries] == (["a"] if TMUX else [])


@no_slurm
def test_no_scheduler(sh_site: Site) -> None:
    (sh_site.home / "bin" / "squeue").unlink()
    assert sh_site.picture().scheduler == "none"


def test_no_tmux_there(site: Site) -> None:
    assert site.picture(tmux_path="/opt/none/tmux").tmux == "missing"
