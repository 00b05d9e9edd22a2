"""lnode's own folder in the home of a cluster: closed to other users, and nothing of theirs is read there."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from full import FULL
from lnode.cluster import sessions, tmux_answers
from lnode.cluster.home import not_kept
from lnode.cluster.sessions import Picture
from lnode.remote import call
from lnode.remote.reply import Reply, parse_reply
from rig import wait_until

LIMIT_S = 60
SHELLS = ("dash", "bash", "ksh", "mksh", "busybox")
HERE = os.uname().nodename
# A tmux with one session, as list.sh asks.
TMUX = """#!/bin/sh
echo 'named mine'
echo '$0 1700000000 1700000000 0 1 %0 f* k o e w t mine'
"""
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")


class Home:
    """A home on a cluster, whose /bin/sh is that shell."""

    def __init__(self, path: Path, shell: str) -> None:
        self.path, self.shell = path, shell
        self.state = path / ".local" / "state" / "lnode"
        (path / "bin").mkdir()
        self.program("tmux", TMUX)
        self.program("squeue", "#!/bin/sh\n")

    def program(self, name: str, text: str) -> None:
        (self.path / "bin" / name).write_text(text)
        (self.path / "bin" / name).chmod(0o755)

    def ask(self, script: str, *values: str, umask: int = 0o022, tell: str = "") -> Reply:
        nonce = call.nonce()
        line = call.line(script, nonce, *values).replace("/bin/sh", self.shell)
        env = {"HOME": str(self.path), "PATH": f"{self.path}/bin:/usr/bin:/bin", "SHELL": "/bin/sh", "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["sh", "-c", f"umask {umask:o}; {line}"], env=env, input=tell, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        return parse_reply(nonce, done.stdout.split("\n"))

    def picture(self, *, umask: int = 0o022) -> Picture:
        return sessions.picture_of(self.ask("list", *tmux_answers.list_values(""), umask=umask))

    def run(self, name: str, *, umask: int = 0o022) -> Reply:
        values = (name, call.run_id(), "", "echo done", "", "unity", call.source("keeper"))
        return self.ask("run", *values, umask=umask, tell="start\n\n")

    def ran(self, name: str, *, umask: int = 0o022) -> Path:
        """The folder of a run that has ended: nothing is written there any more."""
        assert "started" in self.run(name, umask=umask)
        folder = self.state / "runs" / name
        wait_until((folder / "ended").exists, f"the end of the run {name}")
        return folder

    def plant(self, node: str, mode: int = 0o600) -> Path:
        """A note that another login node has a session."""
        self.state.joinpath("nodes").mkdir(parents=True, exist_ok=True)
        note = self.state / "nodes" / node
        note.write_text("port 22 \nmyproject\n")
        note.chmod(mode)
        return note


@pytest.fixture(params=SHELLS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"no {request.param} here")
    (tmp_path / "sh").symlink_to(found)
    yield Home(tmp_path, str(tmp_path / "sh"))


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:o}"


def said(picture: Picture) -> str:
    return not_kept(picture, "unity")


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o027] if FULL else [0, 0o022])
def test_what_lnode_keeps_is_for_this_user_alone_whatever_the_umask(home: Home, umask: int) -> None:
    home.picture(umask=umask)
    home.ran("sim", umask=umask)
    home.ran("sim2", umask=umask)
    home.ask("node_way", *tmux_answers.list_values(""), "", "ed25519", "a" * 16, "", umask=umask)
    folders = [home.state, *(path for path in home.state.rglob("*") if path.is_dir())]
    assert {folder.name for folder in folders} >= {"lnode", "nodes", "runs", "sim", "sshd"}
    assert {mode(folder) for folder in folders} == {"700"}
    assert mode(home.state / "nodes" / HERE) == "600"
    assert mode(home.state / "sshd" / "host_key") == "600"


def test_a_folder_that_is_open_to_others_is_closed(home: Home) -> None:
    home.plant("login2")
    home.plant(HERE, 0o666)
    assert "started" in home.run("sim")
    for folder in (home.state, home.state / "nodes", home.state / "runs"):
        folder.chmod(0o2777)
    picture = home.picture()
    assert {mode(folder)[-3:] for folder in (home.state, home.state / "nodes", home.state / "runs")} == {"700"}
    assert [claim.names for claim in picture.others] == [("myproject",)]
    assert mode(home.state / "nodes" / HERE) == "600"  # written anew: it might say anything
    assert (home.state / "nodes" / HERE).read_text().endswith("mine\n")
    assert said(picture) == ""


@pytest.mark.parametrize("bits", [0o620, 0o602, 0o666])
def test_a_note_that_others_could_write_is_not_read_and_that_is_said(home: Home, bits: int) -> None:
    home.plant("login2", bits)
    picture = home.picture()
    assert picture.others == ()
    assert said(picture) == (
        f"other users can write to ~/.local/state/lnode/nodes/login2 on {picture.login_node}, "
        "so lnode does not read it; fix: ssh unity chmod -R go-rwx .local/state/lnode"
    )
    subprocess.run(["chmod", "-R", "go-rwx", home.state], check=True)
    picture = home.picture()
    assert ([claim.node for claim in picture.others], said(picture)) == (["login2"], "")


@as_root
def test_a_note_of_another_user_is_not_read_and_that_is_said(home: Home) -> None:
    os.chown(home.plant("login2"), 12345, 12345)
    picture = home.picture()
    assert picture.others == ()
    assert "~/.local/state/lnode/nodes/login2" in said(picture) and "belongs to another user" in said(picture)


def test_a_link_is_not_followed(home: Home, tmp_path: Path) -> None:
    elsewhere = home.plant("login2").rename(tmp_path / "planted")
    (home.state / "nodes" / "login2").symlink_to(elsewhere)
    picture = home.picture()
    assert picture.others == ()
    assert "is a link" in said(picture)
    (home.state / "nodes").rename(tmp_path / "nodes")
    (home.state / "nodes").symlink_to(tmp_path / "nodes")
    before = sorted(os.listdir(tmp_path / "nodes"))
    assert home.picture().others == ()
    assert sorted(os.listdir(tmp_path / "nodes")) == before


@pytest.mark.parametrize("what", ["link", pytest.param("folder", marks=as_root)])
def test_runs_in_a_folder_of_another_user_are_none(home: Home, tmp_path: Path, what: str) -> None:
    assert "started" in home.run("sim")
    runs = home.state / "runs"
    if what == "link":
        runs.rename(tmp_path / "runs")
        runs.symlink_to(tmp_path / "runs")
    else:
        os.chown(runs, 12345, 12345)
        runs.chmod(0o777)
    reply = home.ask("list", *tmux_answers.list_values(""))
    assert reply.get("runs", ()) == ()
    assert "~/.local/state/lnode/runs" in said(sessions.picture_of(reply))
    assert "distrusted" in home.run("other")
    assert not (runs / "other").exists()


@as_root
def test_a_run_that_another_user_has_planted_is_none(home: Home) -> None:
    evil = shutil.copytree(home.ran("sim"), home.state / "runs" / "evil")
    os.chown(evil, 12345, 12345)
    reply = home.ask("list", *tmux_answers.list_values(""))
    assert [row.split()[0] for row in reply["runs"]] == ["sim"]
    nonce = call.nonce()
    line = call.line("logs", nonce, "evil", "", "", "", "once")
    env = {"HOME": str(home.path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert done.stdout.split() == [nonce, "gone"]


@pytest.mark.parametrize("does", ["exit 0", "exit 1"])
def test_a_home_where_modes_have_no_effect_works_as_before(home: Home, does: str) -> None:
    """As some NFS and SMB: everything looks open to all, and stays so."""
    home.program("chmod", f"#!/bin/sh\n{does}\n")
    home.plant("login2", 0o777)
    for folder in (home.state, home.state / "nodes"):
        folder.chmod(0o777)
    picture = home.picture()
    assert [claim.node for claim in picture.others] == ["login2"]
    assert (picture.is_modeless, picture.distrusted, picture.keeps) == (True, (), True)
    assert "started" in home.run("sim")
    (home.state / "runs" / "sim").chmod(0o777)
    assert home.run("sim").keys() & {"running", "started"}


@as_root
def test_a_home_that_names_another_owner_for_all_works_as_before(home: Home) -> None:
    """As an NFS that maps no users."""
    home.plant("login2")
    for path in (home.path, home.state, home.state / "nodes", home.state / "nodes" / "login2"):
        os.chown(path, 65534, 65534)
    picture = home.picture()
    assert ([claim.node for claim in picture.others], said(picture)) == (["login2"], "")
