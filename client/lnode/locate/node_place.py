"""The place of a session for an sshd of its own: its login node, its job, and the key of that sshd."""

from functools import partial
from typing import NamedTuple

from lnode.cluster import sessions
from lnode.cluster.sessions import Entry
from lnode.locate.address import Address
from lnode.locate.find import asked, entry_of, has_session
from lnode.node import own_sshd
from lnode.remote.fields import Folder, HostKey
from lnode.ssh.target import Target

_FACTS_WITHIN_S = 60.0


class NodePlace(NamedTuple):
    """A session with its login node, the key of the sshd there, and a folder there; None for no such folder."""

    target: Target
    entry: Entry
    key: HostKey
    folder: Folder | None


def node_place(address: Address, folder: str) -> NodePlace:
    """Return the place of the session, and the folder. Raises LnodeError, also if no sshd can start on the node."""
    alias, name = address.alias, address.name
    has, values = partial(has_session, name), (*sessions.list_values(address.settings.tmux), folder, own_sshd.kinds())
    with asked(address, "hostkey", *values, has=has, within_s=_FACTS_WITHIN_S) as (
        there,
        question,
        reply,
    ):
        picture = sessions.picture_of(reply)
        entry = entry_of(picture, alias, name)
        own_sshd.check_reachable(picture, entry, alias)
        then = question.reply()
        at = Folder.parse(next(iter(then.get("folder", ())), ""))
        return NodePlace(there, entry, own_sshd.host_key(then, alias), at)
