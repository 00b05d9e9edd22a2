"""PBS (OpenPBS, PBS Pro, Torque): `qstat -f`, its own times in UTC.

Each attribute has a line, and continues on lines that begin with a tab (qstat(1B)). Torque and PBS Pro spell some
attributes differently. Only PBS Pro has -F json, which prints one job alone, and all of them reject -f with -u
(conflicting options). OpenPBS 23.06 prints a newline of the environment (`qsub -V`) as it is, so rows of a value may
look like attributes. The environment comes after the attributes that count, so the first of each name is the job's.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial

from lnode.remote.fields import JobId, PaneId, number
from lnode.schedulers.clients import Asked, jobs_of, parse_date
from lnode.schedulers.job import Job, parse_duration, short_host
from lnode.schedulers.scheduler import Scheduler, by_beginning

# pbs_job_attributes(7B), job_state; C, F and X have ended, B is the head of an array
_STATES = {
    "Q": "PENDING", "W": "PENDING", "H": "PENDING", "T": "PENDING", "R": "RUNNING", "S": "SUSPENDED", "U": "SUSPENDED",
    "E": "COMPLETING",
}  # fmt: skip


def parse_jobs(lines: Iterable[str], now: int) -> tuple[Asked, ...]:
    """Return the interactive jobs that have not ended."""
    return tuple(asked for fields in _records(lines) if (asked := _asked(fields, now)) is not None)


def _records(lines: Iterable[str]) -> list[dict[str, str]]:
    found: list[dict[str, list[str]]] = []
    parts: list[str] = []  # of the attribute that the next row may continue
    for row in lines:
        if start := re.fullmatch(r"Job Id:\s*([0-9]\S*)\s*", row):
            parts = [start[1]]
            found.append({"id": parts})
        elif found and (field := re.fullmatch(r" {1,4}([\w.]+) = (.*)", row)):
            parts = [field[2]]
            found[-1].setdefault(field[1].lower(), parts)
        elif found:  # what follows a newline of the environment is a part of it, too
            parts.append(row.removeprefix("\t"))
    return [{key: "".join(rows) for key, rows in fields.items()} for fields in found]


def _asked(fields: Mapping[str, str], now: int) -> Asked | None:
    state = _STATES.get(fields.get("job_state", ""))
    id_ = JobId.parse(fields["id"])
    if id_ is None or state is None or fields.get("interactive", "False") in ("False", "0"):
        return None
    variables = fields.get("variable_list", "")
    host = fields.get("submit_host") or _variable(variables, "PBS_O_HOST")
    job = Job(
        id=id_,
        submitted=parse_date(fields.get("ctime", ""), now),
        state=state,
        left_s=_left_s(fields, state, now),
        submit_host=short_host(host),
        nodes=_nodes(fields.get("exec_host", "")),
        reason=_reason(fields) if state == "PENDING" else "",
        name=fields.get("job_name", ""),
    )
    pane = _variable(variables, "LNODE_PANE") or _variable(variables, "TMUX_PANE")  # by `request`, or by qsub -V
    return Asked(job, pane=PaneId.parse(pane))


def _left_s(fields: Mapping[str, str], state: str, now: int) -> int | None:
    """Return the server's remaining seconds (Torque), else the limit minus the used time; None without a limit."""
    remaining = number(fields.get("walltime.remaining", ""))
    if state != "PENDING" and remaining is not None:
        return remaining
    limit = parse_duration(fields.get("resource_list.walltime", ""))
    told = parse_duration(fields.get("resources_used.walltime", ""))
    used = told or 0
    if state == "RUNNING" and (started := parse_date(fields.get("stime", ""), now)) is not None:
        used = max(used, now - started) if told is None else min(max(used, now - started), used + _USED_EVERY_S)
    return None if limit is None else max(limit - used, 0)


# The used time is as old as the last report of the node. The start of the job is exact, unless the clocks differ.
_USED_EVERY_S = 120  # at most: pbs_server_attributes(7B), job_stat_rate


def _nodes(exec_host: str) -> str:
    """Return each host of `b141/0*16+b142/0*16` or `n1/0+n1/1` once."""
    hosts = (short_host(place.partition("/")[0]) for place in exec_host.split("+"))
    return ",".join(dict.fromkeys(filter(None, hosts)))


def _variable(variables: str, name: str) -> str:
    match = re.search(rf"(?:^|,){name}=([^,]*)", variables)
    return match[1] if match else ""


def _reason(fields: Mapping[str, str]) -> str:
    comment = fields.get("comment", "").removeprefix("Not Running: ")
    return comment or ("held" if fields.get("job_state") == "H" else "")


# OpenPBS 23.06: pbs_sched's comments, and the server's for a job that is held.
_MEANINGS = {
    "Can Never Run": "asks for more than there is here, so it will not start: end it and ask for less",
    "Job held by": "is held: let it go with qrls; if that is refused, the site holds it",
    "held": "is held: let it go with qrls; if that is refused, the site holds it",
}

SCHEDULER = Scheduler(
    partial(jobs_of, parse_jobs),
    title="PBS",
    request="qsub -I -v LNODE_PANE=$TMUX_PANE -l mem={mem}mb,walltime={time}",
    listing="qstat -u",
    cancel="qdel",
    harmless=re.compile(
        r"Unknown Job Id|has finished"
        r"|Request invalid for state of job(?!.* MSG=)|invalid state for job - (EXITING|COMPLETE)"  # it is just ending
    ),
    requesters=frozenset(("qsub",)),
    explain=by_beginning(_MEANINGS),
)
