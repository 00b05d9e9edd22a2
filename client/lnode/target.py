"""What an ssh alias means, as `ssh -G` tells it: OpenSSH is the authority, there is no second parser."""

import subprocess
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lnode import sshargs
from lnode.causes import Place
from lnode.errors import ExitCode, LnodeError

if TYPE_CHECKING:  # 8 ms to load, and no use before the link
    from pathlib import Path


class Target(NamedTuple):
    """A host as ssh will reach it.

    `alias` is what ssh is called with; `config` its `-F` file, None for the user's own. `options` holds every
    line of `ssh -G`: lower-case keyword -> values in order.
    """

    alias: str
    config: str | None
    options: Mapping[str, tuple[str, ...]]

    def one(self, keyword: str, default: str = "") -> str:
        """The first value of a keyword; ssh's word `none` counts as not set."""
        value = self.options.get(keyword, (default,))[0]
        return default if value == "none" else value

    @property
    def hostname(self) -> str:
        return self.one("hostname", self.alias)

    @property
    def port(self) -> int:
        return int(self.one("port", "22"))

    @property
    def user(self) -> str:
        return self.one("user")

    @property
    def connect_timeout_s(self) -> int:
        """ConnectTimeout in seconds; where the user has none, 20 instead of TCP's two minutes."""
        return int(self.one("connecttimeout", "20"))

    @property
    def host_key_alias(self) -> str | None:
        return self.one("hostkeyalias") or None

    @property
    def place(self) -> Place:
        """What an error calls this host."""
        return Place(self.alias, self.hostname, self.port, proxied=bool(self.proxy_jump or self.one("proxycommand")))

    @property
    def proxy_jump(self) -> tuple[str, ...]:
        """Jump hosts in order, each `[user@]host[:port]` or an alias of its own."""
        value = self.one("proxyjump")
        return tuple(value.split(",")) if value else ()

    @property
    def proxy_command(self) -> str | None:
        """ProxyCommand with its TOKENS expanded, for a shell; None where ProxyJump or nothing is set."""
        value = self.one("proxycommand")
        tokens = {"h": self.hostname, "n": self.alias, "p": str(self.port), "r": self.user}
        return sshargs.expand_tokens(value, tokens) if value else None

    @property
    def identity_files(self) -> "tuple[Path, ...]":
        """IdentityFile entries that exist, in ssh's order; they may be encrypted."""
        return _existing(self.options.get("identityfile", ()))

    @property
    def known_hosts_files(self) -> "tuple[Path, ...]":
        """User and global known_hosts files that exist."""
        names = (*self.one("userknownhostsfile").split(), *self.one("globalknownhostsfile").split())
        return _existing(names)


def _existing(names: Iterable[str]) -> "tuple[Path, ...]":
    from pathlib import Path

    paths = (Path(name).expanduser() for name in names)
    return tuple(path for path in paths if path.is_file())


class Resolving:
    """`ssh -G` on its way: it runs while the caller loads what it needs next.

    Raises LnodeError: USAGE for no alias at all or one that ssh refuses, FAILED without an ssh.
    """

    def __init__(self, alias: str, config: str | None = None) -> None:
        if not alias or alias.startswith("-") or not alias.isprintable() or any(c.isspace() for c in alias):
            raise LnodeError(
                ExitCode.USAGE, f"{alias!r} is no ssh alias", "name a Host of your ~/.ssh/config, as in: lnode unity"
            )
        self._alias, self._config = alias, config
        try:
            self._ssh = subprocess.Popen(
                sshargs.resolve_argv(alias, config),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except (FileNotFoundError, PermissionError):
            raise LnodeError(
                ExitCode.FAILED,
                "there is no ssh on this computer",
                "install the OpenSSH client, on Debian and Ubuntu: sudo apt-get install openssh-client",
            ) from None

    def target(self) -> Target:
        """Wait for the answer."""
        said, complaint = self._ssh.communicate()
        if self._ssh.returncode != 0:
            raise LnodeError(
                ExitCode.USAGE,
                f"ssh does not accept {self._alias!r}",
                f"mend what it names: ssh -G {self._alias}",
                detail=complaint,
            )
        return Target(self._alias, self._config, sshargs.parse_config(said))
