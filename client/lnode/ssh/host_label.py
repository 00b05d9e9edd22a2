"""What a host is called where lnode speaks of it."""

from typing import NamedTuple

from lnode.remote.fields import SSH_PORT


class HostLabel(NamedTuple):
    """The names of a host for errors: the alias that you typed, and its meaning; `proxied` is behind a jump host.

    `by_hand` is the plain ssh command to the host, as you type it before a remote command. `passes_socket`: the jump
    host's ssh gives ssh a socket (ProxyUseFdpass). `key_alias` is its HostKeyAlias.
    """

    alias: str
    hostname: str
    port: int
    by_hand: str
    proxied: bool = False
    passes_socket: bool = False
    key_alias: str | None = None

    @property
    def known_hosts_name(self) -> str:
        """Return the host as known_hosts writes it: `[host]:port` for other ports than 22, unless it has an alias."""
        if self.key_alias:
            return self.key_alias
        return self.hostname if self.port == SSH_PORT else f"[{self.hostname}]:{self.port}"

    def __str__(self) -> str:
        return f"{self.alias} ({self.hostname} port {self.port})"
