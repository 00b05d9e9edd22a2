"""What is said of a terminal that takes keys for itself."""

from lnode.attach import hints


def test_what_takes_keys_for_itself() -> None:
    assert hints.of({"TERM_PROGRAM": "ghostty", "TMUX": ""}) is None
    inside = hints.of({"TMUX": "/tmp/tmux-0/default,1,0", "TERM_PROGRAM": "vscode"})
    assert inside and (inside.name, "Ctrl-b Ctrl-b d" in inside.words) == ("tmux", True)
    assert "its prefix, then the session's, as in Ctrl-b Ctrl-a d, reaches" in hints.nested("C-b", "C-a")
    assert "its prefix twice, as in Alt-x Alt-x d, reaches" in hints.nested("M-x", "M-x")
    assert "as in ` Ctrl-Space d" in hints.nested("`", "C-Space")
    editor = hints.of({"TERM_PROGRAM": "vscode"})
    assert editor and '"-workbench.action.toggleSidebarVisibility"' in editor.words
