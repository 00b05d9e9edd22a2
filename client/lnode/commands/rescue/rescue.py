"""`lnode HOST [NAME] --rescue PID`: save a process that was started without protection, as far as that is possible.

reptyr brings the process into a session, if reptyr is installed and permitted. Else lnode says which commands to type
at the process's terminal. Its earlier output is lost.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from lnode.cluster import login_nodes, tmux
from lnode.commands.rescue import recipes
from lnode.commands.rescue.recipes import Fate, RescueProcess
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.remote.fields import NodeName, typed
from lnode.ssh.question import Question
from lnode.ssh.target import Target
from lnode.text import visible

_LAST = 1 << 22  # Linux's largest pid
_WITHIN_S = 25.0  # a jump to a login node that is down can take minutes


class _Found(NamedTuple):
    """The answer of one login node, and its script, which waits for the order. `node` is None if it has no name."""

    node: NodeName | None
    process: RescueProcess | str
    question: Question

    @property
    def place(self) -> str:
        """Return the node's name for a sentence."""
        return self.node or "an unknown login node"


def rescue(address: Address, *, pid: int, here: bool = False) -> ExitCode:
    """Save the process, or say how you can; DONE if it is safe. `here`: only on the alias's node. Raises LnodeError."""
    alias, name = address.alias, address.session or f"rescued-{pid}"
    if not 1 < pid <= _LAST:
        raise LnodeError(
            ExitCode.USAGE, f"{pid} is no process", f"find its number: ssh {alias} ps -u \\$USER -o pid,tty,args"
        )
    if not tmux.is_creatable(name):
        raise LnodeError(ExitCode.USAGE, f"a session cannot be called {name!r}", f"as in: {tmux.suggestion(name)}")
    with ExitStack() as stack:
        with screen.waiting(f"asking {alias} ..."):
            answers, silent = _answers(stack, address, (str(pid), name), here=here)
        one, process = _the_one(answers, silent, pid, alias)
        node = one.place
        found = recipes.fate(process)
        if found is Fate.SAFE:
            screen.say(f"{pid} on {node} {visible(recipes.why_safe(process, alias))}")
            return ExitCode.DONE
        if found is Fate.BY_HAND:
            return _by_hand(process, alias, f"{pid} on {node} cannot be moved: {recipes.why_by_hand(process)}")
        if process.is_taken:
            raise LnodeError(
                ExitCode.FAILED,
                f"there is a session {name} on {alias} already",
                f"as in: lnode {alias} NAME --rescue {pid}",
            )
        with screen.waiting(f"moving {pid} into {name} ..."):
            reply = one.question.do("take")
    if "taken" not in reply:
        said = "; ".join(visible(row) for row in reply.get("failed", ()))
        return _by_hand(process, alias, f"{pid} on {node} could not be moved: reptyr said: {said}")
    if address.target.config is None and one.node:
        routes.learn_session(alias, name, one.node)
    screen.say(
        f"{pid} is in {name} on {alias} now; what it had printed stays in its old terminal: {typed(alias, name)}"
    )
    return ExitCode.DONE


def _answers(
    stack: ExitStack, address: Address, values: tuple[str, str], *, here: bool
) -> tuple[list[_Found], list[NodeName]]:
    """Ask all known login nodes. Return the answers, that of the alias's node first, and the silent nodes."""

    target, settings = address.target, address.settings

    def ask(there: Target, *, silent: bool) -> Question:
        return stack.enter_context(Question(there, "rescue", settings.tmux, *values, silent=silent))

    def heard(question: Question) -> _Found:
        reply = question.reply()
        node = NodeName.parse(next(iter(reply.get("host", ())), ""))
        return _Found(node, recipes.parse(reply.get("facts", ())), question)

    known = routes.recall(target.alias)
    answers, silent = [heard(ask(target, silent=False))], []
    others = [
        node for node in sorted(known.ports) if known.are_several and not login_nodes.is_same(node, answers[0].node)
    ]
    asked = []
    for node in [] if here or target.config is not None else others:
        there = routes.to_node(target, node, known.port(node), settings)
        if routes.wants_person(target, there):
            silent.append(node)
        else:
            asked.append((node, ask(there, silent=True)))
            stack.enter_context(asked[-1][1].heard_within(_WITHIN_S))
    for node, question in asked:
        try:
            answers.append(heard(question))
        except LnodeError:
            silent.append(node)
    return answers, silent


def _the_one(answers: Sequence[_Found], silent: Sequence[str], pid: int, alias: str) -> tuple[_Found, RescueProcess]:
    """Return the only login node on which the process is yours. Raises LnodeError if there is none or more than one."""
    mine = [(one, one.process) for one in answers if isinstance(one.process, RescueProcess)]
    if len(mine) == 1:
        return mine[0]
    if mine:
        each = " and ".join(f"on {one.place} ({visible(' '.join(process.command)[:40])})" for one, process in mine)
        raise LnodeError(
            ExitCode.FAILED, f"{pid} is a process of yours {each}",
            f"only where {alias} leads, which is {mine[0][0].place} now: lnode {alias} --rescue {pid} --here",
        )  # fmt: skip
    is_there = any(answer.process == "not yours" for answer in answers)
    where = " and ".join(answer.place for answer in answers)
    found = f"process {pid} on {where} belongs to another user" if is_there else f"there is no process {pid} on {where}"
    but = f"; {' and '.join(silent)} did not say" if silent else ""
    raise LnodeError(ExitCode.FAILED, f"{found}{but}", f"see yours: ssh {alias} ps -u \\$USER -o pid,tty,args")


def _by_hand(process: RescueProcess, alias: str, why: str) -> ExitCode:
    screen.say(why)
    for line in recipes.recipe(process, alias):
        screen.say(visible(line))
    return ExitCode.FAILED
