"""The heartbeat of a terminal whose socket lnode can see: the kernels beat, and no connection carries a word for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

from lnode.attach.heartbeat import BLIND_S
from lnode.attach.pulse import Pulse
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.rung_standby import StandbyLink

_FRESH_S = 0.5  # since an acknowledgement, while you type: a probe would tell no more
_LEAST_S = 2.0  # for the answer to a probe


async def beat(
    pulse: Pulse,
    link: Link,
    every_s: Callable[[], float],
    late_s: float,
    on_beat: Callable[[], None],
    on_late: Callable[[float], Awaitable[None]],
    ask: asyncio.Event,
) -> NoReturn:
    """Tell of every beat, and once of each that is late, as heartbeat.beat. Raises LinkFailed once the link ends.

    What is asked for is a probe, because TCP's times stand still in sleep.
    """
    ended = cast(StandbyLink, link).ended
    alive = time.monotonic()
    late = False
    while True:
        sent, heard_s = time.monotonic(), float("inf") if ask.is_set() else pulse.heard_s()
        ask.clear()
        within_s = min(max(_LEAST_S, late_s - heard_s), late_s)
        answering = asyncio.create_task(_answers(pulse, heard_s, within_s))
        asked = asyncio.create_task(ask.wait())
        try:
            await asyncio.wait((answering, asked, ended), return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and answering.result():
                alive, late = time.monotonic(), False
                on_beat()
                pause_s = sent + every_s() - alive
                await asyncio.wait((asked, ended), timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            elif answering.done() and time.monotonic() - sent < within_s:
                if late:  # the terminal was given up in a silence, in which the standby is to hear nothing
                    await ended
                raise LinkFailed(Cause.LOST, "the terminal's socket is gone")
            elif answering.done() and not late:
                late = True
                await on_late(time.monotonic() - max(alive, sent - BLIND_S))
        finally:
            for task in (answering, asked):
                task.cancel()
            await asyncio.gather(answering, asked, return_exceptions=True)
        if ended.done():
            raise LinkFailed(Cause.LOST, "the connection beside the terminal has ended")


async def _answers(pulse: Pulse, heard_s: float, within_s: float) -> bool:
    return heard_s < _FRESH_S or await pulse.answers(within_s)
