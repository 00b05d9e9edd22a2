"""The laptop's side of the sshd that sshd.sh starts in a session's allocation: its keys, and the ssh that speaks to it.

The sshd has no port. It is reached only through an open connection to the host, by standard input and output. So its
key opens nothing by itself, and lies in a file. For -L that ssh is lnode's own, for --code it is the editor's.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import blake2s

from lnode.cluster import sessions
from lnode.cluster.sessions import Entry, Picture, State
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import folders
from lnode.node import names
from lnode.node.forwards import Forward
from lnode.remote import call
from lnode.remote.fields import KEY_KINDS, HostKey, JobId
from lnode.schedulers.known import scheduler
from lnode.ssh import arguments
from lnode.ssh.arguments import Local, Option
from lnode.ssh.log import SshLog
from lnode.ssh.question import argv_of
from lnode.ssh.target import Target

_NAME = "lnode"  # in known_hosts


def forward_argv(
    target: Target, job: JobId | None, host_key: HostKey, forwards: Sequence[Forward], log: SshLog, *, may_prompt: bool
) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the ssh with these forwards, the ssh on the way to it, and the environment.

    The forwards lead to the job's node, without a job to the login node. The ssh prints a line when they are open, and
    ends with its standard input. `log` is for the ssh on the way. Raises LnodeError.
    """
    way, environment = argv_of(target, _line(job, host_key), may_prompt=may_prompt)
    logged = shlex.join(log.argv(way))
    keep_host_key(target.alias, host_key)
    words = [word for option in _options(target, host_key) for word in ("-o", option)]
    specs = [word for forward in forwards for word in ("-L", forward.spec)]
    # In the environment: an ssh before 8.4 rejects a ProxyCommand over 4 KiB, and every ssh expands a % in it.
    shell = {**(os.environ if environment is None else environment), "SHELL": "/bin/sh", "LNODE_WAY": logged}
    return ["ssh", "-F", "none", "-T", *words, *specs, "--", _NAME, "echo; exec cat"], way, shell


def way_argv(target: Target, job: JobId | None, host_key: HostKey) -> tuple[list[str], dict[str, str] | None]:
    """Return the silent ssh that carries the sshd's input and output, and its environment. Raises LnodeError."""
    return argv_of(target, _line(job, host_key), may_prompt=False)


def _line(job: JobId | None, host_key: HostKey) -> str:
    kind = host_key.kind
    return call.line("sshd", job or "", _public_key(kind), folders.identity()[0], kind, call.source("step_sshd"))


def host_block(target: Target, way: Sequence[str]) -> str:
    """Return the Host block with which ssh goes by `way` to the nodes of the alias' sessions. Raises LnodeError."""
    return names.block(
        target.alias, target.user, way=way, keys=[*map(_path, KEY_KINDS)], known_hosts=_known_hosts(target.alias),
        key_name=_NAME,
    )  # fmt: skip


def _options(target: Target, host_key: HostKey) -> list[Option]:
    values = {
        "ProxyCommand": '/bin/sh -c "exec $LNODE_WAY"', "User": target.user, "HostKeyAlias": _NAME,
        "UserKnownHostsFile": f'"{_known_hosts(target.alias)}"', "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes", "IdentityFile": f'"{_key(host_key.kind)}"', "IdentitiesOnly": "yes",
        "IdentityAgent": "none", "ServerAliveInterval": "5", "ServerAliveCountMax": "3", "ExitOnForwardFailure": "yes",
    }  # fmt: skip
    return [*arguments.SILENT, *(Option(keyword, Local(value)) for keyword, value in values.items())]


def kinds(wanted: Sequence[str] = KEY_KINDS) -> str:
    """Return the types of keys that this laptop permits, best first, as words. Raises LnodeError if there is none.

    The host chooses (hostkey.sh), so both sides have keys of one type. FIPS 140-2 on either side rules out ed25519.
    """
    try:
        _key(wanted[0])
    except LnodeError:
        if wanted[1:]:
            return kinds(wanted[1:])
        raise
    return " ".join(wanted)


def _key(kind: str) -> str:
    """Return the file with this laptop's key of that type, made at the first call. Raises LnodeError."""
    path = _path(kind)
    if not os.path.exists(f"{path}.pub"):
        draft = f"{path}.{os.getpid()}"
        make = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "lnode", "-f", draft]
        try:
            folders.make_private(folders.state_folder())
            subprocess.run(make, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            os.replace(draft, path)
            os.replace(f"{draft}.pub", f"{path}.pub")
        except (OSError, subprocess.CalledProcessError) as error:
            raise LnodeError(
                ExitCode.FAILED, "cannot make a key for the way to the node",
                f"see the reason: {shlex.join(make)}", detail=str(error),
            ) from None  # fmt: skip
    return path


def _path(kind: str) -> str:
    return f"{folders.state_folder()}/node-key{'' if kind == KEY_KINDS[0] else f'-{kind}'}"


def _public_key(kind: str) -> str:
    with open(f"{_key(kind)}.pub", encoding="ascii") as file:
        return file.read().strip()


def keep_host_key(alias: str, key: HostKey) -> None:
    """Remember the key by which ssh knows the node's sshd from now on. Raises LnodeError."""
    path = _known_hosts(alias)
    try:
        folders.replace_privately(path, f"{_NAME} {key}\n")
    except OSError as error:
        raise LnodeError(
            ExitCode.FAILED, f"cannot write the key of the node's sshd: {error.strerror}", f"make room for {path}"
        ) from None


def _known_hosts(alias: str) -> str:
    return f"{folders.state_folder()}/node-hosts-{blake2s(alias.encode(), digest_size=8).hexdigest()}"


def no_way(words: str, alias: str, name: str, without: str) -> LnodeError:
    """Return why the sshd of the session cannot be reached; `without` says how to do without it."""
    last = "\n".join(words.splitlines()[-5:])
    for said, program, where in (("step", "srun", f"on {alias}"), ("sshd", "sshd", f"where {name} on {alias} is")):
        if f"lnode: no {said}" in words:
            return LnodeError(
                ExitCode.MISSING_THERE, f"there is no {program} {where}, which the way there would need", without
            )
    if "Unable to create step" in words:  # srun; it waits for some seconds (slurm.sh)
        return LnodeError(
            ExitCode.FAILED, f"Slurm starts nothing beside your shell in the allocation of {name} on {alias}", without,
            detail=last,
        )  # fmt: skip
    return LnodeError(
        ExitCode.UNREACHABLE, f"no way to where {name} on {alias} is", f"look at it: lnode {alias} --ls",
        detail=last,
    )  # fmt: skip


def host_key(reply: Mapping[str, Sequence[str]], alias: str) -> HostKey:
    """Return the key of the sshd there, as hostkey.sh says it. Raises LnodeError."""
    rows = (" ".join(row.split(" ")[:2]) for row in reply.get("key", ()))  # the third word is a comment
    key = next(filter(None, map(HostKey.parse, rows)), None)
    if key is None:
        raise LnodeError(
            ExitCode.MISSING_THERE, f"no key could be made on {alias}", f"see what it says: ssh {alias} ssh-keygen -h"
        )
    return key


def check_reachable(picture: Picture, entry: Entry, alias: str) -> None:
    """Raise LnodeError if no sshd can be started at the session."""
    if entry.state is State.UNKNOWN and picture.scheduler == "silent":
        raise LnodeError(
            ExitCode.UNREACHABLE,
            f"the scheduler of {alias} does not answer, so where {entry.session.name} runs is unknown",
            "ask again when it does",
        )
    if not (entry.state is State.SHELL or (entry.state is State.RUNNING and scheduler(picture.system).step != "")):
        raise not_reachable(entry, alias)


def not_reachable(entry: Entry, alias: str) -> LnodeError:
    """Return the error for a session at which no sshd can be started."""
    name = entry.session.name
    why = "only Slurm can lead there" if entry.state is State.RUNNING else f"it {sessions.whereabouts(entry)}"
    return LnodeError(
        ExitCode.FAILED, f"there is no way to where {name} on {alias} is: {why}", f"look at it: lnode {alias} {name}",
        page=Page.PORTS,
    )  # fmt: skip
