"""An end by SIGTERM or SIGHUP that leaves through all blocks, so that the terminal is as it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_ENDING = ("SIGTERM", "SIGHUP")


@contextmanager
def by_signals() -> Iterator[None]:
    """Raise SystemExit for both signals inside the block. One that is ignored stays ignored (nohup)."""
    before: dict[int, Any] = {}
    for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
