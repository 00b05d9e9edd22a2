"""lnode's own display on the tty, around the session's screen, and the keys that lnode reads."""

from collections.abc import Callable

from lnode.attach.tty import Tty
from lnode.laptop import screen
from lnode.reconnect import notice
from lnode.reconnect.state import State


class Display:
    """The tty of one attach. `press` gets each key that lnode reads."""

    def __init__(self, tty: Tty, alias: str, press: Callable[[bytes], None]) -> None:
        self._tty, self._alias, self._press = tty, alias, press
        self._armed = False  # True if tmux has had the tty since it was last disarmed
        self._inside = False  # True if the tty shows tmux's own screen
        self._drawn: tuple[str, str, object] | None = None  # the notice, the site's words, and the size of the window
        self.words = ""  # those with which the site has ended the last login

    def show(self, state: State, at: float) -> None:
        """Draw the notice, unless it is on the screen already."""
        text = notice.notice(state, at, self._alias, self._tty.unsent)
        said = notice.says(state, self._alias, self.words)
        if text is None or self._drawn == (shown := (text, said, screen.size())):
            return
        self._drawn = shown
        if state.began:
            screen.draw_notice(text, said)
        else:
            screen.draw_status(text)

    def say(self, text: str) -> None:
        """Write one line at the cursor, while ssh has the tty and no session has the screen."""
        screen.say_beside(text)

    def warn(self, text: str) -> None:
        """Draw one line over the top of a screen that is not the session's."""
        screen.draw_notice(f"lnode: {text}")

    def forget(self) -> None:
        """Forget the notice: the session's screen covers it."""
        self._drawn = None

    def clear(self, state: State) -> None:
        """Wipe the line that lnode drew before the first session, and forget the notice."""
        if self._drawn and not state.began:
            screen.draw_status("")
        self._drawn = None

    def entered(self) -> None:
        """Remember that a session has had the tty."""
        self._armed = self._inside = True

    def not_entered(self) -> None:
        """Remember that no session has had the tty: ssh ended between the login and the session."""
        self._armed = self._inside = False

    def hand_over(self) -> None:
        """Give the tty to the session after the login."""
        self.entered()
        self._tty.unlisten()
        self._tty.forget_keys()
        self._drawn = None

    def take(self) -> None:
        """Take the tty, which no other program has: stop its reports, and read its keys."""
        self._disarm()
        self.listen()

    def listen(self) -> None:
        """Read the keys."""
        self._tty.listen(self._press)

    def lend(self, state: State) -> None:
        """Leave the screen and the modes as ssh would find them without lnode, because ssh may ask you."""
        self._tty.unlisten()
        self.leave_screen()
        self.clear(state)
        self._tty.restore()

    def leave_screen(self) -> None:
        """Go back to the screen from before the session."""
        self._disarm()
        if self._inside:
            self._tty.leave_screen()
            self._inside = False

    def end(self, state: State, *, left: bool) -> None:
        """Give the tty back at the end. With `left` tmux or the attach line has given the screen back already."""
        if self._inside and not left:
            self.leave_screen()
            self._tty.forget_keys()
        self.clear(state)

    def _disarm(self) -> None:
        if self._armed:
            self._tty.disarm()
            self._armed = False
