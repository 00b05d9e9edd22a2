"""Argument lists for ssh(1), and a parser for `ssh -G`.

Nothing here starts a process. Every ssh gets `RemoteCommand=none`: if the user's configuration has a RemoteCommand,
ssh refuses a command on its command line ("Cannot execute command-line and remote command", ssh.c). Every ssh gets
`LogLevel=VERBOSE`, so that a QUIET configuration cannot hide why ssh failed ("Unable to negotiate" is of level INFO),
and so that ssh tells when the login is done.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NewType, Self

from lnode.remote.fields import SSH_PORT, IpAddress, NodeName, Port

SSH_FAILED = 255  # ssh's own failure; the remote scripts never end with it

_ALWAYS = ("-o", "RemoteCommand=none", "-o", "LogLevel=VERBOSE")

Local = NewType("Local", str)
"""A text of this laptop: a constant, a path, words that you typed or configured. No part of it comes from a host."""


class Option(str):
    """A word after `-o`. ssh runs some options in a shell, so a host's word enters one only as a parsed field."""

    __slots__ = ()

    def __new__(cls, keyword: str, value: NodeName | IpAddress | Port | Local | int) -> Self:
        return super().__new__(cls, f"{keyword}={value}")


def _fixed(**values: str | int) -> tuple[Option, ...]:
    return tuple(Option(keyword, Local(str(value))) for keyword, value in values.items())


def _ssh(config: str | None) -> list[str]:
    return ["ssh"] if config is None else ["ssh", "-F", config]


def resolve_argv(alias: str, config: str | None = None, options: Sequence[Option] = ()) -> list[str]:
    """Return the `ssh -G` that prints an alias's meaning without a connection. `config` is for `-F`, or None."""
    return [*_ssh(config), "-G", *_words(options), "--", alias]


def terminal_argv(
    alias: str, line: str, *, connect_timeout_s: int, options: Sequence[Option] = (), config: str | None = None
) -> list[str]:
    """Return the `ssh -t` that runs `line` on the user's own tty. `options` are for `-o`: KEEPALIVE, SILENT, FRESH."""
    return [*_ssh(config), "-t", *_ALWAYS, *_timeout(connect_timeout_s), *_words(options), "--", alias, line]


# ssh ends a terminal that has been silent for 90 s. Not tighter: the same limit would cut off a person at a prompt.
KEEPALIVE = _fixed(ServerAliveInterval=30, ServerAliveCountMax=3)
SILENT = _fixed(BatchMode="yes")  # ssh asks no question; see prompts.environment()
# The keychain answers, once; ssh does not ask you, not even if a key is to be added to an agent.
ANSWERED = _fixed(BatchMode="no", NumberOfPasswordPrompts=1, AddKeysToAgent="no")
# CHECKED: only a host whose key is known. CONFIRMED: also one that you accept at ssh's question.
CHECKED = _fixed(StrictHostKeyChecking="yes", NoHostAuthenticationForLocalhost="no")
CONFIRMED = _fixed(StrictHostKeyChecking="ask", NoHostAuthenticationForLocalhost="no")
# ssh says when the login begins, and which key the host accepts: failures.came_to_login(), login.accepted_key().
TELLING = _fixed(LogVerbose="kex.c:kex_input_newkeys*,sshconnect2.c:input_userauth_pk_ok*")
# Over an existing master, or not at all: ssh does not dial. The command goes first and alone, because ssh
# ignores a ProxyCommand that follows any ProxyJump, even `ProxyJump=none`.
RIDING = _fixed(ProxyCommand="false", ControlMaster="no")
LENIENT = _fixed(ExitOnForwardFailure="no")
FRESH = _fixed(ControlMaster="no", ControlPath="none")  # a connection of its own


def faster(ciphers: str) -> tuple[Option, ...]:
    """Return the option that prefers the cipher built into processors, if `ciphers` are ssh's own and not your choice.

    ChaCha20, which is first there, takes several times as long: a connection that others share also carries files.
    """
    if ciphers not in _OWN_CIPHERS:
        return ()
    others = (name for name in ciphers.split(",") if name != _FASTEST)
    return _fixed(Ciphers=",".join((_FASTEST, *others)))


_FASTEST = "aes128-gcm@openssh.com"
_CHACHA, _GCM = "chacha20-poly1305@openssh.com", f"{_FASTEST},aes256-gcm@openssh.com"
_CTR = "aes128-ctr,aes192-ctr,aes256-ctr"
_OWN_CIPHERS = {f"{_CHACHA},{_CTR},{_GCM}", f"{_CHACHA},{_GCM},{_CTR}"}  # myproposal.h, KEX_CLIENT_ENCRYPT, 7.6 to 10.2
_CLEAR = _fixed(ClearAllForwardings="yes")


def may_dial(argv: Sequence[str]) -> bool:
    """True if this ssh may make its own connection; an ssh with RIDING does not."""
    return RIDING[0] not in argv


def question_argv(
    alias: str,
    line: str,
    *,
    connect_timeout_s: int,
    options: Sequence[Option] = (),
    config: str | None = None,
) -> list[str]:
    """Return the `ssh -T` that runs `line` with pipes for its input and output."""
    words = _words((*_CLEAR, *options))
    return [*_ssh(config), "-T", *_ALWAYS, *words, *_timeout(connect_timeout_s), "--", alias, line]


def relay_argv(
    alias: str,
    node: NodeName,
    port: Port,
    *,
    connect_timeout_s: int,
    options: Sequence[Option] = (),
    config: str | None = None,
) -> list[str]:
    """Return the `ssh -W` that connects its input and output with a port of a node, as the host sees it."""
    words = _words((*_CLEAR, *options))
    return [*_ssh(config), "-W", f"{node}:{port}", *_ALWAYS, *words, *_timeout(connect_timeout_s), "--", alias]


def _words(options: Sequence[Option]) -> list[str]:
    return [word for option in options for word in ("-o", option)]


def _timeout(seconds: int, platform: str = sys.platform) -> tuple[str, ...]:
    """Return ssh's limit for a connection; none for Apple's ssh, which tries one address after another with it.

    Without it that ssh races IPv4 and IPv6 and starts a VPN on demand (10.0p2). lnode's own limits end an attempt.
    """
    return () if platform == "darwin" else ("-o", f"ConnectTimeout={seconds}")


def standby_argv(
    alias: str, *, connect_timeout_s: int, options: Sequence[Option] = (), config: str | None = None
) -> list[str]:
    """Return the `ssh -N` that becomes a master and carries nothing of its own. `options` say where."""
    words = _words((*_CLEAR, *_fixed(PermitLocalCommand="no"), *options))
    return [*_ssh(config), "-N", *_ALWAYS, *words, *_timeout(connect_timeout_s), "--", alias]


def check_argv(alias: str, options: Sequence[Option] = (), config: str | None = None) -> list[str]:
    """Return `ssh -O check`: exit 0 if a master process answers. A master without a network answers, too."""
    return [*_ssh(config), "-O", "check", *_words(options), "--", alias]


def stop_argv(alias: str, options: Sequence[Option], config: str | None = None) -> list[str]:
    """Return `ssh -O stop`: the master takes no more sessions, and ends with those that it has."""
    return [*_ssh(config), "-O", "stop", *_words(options), "--", alias]


def exit_argv(alias: str, options: Sequence[Option]) -> list[str]:
    """Return `ssh -O exit`: it ends the master and all its sessions."""
    return [*_ssh(None), "-O", "exit", *_words(options), "--", alias]


def master_argv(
    alias: str, line: str, *, log: str, options: Sequence[Option] = (), level: str = "ERROR", config: str | None = None
) -> list[str]:
    """Return the ssh that runs `line` over a live master, or fails."""
    words = _words((
        *RIDING,
        *_CLEAR,
        *_fixed(RemoteCommand="none", LogLevel=level),
        *SILENT,
        *options,
    ))  # fmt: skip
    return [*_ssh(config), "-T", *words, "-E", log, "--", alias, line]


def jump_argv(jumps: Sequence[str], hostname: str, port: int, config: str | None = None) -> list[str]:
    """Return the silent `ssh -W`: standard input and output to hostname:port through the jump hosts."""
    *before, last = jumps
    if (":" in last or "[" in last) and "://" not in last:
        last = f"ssh://{last}"  # `gate:2200` and `[10.0.0.1]` are destinations for -J, but for ssh itself only as URIs
    chain = ("-J", ",".join(before)) if before else ()
    return [*_ssh(config), "-o", "BatchMode=yes", *chain, "-W", f"[{hostname}]:{port}", "--", last]


def parse_config(text: str) -> dict[str, tuple[str, ...]]:
    """Read the output of `ssh -G`: lower-case keyword -> its values in order, repeated keywords collected.

    Source: dump_client_config() in OpenSSH's readconf.c, one `keyword value` a line.
    """
    found: dict[str, list[str]] = {}
    for key, value in _pairs(text):
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for row in text.splitlines():
        key, told, value = row.partition(" ")
        if told:  # also an empty value: `HostKeyAlgorithms -*` leaves none
            yield key.lower(), value


def host_block(hostname: str, user: str, port: int) -> str:
    """Return a Host block for ssh_config(5), with a short name like one that you would choose."""
    labels = [label for label in hostname.split(".") if not _EVERY_SITES.fullmatch(label)]
    name = labels[0] if labels and not labels[0].isdecimal() else "cluster"
    rows = [
        f"Host {name}",
        f"    HostName {hostname}",
        f"    User {user}",
        *([f"    Port {port}"] if port != SSH_PORT else []),
    ]
    return "\n".join(rows)


_EVERY_SITES = re.compile(r"(login|log|gateway|gate|ssh|hpc|cluster|head|submit|access|fe|ln)[-0-9]*")


def expand_tokens(template: str, tokens: Mapping[str, str]) -> str:
    """Expand ssh_config(5) TOKENS such as `%h`; `%%` is a percent sign, an unknown token stays as it is."""
    out: list[str] = []
    rest = iter(template)
    for char in rest:
        if char != "%":
            out.append(char)
            continue
        key = next(rest, "")
        out.append("%" if key == "%" else tokens.get(key, f"%{key}"))
    return "".join(out)
