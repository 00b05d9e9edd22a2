"""Sessions that live in a job, on real Slurm: no login node owns them, so no crash of one and no drop loses them."""

import base64
import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import docker
import pytest

import agents_draw
from faults import DROPS, wired
from full import FULL
from rig import AS_SITES_RUN, Rig, seeing_tmp_of, wait_until
from sites import SSHD, in_a_pipe, listing, terminals_of, with_editor
from two_nodes import two_nodes
from window import LNODE, Window
from wire import Wire

ON_NODE = ("--where", "node", "-m", "1000", "-t", "1:00:00")
SELDOM = """
import sys
from lnode.attach import expiry
expiry.OFTEN_S, expiry._SELDOM_S, expiry._QUIETLY_S = 0.5, 1e6, 1e6
from lnode.__main__ import main
sys.argv[0] = "lnode"
main()
"""
NOTES = "~/.local/state/lnode/in_jobs"
FORGED = r"a\n$(touch${IFS}/home/alice/forged) 0 l"  # the name of a folder, as bash writes it


@pytest.fixture(autouse=True)
def no_notes(slurm: Rig) -> Iterator[None]:
    yield
    slurm.exec("scancel -u alice")
    # As long as a job ends, its batch script may write down what its panes show.
    wait_until(lambda: not slurm.exec("squeue -h -u alice")[1], "all jobs have ended")
    slurm.exec(f"rm -rf {NOTES}")


def started(rig: Rig, name: str = "x", *words: str) -> Window:
    """A window with a session in a job of its own, at its prompt."""
    window = Window([*LNODE, "unity", name, *ON_NODE, *words], rig.env())
    window.wait_for("alice@login1")
    return window


def jobs(rig: Rig) -> list[str]:
    return rig.exec("squeue -h -u alice -o %i")[1].split()


def steps(rig: Rig) -> list[str]:
    """The steps beside the batch script's own."""
    return [
        row for row in rig.exec("squeue -h -s -u alice -o %i")[1].split() if not row.endswith((".batch", ".extern"))
    ]


def clients(rig: Rig, job: str) -> list[str]:
    return rig.exec(f"{seeing_tmp_of(job)}tmux -L lnode-{job} list-clients -F '#{{client_tty}}'")[1].split()


def mark(window: Window) -> None:
    """Set a variable in the shell: whoever finds it again is in the same shell."""
    window.press("MARK=four$((1 + 1)); echo set-$((6 * 7))\r")
    window.wait_for("set-42")


def is_same_shell(window: Window, turn: object = 0) -> None:
    """The variable is there. Keys that are pressed before the connection is back are not sent."""
    for last in [*[False] * 8, True]:
        window.press(f"\x15echo turn{turn}=$MARK in $SLURM_JOB_ID end\r")
        try:
            window.find(rf"^turn{turn}=four2 in \d+ end", within_s=8)
            return
        except AssertionError:
            if last:
                raise
            if "no connection to unity" in window.look():
                window.press("r")


def test_a_session_in_a_job_is_started_left_listed_and_found_again(slurm: Rig) -> None:
    with started(slurm) as window:
        mark(window)
        window.leave()
        assert re.search(r"lnode: detached; x (runs on node01, \d+ min left|keeps running on unity)", window.text())
    (job,) = jobs(slurm)
    wait_until(lambda: not steps(slurm), "a detach leaves no step")
    listed = in_a_pipe(slurm, "unity", "--ls").stdout
    assert re.search(rf"^x +node +running +node01 +{job} +\d+ min", listed, re.MULTILINE), listed
    assert steps(slurm) == []
    with Window([*LNODE, "unity", "x"], slurm.env()) as window:  # any attach finds it, whatever config.toml says
        window.wait_for("set-42")
        is_same_shell(window)
        window.press("exit\r")
        assert window.exit_status() == 0
        window.wait_for("lnode: x on unity has ended")
    wait_until(lambda: not jobs(slurm), "the job ends with its session")
    wait_until(lambda: not slurm.exec(f"ls -A -I wanted {NOTES}")[1], "nothing of it is left in the home")


def test_a_job_that_squeue_would_not_show_is_none_that_has_ended(slurm: Rig) -> None:
    slurm.exec("scontrol update partition=interactive Hidden=YES", "root")
    slurm.exec("cp ~/.bashrc ~/.bashrc.before; sed -i '1i export SQUEUE_PARTITION=other SQUEUE_STATES=PD' ~/.bashrc")
    try:
        with started(slurm) as window:
            mark(window)
            window.leave()
        (job,) = slurm.exec("unset SQUEUE_PARTITION SQUEUE_STATES; squeue -a -h -u alice -o %i")[1].split()
        assert jobs(slurm) == [], "who does not ask for all is not shown it"
        for _ in range(2):
            (one,) = json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
            assert (one["name"], one["state"], one["job"]["id"]) == ("x", "running", job)
            assert slurm.exec(f"ls {NOTES}/{job}")[0] == 0
        with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            window.wait_for("set-42")
            is_same_shell(window)
            window.leave()
        assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 0
    finally:
        slurm.exec("scontrol update partition=interactive Hidden=NO", "root")
        slurm.exec("mv ~/.bashrc.before ~/.bashrc")


def test_a_request_noted_by_a_clock_that_was_ahead_holds_nobody(slurm: Rig) -> None:
    slurm.exec(
        f"mkdir -p -m 700 {NOTES}; echo $(($(date +%s) + 3600)) nowhere 1 >{NOTES}/asking.x; chmod 600 {NOTES}/*"
    )
    with started(slurm) as window:
        window.leave()
    assert len(jobs(slurm)) == 1


def test_windows_that_start_it_at_the_same_moment_are_in_one_job(slurm: Rig) -> None:
    windows = [Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) for _ in range(3)]
    with windows[0], windows[1], windows[2]:
        for window in windows:
            window.wait_for("alice@login1")
        mark(windows[0])
        for turn, window in enumerate(windows):
            is_same_shell(window, f"at{turn}")
    assert len(jobs(slurm)) == 1


def test_what_is_done_from_outside_is_done_on_the_node(slurm: Rig) -> None:
    with started(slurm) as window:
        window.leave()
    (job,) = jobs(slurm)
    done = in_a_pipe(slurm, "unity", "x", "--send", "echo in=$SLURM_JOB_ID $((6 * 7))")
    assert done.stderr == "lnode: typed 32 characters and Enter into x on unity\n"
    done = in_a_pipe(slurm, "unity", "x", "--wait-for", f"^in={job} 42", "--timeout", "20")
    assert (done.returncode, done.stdout) == (0, f"in={job} 42\n"), done
    assert f"\nin={job} 42\n" in in_a_pipe(slurm, "unity", "x", "--peek").stdout
    slurm.exec("tmux new-session -d -s decoy")  # another server, with panes of the same numbers
    in_a_pipe(slurm, "unity", "x", "--send", "read -p 'Continue? [y/N] ' go; echo got-$go-$((6 * 7))")
    wait_until(lambda: "Continue? [y/N]" in in_a_pipe(slurm, "unity", "x", "--peek").stdout, "it asks")
    done = in_a_pipe(slurm, "unity", "x", "--answer", "y")
    assert done.returncode == 0, done
    wait_until(lambda: "got-y-42" in in_a_pipe(slurm, "unity", "x", "--peek").stdout, "it has the answer")
    slurm.exec("tmux kill-session -t decoy")
    assert slurm.exec(f"{seeing_tmp_of(job)}tmux -L lnode-{job} rename-session another-name")[0] == 0
    assert f"\nin={job} 42\n" in in_a_pipe(slurm, "unity", "x", "--peek").stdout
    assert "lnode: reset the terminal in it" in in_a_pipe(slurm, "unity", "x", "--reset").stderr
    assert in_a_pipe(slurm, "unity", "--exec", "--on", "x", "--", "printenv", "SLURM_JOB_ID").stdout == f"{job}\n"
    refused = in_a_pipe(slurm, "unity", "x", "--renew").stderr
    assert f"x still holds job {job}" in refused and "let another job follow it: lnode unity x --keep TIME" in refused
    assert in_a_pipe(slurm, "unity", "sim", "--run", "--on", "x", "--", "sleep", "600").returncode == 0
    with Window([*LNODE, "unity", "x", "--kill"], slurm.env()) as window:
        ends = f"job {job} is cancelled; the run sim ends with it"
        window.find(rf"end x on unity\? it runs on node01, \d+ min left; {ends}")
        window.press("y\r")
        window.wait_for(f"lnode: x on unity has ended, job {job} is cancelled, the run sim ends with it")
    wait_until(lambda: not jobs(slurm), "no job is left")
    assert json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"] == []


def test_the_list_knows_who_looks_and_which_agent_waits_there_and_makes_no_step(slurm: Rig) -> None:
    scene = agents_draw.BY_NAME["claude-bash"]
    text = base64.b64encode(f"\x1b]2;{scene.title}\a\x1b[H\x1b[2J{scene.draw(100, 29)}".encode()).decode()
    assert slurm.exec(f"echo {text} | base64 -d >~/drawn")[0] == 0
    with started(slurm) as window:
        window.press("cat drawn; read go\r")
        window.wait_for("Do you want to proceed?")
        wait_until(lambda: listing(slurm)["x"]["agent"] is not None, "the agent", within_s=90)
        seen = listing(slurm)["x"]
        window.leave()
    assert (seen["agent"]["name"], seen["agent"]["state"]) == ("claude", "waits for you"), seen
    assert (seen["agent"]["question"], seen["clients"]) == ("Do you want to proceed?", 1)
    if FULL:
        wait_until(lambda: listing(slurm)["x"]["clients"] == 0, "nobody looks", within_s=90)
        is_told_elsewhere(slurm)
    assert steps(slurm) == []
    assert slurm.exec(f"stat -c %a {NOTES}/*.shown {NOTES}/wanted")[1] == "600\n600\n"


def is_told_elsewhere(slurm: Rig) -> None:
    """An attach to another session hears of the agent in x, though it asks the scheduler for nothing by itself."""
    with Window([sys.executable, "-c", SELDOM, "unity", "main", "--login"], slurm.env()) as window:
        window.wait_again("claude in x waits - main\a")
        assert in_a_pipe(slurm, "unity", "x", "--send", "clear").returncode == 0
        window.wait_again("\033]0;main\a", within_s=120)
        assert in_a_pipe(slurm, "unity", "x", "--send", "clear; cat drawn; read go").returncode == 0
        window.wait_again("claude in x waits - main\a", within_s=120)
        window.leave()
    slurm.exec("tmux kill-session -t main")


def test_a_session_on_the_login_node_has_nothing_to_do_with_an_earlier_job_of_that_name(slurm: Rig) -> None:
    note = f"- - - - {int(time.time()) - 600} - x"
    history = "mkdir -p 999.history && touch 999.history/shown 999.history/panes"
    assert slurm.exec(f"umask 077; mkdir -p {NOTES} && cd {NOTES} && echo '{note}' >999 && {history}")[0] == 0
    with wired(slurm) as wire, Window([*LNODE, "unity", "x", "--login"], slurm.env()) as window:
        window.wait_for("alice@login1")
        mark(window)
        wire.reset()
        window.press("\x15echo found=$MARK\r")
        wait_until(lambda: "found=four2" in _typed(window, "echo found=$MARK"), "the same shell is back")
        window.leave()
    done = in_a_pipe(slurm, "unity", "x", "--kill", "--yes")
    assert (done.returncode, "x on unity has ended" in done.stderr) == (0, True), done


def _typed(window: Window, line: str) -> str:
    """What the window shows, with that line typed once more: keys before the connection is back are not sent.

    Nothing is under way once it has shown what is waited for: a Ctrl-b in the same breath is pasted text to tmux.
    """
    if "found=four2" not in window.look():
        window.press(f"\x15{line}\r")
        with suppress(AssertionError):
            window.find("^found=four2", within_s=5)
    return window.look()


def test_a_job_of_yours_with_its_name_is_not_taken_for_the_session(slurm: Rig) -> None:
    """An attach has asked for a job and never heard of it; later you ask for one yourself, and call it the same."""
    claim = f"umask 077; mkdir -p {NOTES} && echo $(($(date +%s) - 100)) >{NOTES}/asking.x"
    status, said = slurm.exec(f"{claim}; sbatch -J x -o /dev/null -t 10 --mem=100 --wrap 'sleep 600'")
    assert status == 0, said
    (own,) = jobs(slurm)
    with started(slurm) as window:
        window.leave()
    assert len(jobs(slurm)) == 2
    assert listing(slurm)["x"]["job"]["id"] != own
    assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 0
    wait_until(lambda: jobs(slurm) == [own], "yours goes on")


def test_another_cluster_that_shares_the_home_leaves_it_alone(slurm: Rig) -> None:
    with started(slurm) as window:
        mark(window)
        window.leave()
    (job,) = jobs(slurm)
    name = slurm.exec(f"cat {NOTES}/{job}.cluster")[1].strip()
    waits = f"- - - - {int(time.time()) - 600} - y"  # job 9999 there, which is not known here
    slurm.exec(f"cd {NOTES}; echo '{waits}' >9999; for one in {job} 9999; do echo another >$one.cluster; done")
    assert list(listing(slurm)) == []
    assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 7
    assert slurm.exec(f"ls {NOTES}/9999")[0] == 0, "that it is not known here is no proof that it has ended"
    assert jobs(slurm) == [job]
    slurm.exec(f"cd {NOTES}; rm 9999*; echo {shlex.quote(name)} >{job}.cluster")
    with Window([*LNODE, "unity", "x"], slurm.env()) as window:
        window.wait_for("set-42")
        is_same_shell(window)
        window.leave()


def test_a_home_that_takes_no_files_starts_no_job(slurm: Rig) -> None:
    slurm.exec(f"mkdir -p {NOTES}; chmod 500 {NOTES}")
    try:
        with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            assert window.exit_status() != 0
        assert jobs(slurm) == []
    finally:
        slurm.exec(f"chmod 700 {NOTES}")


def test_a_request_that_takes_long_is_waited_for_and_not_repeated(slurm: Rig) -> None:
    asks = "sleep 300 >/dev/null 2>&1 & echo $(($(date +%s) - 60)) login1 $!"
    slurm.exec(f"mkdir -p {NOTES}; {{ {asks}; }} >{NOTES}/asking.x")
    with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
        window.wait_for("lnode: another attach asks for x")
        assert jobs(slurm) == []
        slurm.exec(f"rm {NOTES}/asking.x; pkill -x sleep")
        window.wait_for("alice@login1")
        window.leave()
    assert len(jobs(slurm)) == 1


def test_an_editor_is_in_its_job(slurm: Rig) -> None:
    slurm.exec("mkdir -p ~/proj")
    with started(slurm) as window:
        window.leave()
    (job,) = jobs(slurm)
    with with_editor(slurm):
        done = in_a_pipe(slurm, "unity", "x", "--code", "~/proj", "--yes")
        assert done.returncode == 0, done
        assert "lnode: code opens /home/alice/proj on node01, " in done.stderr
        assert slurm.ssh("x.unity.lnode", "echo $SLURM_JOB_ID").stdout == f"{job}\n"


def cut(wire: Wire, window: Window, turn: int) -> None:
    """Lose every connection, and be back in the same shell."""
    (wire.hang_up if turn % 2 else wire.reset)()
    is_same_shell(window, turn)


@pytest.mark.timeout(120 + 20 * DROPS)
def test_drops_leave_one_client_and_no_step_behind(slurm: Rig) -> None:
    turns = range(DROPS if FULL else 3)
    with wired(slurm) as wire:
        with started(slurm) as window:
            mark(window)
            window.leave()
        (job,) = jobs(slurm)
        for first in turns[::5]:  # one lnode comes back less and less often, and gives up after 15 minutes of drops
            with Window([*LNODE, "unity", "x"], slurm.env()) as window:
                window.wait_for("alice@login1")
                for turn in turns[first : first + 5]:
                    cut(wire, window, turn)
                    wait_until(lambda: len(clients(slurm, job)) == 1, "one tmux client")
                wait_until(lambda: len(steps(slurm)) == 1, "one step, that of this terminal")
                window.leave()
            wait_until(lambda: not steps(slurm), "no step is left")
        assert jobs(slurm) == [job]


def test_the_end_of_a_job_keeps_what_the_panes_showed(slurm: Rig) -> None:
    with started(slurm) as window:
        window.press("mkdir -p ~/deep && cd ~/deep && echo kept-$((6 * 7))\r")
        window.wait_for("kept-42")
        window.press("\x02c")
        window.wait_for("1:bash*")
        window.press(f"mkdir -p ~/$'{FORGED}' && cd ~/$'{FORGED}' && echo second-$((6 * 7))\r")
        window.wait_for("second-42")
        window.leave()
    (job,) = jobs(slurm)
    # Slurm takes 30 s to see that the time is over; a job that is cancelled past lnode ends by the same signal.
    if AS_SITES_RUN:  # tmux ends at once; what counts is what was kept before
        slurm.exec(f"scancel --batch --signal=USR1 {job}")
        wait_until(lambda: slurm.exec(f"test -d {NOTES}/{job}.history")[0] == 0, "the panes are kept")
    slurm.exec(f"scontrol update JobId={job} EndTime=now" if FULL else f"scancel {job}", "root")
    wait_until(lambda: not jobs(slurm), "its time is over", within_s=90)
    listed = in_a_pipe(slurm, "unity", "--ls").stdout
    assert re.search(rf"^x +node +ended .*job {job}, its history is kept: lnode unity x", listed, re.MULTILINE), listed
    with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
        assert window.exit_status() == 7
        window.wait_for("kept-42")
        window.wait_for("put it back in a new job: lnode unity x --renew")
    assert slurm.exec(f"stat -c %a {NOTES}/{job}.history")[1] == "700\n"
    kept = slurm.exec(f"cat {NOTES}/{job}.history/panes")[1].splitlines()
    assert [row.split(" ")[1] for row in kept] == ["0", "1"], kept
    with Window([*LNODE, "unity", "x", "--renew", "-m", "1000", "-t", "1:00:00"], slurm.env()) as window:
        window.wait_for("second-42")
        wait_until(lambda: not slurm.exec(f"grep -s -d skip '^- - - - ' {NOTES}/*")[1], "all of it has started")
        window.press("\x02p")
        window.wait_for("kept-42")
        window.press("echo in=$(pwd) $SLURM_JOB_ID end\r")
        again = window.find(r"in=/home/alice/deep (\d+) end")[1]
        window.leave()
    assert jobs(slurm) == [again] != [job]
    assert slurm.exec("ls /home/alice/forged")[0] != 0
    assert in_a_pipe(slurm, "unity", "x", "--kill", "--yes").returncode == 0
    wait_until(lambda: not jobs(slurm), "no job is left")


def test_the_wait_in_the_queue_survives_the_connection(slurm: Rig) -> None:
    slurm.exec("scontrol update partition=interactive state=DOWN", "root")
    try:
        with wired(slurm) as wire, Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            window.find(r"lnode: x waits for its node, job \d+")
            (job,) = jobs(slurm)
            done = in_a_pipe(slurm, "unity", "x", "--peek")
            assert (done.returncode, "x on unity waits for its node" in done.stderr) == (1, True), done
            before = len(terminals_of(slurm, "alice"))
            wire.reset()
            window.wait_again("reconnecting to unity")
            wait_until(lambda: len(terminals_of(slurm, "alice")) > before, "another terminal")
            window.wait_again("waits for its node")
            window.press("\x03")
            assert window.exit_status() == 0
            window.wait_for("lnode: detached; x")
        assert jobs(slurm) == [job]
        with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            window.find(rf"lnode: x waits for its node, job {job}")
            slurm.exec("scontrol update partition=interactive state=UP", "root")
            window.wait_for("alice@login1")
            window.press("echo in=$SLURM_JOB_ID\r")
            window.wait_for(f"in={job}")
            window.leave()
        assert jobs(slurm) == [job]
    finally:
        slurm.exec("scontrol update partition=interactive state=UP", "root")


def crash(rig: Rig) -> None:
    """As a crash of the login node does it: sshd's processes, the srun of each step and tmux there are gone at once."""
    rig.exec(
        f"pkill -KILL -f '^{SSHD}: alice'; pkill -KILL -u alice -x srun; pkill -KILL -f '^tmux new -d -s other'", "root"
    )


@pytest.mark.full
@pytest.mark.timeout(900)  # twenty crashes in a row are come back from less and less often
def test_what_happens_to_the_login_node_is_nothing_to_the_session(slurm: Rig) -> None:
    slurm.exec("tmux new -d -s other")
    with started(slurm) as window:
        mark(window)
        (job,) = jobs(slurm)
        for turn in range(20 if FULL else 2):
            crash(slurm)
            is_same_shell(window, turn)
        slurm.exec("tmux kill-server")
        is_same_shell(window, "killed")
        slurm.exec("pkill -x slurmctld; setpriv --reuid slurm --regid slurm --init-groups slurmctld", "root")
        is_same_shell(window, "restarted")
        wait_until(lambda: len(clients(slurm, job)) == 1 and len(steps(slurm)) == 1, "one client and one step")
        window.leave()
    wait_until(lambda: not steps(slurm), "no step is left")
    assert jobs(slurm) == [job]


@pytest.mark.skipif(
    not FULL, reason="LNODE_FULL=1: waits for a scheduler that does not answer, as the last test does once"
)
def test_a_scheduler_that_does_not_answer_is_named_and_nothing_is_done(slurm: Rig) -> None:
    with started(slurm) as window:
        window.leave()
    held = jobs(slurm)
    slurm.exec("pkill -STOP -x slurmctld", "root")
    try:
        with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            assert window.exit_status() == 1
            window.wait_for("the scheduler of unity does not answer, so whether the job of x runs is not known")
        listed = in_a_pipe(slurm, "unity", "--ls").stdout
        assert re.search(r"^x +node +unknown ", listed, re.MULTILINE), listed
        done = in_a_pipe(slurm, "unity", "x", "--kill", "--yes")
        assert (done.returncode, "the scheduler does not answer; nothing was ended" in done.stderr) == (1, True), done
    finally:
        slurm.exec("pkill -CONT -x slurmctld", "root")
    wait_until(lambda: jobs(slurm) == held, "its job goes on, and no other")


def test_a_tmux_that_does_not_start_on_the_node_is_said_and_the_login_node_is_used(slurm: Rig) -> None:
    wrapper = '#!/bin/sh\n[ -z "$SLURM_JOB_ID" ] || { echo "no tmux for nodes" >&2; exit 1; }\nexec tmux "$@"\n'
    slurm.exec(f"printf %s '{wrapper}' >~/own-tmux; chmod 755 ~/own-tmux")  # in /tmp a job may not see it
    config = slurm.home / "no-tmux.toml"
    config.write_text('[hosts.unity]\nwhere = "node"\ntmux = "/home/alice/own-tmux"\nmem = "1000"\ntime = "1:00:00"\n')
    with Window([*LNODE, "unity", "x"], slurm.env(LNODE_CONFIG=str(config))) as window:
        window.wait_for("[x]")
        window.wait_for("alice@login1")
        assert b"x cannot live on a node (node01: no tmux for nodes)" in window.raw
        wait_until(lambda: len(jobs(slurm)) == 1, "one job, that of the request on the login node")
        window.leave()
    assert slurm.exec("tmux list-sessions -F '#{session_name}'")[1] == "x\n"


def test_a_request_that_the_scheduler_refuses_starts_nothing(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "x", *ON_NODE, "-p", "nowhere"], slurm.env()) as window:
        assert window.exit_status() == 1
        window.wait_for("invalid partition specified: nowhere")
        window.wait_for("the scheduler of unity refused a job for x; nothing was started")
        window.wait_for("lnode unity x --where login")
    assert (jobs(slurm), slurm.exec(f"ls -A -I wanted {NOTES}")[1]) == ([], "")


def test_a_session_that_was_made_by_hand_in_a_job_is_listed_and_attached(slurm: Rig) -> None:
    by_hand = "tmux -L hand new -d -s byhand; tmux -L hand wait end"
    job = slurm.exec(f"sbatch --parsable -o /dev/null --wrap '{by_hand}'")[1].strip()
    slurm.exec("sbatch -o /dev/null --wrap 'sleep 300'")
    wait_until(lambda: len(slurm.exec("squeue -h -u alice -t running -o %i")[1].split()) == 2, "both run")
    wait_until(lambda: slurm.exec(f"{seeing_tmp_of(job)}tmux -L hand list-sessions")[0] == 0, "its tmux runs")
    (one,) = json.loads(in_a_pipe(slurm, "unity", "--ls", "--json").stdout)["sessions"]
    assert (one["name"], one["kind"], one["state"]) == ("byhand", "node", "running")
    with Window([*LNODE, "unity", "byhand"], slurm.env()) as window:
        window.wait_for("[byhand]")
        window.press("echo in=$SLURM_JOB_ID\r")
        window.wait_for(f"in={one['job']['id']}")
        window.leave()
    assert in_a_pipe(slurm, "unity", "byhand", "--kill", "--yes").returncode == 0
    slurm.exec("tmux -L hand kill-server")  # this rig follows no process that has left its parents


@pytest.mark.skipif(not FULL, reason="LNODE_FULL=1: two login nodes")
def test_either_login_node_leads_to_it(engine: docker.DockerClient, slurm_image: str, run: str) -> None:
    with two_nodes(engine, slurm_image, run, shared_home=True) as nodes:
        rig, second = nodes.first, nodes.second
        nodes.land_on(second)
        with started(rig) as window:
            mark(window)
            window.leave()
        (job,) = jobs(rig)
        second.container.kill()  # no login node owns it
        nodes.land_on(rig)
        with Window([*LNODE, "unity", "x"], rig.env()) as window:
            window.wait_for("set-42")
            is_same_shell(window)
            window.leave()
        assert jobs(rig) == [job]
        assert in_a_pipe(rig, "unity", "x", "--kill", "--yes").returncode == 0
        wait_until(lambda: not jobs(rig), "no job is left")


def test_its_messages_are_shown_on_the_node_and_told_once(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "x", "--where", "node", "-m", "1000", "-t", "14:00"], slurm.env()) as window:
        window.find(r"lnode: x on node01 ends in \d+ min, job \d+")
        (job,) = jobs(slurm)
        wait_until(
            lambda: slurm.exec(f"cat {NOTES}/{job}.told")[1] == f"- {job}/15\n", "the home knows that it is told"
        )
        window.leave()
    with Window([*LNODE, "unity", "x"], slurm.env()) as window:
        window.find(r"lnode: x runs on node01, job \d+")
        window.leave()
    assert window.raw.count(b"ends in") == 0


@pytest.mark.full
def test_a_request_whose_answer_got_lost_is_found_and_not_repeated(slurm: Rig) -> None:
    with started(slurm) as window:
        mark(window)
        window.leave()
    (job,) = jobs(slurm)
    slurm.exec(f"cd {NOTES}; rm {job}; date +%s >asking.x")  # as after a crash between sbatch and the note
    slurm.exec("pkill -STOP -x slurmctld", "root")
    try:
        with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
            assert window.exit_status() == 1
            window.wait_for("the scheduler of unity does not answer")
    finally:
        slurm.exec("pkill -CONT -x slurmctld", "root")
    with Window([*LNODE, "unity", "x", *ON_NODE], slurm.env()) as window:
        window.wait_for("set-42")
        is_same_shell(window)
        window.leave()
    assert jobs(slurm) == [job]
