"""The address of a session: the meaning of `HOST [SESSION]`."""

from typing import NamedTuple

from lnode.errors import LnodeError
from lnode.laptop.settings import HostSettings
from lnode.ssh import master
from lnode.ssh.target import Resolving, Target


class Address(NamedTuple):
    """A host, its settings of config.toml, and the session as you typed it: None if you typed none."""

    target: Target
    session: str | None
    settings: HostSettings

    @property
    def alias(self) -> str:
        return self.target.alias

    @property
    def name(self) -> str:
        """Return the session's name: the host's default if you typed none."""
        return self.settings.session if self.session is None else self.session

    def with_master(self) -> "Address":
        """Return the address with the master that the host needs, as far as lnode knows. A sign-in may change that."""
        return self._replace(target=master.with_master(master.without(self.target), self.settings.keep_warm))


def as_it_is_now(target: Target, settings: HostSettings) -> Target:
    """Ask ssh's configuration again; return `target` itself if it leads where it did, or if ssh does not accept it.

    At home an alias may lead through a gate, and at work directly (`Match exec` in ssh_config(5)).
    """
    try:
        again = Resolving(target.alias, target.config, node=target.node, route=target.route).target()
    except (LnodeError, OSError):  # no memory, no free file
        return target
    return target if again.options == target.options else Address(again, None, settings).with_master().target


def resolved(resolving: Resolving, session: str | None, settings: HostSettings) -> Address:
    """Wait for `ssh -G`, and return the address. Raises LnodeError."""
    return Address(resolving.target(), session, settings).with_master()
