"""The laptop's side of an sshd of your own in a session's allocation: its keys, and the way to it.

It listens on a port of the node, and lets in this laptop's key alone (node_way.sh). If the login node reaches no port
of the node, or its sshd forwards to none, another sshd speaks through a step's input and output (sshd.sh). Both are
reached only through a connection to the host, so the key opens nothing by itself, and lies in a file. For -L the ssh
that speaks to the sshd is lnode's own, for --code it is the editor's.
"""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2s
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders
from lnode.laptop.file_lock import alone
from lnode.node import names
from lnode.node.forwards import Forward
from lnode.remote import call
from lnode.remote.fields import KEY_KINDS, HostKey, JobId, NodeName, Port
from lnode.remote.reply import Reply
from lnode.ssh import arguments
from lnode.ssh.arguments import Local, Option
from lnode.ssh.log import SshLog
from lnode.ssh.question import Question, argv_of, relay_of
from lnode.ssh.target import Target

_NAME = "lnode"  # in known_hosts
_NO_RELAY_S = 3600.0  # how long lnode does not try again; a node that was away looks the same


class Way(NamedTuple):
    """The way to an sshd on the node of `job`; without a job, on the login node.

    `node` and `port` say where the sshd listens; both are None for one that speaks through a step's input and output.
    `fresh`: the ssh opens a connection of its own, because the one that a sign-in has left open is dead. `tried`: the
    login node has reached that port just now; else it may be closed, though the host says that it is open.
    """

    target: Target
    job: JobId | None
    key: HostKey
    node: NodeName | None = None
    port: Port | None = None
    fresh: bool = False
    tried: bool = False

    def argv(self, *, may_prompt: bool) -> tuple[list[str], dict[str, str] | None]:
        """Return the ssh whose input and output are those of the sshd, and its environment. Raises LnodeError."""
        if self.node and self.port:
            return relay_of(self.target, self.node, self.port, may_prompt=may_prompt, fresh=self.fresh)
        kind = self.key.kind
        words = (self.job or "", _public_key(kind), laptop(), kind, call.source("step_sshd"))
        return argv_of(self.target, call.line("sshd", *words), may_prompt=may_prompt, fresh=self.fresh)

    def at(self, node: str, port: str, *, tried: bool = False) -> "Way":
        """Return the way to that port, as the host tells it; itself if it tells none."""
        found = NodeName.parse(node), Port.parse(port)
        return self._replace(node=found[0], port=found[1], tried=tried) if all(found) else self

    def is_closed(self, words: str) -> bool:
        """True if an ssh says that nothing was sent: the host forwards to no port, or this one is closed."""
        return self.port is not None and _NOT_FORWARDED.search(words) is not None

    def without_port(self) -> "Way":
        """Return the way to take now that the host has not forwarded to the port; it is not tried again for a while."""
        with suppress(OSError):
            folders.replace_privately(_no_relay(self.target), "")
        return self._replace(node=None, port=None)


# ssh.c, ssh_stdio_confirm(), and mux.c, mux_client_request_stdio_fwd().
_NOT_FORWARDED = re.compile(r"stdio forwarding (?:request )?failed|refused stdio forwarding", re.IGNORECASE)


def values() -> tuple[str, ...]:
    """Return the last values of node_way.sh. Raises LnodeError."""
    return kinds(), laptop(), call.source("step_sshd")


def way_of(target: Target, job: JobId | None, question: Question, reply: Reply, *, tried: bool = False) -> Way:
    """Return the way, after a reply of node_way.sh with the key. Raises LnodeError.

    With `tried` the login node tries the port before, which takes it longer than all the rest.
    """
    key = host_key(reply, target.alias)
    keep_host_key(target.alias, key)
    way = Way(target, job, key, fresh=question.left_master)
    if job is None or _forwards_nothing(target):
        return way
    for of_job, port, node in (row for line in reply.get("listeners", ()) if len(row := line.split(" ")) == _COLUMNS):
        if of_job == job and not tried and (there := way.at(node, port)).port:
            return there
    question.tell(f"{job}\n{_public_key(key.kind)}")
    port, _, node = next(iter(question.reply().get("port", ())), "").partition(" ")
    return way.at(node, port, tried=True)


_COLUMNS = 3


def _forwards_nothing(target: Target) -> bool:
    """True if the host has lately forwarded to no port."""
    try:
        return 0 <= time.time() - os.stat(_no_relay(target)).st_mtime < _NO_RELAY_S
    except OSError:
        return False


def _no_relay(target: Target) -> str:
    return f"{folders.state_folder()}/no-relay-{_digest(target.alias)}"


def forward_argv(
    way: Way, forwards: Sequence[Forward], log: SshLog, *, may_prompt: bool
) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the ssh with these forwards, the ssh on the way to it, and the environment.

    The ssh prints a line when they are open, and ends with its standard input. `log` is for the ssh on the way. Raises
    LnodeError.
    """
    on_the_way, environment = way.argv(may_prompt=may_prompt)
    logged = shlex.join(log.argv(on_the_way))
    words = [word for option in _options(way.target, way.key) for word in ("-o", option)]
    specs = [word for forward in forwards for word in ("-L", forward.spec)]
    # In the environment: an ssh before 8.4 rejects a ProxyCommand over 4 KiB, and every ssh expands a % in it.
    shell = {**(os.environ if environment is None else environment), "SHELL": "/bin/sh", "LNODE_WAY": logged}
    return ["ssh", "-F", "none", "-T", *words, *specs, "--", _NAME, "echo; exec cat"], on_the_way, shell


def host_block(target: Target, way: Sequence[str]) -> str:
    """Return the Host block with which ssh goes by `way` to the nodes of the alias' sessions. Raises LnodeError."""
    return names.block(
        target.alias, target.user, way=way, keys=[*map(_path, KEY_KINDS)], kinds=kinds().split(" "),
        known_hosts=_known_hosts(target.alias), key_name=_NAME, warns=_warns(target),
    )  # fmt: skip


def _options(target: Target, host_key: HostKey) -> list[Option]:
    values = {
        "ProxyCommand": '/bin/sh -c "LNODE_PID=$PPID exec $LNODE_WAY"', "User": target.user, "HostKeyAlias": _NAME,
        "UserKnownHostsFile": f'"{_known_hosts(target.alias)}"', "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes", "IdentityFile": f'"{_key(host_key.kind)}"', "IdentitiesOnly": "yes",
        "IdentityAgent": "none", "ServerAliveInterval": "5", "ServerAliveCountMax": "3", "ExitOnForwardFailure": "yes",
        **names.FASTEST, **(names.QUIET if _warns(target) else {}),
    }  # fmt: skip
    return [*arguments.SILENT, *(Option(keyword, Local(value)) for keyword, value in values.items())]


def _warns(target: Target) -> bool:
    """True if this ssh warns of weak algorithms (OpenSSH 10.1): only then it knows the option."""
    return "warnweakcrypto" in target.options


def kinds(wanted: Sequence[str] = KEY_KINDS) -> str:
    """Return the types of keys that this laptop permits, best first, as words. Raises LnodeError if there is none.

    The host chooses (node_way.sh), so both sides have keys of one type. FIPS 140-2 on either side rules out ed25519.
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
            with alone(path):  # of two first calls at one moment, one would replace half of the other's pair
                if not os.path.exists(f"{path}.pub"):
                    subprocess.run(make, stdin=subprocess.DEVNULL, capture_output=True, check=True)
                    os.replace(draft, path)
                    os.replace(f"{draft}.pub", f"{path}.pub")
        except (OSError, subprocess.CalledProcessError) as error:
            raise LnodeError(
                ExitCode.FAILED, "cannot make a key for the way to the node",
                f"see the reason: {shlex.join(make)}", detail=str(error),
            ) from None  # fmt: skip
    return path


def laptop() -> str:
    """Return 16 hex digits for this laptop and its keys: an sshd that runs lets in no keys that were made since."""
    key = _public_key(kinds().split(" ")[0])
    return blake2s(f"{folders.identity()[0]} {key}".encode(), digest_size=8).hexdigest()


def _path(kind: str) -> str:
    return f"{folders.state_folder()}/node-key{'' if kind == KEY_KINDS[0] else f'-{kind}'}"


def _public_key(kind: str) -> str:
    with open(f"{_key(kind)}.pub", encoding="ascii") as file:
        return file.read().strip()


def keep_host_key(alias: str, key: HostKey) -> None:
    """Remember the key by which ssh knows the node's sshd from now on. Raises LnodeError."""
    path, row = _known_hosts(alias), f"{_NAME} {key}\n"
    try:
        with suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
            if file.read() == row:
                return
        folders.replace_privately(path, row)
    except OSError as error:
        raise LnodeError(
            ExitCode.FAILED, f"cannot write the key of the node's sshd: {error.strerror}", f"make room for {path}"
        ) from None


def _known_hosts(alias: str) -> str:
    return f"{folders.state_folder()}/node-hosts-{_digest(alias)}"


def _digest(alias: str) -> str:
    return blake2s(alias.encode(), digest_size=8).hexdigest()


def host_key(reply: Reply, alias: str) -> HostKey:
    """Return the key of the sshd there, as node_way.sh says it. Raises LnodeError."""
    rows = (" ".join(row.split(" ")[:2]) for row in reply.get("key", ()))  # the third word is a comment
    key = next(filter(None, map(HostKey.parse, rows)), None)
    if key is None:
        raise LnodeError(
            ExitCode.MISSING_THERE, f"no key could be made on {alias}", f"see what it says: ssh {alias} ssh-keygen -h",
            detail="\n".join(reply.get("key", ())[:5]),
        )  # fmt: skip
    return key
