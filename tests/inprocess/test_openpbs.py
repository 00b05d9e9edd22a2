"""What a real OpenPBS 23.06 said (tests/recorded/openpbs.txt), asked by pbs.sh and read by pbs.py."""

import calendar
import os
import re
import subprocess
from pathlib import Path

import pytest

import lnode
from lnode.remote import call
from lnode.schedulers import known, pbs
from lnode.schedulers.clients import Asked
from lnode.schedulers.job import Job
from nearby import nearby

RECORDED = (Path(__file__).parent.parent / "recorded" / "openpbs.txt").read_text()
SCRIPT = Path(lnode.__file__).parent / "schedulers" / "pbs.sh"
AT = calendar.timegm((2026, 11, 28, 17, 30, 30))


def answer(asked: str) -> tuple[str, int]:
    """What PBS answered, and its exit status."""
    found = re.search(rf"^#= {re.escape(asked)}\S*.*?\[(\d+)\].*\n((?:(?!#=).*\n)*)", RECORDED, re.MULTILINE)
    assert found is not None, asked
    return f"{found[2].rstrip()}\n\n", int(found[1])


def jobs_of(folder: Path, asked: str, selected: str | None = None, now: int = AT) -> list[Job] | None:
    """The interactive jobs in that answer of qstat, None if PBS does not answer."""
    found = asked_of(folder, asked, selected, now)
    return None if found is None else [one.job for one in found]


def asked_of(folder: Path, asked: str, selected: str | None = None, now: int = AT) -> list[Asked] | None:
    numbers = asked.removeprefix("qstat -f ") if selected is None else selected
    listed = answer("qselect -u user02") if selected else (numbers, 0)
    for name, (text, status) in {"qstat": answer(asked), "qselect": listed}.items():
        (folder / f"{name}.said").write_text(text)
        (folder / name).write_text(f"#!/bin/sh\ncat {folder}/{name}.said\nexit {status}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", f". {SCRIPT}; pbs_jobs user02"], env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        return None
    return list(pbs.parse_jobs(filter(None, done.stdout.split("\n")), now))


def test_the_interactive_jobs_are_read(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, "qstat -f 28.login1")
    assert jobs is not None
    assert [(job.id, job.state, job.nodes, job.submit_host) for job in jobs] == [
        ("28.login1", "RUNNING", "login1", "login1"),
        ("29.login1", "PENDING", "", "login1"),
        ("30.login1", "PENDING", "", "login1"),
        ("31.login1", "PENDING", "", "login1"),
    ]


@pytest.mark.parametrize(("later_s", "left_s"), [(0, 3600 - 23), (60, 3600 - 83), (-3600, 3600 - 10), (7200, 3470)])
def test_the_time_left_is_counted_from_the_start_unless_the_clocks_differ(
    tmp_path: Path, later_s: int, left_s: int
) -> None:
    jobs = jobs_of(tmp_path, "qstat -f 28.login1", now=AT + later_s)
    assert jobs is not None
    assert jobs[0].left_s == left_s


def test_a_request_that_never_runs_or_is_held_has_a_sentence(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, "qstat -f 28.login1")
    assert jobs is not None
    never, held, waits = (known.reason_in_words(job.reason) for job in jobs[1:])
    assert never == (
        "asks for more than there is here, so it will not start: end it and ask for less "
        "(Can Never Run: Insufficient amount of resource: ncpus (R: 5 A: 2 T: 2))"
    )
    assert held == (
        "is held: let it go with qrls; if that is refused, the site holds it "
        "(Job held by user02 on Sat Nov 28 17:30:22 2026)"
    )
    assert waits == "waits (Not enough free nodes available)"


def test_the_time_left_of_a_job_of_which_no_node_has_told_is_that_since_its_start() -> None:
    text = answer("qstat -f 28.login1")[0].partition("\n\n")[0]
    rows = [row for row in text.splitlines() if "resources_used" not in row]
    (told,), (untold,) = (pbs.parse_jobs(some, AT + 600) for some in (text.splitlines(), rows))
    assert untold.job.left_s == 3600 - 623
    assert told.job.left_s is not None and told.job.left_s > untold.job.left_s


def test_a_pane_behind_a_newline_of_the_environment_is_found() -> None:
    text = answer("qstat -f 28.login1")[0].partition("\n\n")[0]
    (one,) = pbs.parse_jobs(text.replace("PBS_O_HOST=", "PS1=x\n$ ,LNODE_PANE=%5,PBS_O_HOST=").splitlines(), AT)
    assert (one.pane, one.job.submit_host) == ("%5", "login1")


def test_a_newline_in_the_environment_is_no_attribute_and_no_job(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, "qstat -f 36.login1")
    assert jobs is not None
    (job,) = jobs
    assert (job.id, job.state, job.submit_host, job.nodes) == ("36.login1", "RUNNING", "login1", "login1")


def test_a_server_that_is_down_does_not_answer(tmp_path: Path) -> None:
    assert jobs_of(tmp_path, "qstat", selected="down") is None


def test_a_job_that_has_ended_in_between_is_no_silence_but_no_job_either(tmp_path: Path) -> None:
    assert jobs_of(tmp_path, "qstat -xf 12.login1") == []


def test_the_pane_of_a_request_is_in_its_environment(tmp_path: Path) -> None:
    found = asked_of(tmp_path, "qstat -f 28.login1")
    assert found is not None
    assert [one.pane for one in found] == [None, None, None, "%3"]


ENDED = answer("qstat -xf 12.login1")[0]
WALLTIME, WAITED = (f"Job Id: {one}" for one in ENDED.split("Job Id: ")[1:])
BEGAN = calendar.timegm((2026, 11, 28, 17, 20, 30))
HOSTILE = "\n'\"$(touch bad)`touch bad`\n    job_state = R\n    interactive = False\n"


@pytest.mark.parametrize(
    ("said", "began", "told"),
    [
        (WALLTIME, BEGAN, "12.login1 TIMEOUT"),
        (WAITED, BEGAN, "21.login1 CANCELLED"),
        (WALLTIME.replace("= -29", "= 271"), BEGAN, "12.login1 CANCELLED"),
        (WALLTIME.replace("= -29", "= 0"), BEGAN, "12.login1 COMPLETED"),
        (WALLTIME.replace("= -29", "= 1"), BEGAN, "12.login1 FAILED"),
        (WALLTIME.replace("= F", "= R"), BEGAN, "12.login1 RUNNING"),
        (WAITED.replace("= F", "= Q"), BEGAN, "21.login1 PENDING"),
        (WALLTIME + WAITED, BEGAN, "21.login1 CANCELLED"),
        (WALLTIME.replace("PBS_O_QUEUE=workq", HOSTILE), BEGAN, "12.login1 TIMEOUT"),
        (WALLTIME + WAITED.replace("interactive = True", "interactive = False"), BEGAN, "12.login1 TIMEOUT"),
        (WALLTIME, BEGAN + 600, ""),
        (WALLTIME.replace("PBS_O_HOST=login1", "LNODE_PANE=%50"), BEGAN, ""),
        ("", BEGAN, ""),
    ],
    ids=["walltime", "deleted while it waited", "deleted", "left", "failed", "goes on", "waits", "the later one",
         "whatever is in the environment", "a batch job",
         "of an earlier request", "of another pane", "without history"],
)  # fmt: skip
def test_the_request_has_ended_with_its_job_and_why(tmp_path: Path, said: str, began: int, told: str) -> None:
    """As they come back in history, with the pane of a request in the environment, broken as qstat breaks it."""
    said = said.replace("PBS_O_HOST=login1", "PBS_O_HOST=login1,LNODE_P\n\tANE=%5")
    ids = "\n".join(re.findall("^Job Id: (.*)", said, re.MULTILINE))
    (tmp_path / "said").write_text(said)
    for name, text in {
        "qselect": f'[ "$1" = -x ] && echo "{ids}"',
        "qstat": f'[ "$1" = -xf ] && cat {tmp_path}/said',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    notes = tmp_path / ".local/state/lnode/requests"
    notes.mkdir(parents=True)
    ask = f'echo "{began} - x" >{notes}/$(uname -n).$$; {call.after_request()}'
    assert not {*ask} & {"!", "'", "\\"}, "what a csh or a fish reads otherwise"
    done = subprocess.run(
        ["/bin/sh", "-c", ask],
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMUX_PANE": "%5"},
        capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr, (tmp_path / "bad").exists()) == (told, "", False)


def test_setup_writes_a_livenode_that_such_a_site_can_run() -> None:
    with nearby() as near:
        near.program("qselect", "#!/bin/sh\n")
        near.program("qstat", "#!/bin/sh\n")
        (near.home / "bin" / "squeue").unlink()
        with open(near.home / "config.toml", "a") as config:
            config.write("[profiles.gpu]\ngpus = 1\n")
        done = near.lnode("x", "--setup", "--yes")
        assert done.returncode == 0, done.stderr
        (written,) = (row for row in done.stdout.splitlines() if "tmux new-session" in row)
        assert "'qsub -I -v LNODE_PANE=$TMUX_PANE -l mem=48000mb,walltime=72:00:00; exec $SHELL -l'" in written
