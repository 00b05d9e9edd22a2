"""`lnode HOST --ls` and `lnode --ls`: what runs where and for how long, on one host or on all that are known.

One remote round trip for each host, all side by side. What nothing answers for is shown as it was last seen.
"""

from collections.abc import Iterator, Mapping, Sequence

from lnode.cluster.sessions import CANNOT_ASK
from lnode.commands.ls import table
from lnode.commands.ls.table import View
from lnode.commands.ls.views import remembered, view_of, views_of
from lnode.commands.ls.watch import refuse_to_watch_a_pipe
from lnode.commands.ls.watch import watch as keep_watch
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.laptop.settings import HostSettings
from lnode.locate.find import no_tmux
from lnode.locate.survey import Survey
from lnode.ssh.target import Target

_WITHIN_S = 10.0  # for all hosts at once

Hosts = Mapping[str, tuple[Target, HostSettings]]
"""Alias -> how it is reached, and what is configured for it."""


def ls(target: Target, request: HostSettings, *, as_json: bool, watch: bool) -> ExitCode:
    """Print the sessions of the host: a table, plain columns in a pipe, or JSON. Raises LnodeError."""
    if watch:
        refuse_to_watch_a_pipe()
    trouble: LnodeError | None = None
    try:
        with Survey(target, request) as asked, screen.waiting(f"asking {target.alias} ..."):
            screen.prepare_table()  # while ssh is on its way
            view = view_of(target, asked)
    except LnodeError as error:
        view, trouble = remembered(target.alias, error), error
        if not view.pictures or error.code is not ExitCode.UNREACHABLE:
            raise
    for picture in view.pictures:
        if view.is_fresh and picture.tmux != "ok":
            raise no_tmux(target.alias, picture.tmux, picture.tmux_says)
    if watch:
        return keep_watch({target.alias: (target, request)}, [view])
    if as_json:
        screen.show_json(table.document(view))
    else:
        _print_rows([view])
    notes = table.notes([view])
    if trouble:  # which is what the notes say
        raise LnodeError(trouble.code, "; ".join(notes), trouble.hint, detail=trouble.detail)
    if not as_json:
        _say(notes)
        _say_once_of_modes(view)
    return ExitCode.UNREACHABLE if view.silent else ExitCode.DONE


def ls_all(hosts: Hosts, troubled: Sequence[View], *, as_json: bool, watch: bool) -> ExitCode:
    """The same of all hosts at once; `troubled` are those that cannot be asked at all."""
    if watch:
        refuse_to_watch_a_pipe()
    order = sorted([*hosts, *(view.host for view in troubled)])
    views = {view.host: view for view in troubled}
    if watch:
        return keep_watch(hosts, [*_all(hosts), *troubled])
    if as_json or not screen.is_terminal():
        views |= {view.host: view for view in _all(hosts)}
        found = [views[host] for host in order]
        if as_json:
            screen.show_json({"hosts": [table.document(view) for view in found]})
        else:
            _print(found)
    else:
        with screen.board(whole=False) as draw:
            draw((), (), [f"asking {', '.join(hosts)} ..."])
            for view in _all(hosts):
                views[view.host] = view
                found = [views[host] for host in order if host in views]
                rest = ", ".join(host for host in order if host not in views)
                lines = [*table.notes(found), *([f"asking {rest} ..."] if rest else [])]
                draw(*table.table(found, all_columns=False, with_host=True), lines)
    if not all(view.is_fresh for view in views.values()):
        return ExitCode.UNREACHABLE
    unknown = any(picture.tmux in CANNOT_ASK for view in views.values() for picture in view.pictures)
    return ExitCode.FAILED if unknown else ExitCode.DONE


def _all(hosts: Hosts) -> Iterator[View]:
    return views_of(hosts, within_s=_WITHIN_S)


def _print(views: Sequence[View]) -> None:
    _print_rows(views)
    _say(table.notes(views))


def _print_rows(views: Sequence[View]) -> None:
    columns, rows = table.table(views, all_columns=not screen.is_terminal(), with_host=len(views) > 1)
    if rows:
        with screen.output():
            screen.print_table(columns, rows)


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        screen.say(note)


def _say_once_of_modes(view: View) -> None:
    if any(picture.is_modeless for picture in view.pictures) and folders.is_first("home-without-modes"):
        screen.say(
            f"the home on {view.host} keeps no modes of files: other users there may read which sessions you have"
        )
