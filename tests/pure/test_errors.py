"""Exit codes are an interface (docs/scripts.md, Exit codes), and an error carries all that the screen prints."""

from lnode.errors import ExitCode, LnodeError


def test_the_exit_codes_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0, "FAILED": 1, "USAGE": 2, "BUG": 3, "UNREACHABLE": 4, "LOGIN_REFUSED": 5, "HOST_KEY": 6,
        "NO_SESSION": 7, "MISSING_THERE": 8, "TAKEN_OVER": 9, "INTERRUPTED": 130,
    }  # fmt: skip


def test_an_error_keeps_sentence_hint_and_the_other_sides_words() -> None:
    error = LnodeError(ExitCode.FAILED, "it failed", "try again", detail="said ssh")
    assert (error.code, error.message, error.hint, error.detail) == (1, "it failed", "try again", "said ssh")
    assert str(error) == "it failed"
