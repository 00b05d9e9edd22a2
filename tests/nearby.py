"""A laptop whose host `x` is this computer: its ssh hands the line to a sh here, with a home and a tmux of its own."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from window import Window

LIMIT_S = 60
SSH = shutil.which("ssh")

_SSH = """\
#!/bin/sh
case " $* " in *" -G "*) exec {ssh} -F "$HOME/.ssh/config" "$@" ;; esac
echo called >>"$HOME/calls"
for line; do :; done
exec /bin/sh -c "$line"
"""


@dataclass(frozen=True)
class Nearby:
    """A home on both sides, and a PATH that leads to that ssh."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LNODE_CONFIG": str(self.home / "config.toml"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "TMUX_TMPDIR": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
        }

    @property
    def state(self) -> Path:
        """What lnode keeps on the laptop."""
        return self.home / "state" / "lnode"

    def program(self, name: str, script: str) -> None:
        """Put one on the PATH of both sides."""
        path = self.home / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def tmux(self, *words: str) -> None:
        subprocess.run(["tmux", "-u", *words], env=self.env, cwd=self.home, check=True, timeout=LIMIT_S)

    def lnode(self, *words: str, cwd: Path | None = None, **env: str) -> "subprocess.CompletedProcess[str]":
        """lnode in a pipe, with Python's `-P`, as the installed command is."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "lnode", *words], env=self.env | env, cwd=cwd or self.home,
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=False,
        )  # fmt: skip

    def window(self, *words: str, **env: str) -> Window:
        return Window([sys.executable, "-m", "lnode", *words], self.env | env)


@contextmanager
def nearby() -> Iterator[Nearby]:
    """Make one; its tmux ends with the block."""
    if SSH is None or shutil.which("tmux") is None:
        pytest.skip("no OpenSSH client or no tmux here")
    with TemporaryDirectory(prefix="near-") as name:  # tmp_path is too long for a socket
        made = Nearby(Path(name))
        (made.home / "bin").mkdir()
        (made.home / ".ssh").mkdir(mode=0o700)
        (made.home / ".ssh" / "config").write_text("Host x\n    HostName 127.0.0.1\n    Port 1\n    User alice\n")
        (made.home / "config.toml").write_text('[hosts.x]\nkeep_warm = "no"\n')
        made.program("ssh", _SSH.format(ssh=shlex.quote(SSH)))
        made.program("squeue", "#!/bin/sh\n")
        try:
            yield made
        finally:
            subprocess.run(["tmux", "kill-server"], env=made.env, capture_output=True, check=False, timeout=LIMIT_S)
