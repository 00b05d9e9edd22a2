"""One notice for each wait, whatever number of lnodes watch: with a desktop on PATH, and a laptop's state folder."""

import asyncio
import os
from pathlib import Path

import pytest

from lnode.attach.agent_watch import AgentWatch
from lnode.cluster.agents import Agent, AgentState
from lnode.cluster.sessions import Entry, Picture, State
from lnode.cluster.tmux_answers import Session
from lnode.laptop import told
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import LinkFailed

NOW = 1_800_000_000
ASKS = Agent("claude", AgentState.WAITS, "Do you want to proceed?", dialog="run sbatch")


def picture(agent: Agent | None, tmux: str = "ok") -> Picture:
    session = Session("$1", "fit", NOW - 900, NOW - 500, 0, (1,), "login")  # type: ignore[arg-type]
    return Picture("login1", (Entry(session, State.SHELL, None, "login1", agent=agent),), "ok", tmux, NOW)


@pytest.fixture
def notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    said = tmp_path / "said"
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\necho "$4" >>{said}\n')
    program.chmod(0o755)
    said.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return said


async def silent(sound: str) -> None:
    raise AssertionError(sound)


class Clock:
    """Of the laptop; its notes about told waits grow old with it."""

    def __init__(self, notices: Path) -> None:
        self.now, self._notes = 1000.0, notices.parent / "state/lnode/told"

    def __call__(self) -> float:
        return self.now

    def goes_on(self, seconds: float) -> None:
        self.now += seconds
        for note in self._notes.glob("*"):
            at = note.stat().st_mtime - seconds
            os.utime(note, (at, at))


def see(watch: AgentWatch, *pictures: Picture) -> None:
    for one in pictures:
        asyncio.run(watch.see(one, silent))


def test_a_wait_is_told_once_by_one_of_two_windows(notices: Path) -> None:
    clock = Clock(notices)
    first, second = (AgentWatch("unity", lambda _: None, clock) for _ in range(2))
    see(first, picture(ASKS), picture(ASKS))
    see(second, picture(ASKS), picture(ASKS))
    assert notices.read_text().splitlines() == ["claude in fit waits: Do you want to proceed?"]
    for watch in (first, second):
        see(watch, picture(None))
    clock.goes_on(60)
    first.go_on()
    for watch in (first, second):
        see(watch, picture(ASKS))
    assert len(notices.read_text().splitlines()) == 2


def test_a_dialog_that_is_drawn_again_while_lnode_looks_is_no_second_wait(notices: Path) -> None:
    clock = Clock(notices)
    watch = AgentWatch("unity", lambda _: None, clock)
    see(watch, picture(ASKS))
    for _ in range(100):  # the host tells changes only
        clock.goes_on(30)
        watch.go_on()
    see(watch, picture(None))
    clock.goes_on(30)
    watch.go_on()
    see(watch, picture(ASKS))
    assert len(notices.read_text().splitlines()) == 1


def test_a_window_that_opens_late_in_a_wait_tells_it_no_second_time(notices: Path) -> None:
    clock = Clock(notices)
    first = AgentWatch("unity", lambda _: None, clock)
    see(first, picture(ASKS))
    for _ in range(20):  # ten minutes without a change
        clock.goes_on(30)
        first.go_on()
    see(AgentWatch("unity", lambda _: None, clock), picture(ASKS))
    assert len(notices.read_text().splitlines()) == 1


def test_who_looked_at_it_and_went_away_is_told(notices: Path) -> None:
    watch = AgentWatch("unity", lambda _: None)
    looks = picture(ASKS)
    entry = looks.entries[0]
    session = entry.session._replace(attached=1, active=NOW)
    see(watch, looks._replace(entries=(entry._replace(session=session),)))
    assert notices.read_text() == ""
    see(watch, picture(ASKS))
    assert len(notices.read_text().splitlines()) == 1


def test_a_tmux_that_cannot_be_asked_ends_no_wait(notices: Path) -> None:
    watch = AgentWatch("unity", lambda _: None)
    see(watch, picture(ASKS), Picture("login1", (), "ok", "refused", NOW), picture(ASKS))
    assert len(notices.read_text().splitlines()) == 1


def test_without_a_desktop_the_terminal_shows_it(notices: Path) -> None:
    (notices.parent / "notify-send").unlink()
    sounds: list[str] = []

    async def sound(sequence: str) -> None:
        sounds.append(sequence)

    asyncio.run(AgentWatch("unity", lambda _: None).see(picture(ASKS), sound))
    assert len(sounds) == 1
    assert "claude in fit waits" in sounds[0]


def test_a_wait_that_nobody_has_seen_for_long_has_ended(notices: Path) -> None:
    assert told.is_mine("unity", "x")
    assert not told.is_mine("unity", "x")
    (note,) = (notices.parent / "state/lnode/told").iterdir()
    os.utime(note, (NOW, 0))
    assert told.is_mine("unity", "x")


def test_a_notice_that_a_lost_link_has_swallowed_is_given_over_the_next_one(notices: Path) -> None:
    (notices.parent / "notify-send").unlink()
    sounds: list[str] = []

    async def lost(sequence: str) -> None:
        raise LinkFailed(Cause.LOST, "the link is gone")

    async def sound(sequence: str) -> None:
        sounds.append(sequence)

    watch = AgentWatch("unity", lambda _: None)
    with pytest.raises(LinkFailed):
        asyncio.run(watch.see(picture(ASKS), lost))
    watch.go_on()
    asyncio.run(watch.see(picture(ASKS), sound))
    assert len(sounds) == 1
