"""`--code` on real Slurm: an editor's own ssh gets into the allocation of a session, and so do ssh and scp."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import wired
from rig import Rig, wait_until
from sites import in_a_pipe, with_editor
from window import LNODE, Window

HOST = "fit.unity.lnode"


@pytest.fixture
def laptop(slurm: Rig) -> Iterator[Path]:
    """One with an editor; its home."""
    with with_editor(slurm):
        yield slurm.home


@pytest.fixture
def job(slurm: Rig) -> str:
    """The one behind the session fit."""
    slurm.exec("mkdir -p ~/proj; tmux new-session -d -s fit 'sinteractive -m 1000 -t 1:00:00; exec cat'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    return slurm.exec("squeue -h -o %i --me")[1].strip()


def test_an_editor_opens_a_folder_on_the_node(slurm: Rig, laptop: Path, job: str) -> None:
    node = slurm.exec("squeue -h -o %N --me")[1].strip()
    with Window([*LNODE, "unity", "fit", "--code", f"{laptop}/proj"], slurm.env()) as window:
        asked = window.wait_for("[y/N]")
        line = f'Include "{laptop}/.local/state/lnode/hosts/*.lnode"'
        assert f"ssh does not know {HOST} yet; make this the first line of ~/.ssh/config: {line}?" in asked.replace(
            "\n", ""
        )
        window.press("y\r")
        assert window.exit_status() == 0, window.text()
        said = window.text().replace("\n", "")
    assert "~/.ssh/config has it now; what it was is ~/.ssh/.config.before-lnode" in said
    assert re.search(rf"lnode: code opens /home/alice/proj on {node}, \d+ min left", said), said
    assert (laptop / ".ssh" / "config").read_text() == f"{line}\nHost other\n    User bob\n"
    assert (laptop / ".ssh" / ".config.before-lnode").read_text() == "Host other\n    User bob\n"
    assert (laptop / "argv").read_text() == f"--remote\nssh-remote+{HOST}\n/home/alice/proj\n"
    there = (laptop / "said").read_text()
    assert there.startswith("sh on login1\n") and re.search(rf"^{job}\.\d+ sh$", there, re.MULTILINE), there


def known(slurm: Rig) -> None:
    """The name is in the laptop's ssh configuration."""
    done = in_a_pipe(slurm, "unity", "fit", "--code", "~/proj", "--yes")
    assert done.returncode == 0, (done, (slurm.home / "said").read_text())


@pytest.mark.full
@pytest.mark.usefixtures("laptop", "job")
def test_ssh_and_scp_take_the_name_too_also_after_a_drop(slurm: Rig, tmp_path: Path) -> None:
    known(slurm)
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(bytes(range(256)) * 4000)
    with wired(slurm) as wire:
        for source, to in ((sent, f"{HOST}:proj/there"), (f"{HOST}:proj/there", back)):
            done = subprocess.run(
                ["scp", "-S", slurm.folder / "bin" / "ssh", source, to],
                env=slurm.env(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done
        assert back.read_bytes() == sent.read_bytes()
        with Window(["ssh", "-t", HOST, "tty; cat"], slurm.env()) as window:
            window.wait_for("/dev/pts/")
            wire.reset()
            assert window.exit_status() == 255
    assert slurm.ssh(HOST, "uname -n").stdout == "login1\n"
    said = slurm.ssh(HOST, "echo $SSH_CONNECTION, $SSH_CLIENT; exit 3")
    at = re.fullmatch(r"(\S+ \d+) \S+ (\d+), \1 \2\n", said.stdout)
    assert at is not None and said.returncode == 3, said
    with Window(["ssh", "-t", HOST], slurm.env()) as window:
        window.press("echo $-, ${SSH_CONNECTION##* }, $0\r")
        window.find(rf"^\w*i\w*, {at[2]}, \S*sh$")


@pytest.mark.usefixtures("job")
def test_nothing_is_changed_unless_somebody_says_yes(slurm: Rig, laptop: Path) -> None:
    config = laptop / ".ssh" / "config"
    before = config.read_text()
    done = in_a_pipe(slurm, "unity", "fit", "--code", "~/proj")
    assert (done.returncode, done.stderr) == (
        1, f"lnode: ssh does not know {HOST} yet\nhint:  make this the first line of ~/.ssh/config: "
        f'Include "{laptop}/.local/state/lnode/hosts/*.lnode"\n',
    )  # fmt: skip
    real = config.rename(laptop / "dotfiles")
    config.symlink_to(real)
    done = in_a_pipe(slurm, "unity", "fit", "--code", "~/proj", "--yes")
    assert (done.returncode, "~/.ssh/config is not lnode's to change" in done.stderr) == (1, True), done
    assert config.is_symlink() and config.read_text() == before
    assert not (laptop / "argv").exists()


@pytest.mark.full
@pytest.mark.usefixtures("laptop", "job")
def test_what_cannot_be_opened(slurm: Rig) -> None:
    def refused(*words: str) -> tuple[int, str]:
        done = in_a_pipe(slurm, "unity", *words)
        return done.returncode, done.stderr

    assert refused("fit", "--code", "nowhere") == (
        2, "lnode: there is no folder nowhere on unity\nhint:  a path in your home there, as in: --code '~/proj'\n"
    )  # fmt: skip
    assert refused("other", "--code", "~")[0] == 7
    known(slurm)
    slurm.forget_sessions()
    done = slurm.ssh(HOST, "true")
    assert (done.returncode, "lnode: there is no session fit on unity\n" in done.stderr) == (255, True), done


@pytest.mark.usefixtures("laptop")
def test_a_terminal_there_has_the_step_of_the_sessions_shell(slurm: Rig) -> None:
    """In a job of two nodes, where host and laptop permit no ed25519 (FIPS 140-2)."""
    request = "salloc -N2 -n2 --gres=gpu:1 --mem=1000 -t 1:00:00 srun -N1 -n1 -w node02 --pty sh"
    slurm.exec(f"mkdir -p ~/proj; tmux new-session -d -s fit '{request}'")
    keygen = slurm.folder / "bin" / "ssh-keygen"
    keygen.write_text(_NO_ED25519)
    keygen.chmod(0o755)
    keys = [*(slurm.home / ".local/state/lnode").glob("node-key*")]
    kept = {key: key.read_bytes() for key in keys}
    try:
        for key in keys:
            key.unlink()
        install = (
            f"printf %s {shlex.quote(_NO_ED25519)} >/usr/local/bin/ssh-keygen; chmod 755 /usr/local/bin/ssh-keygen"
        )
        assert slurm.exec(install, "root")[0] == 0
        slurm.exec("rm -rf ~/.local/state/lnode/sshd")
        wait_until(lambda: ".0" in slurm.exec("squeue -h -s --me -o %i")[1], "the shell runs")
        job = slurm.exec("squeue -h -o %i --me")[1].strip()
        known(slurm)
        done = slurm.ssh(HOST, "echo $SLURM_JOB_ID $SLURMD_NODENAME ${CUDA_VISIBLE_DEVICES:-none}")
        assert re.fullmatch(rf"{job} node02 [01]\n", done.stdout), done
        assert not (slurm.home / ".local/state/lnode/node-key").exists()
    finally:
        keygen.unlink()
        slurm.exec("rm -f /usr/local/bin/ssh-keygen", "root")
        for key, data in kept.items():
            key.write_bytes(data)


_NO_ED25519 = """\
#!/bin/sh
case " $* " in *" ed25519 "*) echo 'ED25519 keys are not allowed in FIPS mode' >&2; exit 1 ;; esac
exec /usr/bin/ssh-keygen "$@"
"""
