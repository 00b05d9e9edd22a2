"""How an attach ended."""

from typing import TYPE_CHECKING, NamedTuple

from lnode.reconnect.machine import End
from lnode.ssh.failures import Cause

if TYPE_CHECKING:
    from lnode.cluster.sessions import Picture


class Outcome(NamedTuple):
    """How an attach ended. `status` is ssh's exit status, negative for a signal; `words` what ssh said itself.

    `began` tells whether a login was ever done, `began_before` whether one was before the last terminal's, `seen`
    whether the session was; `last_seen` when all was well last; `picture` is what runs there now, None if it could not
    be asked for; `story` what happened, for -v. Times are seconds since the epoch.
    """

    end: End
    cause: Cause
    status: int
    words: str
    began: bool
    began_before: bool
    seen: bool
    last_seen: float
    picture: "Picture | None"
    story: tuple[tuple[float, str], ...]
