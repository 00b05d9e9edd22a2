"""Why a job waits, in a few plain sentences for Slurm's two hundred words.

The words are from src/common/job_state_reason.c (24.11) and from older versions, with the descriptions that slurmctld
puts in their place. They follow a few patterns. QOS... and Assoc... name a limit. PerJob, PerNode and Min limit one
request, Minutes is a budget, and all others limit the sum of the jobs that run at the same time.
"""

import re
from typing import NamedTuple


class Reason(NamedTuple):
    """A clause that follows "the job", and a hint for you; both "" for an unknown word."""

    text: str
    hint: str


_TURN = Reason("waits its turn", "a request for less time or memory, or fewer GPUs, may start sooner")
_STARTING = Reason("is about to start", "")
_EXTRAS = Reason("waits for licenses or storage", "it starts as soon as others give them back")
_OWN_LIMIT = Reason(
    "waits because your own limit is reached", "it starts when others of your jobs end: squeue -u $USER"
)
_GROUP_LIMIT = Reason(
    "waits because your group's limit is reached",
    "it starts when jobs of your group end; another account or partition may be free",
)
_BUDGET = Reason(
    "waits because the budget of its account is used up",
    "ask the head of your project for more, or ask for the job under another account",
)
_AWAY = Reason(
    "waits for nodes that are down, reserved or about to be maintained",
    "a time limit that ends before the maintenance may start at once: scontrol show reservation",
)
_TOO_MUCH = Reason(
    "asks for more than one job may have here",
    "it will not start: end it, and ask for less time, memory or GPUs, or for another partition",
)
_NEVER = Reason(
    "will not start as it was asked for",
    "end it, and correct its account, QOS, partition, constraint or reservation",
)
_LATER = Reason("waits for a time or another job, as it was asked to", "")
_HELD = Reason("is held", "let it go with: scontrol release JOB; if that is refused, the site holds it")
_FAILED = Reason("could not be started", "end it and ask again; if it happens twice, tell the site")

_WORDS = {
    _TURN: "Priority Resources SchedDefer FedJobLock None",
    _STARTING: "Prolog Cleaning BlockFreeAction",
    _EXTRAS: "Licenses BurstBufferResources BurstBufferStageIn",
    _OWN_LIMIT: "AssociationJobLimit AssociationResourceLimit QOSJobLimit QOSResourceLimit AssocMaxJobsLimit "
    "AssocMaxSubmitJobLimit JobArrayTaskLimit AccountingPolicy",
    _BUDGET: "AssociationTimeLimit QOSTimeLimit QOSUsageThreshold",
    _AWAY: "ReqNodeNotAvail Reserved Reservation PartitionDown PartitionInactive NodeDown FrontEndDown PowerNotAvail "
    "PowerReserved",
    _TOO_MUCH: "PartitionNodeLimit PartitionTimeLimit PartitionConfig MaxMemPerLimit",
    _NEVER: "InvalidAccount InvalidQOS AccountNotAllowed QOSNotAllowed BadConstraints Constraints DeadLine "
    "DependencyNeverSatisfied ReservationDeleted ReservationInvalid",
    _LATER: "BeginTime Dependency",
    _HELD: "JobHeldAdmin JobHeldUser JobHoldMaxRequeue",
    _FAILED: "SystemFailure JobLaunchFailure NonZeroExitCode RaisedSignal TimeLimit InactiveLimit OutOfMemory "
    "BurstBufferOperation BlockMaxError",
}
_FOLDED = {word.lower(): reason for reason, words in _WORDS.items() for word in words.split()}

_LONGEST = 400  # characters; the patterns take time that grows with the square of that

# In this order; what is left of QOS... and Assoc... is a limit of one's own.
_PATTERNS = [
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"(QOS|Assoc)\w*(PerJob|PerNode)(Limit)?", _TOO_MUCH),
        (r"QOSMin\w+", _TOO_MUCH),
        (r"(QOS|Assoc)Grp\w*RunMinutes(Limit)?", _GROUP_LIMIT),
        (r"(QOS|Assoc)Grp\w*(Minutes|Wall)(Limit)?", _BUDGET),
        (r"(QOS|Assoc)Grp\w+|(QOS)?Max\w+PerAccount(Limit)?", _GROUP_LIMIT),
        (r"(QOS|Assoc)Max\w+", _OWN_LIMIT),
        (r"Nodes required for job are DOWN.*", _AWAY),
        (r".*launch failed.*held.*|.*requeued.*held.*", _HELD),
        (r".*env retrieval.*failed.*|launch failed.*", _FAILED),
    )
]


def explain(reason: str) -> Reason:
    """Return the meaning of squeue's reason: `Priority`, `ReqNodeNotAvail, UnavailableNodes:c[1-3]`, or words."""
    told = reason[:_LONGEST].strip().strip("()").replace("_", " ")
    word = re.match(r"[A-Za-z]*", told)[0].lower()  # type: ignore[index] # it matches always
    if word in _FOLDED:
        return _FOLDED[word]
    return next((meaning for pattern, meaning in _PATTERNS if pattern.fullmatch(told)), Reason("", ""))
