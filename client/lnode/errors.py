"""A failure in lnode's words: one sentence, one hint, one exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `lnode` command; scripts may rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUG = 3
    UNREACHABLE = 4
    LOGIN_REFUSED = 5
    HOST_KEY = 6
    NO_SESSION = 7
    MISSING_THERE = 8
    TAKEN_OVER = 9
    INTERRUPTED = 130


class LnodeError(Exception):
    """A failure that you can act on.

    `message` and `hint` are lower case, one sentence each, without a full stop. `detail` has the words of OpenSSH
    or tmux; the screen makes their control characters visible before it prints them.
    """

    def __init__(self, code: ExitCode, message: str, hint: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail
