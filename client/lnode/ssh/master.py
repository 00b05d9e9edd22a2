"""One sign-in for everything: a connection stays as a master (ssh_config(5), ControlMaster) for what follows.

Its socket lies in a folder that only this user can enter. A user's own ControlPath is respected: then ssh shares as it
says, and nothing here applies.
"""

import os
import signal
import stat
import subprocess
from contextlib import suppress

from lnode.laptop import folders
from lnode.ssh import arguments, sign_in_memory
from lnode.ssh.target import Target

KEEP = "10m"  # ControlPersist: how long a master stays after the last use
NEVER = "no"
_LONGEST = 104 - 1 - 17  # sun_path of macOS with its NUL, and what ssh appends while it binds (mux.c: `.%16s`)
_OBEYS_WITHIN_S = 2.0

Identity = tuple[int, int]
"""Of a socket: another master at the same path has another one."""


def with_master(target: Target, keep_warm: str | None) -> Target:
    """The target with a master of lnode's own: where signing in takes a person, nobody knows yet, or it is asked for.

    Where signing in is silent each terminal has a connection of its own: one to lose, sooner back.
    """
    person = sign_in_memory.takes_person(target)
    alone = person is False and not sign_in_memory.is_for_ssh_alone(target)
    if keep_warm == NEVER or (keep_warm is None and alone):
        return target
    # Where the connection will stay, a jump host's ssh speaks to /dev/null (sshconnect.c, ssh_proxy_connect): a login
    # that was refused there would look like one to be tried again.
    unsure = person is None and target.place.proxied
    return with_own(target, keep_warm or (NEVER if unsure else KEEP))


def with_own(target: Target, keep_warm: str = KEEP) -> Target:
    """The target with the path of lnode's own master, where it can have one."""
    if target.config is not None or target.one("controlpath"):
        return target
    # One that ends with its terminal is for that alone: who else rode on it would hold it up.
    name = target.digest if keep_warm != NEVER else f"{target.digest}-{os.getpid()}"
    folder = folders.private_folder(_LONGEST - len(f"/{name}"))
    if folder is None:
        return target
    return target._replace(control_path=f"{folder}/{name}", keep_warm=keep_warm)


def without(target: Target) -> Target:
    """The target without a master of lnode's own."""
    return target._replace(control_path="", keep_warm="")


def identity(target: Target) -> Identity | None:
    """Which master there is now, alive or not; None for none."""
    if not target.control_path:
        return None
    try:
        found = os.lstat(target.control_path)
    except OSError:
        return None
    return (found.st_ino, found.st_ctime_ns) if stat.S_ISSOCK(found.st_mode) else None


def close(target: Target) -> bool:
    """End lnode's own master and all that rides on it; False where there was none."""
    if identity(target) is None:
        return False
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            arguments.exit_argv(target.alias, target.riding), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=_OBEYS_WITHIN_S, check=False,
        )  # fmt: skip
    drop(target)
    return True


def drop(target: Target) -> None:
    """End lnode's own master even where it does not listen any more; its socket goes with it."""
    if identity(target) is None:
        return
    for pid in _masters(target.control_path):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        os.unlink(target.control_path)


def _masters(path: str) -> list[int]:
    """The processes that call themselves the master of that socket (ssh.c, control_persist_detach)."""
    ps = ["ps", "-A", "-ww", "-o", "pid=,uid=,args="]
    try:
        rows = subprocess.run(ps, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()
    except OSError:  # no ps, as in a slim container: it ends by itself, without its socket
        return []
    found = (row.split(maxsplit=2) for row in rows)
    mine = str(os.getuid())
    return [int(pid) for pid, uid, args in found if uid == mine and args.rstrip() == f"ssh: {path} [mux]"]
