"""The main job on a real cluster: sshd, tmux and Slurm."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from faults import LATE, children, shell_of, wired
from rig import Rig, configured, wait_until
from sites import in_a_pipe, listing
from window import LNODE, Window


def shown(window: Window, word: str) -> str:
    """Type a command that prints `word=...` and wait for its value."""
    window.press(f"echo {word}=${word}=\r")
    deadline_text = window.wait_for(f"\n{word}=")
    match = re.search(rf"^{word}=(.*?)=$", deadline_text, re.MULTILINE)
    assert match, deadline_text
    return match[1]


def test_a_session_on_a_compute_node_survives_its_ssh_client(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "myproject"], slurm.env()) as window:
        window.wait_for("alice@login1:~$")
        job, node = shown(window, "SLURM_JOB_ID"), shown(window, "SLURMD_NODENAME")
        shell = shell_of(window)
        assert (job.isdecimal(), node.startswith("node")) == (True, True)
        assert listing(slurm)["myproject"]["job"]["id"] == job
        before = clients(slurm)
        for pid, argv in children(window).items():
            if " -t " in argv:
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: clients(slurm) not in ("", before), "another client is there")
        assert shell_of(window) == shell
        window.detach()
        assert window.exit_status() == 0
        assert re.search(rf"lnode: detached; myproject (runs on {node}, |{LATE})", window.text())

    done = subprocess.run(
        [*LNODE, "unity", "myproject", "--kill", "--yes"], env=slurm.env(), capture_output=True, text=True, check=True
    )
    assert done.stderr == f"lnode: myproject on unity has ended, job {job} (bash) is cancelled\n"
    assert listing(slurm) == {}
    wait_until(lambda: slurm.exec("squeue -h -t RUNNING,PENDING")[1] == "", "the job is gone")


def clients(slurm: Rig) -> str:
    return slurm.exec("tmux list-clients -F '#{client_pid}'")[1]


def test_ls_is_one_channel_and_knows_a_livenode_session_by_hand(slurm: Rig) -> None:
    slurm.exec('tmux new-session -d -s by-hand "sinteractive -m 1000 -t 1:00:00; bash"')
    slurm.exec("tmux new-session -d -s 'plain one'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T")[1], "the job runs")
    before = slurm.sshd_log().count("Starting session:")
    done = subprocess.run([*LNODE, "unity", "--ls"], env=slurm.env(), capture_output=True, text=True, check=True)
    assert slurm.sshd_log().count("Starting session:") == before + 1
    header, *rows = (row.split("  ") for row in sorted(done.stdout.splitlines(), key=lambda row: row[0] != "S"))
    assert header[0] == "SESSION"
    table = {row[0].strip(): [cell.strip() for cell in row if cell.strip()] for row in rows}
    assert table["by-hand"][1:3] == ["node", "running"]
    assert table["by-hand"][3].startswith("node0")
    assert table["plain one"][1:4] == ["login", "shell", "login1"]
    with Window([*LNODE, "unity", "plain one"], slurm.env()) as window:
        window.wait_for("alice@login1")
        window.detach()
        assert window.exit_status() == 0
        assert re.search(r"detached; plain one (runs on login1|keeps running on unity)", window.text())


@pytest.mark.full
def test_every_family_of_sinteractive_is_joined_and_killed(slurm: Rig) -> None:
    for family in ("sinteractive", "sinteractive-salloc", "sinteractive-sbatch"):
        slurm.exec(f'tmux new-session -d -s {family} "{family} -m 1000 -t 1:00:00; bash"')
        wait_until(lambda name=family: listing(slurm)[name]["state"] == "running", f"{family} runs")  # type: ignore[misc]
        subprocess.run([*LNODE, "unity", family, "--kill", "--yes"], env=slurm.env(), capture_output=True, check=True)
        wait_until(lambda: slurm.exec("squeue -h -t RUNNING,PENDING")[1] == "", f"the job of {family} is gone")


def test_kill_asks_first(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s precious")
    with Window([*LNODE, "unity", "precious", "--kill"], slurm.env()) as window:
        window.wait_for("end precious on unity? it runs on login1 [y/N]")
        window.press("\r")
        assert window.exit_status() == 1
        assert "precious goes on" in window.text()
    assert "precious" in listing(slurm)
    with Window([*LNODE, "unity", "precious", "--kill"], slurm.env()) as window:
        window.wait_for("[y/N]")
        window.press("y\r")
        assert window.exit_status() == 0
    assert listing(slurm) == {}


def test_what_was_told_into_a_silence_may_have_been_done_or_not(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s precious")
    impatient = "Host unity\n    ServerAliveInterval 1\n    ServerAliveCountMax 2\n"
    with (
        wired(slurm) as wire,
        configured(slurm, impatient),
        Window([*LNODE, "unity", "precious", "--kill"], slurm.env()) as window,
    ):
        window.wait_for("[y/N]")
        wire.cut()
        window.press("y\r")
        assert window.exit_status() == 4
        said = "lnode: the connection to unity was lost, and whether it was done is not known"
        assert f"{said}\nhint:  look before you ask again: lnode unity --ls" in window.text()
    assert "precious" in listing(slurm)


def test_when_the_allocation_ends_the_shell_says_where_it_is(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "short"], slurm.env()) as window:
        window.wait_for("alice@login1:~$")
        job = shown(window, "SLURM_JOB_ID")
        window.press("exit\r")
        window.find(rf"^lnode: job {job}( \(COMPLETED\))? has ended. This shell is on the login node login1")
        assert listing(slurm)["short"]["state"] == "ended"
        window.press("exit\r")
        assert window.exit_status() == 0
        assert "lnode: short on unity has ended" in window.text()


@pytest.fixture
def in_scratch(slurm: Rig) -> Iterator[None]:
    """As where the home takes no job: all starts in a folder elsewhere."""
    config = slurm.home / ".config" / "lnode" / "config.toml"
    before = config.read_text()
    config.write_text('[hosts.unity]\nkeep_warm = "no"\ncwd = "/var/tmp/two words"\n')
    slurm.exec("mkdir '/var/tmp/two words'")
    yield
    config.write_text(before)
    slurm.exec("rm -rf '/var/tmp/two words'")


@pytest.mark.usefixtures("in_scratch")
def test_sessions_and_runs_start_where_the_configuration_says(slurm: Rig) -> None:
    with Window([*LNODE, "unity", "fit"], slurm.env()) as window:
        window.wait_for("alice@login1:/var/tmp/two words$")
        assert shown(window, "SLURM_SUBMIT_DIR") == "/var/tmp/two words"
        window.detach()
        assert window.exit_status() == 0
    assert in_a_pipe(slurm, "unity", "here", "--run", "--", "pwd").returncode == 0
    assert in_a_pipe(slurm, "unity", "here", "--logs", "-f").stdout == "/var/tmp/two words\n"
    slurm.exec("tmux kill-server; rm -r '/var/tmp/two words'")
    with Window([*LNODE, "unity", "fit"], slurm.env()) as window:
        assert window.exit_status() == 1
        said = window.text().replace("\n", "")
    assert "cannot enter the folder /var/tmp/two words on unity; nothing was started" in said
    assert "fix cwd under [hosts.unity] in config.toml" in said


def test_a_home_that_nobody_can_read_starts_nothing(slurm: Rig) -> None:
    slurm.exec("chmod 0 ~")  # as after a Kerberos ticket has ended
    try:
        with Window([*LNODE, "unity", "fit"], slurm.env()) as window:
            assert window.exit_status() == 1
            assert "cannot enter your home directory on unity; nothing was started" in window.text().replace("\n", "")
        assert slurm.exec("tmux list-sessions")[0] != 0
    finally:
        slurm.exec("chmod 755 ~")


def test_a_home_that_takes_nothing_is_said(slurm: Rig) -> None:
    slurm.exec("rm -rf ~/.local/state; mkdir -p ~/.local; ln -s /proc/nowhere ~/.local/state")
    said = "lnode: cannot write to your home on login1, so lnode cannot remember what runs there: lnode unity --doctor"
    try:
        with Window([*LNODE, "unity", "fit"], slurm.env()) as window:
            window.wait_for("alice@login1:~$")
            window.detach()
            assert window.exit_status() == 0
            shown = window.text().replace("\n", "")  # a line of the terminal ends anywhere
            assert ("lnode: detached; fit runs on node" in shown and said in shown) or LATE in shown
        assert f"{said}\n" in in_a_pipe(slurm, "unity", "--ls").stderr
    finally:
        slurm.exec("rm ~/.local/state")
    assert said not in in_a_pipe(slurm, "unity", "--ls").stderr


def test_waiting_sessions_say_so(slurm: Rig) -> None:
    slurm.container.exec_run("scontrol update partition=interactive state=DOWN")
    try:
        with Window([*LNODE, "unity", "queued"], slurm.env()) as window:
            wait_until(lambda: "PENDING" in slurm.exec("squeue -h -o %T")[1], "the job waits")
            entry = listing(slurm)["queued"]
            assert (entry["state"], entry["job"]["reason"]) == ("waiting", "PartitionDown")
            window.detach()
            assert window.exit_status() == 0
            assert re.search(f"detached; queued (waits for nodes that are down|{LATE})", window.text())
    finally:
        slurm.container.exec_run("scontrol update partition=interactive state=UP")


def test_a_stopped_scheduler_holds_up_no_verb_and_loses_nothing(slurm: Rig) -> None:
    slurm.exec('tmux new-session -d -s work "sinteractive -m 1000 -t 1:00:00; exec cat"')
    wait_until(lambda: listing(slurm)["work"]["state"] == "running", "the job runs")
    job = listing(slurm)["work"]["job"]["id"]
    pid = slurm.exec("pidof slurmctld", user="root")[1].strip()
    unknown = "whether work on unity holds an allocation is not known, so nothing was started"
    ends = {
        ("--ls",): (0, "the scheduler of unity does not answer: jobs and time left are unknown"),
        ("work", "--peek"): (0, ""),
        ("work", "--send", "x"): (0, "typed 1 character and Enter into work on unity"),
        ("work", "--reset"): (0, ""),
        ("work", "--renew"): (1, "whether work holds an allocation is not known, so nothing was asked"),
        ("run", "--run", "--on", "work", "--", "true"): (1, unknown),
        ("work", "--kill", "--yes"): (1, "the jobs of work are not known, and nothing was ended"),
        ("--doctor",): (1, ""),
    }
    slurm.exec(f"kill -STOP {pid}", user="root")
    try:
        asked = {
            words: subprocess.Popen(
                [*LNODE, "unity", *words], env=slurm.env(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL, text=True,
            )
            for words in ends
        }  # fmt: skip
        said = {words: process.communicate(timeout=120)[1] for words, process in asked.items()}
    finally:
        slurm.exec(f"kill -CONT {pid}", user="root")
    for words, (code, sentence) in ends.items():
        assert (asked[words].returncode, sentence in said[words]) == (code, True), said[words]
    assert listing(slurm)["work"]["job"]["id"] == job


@pytest.mark.full
def test_a_silent_scheduler_is_unknown_not_gone(slurm: Rig) -> None:
    slurm.exec('tmux new-session -d -s by-hand "sinteractive -m 1000 -t 1:00:00; bash"')
    wait_until(lambda: listing(slurm)["by-hand"]["state"] == "running", "the job runs")
    slurm.exec("tmux new-session -d -s own 'bash' ';' set-option @lnode_kind node")
    assert listing(slurm)["own"]["state"] == "ended"
    pid = slurm.exec("pidof slurmctld", user="root")[1].strip()
    slurm.exec(f"kill -STOP {pid}", user="root")
    try:
        done = subprocess.run([*LNODE, "unity", "--ls"], env=slurm.env(), capture_output=True, text=True, check=True)
        assert done.stdout.count("unknown") >= 2
        assert "ended" not in done.stdout
        assert done.stderr == "lnode: the scheduler of unity does not answer: jobs and time left are unknown\n"
    finally:
        slurm.exec(f"kill -CONT {pid}", user="root")
