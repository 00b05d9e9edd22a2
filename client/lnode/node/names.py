"""Names by which ssh itself reaches the node of a session, `myproject.unity.lnode`, and the ssh_config(5) for them.

An editor's Remote-SSH, scp and rsync take them as any Host. Where they lead is found out at each connection.
"""

import re
import shlex
from collections.abc import Mapping, Sequence

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
        *_ALONE,
    ]
    return "\n    ".join(rows) + "\n"


# What a `Host *` has for all hosts does not go to a node, unless you ask for it there: `ssh -A`, `ssh -X`. No word of
# GSSAPI: an ssh without it complains of each, and PreferredAuthentications rules it out.
_ALONE = (
    "AddKeysToAgent no",
    "ForwardAgent no",
    "ForwardX11 no",
    "PermitLocalCommand no",
    "RemoteCommand none",
    "Tunnel no",
    "UpdateHostKeys no",
    "VerifyHostKeyDNS no",
)


def passed_on(options: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the options of `ssh -G` that reach a node all the same: they add up, so that no block can undo them.

    `SendEnv -NAME` undoes only what came before (ssh_config(5)). A language and a kind of terminal are no secrets.
    """
    named = [("SendEnv", name) for name in options.get("sendenv", ())]
    named += [("SetEnv", row.partition("=")[0]) for row in options.get("setenv", ())]
    variables = [f"{option} {name}" for option, name in named if not _PLAIN_VARIABLE.fullmatch(name)]
    return [*variables, *(f"RemoteForward {row}" for row in options.get("remoteforward", ()))]


_PLAIN_VARIABLE = re.compile(r"LANG|LANGUAGE|LC_\w*\*?|TERM|COLORTERM|NO_COLOR")


def include(folder: str) -> str:
    """The line of ~/.ssh/config that brings in the blocks of a folder; its first, because what comes first counts."""
    return f'Include "{folder}/*.lnode"'
