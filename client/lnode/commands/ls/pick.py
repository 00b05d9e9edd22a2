"""`lnode` without words: choose a session of all your hosts, and what to do with it.

The last known pictures are on the screen before any ssh starts. A thread asks the hosts; this one only reads keys,
takes the answers and paints, so a key never waits for a host.
"""

import gc
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from lnode.attach.keys import Keys
from lnode.commands.ls import pick_lines, pick_state
from lnode.commands.ls.last_known import last_known
from lnode.commands.ls.pick_state import Choice, State
from lnode.commands.ls.table import View
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop.canvas import Canvas
from lnode.laptop.settings import Settings, load
from lnode.locate import pictures

if TYPE_CHECKING:
    from lnode.commands.ls.views import Round

_WITHIN_S = 10.0  # for all hosts at once
_ESCAPE_WITHIN_S = 0.05  # for the rest of a key that begins with Esc
_TICK_S = 1.0
_ENDS_WITHIN_S = 0.5


def pick() -> Choice | None:
    """Return what you choose, or None if you leave. Raises LnodeError(USAGE) if no host is known."""
    settings = load()
    aliases = {*settings.hosts, *pictures.aliases()}
    views = [last_known(alias, f"asking {alias}") for alias in aliases]
    views = [view for view in views if view.pictures or view.host in settings.hosts]  # a file may be none of lnode's
    if not views:
        raise LnodeError(
            ExitCode.USAGE,
            "no host is known yet",
            "find what your cluster has: lnode --init; without a cluster: lnode demo",
            page=Page.FIRST_SESSION,
        )
    state = pick_state.begun(views)
    with Canvas() as canvas:
        canvas.paint(pick_lines.lines(state, *canvas.size()))
        gc.enable()  # you may look at it for long
        questions = _Questions([*state.views], settings, canvas.ring)
        try:
            return _chosen(state, canvas, questions)
        finally:
            questions.abandon()


def _chosen(state: State, canvas: Canvas, questions: "_Questions") -> Choice | None:
    """Take keys and answers until you choose or leave. A key means the row that was painted before it."""
    keys, clock = Keys(), _Clock()
    while True:
        try:
            typed = canvas.read(_ESCAPE_WITHIN_S if keys.begun else _TICK_S)
        except EOFError:  # the window is closed
            return None
        for key in keys.settle() if typed is None else keys.feed(typed):
            after = pick_state.pressed(state, key)
            if not isinstance(after, State):
                return after
            state = after
        for view in questions.answered():
            state = pick_state.arrived(state, view)
        if seconds := clock.passed():
            state = pick_state.older(state, seconds)
        canvas.paint(pick_lines.lines(state, *canvas.size()))


class _Clock:
    """Whole seconds, each told once."""

    def __init__(self) -> None:
        import time

        self._now = time.monotonic
        self._told = int(self._now())

    def passed(self) -> int:
        told, self._told = self._told, int(self._now())
        return self._told - told


class _Questions:
    """The questions to all hosts, in a thread; `ring` tells that there is an answer."""

    def __init__(self, hosts: Sequence[str], settings: Settings, ring: Callable[[], None]) -> None:
        self._hosts, self._settings, self._ring = hosts, settings, ring
        self._answers: SimpleQueue[View | Exception] = SimpleQueue()
        self._round: Round | None = None
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def answered(self) -> list[View]:
        """Return the views that have come since the last call."""
        found: list[View] = []
        while not self._answers.empty():
            answer = self._answers.get()
            if isinstance(answer, Exception):
                raise answer
            found.append(answer)
        return found

    def abandon(self) -> None:
        """End the questions that are still open, and their ssh."""
        self._abandoned.set()
        if self._round:
            self._round.abandon()
        self._thread.join(_ENDS_WITHIN_S)

    def _ask(self) -> None:
        try:
            self._ask_all()
        except Exception as bug:
            self._tell(bug)

    def _ask_all(self) -> None:
        from lnode.commands.ls.views import Round, addresses_of  # starts the modules that start an ssh

        hosts, troubled = addresses_of(self._hosts, self._settings)
        for view in troubled:
            self._tell(view)
        if self._abandoned.is_set():
            return
        with Round(hosts) as asked:
            self._round = asked
            if self._abandoned.is_set():
                asked.abandon()
            for view in asked.views(within_s=_WITHIN_S):
                self._tell(view)

    def _tell(self, answer: View | Exception) -> None:
        self._answers.put(answer)
        self._ring()
