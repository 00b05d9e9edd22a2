"""Tells you about your session's allocation during an attach: asks the host now and then, and tells the news.

Meanwhile a script on the host asks no scheduler, and tells when another agent waits for you. All this outlives its
links: after a lost connection nothing is told twice, and nothing asked sooner.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import NoReturn

from lnode.attach import expiry, last_seen
from lnode.attach.agent_watch import AgentWatch
from lnode.attach.announcements import News, Seen, news, peril, title, truth
from lnode.attach.phone import Begin
from lnode.attach.waits import heading
from lnode.cluster import sessions, tmux, tmux_answers
from lnode.cluster.sessions import Entry, Picture
from lnode.laptop import notify
from lnode.locate.known_agents import with_agents
from lnode.remote.reply import Reply
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.framed import replies

_BELL = "\a"
_LOOK_S = 30.0  # between two looks whether somebody types again
_BREATH_S = 20.0  # after a change of the agents that wait: the host looks each 30 s, and may not hurry you

_NO_MARK = News("", "", "", "")

Ask = Callable[[Callable[[str], str]], Awaitable[Reply]]
"""Returns the reply to a line, which is made from a nonce. Raises LinkFailed."""
Store = Callable[[Ask, Link], Awaitable[None]]
"""Lets the host store scripts."""


class Lookout:
    """One for each attach. `look(nonce)` is the line that asks what runs there, `line(nonce, ...)` that of news.sh.

    `glance(nonce, before=...)` is the line that tells when another agent waits. `quiet_s` returns how long nobody has
    typed. `push` lets the host send messages for your phone, `store` lets it store scripts.
    """

    def __init__(
        self,
        alias: str,
        *,
        look: Callable[[str], str],
        glance: Callable[..., str],
        line: Callable[..., str],
        note: Callable[[str], None],
        quiet_s: Callable[[], float],
        push: Begin | None,
        store: Store,
    ) -> None:
        self._alias, self._look, self._glance, self._line, self._note = alias, look, glance, line, note
        self._quiet_s, self._push, self._store = quiet_s, push, store
        self._agents, self._seeing = AgentWatch(alias, note), asyncio.Lock()
        self._asked_at = float("-inf")
        self._is_urgent = asyncio.Event()  # an agent in a job waits: only the whole question tells which
        self._answer: tuple[Entry | None, int | None] = None, None
        self._seen = Seen()
        self._first = True  # is the truth still to be told?
        self._name = self._own_title = ""  # of the session
        self._title = ""  # of the terminal, as it was told last

    async def keep(self, ask: Ask, link: Link, session: tmux_answers.Birth, trouble: str = "") -> NoReturn:
        """Watch over a session until cancelled. Tell of its `trouble` once. Raises LinkFailed."""
        glancing = asyncio.create_task(self._glance_at(ask, link, session))
        try:
            if trouble and not self._first:
                await ask(self._says(text=_of_lnode(trouble)))
                trouble = ""
            while True:
                while (left_s := self._left_s()) > 0:  # it changes with what you type
                    await self._pause(min(left_s, _LOOK_S))
                    self._agents.go_on()
                self._is_urgent.clear()
                self._asked_at, self._answer = time.monotonic(), (None, None)
                try:
                    reply = await ask(self._look)
                except LinkFailed:  # MaxSessions may allow too few channels for both
                    if glancing.done():
                        raise
                    await _end(glancing)
                    reply = await ask(self._look)
                picture = sessions.picture_of(reply)
                entry = next((entry for entry in picture.entries if entry.session.birth == session), None)
                self._asked_at, self._answer = time.monotonic(), (entry, picture.now)
                if entry is not None:
                    await self._tell(ask, entry, picture, trouble)
                    trouble = ""
                await self._see_agents(ask, reply, session)
                await self._begin_push(ask, link)
                await self._store(ask, link)
        finally:
            await _end(glancing)

    async def _begin_push(self, ask: Ask, link: Link) -> None:
        """Let the host send messages for your phone, once in an attach. Raises LinkFailed."""
        if self._push:
            with suppress(TimeoutError):
                if trouble := await self._push(link):
                    await ask(self._says(text=_of_lnode(trouble)))
            self._push = None

    async def _glance_at(self, ask: Ask, link: Link, session: tmux_answers.Birth) -> None:
        """Tell of agents as soon as the host tells that another one waits; nothing if the host takes no such script."""
        line = partial(self._glance, before=bool(self._agents.waits))
        with suppress(LinkFailed):
            async with aclosing(replies(link, line)) as changes:
                async for reply in changes:
                    if "look" in reply:
                        self._is_urgent.set()
                    await self._see_agents(ask, reply, session)
                    await asyncio.sleep(_BREATH_S)

    async def _see_agents(self, ask: Ask, reply: Reply, session: tmux_answers.Birth) -> None:
        """Tell of agents that wait, and name them in the title of this terminal."""
        if "panes" not in reply:
            return
        async with self._seeing:
            picture = with_agents(sessions.picture_of(reply))
            await self._agents.see(picture, lambda sound: ask(self._says(sound=sound)))
            titled = self._titled(session)
            if self._name and titled != self._title:
                await ask(self._says(titled=titled))
                self._title = titled

    def _titled(self, session: tmux_answers.Birth) -> str:
        """Return the title of this terminal, with the agents that wait; the session's name in place of an old title."""
        titled = heading(self._own_title, self._name, self._agents.waits, session)
        return titled or (self._name if self._title else "")

    def _left_s(self) -> float:
        pause_s = expiry.pause_s(*self._answer, quiet_s=self._quiet_s())
        if self._is_urgent.is_set():
            pause_s = min(pause_s, expiry.OFTEN_S)
        return self._asked_at + pause_s - time.monotonic()

    async def _pause(self, seconds: float) -> None:
        """Sleep, or until it becomes urgent."""
        if self._is_urgent.is_set():
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_urgent.wait()

    async def _tell(self, ask: Ask, entry: Entry, picture: Picture, trouble: str) -> None:
        new = news(entry, self._seen)
        if new:
            await self._announce(ask, entry, new)
        now = truth(entry, self._alias, picture)
        last_seen.keep(self._alias, entry.session.name, now)
        first = (peril(entry, self._alias) or now) if self._first and not (new and new.text) else ""
        text = "; ".join(filter(None, (first, trouble)))
        self._own_title, self._name = title(entry, picture), entry.session.name
        titled = self._titled(entry.session.birth)
        if text or titled != self._title:
            await ask(self._says(entry, titled=titled, text=_of_lnode(text)))
        self._first, self._title, self._seen = False, titled, self._seen.then(entry)

    async def _announce(self, ask: Ask, entry: Entry, new: News) -> None:
        """Tell it in the session and on the desktop, unless another lnode was faster."""
        here = _of_lnode(new.text) if new.here else ""
        reply = await ask(self._says(entry, text=here, mark=new, sound=_BELL if new.rings else ""))
        if not new.text or "told" not in reply:
            return
        self._note(new.text)
        await notify.show(f"lnode {self._alias}", new.text, lambda sound: ask(self._says(entry, sound=sound)))

    def _says(
        self, entry: Entry | None = None, *, titled: str = "", text: str = "", mark: News = _NO_MARK, sound: str = ""
    ) -> Callable[[str], str]:
        """Return the line of news.sh. It tells only if the session's option can be changed as `mark` says, if any."""
        pid = str(entry.job.sid) if entry and entry.job else ""
        words = (tmux.literal(titled), tmux.literal(text), mark.option, mark.old, mark.new, sound, pid)
        return lambda nonce: self._line(nonce, *words)


def _of_lnode(text: str) -> str:
    return f"lnode: {text}" if text else ""


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
