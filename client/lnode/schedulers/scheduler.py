"""What lnode has to know of a scheduler, in one record: each of the files beside this one has a SCHEDULER."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from lnode.remote.reply import Reply
from lnode.schedulers.job import Job


def _unexplained(_: str) -> str:
    return ""


def by_beginning(meanings: Mapping[str, str]) -> Callable[[str], str]:
    """Return an `explain` for reasons that begin with these words; "" for one that says it by itself."""
    return lambda reason: next((meaning for word, meaning in meanings.items() if reason.startswith(word)), "")


class Scheduler(NamedTuple):
    """`jobs_of(reply, host, now)` reads the answer of its x.sh: jobs of which each has the session id of its request.

    `request` is an interactive job as config.toml takes it, where a site has no program of its own for that; `listing`
    shows the jobs of the user whose name follows; `cancel` ends the jobs that follow. A row of its answer that matches
    `harmless` says that the job is gone or going. `requesters` are the programs that live as long as the job that
    they asked for. `title` is its name in sentences. `asks` spells memory and time for a program of the site that hands
    on its words, and `words` a partition and GPUs; both are empty if sites differ. `leads_to` are programs that go into
    a job, and where their words name it. `step` is the program that starts more in an allocation, "" if there is none.
    `explain` says why a job waits, or "". `estimated` returns the words with which x_when asks for the start of a
    request: of its filled words (`mem`, `time`, ...) and its command. It returns None if lnode cannot put the request
    into such words; it is None itself for a scheduler that cannot be asked.
    """

    jobs_of: Callable[[Reply, str, int | None], tuple[Job, ...]]
    request: str
    listing: str
    cancel: str
    harmless: re.Pattern[str]
    requesters: frozenset[str]
    title: str
    asks: str = ""
    words: str = ""
    leads_to: Mapping[str, re.Pattern[str]] = {}
    step: str = ""
    explain: Callable[[str], str] = _unexplained
    estimated: Callable[[Mapping[str, str], str], tuple[str, ...] | None] | None = None
