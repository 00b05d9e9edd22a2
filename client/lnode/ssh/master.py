"""One sign-in for everything: its connection stays open as a master (ssh_config(5), ControlMaster).

If you sign in by hand, your terminal becomes the master. If a silent sign-in is proved, the master stands by: it is a
connection beside the terminals (see link/rung_standby.py). What follows rides on either.
Its socket lies in a folder that only this user can enter. If the user's configuration has a ControlPath, ssh shares
as that says, and nothing here applies.
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
_MOST = 256

Identity = tuple[int, int]
"""Identifies a socket: another master at the same path has another identity."""


SILENT_S = 1.0  # over a live master; after so much silence the master has to prove that it is alive


def may_ride(target: Target) -> bool:
    """True if an ssh may use a connection that is open: lnode's own, or that of your ControlPath."""
    return bool(identity(target) or target.one("controlpath"))


def with_master(target: Target, keep_warm: str | None) -> Target:
    """Return the target with lnode's own master, a standby if a silent sign-in is proved; none if `keep_warm` is `no`.

    Beside a standby a terminal has its own connection: only that one can be lost, and it comes back sooner.
    """
    person = sign_in_memory.takes_person(target)
    alone = person is False and not sign_in_memory.is_for_ssh_alone(target)
    if keep_warm == NEVER or (alone and target.place.proxied and keep_warm is None):
        return target
    if alone and not target.place.proxied:
        beside = with_own(target, keep_warm or KEEP)
        forget_moved(beside)
        return beside._replace(standby=bool(beside.control_path))
    # With ControlPersist a jump host's ssh writes to /dev/null (sshconnect.c, ssh_proxy_connect): a login that the jump
    # host refused would look like a network failure, which lnode repeats.
    unsure = person is None and target.place.proxied
    return with_own(target, keep_warm or (NEVER if unsure else KEEP))


def with_own(target: Target, keep_warm: str = KEEP) -> Target:
    """Return the target with the path of lnode's own master, if it can have one."""
    if target.config is not None or target.one("controlpath"):
        return target
    # A master that ends with its terminal is for that terminal alone: other sessions on it would delay its end.
    name = target.digest if keep_warm != NEVER else f"{target.digest}-{os.getpid()}"
    folder = folders.private_folder(_LONGEST - len(f"/{name}"))
    if folder is None:
        return target
    return target._replace(control_path=f"{folder}/{name}", keep_warm=keep_warm)


def without(target: Target) -> Target:
    """Return the target without lnode's own master."""
    return target._replace(control_path="", keep_warm="", standby=False)


def identity(target: Target) -> Identity | None:
    """Return the identity of the present master's socket, alive or not; None if there is none."""
    if not target.control_path:
        return None
    try:
        found = os.lstat(target.control_path)
    except OSError:
        return None
    return (found.st_ino, found.st_ctime_ns) if stat.S_ISSOCK(found.st_mode) else None


def note_origin(target: Target, local: str) -> None:
    """Remember the laptop's own address from which the present master has connected, and its agent."""
    note(target, _ORIGIN, local, _agent())


def _origin(target: Target) -> tuple[str, str] | None:
    """Return address and agent of the present master, None if unknown."""
    match noted(target, _ORIGIN):
        case [local, agent]:
            return local, agent
    return None


_ORIGIN, SCRIPTS = "from", "has"  # kinds of notes; the second is that of stored.py


def note(target: Target, kind: str, *words: str) -> None:
    """Keep some words beside the socket of the present master: they count as long as it is there."""
    if found := identity(target):
        with suppress(OSError):
            folders.replace_privately(f"{target.control_path}.{kind}", f"{' '.join((*map(str, found), *words))}\n")


def noted(target: Target, kind: str) -> list[str]:
    """Return these words, [] if there are none for the present master."""
    found = identity(target)
    if found is None:
        return []
    with suppress(OSError, ValueError), open(f"{target.control_path}.{kind}", encoding="ascii") as file:
        inode, changed, *words = file.read(_MOST).split()
        return words if (int(inode), int(changed)) == found else []
    return []


def _agent() -> str:
    """Return 16 hex digits that name your agent."""
    from hashlib import blake2s

    return blake2s(os.fsencode(os.environ.get("SSH_AUTH_SOCK", "")), digest_size=8).hexdigest()


def brings_your_agent(target: Target) -> bool:
    """True if the present master forwards the agent that your own ssh would forward, or if none is to be forwarded."""
    if target.one("forwardagent", "no") == "no":
        return True
    origin = _origin(target)
    return origin is not None and origin[1] == _agent()


def forget_moved(target: Target) -> None:
    """Drop a master whose address the laptop no longer has: each ssh would wait for it in vain."""
    if identity(target) and (origin := _origin(target)):
        from lnode.laptop import addresses  # only if there is one

        if not addresses.is_ours(origin[0]):
            drop(target)


def close(target: Target) -> bool:
    """End lnode's own master and all sessions on it; return False if there was none."""
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
    """End lnode's own master even if it no longer listens, and remove its socket."""
    if identity(target) is None:
        return
    for pid in _masters(target.control_path):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    for path in (target.control_path, *(f"{target.control_path}.{kind}" for kind in (_ORIGIN, SCRIPTS))):
        with suppress(OSError):
            os.unlink(path)


def _masters(path: str) -> list[int]:
    """Return the pids of the masters of that socket, by their title (ssh.c, control_persist_detach) or words."""
    columns = ("-o", "pid=", "-o", "uid=", "-o", "args=")  # on macOS a header takes the rest of its word, with commas
    ps = ["ps", "-A", "-ww", *columns]
    try:
        rows = subprocess.run(ps, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()
    except OSError:  # no ps, as in a slim container: the master ends by itself, without its socket
        return []
    found = (words for row in rows if len(words := row.split(maxsplit=2)) == len(columns) // 2)
    mine = str(os.getuid())
    return [int(pid) for pid, uid, args in found if uid == mine and _is_master(args, path)]


def _is_master(args: str, path: str) -> bool:
    standby = f" -o ControlPath={path} -o ControlMaster=yes "  # Target.standing
    return args.rstrip() == f"ssh: {path} [mux]" or (args.partition(" ")[0].endswith("ssh") and standby in args)
