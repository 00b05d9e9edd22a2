"""Sessions under a tmux.conf that ends them with their last client, or moves clients to another session."""

import pytest

from inprocess.cluster_home import (
    END_OF_FILE,
    PANE,
    RUN,
    Site,
    attach_line,
    attached,
    cut_off,
    detach,
    needs_tmux,
    status_of,
)
from lnode.cluster.tmux import ExitOfAttach

UNATTACHED = "set-option -g destroy-unattached on\nset-option -g detach-on-destroy off\n"


@needs_tmux
def test_a_session_outlives_its_clients_whatever_tmux_conf_says(sh_site: Site) -> None:
    (sh_site.home / ".tmux.conf").write_text(UNATTACHED)
    assert detach(sh_site.attach(attach_line("x", command=PANE, run=RUN))) == ExitOfAttach.DETACHED
    cut_off(sh_site, attached(sh_site, attach_line("x", run=RUN)))
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x"
    assert [entry.session.ends_by for entry in sh_site.picture().entries] == [""]


@needs_tmux
def test_the_end_of_a_session_is_no_jump_to_another_one(sh_site: Site) -> None:
    (sh_site.home / ".tmux.conf").write_text(UNATTACHED)
    other = sh_site.by_hand("new-session", "-s", "other", PANE)
    other.expect_exact("in the pane")
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "other"


@needs_tmux
@pytest.mark.parametrize("option", ["exit-unattached", "destroy-unattached"])
def test_an_option_that_ends_a_session_with_its_last_client_is_known(sh_site: Site, option: str) -> None:
    (sh_site.home / ".tmux.conf").write_text(f"set-option -{'s' if 'exit' in option else 'g'} {option} on\n")
    sh_site.by_hand("new-session", "-s", "other", PANE).expect_exact("in the pane")
    assert [entry.session.ends_by for entry in sh_site.picture().entries] == [option]
