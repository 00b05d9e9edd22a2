"""The views of `--ls`: of one host, or of all hosts side by side; a silent host as it was last seen."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from lnode.cluster import sessions
from lnode.cluster.login_nodes import Claim
from lnode.commands.ls.table import View
from lnode.errors import ExitCode, LnodeError
from lnode.locate import pictures
from lnode.locate.address import Address
from lnode.locate.survey import MOST_NODES, Survey, why_silent
from lnode.runs import record
from lnode.ssh.target import Target


def view_of(target: Target, survey: Survey) -> View:
    """Wait for the answers of a survey, and return the view. Raises LnodeError."""
    answers = survey.answers()
    replies, found = list(answers.replies.values()), tuple(answers.pictures.values())
    runs = record.of_replies(replies)
    if found[0].tmux == "ok" and target.config is None:  # the demo is here as long as it runs
        sessions_ = tuple(entry.session.name for picture in found for entry in picture.entries)
        pictures.keep(target.alias, replies, pictures.Names(sessions_, tuple(run.name for run in runs)))
    return View(target.alias, found, runs=runs, silent=_silent_in_words(answers.silent))


def _silent_in_words(silent: Sequence[tuple[Claim, LnodeError]]) -> tuple[str, ...]:
    said = tuple(_in_words(*trouble) for trouble in silent[:MOST_NODES])
    rest = len(silent) - len(said)
    return (*said, f"{rest} more login nodes gave no answer") if rest else said


def _in_words(claim: Claim, error: LnodeError) -> str:
    said = f"{claim.node} {why_silent(error)}"
    return f"{said}; {', '.join(claim.names)} was there" if claim.names else said


def views_of(hosts: Mapping[str, Address], *, within_s: float) -> Iterator[View]:
    """Ask all hosts side by side and in silence. Yield each view as it comes; after `within_s` the last known ones."""
    answers: SimpleQueue[View | Exception] = SimpleQueue()

    def wait_for(alias: str, survey: Survey) -> None:
        try:
            answers.put(view_of(hosts[alias].target, survey))
        except LnodeError as error:
            answers.put(remembered(alias, error))
        except Exception as bug:
            answers.put(bug)

    with ExitStack() as stack:
        surveys = {alias: stack.enter_context(Survey(address, silent=True)) for alias, address in hosts.items()}
        for survey in surveys.values():
            stack.callback(survey.abandon)
        for alias, survey in surveys.items():
            threading.Thread(target=wait_for, args=(alias, survey), daemon=True).start()
        deadline = time.monotonic() + within_s
        for _ in surveys:
            try:
                answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                for survey in surveys.values():
                    survey.abandon()
                answer = answers.get()
            if isinstance(answer, Exception):
                raise answer
            yield answer


def remembered(alias: str, trouble: LnodeError) -> View:
    """Return the last known view of a host that has not answered."""
    wants_person = trouble.code is ExitCode.LOGIN_REFUSED
    said = f"{alias} needs you to sign in: lnode {alias}" if wants_person else trouble.message
    kept = pictures.read(alias)
    if kept is None:
        return View(alias, (), 0, said)
    age_s = max(0, int(time.time() - kept.at))
    return View(alias, tuple(map(sessions.picture_of, kept.replies)), age_s, said, record.of_replies(kept.replies))
