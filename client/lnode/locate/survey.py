"""All login nodes of a host, asked at once: one question to each.

The first question goes where the alias leads. Its answer, and the laptop's memory, tell which other login nodes there
are.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple, Self

from lnode.cluster import sessions
from lnode.cluster.login_nodes import Claim, is_same
from lnode.errors import ExitCode, LnodeError
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.remote.fields import NodeName
from lnode.ssh.question import Question
from lnode.ssh.target import Target

_NODE_WITHIN_S = 6.0  # to begin with: a login node that is down lets a jump wait for minutes

MOST_NODES = 16  # that are asked side by side, an ssh each; no cluster has as many login nodes

_MOST_NAMES = 500  # of sessions that are remembered of a login node
_ANSWER_WITHIN_S = 25.0  # in all: tmux by a module takes 10, a silent scheduler 8


Reply = Mapping[str, Sequence[str]]


class Answers(NamedTuple):
    """The replies of a host's login nodes and the pictures in them, by node, and why the other nodes are silent.

    The first is the node where the alias leads, None if it calls itself by no name.
    """

    replies: Mapping[NodeName | None, Reply]
    pictures: Mapping[NodeName | None, sessions.Picture]
    silent: tuple[tuple[Claim, LnodeError], ...]

    def sessions(self) -> dict[NodeName | None, set[str]]:
        """The names of the sessions on each node."""
        return {node: {entry.session.name for entry in picture.entries} for node, picture in self.pictures.items()}


class Survey:
    """A host that is being asked; leaving the block ends the ssh. With `silent` nobody is asked to sign in.

    The login nodes beside the one where the alias leads are asked in silence.
    """

    def __init__(self, address: Address, *, silent: bool = False) -> None:
        self._target, self._settings = address.target, address.settings
        self._question = Question(address.target, "list", *sessions.list_values(address.settings.tmux), silent=silent)
        self._others: list[Question] = []
        self._abandoned = False

    def __enter__(self) -> Self:
        self._question.__enter__()
        return self

    def answers(self) -> Answers:
        """Wait for the answers of all login nodes. Raises LnodeError where the alias leads to none."""
        reply = self._question.reply()
        picture = sessions.picture_of(reply)
        here = picture.address
        replies: dict[NodeName | None, Reply] = {here: reply}
        others, silent = self._of_others(_others(picture, here, routes.recall(self._target.alias)))
        replies |= others
        pictures = {here: picture} | {node: sessions.picture_of(said) for node, said in others.items()}
        if self._target.config is None:
            self._remember(pictures, here)
        return Answers(replies, pictures, tuple(silent))

    def _of_others(
        self, claims: Sequence[Claim]
    ) -> tuple[dict[NodeName | None, Reply], list[tuple[Claim, LnodeError]]]:
        """Ask the other login nodes side by side: their replies, and why the others gave none."""
        replies: dict[NodeName | None, Reply] = {}
        silent = [(claim, _too_many(claim.node)) for claim in claims[MOST_NODES:]]
        with ExitStack() as stack:
            asked = []
            for claim in claims[:MOST_NODES]:
                there = routes.to_node(self._target, claim.node, claim.port, self._settings)
                if routes.wants_person(self._target, there):
                    silent.append((claim, _sign_in(self._target.alias, claim.node)))
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
        return replies, silent

    def _remember(self, pictures: Mapping[NodeName | None, sessions.Picture], here: NodeName | None) -> None:
        """Keep which sessions each login node has; of a tmux that cannot be asked those that were there last."""
        known = routes.recall(self._target.alias)
        for node, seen in pictures.items():
            if node is not None:
                names = [entry.session.name for entry in seen.entries[:_MOST_NAMES]]
                if seen.tmux in sessions.CANNOT_ASK:
                    names = [*_names_on(known, node)]
                routes.learn_node(self._target.alias, node, seen.port, names, led=node == here)

    def _ask(self, there: Target) -> Question:
        return Question(there, "list", *sessions.list_values(self._settings.tmux), silent=True)

    def abandon(self) -> None:
        """Wait no longer: answers() fails then, in whatever thread it runs."""
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
