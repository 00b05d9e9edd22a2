"""The words of the site among those of an ssh: its banner, a maintenance text, the reason why nobody may log in.

They are for you alone: lnode shows them, made safe by laptop/screen, and decides nothing by them.
"""

import re
from collections.abc import Sequence


def site_words(words: str) -> Sequence[str]:
    """Return the rows that are not of OpenSSH's own log, nor of lnode's askpass; none without a letter or digit."""
    rows = (row.strip() for row in words.splitlines())
    return [row for row in rows if any(map(str.isalnum, row)) and not re.match(_OF_SSH, row)]


def in_one_line(words: str) -> str:
    """Return the site's words as one line, "" if there are none."""
    return " ".join(" ".join(site_words(words)).split())


# sshconnect.c, sshconnect2.c, clientloop.c, packet.c, mux.c, ssh.c; the last row: ask_nobody, askpass.py.
_OF_SSH = (  # compiled at first use: an attach loads this before its ssh
    r"debug\d: |Authenticated to |Transferred: |Bytes per second: |Disconnected from "
    r"|\*\* (WARNING: connection is not|This session may|The server may)"
    r"|(Shared c|C)onnection (to|closed|reset|timed) |(kex|ssh)_exchange_identification: |banner exchange: "
    r"|ssh: (connect to|Could not resolve) |Timeout, server |Killed by signal |[a-z]+_[a-z_]+(: |\()|[Mm]ux |mux_"
    r"|Control ?[Ss]ocket|Warning: Permanently added |(\S+@\S+: )?Permission denied \(|Host key verification failed"
    r"|channel \d+: |bind \[|Error: remote port forwarding |Warning: remote port forwarding |Could not request "
    r"|Unable to negotiate|Pseudo-terminal |stdio forwarding failed|No \S+ host key is known |lnode: the keychain "
)
