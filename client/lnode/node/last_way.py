"""The way that was taken last to a session's node, on this laptop: the next connection takes it without a question.

It is old after some minutes, and wrong as soon as the port is closed: then its job has ended.
"""

import os
import time
from contextlib import suppress
from hashlib import blake2s

from lnode.errors import LnodeError
from lnode.laptop import folders
from lnode.node.own_sshd import Way, laptop
from lnode.remote.fields import HostKey, JobId, NodeName, Port
from lnode.ssh.target import Target

_OLD_S = 600.0
_LONGEST = 8192  # bytes: a key of 16384 bits has 2732 characters


def keep(way: Way, session: str) -> None:
    """Remember a way to a port, unless lnode cannot write its state folder. Any other way costs a question anyway."""
    if way.port and not way.fresh:
        with suppress(OSError):
            words = (f"{way.target.digest} {laptop()}", str(way.job), str(way.node), str(way.port), way.key)
            folders.make_private(os.path.dirname(_path(way.target.alias, session)))
            folders.replace_privately(_path(way.target.alias, session), "\n".join(words))


def recall(target: Target, session: str) -> Way | None:
    """Return the way if it is not old, and if the alias and this laptop's keys still are what they were."""
    path = _path(target.alias, session)
    try:
        with open(path, encoding="ascii") as file:
            if not 0 <= time.time() - os.fstat(file.fileno()).st_mtime < _OLD_S:
                return None
            digest, *words = file.read(_LONGEST).split("\n")
        job, node, port, key = words
        way = Way(target, JobId(job), HostKey(key), NodeName(node), Port.parse(port))
        return way if way.port and digest == f"{target.digest} {laptop()}" else None
    except (OSError, ValueError, LnodeError):  # LnodeError: this laptop can make no key
        return None


def forget(target: Target, session: str) -> None:
    """Forget the way: it led nowhere."""
    with suppress(OSError):
        os.unlink(_path(target.alias, session))


def _path(alias: str, session: str) -> str:
    name = blake2s(f"{alias}/{session}".encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"{folders.state_folder()}/ways/{name}"
