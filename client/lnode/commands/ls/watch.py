"""`--ls --watch`: the table on the whole screen; its times change each second, lnode asks once or twice a minute."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence

from lnode.attach.agent_watch import AgentWatch
from lnode.cluster.sessions import State
from lnode.commands.ls import table
from lnode.commands.ls.table import View
from lnode.commands.ls.views import views_of
from lnode.errors import ExitCode
from lnode.laptop import board, keyboard, leaving, screen, shown
from lnode.laptop.clock import time_since_boot
from lnode.locate.address import Address

_EVERY_S = 60.0
_OFTEN_S = 30.0  # if a job waits or ends soon; lnode never asks a scheduler more often
_SOON_S = 600
_WITHIN_S = 20.0


def watch(hosts: Mapping[str, Address], views: Sequence[View], *, notifies: bool = False) -> ExitCode:
    """Show the views until q or Ctrl-C. Asks in silence: a host that needs you to sign in keeps its last picture.

    With `notifies` you are told once of each agent that waits for you.
    """
    told = _Notices() if notifies else None
    for view in views:
        _take_in(view, told)
    seen = {view.host: (time_since_boot() - view.age_s, view) for view in views}
    asking: threading.Thread | None = None
    asked_at = time_since_boot()
    with leaving.by_signals(), board.board(whole=True) as draw, keyboard.keys() as pressed:
        try:
            while True:
                now = time_since_boot()
                shown = [view._replace(age_s=max(0, int(now - at))) for at, view in seen.values()]
                _draw(draw, shown, asking is not None and asking.is_alive())
                if pressed(1.0) in ("q", "Q", "\x03"):
                    return ExitCode.DONE
                if time_since_boot() - asked_at >= (_OFTEN_S if notifies else _pause_s(shown)) and not (
                    asking and asking.is_alive()
                ):
                    asked_at = time_since_boot()
                    asking = threading.Thread(target=_ask, args=(hosts, seen, told), daemon=True)
                    asking.start()
        except KeyboardInterrupt:
            return ExitCode.DONE


class _Notices:
    """The notices of agents that wait for you: one watch for each login node."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str], AgentWatch] = {}

    def give(self, view: View) -> None:
        for picture in view.pictures:
            place = (view.host, picture.login_node)
            if place not in self._watches:
                self._watches[place] = AgentWatch(view.host, lambda _: None)
            asyncio.run(self._watches[place].see(picture, _ring))


async def _ring(_: str) -> None:
    screen.write_control("\a")


def _take_in(view: View, told: _Notices | None) -> None:
    """Remember the questions that you see now, and give notice of them."""
    shown.remember(view.host, {entry.session.name: agent.dialog for entry, agent in table.questions(view)})
    if told and view.is_fresh:
        told.give(view)


def _ask(hosts: Mapping[str, Address], seen: dict[str, tuple[float, View]], told: _Notices | None) -> None:
    for view in views_of(hosts, within_s=_WITHIN_S):
        _take_in(view, told)
        at = time_since_boot() - view.age_s
        if view.is_fresh or view.host not in seen:
            seen[view.host] = (at, view)
        else:
            before, last = seen[view.host]
            seen[view.host] = (before, last._replace(trouble=view.trouble))


def _pause_s(views: Sequence[View]) -> float:
    entries = [(entry, view.age_s) for view in views for entry in view.entries]
    often = any(
        entry.state is State.WAITING or ((left_s := table.left_of(entry, age_s)) is not None and left_s < _SOON_S)
        for entry, age_s in entries
    )
    return _OFTEN_S if often else _EVERY_S


def _draw(draw: board.Draw, views: Sequence[View], asking: bool) -> None:
    age = max((view.age_s for view in views), default=0)
    clock = time.strftime("%H:%M:%S")
    foot = f"{clock}, {'asking' if asking else f'asked {age} s ago'}; q leaves"
    width, height = screen.size()
    columns, rows = table.table(views, all_columns=False, with_host=len(views) > 1, within=width)
    notes = table.notes(views)
    room, said = min(len(rows), height), [""]  # a row has one line or more
    while True:
        if room < len(rows):
            said = ["", f"{len(rows) - room} more rows are below this window"]
        lines = [*said, *notes, foot]
        more = board.lines_of(columns, rows[:room], lines) - height
        if room <= 1 or more <= 0:
            break
        room = max(1, room - max(1, more * room // (2 * (more + height))))
    draw(columns, rows[:room], lines)
