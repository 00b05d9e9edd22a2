"""OAR: `oarstat -f`, its own times in UTC; without -f it tells neither host, walltime nor prediction.

Its programs are setuid: an `oarsub -I` runs as the user `oar`, so that nobody else reads its environment or its ports.
Its command line is open to you. `request` gives the job a name with the tmux pane, which stands in that line and in
OAR's answer. The ssh below a granted oarsub has the number of the job in its own command line.

Each attribute has a line (oarstat, print_job_data). A command, a name or a message may have more of them, so the first
of each name is the job's.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial

from lnode.remote.fields import JobId, PaneId
from lnode.schedulers.clients import Asked, jobs_of, parse_iso
from lnode.schedulers.job import Job, left_after, parse_duration, short_host
from lnode.schedulers.scheduler import Scheduler

# oarstat(1) and OAR's Job state diagram; Terminated, Error and toError have ended
_STATES = {
    "Waiting": "PENDING", "Hold": "PENDING", "toAckReservation": "PENDING", "toLaunch": "CONFIGURING",
    "Launching": "CONFIGURING", "Running": "RUNNING", "Suspended": "SUSPENDED", "Resuming": "SUSPENDED",
    "Finishing": "COMPLETING",
}  # fmt: skip


def parse_jobs(lines: Iterable[str], now: int) -> tuple[Asked, ...]:
    """Return the interactive jobs that have not ended."""
    found: list[dict[str, str]] = []
    for row in lines:
        if start := re.fullmatch(r"Job_Id: ([0-9]{1,12})", row):
            found.append({"id": start[1]})
        elif found and (field := re.fullmatch(r" {4}(\w+) = (.*)", row)):
            found[-1].setdefault(field[1], field[2])
    return tuple(asked for fields in found if (asked := _asked(fields, now)) is not None)


def _asked(fields: Mapping[str, str], now: int) -> Asked | None:
    state, id_ = _STATES.get(fields.get("state", "")), JobId.parse(fields["id"])
    if id_ is None or state is None or fields.get("jobType") != "INTERACTIVE":
        return None
    name = fields.get("name", "")
    pane = re.fullmatch(r"lnode(%[0-9]{1,10})", name)
    job = Job(
        id=id_,
        submitted=parse_iso(fields.get("submissionTime", "")),
        state=state,
        left_s=_left_s(fields, state, now),
        submit_host="",
        nodes="" if state == "PENDING" else _nodes(fields.get("assigned_hostnames", "")),
        reason=_reason(fields) if state == "PENDING" else "",
        name="" if pane else name,
        starts=parse_iso(fields.get("scheduledStart", "")) if state == "PENDING" else None,
    )
    return Asked(job, pane=PaneId.parse(pane[1]) if pane else None)


def _left_s(fields: Mapping[str, str], state: str, now: int) -> int | None:
    """Return the walltime minus the time since the start. A job without a prediction tells it in its request alone."""
    asked = re.search(r"walltime=([0-9:]{5,20})\"", fields.get("wanted_resources", ""))
    limit = parse_duration(fields.get("walltime", "") or (asked[1] if asked else ""))
    started = parse_iso(fields.get("startTime", ""))
    if limit is None or started is None or state == "PENDING":
        return limit
    return left_after(limit, started, now)


def _nodes(hostnames: str) -> str:
    """Return each host of `node1+node2` once."""
    return ",".join(dict.fromkeys(filter(None, map(short_host, hostnames.split("+")))))


def _reason(fields: Mapping[str, str]) -> str:
    """Return OAR's message. If it repeats the request, `R=1,W=2:0:0,J=I (Karma=0.000,quota_ok)`, return the rest."""
    message = fields.get("message", "")
    if fields.get("state") == "Hold":
        return "Hold"
    if re.match(r"R=[0-9]+,W=[0-9:]+,", message):
        return message.partition(" (")[2].removesuffix(")")
    return message


def _explain(reason: str) -> str:
    return next((meaning for word, meaning in _MEANINGS.items() if re.search(word, reason)), "")


# OAR 2.5.9: the messages of its schedulers
_MEANINGS = {
    r"^Hold$": "is held: let it go with oarresume; if that is refused, the site holds it",
    r"quota_exceeded": "waits because a limit for you, your project or all jobs of that kind is reached",
    r"(?i)^(no|cannot find) enough.*resources": "waits for nodes that are down, or asks for more than there is",
    r"^Karma=": "waits its turn",
}

SCHEDULER = Scheduler(
    partial(jobs_of, parse_jobs),
    title="OAR",
    request="oarsub -I -n lnode$TMUX_PANE -l walltime={time}",
    listing="oarstat -u",
    cancel="oardel",
    harmless=re.compile(r"^Deleting the job = |was already killed|will be deleted in the near future"),
    requesters=frozenset(("oarsub",)),
    explain=_explain,
)
