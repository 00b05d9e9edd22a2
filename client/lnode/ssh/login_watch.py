"""A login under way: its words for you, and the signs that you take part in it."""

import time
from collections import Counter

from lnode.laptop import echo, screen
from lnode.ssh.host_label import HostLabel
from lnode.ssh.said import Said

_BY_ITSELF_S = 1.0  # from the accepted key to the login; you take longer to read an agent's question and to answer
_MOST = 200  # rows of one login


class LoginWatch:
    """Call `look` often, until the login is done. With `may_ask` it shows you the words of the site and of ssh.

    `asked`: a program has read from the terminal without an echo. `quick`: no agent can have asked you, as the login
    was done within a second of the last look that saw no accepted key. `took_s`: how long the login took, 0 until it is
    done.
    """

    def __init__(self, place: HostLabel, *, may_ask: bool) -> None:
        self._place, self._may_ask = place, may_ask
        self.asked = self.quick = self._is_done = False
        self._accepted_at: float | None = None  # not before that
        self._began_at, self.took_s = time.monotonic(), 0.0
        self._looked_at = self._began_at
        self._shown: Counter[str] = Counter()

    def look(self, said: Said) -> None:
        """Take in the words so far."""
        if self._is_done:
            return
        from lnode.ssh.failures import signed_in  # these are loaded after ssh has started
        from lnode.ssh.login import accepted_key

        now = time.monotonic()
        if self._accepted_at is None and accepted_key(said):
            self._accepted_at = self._looked_at
        self._looked_at = now
        if signed_in(said, self._place) is not None:
            self._is_done, self.quick = True, self._accepted_at is None or now - self._accepted_at < _BY_ITSELF_S
            self.took_s = now - self._began_at
        elif self._may_ask:
            self.asked = self.asked or echo.is_off()
            self._speak(said)

    def _speak(self, said: Said) -> None:
        """Show the rows that are new. They are put above the line of the cursor, on which ssh may ask you."""
        from lnode.ssh.site_words import site_words

        before = self._shown.copy()
        for row in site_words(str(said)):
            if before[row]:
                before[row] -= 1
            elif self._shown.total() < _MOST:
                self._shown[row] += 1
                screen.quote(row)
