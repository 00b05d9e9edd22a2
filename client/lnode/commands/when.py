"""`lnode HOST --when`: when would each of your requests start? The scheduler estimates; nothing is requested.

lnode asks once more about a request that has to wait for the end of maintenance, with the longest time limit that ends
before it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.laptop.settings import HostSettings, Settings, load
from lnode.locate.address import Address
from lnode.remote.fields import epoch
from lnode.remote.reply import Reply
from lnode.schedulers import estimate, known
from lnode.schedulers.estimate import Closure, Estimate
from lnode.ssh.question import Question
from lnode.text import in_words

_MOST = 30  # requests: each is a question to the scheduler
_DAY_S = 86400


class _Asked(NamedTuple):
    """A request as config.toml has it, and the words with which the scheduler is asked; "" if there are none."""

    profile: str
    command: str
    words: str
    limit_s: int | None


class _Answer(NamedTuple):
    """The scheduler's clock, the estimates by the number of the request, and the maintenance that is announced.

    `shorter` has the time limits that lnode has asked about once more, `again` what the scheduler said to these.
    """

    now: int
    first: Mapping[int, Estimate]
    closures: tuple[Closure, ...]
    shorter: Mapping[int, int]
    again: Mapping[int, Estimate]


def when(address: Address) -> ExitCode:
    """Print when each request would start. Raises LnodeError if the scheduler does not say it of any."""
    alias = address.alias
    requests = [*_requests(load(), alias, address.settings)][:_MOST]
    lines = "\n".join(request.words for request in requests)
    asked = Question(address.target, "when", address.settings.tmux, lines)
    with asked as question, screen.waiting(f"asking the scheduler of {alias} ..."):
        reply = question.reply()
        now = _clock(reply, alias)
        first = estimate.parse_estimates(reply.get("when", ()))
        closures = estimate.parse_closures(reply.get("closures", ()))
        shorter = dict(_shorter(requests, first, closures, now))
        pairs = (f"{number}:{length_s // 60}" for number, length_s in shorter.items())
        again = estimate.parse_estimates(question.do(" ".join(pairs)).get("when", ())) if shorter else {}
    answer = _Answer(now, first, closures, shorter, again)
    rows = [
        [(request.profile, "bold"), (request.command, ""), _start(number, request, answer)]
        for number, request in enumerate(requests)
    ]
    with screen.output():
        screen.print_table(("PROFILE", "REQUEST", "STARTS"), rows)
    if not any(request.words for request in requests):
        hint = f"take mem, time and so on in config.toml in place of: {requests[0].command}"
        raise LnodeError(ExitCode.USAGE, "lnode cannot ask a scheduler about this command", hint, page=Page.SETTINGS)
    if not any(one.starts is not None or one.says for one in first.values()):
        hint = f"ask again later, or see what waits now: lnode {alias} --ls"
        raise LnodeError(ExitCode.FAILED, f"the scheduler of {alias} does not answer", hint)
    return ExitCode.DONE


def _requests(settings: Settings, alias: str, typed: HostSettings) -> Iterator[_Asked]:
    """Yield the request that you typed, then that of each profile that differs from it.

    One that is not complete says why. Raises LnodeError(USAGE) if you have no other.
    """
    try:
        first = _asked("", typed)
    except LnodeError as error:
        if not settings.profiles:
            raise
        first = _Asked("", error.message, "", None)
    yield first
    for profile in settings.profiles:
        try:
            one = _asked(profile, settings.of_host(alias, profile))
        except LnodeError as error:
            one = _Asked(profile, error.message, "", None)
        if one.command != first.command:
            yield one


def _asked(profile: str, settings: HostSettings) -> _Asked:
    """Return the request of these settings. Raises LnodeError(USAGE) if it is not complete."""
    estimated = known.scheduler(known.estimating()).estimated
    command = settings.filled()
    words = (estimated(settings.words(), command) if estimated else None) or ()
    time_words = {
        settings.time,
        f"--time={settings.time}",
        f"-t{settings.time}",
    }  # or the command has a limit of its own
    return _Asked(profile, command, " ".join(words), estimate.limit_s(settings.time) if time_words & {*words} else None)


def _clock(reply: Reply, alias: str) -> int:
    """Return the time there. Raises LnodeError if the scheduler cannot be asked about requests."""
    system, now = next(iter(reply.get("scheduler", ())), ""), epoch(next(iter(reply.get("host", ())), ""))
    if system not in known.KNOWN or now is None:
        hint = f"see what is wrong with it: lnode {alias} --doctor"
        raise LnodeError(
            ExitCode.MISSING_THERE, f"there is no scheduler on {alias} that lnode knows", hint, page=Page.SCHEDULERS
        )
    if system != known.estimating():
        hint = f"see how long your requests wait: lnode {alias} --ls"
        title = known.scheduler(system).title
        raise LnodeError(ExitCode.FAILED, f"{title} on {alias} cannot be asked when a request would start", hint)
    return now


def _shorter(
    requests: Sequence[_Asked], first: Mapping[int, Estimate], closures: Sequence[Closure], now: int
) -> Iterator[tuple[int, int]]:
    """Yield the number of each request that maintenance keeps waiting, and the time limit that would end before it."""
    for number, found in first.items():
        if number < len(requests) and found.starts is not None:
            closure = estimate.obstacle(closures, found.starts, requests[number].limit_s, now)
            if closure and (room_s := estimate.room_s(closure, now)):
                yield number, room_s


def _start(number: int, request: _Asked, answer: _Answer) -> tuple[str, str]:
    """Return the start of a request in words, and its style."""
    found = answer.first.get(number, Estimate(None))
    if not request.words:
        return "lnode cannot ask about this command", "magenta"
    if found.starts is None:
        refused = f"{'never' if found.is_final else 'not now'}: {found.says}", "red" if found.is_final else "yellow"
        return refused if found.says else ("the scheduler does not answer", "magenta")
    said = _at(found.starts, answer.now)
    closure = estimate.obstacle(answer.closures, found.starts, request.limit_s, answer.now)
    if closure is None:
        return said, "green" if estimate.is_at_once(found.starts, answer.now) else "yellow"
    maintenance = f"the maintenance of {_clock_time(closure.start, answer.now)}"
    sooner = answer.again.get(number)
    if sooner is None or sooner.starts is None or sooner.starts >= found.starts:
        return f"{said}, after {maintenance}", "yellow"
    length = in_words(answer.shorter[number])
    return f"{said}; {length} would start {_at(sooner.starts, answer.now)}, before {maintenance}", "yellow"


def _at(starts: int, now: int) -> str:
    return "now" if estimate.is_at_once(starts, now) else f"{_clock_time(starts, now)}, in {in_words(starts - now)}"


def _clock_time(at: int, now: int) -> str:
    """Return a time of the scheduler's clock by that of this laptop: `Tue 08:00`, or with its date from a week on."""
    here = time.localtime(time.time() + at - now)
    return time.strftime("%a %H:%M" if at - now < 6 * _DAY_S else "%d %b %H:%M", here)
