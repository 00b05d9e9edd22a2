"""The words of an attach about its allocation: its state at first, the title, and its news."""

from typing import NamedTuple

from lnode.attach import expiry
from lnode.cluster.sessions import Entry, Picture, State, kept_in_words, whereabouts
from lnode.remote.fields import typed
from lnode.schedulers.job import Job, left_in_words, paused_in_words
from lnode.text import in_words

_TOLD, _WARNED = "@lnode_told", "@lnode_warned"
_BY_ITSELF = {"COMPLETED", "FAILED"}  # its shell was left, by whoever sits there


class News(NamedTuple):
    """A message that is told once: by the lnode that first changes the session's `option` from `old` to `new`.

    An empty `text` only changes the option. `here`: show it also in the session, whose shell does not tell it itself.
    `rings`: with a bell.
    """

    option: str
    old: str
    new: str
    text: str
    here: bool = True
    rings: bool = False


class Seen(NamedTuple):
    """The session's job that this lnode saw last, "" for none, and `waited` if it waited for its start."""

    job: str = ""
    waited: bool = False

    def then(self, entry: Entry) -> "Seen":
        """Return the job that `entry` shows, or else the earlier one."""
        if entry.job is None or entry.state not in (State.WAITING, State.RUNNING):
            return self
        return Seen(entry.job.id, entry.state is State.WAITING and not paused_in_words(entry.job))


def truth(entry: Entry, alias: str, picture: Picture) -> str:
    """Return the one line of an attach, "" if there is nothing to say."""
    name, job = entry.session.name, entry.job
    kept = kept_in_words(entry, picture.now)
    if paused_in_words(job):
        return f"{name} {whereabouts(entry)}"
    match entry.state:
        case State.RUNNING if job is not None:
            return ", ".join(filter(None, (f"{name} runs on {_node(job)}", f"job {job.id}", left_in_words(job), kept)))
        case State.WAITING:
            return f"{name} is waiting: {whereabouts(entry)}"
        case State.ENDED if expiry.has_ended(entry, picture.now):
            at = entry.session.ended.at if entry.session.ended else None
            renewal = f"{typed(alias, name)} --renew"
            ago = f" {in_words(max(0, picture.now - at))} ago" if at and picture.now else ""
            return f"the allocation ended{ago}, this shell is on {entry.login_node}: {renewal}"
        case State.UNKNOWN:
            why = ": the scheduler does not answer" if picture.scheduler == "silent" else ""
            return f"the node of {name} is unknown{why}"
    return ""


def peril(entry: Entry, alias: str) -> str:
    """Return a warning about an option that ends the session as soon as nobody is attached; else ""."""
    name, option = entry.session.name, entry.session.ends_by
    return f"a detach or a drop ends {name}, tmux has {option} on: lnode {alias} --doctor" if option else ""


def title(entry: Entry, picture: Picture) -> str:
    """Return the terminal's title, "" for a session that never had an allocation."""
    name, job = entry.session.name, entry.job
    match entry.state:
        case State.RUNNING if job is not None:
            return f"{name}: " + ", ".join(filter(None, (_node(job), f"job {job.id}", left_in_words(job))))
        case State.WAITING:
            return f"{name}: {'' if paused_in_words(job) else 'waiting: '}{whereabouts(entry)}"
        case State.ENDED if expiry.has_ended(entry, picture.now):
            return f"{name}: ended, a shell on {entry.login_node}"
        case State.ENDING:
            return f"{name}: the allocation is ending"
        case State.UNKNOWN:
            return f"{name}: node unknown"
    return ""


def news(entry: Entry, seen: Seen) -> News | None:
    """Return the news, if any. The session itself knows if any lnode has told it before."""
    if paused_in_words(entry.job):  # it has started, and goes on by itself
        return None
    match entry.state:
        case State.WAITING if entry.job is not None:
            return _waiting(entry, entry.job)
        case State.RUNNING if entry.job is not None:
            successor = _waiting(entry, entry.successor) if entry.successor else None
            return _granted(entry, entry.job) or successor or _expiring(entry, entry.job)
        case State.ENDED:
            return _ended(entry, seen)
    return None


def _waiting(entry: Entry, job: Job) -> News | None:
    """Return a silent change of the mark: some lnode shall tell the start of this job."""
    told, mark = entry.session.told, _waits(job)
    return None if told == mark else News(_TOLD, told, mark, "", here=False)


def _granted(entry: Entry, job: Job) -> News | None:
    told = entry.session.told
    if told != _waits(job):
        return None
    text = ", ".join(filter(None, (f"{entry.session.name} is on {_node(job)}", f"job {job.id}", left_in_words(job))))
    return News(_TOLD, told, job.id, text, rings=True)


def _waits(job: Job) -> str:
    return f"waiting-{job.id}"


def _expiring(entry: Entry, job: Job) -> News | None:
    warned, left_s = entry.session.warned, job.left_s
    if left_s is None:
        return None
    minutes = expiry.due(left_s, job.id, warned)
    if minutes is not None:
        text = f"{entry.session.name} on {_node(job)} ends in {expiry.minutes_left(left_s)} min, job {job.id}"
        return News(_WARNED, warned, f"{job.id} {minutes}", text)
    if warned and expiry.is_void(left_s, job.id, warned):
        return News(_WARNED, warned, "", "", here=False)
    return None


def _ended(entry: Entry, seen: Seen) -> News | None:
    """Return the end of the job, if this lnode has seen it. The first line of an attach tells it to all others."""
    ended, warned = entry.session.ended, entry.session.warned
    new = f"{seen.job} 0"
    if not seen.job or warned == new or (ended and ended.state in _BY_ITSELF):
        return None
    what = "request" if seen.waited else "allocation"
    return News(_WARNED, warned, new, f"the {what} of {entry.session.name} has ended, job {seen.job}", here=False)


def _node(job: Job) -> str:
    return job.nodes or "its node"
