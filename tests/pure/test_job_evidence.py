"""Which job belongs to which session: right or unknown, whatever the clocks and the process ids do."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.cluster import job_evidence
from lnode.cluster.job_evidence import Tie, asks, clock_offset, evidence, held
from lnode.cluster.processes import Host, LoginProcess, Work, parse_origins, parse_processes, parse_work
from lnode.cluster.tmux_answers import Session
from lnode.schedulers.job import Job

DAY = 86400
NOW = 1_700_100_000
BORN = 1_700_000_000  # when the session and its panes were started
SESSION = Session("$1", "myproject", BORN, 0, 0, pane_pids=(900, 950), kind="", pane_ids=("%3", "%4"))
JOB = Job("7", BORN + 5, "RUNNING", 3600, "login1", "c1", "", "x", sid=900, left="1:00:00")
SERVER = 800


def process(pid: int, parent: int, sid: int, command: str = "bash", started: int = BORN) -> dict[int, LoginProcess]:
    return {pid: LoginProcess(parent, sid, started, command)}


PANES = process(900, SERVER, 900) | process(950, SERVER, 950)
# pane 950 runs script(1), whose shell 961 leads a session of its own, in which salloc runs
UNDER_SCRIPT = process(960, 950, 950, "script") | process(961, 960, 961) | process(77, 1, 77)
# a tmux server of its own, 700, was started in pane %4; 710 is the first process of a pane there
NESTED = process(700, 1, 700, "tmux: server") | process(710, 700, 710)
SETSID = process(970, 1, 970, "salloc")
ORIGINS = {710: (700, "%3"), 700: (SERVER, "%4"), 970: (SERVER, "%3"), 77: (600, "%3")}
HOST = Host("login1.site.edu", NOW, PANES | UNDER_SCRIPT | NESTED | SETSID, ORIGINS)


def tie(session: Session, jobs: list[Job], host: Host) -> Tie:
    return job_evidence.tie(session, evidence(jobs, host))


def the(**changes: object) -> Job:
    return JOB._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([JOB], "7", id="requested by the pane's first process"),
        pytest.param([the(sid=950)], "7", id="in the second pane"),
        pytest.param([the(sid=961)], "7", id="under script(1)"),
        pytest.param([the(sid=710)], "7", id="in a nested tmux"),
        pytest.param([the(sid=970)], "7", id="setsid in a pane"),
        pytest.param([the(sid=77)], None, id="a pane of the same number in another tmux"),
        pytest.param([the(sid=5)], None, id="somebody else's process"),
        pytest.param([the(submit_host="login2")], None, id="the same pid on another login node"),
        pytest.param([the(submit_host="")], "7", id="Slurm does not know the host"),
        pytest.param([the(submitted=BORN - 2 * DAY)], None, id="recycled pid: days older than the session"),
        pytest.param([the(submitted=BORN - 5)], "7", id="the controller's clock is a little behind"),
        pytest.param([the(submitted=None)], "7", id="no submit time"),
        pytest.param([JOB, the(id="8", submitted=BORN + 60)], "8", id="the newest"),
        pytest.param([the(id="8", state="COMPLETING", submitted=BORN + 60), JOB], "7", id="one that still runs"),
        pytest.param([the(id="8", state="PENDING", submitted=BORN + 60), JOB], "7", id="a successor in the queue"),
        pytest.param([the(id="8", state="COMPLETING"), the(id="9", state="PENDING")], "9", id="waiting, not ending"),
        pytest.param([the(id="9"), the(id="10")], "10", id="in the same second: the higher number"),
        pytest.param([the(id="8", sid=961, submitted=BORN + 60), JOB], "7", id="the pane before its descendants"),
        pytest.param([], None, id="no jobs"),
    ],
)
def test_the_job_of_a_session(jobs: list[Job], expected: str | None) -> None:
    found = tie(SESSION, jobs, HOST)
    assert (found.job.id if found.job else None) == expected
    assert found.is_certain
    assert tie(SESSION, jobs[::-1], HOST) == found


def test_processes_that_go_in_circles_end_the_search() -> None:
    circle = process(900, 901, 900) | process(901, 900, 5)
    assert tie(SESSION, [the(sid=5)], HOST._replace(processes=circle, origins={5: (6, "%1"), 6: (5, "%1")})).job


def test_a_host_that_tells_nothing_of_its_processes_still_has_pids() -> None:
    bare = Host("login1", None, {}, {})
    assert tie(SESSION, [JOB], bare).job == JOB
    assert tie(SESSION, [the(sid=77)], bare) == Tie(None, is_certain=True)


# --- what is unknown ---


@pytest.mark.parametrize("command", ["salloc", "srun"])
def test_a_request_that_no_job_answers_to_is_unknown(command: str) -> None:
    asking = HOST._replace(processes=PANES | process(901, 900, 900, command))
    assert tie(SESSION, [], asking) == Tie(None, is_certain=False)


def test_a_somewhat_older_job_is_unknown_where_nothing_shows_the_clocks() -> None:
    assert tie(SESSION, [the(submitted=BORN - DAY)], HOST) == Tie(None, is_certain=False)


def test_a_job_from_the_future_is_unknown_where_nothing_shows_the_clocks() -> None:
    assert tie(SESSION, [the(submitted=NOW + 3600)], HOST) == Tie(None, is_certain=False)


# --- clocks ---


@given(
    skew=st.integers(-DAY, DAY),
    asked_s=st.integers(0, 10),
    typed_s=st.integers(0, 50_000),
    age_s=st.integers(60, 10 * DAY),
    is_batch=st.booleans(),
    others=st.lists(st.integers(0, 90_000), max_size=3),
)
@example(skew=DAY, asked_s=0, typed_s=0, age_s=3600, is_batch=True, others=[])
@example(skew=-DAY, asked_s=0, typed_s=0, age_s=3600, is_batch=False, others=[])
def test_a_day_between_the_clocks_neither_parts_nor_joins(
    skew: int, asked_s: int, typed_s: int, age_s: int, is_batch: bool, others: list[int]
) -> None:
    """One live request shows the difference; with it the right job is found, and one of a recycled pid is not."""
    typed = BORN + typed_s
    processes = PANES | process(901, 900, 900, "salloc", typed)
    mine = the(submitted=typed + asked_s + skew)
    old = the(id="6", submitted=BORN - age_s - 300 + skew, is_batch=is_batch)
    jobs, pid = [mine, old], 2000
    for started in others:  # in other sessions
        processes |= process(pid, 1, pid, "srun", BORN + started)
        jobs.append(the(id=str(pid), sid=pid, submitted=BORN + started + skew))
        pid += 1
    assert tie(SESSION, jobs, HOST._replace(processes=processes, origins={})) == Tie(mine, is_certain=True)


@given(skew=st.integers(-DAY, DAY), age_s=st.integers(400, 10 * DAY), is_batch=st.booleans())
def test_a_recycled_pid_joins_nothing_once_a_request_elsewhere_shows_the_clocks(
    skew: int, age_s: int, is_batch: bool
) -> None:
    processes = PANES | process(2000, 1, 2000, "srun", BORN + 50)
    elsewhere = [the(id="8", sid=2000, submitted=BORN + 50 + skew), the(id="5", sid=2000, submitted=BORN - 9000 + skew)]
    jobs = [the(submitted=BORN - age_s + skew, is_batch=is_batch), *elsewhere]
    assert tie(SESSION, jobs, HOST._replace(processes=processes)) == Tie(None, is_certain=True)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2**40))), st.lists(st.integers(0, 2**40)))
def test_the_clocks_differ_by_at_most_a_day_or_nothing_is_known(jobs: list[tuple[int, int]], starts: list[int]) -> None:
    processes = {pid: LoginProcess(1, pid, started, "srun") for pid, started in enumerate(starts)}
    offset = clock_offset([the(sid=sid, submitted=at) for sid, at in jobs], processes)
    assert offset is None or abs(offset) <= DAY + 300


# --- batch jobs, which outlive their request and are mostly not what the session is for ---

BATCH = the(is_batch=True, submitted=BORN + 1000)
WRAPPER = process(901, 900, 900, "my-interactive", BORN + 999)
SLOW = process(901, 900, 900, "my-interactive", BORN + 960)
EARLIER = process(901, 900, 900, "ipython", BORN + 500)
LATER = process(901, 900, 900, "my-look", BORN + 1030)
STEP = process(902, 900, 900, "srun", BORN + 1060) | process(904, 902, 900, "srun", BORN + 1060)
ATTACH = process(902, 900, 900, "sattach", BORN + 1060)
TO_NODE = process(902, 900, 900, "ssh", BORN + 1060)
EDITOR = process(903, 900, 900, "vim", BORN + 5000)
INNER = process(905, 901, 900, "bash", BORN + 1001)

WORDS = {
    "sh": "sh -c my-interactive -m 1; exec bash -l", "bash": "-bash", "srun": "srun --jobid=7 --overlap --pty bash",
    "sattach": "/usr/bin/sattach --pty 7.0", "ssh": "ssh -X -t c1 screen -dr slurm", "vim": "vim x",
}  # fmt: skip


def at_work(processes: dict[int, LoginProcess], groups: dict[int, int]) -> Host:
    """Pane 900 with these processes; their process groups, where a process is not the leader of its own."""
    both = PANES | processes
    work = {pid: Work(groups.get(pid, pid), WORDS.get(one.command, one.command)) for pid, one in both.items()}
    return HOST._replace(processes=both, work=work, origins={})


STARTED = process(900, SERVER, 900, "sh")  # by a command, as lnode does it, not by a shell to type into
ALL_IN_900 = dict.fromkeys((901, 902, 903, 904), 900)
TYPED = {902: 901, 904: 901}  # job control: what was typed at a prompt leads a group of its own


@pytest.mark.parametrize(
    ("processes", "groups"),
    [
        pytest.param(STARTED | WRAPPER | STEP, ALL_IN_900, id="srun, in a session that was started with the wrapper"),
        pytest.param(STARTED | STEP, ALL_IN_900, id="the wrapper has become srun, or is a function of the shell"),
        pytest.param(STARTED | SLOW | TO_NODE, ALL_IN_900, id="ssh to its node"),
        pytest.param(STARTED | WRAPPER | ATTACH, ALL_IN_900, id="sattach"),
        pytest.param(WRAPPER | STEP, TYPED, id="a wrapper that was typed"),
        pytest.param(SLOW | STEP, TYPED, id="a wrapper that asks for the memory first"),
    ],
)
@pytest.mark.parametrize("kind", ["", "node", "login"])
def test_the_batch_job_that_a_wrapper_brings_you_into_is_the_sessions(
    processes: dict[int, LoginProcess], groups: dict[int, int], kind: str
) -> None:
    found = tie(SESSION._replace(kind=kind), [BATCH], at_work(processes, groups))
    assert found == Tie(BATCH, is_certain=True)


@pytest.mark.parametrize(
    ("processes", "groups"),
    [
        pytest.param({}, {}, id="back at the prompt"),
        pytest.param(EDITOR, {}, id="something else began since"),
        pytest.param(STEP, {904: 902}, id="a step that was typed"),
        pytest.param(TO_NODE, {}, id="ssh to its node, typed"),
        pytest.param(STEP, {902: 900, 904: 900}, id="a step within $(...), at the prompt"),
        pytest.param(LATER | STEP, TYPED, id="a step by a program that began later"),
        pytest.param(EARLIER | STEP, TYPED, id="a step by a program that had been there for long"),
        pytest.param(WRAPPER, {}, id="a program that was typed just before, and does not lead there"),
        pytest.param(STARTED | EARLIER, ALL_IN_900, id="a program that was there long before"),
        pytest.param(STARTED | WRAPPER | INNER, {901: 900}, id="there is a prompt below the command"),
    ],
)
@pytest.mark.parametrize("kind", ["", "node", "login"])
def test_a_batch_job_that_you_submitted_is_not(
    processes: dict[int, LoginProcess], groups: dict[int, int], kind: str
) -> None:
    found = tie(SESSION._replace(kind=kind), [BATCH], at_work(processes, groups))
    assert found == Tie(None, is_certain=True, submitted=(BATCH,))


def test_while_a_wrapper_waits_its_job_is_the_sessions_if_lnode_started_it() -> None:
    waits = at_work(STARTED | WRAPPER, ALL_IN_900)
    assert tie(SESSION._replace(kind="node"), [BATCH], waits) == Tie(BATCH, is_certain=True)
    assert tie(SESSION, [BATCH], waits) == Tie(None, is_certain=False, submitted=(BATCH,))
    several = [BATCH._replace(id="8"), BATCH]
    assert tie(SESSION._replace(kind="node"), several, waits) == Tie(None, is_certain=True, submitted=tuple(several))


def test_processes_that_came_or_went_between_two_looks_prove_nothing() -> None:
    waits = at_work(STARTED | WRAPPER | process(903, 901, 900, "sleep", BORN + 1500), ALL_IN_900)
    seen = {pid: work for pid, work in waits.work.items() if pid != 903}
    assert tie(SESSION._replace(kind="node"), [BATCH], waits._replace(work=seen)).job == BATCH
    blind = waits._replace(work={})
    assert tie(SESSION._replace(kind="node"), [BATCH], blind) == Tie(None, is_certain=True, submitted=(BATCH,))
    assert tie(SESSION, [BATCH], Host("login1", NOW, {}, {})) == Tie(None, is_certain=False, submitted=(BATCH,))


def test_what_was_submitted_within_an_allocation_is_not_the_sessions() -> None:
    """salloc leaves you on the login node: all have the session id of the pane."""
    shell = process(905, 901, 900, "bash", BORN + 6)
    host = at_work(STARTED | process(901, 900, 900, "salloc", BORN + 5) | shell, {})
    batch = [BATCH._replace(id=str(number), submitted=BORN + number) for number in (30, 20, 8)]
    assert tie(SESSION, [batch[2], JOB, *batch[:2]], host) == Tie(JOB, is_certain=True, submitted=tuple(batch))


# --- what ends with a session ---


def test_all_requests_of_a_session_are_its_jobs() -> None:
    other, deep = the(id="8", sid=950), the(id="9", sid=961, state="PENDING")
    found = tie(SESSION, [deep, JOB, other], HOST)
    assert (found.job, found.others) == (other, (JOB, deep))


def test_what_holds_a_request_is_below_the_panes() -> None:
    processes = PANES | UNDER_SCRIPT | SETSID | process(962, 961, 961, "salloc") | process(963, 962, 961, "srun")
    known = evidence([the(sid=961)], HOST._replace(processes=processes))
    assert held(SESSION, known) == (962, 963)
    assert not asks(SESSION, known)


def test_a_request_that_no_job_answers_to_beside_one_that_has_its_job() -> None:
    processes = PANES | process(901, 900, 900, "salloc") | process(951, 950, 950, "srun")
    here = HOST._replace(processes=processes)
    assert asks(SESSION, evidence([JOB], here))
    assert not asks(SESSION, evidence([JOB, the(id="8", sid=950)], here))
    step = here._replace(work={951: Work(951, "srun --overlap --jobid 7 --pty top")})
    assert not asks(SESSION, evidence([JOB], step))


# --- parsers ---


def test_processes() -> None:
    rows = ["    1     0     1 2-03:04:05 init", " 42 1 42 00:07 tmux: server", "noise", "1 2", "5 1 5 ? x", ""]
    assert parse_processes(rows, NOW) == {
        1: LoginProcess(0, 1, NOW - 2 * DAY - 11045, "init"), 42: LoginProcess(1, 42, NOW - 7, "tmux: server"),
    }  # fmt: skip
    assert parse_processes([" 42 1 42 00:07 sh"], None) == {42: LoginProcess(1, 42, None, "sh")}


def test_work() -> None:
    rows = ["  900   901   900 srun  --jobid=7 x ", "900 902 902 -bash", "noise", "1 2 3", "1 2 3 "]
    assert parse_work(rows) == {901: Work(900, "srun  --jobid=7 x"), 902: Work(902, "-bash"), 2: Work(3, "")}


def test_origins() -> None:
    rows = [
        "pid 254", "TMUX=/tmp/tmux-1000/inner,248,0", "TMUX_PANE=%0", "pid 7", "pid 248", "TMUX_PANE=%5",
        "TMUX=/tmp/a b/default,173,5", "pid 9", "TMUX_PANE=%1",
    ]  # fmt: skip
    assert parse_origins(rows) == {254: (248, "%0"), 248: (173, "%5")}


@given(st.lists(st.text()))
@example(["9" * 5000 + " 1 1 1:00 x", "pid " + "9" * 5000])
@example(["1 1 1 00:01" + " " * 50_000])
@example(["1 1 1 " + "--jobid=" * 50_000])
def test_nothing_is_beyond_reading(lines: list[str]) -> None:
    parse_processes(lines, NOW)
    parse_origins(lines)
    work = parse_work(lines)
    tie(SESSION, [BATCH], HOST._replace(work=work, processes=dict.fromkeys(work, LoginProcess(1, 900, NOW, "srun"))))


@pytest.mark.parametrize("hours", [1, 5])
def test_a_pane_that_asks_again_and_again_does_not_shift_the_clock(hours: int) -> None:
    """Each srun in the background is a job of its own; all have the pane's session id."""
    starts = [BORN + 10 + 3600 * hours * turn for turn in range(4)]
    processes = {3000 + turn: LoginProcess(1, 2000, at, "srun") for turn, at in enumerate(starts)}
    jobs = [the(id=str(turn), sid=2000, submitted=at) for turn, at in enumerate(starts)]
    assert clock_offset(jobs, processes) == 0


def test_a_suspended_job_is_before_one_that_waits() -> None:
    runs = the(id="10", submitted=BORN + 10, state="SUSPENDED", nodes="c001")
    waits = the(id="11", submitted=BORN + 20, state="PENDING", nodes="")
    assert tie(SESSION, [runs, waits], HOST).job == runs
