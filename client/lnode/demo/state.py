"""The demo's files between runs: keys, the login node's home, its programs, its sockets."""

import fcntl
import getpass
import hashlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lnode.demo.drop import SOCKETS
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders as laptop_folders

_SHIPPED = Path(__file__).parent
_SYSTEM_PATH = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
_LONGEST_SOCKET = 100  # macOS: 104 bytes with the terminating zero (unix(4)), Linux: 108
_END_WITHIN_S = 5.0

# Each shell's start file puts the cluster's programs first again, after /etc/profile and macOS' path_helper.
_POSIX_RC = """\
case "$PATH" in "$LNODE_DEMO_STATE/bin:"*) ;; *) PATH="$LNODE_DEMO_STATE/bin:$PATH" ;; esac
PS1='[you@'"${SLURMD_NODENAME:-login1}"' ~]$ '
"""
_HOME_FILES = {
    ".profile": _POSIX_RC,
    ".bashrc": _POSIX_RC,
    ".zshrc": _POSIX_RC,
    ".config/fish/config.fish": """\
set -gx PATH "$LNODE_DEMO_STATE/bin" $PATH
set -g fish_greeting
function fish_prompt; set -q SLURMD_NODENAME; or set SLURMD_NODENAME login1; echo "[you@$SLURMD_NODENAME ~]\\$ "; end
""",
}


@dataclass(frozen=True, slots=True)
class DemoFolders:
    """Where things are: `state` keeps, `short` holds what needs a short path without blanks.

    Sockets have a length limit, and `ssh -G` prints several known_hosts files with blanks between them.
    """

    state: Path
    short: Path

    @property
    def client_key(self) -> Path:
        return self.state / "id_ed25519"

    @property
    def host_key(self) -> Path:
        return self.state / "host_ed25519"

    @property
    def programs(self) -> Path:
        return self.state / "bin"

    @property
    def home(self) -> Path:
        return self.state / "home"

    @property
    def jobs(self) -> Path:
        return self.state / "jobs"

    @property
    def tmux_folder(self) -> Path:
        """Return TMUX_TMPDIR. Real tmux and the stand-in cannot talk to each other, so each has its own."""
        return self.short / ("standin" if real_tmux() is None else "tmux")


def locate() -> DemoFolders:
    """Return the demo's folders, even if they do not exist."""
    state = Path(laptop_folders.state_folder()) / "demo"
    socket = state / "standin" / f"tmux-{os.getuid()}" / "default"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET and not any(c.isspace() for c in str(state)):
        return DemoFolders(state, state)
    mark = hashlib.sha256(os.fsencode(state)).hexdigest()[:8]
    return DemoFolders(state, Path("/tmp") / f"lnode-demo-{os.getuid()}-{mark}")  # noqa: S108  # checked by _private


def real_tmux() -> str | None:
    """Return the laptop's own tmux; None with LNODE_DEMO_TMUX=standin, as without a tmux."""
    if os.environ.get("LNODE_DEMO_TMUX") == "standin":
        return None
    return shutil.which("tmux", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_PATH)))


def _system_path() -> list[str]:
    """Return the folders of the system's programs, also if it keeps them elsewhere, as NixOS."""
    found = filter(None, map(shutil.which, ("awk", "ps", "sed", "gzip")))
    return list(dict.fromkeys((*_SYSTEM_PATH, *map(os.path.dirname, found))))


def prepare() -> DemoFolders:
    """Make missing files; each demo does so at its start, one after the other. Raises LnodeError."""
    try:
        return _prepared()
    except OSError as error:
        raise LnodeError(
            ExitCode.FAILED, f"cannot make the files of the demo: {error.strerror}",
            f"see if there is room, and whether you may write in {error.filename or 'your home'}",
        ) from None  # fmt: skip


def _prepared() -> DemoFolders:
    place = locate()
    for folder in (place.state, place.short):
        _private(folder)
    with (place.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in (place.home, place.jobs, place.programs, place.tmux_folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in _HOME_FILES.items():
            _write(place.home / name, text)
        _install_programs(place)
        for key in (place.client_key, place.host_key):
            _make_key(key)
        public = place.host_key.with_suffix(".pub").read_text()
        _write(place.short / "known_hosts", f"lnode-demo {public}")
        _sweep(place)
    return place


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_own(folder):
        raise LnodeError(
            ExitCode.FAILED,
            f"the demo's folder {folder} belongs to another user",
            "remove it, or ask its owner to remove it",
        )
    folder.chmod(0o700)


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step, because other demos may be reading it; leave it if nothing changed."""
    with suppress(FileNotFoundError):
        if path.read_text() == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).chmod(mode)
    Path(name).replace(path)


def _make_key(path: Path) -> None:
    """Make an ed25519 key pair in OpenSSH's format."""
    import asyncssh

    if path.exists() and path.with_suffix(".pub").exists():
        return
    key = asyncssh.generate_private_key("ssh-ed25519", comment="lnode-demo")
    _write(path.with_suffix(".pub"), key.export_public_key().decode())
    _write(path, key.export_private_key().decode())


def _install_programs(place: DemoFolders) -> None:
    """Copy the login node's programs: a wheel keeps no executable bits, and an upgrade may move the package."""
    for name in ("sinteractive", "sinfo", "srun", "train"):
        _write(place.programs / name, (_SHIPPED / "bin" / name).read_text(), 0o755)
    for name in ("squeue", "scancel", "tmux"):
        source = _SHIPPED / ("standin" if name == "tmux" else "bin") / name
        _write(place.state / "lib" / name, source.read_text())
        words = [sys.executable, "-I", "-S", str(place.state / "lib" / name)]
        if name == "tmux" and (found := real_tmux()):
            words = [found]
        _write(place.programs / name, _launcher(words), 0o755)
    _write(place.state / "lib" / "drop", (_SHIPPED / "drop.py").read_text())
    drop = [sys.executable, "-I", "-S", str(place.state / "lib" / "drop"), str(place.short)]
    _write(place.programs / "drop", _launcher(drop), 0o755)
    for name, text in _OF_LOGIN_NODES.items():
        if shutil.which(name, path=os.pathsep.join(_system_path())) is None:
            _write(place.programs / name, text, 0o755)
    getsid = "import os, sys; print(os.getsid(int(sys.argv[1])))"
    _write(place.state / "lib" / "getsid", _launcher([sys.executable, "-I", "-S", "-c", getsid]), 0o755)


def _launcher(words: list[str]) -> str:
    """Return a shell line in place of a `#!` line, which cannot have a path with blanks."""
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'


# util-linux' setsid forks if it leads a group; macOS has no such program.
_SETSID = """\
import os, signal, sys
if os.getpgrp() == os.getpid() and os.fork():
    sys.exit()
os.setsid()
for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python
    signal.signal(ignored, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
# Every login node has these, and macOS has not. This timeout knows lnode's words for it, and no limit.
_OF_LOGIN_NODES = {
    "timeout": '#!/bin/sh\nif [ "$1" = -k ]; then shift 2; fi\nshift\nexec "$@"\n',
    "setsid": _launcher([sys.executable, "-I", "-S", "-c", _SETSID]),
}


def _sweep(place: DemoFolders) -> None:
    """Remove the files of demos that were killed."""
    for path in (*place.short.glob("config-*"), *place.short.glob(f"{SOCKETS}*")):
        owner = path.name.split("-")[1]
        if not (owner.isdigit() and _alive(int(owner))):
            path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def config_file(place: DemoFolders, port: int) -> Iterator[Path]:
    """Yield an `ssh -F` file for this process's server; ssh then reads neither the user's nor the system's."""
    handle, name = tempfile.mkstemp(prefix=f"config-{os.getpid()}-", dir=place.short)
    with os.fdopen(handle, "w") as file:
        file.write(_config(place, port))
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _config(place: DemoFolders, port: int) -> str:
    return f"""\
# written by lnode demo, removed when it ends
Host demo
    HostName 127.0.0.1
    Port {port}
    User {getpass.getuser()}
    HostKeyAlias lnode-demo
    IdentityFile {_quoted(place.client_key)}
    IdentitiesOnly yes
    IdentityAgent none
    PreferredAuthentications publickey
    UserKnownHostsFile {_quoted(place.short / "known_hosts")}
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    UpdateHostKeys no
    CheckHostIP no
"""


def _quoted(path: Path) -> str:
    """Return a path for ssh_config: quoted because of blanks, with doubled percent signs because of TOKENS."""
    return '"' + str(path).replace("%", "%%") + '"'


def environment(place: DemoFolders) -> dict[str, str]:
    """Return the login node's environment; of the user's own only the variables that shells and locales need."""
    user = getpass.getuser()
    kept = {key: os.environ[key] for key in ("TZ", "LNODE_STANDIN_LOG") if key in os.environ}
    return kept | {
        "ENV": str(place.home / ".profile"),  # what an interactive sh reads
        "HOME": str(place.home),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "LNODE_DEMO_STATE": str(place.state),
        "LOGNAME": user,
        "PATH": os.pathsep.join((str(place.programs), *_system_path())),
        "SHELL": shutil.which(os.environ.get("SHELL", "")) or "/bin/sh",
        "TMUX_TMPDIR": str(place.tmux_folder),
        "USER": user,
    }


def remove() -> bool:
    """End sessions, then jobs, then remove the folders; return False if there were none."""
    place = locate()
    folders = [folder for folder in {place.state, place.short} if is_own(folder)]
    if place.short in folders:
        _end_sessions(place)
    _end_jobs(place)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # lnode's own folder goes too, unless it keeps something else
        place.state.parent.rmdir()
    return bool(folders)


def is_own(folder: Path) -> bool:
    """True if it is a folder of this user's: in /tmp another user may have made it, and wait for whoever asks there."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _end_sessions(place: DemoFolders) -> None:
    standin = [sys.executable, "-I", "-S", str(_SHIPPED / "standin" / "tmux")]
    real = real_tmux()
    for folder, argv in (("standin", standin), ("tmux", [real] if real else [])):
        for socket in (place.short / folder).glob("tmux-*/*"):
            if argv and socket.is_socket():
                subprocess.run([*argv, "-S", str(socket), "kill-server"], capture_output=True, timeout=10, check=False)


def _end_jobs(place: DemoFolders) -> None:
    """Hang up jobs without a session, and wait until all have ended."""
    deadline = time.monotonic() + _END_WITHIN_S
    for number in (signal.SIGHUP, signal.SIGKILL):
        pids = _job_pids(place)
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.02)


def _job_pids(place: DemoFolders) -> list[int]:
    """Return the processes of the job files: sinteractive and its shell, if their session is still the recorded one."""
    pids = []
    for path in place.jobs.glob("[0-9]*"):
        with suppress(OSError, ValueError, KeyError):
            job = dict(row.split("=", 1) for row in path.read_text().splitlines())
            candidates = [int(job[key]) for key in ("shell", "pid") if job.get(key) and not job.get("ended")]
            pids += [pid for pid in candidates if os.getsid(pid) == int(job["sid"])]
    return pids
