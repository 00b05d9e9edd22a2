"""The imperative shell of an attach: the terminal, and the link beside it, until the terminal ends.

The terminal waits for nothing; the link for the terminal's login, on which it rides where that is shared. Its
failure is never fatal and never printed (but for -v): the terminal has its own connection.
"""

import signal
from typing import TYPE_CHECKING, NamedTuple

from lnode import causes, remote, sshargs, tmux
from lnode.reply import parse_reply
from lnode.target import Target
from lnode.terminal import Terminal

if TYPE_CHECKING:  # imported when ssh is on its way: until then every millisecond is waited for
    from lnode.link import Link
    from lnode.sessions import Picture

_LOOK_AGAIN_S = 0.05  # until ssh's log says that it has logged in
_FACTS_WITHIN_S = 2.0  # after a detach the prompt is due: facts that take longer are left out


class Outcome(NamedTuple):
    """How an attach ended. `status` is ssh's exit status, negative for a signal; `words` what ssh said itself.

    `began` tells whether the login was done; `stopped` that lnode itself was told to end (TERM, HUP). `picture` is
    what runs there after a detach, None where it could not be had; `story` what the link met, for -v.
    """

    status: int
    words: str
    began: bool
    stopped: bool
    picture: "Picture | None"
    story: str


def attend(target: Target, line: str, *, tmux_path: str) -> Outcome:
    """Hand the user's tty to `ssh -t` with the attach line, and stay beside it until it ends."""
    argv = sshargs.terminal_argv(target.alias, line, connect_timeout_s=target.connect_timeout_s, config=target.config)
    with Terminal(argv) as terminal:
        import asyncio

        status, picture, story = asyncio.run(_accompany(terminal, target, tmux_path))
        words = terminal.words()
        began = causes.has_begun(words, target.place)
        if began and (status == sshargs.SSH_FAILED or (status < 0 and status != -signal.SIGINT)):
            terminal.disarm()
        return Outcome(status, words, began, terminal.told_to_end, picture, story)


async def _accompany(terminal: Terminal, target: Target, tmux_path: str) -> tuple[int, "Picture | None", str]:
    import asyncio

    opening = asyncio.create_task(_open_after_login(terminal, target))
    status = await asyncio.to_thread(terminal.wait)
    picture, story = None, "link: not open yet"
    try:
        if status != tmux.Left.DETACHED:
            opening.cancel()
        async with asyncio.timeout(_FACTS_WITHIN_S):
            link = await opening
            story = f"link: {link.rung}"
            try:
                if status == tmux.Left.DETACHED:
                    picture = await _look(link, tmux_path)
            finally:
                await link.close()
    except asyncio.CancelledError:
        story = "link: the terminal ended first"
    except Exception as error:
        story = f"link: {type(error).__name__}: {error}"
    return status, picture, story


async def _open_after_login(terminal: Terminal, target: Target) -> "Link":
    """The link, once the terminal has logged in: earlier it would compete, and double a login that is refused."""
    import asyncio

    from lnode.link import has_master, open_link

    how = None
    if not await has_master(target):
        while not (how := causes.signed_in(terminal.words(), target.place)):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(_LOOK_AGAIN_S)
    # What took a person once would take one again, or count as a failed login: only a shared connection is left then.
    return await open_link(target, shared_only=how not in (None, "publickey"))


async def _look(link: "Link", tmux_path: str) -> "Picture":
    from lnode import sessions

    nonce = remote.nonce()
    line = remote.line("list", nonce, *sessions.list_values(tmux_path))
    answer = await link.run(line, timeout_s=_FACTS_WITHIN_S)
    reply = parse_reply(nonce, answer.stdout.decode("utf-8", "backslashreplace").split("\n"))
    return sessions.picture_of(reply)
