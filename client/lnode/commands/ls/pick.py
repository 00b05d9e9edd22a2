"""`lnode` without words: choose a session of all your hosts, and what to do with it.

The last known pictures are on the screen before any ssh starts. A thread asks the hosts; this one only reads keys,
takes the answers and paints, so a key never waits for a host.
"""

import gc
from typing import TYPE_CHECKING

from lnode.commands.ls import pick_lines, pick_state
from lnode.commands.ls.last_known import last_known
from lnode.commands.ls.pick_state import Choice, State
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop.canvas import Canvas
from lnode.laptop.clock import time_since_boot
from lnode.laptop.settings import load
from lnode.locate import pictures

if TYPE_CHECKING:
    from lnode.commands.ls.pick_questions import Questions

_ESCAPE_WITHIN_S = 0.05  # for the rest of a key that begins with Esc
_TICK_S = 1.0


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
        from lnode.commands.ls.pick_questions import Questions  # you see the hosts before these load

        questions = Questions([*state.views], settings, canvas.ring)
        try:
            return _chosen(state, canvas, questions)
        finally:
            questions.abandon()


def _chosen(state: State, canvas: Canvas, questions: "Questions") -> Choice | None:
    """Take keys and answers until you choose or leave. A key means the row that was painted before it."""
    from lnode.attach.keys import Keys

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
    """Whole seconds, also of sleep, each told once."""

    def __init__(self) -> None:
        self._told = int(time_since_boot())

    def passed(self) -> int:
        told, self._told = self._told, int(time_since_boot())
        return self._told - told
