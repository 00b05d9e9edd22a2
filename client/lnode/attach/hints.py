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
        return Hint("tmux", nested("C-b", "C-b"))
    if environ.get("TERM_PROGRAM") == "vscode":
        return Hint("vscode", "if VS Code keeps Ctrl-b for its side bar, let it go: in its settings.json " + _LET_GO)
    return None


def nested(outer: str, inner: str) -> str:
    """Return the hint for a terminal in a tmux, with the prefix of that tmux and the session's, as tmux names keys."""
    keys = f"{_in_words(outer)} {_in_words(inner)} d"
    how = "its prefix twice" if outer == inner else "its prefix, then the session's"
    return f"this terminal is in a tmux already: {how}, as in {keys}, reaches the session's"


def _in_words(key: str) -> str:
    """Return `Ctrl-a` for C-a, and `Alt-a` for M-a."""
    return key.replace("C-", "Ctrl-", 1).replace("M-", "Alt-", 1)


_LET_GO = '"terminal.integrated.commandsToSkipShell": ["-workbench.action.toggleSidebarVisibility"]'
