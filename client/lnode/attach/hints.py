"""What a terminal does to the keys of a session, to be said once."""

from collections.abc import Mapping
from typing import NamedTuple


class Hint(NamedTuple):
    """`name` is what is remembered of it."""

    name: str
    words: str


def of(environ: Mapping[str, str]) -> Hint | None:
    """What is worth knowing in the terminal that has this environment; None mostly."""
    if environ.get("TMUX"):
        return Hint(
            "tmux", "this terminal is in a tmux already: its prefix twice, as in Ctrl-b Ctrl-b d, reaches the session's"
        )
    if environ.get("TERM_PROGRAM") == "vscode":
        return Hint("vscode", "if VS Code keeps Ctrl-b for its side bar, let it go: in its settings.json " + _LET_GO)
    return None


_LET_GO = '"terminal.integrated.commandsToSkipShell": ["-workbench.action.toggleSidebarVisibility"]'
