"""`lnode HOST SESSION --answer 1|y|n`: answer the question that an agent in the session shows, without attaching.

lnode answers only the question that you were shown last: by `--ls`, `--peek`, `--wait-for agent`, or a refusal of this
verb.
"""

from lnode.cluster.agents import Agent, in_words
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen, shown
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane, has_pane
from lnode.locate.known_agents import agent_on, signs
from lnode.remote.fields import typed
from lnode.remote.reply import Reply
from lnode.ssh.question import Question


def answer(address: Address, *, choice: str) -> ExitCode:
    """Type the key of a visible choice, and say so. Raises LnodeError: nothing was typed, or nothing came of it."""
    alias, name = address.alias, address.name
    values = (address.settings.tmux, name, "\n".join(signs()))
    with asked(address, "answer", *values, has=has_pane) as (_, question, reply):
        check_pane(reply, alias, name)
        agent = _agent_of(reply)
        if agent is None or not agent.waits:
            raise _nothing_asked(alias, name, agent)
        key = _key(agent, alias, name, choice)
        if agent.at is None:
            done = question.do(f"{agent.pane} {key}{' Enter' if agent.enter else ''}")
        else:
            done = _by_arrows(question, agent, int(key) - 1, alias, name)
        check_pane(done, alias, name)
    if "changed" in done:
        raise _changed(alias, name)
    if "taken" not in done:
        raise LnodeError(
            ExitCode.FAILED, f"{key} was typed into {name} on {alias}, and its screen is as it was",
            f"see what it shows: {typed(alias, name)} --peek",
        )  # fmt: skip
    shown.forget(alias, name)  # the next one may look the same, and be about something else
    text = next(one.text for one in agent.choices if one.key == key)
    screen.say(f"answered {agent.name} in {name} on {alias}: {key}{'' if text == key else f' ({text})'}")
    return ExitCode.DONE


def _by_arrows(question: Question, agent: Agent, wanted: int, alias: str, name: str) -> Reply:
    """Move the mark to the choice, see that it is there, and press Enter. Raises LnodeError if it is not."""
    steps = wanted - (agent.at or 0)
    if steps:
        moved = question.do(f"{agent.pane} {'Down' if steps > 0 else 'Up'} {abs(steps)}")
        check_pane(moved, alias, name)
        now = _agent_of(moved)
        if "changed" in moved or now is None or (now.dialog, now.at) != (agent.dialog, wanted):
            raise _changed(alias, name, "Enter was not pressed")
    return question.do(f"{agent.pane} Enter")


def _agent_of(reply: Reply) -> Agent | None:
    return agent_on(reply.get("screens", ()))


def _key(agent: Agent, alias: str, name: str, choice: str) -> str:
    """Return the key of the choice. Raises LnodeError for a question that you were not shown, or no such choice."""
    if not agent.choices:
        raise LnodeError(
            ExitCode.FAILED, f"{agent.name} in {name} on {alias} asks something that no key answers: {agent.question}",
            f"attach to it: {typed(alias, name)}", page=Page.AGENTS,
        )  # fmt: skip
    if not shown.is_shown(alias, name, agent.dialog):
        shown.remember(alias, {name: agent.dialog})
        raise LnodeError(
            ExitCode.FAILED, f"you have not seen this question of {agent.name} in {name} yet: {in_words(agent)}",
            f"if that is your answer to it: {typed(alias, name)} --answer {choice}", page=Page.AGENTS,
        )  # fmt: skip
    key = agent.key_of(choice)
    if key is None:
        keys = ", ".join(one.key for one in agent.choices)
        raise LnodeError(
            ExitCode.USAGE, f"{agent.name} in {name} on {alias} offers no answer {choice!r}: {in_words(agent)}",
            f"answers are {keys}", page=Page.AGENTS,
        )  # fmt: skip
    return key


def _nothing_asked(alias: str, name: str, agent: Agent | None) -> LnodeError:
    seen = f"; {agent.name} there {_IS.get(agent.state.value, 'does not say what it does')}" if agent else ""
    return LnodeError(
        ExitCode.FAILED, f"no question is visible in {name} on {alias}{seen}; nothing was typed",
        f"see what it shows: {typed(alias, name)} --peek",
    )  # fmt: skip


_IS = {"working": "works", "done": "is done"}


def _changed(alias: str, name: str, then: str = "nothing was typed") -> LnodeError:
    return LnodeError(
        ExitCode.FAILED, f"the screen of {name} on {alias} has just changed; {then}",
        f"see what it shows: {typed(alias, name)} --peek",
    )  # fmt: skip
