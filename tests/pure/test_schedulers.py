"""Schedulers other than Slurm: what they said, read back, and the proof which job is whose.

Sources: PBS_PRO and TORQUE are jobs of `qstat -f` from aiida-core's tests/schedulers/test_pbspro.py, shortened, with
the attribute `interactive` of pbs_job_attributes(7B) added. LSF has the dates, hosts and names of its test_lsf.py in
our own order of fields. SGE was recorded from Debian 12's Grid Engine 8.1.9, whose image tests/docker uses.
"""

import calendar
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.cluster.sessions import State, picture_of
from lnode.laptop.settings import HostSettings
from lnode.remote.fields import PaneId, Port
from lnode.schedulers import known, lsf, oar, pbs, sge
from lnode.schedulers.clients import Asked, Client, adopted, parse_clients, parse_date, parse_numbers, parse_ports
from lnode.schedulers.job import Job

NOW = calendar.timegm((2026, 11, 23, 1, 10, 0))

PBS_PRO = """\
Job Id: 69301.mycluster
    Job_Name = Cu-dbp
    Job_Owner = user02@mycluster.cluster
    resources_used.walltime = 64:26:16
    job_state = R
    ctime = Wed Apr 10 17:10:29 2013
    exec_host = b141/0*16+b142/0*16+b143/0*16+b144/0*16
    exec_vnode = (b141:ncpus=16)+(b142:ncpus=16)+(b143:ncpus=16)+(b144:ncpus=16
\t)
    interactive = True
    Resource_List.walltime = 72:00:00
    Variable_List = SSH_ASKPASS=/usr/libexec/openssh/gnome-ssh-askpass,
\tmodule=() {  eval `/usr/bin/modulecmd bash $*`,},
\tPBS_O_PATH=/opt/xcat/bin:/opt/xcat/sbin:/usr/lib64/qt-3.3/bin:/usr/loc
\tal/bin:/bin,PBS_O_MAIL=/var/spool/mail/user02,_=/opt/pbs/default/bin/qsub,
\tLOGNAME=user02,PBS_O_HO
\tST=mycluster.cluster
    comment = Job run at Sat Apr 20 at 01:36 on (b141:ncpus=16)+(b142:ncpus=16)
\t+(b143:ncpus=16)+(b144:ncpus=16)
    project = _pbs_project_default

Job Id: 68350.mycluster
    Job_Name = cell-Qnormal
    job_state = Q
    ctime = Tue Apr  9 15:01:47 2013
    interactive = True
    Resource_List.walltime = 01:00:00
    Variable_List = PBS_O_SYSTEM=Linux,PBS_O_HOST=mycluster.cluster
    comment = Not Running: Node is in an ineligible state: offline

Job Id: 68351.mycluster
    Job_Name = a-batch-job
    job_state = R
    ctime = Tue Apr  9 15:01:47 2013
    Variable_List = PBS_O_HOST=mycluster.cluster
"""

TORQUE = """\
Job Id: 555716
    Job_Name = ini_J2
    resources_used.walltime = 41:45:13
    job_state = R
    ctime = Fri Jun 26 14:04:56 2015
    exec_host = r2i4n13/0-23+r1i2n12/0-23
    interactive = True
    Resource_List.walltime = 72:00:00
    Walltime.Remaining = 108800
    submit_host = service1.cb3.ichec.ie

Job Id: 549159
    job_state = H
    ctime = Sun Jun 21 07:09:41 2015
    interactive = True
    submit_host = service1

Job Id: 549160
    job_state = C
    interactive = True
"""

SGE = """\
<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
  <queue_info>
    <job_list state="running">
      <JB_job_number>1</JB_job_number>
      <JAT_prio>0.75000</JAT_prio>
      <JB_name>QRLOGIN</JB_name>
      <JB_owner>alice</JB_owner>
      <state>r</state>
      <JAT_start_time>2026-11-23T01:06:06</JAT_start_time>
      <queue_name>interactive@c0512.site.edu</queue_name>
      <slots>1</slots>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>7</JB_job_number>
      <JAT_prio>0.25000</JAT_prio>
      <JB_name>abc</JB_name>
      <JB_owner>alice</JB_owner>
      <state>qw</state>
      <JB_submission_time>2026-11-23T01:09:16</JB_submission_time>
      <queue_name></queue_name>
      <slots>1</slots>
    </job_list>
    <job_list state="pending">
      <JB_job_number>5</JB_job_number>
      <JB_name>hel|d</JB_name>
      <state>hqw</state>
      <queue_name></queue_name>
    </job_list>
  </job_info>
</job_info>
==============================================================
job_number:                 1
submission_time:            Mon Nov 23 01:06:06 2026
owner:                      alice
sge_o_home:                 /home/alice
sge_o_host:                 login1
hard resource_list:         h_rt=3600
mail_list:                  alice@login1
job_name:                   QRLOGIN
env_list:                   TERM=tmux-256color,QRSH_PORT=login1:39809
usage         1:            cpu=00:00:00, mem=0.00000 GB s, io=0.00000 GB, vmem=N/A, maxvmem=N/A
scheduling info:            queue instance "interactive@login1" dropped because it is full
                            All queues dropped because of overload or full
==============================================================
job_number:                 7
submission_time:            Mon Nov 23 01:09:16 2026
sge_o_host:                 login1
hard resource_list:         h_rt=3600
job_name:                   abc
env_list:                   TERM=tmux-256color,QRSH_PORT=login1:45309
scheduling info:            queue instance "interactive@login1" dropped because it is full
                            All queues dropped because of overload or full
==============================================================
job_number:                 5
exec_file:                  job_scripts/5
submission_time:            Mon Nov 23 01:08:56 2026
sge_o_host:                 login1
job_name:                   hel|d
env_list:                   TERM=NONE
scheduling info:            queue instance "interactive@login1" dropped because it is full
                            Job is in hold state
"""

LSF = """\
764254593|RUN|lxplus01.cern.ch|Feb  2 07:39|0:59 L|lxbsu2710|test
764220167|PEND|lxplus01.cern.ch|Feb  2 01:53|-|-|a | name
764245175|RUN|lxplus02|Dec  31 23:40|25:00 E|4*b68ac74822:2*b68ac74823|test
764255172|SSUSP|lxplus01|Feb  2 07:47 2026|1:30:00 L|b68ac74822|test
764255173|RUN|lxplus01|Feb  2 07:48|3:10 X|b68ac74822|test
764255174|UNKWN|lxplus01|Feb  2 07:49|3:10 L|b68ac74822|test
764399747|DONE|p05496706j68144|Feb  2 14:54|-|p05496706j68144|test
"""

OAR = (Path(__file__).parent.parent / "recorded" / "oar.txt").read_text()


def test_pbs_pro() -> None:
    running, waiting = (asked.job for asked in pbs.parse_jobs(PBS_PRO.splitlines(), NOW))
    assert running == Job(
        id="69301.mycluster", sid=0, submitted=calendar.timegm((2013, 4, 10, 17, 10, 29)), state="RUNNING", left="",
        left_s=72 * 3600 - (64 * 3600 + 26 * 60 + 16), submit_host="mycluster", nodes="b141,b142,b143,b144", reason="",
        name="Cu-dbp",
    )  # fmt: skip
    assert (waiting.state, waiting.nodes, waiting.left_s) == ("PENDING", "", 3600)
    assert waiting.reason == "Node is in an ineligible state: offline"


def test_torque() -> None:
    running, held = (asked.job for asked in pbs.parse_jobs(TORQUE.splitlines(), NOW))
    assert (running.id, running.left_s, running.nodes) == ("555716", 108800, "r2i4n13,r1i2n12")
    assert (running.submit_host, held.submit_host) == ("service1", "service1")
    assert (held.state, held.reason, held.left_s) == ("PENDING", "held", None)


def test_grid_engine() -> None:
    running, waiting = sge.parse_jobs(SGE.splitlines(), NOW)
    assert (running.port, waiting.port) == (39809, 45309)
    assert running.job == Job(
        id="1", sid=0, submitted=calendar.timegm((2026, 11, 23, 1, 6, 6)), state="RUNNING", left="",
        left_s=3600 - 234, submit_host="login1", nodes="c0512", reason="", name="QRLOGIN",
    )  # fmt: skip
    assert (waiting.job.state, waiting.job.nodes, waiting.job.left_s) == ("PENDING", "", 3600)
    assert waiting.job.reason == "interactive@login1 is full"


def test_lsf() -> None:
    now = calendar.timegm((2026, 2, 2, 8, 0, 0))
    jobs = [asked.job for asked in lsf.parse_jobs(LSF.splitlines(), now)]
    assert [(job.id, job.state, job.left_s, job.nodes) for job in jobs] == [
        ("764254593", "RUNNING", 59 * 60, "lxbsu2710"),
        ("764220167", "PENDING", None, ""),
        ("764245175", "RUNNING", None, "b68ac74822,b68ac74823"),
        ("764255172", "SUSPENDED", 90 * 60, "b68ac74822"),
        ("764255173", "RUNNING", 190 * 60, "b68ac74822"),  # past its estimate
        ("764255174", "UNKNOWN", 190 * 60, "b68ac74822"),  # its node is silent
    ]
    assert [job.submit_host for job in jobs] == ["lxplus01", "lxplus01", "lxplus02", *["lxplus01"] * 3]
    assert jobs[1].name == "a | name"
    assert jobs[2].submitted == calendar.timegm((2025, 12, 31, 23, 40, 0))


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("r", "RUNNING"), ("hr", "RUNNING"), ("Rr", "RUNNING"), ("t", "CONFIGURING"), ("qw", "PENDING"),
        ("hqw", "PENDING"), ("Eqw", "PENDING"), ("s", "SUSPENDED"), ("S", "SUSPENDED"), ("T", "SUSPENDED"),
        ("dr", "COMPLETING"), ("dt", "COMPLETING"),
    ],
)  # fmt: skip
def test_grid_engines_letters(letters: str, state: str) -> None:
    rows = SGE.replace("<state>r</state>", f"<state>{letters}</state>").splitlines()
    assert sge.parse_jobs(rows, NOW)[0].job.state == state


@pytest.mark.parametrize(
    ("said", "is_ending"),
    [
        ("qdel: Unknown Job Id 28.pbs", True),
        ("qdel: Request invalid for state of job 28.pbs", True),
        ("qdel: Request invalid for state of job MSG=invalid state for job - EXITING 28.srv", True),
        ("qdel: Request invalid for state of job MSG=invalid state for job - RUNNING 28.srv", False),
        ("qdel: Unauthorized Request 28.pbs", False),
    ],
)
def test_what_qdel_says_of_a_job_that_is_ending(said: str, *, is_ending: bool) -> None:
    """PBSE_BADSTATE of req_delete.c."""
    assert (pbs.SCHEDULER.harmless.search(said) is not None) is is_ending


PARSERS = [lsf.parse_jobs, oar.parse_jobs, pbs.parse_jobs, sge.parse_jobs]


@pytest.mark.parametrize("parse", PARSERS)
@given(lines=st.lists(st.text()) | st.permutations((PBS_PRO + SGE + LSF + OAR).splitlines()))
def test_no_answer_is_beyond_reading(parse: "Callable[..., tuple[Asked, ...]]", lines: list[str]) -> None:
    assert all(asked.job.id[0].isdigit() for asked in parse(lines, NOW))


@given(st.integers(0, 4_000_000_000))
@example(calendar.timegm((2024, 2, 29, 23, 59, 59)))
def test_a_date_as_ctime_writes_it(epoch: int) -> None:
    assert parse_date(time.asctime(time.gmtime(epoch)), 0) == epoch


@given(st.integers(NOW - 360 * 86400, NOW))
def test_a_date_without_a_year_is_not_to_come(epoch: int) -> None:
    at = time.gmtime(epoch)
    if (at.tm_mon, at.tm_mday) != (2, 29):
        assert parse_date(time.strftime("%b %e %H:%M", at), NOW) == epoch - at.tm_sec


@pytest.mark.parametrize("text", ["", "-", "Feb 30 10:00", "Foo  1 10:00", "Feb  1 25:00", "2026-11-23"])
def test_no_date(text: str) -> None:
    assert parse_date(text, NOW) is None


def test_a_leap_day_without_a_year_is_that_of_the_year_before() -> None:
    january = calendar.timegm((2029, 1, 5, 0, 0, 0))
    assert parse_date("Feb 29 10:00", january) == calendar.timegm((2028, 2, 29, 10, 0, 0))
    assert parse_date("Feb 30 10:00", january) is None


@pytest.mark.parametrize("name", known.KNOWN)
def test_each_request_is_a_ready_line_of_config_toml(name: str) -> None:
    told = tomllib.loads(f'command = "{known.scheduler(name).request}"')
    assert "{" not in HostSettings(**told).filled()


# --- whose job ---


def client(pid: int, age_s: int, sid: int = 0) -> Client:
    return Client(pid, 1, sid or pid * 10, age_s, "qsub -I")


def asked(
    id_: str, ago_s: int, *, port: int = 0, host: str = "login1", grain_s: int = 1, pane: str | None = None
) -> Asked:
    job = Job(
        id=id_, sid=0, submitted=(NOW - ago_s) // grain_s * grain_s, state="RUNNING", left="", left_s=None,
        submit_host=host, nodes="n1", reason="", name="",
    )  # fmt: skip
    return Asked(job, Port(port) if port else None, grain_s, PaneId.parse(pane or ""))


HOUR_S = 3600
EVIDENCE = ("port 1 B0FD", "port 2 9B81", "number 3 4711", "number 90 4711", "number 4 99", "pane 6 %6", "pane 7 %7",
            "pane 8 %8", "pane 9 %8")  # fmt: skip


@pytest.mark.parametrize(
    ("jobs", "clients", "expected"),
    [
        pytest.param([asked("7", 99)], [client(1, 100)], {10: "7"}, id="submitted a second after the client's start"),
        pytest.param([asked("7", 80)], [client(1, 100)], {}, id="much later: it may be another one's"),
        pytest.param([asked("7", 110)], [client(1, 100)], {}, id="older than the client"),
        pytest.param([asked("7", 99, host="login2")], [client(1, 100)], {}, id="asked for on another host"),
        pytest.param([], [client(1, 100)], {}, id="no job, or a scheduler that is silent"),
        pytest.param(
            [asked("7", 99), asked("8", 49)], [client(1, 100), client(2, 50)], {10: "7", 20: "8"}, id="two of them"
        ),
        pytest.param(
            [asked("7", 99), asked("8", 97)], [client(1, 100), client(2, 98)], {}, id="too near in time"
        ),
        pytest.param([asked("7", 97)], [client(1, 100), client(2, 98)], {}, id="one job for two clients"),
        pytest.param([asked("7", 99), asked("8", 98)], [client(1, 100)], {}, id="two jobs for one client"),
        pytest.param(
            [asked("7", 399), asked("8", 99)], [client(1, 700), client(2, 400)], {},
            id="the scheduler's clock is 5 min ahead: the first job seems to be the second client's",
        ),
        pytest.param(
            [asked("7", -11), asked("8", -10), asked("9", 3)], [client(1, 0), client(2, 1), client(3, 13)], {},
            id="the scheduler's clock is 10 s ahead: two clients have one job in their time",
        ),
        pytest.param([asked("7", 100, grain_s=60)], [client(1, 101)], {10: "7"}, id="known to the minute"),
        pytest.param(
            [asked("7", 100, grain_s=60), asked("8", 80, grain_s=60)], [client(1, 101), client(2, 81)],
            {}, id="two in a minute",
        ),
        pytest.param(
            [asked("7", HOUR_S, port=39809), asked("8", HOUR_S, port=45309)], [client(1, 5), client(2, 5)],
            {10: "8", 20: "7"}, id="by port, whatever the clocks say",
        ),
        pytest.param(
            [asked("4711", HOUR_S, grain_s=60), asked("8", 100, grain_s=60)], [client(3, 99), client(5, 101)],
            {30: "4711", 50: "8"}, id="by number; the other one is then plain",
        ),
        pytest.param([asked("8", HOUR_S)], [client(4, 99)], {}, id="a number that the scheduler does not know"),
        pytest.param(
            [asked("7", 100, pane="%6"), asked("8", 100, pane="%7")], [client(6, 100), client(7, 100)],
            {60: "7", 70: "8"}, id="by pane, two in the same second",
        ),
        pytest.param(
            [asked("7", 40, pane="%6")], [client(6, 100), client(1, 100)], {60: "7"},
            id="by pane, beside a qsub by hand that has no job",
        ),
        pytest.param(
            [asked("7", 50, pane="%8")], [client(8, 100), client(9, 300)], {}, id="that pane in two servers"
        ),
        pytest.param([asked("7", HOUR_S, pane="%6")], [client(6, 100)], {}, id="an earlier client's job"),
        pytest.param(
            [asked("7", 100, pane="%6", host="login2")], [client(6, 100)], {}, id="that pane of another login node"
        ),
        pytest.param(
            [asked("7", 9, pane="%6", host=""), asked("8", 9, pane="%7", host="")], [client(6, 10), client(7, 10)],
            {60: "7", 70: "8"}, id="by pane, of jobs that do not tell their host",
        ),
        pytest.param(
            [asked("7", 60, pane="%6", host="")], [client(6, 100)], {}, id="that pane, perhaps of another login node"
        ),
        pytest.param([asked("7", 99, port=1234)], [client(1, 100)], {}, id="a port that nobody listens on"),
    ],
)  # fmt: skip
def test_the_job_of_a_client(jobs: list[Asked], clients: list[Client], expected: dict[int, str]) -> None:
    found = adopted(jobs, clients, EVIDENCE, "login1.site.edu", NOW)
    assert {job.sid: job.id for job in found} == expected
    assert all(NOW - job.submitted in [one.age_s for one in clients] for job in found if job.submitted)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3)), max_size=6), st.integers(-200, 200), st.data())
def test_never_a_wrong_job_whatever_the_clocks_say(
    starts: list[tuple[int, int]], skew_s: int, data: st.DataObject
) -> None:
    # Each client has submitted one job; some clients are too new for their job to be known.
    clients = [client(pid, age_s) for pid, (age_s, _) in enumerate(starts, 1)]
    jobs = [asked(str(pid), age_s - delay_s + skew_s) for pid, (age_s, delay_s) in enumerate(starts, 1)]
    for job in adopted(data.draw(st.permutations(jobs)), clients, (), "login1", NOW):
        assert job.id == str(job.sid // 10)


def test_clients() -> None:
    rows = [
        " 100   1  100   02:54  qsub -I -l walltime=1:00:00",
        " 101 100  100   02:54  qsub -I -l walltime=1:00:00",
        " 110   1  110   02:54  qsub job.sh",
        " 120   1  120   02:54  /opt/pbs/bin/qsub -W block=true job.sh",
        " 130  99  130 1-02:03:04  /bin/sh /usr/local/bin/qsub -X -IV",
        " 140  99  140   00:01  bsub -Is -W 72:00 bash -l",
        " 150  99  150   00:01  bsub -K ./train.sh",
        " 151  99  151   00:01  /opt/lsf/bin/bsub -q long -K ./train.sh",
        " 152  99  152   00:01  bsub -Is -q long ssh -K host",
        "noise", "1 2 3", "",
    ]  # fmt: skip
    assert [(one.pid, one.sid, one.age_s) for one in parse_clients(f"client {row}" for row in rows)] == [
        (100, 100, 174), (130, 130, 86400 + 7384), (140, 140, 1), (152, 152, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "host", "found"), [(0, "login1", None), (7, "login1", "7"), (7, "login1-ib0", "7")]
)
def test_what_names_its_job_has_that_job_or_none(numbers: int, host: str, found: str | None) -> None:
    """`bsub -K` waits for a batch job: its nios names none (lsf.sh). A site may know its login node by another name."""
    one = asked("7", 60)
    one = one._replace(job=one.job._replace(submit_host=host))
    jobs = adopted([one], [client(100, 60)], [f"number 100 {numbers}"], "login1", NOW)
    assert next((job.id for job in jobs), None) == found


def test_a_batch_job_of_lsf_is_not_that_of_a_request_whose_nios_has_not_begun() -> None:
    now, at = NOW, time.strftime("%b %d %H:%M", time.gmtime(NOW))
    reply = {
        "clients": ("client 150 1 150 00:40 bsub -Is -W 72:00 bash -l",), "evidence": (),
        "jobs-of-clients": (f"555|RUN|login1|{at}|71:59 L|n1|train",),
    }  # fmt: skip
    assert lsf.SCHEDULER.jobs_of(reply, "login1", now) == ()
    (job,) = lsf.SCHEDULER.jobs_of(reply | {"evidence": ("number 150 555",)}, "login1", now)
    assert (job.id, job.sid) == ("555", 150)


def test_numbers() -> None:
    assert parse_numbers(["number 3 4711", "number 90 4711", "number x 1", "port 1 9B81"]) == {3: "4711", 90: "4711"}


def test_ports() -> None:
    assert parse_ports(["port 1098 9B81", "port 1117 8887", "noise", "port 1 G"]) == {39809: 1098, 34951: 1117}


def pane(name: str, id_: str, pid: int) -> str:
    return f"{id_} {NOW - 300} {NOW - 300} 0 {pid} %{id_[1:]} f* knode o e w t {name}"


def test_from_the_reply_to_the_session() -> None:
    reply = {
        "host": ("login1.site.edu", str(NOW)),
        "panes": (pane("one", "$1", 1096), pane("two", "$2", 1825), pane("three", "$3", 1830)),
        "processes": (
            "1096 1095 1096 04:00 bash", "1098 1096 1096 04:00 qrsh", "1825 1095 1825 00:04 bash",
            "1828 1825 1825 00:04 qrsh", "1830 1095 1830 00:04 bash",
        ),
        "scheduler": ("sge",),
        "clients": ("client 1098 1096 1096 04:00  qrsh -l h_rt=1:00:00", "client 1828 1825 1825 00:04  qrsh"),
        "evidence": ("port 1098 9B81",),
        "jobs-of-clients": tuple(SGE.splitlines()),
        "end": (),
    }  # fmt: skip
    picture = picture_of(reply)
    assert (picture.scheduler, picture.system) == ("ok", "sge")
    one, two, three = picture.entries
    assert one.job is not None
    assert (one.state, one.job.id, one.node) == (State.RUNNING, "1", "c0512")
    assert (two.state, two.job) == (State.UNKNOWN, None)  # its client lives, but nothing proves which job it has
    assert three.state is State.ENDED
    assert picture_of(reply | {"scheduler": ("slurm",)}).entries[0].job is None
