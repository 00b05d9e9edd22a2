"""A site -> the keys that lnode proposes for config.toml, and the sentences about that site."""

from collections.abc import Mapping
from typing import NamedTuple

from lnode.commands.init import programs
from lnode.commands.init.site import Queue, Site
from lnode.laptop.settings import DEFAULT_COMMAND, HostSettings
from lnode.remote.fields import TimeLimit
from lnode.schedulers.known import scheduler

Keys = Mapping[str, str | int]

_MOST_NAMED = 8


class Proposal(NamedTuple):
    """The keys of the host's table, and those of a profile for GPUs; empty for none."""

    host: Keys
    gpus: Keys


def propose(site: Site) -> Proposal:
    """Return the keys for a site; none if lnode does not know how to ask for a job there."""
    if not (command := _command(site)):
        return Proposal({}, {})
    host = {"command": command, **_limits(command, site.usual_queue)}
    return Proposal(host, _gpus(site, command))


def _command(site: Site) -> str:
    if site.program:
        return programs.request(site.program, site.letters, _handed_on(site))
    return scheduler(site.scheduler).request if site.scheduler else ""


def _handed_on(site: Site) -> str:
    return scheduler(site.scheduler).asks if site.scheduler and site.hands_on else ""


def _limits(command: str, queue: Queue | None) -> dict[str, str | int]:
    """Return memory and time if lnode's own defaults would exceed the queue's limits."""
    keys: dict[str, str | int] = {}
    mem, time = HostSettings().mem, HostSettings().time
    if queue is None or not mem or not time:
        return keys
    if "{mem}" in command and 0 < queue.memory_mb < int(mem):
        keys["mem"] = max(1, queue.memory_mb // 2)  # all of a node would wait until that node is empty
    if "{time}" in command and queue.longest and queue.longest.seconds < TimeLimit(time).seconds:
        keys["time"] = str(queue.longest)
    return keys


def _gpus(site: Site, command: str) -> Keys:
    """Return the keys of a profile for the queue with GPUs, if lnode can spell such a request."""
    if not (queue := site.gpu_queue) or not site.scheduler:
        return {}
    words = scheduler(site.scheduler).words
    if site.program:
        words = programs.gpu_request(site.program, site.letters, words if site.hands_on else "")
    if not words:
        return {}
    keys: dict[str, str | int] = {}
    if command != DEFAULT_COMMAND:  # which grows by itself
        program, _, rest = command.partition(" ")
        keys["command"] = " ".join(filter(None, (program, words, rest)))
    return {**keys, "partition": str(queue.name), "gpus": 1, **_limits(command, queue)}


# --- sentences


def found(alias: str, site: Site) -> list[str]:
    """Return the sentences about the site."""
    known = [
        scheduler(site.scheduler).title if site.scheduler else "no scheduler that lnode knows",
        _program(site),
        f"tmux {site.tmux}" if site.tmux else "no tmux that lnode finds",
        f"your shell is {site.shell}" if site.shell else "",
    ]
    return [f"{alias} has: {'; '.join(filter(None, known))}", *_queues(site)]


def _program(site: Site) -> str:
    if not site.program:
        return ""
    letters = " ".join(f"-{letter}" for letter in site.letters)
    return f"the site's own command is {site.program}" + (f", which takes {letters}" if letters else "")


def _queues(site: Site) -> list[str]:
    if site.queues_silent and site.scheduler:
        return [f"{scheduler(site.scheduler).title} did not tell its queues, so lnode does not know their limits"]
    if not site.queues:
        return []
    named = [_queue(one) for one in site.queues[:_MOST_NAMED]]
    more = len(site.queues) - len(named)
    return [f"its queues: {', '.join(named)}" + (f" and {more} more" if more else "")]


def _queue(queue: Queue) -> str:
    facts = [
        "the default" if queue.is_default else "",
        f"at most {queue.longest}" if queue.longest else "",
        f"{queue.usual} if you ask for no time" if queue.usual else "",
        "GPUs" if queue.has_gpus else "",
    ]
    told = ", ".join(filter(None, facts))
    return f"{queue.name} ({told})" if told else str(queue.name)


def to_ask(site: Site) -> list[str]:
    """Return what you can ask the site's help desk: the facts that lnode could not find."""
    asked = []
    if not (command := _command(site)):
        asked.append("which command starts an interactive job on a compute node, and how does it take memory and time?")
    elif site.program and "{" not in command:
        asked.append(f"how does {site.program} take memory and time?")
    if not site.tmux:
        asked.append("is there a tmux on the login nodes, and which module or path has it?")
    return asked
