"""slurm.sh and a squeue of the test: what it is asked, however it is narrowed for people, and what its answer says."""

import os
import subprocess
import time
from pathlib import Path

import pytest

import lnode
from inprocess.cluster_home import Site
from lnode.remote import call
from lnode.remote.reply import parse_reply
from shells import SHELLS, installed

SLURM = Path(lnode.__file__).parent / "schedulers" / "slurm.sh"
NOT_SHOWN = {"SQUEUE_PARTITION": "other", "SQUEUE_STATES": "R", "SQUEUE_USERS": "bob", "SQUEUE_NAMES": "none"}


@pytest.fixture
def squeue(tmp_path: Path) -> Path:
    """A file for what squeue does. What it was asked is in the file `asked` beside it, and by which narrowing."""
    program, does = tmp_path / "squeue", tmp_path / "does"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nenv | grep ^SQUEUE_ >>{tmp_path}/narrowed\n. {does}\n'
    )
    program.chmod(0o755)
    return does


def sh(squeue: Path, text: str, *, shell: Path = Path("/bin/sh")) -> str:
    """What this prints behind slurm.sh."""
    path = f"{squeue.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", f". {SLURM}\n{text}"], env={**os.environ, **NOT_SHOWN, "PATH": path},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("does", "state"),
    [
        ("echo 'RUNNING 1764000000 None node01'", "runs node01"),
        ("echo 'PENDING N/A Priority'", "waits Priority"),
        ("echo 'COMPLETED 1764000000 None node01'", "ended"),
        (
            "echo 'PENDING N/A ReqNodeNotAvail, UnavailableNodes:c[1-3]'",
            "waits ReqNodeNotAvail, UnavailableNodes:c[1-3]",
        ),
        ("echo 'REQUEUE_HOLD N/A launch failed requeued held'", "waits launch failed requeued held"),
        ("echo 'CONFIGURING 1764000000 None node01'", "waits"),
        ("echo 'REVOKED N/A None'", "silent"),  # another cluster of a federation may run it
        ("echo 'SPECIAL_EXIT N/A None'", "waits"),
        ("echo 'POWER_UP_NODE N/A None'", "waits"),
        ("echo 'STAGE_OUT 1764000000 None node01'", "ended"),
        ("echo 'LAUNCH_FAILED 1764000000 None node01'", "ended"),
        ("echo 'RECONFIG_FAIL 1764000000 None node01'", "ended"),
        ("", "ended"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "ended"),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1", "silent"),
        ("echo 'squeue: error: Invalid user: alice' >&2", "silent"),  # a directory of users is down
        ("echo 'squeue: error: something new, and unheard of' >&2; exit 1", "silent"),
        # A line that is no row (ld.so(8), a renamed option) is no state.
        ("echo \"ERROR: ld.so: object 'x.so' from LD_PRELOAD cannot be preloaded: ignored.\" >&2", "ended"),
        ("echo 'ERROR: ld.so: ignored.' >&2; echo 'PENDING N/A Priority'", "waits Priority"),
        # Two clusters (SLURM_CLUSTERS=a,b), of which one has never had that job.
        (
            "echo 'CLUSTER: a'; echo 'RUNNING 1764000000 None node01'; echo; echo 'CLUSTER: b';"
            "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
            "runs node01",
        ),
        ("echo 'CLUSTER: a'; echo; echo 'CLUSTER: b'", "ended"),
        (
            "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2;"
            "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
            "silent",
        ),
    ],
)
def test_the_state_of_a_job_is_its_row(squeue: Path, does: str, state: str) -> None:
    squeue.write_text(does)
    asked = "node= reason= starts=\nif slurm_job 7; then echo $state $node $reason; else echo silent; fi"
    assert sh(squeue, asked).strip() == state


def test_the_end_of_a_job_of_one_of_two_clusters(squeue: Path) -> None:
    squeue.write_text("echo 'CLUSTER: a'; echo '1764000000              '; echo; echo 'CLUSTER: b'")
    assert sh(squeue, "slurm_end 7; echo $end_s").strip() == "1764000000"
    squeue.write_text("echo 'CLUSTER: a'; echo 'N/A    '")
    assert sh(squeue, "slurm_end 7 || echo none").strip() == "none"


@pytest.mark.parametrize("shell", SHELLS)
def test_no_question_is_narrowed(squeue: Path, tmp_path: Path, shell: str) -> None:
    squeue.write_text("echo")
    questions = (
        'insist() { "$@"; }', "is_same_node() { false; }", "slurm_jobs u", "slurm_asked u", "slurm_requests u",
        "slurm_job 7", "slurm_end 7", "slurm_named x 1", "slurm_end_requested 7", "slurm_steps 7", "slurm_probe u",
        "echo $SQUEUE_PARTITION",
    )  # fmt: skip
    assert sh(squeue, "\n".join(questions), shell=installed(shell, tmp_path / "bin")) == "other\n", (
        "for what you run it is narrowed as before"
    )
    assert (tmp_path / "narrowed").read_text() == ""
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 9
    assert [words for words in asked if "-a" not in words.split()] == [], "a partition may be hidden"


@pytest.mark.parametrize("asked", ["jobs u", "asked u", "named x 1", "requests u", "probe u", "end 7"])
def test_a_squeue_that_does_not_know_you_has_not_answered(squeue: Path, asked: str) -> None:
    """It lists nothing, and ends with 0."""
    squeue.write_text("echo 'squeue: error: Invalid user: alice' >&2")
    assert sh(squeue, f"slurm_{asked} 2>/dev/null && echo yes || echo no") == "no\n"


def test_what_follows_a_request_is_not_narrowed(squeue: Path) -> None:
    squeue.write_text('echo "1764 $$ COMPLETED 0"')
    sh(squeue, call.after_request())
    assert (squeue.parent / "narrowed").read_text() == ""
    assert "-a" in (squeue.parent / "asked").read_text().split()


@pytest.mark.parametrize(
    ("says", "waits"),
    [
        ("echo PENDING", True), ("echo CONFIGURING", True), ("echo REQUEUED", True), ("echo RUNNING", False),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", True),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", False), ("", False),
        ("echo PENDING; echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
    ],
)  # fmt: skip
def test_a_pane_waits_as_long_as_its_job_does(squeue: Path, says: str, waits: bool) -> None:
    squeue.write_text(says)
    text = call._bare(call._asked_of("slurm", ["back"]))  # as the host gets it
    stubs = 'need() { :; }\nhave() { false; }\nevery() { :; }\ninsist() { "$@"; }\nsleep() { echo waits; exit; }'
    squeue.with_name("srun").write_text("#!/bin/sh\necho slurm 22.05.8\n")
    squeue.with_name("srun").chmod(0o755)
    assert sh(squeue, f'{text}\n{stubs}\nslurm_back 7\neval "$until"; echo over') == ("waits\n" if waits else "over\n")


LOST = [
    "srun: error: Unable to contact slurm controller (connect failure)",
    "srun: error: allocation failure: Socket timed out on send/recv operation",
    "srun: error: allocation failure: Zero Bytes were transmitted or received",
    "srun: error: allocation failure: Message receive failure",
]


@pytest.mark.parametrize(
    ("said", "row"),
    [
        ("srun: Job 7 to start at 1764000000 using 1 processors on nodes node01", "0 starts 1764000000"),
        ("note: a transfer timed out yesterday\nsrun: Job 7 to start at 1764000000 using", "0 starts 1764000000"),
        ("allocation failure: Requested node configuration is not available",
         "0 never Requested node configuration is not available"),
        ("srun: error: allocation failure: Invalid account specified", "0 never Invalid account specified"),
        ("allocation failure: Required partition not available (inactive or drain)",
         "0 refuses Required partition not available (inactive or drain)"),
        ("allocation failure: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
         "0 refuses Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"),
        *((said, "0 silent") for said in LOST),
    ],
)  # fmt: skip
def test_a_request_that_nobody_makes_is_refused_for_ever_only_if_slurm_says_so(
    sh_site: Site, said: str, row: str
) -> None:
    sh_site.program("squeue", "true")
    sh_site.program("srun", f'echo "{said}" >&2; exit 1')
    nonce = call.nonce()
    done = sh_site.answer(call.question("when", nonce, "", "--mem=4M"))
    assert parse_reply(nonce, done.stdout.split("\n"))["when"] == (row,)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        *((said.replace("srun", "sbatch"), 124) for said in LOST[1:]),
        ("sbatch: error: Unable to contact slurm controller (connect failure)", 1),  # nothing was sent
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified", 1),
    ],
)
def test_a_request_whose_answer_got_lost_is_no_refusal(sh_site: Site, said: str, status: int) -> None:
    sh_site.program("sbatch", f'cat >/dev/null; echo "{said}" >&2; exit 1')
    parts = "".join(call.texts("node_session")[:-2])  # without what they do at once
    done = subprocess.run(
        ["sh", "-c", f"{parts}\nslurm_submit name script; echo $?"], env=sh_site.env, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{status}\n", "")


@pytest.mark.parametrize(
    ("in_s", "form"),
    [(None, ""), (-60, ""), (600, "%H:%M"), (86400, "%a %H:%M"), (30 * 86400, "%d %b %H:%M")],
)
def test_the_estimate_in_the_queue_has_its_day(sh_site: Site, in_s: int | None, form: str) -> None:
    starts = "" if in_s is None else str(int(time.time()) + in_s)
    parts = "".join(call.texts("node_session")[:-2])
    asked = f"starts={starts}; find_start; echo $at$away_s; LC_ALL=C date -d @{starts or 0} '+{form}'"
    done = subprocess.run(
        ["sh", "-c", f"{parts}\n{asked}"],
        env=sh_site.env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    at, expected = done.stdout.split("\n")[:2]
    assert at == expected


@pytest.mark.parametrize(("told", "cluster"), [("ClusterName             = alpha", "alpha\n"), ("slurm down", "")])
def test_a_session_in_a_job_is_noted_with_its_cluster_though_no_file_tells_it(
    sh_site: Site, told: str, cluster: str
) -> None:
    sh_site.program("squeue", "true")
    sh_site.program("scontrol", f'echo "{told}"')
    notes = sh_site.home / ".local" / "state" / "lnode" / "in_jobs"
    notes.mkdir(parents=True, mode=0o700)
    parts = "".join(call.texts("node_session")[:-2])
    subprocess.run(
        ["sh", "-c", f"{parts}\nnote_cluster 7"], env={**sh_site.env, "SLURM_CONF": "/nowhere"}, check=False, timeout=60
    )
    assert "".join(path.read_text() for path in notes.glob("7.cluster")) == cluster
