"""`lnode HOST SESSION --keep TIME|no`: let a session on its node outlive its allocation, or no longer.

The job's own batch script asks for the next allocation in time, so your laptop may be away (remote/parts/successor.sh).
"""

from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.laptop.settings import kept_s
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane
from lnode.remote.fields import JobId, epoch, typed
from lnode.remote.reply import Reply
from lnode.schedulers import known as schedulers_known
from lnode.text import in_words


def keep(address: Address, *, span: str) -> ExitCode:
    """Keep the session for that time from now on; `no` lets it end with its allocation. Raises LnodeError."""
    alias, name, seconds = address.alias, address.name, kept_s(span)
    if seconds is None:
        raise LnodeError(ExitCode.USAGE, f"{span!r} is no time for which a session is kept", "as in: 3 weeks, 10d, no")
    values = (address.settings.tmux, name, str(seconds))
    with asked(address, "keep", *values, has=lambda reply: "none" not in reply) as (_, _, reply):
        check_pane(reply, alias, name)
    if "none" in reply:
        raise LnodeError(
            ExitCode.NO_SESSION, f"there is no session {name} in a job of its own on {alias}",
            f"only such a session outlives its allocation: {typed(alias, name)} --where node", page=Page.KEPT,
        )  # fmt: skip
    if "refused" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"{alias} could not note that {name} is to be kept no longer",
            f"see if your home there takes files: lnode {alias} --doctor",
        )  # fmt: skip
    if "stopped" in reply:
        screen.say(f"{name} on {alias} ends with its allocation{_cancelled(reply, alias, name)}")
        return ExitCode.DONE
    until = epoch(next(iter(reply.get("kept", ())), ""))
    if not until:
        raise LnodeError(
            ExitCode.FAILED, f"{alias} could not note that {name} is to be kept",
            f"see if your home there takes files: lnode {alias} --doctor",
        )  # fmt: skip
    then = "its job asks for the next allocation before it ends"
    screen.say(f"{name} on {alias} is kept for {in_words(seconds)}: {then}")
    return ExitCode.DONE


def _cancelled(reply: Reply, alias: str, name: str) -> str:
    """Return a clause for the job that was to follow, or "". Raises LnodeError if that may go on."""
    rows = [row.partition(" ") for row in reply["stopped"]]
    follows, cancelled = (
        next((job for word, _, row in rows if word == kind and (job := JobId.parse(row))), None)
        for kind in ("follows", "cancelled")
    )
    if follows and follows != cancelled:
        cancel = schedulers_known.scheduler(schedulers_known.name_in(reply)).cancel
        raise LnodeError(
            ExitCode.FAILED,
            f"{name} on {alias} ends with its allocation, but job {follows}, which was to follow, may still start",
            f"end it by hand: ssh {alias} {cancel} {follows}", detail="\n".join(reply["stopped"][1:]),
        )  # fmt: skip
    return f"; job {follows}, which was to follow, is cancelled" if follows else ""
