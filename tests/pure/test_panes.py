"""What of a session's screen is new to somebody who waits."""

import pytest

from lnode.cluster import panes
from lnode.cluster.panes import Look, PanePosition, Sent

REPLY = {"look": ("|40 52 0 0 no", "|$ make", "|", "|a|b  ")}


def test_a_look() -> None:
    assert panes.parse_look(REPLY) == Look("40", "52", False, False, False, ("$ make", "", "a|b  "))


@pytest.mark.parametrize("rows", [(), ("|",), ("|1 2 3",), ("|x 52 0 0 no", "|$"), ("|1 2 0 0 no\x1b",)])
def test_no_look(rows: tuple[str, ...]) -> None:
    assert panes.parse_look({"look": rows, "same": ()}) is None


def test_the_same_pane_again() -> None:
    assert panes.again({"pane": ("1700000000 $3 %12 4 5",)}) == PanePosition(
        "#{session_created} #{session_id}", "1700000000 $3", "%12", "4", "5"
    )
    assert panes.again({"pane": ("$3; %12",)}) is None
    assert panes.again({}) is None


@pytest.mark.parametrize(
    ("rows", "before", "text", "fresh"),
    [
        (("$ make", "ok", "$ "), ("$ ",), "make", "\nok\n$"),
        (("$ make",), ("$ ",), "make", ""),
        (("Password: ", "wrong"), ("Password:",), "secret", "\nwrong"),
        (("really? yes",), ("really? ",), "y", "es"),
        (("$ a", "$ b", "done"), ("$ ",), "a\nb", "\ndone"),
        (("$ cd x", "echo DONE", "tools", "$ "), ("$ ",), "cd x\necho DONE\nls", "\ntools\n$"),
        (("h % make; echo DONE   12:03", "ok"), ("h %                  12:03",), "make; echo DONE", "\nok"),
        (("12:04 h % make", "ok"), ("12:03 h %",), "make", "\nok"),
        (("me@tools:~$ ls   12:01", "ok"), ("me@tools:~$      12:00",), "ls", "\nok"),
        (("$ make", "all done", "$ done", "ok"), ("$ ",), "make\ndone", "\nall done\nok"),
        (("really? y  DONE", "ok"), ("",), "y", "really? y  DONE\nok"),
        (("all is", "new"), ("$ ",), "clear", "all is\nnew"),
        ((), (), "x", ""),
    ],
)
def test_what_comes_after_the_sending(rows: tuple[str, ...], before: tuple[str, ...], text: str, fresh: str) -> None:
    look = Look("0", "0", False, False, False, rows)
    assert panes.fresh(look, Sent(text, before)) == fresh
    assert panes.fresh(look, None) == "\n".join(row.rstrip() for row in rows)


def test_on_a_screen_of_its_own_what_has_changed_is_new() -> None:
    look = Look("0", "0", True, False, False, ("title", "working", "done", "prompt"))
    assert panes.fresh(look, Sent("go", ("title", "prompt"))) == "working\ndone\nprompt"
