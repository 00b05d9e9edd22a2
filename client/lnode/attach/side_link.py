"""The link beside a terminal: opened after the terminal's login, opened again after a loss, with a heartbeat."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from lnode.attach import heartbeat, kernel_heart, link_pauses, login_shell, pulse
from lnode.attach.allocation import Lookout
from lnode.attach.listeners import Tell, Unbegun
from lnode.attach.login_shell import LoginShell
from lnode.attach.standby import Standby
from lnode.cluster import sessions
from lnode.cluster.tmux_answers import Birth
from lnode.laptop.tasks import Beside
from lnode.reconnect.pauses import LATE_S
from lnode.reconnect.state import Happened
from lnode.remote import call
from lnode.remote.fields import NodeName, SessionId, epoch, number
from lnode.remote.reply import Reply
from lnode.ssh import begun, failures, keychain, sign_in_memory
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed
from lnode.ssh.link.framed import framed
from lnode.ssh.link.ladder import open_link
from lnode.ssh.said import Said
from lnode.ssh.target import Target

_WITHIN_S = 2.0  # after a detach you wait for the prompt: slower facts are left out
_CLIENT_WITHIN_S = 10.0
_ANSWER_WITHIN_S = 20.0  # list.sh waits 8 s for a silent scheduler
_LOOK_AGAIN_S = (1.0, 5.0, 30.0)  # for a terminal that is not attached yet, or not redrawn
_HEARTLESS_S = (begun.TOLD_AFTER_S, 8.0, 16.0)  # without a heartbeat; then knocks prove the way, but not often
_PROBE_S = 1.0  # for the answer of the terminal's own connection; you hear of a silence within 5 s
_SETTLES_S = (1.0, 5.0)  # least and most, from the terminal's login to that of the link
_LOOK_ON_S = 30.0  # for a terminal whose line has not begun
_SURE_S = 2.0  # after the terminal's login: sshd has started its login shell


class Companion:
    """A link from now on until `leave`. Its failure is never fatal: the terminal has its own connection.

    `said` are the words of the terminal's login. `client` is the line that finds its tmux client. `is_silent` knocks at
    the host while there is no heartbeat. `tell` hears BEAT, LATE and HEARTLESS. `learn` hears the login node if it is
    the terminal's own. `pid` is the terminal's. `remember` hears the story for -v. `lookout` watches the session once
    the terminal has attached. `unbegun` hears what the login shell does while the terminal's line has not begun.
    `beat_s` returns the pause until the next beat. `person`: only you can sign in, or an agent may ask you. `link` is
    open already: see early_link.py. `trouble` is told in the session. `covered`: lnode has drawn on the screen, so tmux
    draws it once more. `login_s`: so long the terminal's login took. `quiet`: no beat goes over the standby.
    """

    def __init__(
        self,
        target: Target,
        said: Said,
        client: Callable[[str, str, int], str],
        is_silent: Callable[[], Awaitable[bool]],
        tell: Tell,
        learn: Callable[[NodeName | None], None],
        remember: Callable[[str], None],
        lookout: Lookout,
        unbegun: Unbegun,
        beat_s: Callable[[], float],
        standby: Standby,
        *,
        person: bool,
        pid: int = 0,
        link: Link | None = None,
        trouble: Callable[[], str] = str,
        covered: bool = False,
        login_s: float = 0.0,
    ) -> None:
        peer = failures.peer(said)
        self._target = target._replace(peer=peer)
        self.pulse = pulse.of(pid, peer) if pid and (peer or target.proxy_jump) else None
        self._revives = self.pulse is not None and self.pulse.vouches
        self._elsewhere = False  # True if the link has landed on another login node
        self._given_up = False  # True if the last link was late beside a terminal that answered
        self._is_late = False  # True while the terminal is silent, or was when that was told last
        self._client, self._is_silent, self._beat_s = client, is_silent, beat_s
        self._tell, self._learn, self._remember, self._lookout = tell, learn, remember, lookout
        self._probe: asyncio.Task[bool] | None = None  # of the terminal's own connection
        self._unbegun, self._covered, self._began_at = unbegun, covered, time.monotonic()
        # If you signed in by hand, a silent login would count as a failed one: only a shared connection is left.
        odd = failures.signed_in(said, target.place) not in (None, "publickey") and not keychain.is_kept(target)
        on_trust = keychain.is_on_trust(target, str(said))
        self.shared_only = person or odd or on_trust or sign_in_memory.is_for_ssh_alone(target)
        self._trouble, self._login_s, self._standby, self.quiet = trouble, login_s, standby, False
        self._asked, self._hurried, self._linked = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._early: Link | None = link
        self._link: Link | None = None
        self._beats = False  # True once this link has been heard
        self._unheard = False  # True if the last link has opened and has not been heard
        self._heard = asyncio.Event()  # set while the last beat has come back
        self._watching: asyncio.Task[Any] | None = None
        self._moving: asyncio.Task[None] | None = None
        self._opened = False  # True once a link has opened: a later refusal is the site's, not for a missing key
        # A bug in a task: the terminal goes on, and lnode writes nothing on it.
        self._beside = Beside(lambda broken: remember(f"beside the terminal: {broken!r}"))
        self._beside.start(self._keep())
        self._beside.start(self._listen())

    def leave(self, *, silent: bool = False) -> None:
        """Begin to close the link; in a silence not one over the standby, because its end would be data there."""
        if not (silent and self.quiet):
            self._beside.cancel()

    async def left(self) -> None:
        """Wait until the link is closed."""
        await self._beside.ended()

    def ask(self) -> None:
        """Send a heartbeat at once."""
        self._asked.set()

    def refresh(self) -> None:
        """Let tmux redraw the terminal's client soon, over the next link if there is none now."""
        self._beside.start(self._refresh())

    async def _refresh(self) -> None:
        for pause in _LOOK_AGAIN_S:  # else the notice would stay
            self._covered = "here" not in await self._ask_client("refresh")
            if not (self._covered and self._link):
                break
            await asyncio.sleep(pause)

    async def look(self, line: Callable[[str], str]) -> sessions.Picture | None:
        """Return the host's picture, None if it takes too long: you wait for the prompt."""
        nonce = call.nonce()
        self._hurried.set()
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._linked.wait()
                if self._link is None:
                    return None
                return sessions.picture_of(await framed(self._link, nonce, line(nonce), _WITHIN_S))
        except (TimeoutError, LinkFailed) as failed:
            self._remember(f"no facts: {str(failed) or 'too late'}")
            return None

    async def _keep(self) -> None:
        await self._settle()
        pause = link_pauses.FIRST_S
        while await self._beat():
            pause = link_pauses.following(pause, given_up=self._given_up, beat=self._beats, unheard=self._unheard)
            self._beats = self._given_up = False
            await self._pause(pause)
        while self.pulse:  # no link follows, and the terminal's own connection may fall silent
            await self._pause(link_pauses.FIRST_S)

    async def _pause(self, seconds: float) -> None:
        """Wait without a link. The terminal's own connection is felt meanwhile, if it can be."""
        while seconds > 0:
            length = min(seconds, self._beat_s()) if self.pulse else seconds
            await asyncio.sleep(length)
            seconds -= length
            self._feel()

    def _feel(self) -> bool:
        """Tell if the terminal's own connection alone falls silent, or is back. Return True while it is silent."""
        silent_s = self.pulse.silent_s() if self.pulse else 0.0
        was, self._is_late = self._is_late, silent_s > LATE_S
        if self._is_late:
            self._tell(self, Happened.LATE, seconds=silent_s, revives=self._revives)
        elif was:
            self._tell(self, Happened.FELT, revives=self._revives)
        return self._is_late

    async def _settle(self) -> None:
        """Wait until a host that has no shell for you would have ended the terminal: it would end a second login too.

        sshd says so after the login (/etc/nologin, pam_open_session), within a round trip and the start of a process.
        The login was several of both.
        """
        least, most = _SETTLES_S
        if not (self._early or self.shared_only):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), min(max(least, self._login_s), most))

    def _say_unbegun(self, shell: LoginShell | None, *, ended: bool = False) -> None:
        self._covered = True
        self._unbegun(shell, ended=ended)

    async def _listen(self) -> None:
        """Tell of a silence before the first heartbeat: only a link that beats can be late."""
        for pause in _HEARTLESS_S:
            await asyncio.sleep(pause)
            silent = not self._beats and await self._is_silent() and not await self._terminal_answers()
            if silent and not self._beats:
                self._is_late = True
                self._tell(self, Happened.LATE, seconds=LATE_S, revives=self._revives)
            if silent or self._beats:
                return
            if self._opened:  # the host answers, so its login shell is silent, and hardly begins the terminal's line
                self._say_unbegun(None, ended=self._unheard)

    def _on_beat(self, *, shared: bool) -> None:
        self._heard.set()
        self._end_probe()
        if not self._beats:
            self._beats = True
            watching = self._watch()  # not earlier: MaxSessions may allow one channel only
            self._watching = self._beside.start(watching)
        if shared or not self._feel():
            self._tell(self, Happened.BEAT, shared=shared, revives=self._revives)

    def _on_doubt(self) -> None:
        self._end_probe()
        self._probe = self._beside.start(self._terminal_answers())

    def _end_probe(self) -> None:
        probe, self._probe = self._probe, None
        if probe:
            probe.cancel()

    async def _on_late(self, silent_s: float, *, shared: bool) -> None:
        """Tell of the silence, unless it is the link's alone. Raises LinkFailed then.

        The link's node may hang, or keep its own processes waiting, while the terminal is well.
        """
        began, in_time = time.monotonic(), self._heard.is_set()
        self._heard.clear()
        if self._probe and await self._probe:
            self._given_up = in_time  # else a silence has made TCP slow, and another link is fast
            raise LinkFailed(Cause.LOST, f"silent for {silent_s:.0f} s, and the terminal's own connection answers")
        self._is_late = True
        self._tell(self, Happened.LATE, seconds=silent_s + time.monotonic() - began, revives=self._revives)

    async def _terminal_answers(self) -> bool:
        """True if the terminal's node answers. If lnode cannot see that, a link on the same node speaks for it."""
        if self.pulse and self.pulse.vouches:
            return await self.pulse.answers(_PROBE_S)
        return self._elsewhere and not await self._is_silent()

    async def _beat(self) -> bool:
        """Open the link and beat until it is lost. Return False if lnode must not try again."""
        began = time.monotonic()
        link = None
        try:
            link = self._early or await open_link(self._target, shared_only=self.shared_only)
            self._early = None
            self._remember(f"link: {link.rung} after {time.monotonic() - began:.1f} s")
            self._link, self._opened = link, True
            self._linked.set()
            await self._hear(link)
        except LinkFailed as failed:
            self._remember(f"link: {failed.story}")
            refused = failures.wants_person(failed.cause)
            if refused and not self._opened:
                sign_in_memory.learn_for_ssh_alone(self._target)
            what = Happened.LINK_REFUSED if refused and self._opened else Happened.HEARTLESS
            self._tell(self, what, revives=self._revives)
            return not (failed.final or refused or failures.is_fatal(failed.cause))
        finally:
            self._linked.clear()
            self._heard.clear()
            self._unheard = link is not None and not self._beats
            self._end_probe()
            for task in filter(None, (self._watching, self._moving)):
                task.cancel()
            for one in filter(None, {link, self._link}):
                await one.close()
            self._link = None

    async def _hear(self, link: Link) -> NoReturn:
        """Beat until the link is lost. Raises LinkFailed. Over the standby the kernels beat, if lnode can see that."""
        shared, stands_by = link.shared and self._standby.is_terminals(), link.rung == "standby"
        self.quiet = stands_by and self._revives and not shared
        if stands_by and shared:
            self._moving = self._beside.start(self._move())
        on_beat, on_late = partial(self._on_beat, shared=shared), partial(self._on_late, shared=shared)
        if self.quiet and self.pulse:
            await kernel_heart.beat(self.pulse, link, self._beat_s, LATE_S, on_beat, on_late, self._asked)
        on_doubt = (lambda: None) if shared or self.quiet else self._on_doubt
        await heartbeat.beat(
            link, every_s=self._beat_s, late_s=LATE_S, on_beat=on_beat, on_late=on_late, ask=self._asked,
            on_doubt=on_doubt,
        )  # fmt: skip

    async def _move(self) -> None:
        """Take another standby once the terminal has this one for itself. The heart stays with the terminal."""
        before = self._link
        try:
            self._link = await self._standby.part(self._heard)
        except LinkFailed as failed:
            self._remember(f"no standby: {failed.story}")
            return
        self.quiet = True
        if before:
            await before.close()

    async def _watch(self) -> None:
        session = await self._find_client()
        if session is not None and self._covered:
            self.refresh()
        try:
            if session is not None and self._link:
                await self._lookout.keep(self._ask, self._link, session, self._trouble())
        except LinkFailed as failed:
            self._remember(f"no news: {failed.story}")

    async def _ask(self, line: Callable[[str], str]) -> Reply:
        """Wait until the link is not silent, then run a script and return its reply. Raises LinkFailed."""
        await self._heard.wait()
        if self._link is None:
            raise LinkFailed(Cause.LOST, "the link is gone")
        nonce = call.nonce()
        return await framed(self._link, nonce, line(nonce), _ANSWER_WITHIN_S)

    async def _find_client(self) -> Birth | None:
        """Wait for the attach, and return the session; None also if that is on another login node."""
        pauses = iter(_LOOK_AGAIN_S)
        while True:
            reply = await self._ask_client("look")
            session = self._session(reply)
            if session:
                return session
            shell = login_shell.parse(reply.get("login", ()))
            if shell and time.monotonic() - self._began_at >= (_SURE_S if shell.replaced else begun.TOLD_AFTER_S):
                self._say_unbegun(shell)
            pause = next(pauses, _LOOK_ON_S if shell or "waits" in reply else None)
            if pause is None:
                self._elsewhere = bool(reply)
                return None
            await asyncio.sleep(pause)

    async def _ask_client(self, what: str) -> Reply:
        """Return the reply of client.sh, an empty one without a link."""
        nonce, age_s = call.nonce(), time.monotonic() - self._began_at
        if self._link is None:
            return {}
        try:
            return await framed(self._link, nonce, self._client(nonce, what, int(age_s)), _CLIENT_WITHIN_S)
        except LinkFailed as failed:
            self._remember(f"{what}: {failed.story}")
            return {}

    def _session(self, reply: Reply) -> Birth | None:
        """Return the terminal's session, None if it is not on this node; learn the node's name."""
        name, id_, born = (*reply.get("here", ()), "", "", "")[:3]
        session, (created, _, server) = SessionId.parse(id_), born.partition(",")
        if session is None:
            return None
        self._elsewhere = False
        self._learn(NodeName.parse(name))
        return session, epoch(created) or 0, number(server) or 0
