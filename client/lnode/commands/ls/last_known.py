"""The last known view of a host, from the picture on this laptop; no module here knows how to start an ssh."""

import time

from lnode.cluster import sessions
from lnode.commands.ls.table import View
from lnode.locate import pictures
from lnode.runs import record


def last_known(alias: str, trouble: str) -> View:
    """Return the last view of a host, and the trouble that keeps lnode from a newer one."""
    kept = pictures.read(alias)
    if kept is None:
        return View(alias, (), 0, trouble)
    age_s = max(0, int(time.time() - kept.at))
    return View(alias, tuple(map(sessions.picture_of, kept.replies)), age_s, trouble, record.of_replies(kept.replies))
