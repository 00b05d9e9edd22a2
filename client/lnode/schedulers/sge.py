"""Grid Engine (SGE, Son of Grid Engine, Univa): `qstat -u USER -xml` for states and places, `qstat -j` for the rest.

A job's environment names the port on which its client listens (QRSH_PORT), which proves the client. lnode asks with
-xml, because the table cuts a queue's name at 30 characters. It reads by line, because each line has one element.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial

from lnode.remote.fields import JobId, Port
from lnode.schedulers.clients import Asked, jobs_of, parse_date, parse_iso
from lnode.schedulers.job import Job, left_after, short_host
from lnode.schedulers.scheduler import Scheduler


def parse_jobs(lines: Iterable[str], now: int) -> tuple[Asked, ...]:
    """Return the jobs that a client waits for."""
    states: dict[str, dict[str, str]] = {}
    details: dict[str, dict[str, str]] = {}
    state: dict[str, str] = {}  # of the job that was named last; before the first one, of none
    detail: dict[str, str] = {}
    for row in lines:
        if element := re.fullmatch(r"\s*<(\w+)>([^<]*)</\1>\s*", row):
            if element[1] == "JB_job_number":
                state = states[element[2]] = {}
            else:
                state[element[1]] = element[2]
        elif field := re.fullmatch(r"(\w[\w ]*\w):\s+(.*)", row):
            if field[1] == "job_number":
                detail = details[field[2]] = {}
            else:
                detail.setdefault(field[1].replace(" ", "_"), field[2])
    both = ((id_, states[id_], details[id_]) for id_ in states if id_ in details)
    return tuple(asked for one in both if (asked := _asked(*one, now)) is not None)


def _asked(id_: str, state: Mapping[str, str], detail: Mapping[str, str], now: int) -> Asked | None:
    port = re.search(r"(?:^|,)QRSH_PORT=([^:,]*):([0-9]{1,5})(?![0-9])", detail.get("env_list", ""))
    job_id = JobId.parse(id_)
    if port is None or job_id is None:
        return None
    word = _state(state.get("state", ""))
    job = Job(
        id=job_id,
        submitted=parse_date(detail.get("submission_time", ""), now),
        state=word,
        left_s=_left_s(state, detail, now),
        submit_host=short_host(detail.get("sge_o_host") or port[1]),
        nodes=short_host(state.get("queue_name", "").partition("@")[2]),
        reason=_reason(state.get("state", ""), detail) if word == "PENDING" else "",
        name=detail.get("job_name", ""),
    )
    return Asked(job, port=Port.parse(port[2]))


def _state(letters: str) -> str:
    """Return Slurm's word for a state of sge_status(5).

    d deletion, s S T N suspended, r running, t transferring, q w h waiting, E error.
    """
    if "d" in letters:
        return "COMPLETING"
    if set(letters) & set("sSTN"):
        return "SUSPENDED"
    if "w" in letters:
        return "PENDING"
    return "CONFIGURING" if "t" in letters else "RUNNING"


def _left_s(state: Mapping[str, str], detail: Mapping[str, str], now: int) -> int | None:
    """Return the requested limit minus the time since the start by the cluster's clocks: qstat tells no used time."""
    limit = re.search(r"(?:^|,)h_rt=([0-9]{1,10})(?:,|$)", detail.get("hard_resource_list", ""))
    if limit is None:
        return None
    started = parse_iso(state.get("JAT_start_time", "")[:19])
    return int(limit[1]) if started is None else left_after(int(limit[1]), started, now)


def _reason(letters: str, detail: Mapping[str, str]) -> str:
    if "E" in letters:
        return "error"
    if "h" in letters:
        return "held"
    return re.sub(r'queue instance "([^"]*)" dropped because it (.*)', r"\1 \2", detail.get("scheduling_info", ""))


SCHEDULER = Scheduler(
    partial(jobs_of, parse_jobs),
    title="Grid Engine",
    request="qrsh -now no -l h_rt={time}",
    listing="qstat -u",
    cancel="qdel",
    harmless=re.compile(r"does not exist|has deleted job|has registered the job|already in deletion"),
    requesters=frozenset(("qrsh", "qlogin", "qsh")),
)
