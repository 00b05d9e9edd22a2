"""How long a program takes on the rig's laptop: to its end, or until it shows something."""

import time
from collections.abc import Callable, Collection

import pexpect

from rig import Rig
from table import Took

DEADLINE_S = 60
MARK = "first-paint"  # all that the session's screen shows


def painted(rig: Rig, argv: list[str]) -> Took:
    """From the start of a process until the session's screen is on its pty; then it detaches, which is not counted."""

    def took() -> float:
        began = time.monotonic()
        child = spawn(rig, argv)
        child.expect_exact(MARK)
        seconds = time.monotonic() - began
        child.send("\x02d")
        finish(child)
        return seconds

    return took


def ended(rig: Rig, argv: list[str], *, before: Callable[[], object] = lambda: None, status: int = 0) -> Took:
    """From the start of a process to its end, with that exit status. What has to come `before` is not counted."""

    def took() -> float:
        before()
        began = time.monotonic()
        child = spawn(rig, argv)
        child.expect_exact(pexpect.EOF)
        seconds = time.monotonic() - began
        finish(child, {status}, said=child.before)
        return seconds

    return took


def shown(rig: Rig, argv: list[str], text: str, keys: str, *, ends: Collection[int] = (0,)) -> Took:
    """From the start of a process until it has shown a text; then come the keys that end it, which is not counted."""

    def took() -> float:
        began = time.monotonic()
        child = spawn(rig, argv)
        child.expect_exact(text)
        seconds = time.monotonic() - began
        child.send(keys)
        finish(child, ends)
        return seconds

    return took


def spawn(rig: Rig, argv: list[str]) -> "pexpect.spawn[bytes]":
    """Start a process on a pty of its own."""
    return pexpect.spawn(argv[0], argv[1:], env=rig.env(), timeout=DEADLINE_S, dimensions=(30, 100))


def finish(child: "pexpect.spawn[bytes]", ends: Collection[int] = (0,), said: object = b"") -> None:
    """Wait for its end. Raises RuntimeError where it is another one: what was measured then is something else."""
    child.expect_exact(pexpect.EOF)
    said = child.before or said
    child.close()
    if child.exitstatus not in ends:
        raise RuntimeError(f"{child.args} ended with {child.exitstatus}: {said!r}")
