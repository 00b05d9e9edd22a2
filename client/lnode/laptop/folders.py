"""The laptop's id and name, and the folders in which lnode keeps its files.

Every attach loads this file before ssh, so it imports no socket (for the name), no secrets (for the id), no pathlib.
"""

import os
import stat
import sys
from contextlib import suppress

_LONGEST_NAME = 40
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")  # no regex on the way to ssh

# The words with which another program starts lnode's Python: -P keeps the current folder out of sys.path, and -E a
# PYTHONPATH that leads to it. Not -I, which would miss an lnode installed for this user alone (`pip install --user`).
PYTHON = (sys.executable, "-E", "-P")


def leave_out_current_folder() -> None:
    """Drop relative folders from PATH and PYTHONPATH, so that no `ssh` or `keyring.py` of the current folder runs.

    An empty element is the current folder, too (POSIX, Base Definitions 8.3; Python does the same).
    """
    for name, default in (("PATH", os.defpath), ("PYTHONPATH", "")):
        if name in os.environ:
            folders = filter(os.path.isabs, os.environ[name].split(os.pathsep))
            os.environ[name] = os.pathsep.join(folders) or default


def identity() -> tuple[str, str]:
    """Return this laptop's id, 16 random hex digits that stay the same, and its name.

    If the id cannot be written or read, this run gets a fresh one; it is never an error.
    """
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")  # Windows
    return _kept_id(), display_name(name)


def display_name(hostname: str) -> str:
    """Return a host name that is safe to show and to send: 1 to 40 letters, digits and `. _ -`."""
    return "".join(filter(_PLAIN.__contains__, hostname))[:_LONGEST_NAME] or "laptop"


def _kept_id() -> str:
    fresh = os.urandom(8).hex()
    try:
        path = _path()
        if not os.path.exists(path):
            _keep(fresh, path)
        with open(path, "rb") as file:
            kept = file.read(64)
    except OSError:
        return fresh
    is_id = len(kept) == len(fresh) + 1 and kept.endswith(b"\n") and not kept[:-1].strip(b"0123456789abcdef")
    return kept[:-1].decode() if is_id else fresh


def _keep(fresh: str, path: str) -> None:
    """Write the id whole or not at all, unless one exists: two lnodes that start together then read the same id."""
    make_private(os.path.dirname(path))
    draft = f"{path}.{fresh}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        try:
            file.write(f"{fresh}\n")
            file.flush()
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            os.unlink(draft)


def state_folder() -> str:
    """Return the folder of lnode's files other than its configuration; it may not exist yet."""
    if sys.platform == "linux":  # as platformdirs says, without the 10 ms of its import
        home = os.environ.get("XDG_STATE_HOME", "")  # a relative one does not count (XDG Base Directory Specification)
        return f"{home if os.path.isabs(home) else os.path.expanduser('~/.local/state')}/lnode"
    from platformdirs import user_state_path

    return str(user_state_path("lnode"))


def make_private(folder: str) -> None:
    """Make a folder of the state folder that only this user can enter; close one that is open to others.

    Raises OSError.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    state = state_folder()
    inside = folder.startswith(f"{state}/")
    for one in {folder, state} if inside else {folder}:
        if hasattr(os, "getuid") and os.stat(one).st_mode & 0o077:
            with suppress(OSError):  # a file system without modes, or a folder that another user has made
                os.chmod(one, 0o700)


def replace_privately(path: str, text: str) -> None:
    """Write a file of the state folder that only this user can read, whole or not at all. Raises OSError."""
    make_private(os.path.dirname(path))
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise


def is_first(name: str) -> bool:
    """True at the first call with `name` on this laptop. If lnode cannot remember the call: always False."""
    path = f"{state_folder()}/told-{name}"
    if os.path.exists(path):
        return False
    try:
        replace_privately(path, "")
    except OSError:
        return False
    return True


def private_folder(longest: int = 1000) -> str | None:
    """Return a folder for sockets that only this user can enter, made if needed; None if there is none.

    Its path has at most `longest` characters, and none that ssh_config(5) expands. $XDG_RUNTIME_DIR belongs to another
    user after `su` or `sudo -E`, and any user may have made the folder under /tmp. lnode leaves a folder alone that is
    not this user's.
    """
    if sys.platform == "win32":  # ssh cannot share there
        return None
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")  # cron and su leave it out
    paths = [f"/tmp/lnode-{os.getuid()}"]  # noqa: S108 - looked at before it is used
    if runtime and _is_mine(runtime):
        paths.insert(0, f"{runtime}/lnode")
    for path in paths:
        if len(path) > longest or not _PLAIN.issuperset(path.replace("/", "")):
            continue
        with suppress(OSError):
            os.mkdir(path, 0o700)
        if _is_mine(path):
            return path
    return None


def _is_mine(folder: str) -> bool:
    """True if it is a folder of this user's, not a link to one, that no other user can enter."""
    if sys.platform == "win32":  # knows no such user
        return False
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _path() -> str:
    return f"{state_folder()}/laptop"


def is_iterm() -> bool:
    """True if this terminal is iTerm2. It says so in TERM_PROGRAM, and through a tmux or an ssh in LC_TERMINAL."""
    return os.environ.get("TERM_PROGRAM") == "iTerm.app" or os.environ.get("LC_TERMINAL") == "iTerm2"
