"""An attach: find the session on the login nodes of the host, else start it on the node of the alias.

The terminal (`ssh -t`) does everything by itself: has-session, create, attach, and an exit code for the result. Only
the terminal creates. So the session has your agent socket, window size and environment from the first pane on, and no
second creator races with the terminal.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lnode.attach import hints, last_seen
from lnode.attach.scripts import Scripts, scripts_of
from lnode.attach.signals import Signals
from lnode.attach.terminal import Terminal
from lnode.attach.tty import Tty
from lnode.cluster import tmux
from lnode.cluster.tmux import ExitOfAttach
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.locate import find as locate_find
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.remote.fields import NodeName
from lnode.ssh.host_label import HostLabel
from lnode.ssh.target import Target

if TYPE_CHECKING:  # loaded after ssh has started: until then every millisecond counts
    from lnode.attach.outcome import Outcome


class Options(NamedTuple):
    """The options of an attach, by their names in cli/words.py. `restores`: see Scripts."""

    login: bool = False
    existing: bool = False
    here: bool = False
    detach: bool = False
    wait: bool = False
    cc: bool = False
    verbose: bool = False
    restores: str = ""


def attach(address: Address, options: Options) -> ExitCode:
    """Give the terminal to the session until you leave it. Raises LnodeError if that fails."""
    alias, name = address.alias, address.name
    if not tmux.is_possible(name):
        raise tmux.mangled(name)
    scripts = scripts_of(
        address, login=options.login, detach=options.detach, control=options.cc, restores=options.restores
    )
    _greet(alias, name, options)
    ended, place = _Attach(address, scripts, options).seek()
    from lnode.attach import outcome

    is_missing = not options.existing and _is_not_there(ended)
    if scripts.no_job and (is_missing or (not options.existing and ended.status == ExitOfAttach.NAME_REFUSED)):
        raise scripts.no_job
    if is_missing:
        raise tmux.mangled(name)
    if ended.status == ExitOfAttach.NO_FOLDER:
        raise outcome.no_folder(alias, address.settings.cwd)
    return outcome.conclude(ended, place, name, scripts.program)


def _greet(alias: str, name: str, options: Options) -> None:
    """Print hints before the session has the screen."""
    if options.cc and not folders.is_iterm():
        screen.say(
            "--cc is for iTerm2, and this terminal is none: it will show tmux's protocol; leave it by typing detach"
        )
    hint = hints.of(os.environ)
    if hint and folders.is_first(hint.name):
        screen.say(hints.nested(*_prefixes(alias, name)) if hint.name == "tmux" else hint.words)
    if seen := last_seen.read(alias, name):
        screen.say(seen)


def _prefixes(alias: str, name: str) -> tuple[str, str]:
    """Return the prefix keys of the tmux around this terminal and of the session's, as far as the laptop knows them."""
    import subprocess  # only once on a laptop

    from lnode.cluster.sessions import picture_of
    from lnode.locate import pictures

    try:
        argv = ["tmux", "show-options", "-gv", "prefix"]
        said = subprocess.run(argv, capture_output=True, timeout=2, text=True, check=False).stdout.strip()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        said = ""
    kept = pictures.read(alias)
    entries = [entry for entry in (picture_of(reply).named(name) for reply in kept.replies) if entry] if kept else []
    inner = next((entry.session.prefix for entry in entries), "")
    return said[:12] or "C-b", inner or "C-b"


class _Attach:
    """One attach, at one login node after the other until the session is found or started."""

    def __init__(self, address: Address, scripts: Scripts, options: Options) -> None:
        self._address, self._scripts, self._options = address, scripts, options
        creates = not options.existing and tmux.is_creatable(address.name) and not scripts.no_job
        self._anew, self._here = ("anew", "here") if creates else ("there", "there")
        self._at_first = "existing" if options.existing else "create" if creates else "refuse"

    def seek(self) -> tuple["Outcome", Target]:
        """Attach to the session, or start it on the node of the alias. Return the outcome and the login node."""
        address, options = self._address, self._options
        target, name = address.target, address.name
        if options.here:
            return self._stay(target, self._here, waits=options.wait), target
        looked: set[NodeName | None] = set()
        down: set[NodeName | None] = set()
        seen_there = locate_find.remembered(address)
        if seen_there is not None:
            outcome = self._stay(seen_there, "there", waits=False)
            if not _is_not_there(outcome) and not _is_unreachable(outcome, seen_there.place):
                return outcome, seen_there
            (looked if _is_not_there(outcome) else down).add(seen_there.node)
        else:
            owner = routes.recall(target.alias).owner(name) if target.config is None else None
            outcome, there = self._where_alias_leads(self._at_first, owner or "")
            if outcome.status != ExitOfAttach.ELSEWHERE or outcome.began_before:
                return outcome, there
        find = partial(locate_find.find, address, starts=not options.existing, down=down)
        while place := _found(find, seen_there if options.wait else None, looked):
            outcome = self._stay(place, "there", waits=options.wait)
            if not _is_not_there(outcome):
                return outcome, place
            looked.add(place.node)
        if options.existing:
            raise locate_find.no_session(target.alias, name)
        return self._where_alias_leads(self._anew)

    def _where_alias_leads(self, mode: str, node: str = "") -> tuple["Outcome", Target]:
        """Stay there. If the connection is lost at once, and the next one leads to another login node, go back."""
        target, waits = self._address.target, self._options.wait
        outcome = self._stay(target, mode, node, waits=waits)
        place = locate_find.find(self._address) if outcome.is_never_seen and target.config is None else None
        if place is None:
            return outcome, target
        there = self._stay(place, "there", waits=waits)
        return (outcome, target) if _is_not_there(there) else (there, place)

    def _stay(self, there: Target, mode: str, node: str = "", *, waits: bool) -> "Outcome":
        """Stay attached at one login node, with all reconnects; `mode` as session.sh takes it."""
        scripts = self._scripts._replace(mode=mode, node=node)
        with Signals() as signals, Tty() as tty, Terminal(there, scripts.first()) as terminal:
            tty.keep(terminal.pid)
            if self._options.cc:
                from lnode.attach import control_mode

                outcome = control_mode.attend(there, terminal, signals)
            else:
                from lnode.attach import supervisor

                address = self._address._replace(target=there)
                outcome = supervisor.attend(address, scripts, terminal, tty, signals, waits=waits)
        if self._options.verbose:
            for at, words in outcome.story:
                screen.say(f"{time.strftime('%H:%M:%S', time.localtime(at))} {words}")
        return outcome


def _found(find: Callable[..., Target | None], otherwise: Target | None, looked: set[NodeName | None]) -> Target | None:
    """Return the login node that find() finds beside those of `looked`; `otherwise` if no login node answers."""
    try:
        return find(without=looked)
    except LnodeError as error:
        if otherwise is None or otherwise.node in looked or error.code is not ExitCode.UNREACHABLE:
            raise
        return otherwise


def _is_not_there(outcome: "Outcome") -> bool:
    """True if the session was looked for and not found."""
    return outcome.status == ExitOfAttach.NO_SESSION and not outcome.began_before


def _is_unreachable(outcome: "Outcome", place: HostLabel) -> bool:
    from lnode.reconnect.state import End
    from lnode.ssh import failures

    if outcome.end is not End.FAILED or outcome.began:
        return False
    return failures.explain(outcome.cause, "", place).code is ExitCode.UNREACHABLE
