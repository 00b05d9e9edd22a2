"""The functions that hear of a link beside a terminal."""

from typing import Protocol

from lnode.attach.login_shell import LoginShell
from lnode.reconnect.state import Happened


class Tell(Protocol):
    """The function that tells the supervisor an event of `source`."""

    def __call__(
        self, source: object, what: Happened, *, seconds: float = 0.0, shared: bool = False, revives: bool = False
    ) -> None: ...


class Unbegun(Protocol):
    """The function that hears of a line that has not begun: None if lnode cannot look at the terminal's login shell.

    `ended`: the link's own login shell has ended without its line.
    """

    def __call__(self, shell: LoginShell | None, *, ended: bool) -> None: ...
