"""How an ssh process or a link ended, from its own words.

Verdicts are pure functions of what ssh said on its standard error and its exit status. 255 is ssh's own failure; the
attach line never lets a remote 255 through. Unknown words with 255 are LOST: something moved, then it stopped.
Sources of the phrases: OpenSSH 7.4 to 10 (sshconnect.c, sshconnect2.c, packet.c, kex.c, misc.c, clientloop.c).
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError


class Cause(Enum):
    """Why there is no connection, or no longer."""

    UNRESOLVED = auto()
    REFUSED = auto()
    NO_ROUTE = auto()
    TIMED_OUT = auto()
    CLOSED_EARLY = auto()  # closed or reset before login: MaxStartups, a penalty, a ban, no sshd behind it
    LOGIN_REFUSED = auto()
    HOST_KEY_UNKNOWN = auto()
    HOST_KEY_CHANGED = auto()
    NO_COMMON_ALGORITHM = auto()
    BAD_CONFIG = auto()
    LOST = auto()


# First match wins: a changed key also says "Host key verification failed", a jump host's failure comes before
# the "Connection closed by UNKNOWN" that follows from it.
_PHRASES: tuple[tuple[str, Cause], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|DNS SPOOFING", Cause.HOST_KEY_CHANGED),
    (r"Host key verification failed|No .* host key is known for", Cause.HOST_KEY_UNKNOWN),
    (r"Permission denied \(|Too many authentication failures|no more authentication methods", Cause.LOGIN_REFUSED),
    (r"Could not resolve hostname", Cause.UNRESOLVED),
    (r"Connection refused", Cause.REFUSED),
    (r"No route to host|Network is unreachable|Network is down|Host is down", Cause.NO_ROUTE),
    (r"Unable to negotiate|no matching (host key type|key exchange|cipher|MAC)", Cause.NO_COMMON_ALGORITHM),
    (r"Bad configuration option|Bad owner or permissions|terminating, \d+ bad configuration", Cause.BAD_CONFIG),
    (r"[Tt]imed out|not responding", Cause.TIMED_OUT),
    (r"kex_exchange_identification|ssh_exchange_identification|banner exchange|Connection (closed|reset) by .* port",
     Cause.CLOSED_EARLY),
)  # fmt: skip


_SSH_PORT = 22


class Place(NamedTuple):
    """What an error calls a host: the alias that was typed, and what it stands for; `proxied` is behind a jump host."""

    alias: str
    hostname: str
    port: int
    proxied: bool = False

    @property
    def known_hosts_name(self) -> str:
        """The host in known_hosts' own spelling, quoted for a shell: `'[host]:port'` off port 22."""
        return self.hostname if self.port == _SSH_PORT else f"'[{self.hostname}]:{self.port}'"

    def __str__(self) -> str:
        return f"{self.alias} ({self.hostname} port {self.port})"


def signed_in(log: str, place: Place) -> str | None:
    """How ssh has logged in: "publickey", "password", ...; "?" where an old ssh does not say; None where it has not.

    ssh says so at LogLevel=VERBOSE, over a live master it says nothing. A jump host's ssh writes to the same file.
    """
    way = "via proxy" if place.proxied else r"\["
    said = rf'^Authenticated to {re.escape(place.hostname)} \({way}[^\n"]*(?:"([a-z-]+)")?'
    match = re.search(said, log, re.MULTILINE)
    return None if match is None else match[1] or "?"


def has_begun(log: str, place: Place) -> bool:
    """Was there a session that can have been lost? Over a live master ssh does not log in, and is silent at first."""
    over_master = not log.strip() or "hared connection to " in log or "from master" in log
    return over_master or signed_in(log, place) is not None


def cause_of_ssh(log: str, place: Place | None = None) -> Cause:
    """Why ssh ended with 255, from its words. After the login to `place` everything is LOST."""
    if place and signed_in(log, place):
        return Cause.LOST
    for pattern, cause in _PHRASES:
        if re.search(pattern, log):
            return cause
    return Cause.LOST


def explain(cause: Cause, words: str, place: Place) -> LnodeError:
    """The sentence, hint and exit code for a cause. `words` is what ssh said, shown where it is worth reading."""
    code, message, hint = _SENTENCES[cause]
    unresolved = _UNRESOLVED.search(words)
    if unresolved and unresolved[1] not in (place.hostname, place.alias):
        message = "cannot resolve the host name {unresolved} on the way to {place.alias}"
    elif cause is Cause.UNRESOLVED and place.alias == place.hostname and "." not in place.alias:
        return LnodeError(
            ExitCode.USAGE,
            f"there is no alias {place.alias} in your ssh configuration, and no host of that name",
            f"add a block to ~/.ssh/config: Host {place.alias}, then HostName and User",
        )
    detail = words if cause in _WORTH_READING else ""
    facts = {"place": place, "unresolved": unresolved[1] if unresolved else ""}
    return LnodeError(code, message.format(**facts), hint.format(**facts), detail=detail)


_UNRESOLVED = re.compile(r"Could not resolve hostname ([^\s:]+)")

_WORTH_READING = {Cause.HOST_KEY_CHANGED, Cause.BAD_CONFIG, Cause.NO_COMMON_ALGORITHM, Cause.LOST}

_SENTENCES: dict[Cause, tuple[ExitCode, str, str]] = {
    Cause.UNRESOLVED: (
        ExitCode.UNREACHABLE, "cannot resolve the host name {place.hostname} of {place.alias}",
        "check HostName in ~/.ssh/config, the network, and the VPN if the cluster needs one"),
    Cause.REFUSED: (
        ExitCode.UNREACHABLE, "{place} refuses connections",
        "the login node may be restarting, or the port is wrong: ssh -v {place.alias}"),
    Cause.NO_ROUTE: (
        ExitCode.UNREACHABLE, "there is no route to {place}",
        "check the network, and the VPN if the cluster needs one"),
    Cause.TIMED_OUT: (
        ExitCode.UNREACHABLE, "{place} does not answer",
        "check the network, and the VPN if the cluster needs one"),
    Cause.CLOSED_EARLY: (
        ExitCode.UNREACHABLE, "{place} closed the connection before the login",
        "the site may be limiting connections or have banned this address for a while: wait some minutes"),
    Cause.LOGIN_REFUSED: (
        ExitCode.LOGIN_REFUSED, "{place} refused the login",
        "sign in once by hand to see what it wants: ssh {place.alias}"),
    Cause.HOST_KEY_UNKNOWN: (
        ExitCode.HOST_KEY, "the host key of {place} is not known here, and was not accepted",
        "check its fingerprint once by hand: ssh {place.alias}"),
    Cause.HOST_KEY_CHANGED: (
        ExitCode.HOST_KEY, "the host key of {place} is not the known one, so nothing was sent",
        "ask the site whether it changed; only then: ssh-keygen -R {place.known_hosts_name}"),
    Cause.NO_COMMON_ALGORITHM: (
        ExitCode.UNREACHABLE, "{place} and this ssh have no algorithm in common",
        "see what is offered: ssh -v {place.alias}"),
    Cause.BAD_CONFIG: (
        ExitCode.USAGE, "ssh does not accept its configuration for {place.alias}",
        "mend what it names: ssh -G {place.alias}"),
    Cause.LOST: (
        ExitCode.UNREACHABLE, "ssh to {place} ended too early",
        "see where it stops: ssh -v {place.alias}"),
}  # fmt: skip
