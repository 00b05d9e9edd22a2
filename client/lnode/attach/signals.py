"""INT, TERM and HUP while ssh has the tty: kept until the supervisor listens. ssh gets Ctrl-C, too."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class Signals:
    """Takes the three signals inside the block; `told` holds their numbers, `wake` is called for each."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.wake: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        numbers = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP"))
        self._before = {number: signal.signal(number, self._tell) for number in numbers if number is not None}
        return self

    def _tell(self, number: int, _: FrameType | None) -> None:
        self.told.append(number)
        self.wake()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
