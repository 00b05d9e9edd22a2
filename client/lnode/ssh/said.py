"""The words of an ssh: its own, and the host's.

They are kept apart, because a host can print any words of ssh: in its banner, as its reason for hanging up, on the
standard error of a command.
"""

import re
from typing import NamedTuple

# Regular expressions are compiled at first use: an attach loads them before its ssh.
_QUOTES_HOST = (
    r"^Received disconnect from [^\n]*? port \d+:\d+: |: Permission denied \(|Their offer: |open failed: "
    r"|remote protocol version|\bpkalg "
)
# readconf.c: an option of yours that this ssh was built without. It comes before all else, and ends nothing.
_UNSUPPORTED = r'\A(?:[^\n]* line \d+: Unsupported option "[^\n]*(?:\n|\Z))+'
_TOLD_LNODE = r"^debug1: (kex\.c:kex_input_newkeys|sshconnect2\.c:input_userauth_pk_ok)\b[^\n]*\n?"


class Said(NamedTuple):
    """The words of an ssh. `own`: its log, up to the first quotation. `others`: all other words.

    Others are the host's banner, a remote command, a jump host's ssh, lnode's askpass, and ssh's log from the place at
    which it quotes the host: newlines pass in a quotation, so the next line may be the host's (log.c, LOG_STDERR_VIS).
    """

    own: str
    others: str = ""

    def __str__(self) -> str:
        """Return all words, without the lines that ssh wrote only for lnode."""
        return re.sub(_TOLD_LNODE, "", self.own, flags=re.MULTILINE) + self.others


def told_apart(log: str, stderr: str) -> Said:
    """Return the words of an ssh that wrote its log (`ssh -E`) and its standard error apart."""
    log = without_unsupported(log)
    quote = re.search(_QUOTES_HOST, log, re.MULTILINE)
    end = quote.end() if quote else len(log)
    return Said(log[:end], f"{log[end:]}{stderr}")


def without_unsupported(log: str) -> str:
    """Return ssh's log without its first lines if they name options that it does not support: nothing comes of them."""
    return re.sub(_UNSUPPORTED, "", log)
