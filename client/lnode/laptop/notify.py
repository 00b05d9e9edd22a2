"""A notification on the laptop's desktop; without a desktop, the escape sequence with which its terminal shows one.

Only `_argv` differs between Linux and macOS. Nothing here writes to the terminal, which belongs to ssh.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from lnode.text import visible

_WITHIN_S = 5

Sound = Callable[[str], Awaitable[object]]
"""Sends a sequence to the terminal."""

# The words arrive as arguments, so no quote in them ends a string.
_OSASCRIPT = (
    "on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run",
)  # fmt: skip
# These know OSC 9, which iTerm2 began; the others that know any take urxvt's OSC 777.
_OSC_9 = {"iTerm.app", "WezTerm", "ghostty", "WarpTerminal"}


def send(
    title: str, text: str, *, platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
) -> bool:
    """Show it on the desktop. Return False if there is none, or if it may not be seen. Takes up to some seconds.

    macOS takes it in the name of Script Editor, and does not tell if you have switched off the notifications of that.
    """
    argv = _argv(visible(title), visible(text), platform)
    if not argv or which(argv[0]) is None:
        return False
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=_WITHIN_S, check=False, start_new_session=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and platform != "darwin"


async def show(title: str, text: str, sound: Sound) -> None:
    """Show it on the desktop, or else in the terminal: give `sound` the sequence for that. Raises as `sound` does."""
    from lnode.laptop.off_loop import in_thread  # loads asyncio, which the end of a run does not need

    if not await in_thread(partial(send, title, text)):
        await sound(for_terminal(title, text, os.environ))


def _argv(title: str, text: str, platform: str) -> list[str]:
    if platform == "darwin":
        return ["osascript", *(word for line in _OSASCRIPT for word in ("-e", line)), title, text]
    if platform == "win32":
        return []
    text = text.replace("&", "&amp;").replace("<", "&lt;")  # many a desktop reads the body as markup
    return ["notify-send", "--app-name=lnode", "--", title, text]


def for_terminal(title: str, text: str, environ: Mapping[str, str]) -> str:
    """Return the escape sequence with which this terminal shows a notification, wrapped for tmux to pass through."""
    title, text = (visible(words).replace(";", ",") for words in (title, text))
    if environ.get("TERM_PROGRAM") in _OSC_9 or environ.get("TERM") == "xterm-kitty":
        sequence = f"\x1b]9;{title}: {text}\a"
    else:
        sequence = f"\x1b]777;notify;{title};{text}\a"
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
