"""Hints about a terminal that takes keys of the session, told once."""

from collections.abc import Mapping
from typing import NamedTuple


class Hint(NamedTuple):
    """A hint. lnode remembers its `name`."""

    name: str
    words: str


def of(environ: Mapping[str, str]) -> Hint | None:
    """Return the hint for a terminal with this environment, usually None."""
    if environ.get("TMUX"):
        return Hint(
            "tmux", "this terminal is in a tmux already: its prefix twice, as in Ctrl-b Ctrl-b d, reaches the session's"
        )
    if environ.get("TERM_PROGRAM") == "vscode":
        return Hint("vscode", "if VS Code keeps Ctrl-b for its side bar, let it go: in its settings.json " + _LET_GO)
    return None


_LET_GO = '"terminal.integrated.commandsToSkipShell": ["-workbench.action.toggleSidebarVisibility"]'
