"""Schedulers other than Slurm, with stand-ins for their programs: the job of a session is found and cancelled."""

import getpass
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import lnode
from inprocess.cluster_home import Site, needs_tmux, no_slurm, write_login_file
from lnode.cluster.sessions import State
from rig import wait_until

USER = getpass.getuser()


def without_slurm(site: Site) -> None:
    """And of the clients that this user runs elsewhere on this machine ps tells nothing."""
    (site.home / "bin" / "squeue").unlink()
    ps = shutil.which("ps")
    site.program("ps", f'case $* in *comm=*) {ps} "$@" | grep " $HOME/bin/" ;; *) exec {ps} "$@" ;; esac')


def pbs(site: Site) -> None:
    """A PBS whose jobs are in the file `jobs`, and which writes down how it was asked."""
    without_slurm(site)
    said = 'echo "${0##*/} $*" >>"$HOME/asked"'
    site.program("qselect", f"{said}; sed -n 's/^Job Id: //p' \"$HOME/jobs\"")
    site.program("qstat", f'{said}; cat "$HOME/jobs"')
    site.program("qdel", f"{said}; echo 'qdel: Unknown Job Id'")
    site.program("qsub", "read -r line")


def pbs_job(number: str) -> str:
    asked = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(time.time() + 4))  # qsub starts soon
    return (
        f"Job Id: {number}\n    Job_Name = STDIN\n    job_state = R\n    ctime = {asked}\n    exec_host = n07/0\n"
        f"    interactive = True\n    Variable_List = PBS_O_HOME=/home/x,PBS_O_HOST={os.uname().nodename},\n"
        "\tPBS_O_WORKDIR=/home/x\n    Resource_List.walltime = 01:00:00\n    resources_used.walltime = 00:10:00\n\n"
    )


@pytest.mark.parametrize(
    ("says", "answers"), [("echo job_number: 1; exit 1", True), ("exit 1", False), ("echo job; exit 124", False)]
)
def test_a_job_of_grid_engine_that_ended_in_between_is_no_silence(tmp_path: Path, says: str, *, answers: bool) -> None:
    rows = "".join(f"<JB_job_number>{number}</JB_job_number>\n" for number in (1, 2))
    (tmp_path / "qstat").write_text(f"#!/bin/sh\ncase $1 in -j) {says} ;; esac\necho '{rows}'\n")
    (tmp_path / "qstat").chmod(0o755)
    script = Path(lnode.__file__).parent / "schedulers" / "sge.sh"
    done = subprocess.run(
        ["/bin/sh", "-c", f". {script}; sge_jobs me"], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode == 0) is answers


@needs_tmux
@no_slurm
def test_a_job_of_pbs_is_found_and_cancelled(sh_site: Site) -> None:
    pbs(sh_site)
    (sh_site.home / "jobs").write_text(pbs_job("68350.cluster"))
    sh_site.tmux("new-session", "-d", "-s", "work", "sh -c 'qsub -I -l walltime=1:00:00; true'")
    sh_site.tmux("new-session", "-d", "-s", "other", "qsub job.sh")
    wait_until(lambda: sh_site.picture().entries[1].state is State.RUNNING, "qsub runs")

    (sh_site.home / "asked").unlink()
    other, work = sh_site.picture().entries
    assert (sh_site.home / "asked").read_text() == f"qselect -u {USER}\nqstat -f 68350.cluster\n"
    assert work.job is not None
    assert (work.job.id, work.node, work.job.left_s, other.job) == ("68350.cluster", "n07", 3000, None)
    reply = sh_site.reply("kill", "work", tell=f"{work.session.id} {work.job.id}\n")
    assert reply["cancel"] == ("qdel: Unknown Job Id",)
    assert (sh_site.home / "asked").read_text().endswith("qdel 68350.cluster\n")


@needs_tmux
@no_slurm
def test_a_request_of_pbs_that_waits_is_deleted_with_its_session(sh_site: Site) -> None:
    """As OpenPBS 23.06: `qsub -I` lives on without its terminal, and deletes its job when it gets ALRM."""
    pbs(sh_site)
    (sh_site.home / "jobs").write_text("")
    ps = shutil.which("ps")  # of the one process that is asked for it tells
    sh_site.program("ps", f'case $* in *-p*) exec {ps} "$@" ;; *args=*) {ps} "$@" | grep " $HOME/bin/" ;; esac')
    deletes = 'trap "" HUP; trap \'echo deleted >>"$HOME/asked"; exit\' ALRM'
    sh_site.program("qsub", f"{deletes}; touch $HOME/waits; while :; do sleep 0.2; done")
    sh_site.tmux("new-session", "-d", "-s", "work", "qsub -I; true")
    wait_until((sh_site.home / "waits").exists, "qsub waits")
    reply = sh_site.reply("list")
    (client,) = reply["clients"]
    assert reply["evidence"] == (f"pane {client.split()[1]} %0",)
    sh_site.reply("kill", "work", tell=f"$0 held {client.split()[1]}\n")
    wait_until(lambda: "deleted" in (sh_site.home / "asked").read_text(), "qsub has deleted its job")


@needs_tmux
@no_slurm
def test_a_pbs_that_fails_is_silent_and_is_not_asked_for_nothing(sh_site: Site) -> None:
    pbs(sh_site)
    sh_site.program("qselect", 'echo asked >"$HOME/asked"; exit 1')
    sh_site.tmux("new-session", "-d", "-s", "plain", "cat")
    assert (sh_site.picture().scheduler, (sh_site.home / "asked").exists()) == ("ok", False)
    sh_site.tmux("new-session", "-d", "-s", "work", "qsub -I; true")
    wait_until(lambda: sh_site.picture().scheduler == "silent", "qsub runs")
    assert sh_site.picture().entries[1].state is State.UNKNOWN


@needs_tmux
@no_slurm
def test_a_job_of_lsf_is_found(sh_site: Site) -> None:
    without_slurm(sh_site)
    sh_site.program("bjobs", 'printf "%s\\n" "$TZ" "$@" >"$HOME/asked"; cat "$HOME/jobs"')
    sh_site.program("bsub", 'if [ "$1" = -J ]; then export LSB_JOBID=$2; fi; exec "$HOME/bin/nios" -N 5 1')
    sh_site.program("nios", "read -r line")
    asked = time.strftime("%b %e %H:%M", time.gmtime())
    row = f"|RUN|{os.uname().nodename}|{asked}|71:59 L|4*n1:n2|a | name\n"
    (sh_site.home / "jobs").write_text(f"4711{row}4712{row}")  # asked for in the same minute
    sh_site.tmux("new-session", "-d", "-s", "one", "bsub -J 4711 -Is bash -l; true")
    sh_site.tmux("new-session", "-d", "-s", "two", "bsub -J 4712 -Is bash -l; true")
    wait_until(lambda: {entry.state for entry in sh_site.picture().entries} == {State.RUNNING}, "both bsub run")
    one, two = sh_site.picture().entries
    assert (one.node, one.job and (one.job.id, one.job.name)) == ("n1,n2", ("4711", "a | name"))
    assert two.job is not None
    assert two.job.id == "4712"
    assert (sh_site.home / "asked").read_text().split("\n")[:4] == ["UTC0", "-u", USER, "-noheader"]


@needs_tmux
@no_slurm
@pytest.mark.parametrize(
    ("said", "scheduler"), [("No unfinished job found", "ok"), ("LSF is down. Please wait ...", "silent")]
)
def test_an_lsf_that_fails_has_answered_if_it_says_that_there_is_no_job(
    sh_site: Site, said: str, scheduler: str
) -> None:
    without_slurm(sh_site)
    sh_site.program("bjobs", f'echo "{said}" >&2; exit 255')
    sh_site.program("bsub", "read -r line")
    sh_site.tmux("new-session", "-d", "-s", "one", "bsub -Is bash -l; true")
    wait_until(lambda: sh_site.tmux("list-panes", "-a", "-F", "#{pane_pid}") != "", "it is there")
    wait_until(lambda: sh_site.picture().scheduler == scheduler, "bsub runs")


@no_slurm
def test_a_scheduler_of_the_login_shell_only_has_its_settings(site: Site) -> None:
    without_slurm(site)
    site.program("bsub", "read -r line; exit 0")
    site.program("bjobs", 'echo "$LSF_ENVDIR" >"$HOME/asked"', "hidden")
    write_login_file(
        site,
        posix="PATH=$HOME/hidden:$PATH; export LSF_ENVDIR='/opt/l s/$f'",
        fish="status is-login; and set -x PATH $HOME/hidden $PATH; and set -x LSF_ENVDIR '/opt/l s/$f'",
        csh="setenv PATH $HOME/hidden:$PATH; setenv LSF_ENVDIR '/opt/l s/$f'",
    )
    with subprocess.Popen([site.home / "bin" / "bsub"], stdin=subprocess.PIPE) as client:
        wait_until(lambda: (site.picture(), (site.home / "asked").exists())[1], "bjobs is asked")
        assert client.stdin is not None
    assert (site.home / "asked").read_text() == "/opt/l s/$f\n"
