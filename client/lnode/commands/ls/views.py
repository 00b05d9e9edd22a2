"""The views of your hosts: of one host, or of all hosts side by side; a silent host as it was last seen."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import Self

from lnode.cluster.login_nodes import Claim
from lnode.cluster.sessions import picture_of
from lnode.commands.ls.last_known import last_known
from lnode.commands.ls.table import View
from lnode.errors import ExitCode, LnodeError
from lnode.laptop.settings import Settings
from lnode.locate import pictures
from lnode.locate.address import Address, resolved
from lnode.locate.known_agents import with_agents
from lnode.locate.survey import MOST_NODES, Survey, why_silent
from lnode.remote.reply import Reply
from lnode.runs import record
from lnode.schedulers.job import short_host
from lnode.ssh.target import Resolving, Target


def view_of(target: Target, survey: Survey) -> View:
    """Wait for the answers of a survey, and return the view. Raises LnodeError."""
    answers = survey.answers()
    replies, found = list(answers.replies.values()), tuple(map(with_agents, answers.pictures.values()))
    runs = record.of_replies(replies)
    if found[0].tmux == "ok" and target.config is None:  # the demo is here as long as it runs
        sessions_ = tuple(name for picture in found for name in picture.names)
        before = _last_words(target.alias, answers.silent)
        sessions_ += tuple(name for reply in before for name in picture_of(reply).names)
        pictures.keep(target.alias, [*replies, *before], pictures.Names(sessions_, tuple(run.name for run in runs)))
    return View(target.alias, found, runs=runs, silent=_silent_in_words(answers.silent))


def _last_words(alias: str, silent: Sequence[tuple[Claim, LnodeError]]) -> list[Reply]:
    """Return the last answers of the login nodes that are silent now: that they are is no word about their sessions."""
    kept = pictures.read(alias) if silent else None
    names = {short_host(claim.node) for claim, _ in silent}
    return [reply for reply in kept.replies if picture_of(reply).login_node in names] if kept else []


def _silent_in_words(silent: Sequence[tuple[Claim, LnodeError]]) -> tuple[str, ...]:
    said = tuple(_in_words(*trouble) for trouble in silent[:MOST_NODES])
    rest = len(silent) - len(said)
    return (*said, f"{rest} more login nodes gave no answer") if rest else said


def _in_words(claim: Claim, error: LnodeError) -> str:
    said = f"{claim.node} {why_silent(error)}"
    return f"{said}; {', '.join(claim.names)} was there" if claim.names else said


class Round:
    """A question to each host, side by side and in silence; the end of the block ends their ssh."""

    def __init__(self, hosts: Mapping[str, Address]) -> None:
        self._hosts = hosts
        self._answers: SimpleQueue[View | Exception] = SimpleQueue()
        self._surveys: dict[str, Survey] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for alias, address in self._hosts.items():
                self._surveys[alias] = started.enter_context(Survey(address, silent=True, with_screens=True))
            started.callback(self.abandon)
            self._stack = started.pop_all()
        for alias in self._hosts:
            threading.Thread(target=self._wait_for, args=(alias,), daemon=True).start()
        return self

    def views(self, *, within_s: float) -> Iterator[View]:
        """Yield each view as it comes; after `within_s` the last known ones."""
        deadline = time.monotonic() + within_s
        for _ in self._hosts:
            try:
                answer = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self.abandon()
                answer = self._answers.get()
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def abandon(self) -> None:
        """Wait no longer, also in another thread: the hosts that have not answered count as silent."""
        for survey in self._surveys.values():
            survey.abandon()

    def _wait_for(self, alias: str) -> None:
        try:
            self._answers.put(view_of(self._hosts[alias].target, self._surveys[alias]))
        except LnodeError as error:
            self._answers.put(remembered(alias, error))
        except Exception as bug:
            self._answers.put(bug)

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def views_of(hosts: Mapping[str, Address], *, within_s: float) -> Iterator[View]:
    """Ask all hosts side by side and in silence. Yield each view as it comes; after `within_s` the last known ones."""
    with Round(hosts) as asked:
        yield from asked.views(within_s=within_s)


def addresses_of(aliases: Iterable[str], settings: Settings) -> tuple[dict[str, Address], list[View]]:
    """Return the addresses of the hosts, and the last known views of those that lnode cannot ask."""
    hosts, troubled = {}, []
    for alias, asked in {alias: _resolving(alias) for alias in aliases}.items():
        try:
            if isinstance(asked, LnodeError):
                raise asked
            hosts[alias] = resolved(asked, None, settings.of_host(alias))
        except LnodeError as error:
            troubled.append(remembered(alias, error))
    return hosts, troubled


def _resolving(alias: str) -> Resolving | LnodeError:
    try:
        return Resolving(alias)
    except LnodeError as error:
        return error


def remembered(alias: str, trouble: LnodeError) -> View:
    """Return the last known view of a host that has not answered."""
    wants_person = trouble.code is ExitCode.LOGIN_REFUSED
    said = f"{alias} needs you to sign in: lnode {alias}" if wants_person else trouble.message
    return last_known(alias, said)
