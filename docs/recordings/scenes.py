"""Makes the recordings in README and docs on a real terminal: `python docs/recordings/scenes.py`.

Most are made out of `lnode demo`. `scenes.py new-laptop` needs Docker: it is made in a bare container, with a real
Slurm. No screen is drawn by hand: tests/inprocess/test_recordings.py plays each scene again and compares, and
tests/docker/test_new_laptop.py that one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1] / "tests"))

import drawn
from drawn import Shown
from film import Film
from window import Window

_LIMIT_S = 60
_INSTALLED_WITHIN_S = 240


class Laptop(NamedTuple):
    """A laptop with nothing but lnode: its home, and the environment of its terminals."""

    home: Path
    env: dict[str, str]

    def lnode(self, *words: str) -> None:
        """Run lnode beside the film."""
        subprocess.run(["lnode", *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, check=True,
                       timeout=_LIMIT_S)  # fmt: skip


class Scene(NamedTuple):
    """The title of a recording, the size of its terminal, and its play; a film, or the last screen alone."""

    title: str
    columns: int
    rows: int
    play: Callable[[Laptop, Film], None]
    moves: bool = True


@contextmanager
def laptop() -> Iterator[Laptop]:
    """Make one, and remove it with its demo."""
    home = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))  # short: it has sockets
    (home / "bin").mkdir()
    (home / "bin" / "lnode").symlink_to(Path(sys.executable).with_name("lnode"))
    env = {
        "PATH": f"{home}/bin:{os.environ['PATH']}", "HOME": str(home), "XDG_STATE_HOME": str(home / "state"),
        "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "xterm-256color", "PS1": "$ ",
    }  # fmt: skip
    made = Laptop(home, env)
    try:
        yield made
    finally:
        made.lnode("demo", "--reset")
        shutil.rmtree(home)


def played(scene: Scene, again: Sequence[Shown] | None = None, host: str = "") -> Film:
    """Play a scene; with the screens of a recording and its computer's name, each screen must be one of them."""
    names = {name: "HOST" for name in (host, os.uname().nodename) if name}
    with laptop() as made:
        argv = ["bash", "--norc", "--noprofile"]
        with Film(argv, made.env, columns=scene.columns, rows=scene.rows, again=again, names=names) as film:
            film.find(r"^\$")
            scene.play(made, film)
    return film


# --- scenes


def attach(_: Laptop, film: Film) -> None:
    """A session, a cut, its notice, the return, a detach."""
    film.hold(r"^\$", 1.0)
    film.command("lnode demo")
    film.hold(r"^lnode: livenode runs on c001", 4.0)
    film.command("a=42")
    film.command("drop 10")
    film.watch(r"^lnode: demo silent for")
    for key, told in (("l", "1 key not sent"), ("s", "2 keys not sent")):
        film.press(key)
        film.watch(told)
    film.watch(r"^salloc: Pending")
    film.hold(r"^\[you@c001 ~\]\$$", 2.0)
    film.command("echo the same shell: $a")
    film.hold(r"^the same shell: 42$", 2.5)
    film.detach()
    film.hold(r"^lnode: detached; ", 5.0)


def ls(made: Laptop, film: Film) -> None:
    """Three sessions and a run, listed."""
    for words in (("demo", "myproject"), ("demo", "gpu1", "-g", "1"), ("demo", "notes", "--login")):
        with Window(["lnode", *words], made.env) as window:
            window.find(r"^\[you@\S+ ~\]\$")
            window.leave()
    made.lnode("demo", "sim", "--run", "--", "train")
    film.command("lnode demo --ls")
    film.hold(r"^sim +run", 1.0)


def init(made: Laptop, film: Film) -> None:
    """`--init`, to the first session; `unity` leads to the demo."""
    with Window(["lnode", "demo", "hidden", "--login"], made.env) as window:
        window.find(r"^\[you@\S+ ~\]\$")
        (config,) = made.home.rglob("demo/config-*")
        (made.home / ".ssh").mkdir(mode=0o700)
        unity = config.read_text().replace("Host demo", "Host unity")
        (made.home / ".ssh" / "config").write_text(unity)
        wrapper = made.home / "bin" / "ssh"
        wrapper.write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} -F "$HOME/.ssh/config" "$@"\n'
        )  # HOME is not its home
        wrapper.chmod(0o755)
        film.hold(r"^\$", 1.0)
        film.command("lnode --init")
        film.hold(r"which is your cluster\?", 2.0)
        film.press("\r")
        film.hold(r"write .*config.toml\? \[y/N\]", 4.0)
        film.command("y")
        film.hold(r"start your first session on unity now\? \[Y/n\]", 2.0)
        film.press("\r")
        film.hold(r"^lnode: livenode runs on c001", 5.0)
        film.detach()
        film.hold(r"^lnode: detached; ", 4.0)


NEW_LAPTOP = "new-laptop"
_NEW_LAPTOP_SIZE = {"columns": 120, "rows": 30}


def play_new_laptop(argv: Sequence[str], password: str, again: Sequence[Shown] | None = None, host: str = "") -> Film:
    """Two commands in a shell of a new laptop, to a compute node; the cluster asks for a password."""
    names = {name: "HOST" for name in (host, os.uname().nodename) if name}
    with Film(argv, os.environ, **_NEW_LAPTOP_SIZE, again=again, names=names) as film:
        film.hold(r"^bob@\S+:~\$", 1.0)
        film.command("python3 -m venv .lnode && .lnode/bin/pip install -q lnode")
        film.find(r"^bob@\S+:~\$$", within_s=_INSTALLED_WITHIN_S)
        film.hold(r"^bob@\S+:~\$$", 1.0)
        film.command(".lnode/bin/lnode --init")
        for question, seconds, answer in (
            (r"which is your cluster\? Enter", 2.0, "\r"),
            (r"\(yes/no/\[fingerprint\]\)\?", 2.0, "yes\r"),
            (r"password:", 1.5, f"{password}\r"),
            (r"write .*config.toml\? \[y/N\]", 4.0, "y\r"),
            (r"start your first session on unity now\? \[Y/n\]", 2.0, "\r"),
        ):
            film.hold(question, seconds)
            film.press(answer)
        film.hold(r"^alice@\S+:~\$", 2.0)
        film.command("echo a shell on $SLURMD_NODENAME")
        film.hold(r"^a shell on node\d", 3.0)
        film.heard("livenode runs on node")  # so that the detach can tell it, too
        film.detach()
        film.hold(r"^lnode: detached; ", 5.0)
    return film


def _recorded_new_laptop() -> Film:
    import uuid

    import docker

    import new_laptop
    import rig
    import sites

    engine = docker.from_env(timeout=120)
    with (
        tempfile.TemporaryDirectory() as folder,
        rig.running(engine, "slurm", rig.build(engine, "slurm"), uuid.uuid4().hex[:12]) as slurm,
        sites.with_password(slurm),
    ):
        new_laptop.gather_wheels(Path(folder))
        with new_laptop.started(engine, Path(folder)) as container:
            new_laptop.make_known(container, slurm, "login.unity.edu")
            return play_new_laptop(new_laptop.shell_argv(container), sites.PASSWORD)


SCENES = {
    "attach": Scene("A session on a compute node: the network is cut, and lnode comes back to the same shell", 80, 22,
                    attach),
    "ls": Scene("The sessions and runs on a cluster", 72, 7, ls, moves=False),
    "init": Scene("lnode --init: from the ssh configuration to the first session", 130, 26, init),
}  # fmt: skip


def read(name: str) -> tuple[list[Shown], str]:
    """Return the screens of a recording in this folder, and the name of the computer that made it."""
    text = (HERE / f"{name}.svg").read_text(encoding="utf-8")
    return drawn.read(text), text.rpartition("<!-- recorded on ")[2].partition(" ")[0]


def main(names: Sequence[str]) -> None:
    for name in names or SCENES:
        if name == NEW_LAPTOP:
            screens, title = _recorded_new_laptop().screens, "A new laptop: two commands to a compute node"
        else:
            scene = SCENES[name]
            screens, title = played(scene).screens, scene.title
            screens = screens if scene.moves else screens[-1:]
        image = drawn.svg(screens, title)
        text = image + f"<!-- recorded on {os.uname().nodename} by scenes.py -->\n"
        (HERE / f"{name}.svg").write_text(text, encoding="utf-8")
        print(f"{name}.svg: {len(screens)} screens, {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
