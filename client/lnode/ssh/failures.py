"""The end of an ssh process or a link, from its words: why, and the sentence for it.

Verdicts are pure functions of ssh's words and exit status. 255 is ssh's own failure; the attach line never lets a
remote 255 through. Unknown words with 255 are LOST: the connection was open and broke.

Only ssh's own words (said.py) can say that a login is done, that a key has changed, or that lnode may try again. Other
words can only stop lnode.
Sources of the phrases: OpenSSH 7.4 to 10 (sshconnect.c, sshconnect2.c, packet.c, kex.c, misc.c, clientloop.c).
"""

import re
import shlex
from enum import Enum, auto

from lnode.errors import ExitCode, LnodeError, Page
from lnode.remote.fields import IpAddress
from lnode.ssh import forwarding
from lnode.ssh.host_label import HostLabel
from lnode.ssh.said import Said
from lnode.ssh.site_words import site_words


class Cause(Enum):
    """Why there is no connection, or no longer."""

    UNRESOLVED = auto()
    NO_ALIAS = auto()  # you typed no alias and no name of a host
    REFUSED = auto()
    NO_ROUTE = auto()
    TIMED_OUT = auto()
    CLOSED_EARLY = auto()  # closed or reset before login: MaxStartups, a penalty, a ban, no sshd behind it
    LOGIN_REFUSED = auto()
    SENT_AWAY = auto()  # closed in the login, or right after it: nologin, an expired account, no time left to sign in
    EXPIRED = auto()  # the password, without a terminal in which you could change it
    NO_FORWARD = auto()  # after the login: a port is not free, and ExitOnForwardFailure is set
    NO_SESSION = auto()  # after the login: sshd opens no session (MaxSessions 0)
    NO_TERMINAL = auto()  # after the login: sshd gives no terminal (PermitTTY no)
    HOST_KEY_UNKNOWN = auto()
    HOST_KEY_CHANGED = auto()
    NO_COMMON_ALGORITHM = auto()
    BAD_CONFIG = auto()
    LOST = auto()
    OVER = auto()  # nothing failed: the exit code of the attach line says how it ended (cluster/tmux.py)


def is_fatal(cause: Cause) -> bool:
    """True if every other try would end in the same way."""
    return cause in (Cause.NO_ALIAS, Cause.HOST_KEY_CHANGED, Cause.NO_COMMON_ALGORITHM, Cause.BAD_CONFIG, Cause.OVER)


def wants_person(cause: Cause) -> bool:
    """True if you have to sign in or to look at a key. lnode does not try it silently again."""
    refused = (Cause.LOGIN_REFUSED, Cause.SENT_AWAY, Cause.EXPIRED, Cause.NO_SESSION, Cause.NO_TERMINAL)
    return cause in refused or cause is Cause.HOST_KEY_UNKNOWN


def came_before_session(cause: Cause) -> bool:
    """True if ssh ended before there was a session, though its login was done."""
    return cause in (Cause.NO_FORWARD, Cause.SENT_AWAY, Cause.NO_SESSION, Cause.NO_TERMINAL)


# With arguments.TELLING, as soon as ssh and the host have agreed on keys: the next step is the login.
_KEYS_AGREED = r"^debug1: kex\.c:kex_input_newkeys\b"

# First match wins: a changed key also says "Host key verification failed".
_PHRASES: tuple[tuple[str, Cause], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|DNS SPOOFING", Cause.HOST_KEY_CHANGED),
    (r"Host key verification failed|No .* host key is known for", Cause.HOST_KEY_UNKNOWN),
    (r"Permission denied \(|Too many authentication failures|no more authentication methods", Cause.LOGIN_REFUSED),
    (r"Could not resolve hostname", Cause.UNRESOLVED),
    (r"Connection refused", Cause.REFUSED),
    (r"No route to host|Network is unreachable|Network is down|Host is down", Cause.NO_ROUTE),
    (r"Unable to negotiate|no matching (host key type|key exchange|cipher|MAC)|^Bad server host key: "
     r"|^ssh_dispatch_run_fatal: .*: (Invalid key length|error in libcrypto|DH GEX group out of range)",
     Cause.NO_COMMON_ALGORITHM),
    (r"Bad configuration option|Bad owner or permissions|terminating, \d+ bad configuration|^/[^\n]* line \d+: Bad ",
     Cause.BAD_CONFIG),
    (r"[Tt]imed out|not responding", Cause.TIMED_OUT),
    (r"kex_exchange_identification|ssh_exchange_identification|banner exchange|Connection (closed|reset) by .* port"
     r"|Connection to .* port \d+: Broken pipe", Cause.CLOSED_EARLY),
    (r"^ssh: connect to (host|address) .* port \d+: ", Cause.NO_ROUTE),  # this laptop's firewall, or no address here
)  # fmt: skip

# In the login. The log also has the name and the instruction of a question, which are the host's words.
_IN_LOGIN: tuple[tuple[str, Cause], ...] = (
    (r"^(\S+@\S+: )?Permission denied \(|^Received disconnect from ", Cause.LOGIN_REFUSED),
    (r"^Connection (closed|reset) by |^\w+: Connection to \S+ port \d+: ", Cause.CLOSED_EARLY),
    (r"[Tt]imed out|not responding", Cause.TIMED_OUT),
)  # fmt: skip

# A jump host's ssh or a ProxyCommand about the network; the words that need the longest pause come first.
_ON_THE_WAY: tuple[tuple[str, Cause], ...] = (
    (r"Connection (closed|reset) by (?!UNKNOWN)\S+ port", Cause.CLOSED_EARLY),
    *(row for row in _PHRASES if row[1] in (Cause.TIMED_OUT, Cause.NO_ROUTE, Cause.UNRESOLVED, Cause.REFUSED)),
)


def signed_in(said: Said, place: HostLabel) -> str | None:
    """Return how ssh has logged in: "publickey", "password", ...; "?" if an old ssh does not say; None if it has not.

    ssh says so at LogLevel=VERBOSE; over a live master it says nothing.
    """
    way = r"(?:via proxy|\[)" if place.passes_socket else "via proxy" if place.proxied else r"\["
    words = rf'^Authenticated to {re.escape(place.hostname)} \({way}[^\n"]*(?:"([a-z-]+)")?'
    ways = re.findall(words, said.own, re.MULTILINE)
    if not ways or ": Permission denied (" in said.own:
        return None
    return ways[0] or "?" if len(ways) == 1 else "keyboard-interactive"  # in which the host has spoken as ssh does


def takes_person(way: str) -> bool:
    """True if you take part in this way of signing in, as signed_in() returns it."""
    return way not in ("publickey", "hostbased", "gssapi-with-mic", "gssapi-keyex", "none", "?")


def peer(said: Said) -> IpAddress | None:
    """Return the address of the first hop, to which ssh connected; None if ssh does not say, as through a jump host.

    None also if a second line says so: one of them is the host's (keyboard-interactive).
    """
    lines = re.findall(r"^Authenticated to ([^\n]*)", said.own, re.MULTILINE)
    match = re.match(r"\S+ \(\[([^]]+)\]:\d+\)", lines[0]) if len(lines) == 1 else None
    return IpAddress.parse(match[1]) if match else None


def has_begun(said: Said, place: HostLabel) -> bool:
    """True if there was a session that can be lost. Over a live master ssh does not log in, and its log is empty."""
    if signed_in(said, place) is not None:
        return not forwarding.has_failed(said.own)  # which ends ssh before the session
    if not came_to_login(said) and re.search(r"^mux_client_\w+: [^\n]*from master", said.own, re.MULTILINE):
        return _stop(said.own) is None
    let_go = not said.others.strip() or ("hared connection to " in said.others and _stop(said.others) is None)
    return not said.own.strip() and let_go


def is_hung_up(said: Said, place: HostLabel) -> bool:
    """True if ssh itself closed an open connection, as your escape `~.` does. A lost connection leaves other words.

    A killed remote shell looks the same, because ssh ignores its exit-signal (clientloop.c, client_loop).
    """
    closed = re.search(r"^Connection to \S+ closed\.\r?$", said.others, re.MULTILINE)
    return (
        closed is not None
        and signed_in(said, place) is not None
        and not re.search(_BROKEN, "".join(said), re.MULTILINE)
    )


def was_brief(words: str) -> bool:
    """True if the session was over sooner than you could type ssh's escape `~.` (clientloop.c, client_loop)."""
    took = re.search(r"^Transferred: sent \d+, received \d+ bytes, in (\d{1,9}\.\d) seconds\r?$", words, re.MULTILINE)
    return took is not None and float(took[1]) < _TYPED_IN_S


_TYPED_IN_S = 2.0


def fell_silent(said: Said) -> bool:
    """True if ssh ended a session because it heard nothing (ServerAliveInterval, or TCP's own time was over)."""
    words = r"^(Timeout, server |[^\n]*: (Connection|Operation) timed out\r?$|Connection to \S+ timed out)"
    return re.search(words, said.own, re.MULTILINE) is not None


def is_let_go(said: Said) -> bool:
    """True if a master closed this session. Your escape `~.` and the end of the master look the same."""
    return re.search(r"^Shared connection to \S+ closed\.\r?$", said.others, re.MULTILINE) is not None


_BROKEN = (
    r"^(Connection to \S+ (closed by remote host|timed out|port \d+: )|Connection (closed|reset) by |Killed by signal "
    r"|Timeout, server |(Read|Write) (from|to) remote host |client_loop: |packet_write_|ssh_dispatch_run_fatal: "
    r"|Received disconnect from |Disconnected from )"
)


def cause_of_ssh(said: Said, place: HostLabel) -> Cause:
    """Return why ssh ended with 255, from its words. After the login to `place` it is LOST or NO_FORWARD."""
    if signed_in(said, place):
        return Cause.NO_FORWARD if forwarding.has_failed(said.own) else Cause.LOST
    agreed = re.search(_KEYS_AGREED, said.own, re.MULTILINE)
    own = _first(_IN_LOGIN, said.own[agreed.end() :]) if agreed else _first(_PHRASES, said.own)
    if own is not None and (wants_person(own) or is_fatal(own)):
        return own
    stop = _stop(said.others)
    if stop is None and own is Cause.CLOSED_EARLY and place.proxied:  # a hop broke before the host had answered
        return _first(_ON_THE_WAY, said.others) or own
    if stop is None and own is Cause.CLOSED_EARLY and _sent_away(said, place):
        return Cause.SENT_AWAY
    return stop or own or Cause.LOST


def _sent_away(said: Said, place: HostLabel) -> bool:
    """True if the host hung up in the login. Its banner is part of the login; a jump host's banner is not."""
    return _closed_late(said.own) and (came_to_login(said) or (not place.proxied and bool(site_words(said.others))))


def cause_of_silent(said: Said, place: HostLabel, *, tells: bool) -> Cause:
    """Return the cause for a silent ssh: the login was refused, unless the network failed before it.

    `tells`: ssh was started with arguments.TELLING.
    """
    cause = cause_of_ssh(said, place)
    if signed_in(said, place) is not None:
        return cause
    if tells and cause is Cause.LOST and not (place.proxied or came_to_login(said)):
        return Cause.CLOSED_EARLY  # the network, in whatever words: nobody was asked to let it in
    hung_up = cause is Cause.CLOSED_EARLY and _closed_in_login(said, place, tells=tells)
    return Cause.LOGIN_REFUSED if hung_up or cause in (Cause.LOST, Cause.SENT_AWAY) else cause


def cause_of_way(words: str) -> Cause:
    """Return why a jump host's ssh or a ProxyCommand ended, from its words; LOST for unknown words."""
    return _stop(words) or _first(_ON_THE_WAY, words) or Cause.LOST


def came_to_login(said: Said) -> bool:
    """True if ssh has begun to log in. False also if it was not started with arguments.TELLING."""
    return re.search(_KEYS_AGREED, said.own, re.MULTILINE) is not None


def _closed_in_login(said: Said, place: HostLabel, *, tells: bool) -> bool:
    """True if the host, or a jump host, hung up during the login. A reset or a silence is a network failure."""
    if place.proxied and _closed_late(said.others):
        return True
    return _closed_late(said.own) and (came_to_login(said) or not tells)


def _closed_late(words: str) -> bool:
    """True if the other side hung up after its version line. The words do not tell whether the login had begun."""
    if re.search("_exchange_identification|banner exchange", words):
        return False
    return re.search(r"^Connection closed by (?!UNKNOWN)\S+ port \d+", words, re.MULTILINE) is not None


def _stop(words: str) -> Cause | None:
    """Return a cause that forbids another try, from words that anyone may have written."""
    return _first(_STOPS, words)


# As ssh or ask_nobody begins a line. Never HOST_KEY_CHANGED: only ssh's own words may give the hint of that.
_STOPS = (
    (r"^(\S+@\S+: )?Permission denied \(([a-z0-9,.@-]+\)\.|no\w+ to ask\))|^Received disconnect from "
     r"|\AToo many authentication failures", Cause.LOGIN_REFUSED),
    (r"^@ +WARNING: (REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|POSSIBLE DNS SPOOFING)"
     r"|^Host key verification failed|^No \S+ host key is known for ", Cause.HOST_KEY_UNKNOWN),
)  # fmt: skip


def _first(phrases: tuple[tuple[str, Cause], ...], words: str) -> Cause | None:
    return next((cause for pattern, cause in phrases if re.search(pattern, words, re.MULTILINE)), None)


def is_no_alias(place: HostLabel) -> bool:
    """True if a name that cannot be resolved is a slip: it stands for itself (ssh lowers it), and has no dot."""
    return place.alias.lower() == place.hostname.lower() and "." not in place.alias


class SshFailed(LnodeError):  # noqa: N818 (an outcome, like Cause, not an error of the program)
    """There is no connection, or no longer, for `cause`."""

    def __init__(
        self, cause: Cause, code: ExitCode, message: str, hint: str, *, detail: str, page: Page | None
    ) -> None:
        super().__init__(code, message, hint, detail=detail, page=page)
        self.cause = cause


def explain(cause: Cause, words: str, place: HostLabel) -> SshFailed:
    """The sentence, hint and exit code for a cause. `words` is what ssh said, shown where it is worth reading."""
    unresolved = re.search(_UNRESOLVED, words)
    on_the_way = unresolved and unresolved[1] not in (place.hostname, place.alias)
    if cause is Cause.UNRESOLVED and not on_the_way and is_no_alias(place):
        cause = Cause.NO_ALIAS
    code, message, hint, *pages = _SENTENCES[cause]
    if on_the_way:
        message = "cannot resolve the host name {unresolved} on the way to {place.alias}"
    if cause is Cause.CLOSED_EARLY and place.proxied and re.search(_FORWARDS_NOTHING, words, re.MULTILINE):
        message = "the jump host on the way to {place.alias} opens no connection there for you"
        hint = "ask its admins about AllowTcpForwarding, or name another ProxyJump for {place.alias} in ~/.ssh/config"
    on_a_key = cause is Cause.HOST_KEY_UNKNOWN and re.search(_PHRASES[0][0], words)  # as ssh says of a jump host's
    detail = words if on_a_key or cause in _WORTH_READING else "\n".join(site_words(words))
    known = shlex.quote(place.known_hosts_name)
    facts = {
        "place": place,
        "known": known,
        "there": place.by_hand.removeprefix("ssh "),
        "unresolved": unresolved[1] if unresolved else "",
        "port": forwarding.port(words),
    }
    page = next(iter(pages), None)
    return SshFailed(cause, code, message.format(**facts), hint.format(**facts), detail=detail, page=page)


_FORWARDS_NOTHING = r"^channel \d+: open failed: administratively prohibited\b[^\n]*\nstdio forwarding failed\r?$"

_UNRESOLVED = r"Could not resolve hostname ([A-Za-z0-9._-]{1,253})(?=:|\s|$)"

_WORTH_READING = {Cause.HOST_KEY_CHANGED, Cause.BAD_CONFIG, Cause.NO_COMMON_ALGORITHM, Cause.LOST, Cause.NO_FORWARD}

_SENTENCES: dict[Cause, tuple[ExitCode, str, str, *tuple[Page, ...]]] = {
    Cause.NO_ALIAS: (
        ExitCode.USAGE, "there is no alias {place.alias} in your ssh configuration, and no host of that name",
        "check the spelling, or let lnode add the host: lnode --init", Page.FIRST_SESSION),
    Cause.UNRESOLVED: (
        ExitCode.UNREACHABLE, "cannot resolve the host name {place.hostname} of {place.alias}",
        "check HostName in ~/.ssh/config, the network, and the VPN if the cluster needs one"),
    Cause.REFUSED: (
        ExitCode.UNREACHABLE, "{place} refuses connections",
        "the login node may be restarting, or the port is wrong: ssh -v {there}"),
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
        "sign in once by hand, to see the reason: {place.by_hand}"),
    Cause.SENT_AWAY: (
        ExitCode.LOGIN_REFUSED, "{place} ended the login before it was done",
        "read the reason above, or ask ssh for it: {place.by_hand}"),
    Cause.EXPIRED: (
        ExitCode.LOGIN_REFUSED, "your password on {place.alias} has expired", "change it: {place.by_hand}"),
    Cause.NO_SESSION: (
        ExitCode.MISSING_THERE, "{place} let you in, but its sshd opens no session for you",
        "ask the site about MaxSessions in its sshd_config; see for yourself: {place.by_hand}"),
    Cause.NO_TERMINAL: (
        ExitCode.MISSING_THERE, "{place} let you in, but its sshd gives you no terminal",
        "ask the site about PermitTTY in its sshd_config; look for restrict or no-pty in your authorized_keys there"),
    Cause.NO_FORWARD: (
        ExitCode.UNREACHABLE,
        "{place} let you in, but {port} is taken or not allowed, so ssh ended (ExitOnForwardFailure)",
        "end the program that holds the port, or set ExitOnForwardFailure no for {place.alias} in ~/.ssh/config"),
    Cause.HOST_KEY_UNKNOWN: (
        ExitCode.HOST_KEY, "the host key of {place} is not known here, and was not accepted",
        "check its fingerprint once by hand: {place.by_hand}"),
    Cause.HOST_KEY_CHANGED: (
        ExitCode.HOST_KEY, "the host key of {place} is not the known one, so nothing was sent",
        "ask the site whether it changed; only then: ssh-keygen -R {known}"),
    Cause.NO_COMMON_ALGORITHM: (
        ExitCode.UNREACHABLE, "{place} and this ssh have no algorithm in common",
        "see what is offered: ssh -v {there}"),
    Cause.BAD_CONFIG: (
        ExitCode.USAGE, "ssh does not accept its configuration for {place.alias}",
        "fix the line that ssh names: ssh -G {place.alias}"),
    Cause.LOST: (
        ExitCode.UNREACHABLE, "ssh to {place} ended too early",
        "see where it stops: ssh -v {there}"),
}  # fmt: skip
