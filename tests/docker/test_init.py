"""`--init` against a real Slurm: from a home with an alias to a prompt on a compute node, with one sign-in."""

import subprocess

from rig import Rig, wait_until
from sites import logins, sign_in, with_password
from window import LNODE, Window


def test_from_an_alias_to_a_prompt_on_a_compute_node(slurm: Rig) -> None:
    home = slurm.folder / "new"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / ".ssh" / "config").write_text("Host unity\n")  # the rest is in the file that this laptop's ssh reads
    env = slurm.env(
        HOME=str(home), XDG_CONFIG_HOME=str(home / ".config"), XDG_STATE_HOME=str(home / ".local" / "state")
    )
    with with_password(slurm), Window([*LNODE, "--init"], env) as window:
        window.find(r"^lnode:   1  unity  alice@127.0.0.1$")
        before = logins(slurm)
        window.press("1\r")
        sign_in(window)
        window.wait_for("write ~/.config/lnode/config.toml? [y/N]")
        window.press("y\r")
        window.wait_for("start your first session on unity now? [Y/n]")
        window.press("y\r")
        wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T")[1], "the job runs")
        window.press("echo on-$SLURMD_NODENAME\r")
        window.wait_for("on-node0")
        window.leave()
        assert logins(slurm) == (before[0] + 1, before[1])
        subprocess.run([*LNODE, "unity", "--close"], env=env, check=True)
    assert (home / ".config" / "lnode" / "config.toml").read_text() == (
        '[hosts.unity]\ncommand = "sinteractive -m {mem} -t {time}"\n\n'
        '[profiles.gpu]\npartition = "interactive"\ngpus = 1\n'
    )
