"""news.sh on a real tmux: the title, the message, who may tell it, and what goes out in the pane."""

import pytest

from inprocess.cluster_home import (
    DETACH,
    ELSEWHERE,
    OLD_TMUX,
    PANE,
    RUN,
    Site,
    attach_line,
    attached,
    needs_tmux,
    status_of,
)
from lnode.cluster import tmux
from lnode.cluster.tmux import ExitOfAttach
from lnode.laptop import notify
from lnode.remote import call
from lnode.remote.reply import parse_reply

pytestmark = needs_tmux

CLAIM = ("@lnode_told", "", "4711")
NONE = ("", "", "")
SEQUENCE = notify.for_terminal("lnode", "granted", {})


def tell(
    site: Site,
    *,
    title: str = "",
    text: str = "",
    claim: tuple[str, str, str] = NONE,
    sound: str = "",
    run: str = RUN,
    tmux_path: str = "",
) -> bool:
    """Was it this run's to tell?"""
    nonce = call.nonce()
    line = call.line("news", nonce, run, tmux_path, title, text, *claim, sound, "")
    reply = parse_reply(nonce, site.answer(line).stdout.split("\n"))
    assert "end" in reply
    return "told" in reply


def options(site: Site) -> str:
    return site.tmux("show-options", "-t", "x:")


def test_a_title_is_the_sessions_as_long_as_it_is_watched(sh_site: Site) -> None:
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    tell(sh_site, title="x: c0512, 61 h left")
    child.expect_exact("\x1b]0;x: c0512, 61 h left\x07")
    tell(sh_site, title="x: c0512, 60 h left")
    child.expect_exact("\x1b]0;x: c0512, 60 h left\x07")
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert "title" not in options(sh_site)


def test_a_title_stays_for_who_still_sees_it(sh_site: Site) -> None:
    attached(sh_site, attach_line("x", command=PANE))
    child = attached(sh_site, attach_line("x", run=RUN))
    tell(sh_site, title="x: c0512, 61 h left")
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert "set-titles-string" in options(sh_site)


@pytest.mark.parametrize("where", [("-g",), ("-t", "x:")])
def test_titles_of_the_users_own_are_left_alone(sh_site: Site, where: tuple[str, ...]) -> None:
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    sh_site.tmux("set-option", *where, "set-titles", "on" if where == ("-g",) else "off")
    before = options(sh_site)
    tell(sh_site, title="x: c0512, 61 h left")
    assert options(sh_site) == before
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


def test_a_message_is_for_this_window_and_news_are_for_all(sh_site: Site) -> None:
    other = attached(sh_site, attach_line("x", command=PANE, laptop=ELSEWHERE))
    mine = attached(sh_site, attach_line("x", run=RUN))
    assert not tell(sh_site, text="lnode: only here")
    mine.expect_exact("lnode: only here")
    assert tell(sh_site, text="lnode: for all", claim=CLAIM, sound="\a")
    mine.expect_exact("lnode: for all")
    other.expect_exact("lnode: for all")
    assert "only here" not in (other.before or "")
    mine.expect_exact("\a")
    assert sh_site.tmux("show-options", "-qv", "-t", "x:", "@lnode_told") == "4711"
    assert "display-time" not in options(sh_site)


@pytest.mark.parametrize("old_tmux", [False, True])
def test_news_are_told_by_one(sh_site: Site, old_tmux: bool) -> None:
    """Old: a tmux that cannot compare."""
    old = OLD_TMUX.replace("=*)", "'#{==:1,1}') set -- \"$@\" ''; continue ;;\n  =*)", 1)
    path = str(sh_site.program("old-tmux", old)) if old_tmux else ""
    other = "f" * 16
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    attached(sh_site, attach_line("x", run=other, laptop=ELSEWHERE))
    assert tell(sh_site, claim=CLAIM, tmux_path=path)
    assert not tell(sh_site, claim=CLAIM, run=other, tmux_path=path)
    assert not tell(sh_site, claim=CLAIM, tmux_path=path)
    assert tell(sh_site, claim=("@lnode_warned", "", "4711 60"), tmux_path=path)
    assert tell(sh_site, claim=("@lnode_warned", "4711 60", "4711 15"), run=other, tmux_path=path)
    assert not tell(sh_site, claim=("@lnode_warned", "4711 60", "4711 15"), tmux_path=path)


def test_who_is_not_attached_tells_nothing(sh_site: Site) -> None:
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert not tell(sh_site, title="x: c1", text="lnode: nobody sees it", claim=CLAIM)
    assert "title" not in options(sh_site) and "told" not in options(sh_site)


@pytest.mark.parametrize("new", ["1' ; kill-server ; '", "1}", "1,2", "#{x}"])
def test_a_claim_is_a_plain_word(sh_site: Site, new: str) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    assert not tell(sh_site, claim=("@lnode_told", "", new))
    assert "told" not in options(sh_site)


def test_nothing_in_a_text_is_expanded(sh_site: Site) -> None:
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    hostile = f"lnode: #(touch {sh_site.home}/made) #{{pid}} #[fg=red]%H \x1b[2J"
    tell(sh_site, title=tmux.literal(hostile), text=tmux.literal(hostile))
    child.expect_exact(f"lnode: _(touch {sh_site.home}/made) _{{pid}} _[fg=red]_H _[2J")
    assert not (sh_site.home / "made").exists()


@pytest.mark.parametrize("allowed", ["on", "off"])
def test_a_sequence_goes_out_where_tmux_may_pass_it_through(sh_site: Site, allowed: str) -> None:
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    if sh_site.tmux("set-option", "-g", "allow-passthrough", allowed) or not passes(sh_site):
        pytest.skip("this tmux passes everything through")
    tell(sh_site, sound=SEQUENCE)
    tell(sh_site, sound="\a")
    child.expect_exact("777;notify;lnode;granted\a" if allowed == "on" else "\a")
    assert "777;" not in (child.before or "")


def passes(site: Site) -> bool:
    return site.tmux("display-message", "-p", "#{allow-passthrough}") != ""
