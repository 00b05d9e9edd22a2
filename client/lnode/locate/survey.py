"""All login nodes of a host, asked at once: one question to each.

The first question goes to the node to which the alias leads. Its answer and the laptop's memory name the other nodes.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, Self

from lnode.cluster import tmux_answers
from lnode.cluster.login_nodes import Claim, is_same
from lnode.errors import ExitCode, LnodeError
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.locate.known_agents import signs
from lnode.remote.fields import NodeName
from lnode.remote.reply import Reply
from lnode.ssh.question import Question
from lnode.ssh.target import Target

if TYPE_CHECKING:
    from lnode.cluster.sessions import Picture  # loaded while ssh is on its way

_NODE_WITHIN_S = 6.0  # for the first words: to a node that is down, a jump would wait for minutes

MOST_NODES = 16  # asked in parallel, one ssh each; no cluster has so many login nodes

_MOST_NAMES = 500  # remembered sessions of a login node
_ANSWER_WITHIN_S = 25.0  # in all: tmux by a module takes 10, a silent scheduler 8


class Answers(NamedTuple):
    """The replies of a host's login nodes with their pictures, by node, and the errors of the silent nodes.

    The first is the node to which the alias leads, None if it has no name.
    """

    replies: Mapping[NodeName | None, Reply]
    pictures: "Mapping[NodeName | None, Picture]"
    silent: tuple[tuple[Claim, LnodeError], ...]

    def sessions(self) -> dict[NodeName | None, set[str]]:
        """Return the names of the sessions on each node; a lost one counts where its job can be brought back."""
        there = {entry.session.name for picture in self.pictures.values() for entry in picture.entries}
        return {
            node: {name for name in picture.names if picture.named(name) or name not in there}
            for node, picture in self.pictures.items()
        }


class Survey:
    """The questions to a host's login nodes; the end of the block ends their ssh. With `silent` ssh does not ask you.

    ssh never asks you to sign in to the other login nodes, to which the alias does not lead. `with_screens`: the
    answers have the ends of the screens on which an agent may be.
    """

    def __init__(self, address: Address, *, silent: bool = False, with_screens: bool = False) -> None:
        self._target, self._settings = address.target, address.settings
        self._values = tmux_answers.list_values(address.settings.tmux, signs() if with_screens else ())
        self._question = Question(address.target, "list", *self._values, silent=silent)
        self._others: list[Question] = []
        self._abandoned = False

    def __enter__(self) -> Self:
        self._question.__enter__()
        return self

    def answers(self) -> Answers:
        """Wait for the answers of all login nodes. Raises LnodeError if the alias leads to none."""
        from lnode.cluster import sessions

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
        """Ask the other login nodes in parallel. Return their replies, and the errors of the silent ones."""
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

    def _remember(self, pictures: "Mapping[NodeName | None, Picture]", here: NodeName | None) -> None:
        """Remember the sessions of each login node. If lnode cannot ask its tmux, keep the last known ones."""
        from lnode.cluster import sessions

        known = routes.recall(self._target.alias)
        for node, seen in pictures.items():
            if node is not None:
                names = seen.names[:_MOST_NAMES]
                if seen.tmux in sessions.IN_DOUBT:
                    names = [*dict.fromkeys((*names, *_names_on(known, node)))]
                routes.learn_node(self._target.alias, node, seen.port, names, led=node == here)

    def _ask(self, there: Target) -> Question:
        return Question(there, "list", *self._values, silent=True)

    def abandon(self) -> None:
        """Wait no longer, so that answers() fails, also in another thread."""
        self._abandoned = True
        for question in (self._question, *self._others):
            question.abandon()

    def __exit__(self, *error: object) -> None:
        self._question.__exit__(None, None, None)


def _others(picture: "Picture", here: NodeName | None, known: routes.Known) -> list[Claim]:
    """Return the other login nodes that may have sessions or jobs."""
    found = {claim.node: claim for claim in picture.others}
    for node in sorted({*known.sessions.values()}):
        if any(is_same(node, other) for other in (here, *found)):
            continue
        found[node] = Claim(node, known.ports[node], _names_on(known, node))
    return list(found.values())


def _too_many(node: NodeName) -> LnodeError:
    return LnodeError(
        ExitCode.USAGE, f"{node} was not asked, because there are too many login nodes", "give it its own alias"
    )


def _names_on(known: routes.Known, node: NodeName) -> tuple[str, ...]:
    """Return the sessions that this laptop last saw on a login node."""
    return tuple(sorted(name for name, where in known.sessions.items() if is_same(where, node)))


def _sign_in(alias: str, node: NodeName) -> LnodeError:
    return LnodeError(
        ExitCode.LOGIN_REFUSED, f"{node} needs you to sign in", f"attach to a session on it: lnode {alias} SESSION"
    )


def why_silent(error: LnodeError) -> str:
    """Return why a login node has not answered, as the end of a sentence."""
    return _WHY_SILENT.get(error.code, "does not answer")


_WHY_SILENT = {
    ExitCode.LOGIN_REFUSED: "needs you to sign in",
    ExitCode.HOST_KEY: "has a host key that ssh does not accept",
    ExitCode.FAILED: "gives no answer that lnode can use",
    ExitCode.USAGE: "was not asked, because there are too many login nodes",
}
