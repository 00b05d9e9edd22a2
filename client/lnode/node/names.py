"""Names by which ssh itself reaches the node of a session, `myproject.unity.lnode`, and the ssh_config(5) for them.

An editor's Remote-SSH, scp and rsync use them like any Host. lnode finds the node at each connection.
"""

import re
import shlex
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENCODED = re.compile(r"x((?:[0-9a-f]{2})+)")


def host_of(alias: str, session: str) -> str:
    """Return the name of a session's node. Names that ssh or an editor could misread are in hex."""
    return f"{_label(session)}.{domain_of(alias)}"


def domain_of(alias: str) -> str:
    """Return the common end of the names of all its sessions; it is also a valid file name."""
    return f"{_label(alias)}.lnode"


def session_of(host: str) -> str | None:
    """Return the session of such a name, None for any other name."""
    label, _, domain = host.partition(".")
    if not domain.endswith(".lnode"):
        return None
    encoded = _ENCODED.fullmatch(label)
    return bytes.fromhex(encoded[1]).decode("utf-8", "surrogateescape") if encoded else label


def _label(name: str) -> str:
    return (
        name
        if _PLAIN.fullmatch(name) and not _ENCODED.fullmatch(name)
        else f"x{name.encode('utf-8', 'surrogateescape').hex()}"
    )


def block(
    alias: str,
    user: str,
    *,
    way: Sequence[str],
    keys: Sequence[str],
    kinds: Sequence[str],
    known_hosts: str,
    key_name: str,
    warns: bool = False,
) -> str:
    """Return the Host block of all sessions of an alias. `way` leads to the node; `keys` and `known_hosts` are files.

    `kinds` are the types of keys that this laptop permits. `warns`: this ssh warns at each connection of the quick
    exchange of keys (OpenSSH 10.1), so it is left to ssh; another ssh that reads the file may not know WarnWeakCrypto.
    """
    algorithms = ",".join(_ALGORITHMS[kind] for kind in kinds)
    rows = [
        f'Host *.{domain_of(alias)} "!*\'*"',  # an ssh before 9.6 lets the shell read what a URL calls a host
        "HostName %h",  # else paramiko, and what is made of it, has no %h
        f"ProxyCommand {shlex.join(way).replace('%', '%%')} '%h'",
        f"User {user}",
        f"HostKeyAlias {key_name}",
        f'UserKnownHostsFile "{known_hosts}"',
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        *(f'IdentityFile "{key}"' for key in keys),
        "IdentitiesOnly yes",
        "PreferredAuthentications publickey",
        f"HostKeyAlgorithms {algorithms}",
        f"PubkeyAcceptedKeyTypes {algorithms}",  # ssh before 8.5 knows no other name for it
        *(f"{keyword} {value}" for keyword, value in FASTEST.items() if not (warns and keyword == "KexAlgorithms")),
        "CanonicalizeHostname no",
        "ControlPath none",
        "ServerAliveInterval 15",
        f"ConnectTimeout {CONNECTS_S}",
        *_ALONE,
    ]
    return "\n    ".join(rows) + "\n"


CONNECTS_S = 120  # for the way, and for the sshd there to begin

# Within a connection to the host, which is encrypted as you want it. FIPS 140-2 has these, too: an ssh that does not
# know one name of a list stops at that line, whichever Host it is for.
FASTEST = {"KexAlgorithms": "ecdh-sha2-nistp256", "Ciphers": "aes128-gcm@openssh.com,aes128-ctr"}

# From 10.1 on ssh warns of a connection whose keys a quantum computer may break one day; the one around it is yours.
QUIET = {"WarnWeakCrypto": "no"}

# By the type of a key; no name here is one that FIPS 140-2 rules out for that type.
_ALGORITHMS = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "rsa-sha2-512,rsa-sha2-256"}

# These options of a `Host *` do not reach a node, unless you ask for them: `ssh -A`, `ssh -X`. GSSAPI is not here: an
# ssh without it complains about each such option, and PreferredAuthentications rules it out.
_ALONE = (
    "AddKeysToAgent no",
    "ForwardAgent no",
    "ForwardX11 no",
    "PermitLocalCommand no",
    "ProxyUseFdpass no",
    "RemoteCommand none",
    "Tunnel no",
    "UpdateHostKeys no",
    "VerifyHostKeyDNS no",
)


def passed_on(options: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the options of `ssh -G` that reach a node in spite of the block: they add up, so no block can undo them.

    `SendEnv -NAME` undoes only earlier lines (ssh_config(5)). A language and a kind of terminal are no secrets.
    """
    named = [("SendEnv", name) for name in options.get("sendenv", ())]
    named += [("SetEnv", row.partition("=")[0]) for row in options.get("setenv", ())]
    variables = [f"{option} {name}" for option, name in named if not _PLAIN_VARIABLE.fullmatch(name)]
    return [*variables, *(f"RemoteForward {row}" for row in options.get("remoteforward", ()))]


_PLAIN_VARIABLE = re.compile(r"LANG|LANGUAGE|LC_\w*\*?|TERM|COLORTERM|NO_COLOR")


def include(folder: str) -> str:
    """Return the line of ~/.ssh/config that includes a folder's blocks. It must be first: the first value counts."""
    return f'Include "{folder}/*.lnode"'
