"""An attach in tmux's control mode (`tmux -CC`): iTerm2 draws the session's windows as its own.

The tty carries a protocol and no screen: lnode draws nothing on it and reads no key from it. lnode does not replace a
lost connection, because the terminal knows only the windows of the old one.
"""

import time

from lnode.attach.outcome import Outcome
from lnode.attach.signals import Signals
from lnode.attach.terminal import Terminal
from lnode.laptop import screen
from lnode.reconnect.state import End
from lnode.ssh import verdict
from lnode.ssh.target import Target

# tmux's last bytes (iTerm2's wiki, tmux Integration); `ESC \` closes the DCS 1000p that client.c opens.
_END = "%exit\r\n\x1b\\"


def attend(target: Target, terminal: Terminal, signals: Signals) -> Outcome:
    """Wait until the terminal ends. If the connection broke within the protocol, print the protocol's end."""
    signals.wake = terminal.end
    if signals.told:
        terminal.end()
    status, said = terminal.wait(), terminal.said()
    signals.wake = lambda: None
    over = not verdict.has_failed(status)
    cause, began = verdict.of_ssh(
        target, status, said, terminal.argv, silent=terminal.silent, heard=over or terminal.may_ride
    )
    if began and not over:
        screen.write_control(_END)
    end = End.STOPPED if signals.told else End.OVER if over else End.FAILED
    words, now = str(said), time.time()
    return Outcome(
        end, cause, status, words, began, began_before=False, seen=began, last_seen=now, picture=None, story=()
    )
