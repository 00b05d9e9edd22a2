"""`lnode HOST SESSION --wait-for REGEX|idle|bell|agent`: return when the session shows it, without attaching.

lnode sends a script one line a second over one connection, and the script answers with the changes. The script asks
tmux and no scheduler. If the connection is lost, the next one continues with the same pane and row, and types nothing
again.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from lnode.cluster import keystrokes, panes
from lnode.cluster.agents import Agent, AgentState
from lnode.cluster.panes import Look, PaneEvent, PanePosition, Sent
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen, shown
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane, has_pane, login_node
from lnode.locate.known_agents import agent_on, signs
from lnode.remote.fields import NodeName, typed
from lnode.remote.reply import Reply
from lnode.ssh.begun import NotBegun
from lnode.ssh.question import Question
from lnode.ssh.target import Target

if TYPE_CHECKING:
    from lnode.reconnect.retries import Retries

IDLE_S = 10.0  # without output
_EVERY_S = 1.0
_SILENT_S = 15.0  # for an answer over an open connection
_LOGIN_S = 60.0  # for the first answer over a later connection
_SEARCH_S = 5.0  # for the pattern in one look at the session
_REACTS_S = 5.0  # an agent that has got a text: until then its old state may still be on the screen


class Text(NamedTuple):
    """The text that lnode types before the wait."""

    text: str
    enter: bool


def wait_for(
    address: Address, *, pattern: str, text: str | None = None, no_enter: bool = False, timeout: float | None = None
) -> ExitCode:
    """Wait, and print the line that matched. Raises LnodeError: FAILED after the timeout, NO_SESSION if it ends."""
    if timeout is not None and not 0 <= timeout < float("inf"):
        raise LnodeError(ExitCode.USAGE, f"--timeout cannot be {timeout:g} s", "as in: --timeout 600")
    typed = None if text is None else Text(text, not no_enter)
    return _Wait(address, _until(pattern), typed, timeout).run()


def _until(what: str) -> PaneEvent | re.Pattern[str]:
    if what in list(PaneEvent):
        return PaneEvent(what)
    try:
        return re.compile(what, re.MULTILINE)
    except re.error as error:
        raise LnodeError(
            ExitCode.USAGE,
            f"{what!r} is no regular expression: {error}",
            "put a backslash before signs that mean themselves",
        ) from None


class _Wait:
    """One wait over as many connections as it takes."""

    def __init__(
        self, address: Address, until: PaneEvent | re.Pattern[str], text: Text | None, timeout_s: float | None
    ) -> None:
        self._address, self._target, self._name = address, address.target, address.name
        self._until, self._text = until, text
        self._timeout_s = timeout_s
        self._over_at = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        self._words = "" if text is None else keystrokes.line(text.text, enter=text.enter)
        self._place = panes.named(address.name)
        self._node: NodeName | None = None  # with the session; None if that is in a job
        self._way: Target | None = None  # to that, for the next connection alone; the alias may lead there, too
        self._sent: Sent | None = None
        self._retries: Retries | None = None  # from the first answer on
        self._agent: Agent | None = None
        self._reacts_until = 0.0  # when the state on the screen is the agent's answer to the text

    def run(self) -> ExitCode:
        try:
            while True:
                try:
                    return self._watch()
                except LnodeError as error:
                    self._wait(error)
        finally:
            if self._retries:
                self._retries.close()

    def _wait(self, error: LnodeError) -> None:
        """Return when it is time to connect again. Raises LnodeError if that would not help."""
        if not self._retries or not (error.code is ExitCode.UNREACHABLE or isinstance(error, NotBegun)):
            raise error
        if self._left_s() <= 0:
            raise self._too_late() from None
        screen.say(f"{error.message}; waiting goes on")
        self._retries.wait(error, within_s=self._left_s())

    def _watch(self) -> ExitCode:
        """Look over one connection, until the session shows it."""
        waiting = f"waiting for {self._name} on {self._target.alias} ..."
        with self._opened() as question, screen.waiting(waiting):
            idle_since = time.monotonic()
            while True:
                look = self._look(question)
                now = time.monotonic()
                if self._until is PaneEvent.AGENT and self._is_settled(look, now):
                    return ExitCode.DONE
                if look is not None:
                    idle_since = now
                    if self._is_seen(look):
                        return ExitCode.DONE
                    if look.dead:
                        raise self._ended()
                if self._until is PaneEvent.IDLE and now - idle_since >= IDLE_S:
                    return ExitCode.DONE
                if self._left_s() <= 0:
                    raise self._too_late()
                time.sleep(min(_EVERY_S, self._left_s()))

    @contextmanager
    def _opened(self) -> Iterator[Question]:
        """Open a connection to the session's login node: the first may ask you to sign in, later ones are silent."""
        alias, name, left_s = self._target.alias, self._name, self._left_s()
        how, shown_by = "follow" if self._text is None else "since", ""
        if self._until is PaneEvent.AGENT:
            how, shown_by = "agent", "\n".join(signs())
        values = (self._address.settings.tmux, self._name, *self._place, how)
        if not self._retries:
            deed = "type" if self._text else ""
            within_s = left_s if self._timeout_s else float("inf")  # 0 looks once
            first = asked(self._address, "wait", *values, deed, shown_by, has=has_pane, within_s=within_s)
            with first as (self._target, question, reply):
                check_pane(reply, alias, name)
                self._node = login_node(reply)
                self._begin(self._typed(question) if self._text else reply)
                self._connected(question)
                yield question
            return
        way, self._way = self._way or self._target, None
        with Question(self._retries.toward(way), "wait", *values, "", shown_by, silent=True) as question:
            with question.within(min(left_s, _LOGIN_S)), screen.waiting(f"asking {alias} ..."):
                reply = question.reply()
            if "no-session" in reply:
                raise self._elsewhere(reply) or self._ended()
            check_pane(reply, alias, name)
            self._connected(question)
            yield question

    def _elsewhere(self, reply: Reply) -> LnodeError | None:
        """Return an error if the alias has led to another login node than the session's; the next way leads to that."""
        here, node = login_node(reply), self._node
        if here is None or node is None or here == node:
            return None
        self._way = routes.to_owner(self._address.target, node, self._address.settings)
        return LnodeError(
            ExitCode.UNREACHABLE, f"{self._target.alias} led to {here}, and {self._name} is on {node}", ""
        )

    def _typed(self, question: Question) -> Reply:
        reply = question.do(self._words)  # has a time limit of its own: whether it was typed is worth the wait
        check_pane(reply, self._target.alias, self._name)
        return reply

    def _begin(self, reply: Reply) -> None:
        """Remember the pane of the first answer, and the typed text with the rows before it."""
        place = panes.again(reply)
        if place is None:
            return
        from lnode.reconnect.retries import Retries

        self._retries, self._place = Retries(self._target), place
        if self._text is not None:
            self._sent = Sent(self._text.text, panes.unbarred(reply.get("before", ())))
            text, enter = self._text
            self._reacts_until = time.monotonic() + _REACTS_S
            screen.say(keystrokes.typed(reply, self._target.alias, self._name, text, enter=enter))

    def _connected(self, question: Question) -> None:
        if self._retries:
            self._retries.opened(question.peer)

    def _look(self, question: Question) -> Look | None:
        with question.within(_SILENT_S):
            question.tell("look")
            reply = question.reply()
        if "gone" in reply:
            raise self._ended()
        check_pane(reply, self._target.alias, self._name)
        look = panes.parse_look(reply)
        if look is not None:
            first = look.first if self._text is not None else look.last
            self._place = PanePosition(self._place.format, self._place.value, self._place.pane, first, look.last)
        return look

    def _is_seen(self, look: Look) -> bool:
        """True if the session shows it; for a pattern, print the line that matched."""
        if not isinstance(self._until, re.Pattern):
            return self._until is PaneEvent.BELL and look.bell
        text = panes.fresh(look, self._sent)
        with _within(_SEARCH_S, self._too_slow):
            match = self._until.search(text)
        if match is None:
            return False
        begin, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
        screen.show(*text[begin : end if end >= 0 else None].split("\n"))
        return True

    def _is_settled(self, look: Look | None, now: float) -> bool:
        """True if the agent waits for you or is done; print its question."""
        if look is not None:
            self._agent = agent_on(look.rows)
        agent, alias = self._agent, self._target.alias
        if agent is None or agent.state is AgentState.UNKNOWN:
            return False
        if agent.state is AgentState.WORKING:
            self._reacts_until = 0.0
            return False
        if now < self._reacts_until:
            return False
        if agent.waits:
            shown.remember(alias, {self._name: agent.dialog})
        choices = [f"{choice.key}  {choice.text}" for choice in agent.choices if choice.key != choice.text]
        asks = f" waits for you: {agent.question}" if agent.waits else " is done"
        screen.show(f"{agent.name}{asks}", *choices)
        return True

    def _too_slow(self) -> LnodeError:
        return LnodeError(
            ExitCode.FAILED,
            f"the pattern takes more than {_SEARCH_S:g} s on what {self._name} on {self._target.alias} shows",
            "leave out a .* or .+ at its beginning",
        )

    def _left_s(self) -> float:
        return max(0.0, self._over_at - time.monotonic())

    def _too_late(self) -> LnodeError:
        until = self._until
        wanted = f"show {until.pattern!r}" if isinstance(until, re.Pattern) else _WANTED[until]
        return LnodeError(
            ExitCode.FAILED,
            f"{self._name} on {self._target.alias} did not {wanted} within {self._timeout_s:g} s",
            f"see what it shows: {typed(self._target.alias, self._name)} --peek",
        )

    def _ended(self) -> LnodeError:
        return LnodeError(
            ExitCode.NO_SESSION,
            f"{self._name} on {self._target.alias} ended before",
            f"see what is there: lnode {self._target.alias} --ls",
        )


@contextmanager
def _within(seconds: float, failure: Callable[[], LnodeError]) -> Iterator[None]:
    """Raise `failure()` if the block takes longer: a pattern's time may grow with the square of a row, or worse."""

    def give_up(*_: object) -> None:
        raise failure()

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_WANTED = {
    PaneEvent.IDLE: "come to rest",
    PaneEvent.BELL: "ring",
    PaneEvent.AGENT: "show an agent that waits or is done",
}
