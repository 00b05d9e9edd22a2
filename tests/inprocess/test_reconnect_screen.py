"""The screen of a reconnect: the keys typed while away and the redraw, also with an old tmux and with the stand-in."""

import os
import sys
from pathlib import Path

import pytest

from inprocess.cluster_home import (
    DETACH,
    ELSEWHERE,
    END_OF_FILE,
    OLD_TMUX,
    PANE,
    RUN,
    TMUX,
    Site,
    again_line,
    attach_line,
    attached,
    by_hand,
    needs_tmux,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach
from lnode.demo import demo
from rig import wait_until


@needs_tmux
@pytest.mark.parametrize("typed", ["typed while away", "typed while away\r", "\x03typed while away"])
def test_what_was_typed_while_away_does_not_reach_the_shell(sh_site: Site, typed: str) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    os.mkfifo(sh_site.home / "gate")
    gated = sh_site.program(
        "gated-tmux", f'case "$*" in *list-clients*) read -r _ <"$HOME/gate";; esac; exec {TMUX} "$@"'
    )
    child = sh_site.attach(f"stty -isig; {again_line(tmux_path=str(gated))}")
    with (sh_site.home / "gate").open("w") as gate:  # opens once tmux is asked
        child.send(typed)
        child.expect_exact("typed while away")  # the tty's own echo: it has all of it
        gate.write("\n")
    child.expect_exact("in the pane")
    child.send("typed afterwards\r")
    child.expect_exact("typed afterwards")
    wait_until(lambda: "afterwards" in sh_site.tmux("capture-pane", "-p", "-t", "x"), "the pane has it")
    assert "away" not in sh_site.tmux("capture-pane", "-p", "-t", "x")


@needs_tmux
def test_the_client_is_drawn_anew(site: Site) -> None:
    assert not site.refreshed(RUN)
    first = attached(site, attach_line("x", command=PANE))
    mine = attached(site, attach_line("x", run=RUN))
    site.tmux("send-keys", "-t", "x", "before")
    first.expect_exact("before")
    mine.expect_exact("before")
    assert site.refreshed(RUN)
    mine.expect_exact("in the pane")
    site.tmux("send-keys", "-t", "x", "after")
    first.expect_exact("after")
    assert "in the pane" not in (first.before or "")
    assert status_of(mine, DETACH) == ExitOfAttach.DETACHED
    assert not site.refreshed(RUN)


@needs_tmux
def test_what_is_asked_of_tmux_is_asked_at_once(sh_site: Site) -> None:
    spying = sh_site.program("spying-tmux", f'echo "$*" >>"$HOME/calls"; exec {TMUX} "$@"')
    calls = sh_site.home / "calls"
    for verb, nth in ("new-session", -1), ("attach-session", -1):
        line = attach_line("x", command="" if calls.exists() else PANE, tmux_path=str(spying))
        child = attached(sh_site, line)
        call = calls.read_text().splitlines()[nth]
        assert (call.count(verb), call.count("@lnode_run_"), call.count("@lnode_owner")) == (1, 1, 1)
        assert status_of(child, DETACH) == ExitOfAttach.DETACHED
        calls.write_text("")


@needs_tmux
def test_a_tmux_that_knows_neither_exact_names_nor_options_in_formats_nor_its_clients_pids(sh_site: Site) -> None:
    old = str(sh_site.program("old-tmux", OLD_TMUX))
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN, tmux_path=old))
    by_hand(sh_site)
    child = attached(sh_site, again_line(tmux_path=old))
    assert status_of(ghost) == ExitOfAttach.DETACHED
    assert len(sh_site.clients()) == 2
    sh_site.later()
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert status_of(sh_site.attach(again_line(tmux_path=old))) == ExitOfAttach.DETACHED


@needs_tmux
def test_the_stand_in_serves_a_reconnect(sh_site: Site) -> None:
    standin = Path(demo.__file__).parent / "standin" / "tmux"
    path = str(sh_site.program("standin-tmux", f'exec {sys.executable} -I -S {standin} "$@"'))
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN, tmux_path=path))
    child = attached(sh_site, again_line(tmux_path=path))
    assert status_of(ghost) == ExitOfAttach.DETACHED
    assert sh_site.refreshed(RUN, tmux_path=path)
    child.expect_exact("in the pane")
    attached(sh_site, attach_line("x", others="detach", laptop=ELSEWHERE, tmux_path=path))
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert status_of(sh_site.attach(again_line(tmux_path=path))) == ExitOfAttach.TAKEN_OVER
    child = attached(sh_site, attach_line("x", tmux_path=path))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    assert status_of(sh_site.attach(again_line(tmux_path=path))) == ExitOfAttach.SERVER_GONE
