"""Another user of the login node: what that one can put in the way, plant and read there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from full import slow
from rig import Rig
from sites import lnode
from window import LNODE, Window

FOLDER = "/tmp/tmux-$(id -u alice)"
STATE = "/home/alice/.local/state/lnode"


@contextmanager
def as_root(rig: Rig, command: str, undo: str) -> Iterator[None]:
    status, said = rig.exec(command, user="root")
    assert status == 0, said
    try:
        yield
    finally:
        rig.exec(undo, user="root")


@pytest.mark.parametrize("how", ["chown modular", slow("chmod 777")])
def test_a_folder_in_the_way_of_tmux_is_no_session_that_has_ended(slurm: Rig, how: str) -> None:
    slurm.exec(f"mkdir -p {STATE}/nodes && echo 'port 22 ' >{STATE}/nodes/login1")
    plant = f"rm -rf {FOLDER}; mkdir -m 700 {FOLDER}; chown alice {FOLDER}; {how} {FOLDER}"
    with as_root(slurm, plant, f"rm -rf {FOLDER}"):
        with Window([*LNODE, "unity", "x", "--login"], slurm.env()) as window:
            assert window.exit_status() == 1
            said = window.text().replace("\n", "")
        assert "tmux on unity does not answer as it should, so whether x runs there is not known" in said
        assert "tmux-" in said and "has ended" not in said
        for words in (["--ls"], ["x", "--peek"], ["x", "--send", "y"], ["x", "--kill", "--yes"]):
            done = lnode(slurm, *words)
            assert (done.returncode, done.stdout) == (1, "")
            assert "tmux-" in done.stderr and "no session" not in done.stderr
        assert "tmux does not answer as it should" in lnode(slurm, "--doctor").stdout
    assert slurm.exec(f"cat {STATE}/nodes/login1")[1] == "port 22 \n"


def test_another_user_can_neither_read_nor_plant_what_lnode_keeps(slurm: Rig) -> None:
    slurm.exec(f"rm -rf {STATE}; umask 0; mkdir -p {STATE}/nodes; chmod 755 ~ ~/.local ~/.local/state")
    theirs = f"echo 'port 22' >{STATE}/nodes/evil; echo x >>{STATE}/nodes/evil"
    assert slurm.exec(theirs, user="modular")[0] == 0
    done = lnode(slurm, "--ls")
    assert done.returncode == 0
    assert "~/.local/state/lnode/nodes/evil on login1 belongs to another user" in done.stderr
    assert "evil does not answer" not in done.stderr
    assert slurm.exec(f"cat {STATE}/nodes/evil", user="modular")[0] != 0
    assert slurm.exec(f"touch {STATE}/nodes/more", user="modular")[0] != 0
    slurm.exec(f"rm -rf {STATE}")
