"""What `--ls` tells of your hosts: a table, plain columns in a pipe, or JSON; and notes below it."""

from collections.abc import Iterator, Mapping, Sequence

from lnode.cluster.sessions import CANNOT_ASK
from lnode.commands.ls import table
from lnode.commands.ls.document import document
from lnode.commands.ls.table import View
from lnode.commands.ls.views import addresses_of, remembered, view_of, views_of
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import board, folders, screen, shown
from lnode.laptop.settings import load
from lnode.locate import pictures
from lnode.locate.address import Address
from lnode.locate.find import no_tmux
from lnode.locate.survey import Survey
from lnode.ssh.target import Target

_WITHIN_S = 10.0  # for all hosts at once


def heard(target: Target, asked: Survey) -> tuple[View, LnodeError | None]:
    """Wait for the answers. Return the view; of a host that is away it is the last known one, with the trouble.

    Raises LnodeError.
    """
    try:
        view = view_of(target, asked)
    except LnodeError as error:
        view = remembered(target.alias, error)
        if not view.pictures or error.code is not ExitCode.UNREACHABLE:
            raise
        return view, error
    if view.is_fresh and all(picture.tmux not in ("ok", "partly") for picture in view.pictures):
        raise no_tmux(target.alias, view.pictures[0].tmux, view.pictures[0].tmux_says)
    return view, None


def of_one(view: View, trouble: LnodeError | None, *, as_json: bool) -> ExitCode:
    """Print one host. Raises LnodeError: its trouble, below the last known view."""
    if as_json:
        screen.show_json(document(view))
    else:
        _print_rows([view])
    _shown([view], whole=as_json)
    notes = table.notes([view])
    if trouble:  # the notes name the trouble
        raise LnodeError(trouble.code, "; ".join(notes), trouble.hint, detail=trouble.detail, page=trouble.page)
    if not as_json:
        _say(notes)
        _say_once_of_modes(view)
    if view.silent:
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED if any(picture.tmux in CANNOT_ASK for picture in view.pictures) else ExitCode.DONE


def known_hosts() -> tuple[dict[str, Address], list[View]]:
    """Return the addresses of all known hosts, and the last known views of those that lnode cannot ask.

    Raises LnodeError if none is known.
    """
    settings = load()
    known = sorted({*settings.hosts, *pictures.hosts()})
    if not known:
        hint = "name one: lnode unity --ls; from then on it is among them"
        raise LnodeError(ExitCode.USAGE, "no host is known yet", hint)
    return addresses_of(known, settings)


def watch(hosts: Mapping[str, Address], views: Sequence[View], *, notify: bool) -> ExitCode:
    """Keep the table of these hosts on the screen, and begin with these views. Raises LnodeError."""
    from lnode.commands.ls.watch import watch as keep_watch  # asyncio, for the notices

    return keep_watch(hosts, views, notifies=notify)


def of_all(hosts: Mapping[str, Address], troubled: Sequence[View], *, as_json: bool) -> ExitCode:
    """Print the sessions of all hosts; `troubled` are hosts that lnode cannot ask."""
    order = sorted([*hosts, *(view.host for view in troubled)])
    views = {view.host: view for view in troubled}
    if as_json or not screen.is_terminal():
        views |= {view.host: view for view in of_hosts(hosts)}
        found = [views[host] for host in order]
        if as_json:
            screen.show_json({"hosts": [document(view) for view in found]})
        else:
            _print(found)
        _shown(found, whole=as_json)
    else:
        with board.board(whole=False) as draw:
            _draw(draw, order, views)
            for view in of_hosts(hosts):
                views[view.host] = view
                _draw(draw, order, views)
        _shown(list(views.values()), whole=False)
    if not all(view.is_fresh and not view.silent for view in views.values()):
        return ExitCode.UNREACHABLE
    unknown = any(picture.tmux in CANNOT_ASK for view in views.values() for picture in view.pictures)
    return ExitCode.FAILED if unknown else ExitCode.DONE


def _draw(draw: board.Draw, order: Sequence[str], views: Mapping[str, View]) -> None:
    """Draw what is known of these hosts so far, and which are still asked."""
    found = [views[host] for host in order if host in views]
    rest = ", ".join(host for host in order if host not in views)
    lines = [*table.notes(found), *([f"asking {rest} ..."] if rest else [])]
    draw(*table.table(found, all_columns=False, with_host=True, within=screen.size()[0]), lines)


def of_hosts(hosts: Mapping[str, Address]) -> Iterator[View]:
    """Ask all hosts side by side. Yield each view as it comes, for a silent host the last known one."""
    return views_of(hosts, within_s=_WITHIN_S)


def _print(views: Sequence[View]) -> None:
    _print_rows(views)
    _say(table.notes(views))


def _print_rows(views: Sequence[View]) -> None:
    on_screen = screen.is_terminal()
    width = screen.size()[0] if on_screen else None
    columns, rows = table.table(views, all_columns=not on_screen, with_host=len(views) > 1, within=width)
    if rows:
        with screen.output():
            screen.print_table(columns, rows)


def _shown(views: Sequence[View], *, whole: bool) -> None:
    """Remember the questions of agents that you have seen now: all only in a `whole` document."""
    for view in views:
        asked = table.waiting(view) if whole else table.questions(view)
        shown.remember(view.host, {entry.session.name: agent.dialog for entry, agent in asked})


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        screen.say(note)


def _say_once_of_modes(view: View) -> None:
    if any(picture.is_modeless for picture in view.pictures) and folders.is_first("home-without-modes"):
        screen.say(
            f"the home on {view.host} keeps no modes of files: other users there may read which sessions you have"
        )
