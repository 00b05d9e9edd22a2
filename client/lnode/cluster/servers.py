"""The sessions of your tmux servers on one machine, from the sections of list.sh."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lnode.cluster import tmux_answers
from lnode.cluster.processes import LoginProcess
from lnode.cluster.screens import parse_screens
from lnode.remote.reply import Reply


def sessions(
    reply: Reply, processes: Mapping[int, LoginProcess]
) -> Iterator[tuple[tmux_answers.Session, Mapping[str, Sequence[str]]]]:
    """Yield each session, and pane -> the sessions that show it on the same server: ids are those of one server."""
    for number in ("", *(f"-{number}" for number in range(2, _MOST_SERVERS + 1))):
        of_server = _sessions_of(reply.get(f"panes{number}", ()), reply, processes)
        screens = parse_screens(reply.get(f"screens{number}", ()))
        of_server = [
            session._replace(screens=tuple(screens[pane] for pane in session.pane_ids if pane in screens))
            for session in of_server
        ]
        shown = _names_by_pane(of_server)
        yield from ((session, shown) for session in of_server)


_MOST_SERVERS = 6  # server.sh, elsewhere


def _sessions_of(
    panes: Sequence[str], reply: Reply, processes: Mapping[int, LoginProcess]
) -> list[tmux_answers.Session]:
    """Return a server's sessions with the origin of each of their clients, and with tmux's options for them."""
    marks = tmux_answers.parse_marks(reply.get("marks", ()))
    owners, hosts = tmux_answers.parse_owners(panes), tmux_answers.parse_who(reply.get("who", ()))
    options = tmux_answers.parse_options(panes)
    places: dict[str, list[str]] = {}
    for client in tmux_answers.parse_clients(panes):
        parent, marked = marks.get(client.tty, (0, 0))
        leased, laptop = owners.get(client.session_id, (marked + 1, ""))
        # lnode's own client of the laptop that asked last: only that one comes back by itself
        process = processes.get(client.pid or 0)
        is_owner = process is not None and process.parent == parent and marked >= leased
        place = laptop if is_owner else hosts.get(client.tty) or client.tty.removeprefix("/dev/")
        places.setdefault(client.session_id, []).append(place)
    return [
        session._replace(clients=tuple(places.get(session.id, ())), ends_by=ends_by, prefix=prefix, server=server)
        for session in tmux_answers.parse_panes(panes)
        for ends_by, prefix, server in [options.get(session.id, ("", "", 0))]
    ]


def _names_by_pane(found: Iterable[tmux_answers.Session]) -> dict[str, list[str]]:
    """Return pane -> the sessions that show it, three at most: several after `tmux new -t` (a group) or link-window."""
    names: dict[str, list[str]] = {}
    for session in found:
        for pane in session.pane_ids:
            shown_in = names.setdefault(pane, [])
            if len(shown_in) < _NAMES and session.name not in shown_in:
                shown_in.append(session.name)
    return names


_NAMES = 3
