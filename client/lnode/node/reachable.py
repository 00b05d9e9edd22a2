"""Sessions at which no sshd can be started, and why an sshd was not reached: the errors."""

from lnode.cluster import sessions
from lnode.cluster.sessions import Entry, Picture, State
from lnode.errors import ExitCode, LnodeError, Page
from lnode.remote.fields import typed
from lnode.schedulers.known import scheduler


def check_reachable(picture: Picture, entry: Entry, alias: str) -> None:
    """Raise LnodeError if no sshd can be started at the session."""
    if entry.state is State.UNKNOWN and picture.scheduler == "silent":
        raise LnodeError(
            ExitCode.UNREACHABLE,
            f"the scheduler of {alias} does not answer, so where {entry.session.name} runs is unknown",
            "ask again when it does",
        )
    if not (entry.state is State.SHELL or (entry.state is State.RUNNING and scheduler(picture.system).step != "")):
        raise not_reachable(entry, alias)


def not_reachable(entry: Entry, alias: str) -> LnodeError:
    """Return the error for a session at which no sshd can be started."""
    name = entry.session.name
    why = "only Slurm can lead there" if entry.state is State.RUNNING else f"it {sessions.whereabouts(entry)}"
    return LnodeError(
        ExitCode.FAILED, f"there is no way to where {name} on {alias} is: {why}", f"look at it: {typed(alias, name)}",
        page=Page.PORTS,
    )  # fmt: skip


def no_way(words: str, alias: str, name: str, without: str) -> LnodeError:
    """Return why the sshd of the session cannot be reached; `without` says how to do without it."""
    last = "\n".join(words.splitlines()[-5:])
    for said, program, where in (("step", "srun", f"on {alias}"), ("sshd", "sshd", f"where {name} on {alias} is")):
        if f"lnode: no {said}" in words:
            return LnodeError(
                ExitCode.MISSING_THERE, f"there is no {program} {where}, which the way there would need", without
            )
    if "Unable to create step" in words:  # srun; it waits for some seconds (slurm.sh)
        return LnodeError(
            ExitCode.FAILED, f"Slurm starts nothing beside your shell in the allocation of {name} on {alias}", without,
            detail=last,
        )  # fmt: skip
    return LnodeError(
        ExitCode.UNREACHABLE, f"no way to where {name} on {alias} is", f"look at it: lnode {alias} --ls",
        detail=last,
    )  # fmt: skip
