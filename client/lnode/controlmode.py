"""An attach in tmux's control mode (`tmux -CC`), where iTerm2 draws the session's windows as its own.

The tty carries a protocol and no screen: nothing is drawn on it, no key is read from it, and a lost connection is not
replaced, as the terminal knows the windows of the old one only.
"""

import time
from typing import TYPE_CHECKING

from lnode import causes, screen, sshargs
from lnode.causes import Cause
from lnode.reconnect import End
from lnode.signals import Signals
from lnode.target import Target
from lnode.terminal import Terminal

if TYPE_CHECKING:
    from lnode.supervisor import Outcome

# What tmux sends at its end: iTerm2's wiki, tmux Integration; `ESC \` closes the DCS 1000p that client.c opens.
_END = "%exit\r\n\x1b\\"


def attend(target: Target, terminal: Terminal, signals: Signals) -> "Outcome":
    """Wait until the terminal ends; one that was cut off in its protocol gets the end of it."""
    from lnode.supervisor import Outcome

    signals.wake = terminal.end
    status, said = terminal.wait(), terminal.said()
    signals.wake = lambda: None
    over = status >= 0 and status != sshargs.SSH_FAILED
    began = over or terminal.may_ride or causes.has_begun(said, target.place)
    if began and not over:
        screen.write_control(_END)
    end = End.STOPPED if signals.told else End.OVER if over else End.FAILED
    cause = Cause.OVER if over else Cause.LOST if began else causes.cause_of_ssh(said, target.place)
    words, now = str(said), time.time()
    return Outcome(
        end, cause, status, words, began, began_before=False, seen=began, last_seen=now, picture=None, story=()
    )
