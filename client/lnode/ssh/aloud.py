"""The words of the site and of ssh, shown to you while ssh may wait for you: a page to open, a key to touch."""

from collections import Counter

from lnode.laptop import screen
from lnode.ssh.failures import Said
from lnode.ssh.site_words import site_words

_MOST = 200  # rows of one login


class Aloud:
    """Shows each row once."""

    def __init__(self) -> None:
        self._shown: Counter[str] = Counter()

    def show(self, said: Said) -> None:
        """Show the rows that are new. They are put above the line of the cursor, on which ssh may ask you."""
        before = self._shown.copy()
        for row in site_words(str(said)):
            if before[row]:
                before[row] -= 1
            elif self._shown.total() < _MOST:
                self._shown[row] += 1
                screen.quote(row)
