"""The questions of the picker to all hosts, in a thread of their own."""

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from lnode.commands.ls.table import View
from lnode.laptop.settings import Settings

if TYPE_CHECKING:
    from lnode.commands.ls.views import Round

_WITHIN_S = 10.0  # for all hosts at once
_ENDS_WITHIN_S = 0.5


class Questions:
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
