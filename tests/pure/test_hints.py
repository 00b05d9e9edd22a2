"""What is said of a terminal that takes keys for itself."""

from lnode.attach import hints


def test_what_takes_keys_for_itself() -> None:
    assert hints.of({"TERM_PROGRAM": "ghostty", "TMUX": ""}) is None
    inside = hints.of({"TMUX": "/tmp/tmux-0/default,1,0", "TERM_PROGRAM": "vscode"})
    assert inside and (inside.name, "Ctrl-b Ctrl-b d" in inside.words) == ("tmux", True)
    editor = hints.of({"TERM_PROGRAM": "vscode"})
    assert editor and '"-workbench.action.toggleSidebarVisibility"' in editor.words
