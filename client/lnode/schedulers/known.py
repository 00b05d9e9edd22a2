"""The schedulers that lnode knows. A row is all that names one outside of its own two files, x.py and x.sh.

A login node is searched for them in this order. One site's Slurm has PBS's programs too, as wrappers; PBS and Grid
Engine both have qstat and qselect. The number is the exit code of the attach line (session.sh) where the program that
was to ask for an allocation is not there, and this scheduler is. It loads nothing, being on the way to ssh.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lnode.schedulers.job import Job
    from lnode.schedulers.scheduler import Scheduler

KNOWN = {
    "slurm": 120,
    "lsf": 122,
    "sge": 123,
    "pbs": 121,
}


def scheduler(name: str) -> "Scheduler":
    """Return the scheduler of that name, a key of KNOWN."""
    found: Scheduler = import_module(f"lnode.schedulers.{name}").SCHEDULER
    return found


def schedulers() -> "Sequence[Scheduler]":
    return [scheduler(name) for name in KNOWN]


def name_in(reply: Mapping[str, Sequence[str]]) -> str:
    """Return the name of the scheduler that answered; the first one if the reply does not tell."""
    return next((name for name in reply.get("scheduler", ()) if name in KNOWN), next(iter(KNOWN)))


def jobs_of(reply: Mapping[str, Sequence[str]], host: str, now: int | None) -> "tuple[Job, ...]":
    """Return the user's jobs in a reply of list.sh from `host`, whose clock said `now`."""
    return scheduler(name_in(reply)).jobs_of(reply, host, now)


def reason_in_words(reason: str) -> str:
    """`waits its turn (Priority)`; a word that no scheduler explains as it is: `waits (Whatever)`; "" for none."""
    if not reason:
        return "waits for its node"
    said = next(filter(None, (one.explain(reason) for one in schedulers())), "waits")
    return f"{said} ({reason})"
