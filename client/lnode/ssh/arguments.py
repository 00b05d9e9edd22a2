"""Argument lists for ssh(1), and what `ssh -G` prints.

Nothing here starts a process. `RemoteCommand=none` is passed always: with a RemoteCommand in the user's
configuration ssh refuses a command on its command line (TRAPS 10). `LogLevel=VERBOSE`, so that a QUIET user
configuration cannot hide why ssh failed ("Unable to negotiate" is of level INFO), and tells when the login is done.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NewType, Self

from lnode.remote.fields import SSH_PORT, NodeName, Port

SSH_FAILED = 255  # ssh's own failure; the remote scripts never end with it

_ALWAYS = ("-o", "RemoteCommand=none", "-o", "LogLevel=VERBOSE")

Local = NewType("Local", str)
"""A text of this laptop's own: a constant, a path, what you typed or configured. No host has a say in it."""


class Option(str):
    """A word behind `-o`. ssh runs some of them in a shell, so a host's word enters one only as a parsed field."""

    __slots__ = ()

    def __new__(cls, keyword: str, value: NodeName | Port | Local | int) -> Self:
        return super().__new__(cls, f"{keyword}={value}")


def _fixed(**values: str | int) -> tuple[Option, ...]:
    return tuple(Option(keyword, Local(str(value))) for keyword, value in values.items())


def _ssh(config: str | None) -> list[str]:
    return ["ssh"] if config is None else ["ssh", "-F", config]


def resolve_argv(alias: str, config: str | None = None, options: Sequence[Option] = ()) -> list[str]:
    """`ssh -G`: what the alias means, without connecting. `config` is an `ssh -F` file, None the user's own."""
    return [*_ssh(config), "-G", *_words(options), "--", alias]


def terminal_argv(
    alias: str, line: str, *, connect_timeout_s: int, options: Sequence[Option] = (), config: str | None = None
) -> list[str]:
    """`ssh -t`: run `line` on the user's own tty. `options` as `-o` takes them: KEEPALIVE, SILENT, FRESH."""
    return [*_ssh(config), "-t", *_ALWAYS, *_timeout(connect_timeout_s), *_words(options), "--", alias, line]


# ssh ends a terminal that has been silent for 90 s. Not tighter: the same limit would cut off a person at a prompt.
KEEPALIVE = _fixed(ServerAliveInterval=30, ServerAliveCountMax=3)
SILENT = _fixed(BatchMode="yes")  # asks nobody anything; see silence.environment()
ANSWERED = _fixed(BatchMode="no", NumberOfPasswordPrompts=1)  # the keychain answers, once, and nobody else is asked
# Only a host whose key is known; or one that a person has said yes to.
CHECKED = _fixed(StrictHostKeyChecking="yes", NoHostAuthenticationForLocalhost="no")
CONFIRMED = _fixed(StrictHostKeyChecking="ask", NoHostAuthenticationForLocalhost="no")
TELLING = _fixed(LogVerbose="kex.c:kex_input_newkeys*")  # says when the login begins: see causes.came_to_login()
# Over a master that is there, or not at all: ssh does not dial on its own. The command goes first and alone, as ssh
# ignores a ProxyCommand that follows any ProxyJump, even `ProxyJump=none`.
RIDING = _fixed(ProxyCommand="false", ControlMaster="no")
FRESH = _fixed(ControlMaster="no", ControlPath="none")  # a connection of its own


_CLEAR = _fixed(ClearAllForwardings="yes")


def may_dial(argv: Sequence[str]) -> bool:
    """Would this ssh make a connection of its own? One that is RIDING does not."""
    return RIDING[0] not in argv


def question_argv(
    alias: str,
    line: str,
    *,
    connect_timeout_s: int,
    options: Sequence[Option] = (),
    config: str | None = None,
) -> list[str]:
    """`ssh -T`: run `line` with pipes for its input and output."""
    words = _words((*_CLEAR, *options))
    return [*_ssh(config), "-T", *_ALWAYS, *words, *_timeout(connect_timeout_s), "--", alias, line]


def _words(options: Sequence[Option]) -> list[str]:
    return [word for option in options for word in ("-o", option)]


def _timeout(seconds: int) -> tuple[str, str]:
    return ("-o", f"ConnectTimeout={seconds}")


def check_argv(alias: str, options: Sequence[Option] = (), config: str | None = None) -> list[str]:
    """`ssh -O check`: exit 0 when a master process answers. A master whose network is gone answers too."""
    return [*_ssh(config), "-O", "check", *_words(options), "--", alias]


def exit_argv(alias: str, options: Sequence[Option]) -> list[str]:
    """`ssh -O exit`: end the master, and with it what rides on it."""
    return [*_ssh(None), "-O", "exit", *_words(options), "--", alias]


def master_argv(
    alias: str, line: str, *, log: str, options: Sequence[Option] = (), level: str = "ERROR", config: str | None = None
) -> list[str]:
    """Run `line` over a live master, or fail."""
    words = _words((
        *RIDING,
        *_CLEAR,
        *_fixed(RemoteCommand="none", LogLevel=level),
        *SILENT,
        *options,
    ))  # fmt: skip
    return [*_ssh(config), "-T", *words, "-E", log, "--", alias, line]


def jump_argv(jumps: Sequence[str], hostname: str, port: int, config: str | None = None) -> list[str]:
    """`ssh -W`: standard input and output to hostname:port through the jump hosts, silently."""
    *before, last = jumps
    if ":" in last and "://" not in last:
        last = f"ssh://{last}"  # `gate:2200` is a destination for -J, but for ssh itself only as a URI
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
        if told:  # an empty value too: `HostKeyAlgorithms -*` leaves none
            yield key.lower(), value


def host_block(hostname: str, user: str, port: int) -> str:
    """A Host for ssh_config(5), by the short name that a person might give it."""
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
