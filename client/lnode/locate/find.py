"""Find the login node of an alias that has a session, ask that node, and say if no node has the session.

lnode looks first on the node on which it saw the session last, or else on the alias's node. If the session is not
there, lnode asks all login nodes.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from lnode.cluster import login_nodes, tmux
from lnode.cluster.login_nodes import Verdict
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from lnode.laptop.settings import as_key
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.remote.fields import NodeName, typed
from lnode.remote.reply import Reply
from lnode.ssh.target import Target

if TYPE_CHECKING:  # an attach loads it only if it asks: until then you wait for every millisecond
    from lnode.cluster.sessions import Entry, Picture
    from lnode.locate.survey import Answers
    from lnode.ssh.question import Question


@contextmanager
def asked(
    address: Address,
    script: str,
    *values: str,
    has: Callable[[Reply], bool],
    settles: Callable[[Reply], bool] = lambda reply: False,
    left: Callable[[Reply], bool] = lambda reply: False,
    within_s: float = float("inf"),
) -> Iterator[tuple[Target, "Question", Reply]]:
    """Start a script on the login node that has the session, and yield its first reply. `has` reads a reply.

    If no node has the session, the reply is from the alias's node and the question may be closed, unless something is
    `left` of the session where lnode asked first. If the reply `settles`, the question is open, even if another node
    may have the session. Leaving the block ends the question. Raises LnodeError.
    """
    from lnode.ssh.question import Question

    target = address.target
    with ExitStack() as stack:

        def ask(there: Target) -> tuple[Target, Question, Reply]:
            question = stack.enter_context(Question(there, script, *values))
            asking.append(question)
            with question.within(within_s), screen.waiting(f"asking {target.alias} ..."):
                from lnode.cluster import sessions  # noqa: F401 - the answer is read with it: meanwhile the host works

                return there, question, question.reply()

        asking: list[Question] = []
        seen_there = remembered(address)
        answer: tuple[Target, Question, Reply] | None = None
        try:
            answer = ask(seen_there or target)
        except LnodeError as error:
            if seen_there is None or error.code is not ExitCode.UNREACHABLE or asking[0].has_begun:
                raise
        if answer is None or not (has(answer[2]) or _is_all(target, answer[2])):
            stack.close()  # a connection may have room for one channel only
            down = {seen_there.node} if seen_there and answer is None else set[NodeName | None]()
            place = None
            try:
                place = find(address, down=down)
            except LnodeError as error:
                if error.code is not ExitCode.NO_SESSION or answer is None or not settles(answer[2]):
                    raise
            if place is not None or answer is None or seen_there or settles(answer[2]) or left(answer[2]):
                answer = ask(place or (answer[0] if answer and left(answer[2]) else target))
        yield answer


def _is_all(target: Target, reply: Reply) -> bool:
    """True if lnode knows of no other login node to ask. Only the reply of a script with the list tells of new ones.

    A tmux that hangs here would hang again, so without such a list it is not asked a second time.
    """
    from lnode.cluster import sessions

    if target.config is not None:
        return True
    if routes.recall(target.alias).are_several:
        return False
    if "nodes" in reply:
        return not sessions.picture_of(reply).others
    return any(tmux.UNANSWERED.get(section) in sessions.CANNOT_ASK for section in reply)


def has_session(name: str, reply: Reply) -> bool:
    """True if the session is in a reply of list.sh, and its job has not ended with all that ran in it.

    The remains of an ended session settle nothing: a session of its name may run on another login node.
    """
    from lnode.cluster import sessions

    entry = sessions.picture_of(reply).named(name)
    return entry is not None and not (entry.session.in_job and entry.job is None)


def has_trace(name: str, reply: Reply) -> bool:
    """True if the session, or what is left of one that has ended, is in a reply of list.sh."""
    from lnode.cluster import sessions

    picture = sessions.picture_of(reply)
    return picture.named(name) is not None or picture.lost_named(name) is not None


def has_pane(reply: Reply) -> bool:
    """True if a script of pane.sh has found its session."""
    return not {"no-session", *tmux.UNANSWERED} & reply.keys()


def login_node(reply: Reply) -> NodeName | None:
    """Return the login node that a script of pane.sh has looked at; None for a session in a job."""
    return NodeName.parse(next(iter(reply.get("host", ())), ""))


def check_pane(reply: Reply, alias: str, name: str) -> None:
    """Raise LnodeError if a script of pane.sh cannot use its pane."""
    for section, tmux_is in tmux.UNANSWERED.items():
        if section in reply:
            raise no_tmux(alias, tmux_is, "\n".join(reply[section]))
    if "no-session" in reply:
        raise no_session(alias, name)
    _check_job(reply, alias, name)
    if "closed" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"the pane of {name} on {alias} has closed, and the session goes on",
            f"see what it shows now: {typed(alias, name)} --peek",
        )  # fmt: skip
    attach = f"look at it: {typed(alias, name)}"
    if "dead" in reply:
        raise LnodeError(ExitCode.FAILED, f"the program in {name} on {alias} has ended and reads no keys", attach)
    if "synchronized" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"keys for {name} on {alias} go to all panes of its window; nothing was typed",
            "turn that off, in the session: tmux set-window-option synchronize-panes off",
        )  # fmt: skip
    if "in-mode" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"{name} on {alias} does not leave tmux's copy mode; nothing was typed", attach
        )
    if "refused" in reply:
        said = "\n".join(reply["refused"])
        raise LnodeError(ExitCode.FAILED, f"tmux on {alias} could not do that with {name}", attach, detail=said)


def _check_job(reply: Reply, alias: str, name: str) -> None:
    """Raise LnodeError if the session is in a job, and the script could not go there."""
    said = "\n".join(reply.get("job-refused", reply.get("job-waits", ())))
    if "job-waits" in reply:
        why = f" ({said})" if said else ""
        raise LnodeError(
            ExitCode.FAILED,
            f"{name} on {alias} waits for its node{why}",
            f"wait with it: {typed(alias, name)}",
        )
    if "job-silent" in reply:
        raise LnodeError(
            ExitCode.FAILED, f"the scheduler of {alias} does not answer, so lnode cannot go to the node of {name}",
            f"ask again later, or see what is known: lnode {alias} --ls",
        )  # fmt: skip
    if "job-refused" in reply:
        look = f"see if its job still runs: lnode {alias} --ls"
        raise LnodeError(ExitCode.FAILED, f"no step started in the job of {name} on {alias}", look, detail=said)


def remembered(address: Address) -> Target | None:
    """Return the login node on which this laptop saw the session last, None if the alias is as good a way to it."""
    if address.target.config is not None:
        return None
    known = routes.recall(address.alias)
    node = known.owner(address.name)
    return (
        routes.to_node(address.target, node, known.ports[node], address.settings)
        if node and known.are_several
        else None
    )


def find(
    address: Address,
    *,
    starts: bool = False,
    without: Collection[NodeName | None] = (),
    down: Collection[NodeName | None] = (),
) -> Target | None:
    """Return the login node that has the session, None if no node has it. Raises LnodeError if that is in doubt.

    With `starts` lnode may ask you in that case whether it starts a new session. `without` are nodes that do not have
    the session, `down` are nodes that did not answer. None is a node without a name, to which only the alias leads.
    """
    from lnode.locate.survey import Survey, why_silent

    target, name, settings = address.target, address.name, address.settings
    with Survey(address) as survey, screen.waiting(f"looking for {name} on the login nodes ..."):
        answers = survey.answers()
    silent = {claim.node: (claim, error) for claim, error in answers.silent if claim.node not in without}
    silent |= {node: trouble for node, trouble in _unasked(answers, target.alias) if node not in without}
    found = {node: names for node, names in answers.sessions().items() if node not in {*without, *silent}}
    seen_on = routes.recall(target.alias).owner(name)
    verdict, node = login_nodes.decide(name, found, [claim for claim, _ in silent.values()], seen_on)
    if verdict is Verdict.FOUND:
        return routes.to_node(target, node, answers.pictures[node].port, settings) if node else target
    if verdict is Verdict.NOWHERE or node is None:
        return None
    claim, error = silent[node]
    wants_person = error.code in (ExitCode.LOGIN_REFUSED, ExitCode.HOST_KEY) and node not in down
    if verdict is Verdict.DOWN and wants_person:  # ssh itself asks you on the terminal, or explains the key
        return routes.to_node(target, node, claim.port, settings)
    hint = f"wait for it, or start another one where {target.alias} leads: {typed(target.alias, name)} --here"
    hint += "; sessions of --where node need no login node of their own"
    if not starts:
        hint = f"ask again when it does, or see what is known: lnode {target.alias} --ls"
    if verdict is Verdict.DOWN:
        is_there = error.code is ExitCode.FAILED  # the node answers, and its tmux does not
        code, why = (error.code, why_silent(error)) if is_there else (ExitCode.UNREACHABLE, "does not answer")
        detail = error.detail or error.message
        raise LnodeError(code, f"{name} lives on {node}, which {why}", hint, detail=detail, page=Page.LOGIN_NODES)
    doubt = f"{name} may live on {node}, which {why_silent(error)}"
    if starts and screen.can_ask() and screen.confirm(f"{doubt}; start another one where {target.alias} leads?"):
        return None
    code = error.code if error.code is ExitCode.FAILED else ExitCode.NO_SESSION
    raise LnodeError(code, doubt, hint, detail=error.detail or error.message, page=Page.LOGIN_NODES)


def _unasked(answers: "Answers", alias: str) -> Iterator[tuple[NodeName, tuple[login_nodes.Claim, LnodeError]]]:
    """Yield the login nodes that answered, but could not ask their tmux: any session may run there.

    Raises LnodeError for a node without a name: only the alias leads to such a node.
    """
    from lnode.cluster import sessions

    for node, picture in answers.pictures.items():
        if picture.tmux in sessions.CANNOT_ASK:
            trouble = no_tmux(alias, picture.tmux, picture.tmux_says)
            if node is None:
                raise trouble
            yield node, (login_nodes.Claim(node, picture.port, ()), trouble)


def entry_of(picture: "Picture", alias: str, name: str) -> "Entry":
    """Return the session of the picture. Raises LnodeError if no session has that name, or if there is no tmux."""
    entry = picture.named(name)
    if entry is None:
        raise no_tmux(alias, picture.tmux, picture.tmux_says) if picture.tmux != "ok" else no_session(alias, name)
    return entry


def no_session(alias: str, name: str) -> LnodeError:
    """Return the error for a name that no session on the host has."""
    hint = f"see what is there: lnode {alias} --ls"
    return LnodeError(ExitCode.NO_SESSION, f"there is no session {name} on {alias}", hint)


def no_tmux(alias: str, tmux_is: str, says: str = "") -> LnodeError:
    """Return the error for a host that has no tmux ("missing"), or if lnode cannot ask it (see Picture.tmux).

    `says` are the words of tmux.
    """
    if tmux_is == "missing":
        return LnodeError(
            ExitCode.MISSING_THERE, f"there is no tmux on {alias}: not on PATH, not in a login shell, not as a module",
            f'if you know where it is, set tmux = "/path/to/tmux" under [hosts.{as_key(alias)}] in config.toml',
            page=Page.SETTINGS,
        )  # fmt: skip
    if tmux_is in ("refused", "partly"):
        return LnodeError(
            ExitCode.FAILED, f"tmux on {alias} does not answer as it should: which sessions it has is not known",
            f"see what is wrong with it: lnode {alias} --doctor", detail=says, page=Page.TMUX,
        )  # fmt: skip
    return LnodeError(
        ExitCode.FAILED, f"tmux on {alias} runs, but its socket is gone and it makes no new one: lnode cannot ask it",
        f"see which process it is: lnode {alias} --doctor",
    )  # fmt: skip
