"""A job whose session is gone: which one it is of, by the notes of the panes that asked; and what is no proof."""

import pytest

from lnode.cluster.orphans import parse_requests, parse_start
from lnode.cluster.sessions import Picture, State, picture_of, whereabouts
from lnode.schedulers.slurm import WIDTHS

NOW = 1_700_000_000
ASKED = NOW - 7200


def squeue(id_: str = "7", sid: int = 900, *, submitted: int = ASKED + 3, state: str = "RUNNING", batch: str = "0",
           host: str = "login1") -> str:  # fmt: skip
    fields = {
        "jobid": id_, "allocsid": str(sid), "batchflag": batch, "submittime": str(submitted), "state": state,
        "timeleft": "1:00:00", "starttime": "N/A", "allocnodes": host,
        "nodelist": "c0512" if state == "RUNNING" else "",
        "reason": "Priority" if state == "PENDING" else "None", "name": "bash",
    }  # fmt: skip
    return "".join(fields[field].ljust(width) for field, width in WIDTHS.items())


def seen(*notes: str, jobs: tuple[str, ...] = (), up_s: int = 10**6, **sections: list[str]) -> Picture:
    reply = {
        "host": ["login1", str(NOW), "22"], "scheduler": ["slurm"], "panes": [], "processes": [], "jobs": list(jobs),
        "requests": [str(up_s), *notes], "end": [],
    }  # fmt: skip
    return picture_of(reply | {name.replace("_", "-"): rows for name, rows in sections.items()})


def orphans(picture: Picture) -> dict[str, list[str]]:
    return {entry.session.name: [job.id for job in entry.ending.jobs] for entry in picture.lost}


NOTE = f"900 {ASKED} - x"


@pytest.mark.parametrize("batch", ["0", "1"])
def test_a_job_that_the_pane_asked_for_is_an_orphan(batch: str) -> None:
    picture = seen(NOTE, jobs=(squeue(batch=batch),))
    (entry,) = picture.lost
    assert (entry.state, entry.is_lost, entry.node, entry.restarted) == (State.ORPHAN, True, "c0512", None)
    assert (picture.names, picture.entries) == (["x"], ())
    assert whereabouts(entry) == "has lost its tmux on login1; its job runs on c0512, 60 min left"


@pytest.mark.parametrize(
    "row",
    [
        squeue(sid=901), squeue(host="login2"), squeue(submitted=ASKED - 400), squeue(submitted=ASKED + 1000),
        squeue(state="COMPLETING"), squeue(host="(null)"),
    ],
    ids=["another pane's", "another node's", "older", "later", "ending", "from nowhere"],
)  # fmt: skip
def test_any_other_job_is_not(row: str) -> None:
    assert orphans(seen(NOTE, jobs=(row,))) == {}


def test_a_batch_job_that_you_may_have_submitted_is_not() -> None:
    later = squeue("8", submitted=ASKED + 600, batch="1")
    assert orphans(seen(NOTE, jobs=(later,))) == {}
    assert orphans(seen(NOTE, jobs=(squeue("8", submitted=ASKED + 600, batch="2"),))) == {}
    assert orphans(seen(NOTE, jobs=(squeue(), later))) == {"x": ["7"]}
    assert orphans(seen(NOTE, jobs=(squeue(), squeue("8", batch="1")))) == {"x": ["7"]}  # beside its own job


def test_what_is_left_of_the_pane_gives_its_job_back_itself() -> None:
    # salloc, 2 h old, in the session of the pane that has gone
    assert orphans(seen(NOTE, jobs=(squeue(),), processes=["905 1 900 02:00:00 salloc"])) == {}
    # a pid that is used again, by what began an hour ago
    assert orphans(seen(NOTE, jobs=(squeue(),), processes=["900 1 900 01:00:00 bash"])) == {"x": ["7"]}


def test_after_a_restart_a_process_of_that_number_is_another_one() -> None:
    up_s = NOW - ASKED - 5
    new = "905 1 900 01:59:50 sshd"
    assert orphans(seen(NOTE, jobs=(squeue(),), up_s=up_s, processes=[new])) == {"x": ["7"]}
    assert orphans(seen(NOTE, jobs=(squeue(),), processes=[new])) == {}


@pytest.mark.parametrize("section", ["scheduler_silent", "refused_tmux", "lost_tmux", "no_tmux", "unasked_tmux"])
def test_without_an_answer_nothing_is_lost(section: str) -> None:
    assert orphans(seen(NOTE, jobs=(squeue(),), **{section: []})) == {}


def test_a_pane_that_is_there_is_no_orphan_and_has_what_it_brought_back() -> None:
    pane = f"$3 {ASKED} {ASKED} 0 950 %4 f* knode o e w t x"
    picture = seen(f"950 {ASKED + 60} 7 x", jobs=(squeue(batch="1"),), panes=[pane])
    (entry,) = picture.entries
    assert (entry.state, entry.job and entry.job.id, picture.lost) == (State.RUNNING, "7", ())
    assert [job.id for job in entry.ending.jobs] == ["7"]


def test_a_later_pane_of_that_number_has_brought_nothing_back() -> None:
    pane = f"$3 {NOW - 60} {NOW} 0 950 %4 f* knode o e w t other"
    picture = seen(f"950 {ASKED} 7 x", jobs=(squeue(),), panes=[pane], processes=["950 1 950 01:00 bash"])
    (entry,) = picture.entries
    assert (entry.session.name, entry.job, entry.ending.jobs) == ("other", None, ())


def test_what_was_brought_back_and_is_lost_again_is_known_by_its_number() -> None:
    assert orphans(seen(f"950 {ASKED} 7 x", jobs=(squeue(), squeue("8", 950)))) == {"x": ["7"]}


def test_the_running_job_comes_before_its_successor() -> None:
    waits = squeue("9", 901, submitted=ASKED + 3700, state="PENDING")
    picture = seen(f"901 {ASKED + 3690} - x", NOTE, jobs=(waits, squeue()))
    assert orphans(picture) == {"x": ["7", "9"]}
    assert picture.lost[0].job is not None and picture.lost[0].job.id == "7"


@pytest.mark.parametrize(("up_s", "told"), [(3600, ["x"]), (10**6, []), (7199, ["x"])])
def test_what_a_restart_has_ended_is_told_as_ended(up_s: int, told: list[str]) -> None:
    picture = seen(NOTE, up_s=up_s)
    assert [entry.session.name for entry in picture.lost] == told
    assert all((entry.state, entry.restarted) == (State.ENDED, NOW - up_s) for entry in picture.lost)
    assert picture.names == []


@pytest.mark.parametrize(
    "row", ["", "900", "900 x - y", f"900 {ASKED} -", f"-1 {ASKED} - x", f"900 {ASKED} - a:b", f"900 {'9' * 40} - x"]
)
def test_a_strange_note_is_none(row: str) -> None:
    assert parse_requests([row]) == ()


def test_a_strange_job_in_a_note_is_none() -> None:
    (request,) = parse_requests([f"900 {ASKED} --all x"])
    assert request.job is None


@pytest.mark.parametrize(("rows", "start"), [([], None), (["x"], None), (["60"], NOW - 60), ([str(10**11)], None)])
def test_the_start_of_a_node(rows: list[str], start: int | None) -> None:
    assert parse_start(rows, NOW) == start
