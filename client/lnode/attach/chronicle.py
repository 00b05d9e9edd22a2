"""The past of an attach: for the history, for -v and for its outcome."""

import time

from lnode.laptop import history
from lnode.locate import routes
from lnode.reconnect import notice, pauses
from lnode.reconnect.state import Event, Happened, Phase, State
from lnode.remote.fields import NodeName
from lnode.ssh.target import Target


class Chronicle:
    """The past of one attach. `node` is the session's login node. `last_seen` is the last time at which all was well.

    `seen`: the session existed, as the link or the time proved. `story` has a time with each line. Times are seconds
    since the epoch.
    """

    def __init__(self, target: Target, session: str) -> None:
        self._target, self.session = target, session
        self.node: NodeName | None = None
        self.seen = False
        self.last_seen = time.time()
        self.story: list[tuple[float, str]] = []

    def step(self, before: State, after: State, event: Event) -> None:
        """Record a step of the machine."""
        words = notice.chronicle(before, after, event.at)
        if words is not None:
            self.note(words)
        if before.phase in (Phase.ATTACHED, Phase.DOUBTING) and event.at - before.up_since > pauses.STABLE_S:
            self.seen = True
        if event.what in (Happened.BEAT, Happened.FELT, Happened.OPENED):
            self.last_seen = time.time()

    def learn(self, node: NodeName | None) -> None:
        """Remember that the session was seen on `node`, None for one without a name."""
        if node is not None and node != self.node:
            if self._target.config is None:
                routes.learn_session(self._target.alias, self.session, node)
            self.note(f"the session is on {node}")
        self.node, self.seen = node, True

    def note(self, words: str) -> None:
        """Add a line to the history of the host, and to the story."""
        history.append(self._target.alias, self.session, words)
        self.remember(words)

    def remember(self, words: str) -> None:
        """Add a line to the story."""
        self.story.append((time.time(), words))
