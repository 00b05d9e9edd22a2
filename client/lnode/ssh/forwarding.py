"""The ports that your ssh configuration forwards, in the words of ssh's own log."""

import re

from lnode.ssh.target import Target


def has_ports(target: Target) -> bool:
    """True if your configuration forwards ports with each ssh."""
    return not _PORTS.isdisjoint(target.options)


def binds_to_laptop(target: Target) -> bool:
    """True if an ssh brings ports, or your display, which would be those of the ssh that signed in for all."""
    return has_ports(target) or target.one("forwardx11") == "yes"


_PORTS = frozenset({"remoteforward", "localforward", "dynamicforward"})


def has_failed(log: str) -> bool:
    """True if ssh ended for a port that is taken, as ExitOnForwardFailure says (ssh.c)."""
    return re.search(_ENDED, log, re.MULTILINE) is not None


def port(log: str) -> str:
    """Return the port for which ssh ended, in words."""
    here, there = re.search(_HERE, log, re.MULTILINE), re.search(_ENDED, log, re.MULTILINE)
    number = there["there"] if there else None
    return f"port {here[1]} of this laptop" if here else f"port {number} there" if number else "a port"


def missing(log: str) -> str:
    """Return the ports without which ssh goes on, as a sentence; "" if there are none."""
    here = (f"{number} of this laptop" for number in dict.fromkeys(re.findall(_HERE, log, re.MULTILINE)))
    there = (f"{number} there" for number in dict.fromkeys(re.findall(_THERE, log, re.MULTILINE)))
    ports = (*here, *there)[:_MOST]
    return f"not forwarded, because it is taken or not allowed: port {', port '.join(ports)}" if ports else ""


_MOST = 4  # in one line of tmux
# Compiled at first use: an attach loads this before its ssh.
_ENDED = (
    r"^(Error: remote port forwarding failed for listen (port (?P<there>\d+)|path )"
    r"|Could not request (local|tunnel|dynamic) forwarding\.)"
)
# "bind [127.0.0.1]:8888: Address already in use", "channel_setup_fwd_listener_tcpip: cannot listen to port: 8888"
_HERE = r"^(?:\w+: cannot listen to port: |bind \[[^]\n]*\]:)(\d+)"
_THERE = r"^Warning: remote port forwarding failed for listen port (\d+)"
