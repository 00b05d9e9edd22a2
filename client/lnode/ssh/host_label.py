"""What a host is called where lnode speaks of it."""

from typing import NamedTuple

from lnode.remote.fields import SSH_PORT


class HostLabel(NamedTuple):
    """The names of a host for errors: the alias that you typed, and its meaning; `proxied` is behind a jump host.

    `by_hand` is the plain ssh command to the host, as you type it before a remote command.
    """

    alias: str
    hostname: str
    port: int
    by_hand: str
    proxied: bool = False

    @property
    def known_hosts_name(self) -> str:
        """Return the host as known_hosts writes it: `[host]:port` for other ports than 22."""
        return self.hostname if self.port == SSH_PORT else f"[{self.hostname}]:{self.port}"

    def __str__(self) -> str:
        return f"{self.alias} ({self.hostname} port {self.port})"
