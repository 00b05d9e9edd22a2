"""Names by which ssh itself reaches the node of a session, `myproject.unity.lnode`, and the ssh_config(5) for them.

An editor's Remote-SSH, scp and rsync take them as any Host. Where they lead is found out at each connection.
"""

import re
import shlex
from collections.abc import Sequence

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENCODED = re.compile(r"x((?:[0-9a-f]{2})+)")


def host_of(alias: str, session: str) -> str:
    """The name of a session's node. What ssh or an editor would take for something else is in hex."""
    return f"{_label(session)}.{domain_of(alias)}"


def domain_of(alias: str) -> str:
    """What the names of all its sessions end in, and a file may be called."""
    return f"{_label(alias)}.lnode"


def session_of(host: str) -> str | None:
    """The session that is meant by such a name, None by any other."""
    label, _, domain = host.partition(".")
    if not domain.endswith(".lnode"):
        return None
    encoded = _ENCODED.fullmatch(label)
    try:
        return bytes.fromhex(encoded[1]).decode() if encoded else label
    except UnicodeDecodeError:
        return None


def _label(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and not _ENCODED.fullmatch(name) else f"x{name.encode().hex()}"


def block(alias: str, user: str, *, way: Sequence[str], key: str, known_hosts: str, key_name: str) -> str:
    """The Host of all sessions of an alias. `way` is the command to its node, `key` and `known_hosts` are files."""
    rows = [
        f"Host *.{domain_of(alias)}",
        f"ProxyCommand {shlex.join(way).replace('%', '%%')} %n",
        f"User {user}",
        f"HostKeyAlias {key_name}",
        f'UserKnownHostsFile "{known_hosts}"',
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        f'IdentityFile "{key}"',
        "IdentitiesOnly yes",
        "PreferredAuthentications publickey",
        "CanonicalizeHostname no",
        "ControlPath none",
        "ServerAliveInterval 15",
    ]
    return "\n    ".join(rows) + "\n"


def include(folder: str) -> str:
    """The line of ~/.ssh/config that brings in the blocks of a folder; its first, because what comes first counts."""
    return f'Include "{folder}/*.lnode"'
