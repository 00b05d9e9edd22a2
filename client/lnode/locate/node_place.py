"""The place of a session for an sshd of its own: its login node, its job, and the way there."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lnode.cluster import tmux_answers
from lnode.locate.address import Address
from lnode.locate.find import asked, entry_of, has_session
from lnode.node import last_way, own_sshd
from lnode.node.own_sshd import Way
from lnode.remote.fields import Folder

if TYPE_CHECKING:  # loaded while the host answers
    from lnode.cluster.sessions import Entry

_FACTS_WITHIN_S = 60.0


class NodePlace(NamedTuple):
    """A session, the way to an sshd at its shell, and a folder there; None for no such folder."""

    entry: "Entry"
    way: Way
    folder: Folder | None


def node_place(address: Address, folder: str, *, tried: bool = False) -> NodePlace:
    """Return the place of the session, and the folder; remember the way. Raises LnodeError, also if there is no way.

    With `tried` the login node has tried the port on that way; see own_sshd.way_of.
    """
    alias, name = address.alias, address.name
    has = partial(has_session, name)
    values = (*tmux_answers.list_values(address.settings.tmux), folder, *own_sshd.values())
    with asked(address, "node_way", *values, has=has, within_s=_FACTS_WITHIN_S) as (
        there,
        question,
        reply,
    ):
        from lnode.cluster import sessions
        from lnode.node import reachable

        picture = sessions.picture_of(reply)
        entry = entry_of(picture, alias, name)
        reachable.check_reachable(picture, entry, alias)
        then = question.reply()
        at = Folder.parse(next(iter(then.get("folder", ())), ""))
        job = entry.job.id if entry.job else None
        way = own_sshd.way_of(there, job, question, then, tried=tried)
        last_way.keep(way._replace(target=address.target), name)
        return NodePlace(entry, way, at)
