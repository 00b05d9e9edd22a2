"""The images themselves: what the other tests stand on."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pexpect
import pytest

import rig
from rig import SHELL_USERS, Rig, wait_until

AWKWARD = "a b\"c'd$(id)\\e\nf\tü!"


@contextmanager
def terminal(on: Rig, command: str) -> "Iterator[pexpect.spawn[str]]":
    """`ssh -tt unity COMMAND` on a terminal of its own."""
    child = pexpect.spawn("ssh", ["-tt", "unity", command], env=on.env(), encoding="utf-8", timeout=120)
    try:
        yield child
    finally:
        child.close(force=True)


def test_a_rig_is_reached_through_loopback_only(standin: Rig) -> None:
    standin.container.reload()
    published = {port: [way["HostIp"] for way in ways or ()] for port, ways in standin.container.ports.items()}
    assert published == {"22/tcp": ["127.0.0.1"]}


def test_a_rig_with_another_host_key_is_refused(standin: Rig, slurm: Rig) -> None:
    other = ["ssh", "-F", str(standin.ssh_config), "-p", str(slurm.port), "unity", "true"]
    done = subprocess.run(other, env=standin.env(), capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_a_container_that_fails_to_start_is_removed(
    engine: docker.DockerClient, standin_image: str, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig, "_new_key", lambda path: "")
    name = f"{run}-broken"
    with (
        pytest.raises(RuntimeError, match="give the public key that may log in"),
        rig.running(engine, "standin", standin_image, name),
    ):
        pass
    assert engine.containers.list(all=True, filters={"label": f"{rig.LABEL}={name}"}) == []


def test_twenty_logins_at_the_same_moment(standin: Rig) -> None:
    before = standin.sshd_log().count("Starting session: command for alice")
    logins = [subprocess.Popen(["ssh", "unity", "true"], env=standin.env()) for _ in range(20)]
    assert [login.wait(timeout=120) for login in logins] == [0] * 20
    assert standin.sshd_log().count("Starting session: command for alice") == before + 20


# stand-ins


def test_standin_tmux_records_its_argv_word_for_word(standin: Rig) -> None:
    done, _ = standin.container.exec_run(["tmux", "has-session", "-t", AWKWARD], user="alice")
    assert done == 1
    assert standin.recorded("tmux")[-1]["argv"] == ["has-session", "-t", AWKWARD]


@pytest.mark.parametrize("argv", ["choose-tree", "new-session -t other", "list-panes -F '#{pane_colour}'"])
def test_standin_tmux_refuses_what_it_does_not_model(standin: Rig, argv: str) -> None:
    done = standin.ssh("unity", f"tmux {argv}")
    assert (done.returncode, done.stdout) == (64, "")
    assert "does not model" in done.stderr


def test_standin_sinteractive_records_its_argv_and_gives_a_shell(standin: Rig) -> None:
    with terminal(standin, "sinteractive -m 48000 -t 72:00:00") as shell:
        shell.sendline("echo $((6 * 7))")
        shell.expect("42\r\n")
        shell.sendline("exit 3")
        shell.expect(pexpect.EOF)
        shell.close()
        assert shell.exitstatus == 3
    assert standin.recorded("sinteractive") == [{"argv": ["-m", "48000", "-t", "72:00:00"]}]


@pytest.mark.parametrize("argv", ["-x", "-m", "--mem=4", "-m 4 bash"])
def test_standin_sinteractive_refuses_what_it_does_not_model(standin: Rig, argv: str) -> None:
    done = standin.ssh("unity", f"sinteractive {argv}")
    assert (done.returncode, done.stdout) == (64, "")
    assert "does not model" in done.stderr
    assert standin.recorded("sinteractive") == [{"argv": argv.split()}]


# Slurm


def test_slurm_runs_a_job(slurm: Rig) -> None:
    done = slurm.ssh("unity", "srun --gres=gpu:1 printenv SLURMD_NODENAME")
    assert (done.returncode, done.stdout.rstrip("1234\n"), done.stderr) == (0, "node0", "")


@pytest.mark.parametrize("family", ["sinteractive", "sinteractive-salloc", "sinteractive-sbatch"])
def test_each_family_gives_a_shell_in_a_job_of_the_pane(slurm: Rig, family: str) -> None:
    with terminal(slurm, f"tmux -u new-session -s job '{family} -m 2000 -t 10:00 -p short -g 1 -c 2'"):
        job, node = ask_pane(slurm, "$SLURM_JOB_ID $SLURMD_NODENAME").split()
        assert node in ("node01", "node02")
        _, pane = slurm.exec("tmux list-panes -a -F '#{pane_pid}'")
        _, row = slurm.exec(
            f"squeue -h -j {job} -O AllocNodes:20,AllocSID:20,MinMemory:20,TimeLimit:20,NumCPUs:20,tres-per-node:20"
        )
        # The GPU is gpu:1 in Slurm 20.11, gres:gpu:1 in 22.05 and gres/gpu:1 in 24.11.
        assert re.sub("gres[:/]", "", row).split() == ["login1", pane.strip(), "2000M", "10:00", "2", "gpu:1"]


def ask_pane(on: Rig, words: str) -> str:
    """What `words` mean to the shell in the only pane, once there is one to read what was typed."""
    wait_until(lambda: on.exec("tmux has-session")[0] == 0, "tmux runs")
    on.exec("rm -f ~/answer")
    on.exec(f"tmux send-keys 'echo {words} >~/answering; mv ~/answering ~/answer' Enter")
    wait_until(lambda: on.exec("test -e ~/answer")[0] == 0, "the shell answers")
    return on.exec("cat ~/answer")[1]


def test_sessions_and_jobs_are_forgotten(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d sinteractive; sbatch --output=/dev/null --wrap 'sleep 600'")
    wait_until(lambda: slurm.exec("squeue -h -t R | wc -l") == (0, "2\n"), "both jobs run")
    slurm.forget_sessions()
    assert slurm.exec("tmux list-sessions")[0] == 1
    assert slurm.exec("squeue -h; sinfo -h -o '%D %t'") == (0, "4 idle\n")


@pytest.mark.parametrize("user", SHELL_USERS)
def test_every_login_shell_prints_noise(slurm: Rig, user: str) -> None:
    # dash reads its .profile in login shells, and nothing in the others.
    command = "dash -lc 'echo [$LANG]'" if user == "u_dash" else "echo '['$LANG']'"
    done = slurm.ssh(user, command)
    assert "quota: 93% used" in done.stdout
    assert done.stdout.endswith("[C]\n")
    assert "stty" in done.stderr


def test_modular_has_tmux_by_module_only(slurm: Rig) -> None:
    assert slurm.ssh("modular", "command -v tmux || PATH=/usr/bin:/usr/local/bin command -v tmux").stdout == ""
    version = slurm.ssh("unity", "tmux -V").stdout
    assert version.startswith("tmux 3.")
    assert slurm.ssh("modular", "bash -lc 'module load tmux; tmux -V'").stdout == version


def test_a_new_terminal_is_unknown_there(slurm: Rig) -> None:
    assert slurm.ssh("unity", "infocmp xterm-256color").returncode == 0
    assert slurm.ssh("unity", "infocmp xterm-ghostty").returncode == 1
