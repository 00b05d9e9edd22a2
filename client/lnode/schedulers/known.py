"""Schedulers other than Slurm: what each is asked, cancelled and requested with, and whose session a job belongs to.

None of them keeps the session id of the process that asked, as Slurm does (slurm.py). What holds an interactive job
is alive as long as the job, though: qsub -I, bsub -Is (as nios) and qrsh wait in the pane. So a job gets the session
id of its client where the two are proved to belong together, and joins as one of Slurm's does (join.tie).
The questions are in remote/clients.sh.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lnode.schedulers import lsf, pbs, sge
from lnode.schedulers.clients import Asked, adopted, parse_clients
from lnode.schedulers.slurm import Job


class Scheduler(NamedTuple):
    """How one is spoken to. `request` is an interactive job as config.toml takes it, where a site has no sinteractive.

    `listing` is what shows the jobs of the user whose name follows. `parse` reads its answer, given the login node's
    clock; None for Slurm, which slurm.py reads.
    """

    cancel: str
    request: str
    listing: str
    parse: Callable[[Iterable[str], int], tuple[Asked, ...]] | None = None


SCHEDULERS: Mapping[str, Scheduler] = {
    "slurm": Scheduler("scancel", "salloc --mem={mem}M --time={time} srun --pty bash -l", "squeue -u"),
    "pbs": Scheduler("qdel", "qsub -I -l mem={mem}mb,walltime={time}", "qstat -u", pbs.parse_jobs),
    "lsf": Scheduler("bkill", "bsub -Is -W 72:00 bash -l", "bjobs -u", lsf.parse_jobs),
    "sge": Scheduler("qdel", "qrsh -now no -l h_rt={time}", "qstat -u", sge.parse_jobs),
}


def jobs_of(reply: Mapping[str, Sequence[str]], host: str, now: int | None) -> tuple[Job, ...]:
    """The jobs that are proved to be of interactive clients on `host`, as Slurm would have told them."""
    clients = parse_clients(reply.get("clients", ()))
    parse = SCHEDULERS[name_in(reply)].parse
    if parse is None or not clients or now is None:
        return ()
    asked = parse(reply.get("jobs-of-clients", ()), now)
    return adopted(asked, clients, reply.get("evidence", ()), host, now)


def name_in(reply: Mapping[str, Sequence[str]]) -> str:
    """Which scheduler answered: a key of SCHEDULERS."""
    return next((name for name in reply.get("scheduler", ()) if name in SCHEDULERS), "slurm")
