"""Schedulers other than Slurm: the commands for each, and the session that a job belongs to.

Slurm keeps the session id of the process that asked (slurm.py); these schedulers do not. But the client of an
interactive job lives as long as the job: qsub -I, bsub -Is (as nios), qrsh and oarsub -I wait in the pane. So a job
gets the session id of its client if there is proof, and is joined to a session as Slurm's jobs are
(job_evidence.tie).
The scripts that ask are in remote/parts.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lnode.remote.reply import Reply
    from lnode.schedulers.job import Job
    from lnode.schedulers.scheduler import Scheduler

KNOWN = {
    "slurm": 120,
    "lsf": 122,
    "sge": 123,
    "pbs": 121,
    "oar": 99,
    "flux": 98,
    "htcondor": 97,
}


def scheduler(name: str) -> "Scheduler":
    """Return the scheduler of that name, a key of KNOWN."""
    found: Scheduler = import_module(f"lnode.schedulers.{name}").SCHEDULER
    return found


def estimating() -> str:
    """Return the name of the scheduler that says when a request would start."""
    return next(name for name in KNOWN if scheduler(name).estimated)


def schedulers() -> "Sequence[Scheduler]":
    return [scheduler(name) for name in KNOWN]


def steppers() -> str:
    """Return the names of those that start more in an allocation."""
    return " or ".join(one.title for one in schedulers() if one.step)


def name_in(reply: "Reply") -> str:
    """Return the name of the scheduler that answered; the first one if the reply does not tell."""
    return next((name for name in reply.get("scheduler", ()) if name in KNOWN), next(iter(KNOWN)))


def jobs_of(reply: "Reply", host: str, now: int | None) -> "tuple[Job, ...]":
    """Return the user's jobs in a reply of list.sh from `host`, whose clock said `now`."""
    return scheduler(name_in(reply)).jobs_of(reply, host, now)


def reason_in_words(reason: str) -> str:
    """Return `waits its turn (Priority)`; `waits (Whatever)` for a word that no scheduler explains."""
    if not reason:
        return "waits for its node"
    said = next(filter(None, (one.explain(reason) for one in schedulers())), "waits")
    return f"{said} ({reason})"
