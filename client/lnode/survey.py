"""What runs on a host, asked now: one question, kept for when nothing answers."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import Self

from lnode import pictures, runs, sessions
from lnode.ask import Question
from lnode.errors import ExitCode, LnodeError
from lnode.listing import View
from lnode.settings import Request
from lnode.target import Target


class Survey:
    """A host that is being asked; leaving the block ends the ssh. With `silent` nobody is asked to sign in."""

    def __init__(self, target: Target, request: Request, *, silent: bool = False) -> None:
        self._target = target
        self._question = Question(target, "list", *sessions.list_values(request.tmux), silent=silent)

    def __enter__(self) -> Self:
        self._question.__enter__()
        return self

    def view(self) -> View:
        """Wait for the answer. Raises LnodeError."""
        reply = self._question.reply()
        picture = sessions.picture_of(reply)
        if picture.has_tmux and self._target.config is None:  # the demo is here as long as it runs
            pictures.keep(self._target.alias, [reply])
        return View(self._target.alias, (picture,), runs=runs.of_replies([reply]))

    def abandon(self) -> None:
        """Wait no longer: view() fails then, in whatever thread it runs."""
        self._question.abandon()

    def __exit__(self, *error: object) -> None:
        self._question.__exit__(None, None, None)


def survey_all(hosts: Mapping[str, tuple[Target, Request]], *, within_s: float) -> Iterator[View]:
    """Ask all hosts side by side and in silence; each view as it comes, of those that take longer the last known."""
    answers: SimpleQueue[View | Exception] = SimpleQueue()

    def wait_for(alias: str, survey: Survey) -> None:
        try:
            answers.put(survey.view())
        except LnodeError as error:
            answers.put(remembered(alias, error))
        except Exception as bug:
            answers.put(bug)

    with ExitStack() as stack:
        surveys = {
            alias: stack.enter_context(Survey(target, request, silent=True))
            for alias, (target, request) in hosts.items()
        }
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
    """The last that was seen of a host that has not answered."""
    wants_person = trouble.code is ExitCode.LOGIN_REFUSED
    said = f"{alias} wants somebody to sign in: lnode {alias}" if wants_person else trouble.message
    kept = pictures.read(alias)
    if kept is None:
        return View(alias, (), 0, said)
    age_s = max(0, int(time.time() - kept.at))
    return View(alias, tuple(map(sessions.picture_of, kept.replies)), age_s, said, runs.of_replies(kept.replies))
