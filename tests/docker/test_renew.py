"""`--renew` on real Slurm: another allocation in the same session, and never one too many."""

import re
import shlex
import subprocess

import pytest

from full import FULL
from rig import Rig, wait_until
from sites import in_a_pipe
from window import LNODE, Window

MEM = ("-m", "1000", "-t", "1:00:00")


def jobs(rig: Rig, user: str = "alice") -> list[str]:
    """`ID STATE` of the user's jobs."""
    return rig.exec(f"squeue -h -u {user} -o '%i %T'")[1].splitlines()


def runs(rig: Rig, user: str = "alice") -> str:
    """The id of the one job that runs, once there is one."""
    wait_until(lambda: any("RUNNING" in job for job in jobs(rig, user)), "a job runs")
    (job,) = (job.split()[0] for job in jobs(rig, user) if "RUNNING" in job)
    return job


def end(rig: Rig, job: str) -> None:
    """Its time is over."""
    assert rig.exec(f"scontrol update JobId={job} EndTime=now", "root")[0] == 0


def ended(rig: Rig, name: str, user: str = "alice") -> None:
    option = f"tmux show-options -t {name} | grep -c '^@lnode_ended'"
    wait_until(lambda: rig.exec(option, user)[1] == "1\n", "the session knows that it has ended", within_s=60)


def renew(rig: Rig, name: str, *words: str, user: str = "unity") -> tuple[int, str]:
    done = in_a_pipe(rig, user, name, "--renew", *MEM, *words)
    return done.returncode, done.stderr


def test_an_allocation_that_ran_out_is_asked_for_again_in_the_same_pane(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "again", *MEM], slurm.env()) as window:
        window.wait_for("alice@login1")
        job = runs(slurm)
        window.press("cd /var/tmp; clear; echo kept-$SLURM_JOB_ID\r")
        window.wait_for(f"kept-{job}")
        code, said = renew(slurm, "again")
        assert (code, re.sub(r"\d+ min", "N min", said)) == (
            1, f"lnode: again still holds job {job}, N min left\n"
            "hint:  queue its successor: lnode unity again --renew --early\n",
        )  # fmt: skip
        slurm.exec(f"scancel {job}")
        window.find(
            rf"^lnode: job {job}( \(CANCELLED\))? has ended. This shell is on the login node login1", within_s=60
        )
        window.wait_for("lnode: a new allocation in this session, from your laptop: lnode unity again --renew")
        ended(slurm, "again")
        wait_until(lambda: not jobs(slurm), "Slurm is done with it", within_s=60)
        listed = in_a_pipe(slurm, "unity", "--ls").stdout
        assert re.search(
            rf"^again +node +ended, now a shell +login1 .*job {job}, (cancelled, )?\d+ s ago", listed, re.MULTILINE
        )
        window.press("cd /var\r")
        window.find(r"^alice@login1:/var\$")  # a Ctrl-b in the same breath is pasted text to tmux
        window.detach()
        assert window.exit_status() == 0

    with Window([*LNODE, "unity", "again", "--renew", *MEM], slurm.env()) as window:
        wait_until(lambda: bool(window.look() or 1) and runs(slurm) != job, "another job runs")
        window.wait_for("alice@login1")
        window.press("echo now-$SLURM_JOB_ID in $PWD\r")
        window.wait_for(f"now-{runs(slurm)} in /var")
        assert slurm.exec("tmux list-panes -s -t again | wc -l")[1] == "1\n"
        above = slurm.exec("tmux capture-pane -p -J -t again -S -100")[1]
        assert f"kept-{job}" in above
        assert f"lnode: job {job}" in above
        assert slurm.exec("tmux show-options -t again | grep -c '^@lnode_ended'")[1] == "0\n"
        window.detach()
        assert window.exit_status() == 0


@pytest.mark.skipif(not FULL, reason="LNODE_FULL=1: Slurm looks at time limits twice a minute")
def test_its_time_is_over(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s timed 'sinteractive -m 1000 -t 1:00:00; bash'")
    end(slurm, runs(slurm))
    wait_until(lambda: not jobs(slurm), "it has ended", within_s=90)
    assert renew(slurm, "timed") == (0, "lnode: timed on unity asks for another allocation in its pane\n")
    runs(slurm)


def test_what_is_at_work_is_left_alone(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s busy 'cd /var; exec bash'; tmux set -t busy @lnode_ended '- - 1700000000'")
    slurm.exec("tmux send-keys -t busy 'exec cat' Enter")
    wait_until(
        lambda: slurm.exec("tmux list-panes -t busy -F '#{pane_current_command}'")[1] == "cat\n", "it is at work"
    )
    assert renew(slurm, "busy") == (
        0, "lnode: busy on unity asks for another allocation in a new window, as it was at work\n"
    )  # fmt: skip
    runs(slurm)
    commands = slurm.exec("tmux list-panes -s -t busy -F '#{pane_current_command} #{pane_current_path}'")[1]
    assert re.fullmatch(r"cat /var\nbash /var\n", commands), commands


def test_the_name_of_a_folder_is_no_row_of_a_list(slurm: Rig) -> None:
    slurm.exec("echo mine >/var/tmp/precious; tmux new -d -s other bash")
    pane, pid = slurm.exec("tmux list-panes -t other -F '#{pane_id} #{pane_pid}'")[1].split()
    folder = f"/var/tmp/a\n11 {pane} {pid} /var/tmp/precious 24 x"
    slurm.exec(f"mkdir -p {shlex.quote(folder)}; tmux new -d -s lured -c {shlex.quote(folder)} bash")
    slurm.exec("tmux split-window -t lured -c /var bash; tmux set -t lured @lnode_ended '- - 1700000000'")
    assert renew(slurm, "lured")[0] == 0
    runs(slurm)
    assert slurm.exec("cat /var/tmp/precious")[1] == "mine\n"
    assert slurm.exec("tmux list-panes -t other -F '#{pane_id} #{pane_pid}'")[1].split() == [pane, pid]


def test_twice_at_once_is_once(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s once bash; tmux set -t once @lnode_ended '- - 1700000000'")
    assert renew(slurm, "once")[0] == 0
    code, said = renew(slurm, "once")
    assert code == 1
    assert re.match(
        r"lnode: (once still holds job|once waits already|whether once holds an allocation is not known)", said
    )
    runs(slurm)
    assert len(jobs(slurm)) == 1
    assert renew(slurm, "once", "--early") == (
        0, "lnode: once on unity asks for its next allocation in a new window\n"
    )  # fmt: skip


def test_a_successor_waits_while_the_old_one_runs(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s early 'sinteractive -m 1000 -t 1:00:00; bash'")
    job = runs(slurm)
    assert slurm.exec("scontrol update partition=interactive state=DOWN", "root")[0] == 0
    try:
        assert renew(slurm, "early", "--early") == (
            0, "lnode: early on unity asks for its next allocation in a new window\n"
        )  # fmt: skip
        wait_until(lambda: any("PENDING" in row for row in jobs(slurm)), "the successor waits")
        listed = in_a_pipe(slurm, "unity", "--ls").stdout
        assert re.search(rf"^early +node +running +node\S+ +{job} .* its successor waits", listed, re.MULTILINE)
        assert "the successor of early waits already" in renew(slurm, "early", "--early")[1]
    finally:
        slurm.exec("scontrol update partition=interactive state=UP", "root")
    wait_until(lambda: len([row for row in jobs(slurm) if "RUNNING" in row]) == 2, "both run", within_s=60)
    done = in_a_pipe(slurm, "unity", "early", "--kill", "--yes")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not jobs(slurm), "both are given back", within_s=60)


@pytest.mark.parametrize("user", ["u_fish", "u_tcsh", "u_zsh"])
def test_in_other_shells(slurm: Rig, user: str) -> None:
    try:
        slurm.exec("tmux new -d -s mine; tmux set -t mine @lnode_ended '- - 1700000000'", user)
        no_child = "! ps -o stat= --ppid $(tmux list-panes -F '#{pane_pid}' -t mine) | grep -qv Z"
        waits = f"tmux capture-pane -p -t mine | grep -q login1 && {no_child}"
        wait_until(lambda: slurm.exec(waits, user)[0] == 0, "its shell is at its prompt")
        assert renew(slurm, "mine", user=user)[1].endswith("asks for another allocation in its pane\n")
        runs(slurm, user)
        assert len(jobs(slurm, user)) == 1
    finally:
        slurm.forget_sessions(user)


def test_what_has_nothing_to_renew(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s plain ';' set @lnode_kind login")
    assert renew(slurm, "plain") == (
        2, "lnode: plain is a plain session, which has no allocation\nhint:  start another one: lnode unity NAME\n"
    )  # fmt: skip
    assert renew(slurm, "nowhere")[0] == 7
    assert jobs(slurm) == []


def test_a_request_that_no_scheduler_knows_of_yet_is_not_made_twice(slurm: Rig) -> None:
    config = slurm.folder / "slow.toml"
    config.write_text('[hosts.unity]\ncommand = "cat"\n')
    slurm.exec("tmux new-session -d -s slow bash")
    slurm.exec("tmux set-option -t slow: @lnode_kind node")
    renewed = [
        subprocess.run(
            [*LNODE, "unity", "slow", "--renew"], env=slurm.env(LNODE_CONFIG=str(config)), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [done.returncode for done in renewed] == [0, 1], [done.stderr for done in renewed]
    assert renewed[1].stderr.startswith("lnode: slow on unity is asking for an allocation already\n")
    slurm.exec("tmux send-keys -t slow: C-d")
    ended(slurm, "slow")
    wait_until(lambda: "@lnode_renewed" not in slurm.exec("tmux show-options -t slow:")[1], "its pane forgets it")


def test_a_script_that_reads_is_no_prompt(slurm: Rig) -> None:
    slurm.exec("echo 'echo reads; read -r x' >/tmp/reads; tmux new-session -d -s script 'bash /tmp/reads'")
    slurm.exec("tmux set-option -t script: @lnode_kind node")
    wait_until(lambda: "reads" in slurm.exec("tmux capture-pane -p -t script:")[1], "it reads")
    code, said = renew(slurm, "script")
    assert code == 0, said
    assert "in a new window" in said
    assert slurm.exec("tmux list-panes -s -t script: | wc -l")[1] == "2\n"
