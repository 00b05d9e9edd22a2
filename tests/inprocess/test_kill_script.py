"""kill.sh on a real tmux: only the session, the requests and the jobs that you were shown are ended."""

import shutil

import pytest

from inprocess.cluster_home import TMUX, Site, needs_tmux
from lnode.cluster import sessions
from lnode.remote import call
from lnode.remote.reply import parse_reply
from rig import wait_until


@needs_tmux
@pytest.mark.parametrize(
    ("verdict", "left"),
    [
        ("{id}\n", []),
        ("{id} 4711 12_3\n", []),
        ("", ["web"]),
        ("\n", ["web"]),
        ("$99 4711\n", ["web"]),
        ("web\n", ["web"]),
    ],
)
def test_only_the_session_that_was_shown_is_ended(site: Site, verdict: str, left: list[str]) -> None:
    site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    site.tmux("new-session", "-d", "-s", "web2", "cat")
    site.tmux("new-session", "-d", "-s", "web", "cat")
    id_ = site.tmux("list-sessions", "-F", "#{session_id}", "-f", "#{==:#{session_name},web}")
    reply = site.reply("kill", "web", tell=verdict.replace("{id}", id_))
    assert site.tmux("list-sessions", "-F", "#{session_name}").split() == [*left, "web2"]
    if verdict.strip():
        assert list(reply["left"]) == [id_ for _ in left]
    cancelled = site.home / "cancelled"
    # the jobs that were shown are given back even if their session has ended meanwhile
    jobs = verdict.strip().partition(" ")[2]
    assert (cancelled.read_text().strip() if cancelled.exists() else "") == jobs


@needs_tmux
def test_a_session_that_got_another_name_meanwhile_is_left_alone(sh_site: Site) -> None:
    sh_site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    sh_site.tmux("new-session", "-d", "-s", "kept", "cat")
    id_ = sh_site.tmux("list-sessions", "-F", "#{session_id}")
    assert "renamed" in sh_site.reply("kill", "web", tell=f"{id_} 4711\n")
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "kept"
    assert not (sh_site.home / "cancelled").exists()


@needs_tmux
def test_a_scancel_that_does_not_answer_is_told(sh_site: Site) -> None:
    sh_site.program("scancel", "exit 0")
    sh_site.program("timeout", f'case $* in *scancel*) exit 124;; esac; exec {shutil.which("timeout")} "$@"')
    assert sh_site.reply("kill", "web", tell="$99 4711\n")["cancel"] == ("scancel does not answer",)


@needs_tmux
def test_a_locale_that_the_host_does_not_have_is_no_refusal(sh_site: Site) -> None:
    sh_site.program(
        "scancel", 'case $LC_ALL in C | POSIX) ;; *) echo "perl: warning: Setting locale failed." >&2 ;; esac'
    )
    sh_site.env.update(LC_ALL="UTF-8")
    assert sh_site.reply("kill", "web", tell="$99 4711\n")["cancel"] == ()


JOBS = """case " $* " in *" -j "*) ;; *) cat "$HOME/all"; exit ;; esac
for job; do at=$last last=$job; if [ "$at" = -j ]; then sed -n "s/^$job //p" "$HOME/jobs"; fi; done"""


@pytest.mark.parametrize("script", ["kill", "keep"])
@pytest.mark.parametrize("refused", ["", "7", "8", "7 8"])
def test_a_session_in_a_job_ends_with_what_was_to_follow_and_what_goes_on_is_told(
    sh_site: Site, script: str, refused: str
) -> None:
    notes = sh_site.home / ".local" / "state" / "lnode" / "in_jobs"
    notes.mkdir(parents=True, mode=0o700)
    notes.joinpath("7").write_text("node01 lnode-7 $0 1700000000,12 1700000000 22.05 web\n")
    notes.joinpath("7.keep").write_text("4000000000 0\n")
    notes.joinpath("7.next").write_text("8 4000000000 1700000000\n")
    for note in notes.iterdir():
        note.chmod(0o600)
    (sh_site.home / "jobs").write_text("7 RUNNING N/A None node01\n8 PENDING N/A Priority\n")
    sh_site.program("squeue", JOBS)
    (sh_site.home / "all").touch()
    sh_site.program(
        "scancel",
        f'for job; do case " {refused} " in *" $job "*) echo "$job: Access denied"; no=1 ;; '
        '*) sed "/^$job /d" "$HOME/jobs" >"$HOME/left"; mv "$HOME/left" "$HOME/jobs" ;; esac; done; exit ${no:-0}',
    )
    if script == "keep":
        nonce = call.nonce()
        reply = parse_reply(nonce, sh_site.answer(call.line("keep", nonce, "", "web", "0")).stdout.split("\n"))
        cancelled = () if "8" in refused else ("cancelled 8",)
        assert tuple(row for row in reply["stopped"] if "denied" not in row) == ("follows 8", *cancelled)
        return
    reply = sh_site.reply("kill", "web", tell="in-job 7\n")
    assert (reply["follows"], reply["left"]) == (("8",), tuple(refused.split()))
    assert [path.name for path in notes.iterdir() if path.name.startswith("7")] == (["7", "7.keep"] if refused else [])


def ids_of(site: Site) -> dict[str, str]:
    """Session -> its id."""
    rows = site.tmux("list-sessions", "-F", "#{session_name} #{session_id}").splitlines()
    return dict(row.rsplit(" ", 1) for row in rows)


def asking(site: Site, *names: str) -> sessions.Picture:
    """The sessions each with a salloc below its shell, once that runs; scancel writes down what it is to cancel."""
    site.program("salloc", "read -r line")
    site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    for name in names:
        site.tmux("new-session", "-d", "-s", name, "sh -c 'salloc --mem=1; true'")
    wait_until(lambda: all(entry.ending.held for entry in site.picture().entries), "salloc runs")
    return site.picture()


@needs_tmux
def test_a_request_that_was_not_shown_keeps_its_session_alive(sh_site: Site) -> None:
    db, web = asking(sh_site, "web", "db").entries
    assert not set(web.ending.held) & set(db.ending.held)
    for held in ("", " held", f" held {' '.join(map(str, db.ending.held))}", " held 1"):
        reply = sh_site.reply("kill", "web", tell=f"{web.session.id} 4711{held}\n")
        assert "changed" in reply and "left" not in reply
    assert set(ids_of(sh_site)) == {"web", "db"}
    assert not (sh_site.home / "cancelled").exists()

    shown = " ".join(map(str, web.ending.held))
    assert sh_site.reply("kill", "web", tell=f"{web.session.id} 4711 held {shown}\n")["left"] == ()
    assert set(ids_of(sh_site)) == {"db"}
    assert (sh_site.home / "cancelled").read_text() == "4711\n"


@needs_tmux
def test_a_step_of_a_request_that_was_shown_is_none_of_its_own(sh_site: Site) -> None:
    sh_site.program("srun", "read -r line")
    sh_site.program("salloc", "srun x; true")
    sh_site.program("scancel", ":")
    sh_site.tmux("new-session", "-d", "-s", "web", "sh -c 'salloc --mem=1; true'")
    wait_until(lambda: len(sh_site.picture().entries[0].ending.held) == 2, "srun runs")
    (web,) = sh_site.picture().entries
    reply = sh_site.reply("kill", "web", tell=f"{web.session.id} 4711 held {web.ending.held[0]}\n")
    assert reply["left"] == ()


@needs_tmux
def test_a_session_of_a_group_ends_alone_and_the_last_one_not_unseen(sh_site: Site) -> None:
    asking(sh_site, "web")
    sh_site.tmux("new-session", "-d", "-t", "web", "-s", "view")
    web, view = (sh_site.picture().named(name) for name in ("web", "view"))
    assert web is not None and view is not None
    assert (web.ending.shown_in, web.ending.held, web.ending.jobs) == (("view",), (), ())
    assert (view.ending.shown_in, view.ending.held, view.ending.jobs) == (("web",), (), ())
    assert sh_site.reply("kill", "view", tell=f"{view.session.id} held\n")["left"] == ()
    # what was asked while there were two does not end the last one
    assert "changed" in sh_site.reply("kill", "web", tell=f"{web.session.id} held\n")
    assert set(ids_of(sh_site)) == {"web"}


@needs_tmux
@pytest.mark.parametrize(
    ("fails", "section"),
    [("kill-session", "left"), ("list-sessions", "silent")],
)
def test_where_tmux_does_not_end_the_session_no_job_is_cancelled(sh_site: Site, fails: str, section: str) -> None:
    (web,) = asking(sh_site, "web").entries
    refuses = f'case "$*" in *{fails}*) echo "error connecting to /tmp/x (Permission denied)" >&2; exit 1 ;; esac'
    path = sh_site.program("tmux", f'{refuses}\nexec {TMUX} "$@"', "hidden")
    held = " ".join(map(str, web.ending.held))
    tell = f"{web.session.id} 4711 held {held}\n"
    reply = sh_site.reply("kill", "web", tmux_path=str(path), tell=tell)
    assert reply[section]
    assert "Permission denied" in "".join((*reply.get("said", ()), *reply.get("silent", ())))
    assert set(ids_of(sh_site)) == {"web"}
    assert not (sh_site.home / "cancelled").exists()
