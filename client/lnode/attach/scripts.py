"""The scripts that one attach runs on the host, each as the line that ssh takes."""

from contextlib import suppress
from functools import partial
from typing import NamedTuple

from lnode.cluster import tmux
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.laptop import settings as settings_file
from lnode.locate.address import Address
from lnode.remote import call


class Scripts(NamedTuple):
    """`first` and `again` run session.sh on the terminal: `first` may create the session, `again` never does.

    The others go over the link, framed by a nonce. `run` is the id of this attach, `me` that of this laptop. `request`
    is the command that asks for an allocation, "" for none. `mode` is that of session.sh for `first`; `node` is the
    session's login node, "" if lnode does not know it. `in_job` are the words of a request whose job has the session,
    () for a session on the login node. `no_job` is why there are none though the session should live in a job: it can
    be attached to, and not started. `restores` is the job that has ended, and whose panes are put back, or "".
    """

    address: Address
    run: str
    me: tuple[str, str]
    request: str
    detach: bool
    control: bool
    mode: str = ""
    node: str = ""
    in_job: tuple[str, ...] = ()
    restores: str = ""
    no_job: LnodeError | None = None

    @property
    def program(self) -> str:
        """Return the program that the request starts with, "" if that is unclear."""
        return tmux.program_of(self.request)

    def first(self) -> str:
        """Return the line of the first terminal."""
        return self._session(self.mode, "detach" if self.detach else "keep", 0, self.node)

    def again(self, away_s: int, node: str, *, short: bool = False) -> str:
        """Return the line of a later terminal, `away_s` seconds after all was well; `node` is "" if unknown.

        `short`: the login node has stored the script.
        """
        return self._session("again", "keep", away_s, node, short=short)

    @property
    def stored(self) -> tuple[str, ...]:
        """Return the scripts that the host is asked to store: they come again, and take two round trips."""
        return ("node_session" if self.in_job else "session", "list")

    def store(self, nonce: str, *, brings: bool) -> str:
        """Return the line that stores them (store.sh), or that asks which are stored already."""
        rows = (f"{call.stored_name(one)} {call.packed(one) if brings else ''}" for one in self.stored)
        return call.question("store", nonce, "\n".join(rows))

    def _session(self, mode: str, others: str, away_s: int, node: str, *, short: bool = False) -> str:
        name, settings = self.address.name, self.address.settings
        renew = tmux.renewal(self.address.alias, name)
        pane = tmux.pane_command(self.request, call.after_request(), renew) if self.request else ""
        command = call.in_pane(pane, name) if pane else ""
        kind, look = "node" if self.request else "login", "control" if self.control else "draw"
        mine = (self.run, *self.me, str(away_s), node)
        values = (name, mode, others, kind, command, self.program, *mine, settings.tmux, look, settings.cwd)
        line = partial(call.short_line, unless=f"exit {tmux.ExitOfAttach.UNSTORED:d}") if short else call.line
        if not self.in_job:
            return line("session", *values, called=self.run)
        kept = str(settings_file.kept_s(settings.keep) or "")
        words = " ".join(self.in_job)
        ours = (name, settings.tmux, settings.cwd, self.restores, kept, settings.resume)
        holder = "" if mode == "again" else call.line("holder", words, *ours)
        return line("node_session", holder, words, self.restores, *values, called=self.run)

    def client(self, nonce: str, what: str, age_s: int) -> str:
        """Return the line for this attach's own tmux client; `what` is "look", "refresh" or "free".

        "free" ends the connection of the terminal that was lost. `age_s` is the time since the terminal's login.
        """
        script = "redraw" if what == "refresh" else "client"
        return call.question(script, nonce, self.run, what, self.address.settings.tmux, str(age_s))

    def look(self, nonce: str) -> str:
        """Return the line that asks for the host's picture."""
        from lnode.cluster import tmux_answers  # loaded after ssh has started

        return call.question("list", nonce, *tmux_answers.list_values(self.address.settings.tmux))

    def watch(self, nonce: str) -> str:
        """Return the line that asks for the host's picture and its agents."""
        return call.question("list", nonce, *self._list_values())

    def glance(self, nonce: str, *, before: bool) -> str:
        """Return the line that stays, and tells each time that another agent waits.

        `before` is True if you have been told of agents that wait: the line also tells when none does any more.
        """
        from lnode.locate.known_agents import patterns

        rules = ""
        with suppress(LnodeError):
            rules = patterns()
        return call.question("glance", nonce, *self._list_values(), rules, "some" if before else "")

    def phone(self, nonce: str) -> str:
        """Return the line that lets the login node send messages for your phone."""
        from lnode.locate.known_agents import patterns, signs

        settings, rules, marks = self.address.settings, "", ""
        with suppress(LnodeError):
            rules, marks = patterns(), "\n".join(signs())
        shows = "yes" if settings.push_question == "yes" else ""
        watcher = call.with_values("phone_watch", marks, rules, shows)
        return call.question("phone", nonce, settings.tmux, self.run, self.address.alias, watcher)

    def _list_values(self) -> tuple[str, ...]:
        """Return the values of list.sh; without signs of agents if config.toml has a table that does not fit."""
        from lnode.cluster import tmux_answers  # loaded after ssh has started
        from lnode.locate.known_agents import signs

        with suppress(LnodeError):
            return tmux_answers.list_values(self.address.settings.tmux, signs())
        return tmux_answers.list_values(self.address.settings.tmux)

    def news(self, nonce: str, *words: str) -> str:
        """Return the line that shows news in the session (news.sh)."""
        return call.question("news", nonce, self.run, self.address.settings.tmux, *words)


def scripts_of(address: Address, *, login: bool, detach: bool, control: bool, restores: str = "") -> Scripts:
    """Return the scripts of a new attach. Raises LnodeError(USAGE) for a request that is not complete."""
    settings = address.settings
    request = "" if login else settings.filled()
    wants_job = bool(request) and (bool(restores) or settings.where == "node")
    in_job = _words_of_job(address, request) if wants_job else ()
    no_job = _no_job(request) if wants_job and not in_job else None
    if restores and no_job:
        raise no_job
    if request and not wants_job and settings_file.kept_s(settings.keep):
        screen.say(f'{address.name} is not kept for longer than its allocation: that wants where = "node"')
    return Scripts(
        address, call.run_id(), folders.identity(), request, detach, control, in_job=in_job, restores=restores,
        no_job=no_job,
    )  # fmt: skip


def _words_of_job(address: Address, request: str) -> tuple[str, ...]:
    """Return the words with which the scheduler is asked for a job like that of the request; () if lnode has none."""
    from lnode.schedulers import known

    estimated = known.scheduler(known.estimating()).estimated
    return (estimated(address.settings.words(), request) if estimated else None) or ()


def _no_job(request: str) -> LnodeError:
    return LnodeError(
        ExitCode.USAGE,
        f"lnode cannot make a job for a session of the command: {request}",
        'take mem, time and so on in config.toml, or: where = "login"',
    )
