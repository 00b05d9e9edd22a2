"""Exit codes are an interface (docs/scripts.md, Exit codes), and an error carries all that the screen prints."""

import re
import shlex
from pathlib import Path

import lnode
from lnode.errors import ExitCode, LnodeError
from lnode.remote.fields import typed


def test_the_exit_codes_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0, "FAILED": 1, "USAGE": 2, "BUG": 3, "UNREACHABLE": 4, "LOGIN_REFUSED": 5, "HOST_KEY": 6,
        "NO_SESSION": 7, "MISSING_THERE": 8, "TAKEN_OVER": 9, "INTERRUPTED": 130,
    }  # fmt: skip


def test_an_error_keeps_sentence_hint_and_the_other_sides_words() -> None:
    error = LnodeError(ExitCode.FAILED, "it failed", "try again", detail="said ssh")
    assert (error.code, error.message, error.hint, error.detail) == (1, "it failed", "try again", "said ssh")
    assert str(error) == "it failed"


def test_a_command_that_you_copy_has_the_name_as_one_word() -> None:
    """A host can call a session anything, and the picker takes that name with Enter."""
    for name in ("plain", "two words", "x;touch$IFS~/forged", "$(id)", "it's", "a\nb"):
        assert shlex.split(typed("unity", name)) == ["lnode", "unity", name]
    assert typed("unity", "-oX") == "lnode unity SESSION"


def test_no_hint_writes_the_name_of_a_session_by_itself() -> None:
    by_itself = re.compile(r"lnode \{[\w.]+\} \{(?!in_command\()[\w.]+\}(?! --(?:run|logs)\b)")
    found = {
        f"{path.name}: {row.strip()}"
        for path in Path(lnode.__file__).parent.rglob("*.py")
        for row in path.read_text().splitlines()
        if by_itself.search(row) and path.name not in ("run.py", "parser.py")  # the name of a run is a plain word
    }
    assert not found, found
