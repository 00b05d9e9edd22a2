"""An attach in tmux's control mode (`tmux -CC`), where iTerm2 draws the session's windows as its own.

The tty carries a protocol and no screen: nothing is drawn on it, no key is read from it, and a lost connection is not
replaced, as the terminal knows the windows of the old one only.
"""

import time

from lnode.attach.outcome import Outcome
from lnode.attach.signals import Signals
from lnode.attach.terminal import Terminal
from lnode.laptop import screen
from lnode.reconnect.machine import End
from lnode.ssh import arguments, failures
from lnode.ssh.failures import Cause
from lnode.ssh.target import Target

# What tmux sends at its end: iTerm2's wiki, tmux Integration; `ESC \` closes the DCS 1000p that client.c opens.
_END = "%exit\r\n\x1b\\"


def attend(target: Target, terminal: Terminal, signals: Signals) -> Outcome:
    """Wait until the terminal ends; one that was cut off in its protocol gets the end of it."""
    signals.wake = terminal.end
    status, said = terminal.wait(), terminal.said()
    signals.wake = lambda: None
    over = status >= 0 and status != arguments.SSH_FAILED
    began = over or terminal.may_ride or failures.has_begun(said, target.place)
    if began and not over:
        screen.write_control(_END)
    end = End.STOPPED if signals.told else End.OVER if over else End.FAILED
    cause = Cause.OVER if over else Cause.LOST if began else failures.cause_of_ssh(said, target.place)
    words, now = str(said), time.time()
    return Outcome(
        end, cause, status, words, began, began_before=False, seen=began, last_seen=now, picture=None, story=()
    )
