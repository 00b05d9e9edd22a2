"""Scripts that the host stores: a short line runs the stored text only if its hash is right."""

import gzip
import os

import pytest

from inprocess.cluster_home import Site, blank
from lnode.cluster import tmux_answers
from lnode.remote import call as remote_call
from lnode.remote.reply import Reply, parse_reply


def stored_by(site: Site, *scripts: str, brings: bool) -> list[str]:
    """The names that store.sh says."""
    rows = (f"{remote_call.stored_name(one)} {remote_call.packed(one) if brings else ''}" for one in scripts)
    nonce = remote_call.nonce()
    done = site.answer(remote_call.question("store", nonce, "\n".join(rows)))
    return list(parse_reply(nonce, done.stdout.split("\n"))["stored"])


def asked_in_short(site: Site, *values: str) -> Reply:
    nonce = remote_call.nonce()
    done = site.answer(remote_call.short_question("list", nonce, *values))
    return parse_reply(nonce, done.stdout.split("\n"))


def test_a_stored_script_is_as_good_as_one_that_the_line_brings(site: Site) -> None:
    values = tmux_answers.list_values("")
    before = asked_in_short(site, *values)
    assert (set(before), stored_by(site, "list", brings=False)) == ({"begun", "unstored", "end"}, [])
    names = [remote_call.stored_name(script) for script in ("session", "list")]
    assert stored_by(site, "session", "list", brings=True) == names == stored_by(site, "session", "list", brings=False)
    assert set(asked_in_short(site, *values)) == set(site.reply("list")) > {"begun", "end"}
    folder_ = site.home / ".local/state/lnode/scripts"
    assert (folder_.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in folder_.iterdir()}) == (
        0o700,
        {0o600},
    )


def test_a_short_line_says_that_its_script_is_not_there(site: Site) -> None:
    line = remote_call.short_line("session", *blank("session"), unless="exit 96")
    assert site.answer(line).returncode == 96


@pytest.mark.parametrize("text", ["touch executed", "", None])
def test_a_text_that_is_not_the_script_does_not_run(sh_site: Site, text: str | None) -> None:
    (name,) = stored_by(sh_site, "list", brings=True)
    path = sh_site.home / ".local/state/lnode/scripts" / name
    path.write_bytes(path.read_bytes()[:-100] if text is None else gzip.compress(text.encode()))
    assert "unstored" in asked_in_short(sh_site, *tmux_answers.list_values(""))
    assert stored_by(sh_site, "list", brings=False) == []
    assert stored_by(sh_site, "list", brings=True) == [name]
    assert "unstored" not in asked_in_short(sh_site, *tmux_answers.list_values(""))
    assert not (sh_site.home / "executed").exists()


def test_a_text_of_another_name_is_not_stored(sh_site: Site) -> None:
    nonce, rows = remote_call.nonce(), f"{remote_call.stored_name('session')} {remote_call.packed('list')}"
    sh_site.answer(remote_call.question("store", nonce, rows))
    assert list((sh_site.home / ".local/state/lnode/scripts").iterdir()) == []


def test_the_scripts_of_twelve_versions_stay(sh_site: Site) -> None:
    stored_by(sh_site, "list", brings=True)
    folder_ = sh_site.home / ".local/state/lnode/scripts"
    for number in range(30):
        (folder_ / f"{number:064}").write_text("")
        os.utime(folder_ / f"{number:064}", (number, number))
    (name,) = stored_by(sh_site, "list", brings=False)
    assert sorted(path.name for path in folder_.iterdir()) == sorted([name, *(f"{n:064}" for n in range(19, 30))])


def test_without_a_place_to_store_them_nothing_is_stored(sh_site: Site) -> None:
    (sh_site.home / ".local").write_text("")
    assert stored_by(sh_site, "list", brings=True) == []
