"""`--setup` on this computer: the lines in a real shell, and a home that is full while they are written."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lnode.commands.setup.livenode import functions
from nearby import LIMIT_S, Nearby, nearby

SHELLS = ("bash -O expand_aliases", "dash", "zsh", "ksh93", "mksh", "busybox sh")
NAMES = ("livenode", "livegpu")


@pytest.fixture
def here() -> Iterator[Nearby]:
    with nearby() as made:
        yield made


@pytest.mark.parametrize("shell", SHELLS)
def test_an_alias_of_that_name_gives_way_to_the_function(tmp_path: Path, shell: str) -> None:
    program, *options = shell.split()
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    block, rc, tmux = tmp_path / "block", tmp_path / "rc", tmp_path / "tmux"
    block.write_text(f"{functions('sh', dict.fromkeys(NAMES, ('mine', 'salloc', '')), (3, 3))}\n")
    aliases = "".join(f"alias {name}='echo the alias'\n" for name in NAMES)
    rc.write_text(f"{aliases}. {block}\n{aliases}. {block}\n" + "".join(f"{name}\n" for name in NAMES))
    tmux.write_text("#!/bin/sh\necho tmux $1\n")
    tmux.chmod(0o755)
    done = subprocess.run(
        [program, *options, rc],
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("tmux has-session\ntmux attach-session\n" * len(NAMES), "")


def test_a_home_that_is_full_leaves_no_half_a_backup(here: Nearby) -> None:
    """A limit on the size of files stands for it: what is beyond is not written."""
    real = (here.home / "bin" / "ssh").read_text()
    rc, backup = here.home / ".profile", here.home / ".profile.before-lnode"
    rc.write_text("# mine\n" * 1000)
    before = rc.read_bytes()
    here.program("ssh", real.replace("exec /bin/sh -c", "trap '' XFSZ; ulimit -f 2; exec /bin/sh -c"))
    full = here.lnode("x", "--setup", "--yes")
    assert (full.returncode, rc.read_bytes()) == (1, before)
    assert "not all of it could be written on x" in full.stderr
    assert not [path.name for path in here.home.glob(".profile*") if path != rc]
    here.program("ssh", real)
    done = here.lnode("x", "--setup", "--yes")
    assert (done.returncode, backup.read_bytes()) == (0, before), done.stderr
    assert b"livenode()" in rc.read_bytes()


@pytest.mark.parametrize("shell", ["dash", "mksh"])
def test_a_long_rc_file_keeps_all_of_its_lines(here: Nearby, shell: str) -> None:
    """mksh has no printf of its own, and a program takes no argument of that length."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    real = (here.home / "bin" / "ssh").read_text()
    here.program("ssh", real.replace('sh -c "$line"', f"""sh -c "$(printf %s "$line" | sed 's,/bin/sh,{path},')\""""))
    rc = here.home / ".profile"
    rc.write_text("# mine\n" * 20_000)
    before = rc.read_bytes()
    done = here.lnode("x", "--setup", "--yes")
    assert done.returncode == 0, done.stderr
    assert rc.read_bytes().startswith(before)
    assert b"livenode()" in rc.read_bytes()


def test_a_profile_for_another_host_is_passed_over(here: Nearby) -> None:
    (here.home / "config.toml").write_text(
        '[hosts.x]\nkeep_warm = "no"\ncommand = "salloc --mem={mem}M -t {time}"\n'
        "[profiles.gpu]\ngpus = 1\n[profiles.big]\nmem = 64000\n[profiles.odd-name]\nmem = 1\n"
    )
    (here.home / ".profile").write_text("# mine\n")
    done = here.lnode("x", "--setup", "--yes")
    assert done.returncode == 0, done.stderr
    rc = (here.home / ".profile").read_text()
    assert "livebig()" in rc
    assert "livegpu" not in rc
