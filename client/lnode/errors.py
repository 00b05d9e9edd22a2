"""A failure in lnode's words: one sentence, one hint, one exit code."""

from enum import IntEnum, StrEnum


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


class Page(StrEnum):
    """The pages of docs/, or their sections, that say more than a hint can. `lnode --guide PAGE` prints each."""

    FIRST_SESSION = "first-session"
    SIGN_IN = "sign-in"
    HOST_KEY = "sign-in/host-keys"
    LOGIN_SHELL = "field/your-login-shell"
    TMUX = "field/tmux"
    SETTINGS = "settings"
    SCHEDULERS = "schedulers"
    LOGIN_NODES = "login-nodes"
    CRASH = "sessions/when-the-login-node-crashes"
    KEPT = "sessions/for-weeks"
    RECONNECT = "reconnect"
    PORTS = "ports"
    AGENTS = "agents"


_USUAL_PAGES = {ExitCode.LOGIN_REFUSED: Page.SIGN_IN, ExitCode.HOST_KEY: Page.HOST_KEY}


class LnodeError(Exception):
    """A failure that you can act on.

    `message` and `hint` are lower case, one sentence each, without a full stop. `detail` has the words of OpenSSH
    or tmux; the screen makes their control characters visible before it prints them. `page` tells more than the hint.
    """

    def __init__(
        self, code: ExitCode, message: str, hint: str, *, detail: str = "", page: Page | None = None
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail
        self.page = page or _USUAL_PAGES.get(code)
