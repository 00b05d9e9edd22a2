"""What runs on a host, asked now: one question to each login node, kept for when nothing answers.

The first goes where the alias leads; which others there are the answer tells, and the laptop remembers.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import NamedTuple, Self

from lnode import pictures, routes, runs, sessions
from lnode.ask import Question
from lnode.errors import ExitCode, LnodeError
from lnode.fields import NodeName
from lnode.listing import View
from lnode.login_nodes import Claim, is_same
from lnode.settings import Request
from lnode.target import Target

_NODE_WITHIN_S = 6.0  # to begin with: a login node that is down lets a jump wait for minutes

_MOST_NODES = 16  # that are asked side by side, an ssh each; no cluster has as many login nodes

_MOST_NAMES = 500  # of sessions that are remembered of a login node
_ANSWER_WITHIN_S = 25.0  # in all: tmux by a module takes 10, a silent scheduler 8


class Answers(NamedTuple):
    """What the login nodes of a host said, by node, and why others said nothing.

    The first is the node where the alias leads, None if it calls itself by no name.
    """

    replies: Mapping[NodeName | None, Mapping[str, Sequence[str]]]
    silent: tuple[tuple[Claim, LnodeError], ...]

    def picture(self, node: NodeName | None) -> sessions.Picture:
        """What one of them said."""
        return sessions.picture_of(self.replies[node])

    def sessions(self) -> dict[NodeName | None, set[str]]:
        """The names of the sessions on each node."""
        return {node: {entry.session.name for entry in self.picture(node).entries} for node in self.replies}


class Survey:
    """A host that is being asked; leaving the block ends the ssh. With `silent` nobody is asked to sign in.

    The login nodes beside the one where the alias leads are asked in silence.
    """

    def __init__(self, target: Target, request: Request, *, silent: bool = False) -> None:
        self._target, self._request = target, request
        self._question = Question(target, "list", *sessions.list_values(request.tmux), silent=silent)
        self._others: list[Question] = []
        self._abandoned = False

    def __enter__(self) -> Self:
        self._question.__enter__()
        return self

    def view(self) -> View:
        """Wait for the answers. Raises LnodeError."""
        answers = self.answers()
        found = tuple(sessions.picture_of(reply) for reply in answers.replies.values())
        if found[0].tmux == "ok" and self._target.config is None:  # the demo is here as long as it runs
            pictures.keep(self._target.alias, list(answers.replies.values()))
        return View(
            self._target.alias, found, runs=runs.of_replies(list(answers.replies.values())),
            silent=_silent_in_words(answers.silent),
        )  # fmt: skip

    def answers(self) -> Answers:
        """Wait for those of all login nodes. Raises LnodeError where the alias leads to none."""
        alias, reply = self._target.alias, self._question.reply()
        picture = sessions.picture_of(reply)
        here = picture.address
        replies: dict[NodeName | None, Mapping[str, Sequence[str]]] = {here: reply}
        silent = []
        with ExitStack() as stack:
            asked = []
            others = _others(picture, here, routes.recall(alias))
            silent += [(claim, _too_many(claim.node)) for claim in others[_MOST_NODES:]]
            for claim in others[:_MOST_NODES]:
                there = routes.to_node(self._target, claim.node, claim.port, self._request)
                if routes.wants_person(self._target, there):
                    silent.append((claim, _sign_in(alias, claim.node)))
                else:
                    asked.append((claim, stack.enter_context(self._ask(there))))
                    stack.enter_context(asked[-1][1].heard_within(_NODE_WITHIN_S))
                    stack.enter_context(asked[-1][1].within(_ANSWER_WITHIN_S))
            self._others = [question for _, question in asked]
            if self._abandoned:
                self.abandon()
            for claim, question in asked:
                try:
                    replies[claim.node] = question.reply()
                except LnodeError as error:
                    silent.append((claim, error))
        known = routes.recall(alias)
        for node, said in replies.items():
            if self._target.config is None and node is not None:
                seen = sessions.picture_of(said)
                names = [entry.session.name for entry in seen.entries[:_MOST_NAMES]]
                if seen.tmux in sessions.CANNOT_ASK:
                    names = [*_names_on(known, node)]  # they may still be there
                routes.learn_node(alias, node, seen.port, names, led=node == here)
        return Answers(replies, tuple(silent))

    def _ask(self, there: Target) -> Question:
        return Question(there, "list", *sessions.list_values(self._request.tmux), silent=True)

    def abandon(self) -> None:
        """Wait no longer: view() fails then, in whatever thread it runs."""
        self._abandoned = True
        for question in (self._question, *self._others):
            question.abandon()

    def __exit__(self, *error: object) -> None:
        self._question.__exit__(None, None, None)


def _others(picture: sessions.Picture, here: NodeName | None, known: routes.Known) -> list[Claim]:
    """The other login nodes on which there may be something."""
    found = {claim.node: claim for claim in picture.others}
    for node in sorted({*known.sessions.values()}):
        if any(is_same(node, other) for other in (here, *found)):
            continue
        found[node] = Claim(node, known.ports[node], _names_on(known, node))
    return list(found.values())


def _too_many(node: NodeName) -> LnodeError:
    return LnodeError(
        ExitCode.USAGE, f"{node} was not asked, as there are too many login nodes", "give it an alias of its own"
    )


def _names_on(known: routes.Known, node: NodeName) -> tuple[str, ...]:
    """Return the sessions that this laptop saw on a login node last."""
    return tuple(sorted(name for name, where in known.sessions.items() if is_same(where, node)))


def _sign_in(alias: str, node: NodeName) -> LnodeError:
    return LnodeError(
        ExitCode.LOGIN_REFUSED, f"{node} wants somebody to sign in", f"attach to a session there: lnode {alias} SESSION"
    )


def why_silent(error: LnodeError) -> str:
    """Why a login node has said nothing, as the end of a sentence."""
    return _WHY_SILENT.get(error.code, "does not answer")


_WHY_SILENT = {
    ExitCode.LOGIN_REFUSED: "wants somebody to sign in",
    ExitCode.HOST_KEY: "has a host key that is not accepted here",
    ExitCode.FAILED: "gives no answer that lnode can use",
    ExitCode.USAGE: "was not asked, as there are too many login nodes",
}


def _silent_in_words(silent: Sequence[tuple[Claim, LnodeError]]) -> tuple[str, ...]:
    said = tuple(_in_words(*trouble) for trouble in silent[:_MOST_NODES])
    rest = len(silent) - len(said)
    return (*said, f"{rest} more login nodes gave no answer") if rest else said


def _in_words(claim: Claim, error: LnodeError) -> str:
    said = f"{claim.node} {why_silent(error)}"
    return f"{said}; {', '.join(claim.names)} was there" if claim.names else said


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
