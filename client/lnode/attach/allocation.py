"""Tells you about your session's allocation during an attach: asks the host now and then, and tells the news.

It outlives its links: after a lost connection it tells nothing twice, and asks no sooner.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

from lnode.attach import expiry, last_seen
from lnode.attach.announcements import News, Seen, news, peril, title, truth
from lnode.cluster import sessions, tmux, tmux_answers
from lnode.cluster.sessions import Entry, Picture
from lnode.laptop import notify
from lnode.laptop.off_loop import in_thread

_BELL = "\a"
_LOOK_S = 30.0  # whether somebody types again

Ask = Callable[[Callable[[str], str]], Awaitable[Mapping[str, Sequence[str]]]]
"""Returns the reply to a line, which is made from a nonce. Raises LinkFailed."""


class Lookout:
    """One for each attach. `look(nonce)` is the line that asks what runs there, `line(nonce, ...)` that of news.sh.

    `quiet_s` returns how long nobody has typed.
    """

    def __init__(
        self,
        alias: str,
        look: Callable[[str], str],
        line: Callable[..., str],
        note: Callable[[str], None],
        quiet_s: Callable[[], float],
    ) -> None:
        self._alias, self._look, self._line, self._note, self._quiet_s = alias, look, line, note, quiet_s
        self._asked_at = float("-inf")
        self._answer: tuple[Entry | None, int | None] = None, None
        self._seen = Seen()
        self._first = True  # is the truth still to be told?
        self._title = ""

    async def keep(self, ask: Ask, session: tmux_answers.Birth, trouble: str = "") -> NoReturn:
        """Watch over a session until cancelled. Tell of its `trouble` once. Raises LinkFailed."""
        if trouble and not self._first:
            await ask(self._says(None, "", _of_lnode(trouble)))
            trouble = ""
        while True:
            while (left_s := self._left_s()) > 0:  # noqa: ASYNC110 - a key is no event
                await asyncio.sleep(min(left_s, _LOOK_S))
            self._asked_at, self._answer = time.monotonic(), (None, None)
            picture = sessions.picture_of(await ask(self._look))
            entry = next((entry for entry in picture.entries if entry.session.birth == session), None)
            self._asked_at, self._answer = time.monotonic(), (entry, picture.now)
            if entry is not None:
                await self._tell(ask, entry, picture, trouble)
                trouble = ""

    def _left_s(self) -> float:
        return self._asked_at + expiry.pause_s(*self._answer, quiet_s=self._quiet_s()) - time.monotonic()

    async def _tell(self, ask: Ask, entry: Entry, picture: Picture, trouble: str) -> None:
        new = news(entry, self._seen)
        if new:
            await self._announce(ask, entry, new)
        now = truth(entry, self._alias, picture)
        last_seen.keep(self._alias, entry.session.name, now)
        first = (peril(entry, self._alias) or now) if self._first and not (new and new.text) else ""
        text = "; ".join(filter(None, (first, trouble)))
        heading = title(entry, picture) or (entry.session.name if self._title else "")
        if text or heading != self._title:
            await ask(self._says(entry, heading, _of_lnode(text)))
        self._first, self._title, self._seen = False, heading, self._seen.then(entry)

    async def _announce(self, ask: Ask, entry: Entry, new: News) -> None:
        """Tell it in the session and on the desktop, unless another lnode was faster."""
        here = _of_lnode(new.text) if new.here else ""
        reply = await ask(self._says(entry, "", here, new.option, new.old, new.new, _BELL if new.rings else ""))
        if not new.text or "told" not in reply:
            return
        self._note(new.text)
        words = (f"lnode {self._alias}", new.text)
        if not await in_thread(partial(notify.send, *words)):
            await ask(self._says(entry, "", "", "", "", "", notify.for_terminal(*words, os.environ)))

    def _says(
        self,
        entry: Entry | None,
        heading: str,
        text: str,
        option: str = "",
        old: str = "",
        new: str = "",
        sound: str = "",
    ) -> Callable[[str], str]:
        pid = str(entry.job.sid) if entry and entry.job else ""
        words = (tmux.literal(heading), tmux.literal(text), option, old, new, sound, pid)
        return lambda nonce: self._line(nonce, *words)


def _of_lnode(text: str) -> str:
    return f"lnode: {text}" if text else ""
