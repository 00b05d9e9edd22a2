"""The scripts of an attach that the host stores, so that the lines of the next terminal and of `--ls` are short."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from lnode.attach.allocation import Ask
from lnode.attach.scripts import Scripts
from lnode.cluster import tmux
from lnode.remote import call
from lnode.remote.reply import Reply
from lnode.ssh import stored
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.target import Target


class Storing:
    """One for each attach, whose target is `target()`."""

    def __init__(self, scripts: Scripts, target: Callable[[], Target]) -> None:
        self._scripts, self._target = scripts, target
        self._is_done = self._is_refused = False

    def serves(self, status: int) -> bool:
        """True if the terminal's login node has the scripts; `status` is the exit status of the last terminal."""
        if status == tmux.ExitOfAttach.UNSTORED:
            self._is_done = False
            stored.forget(self._target())
        return self._is_done

    async def store(self, ask: Ask, link: Link) -> None:
        """Let the host store what it does not have yet, unless lnode knows that it has all. It may refuse, once."""
        noted = not link.shared or all(stored.has(self._target(), script) for script in self._scripts.stored)
        if self._is_refused or (self._is_done and noted):
            return
        with suppress(LinkFailed):
            self._is_done = self._has_all(await ask(partial(self._scripts.store, brings=False)))
            if not self._is_done:
                self._is_done = self._has_all(await ask(partial(self._scripts.store, brings=True)))
                self._is_refused = not self._is_done
            if self._is_done and link.shared:
                stored.note(self._target(), self._scripts.stored)

    def _has_all(self, reply: Reply) -> bool:
        return set(map(call.stored_name, self._scripts.stored)) <= set(reply.get("stored", ()))
