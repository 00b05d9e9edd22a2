"""The job that a session holds, for a command that is to run as a step in it."""

from typing import TYPE_CHECKING

from lnode.errors import ExitCode, LnodeError, Page
from lnode.remote.fields import JobId
from lnode.schedulers.known import scheduler, steppers

if TYPE_CHECKING:  # loaded while the host answers
    from lnode.cluster.sessions import Entry, Picture


def held_job(picture: "Picture", entry: "Entry", alias: str, *, instead: str) -> JobId:
    """Return the job of the session.

    Raises LnodeError if it holds none, if that is not known, or, with the hint `instead`, if no step can start in it.
    """
    from lnode.cluster.sessions import State, whereabouts

    session = entry.session.name
    if entry.state is State.UNKNOWN:
        raise LnodeError(
            ExitCode.FAILED, f"whether {session} on {alias} holds an allocation is not known, so nothing was started",
            f"look at it: lnode {alias} --ls",
        )  # fmt: skip
    if entry.job is None or entry.state is not State.RUNNING:
        raise LnodeError(
            ExitCode.FAILED, f"{session} on {alias} has no allocation to run in: it {whereabouts(entry)}",
            f"look at it: lnode {alias} --ls; without --on it runs on the login node",
        )  # fmt: skip
    if not scheduler(picture.system).step:
        raise LnodeError(
            ExitCode.MISSING_THERE, f"--on goes with {steppers()}, and {alias} has another scheduler", instead,
            page=Page.SCHEDULERS,
        )  # fmt: skip
    return entry.job.id
