"""`lnode HOST SESSION --reset`: thaw a frozen screen, and list the steps. lnode ends no program and types no text."""

from lnode.attach import last_seen
from lnode.demo import demo
from lnode.errors import ExitCode
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.locate.find import asked, check_pane, has_pane

_DONE = {
    "left-mode": "left tmux's copy mode, which takes the keys",
    "flow": "sent Ctrl-Q, which lets output go on after a Ctrl-S",
    "terminal": "reset the terminal in it: colours, character set, mouse, modes; what it showed is scrolled up",
    "drawn": "asked the program in it to draw its screen again",
    "refreshed": "redrew the attached terminals",
}


def reset(address: Address) -> ExitCode:
    """Fix the session's screen as far as tmux can from outside the session."""
    with asked(address, "reset", address.settings.tmux, address.name, has=has_pane) as (_, _, reply):
        check_pane(reply, address.alias, address.name)
    for section, words in _DONE.items():
        if section in reply:
            screen.say(words)
    screen.say("if it stays empty press Enter or Ctrl-L in it; if a shell does not show what you type: stty sane")
    return ExitCode.DONE


def remove_demo() -> ExitCode:
    """Remove the demo with all that it keeps: `lnode demo --reset`."""
    last_seen.forget(demo.ALIAS)
    screen.say("the demo is gone" if demo.reset() else "there was no demo")
    return ExitCode.DONE
