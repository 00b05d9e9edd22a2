"""Tasks beside an event loop: kept while they run, ended together, and reported if they break."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_LEFT = "left"


def has_left(cancelled: asyncio.CancelledError) -> bool:
    """True if nobody needs the work any more; False if its time is over."""
    return _LEFT in cancelled.args


class Beside:
    """Tasks that no code awaits; `broke` gets the exception of one that breaks."""

    def __init__(self, broke: Callable[[BaseException], None]) -> None:
        self._broke = broke
        self._tasks: set[asyncio.Task[Any]] = set()  # the event loop itself keeps none

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """Cancel all tasks, once each: a second time would interrupt their clean-up."""
        for task in self._tasks:
            if not task.cancelling():
                task.cancel(_LEFT)

    async def ended(self) -> None:
        """Wait until all tasks have ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (broken := task.exception()):
            self._broke(broken)
