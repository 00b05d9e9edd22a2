"""A session that another laptop or tmux by hand has taken over, and the windows that share it."""

import pytest

from inprocess.cluster_home import (
    DETACH,
    ELSEWHERE,
    PANE,
    RUN,
    Site,
    again_line,
    attach_line,
    attached,
    by_hand,
    cut_off,
    needs_tmux,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach


@needs_tmux
@pytest.mark.parametrize("others", ["keep", "detach"])
def test_another_laptop_took_over_while_this_one_was_away(sh_site: Site, others: str) -> None:
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    if others == "keep":
        cut_off(sh_site, ghost)
    attached(sh_site, attach_line("x", others=others, laptop=ELSEWHERE))
    if others == "detach":
        assert status_of(ghost) == ExitOfAttach.TAKEN_OVER  # but nobody hears it
    clients = sh_site.clients()
    child = sh_site.attach(again_line())
    child.expect(r"x was taken over by desk\.example\.org at \d\d:\d\d\r\n")
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert (len(clients), sh_site.clients()) == (1, clients)

    # asking for it takes it back, and from then on reconnects do too
    child = attached(sh_site, attach_line("x", run=RUN))
    attached(sh_site, again_line())
    assert status_of(child) == ExitOfAttach.DETACHED


@needs_tmux
def test_another_laptop_takes_over_or_shares_before_our_eyes(site: Site) -> None:
    first = attached(site, attach_line("x", command=PANE, run=RUN))
    attached(site, attach_line("x", laptop=ELSEWHERE))
    assert status_of(first, DETACH) == ExitOfAttach.DETACHED
    first = attached(site, attach_line("x", run=RUN))
    attached(site, attach_line("x", others="detach", laptop=ELSEWHERE))
    first.expect(r"x was taken over by desk\.example\.org at \d\d:\d\d\r\n")
    assert status_of(first) == ExitOfAttach.TAKEN_OVER


@needs_tmux
def test_the_lease_of_another_laptop_is_remote_text(sh_site: Site) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    for hostile in (
        "b,$(touch executed)*,\x1b]52;c;\x9b31m*$(touch executed)",
        f"b,{'9' * 99},{'n' * 999},d",
        "b",
        ",",
    ):
        sh_site.tmux("set-option", "-t", "x:", "@lnode_owner", hostile)
        child = sh_site.attach(again_line())
        if hostile != ",":
            child.expect(r"x was taken over by [A-Za-z0-9._-]{0,40}( at \d\d:\d\d)?\r\n")
            assert status_of(child) == ExitOfAttach.TAKEN_OVER
    child.expect_exact("in the pane")
    assert not (sh_site.home / "executed").exists()


@needs_tmux
def test_tmux_by_hand_takes_over_before_our_eyes(site: Site) -> None:
    first = attached(site, attach_line("x", command=PANE))
    by_hand(site, "-d")
    first.expect(r"x was taken over by a client on /dev/\S+ at \d\d:\d\d\r\n")
    assert status_of(first) == ExitOfAttach.TAKEN_OVER


@needs_tmux
@pytest.mark.parametrize("flags", [("-d",), ()])
def test_tmux_by_hand_takes_over_while_away(sh_site: Site, flags: tuple[str, ...]) -> None:
    first = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    if not flags:
        cut_off(sh_site, first)
    by_hand(sh_site, *flags)
    if flags:
        assert status_of(first) == ExitOfAttach.TAKEN_OVER  # but nobody hears it
    tty, pid, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {pid} {int(epoch) - 100}")
    clients = sh_site.clients()
    child = sh_site.attach(again_line())
    child.expect(rf"x was taken over by a client on {next(iter(clients))} at \d\d:\d\d\r\n")
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert (len(clients), sh_site.clients()) == (1, clients)


@needs_tmux
def test_two_windows_of_one_laptop_both_come_back(sh_site: Site) -> None:
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    tty, pid, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {pid} {int(epoch) - 100}")
    attached(sh_site, attach_line("x"))
    attached(sh_site, again_line())
    assert len(sh_site.clients()) == 2
