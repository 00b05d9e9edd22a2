"""The way in which the terminal signs in, read from its log and from the tty."""

import asyncio
from collections.abc import Callable

from lnode.attach.terminal import Terminal
from lnode.attach.tty import Tty
from lnode.ssh import borrowed, failures, forwarding
from lnode.ssh.link.rung_master import is_full, prove_master
from lnode.ssh.target import Target

_LOOK_AGAIN_S = 0.02  # until ssh's log says that it has logged in
_BRISK_LOOK_S = 0.005  # over a standby, which takes one round trip: until then your keys are not the session's
_LOOKS = 50  # at most, until ssh has connected to a master
_FORWARDS_S = 1.0  # for the host's answer about a port
OVER_MASTER = "over a master"  # a way to sign in, of which ssh says nothing
UNKNOWN = "unknown"  # ssh has the tty, and has said that in words of another way to the host than was asked for


async def signed_in(
    target: Target, terminal: Terminal, tty: Tty, ended: asyncio.Future[int], stuck: Callable[[], None],
    patience_s: float,
) -> str | None:  # fmt: skip
    """Return how the terminal has signed in, None if it ended before. `stuck` is called if its master is silent.

    A standby is not proved: after `patience_s` a connection of its own takes hardly longer.
    """
    proof: asyncio.Task[bool | None] | None = None
    is_free = not tty.is_raw()  # what ssh finds tells nothing of ssh
    look_again_s = _BRISK_LOOK_S if terminal.may_ride and target.standby else _LOOK_AGAIN_S
    if terminal.may_ride:
        proof = asyncio.create_task(_is_late(terminal, patience_s) if target.standby else prove_master(target))
    while (how := _way(target, terminal, tty, is_free=is_free)) is None:
        terminal.watch.look(terminal.said())
        if (await asyncio.wait([ended], timeout=look_again_s))[0]:
            break
        if proof and proof.done() and proof.result() is False:
            proof = None
            if not _has_left_master(terminal.said().own):
                stuck()
    terminal.watch.look(terminal.said())
    if how is not None and _may_end_for_a_port(target):
        tty.unlisten()  # it has the tty by now, whatever comes of it
        if (await asyncio.wait([ended], timeout=_FORWARDS_S))[0]:
            return None
    return how


def _may_end_for_a_port(target: Target) -> bool:
    return target.one("exitonforwardfailure") == "yes" and forwarding.has_ports(target)


async def _is_late(terminal: Terminal, patience_s: float) -> bool | None:
    """Wait for ssh to ask the standby, and then for its answer: on a busy laptop ssh takes its time to begin."""
    for _ in range(_LOOKS):
        if borrowed.has_socket(terminal.pid):
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
    await asyncio.sleep(patience_s)
    return False


def _has_left_master(words: str) -> bool:
    """True if ssh goes on by a connection of its own (mux.c)."""
    return "disabling multiplexing" in words or is_full(words)


def _way(target: Target, terminal: Terminal, tty: Tty, *, is_free: bool) -> str | None:
    """Return how the terminal has signed in, None if it has not. ssh takes the tty after it, whatever it says.

    Over a master it says nothing. With a `Match exec` that asks the network, or CanonicalizeHostname, ssh may have gone
    another way than it told lnode while there was no network.
    """
    is_raw = tty.is_raw()
    how = failures.signed_in(terminal.said(), target.place)
    if how is not None or not is_raw:
        return how
    return OVER_MASTER if terminal.may_ride else UNKNOWN if is_free else None


def is_muxed(target: Target, how: str, words: str) -> bool:
    """True if a master has the tty, a process of its own (ControlPersist): stopping the terminal stops nothing."""
    if how == OVER_MASTER:
        return True
    if target.standby:
        return False
    persist = target.keep_warm or target.one("controlpersist", "no")
    return persist != "no" and not _has_left_master(words)
