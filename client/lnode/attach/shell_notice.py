"""A terminal whose line has not begun: what its login shell does, told to you."""

from collections.abc import Iterator

from lnode.attach import login_shell
from lnode.attach.display import Display
from lnode.attach.login_shell import LoginShell


class ShellNotice:
    """Hears of the login shell of one terminal after the other; `shell` is the last, None once the line has begun."""

    def __init__(self, alias: str, session: str, display: Display) -> None:
        self._alias, self._session, self._display = alias, session, display
        self.shell: LoginShell | None = None
        self._unseen: Iterator[str] = iter(())

    def begin(self) -> None:
        """Take another terminal."""
        self.shell, self._unseen = None, login_shell.unseen(self._alias, self._session)

    def see(self, shell: LoginShell | None, *, ended: bool) -> str:
        """Tell you that the line has not begun, or that nothing shows it; return the words, "" for none."""
        if shell:
            self.shell, words = shell, login_shell.notice(shell, self._alias, self._session)
            self._display.warn(words)
        elif ended:
            words = login_shell.blind(self._alias, self._session)
            self._display.warn(words)
        elif words := next(self._unseen, ""):
            self._display.say(words)
        return words
