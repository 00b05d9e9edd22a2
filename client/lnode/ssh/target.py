"""The meaning of an ssh alias, as `ssh -G` prints it: OpenSSH is the authority, and lnode has no second parser."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.remote.fields import SSH_PORT, IpAddress, NodeName
from lnode.ssh import arguments
from lnode.ssh.arguments import Local, Option
from lnode.ssh.host_label import HostLabel

if TYPE_CHECKING:  # 8 ms to load, and no use before the link
    from pathlib import Path
    from socket import AddressFamily


class Target(NamedTuple):
    """A host as ssh will reach it.

    `alias` is ssh's argument; `config` its `-F` file, None for the user's own. `options` holds every line of `ssh -G`:
    lower-case keyword -> values in order. `control_path` is the socket of lnode's own master and `keep_warm` its
    ControlPersist; both are "" if ssh shares as the user's configuration says, or not at all. A `standby` is a master
    that stands beside the terminals: none becomes it. `node` is the login
    node that is meant, None for any, and `route` the `-o` options that lead to it. `peer` is the address at which the
    terminal has reached the host, None if unknown: a name may stand for many login nodes, or lead nowhere over IPv6.
    """

    alias: str
    config: str | None
    options: Mapping[str, tuple[str, ...]]
    control_path: str = ""
    keep_warm: str = ""
    node: NodeName | None = None
    route: tuple[Option, ...] = ()
    peer: IpAddress | None = None
    standby: bool = False

    def one(self, keyword: str, default: str = "") -> str:
        """Return the first value of a keyword; ssh's word `none` counts as not set."""
        value = self.options.get(keyword, (default,))[0]
        return default if value == "none" else value

    @property
    def hostname(self) -> str:
        return self.one("hostname", self.alias)

    @property
    def port(self) -> int:
        return int(self.one("port", str(SSH_PORT)))

    @property
    def address_family(self) -> "AddressFamily":
        """Return AddressFamily for getaddrinfo(3): one family, or any."""
        import socket

        families = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
        return families.get(self.one("addressfamily"), socket.AF_UNSPEC)

    @property
    def user(self) -> str:
        return self.one("user")

    @property
    def host_key_alias(self) -> str | None:
        return self.options.get("hostkeyalias", ("",))[0] or None  # the word `none` is an alias, too

    @property
    def place(self) -> HostLabel:
        """Return the name of this host for errors."""
        passes = self.one("proxyusefdpass", "no") == "yes"
        names = (option.partition("=")[2] for option in self.route if option.startswith("HostName="))
        name, is_proxied = next(names, ""), self._is_proxied
        dialled = name if IpAddress.parse(name) else self.hostname  # of a name ssh makes another one
        return HostLabel(self.alias, dialled, self.port, self.by_hand, is_proxied, passes, self.host_key_alias)

    @property
    def _is_proxied(self) -> bool:
        return bool(self.proxy_jump or self.one("proxycommand"))

    @property
    def by_hand(self) -> str:
        """Return the plain ssh command to this host, as you type it before a remote command."""
        if not self.route:
            return f"ssh {self.alias}"
        way = self.alias if self.node else ",".join(self.proxy_jump)  # else the alias is not written yet (--init)
        jump = f"-J {way} " if self._is_proxied else ""
        port = "" if self.port == SSH_PORT else f"-p {self.port} "
        return f"ssh {jump}{port}{self.user}@{self.hostname}"

    @property
    def digest(self) -> str:
        """Return 16 hex digits that change with the configuration of the alias."""
        from hashlib import blake2s

        return blake2s(repr((self.alias, sorted(self.options.items()))).encode(), digest_size=8).hexdigest()

    @property
    def riding(self) -> tuple[Option, ...]:
        """Return `-o` options of an ssh that may use lnode's own master, or else yours.

        %C has the jump hosts since OpenSSH 9.6, and ssh forgets these beside a ProxyCommand (arguments.RIDING).
        """
        yours = self.one("controlpath")
        if yours and "%" not in yours and self.proxy_jump and not self.control_path:
            quoted = Local(f'"{yours}"')  # it may have a blank
            return (Option("ControlPath", quoted), *self.route)
        return (*self._at_control_path, *self.route)

    @property
    def _at_control_path(self) -> tuple[Option, ...]:
        return (Option("ControlPath", Local(self.control_path)),) if self.control_path else ()

    @property
    def keepalive(self) -> tuple[Option, ...]:
        """Return `-o` options with which ssh ends a connection silent for 90 s; none if the user has set that."""
        return arguments.KEEPALIVE if self.one("serveraliveinterval", "0") == "0" else ()

    @property
    def sharing(self) -> tuple[Option, ...]:
        """Return `-o` options of an ssh that uses lnode's own master, or else signs in and becomes it, if it may."""
        if not self.control_path:
            return self.riding
        if self.standby:
            return (*self._at_control_path, Option("ControlMaster", Local("no")), *self.route)
        return self._becoming("auto")

    @property
    def standing(self) -> tuple[Option, ...]:
        """Return `-o` options of an ssh that signs in and becomes lnode's own master."""
        return self._becoming("yes")

    def _becoming(self, control_master: str) -> tuple[Option, ...]:
        return (
            *self._at_control_path,
            Option("ControlMaster", Local(control_master)),
            Option("ControlPersist", Local(self.keep_warm)),
            *arguments.faster(self.one("ciphers")),
            *self.route,
        )

    @property
    def proxy_jump(self) -> tuple[str, ...]:
        """Return the jump hosts in order, each `[user@]host[:port]` or an alias of its own.

        `ssh -G` leaves quotes around them; the shell that starts the next ssh removes them.
        """
        value = self.one("proxyjump")
        return tuple(self._expand(value.replace('"', "")).split(",")) if value else ()

    @property
    def proxy_command(self) -> str | None:
        """Return ProxyCommand with its TOKENS expanded, for a shell; None if ProxyJump or nothing is set."""
        value = self.one("proxycommand")
        return self._expand(value) if value else None

    @property
    def identity_files(self) -> "tuple[Path, ...]":
        """Return IdentityFile entries that exist, in ssh's order; they may be encrypted."""
        return _existing(map(self.path, self.options.get("identityfile", ())))

    @property
    def certificate_files(self) -> "tuple[Path, ...]":
        """Return CertificateFile entries that exist. A `key-cert.pub` beside its key needs no entry."""
        return _existing(map(self.path, self.options.get("certificatefile", ())))

    @property
    def known_hosts_files(self) -> "tuple[Path, ...]":
        """Return the user's and the global known_hosts files that exist."""
        return tuple(path for who in ("user", "global") for path in _listed(self.one(f"{who}knownhostsfile")))

    def path(self, name: str) -> "Path":
        """Return the path of a file in the configuration. `ssh -G` leaves some TOKENS and ${VARIABLES} in it."""
        import os
        import re
        from pathlib import Path

        expanded = self._expand(_at_home(name))
        return Path(re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), expanded))

    def _expand(self, value: str) -> str:
        """Expand the TOKENS of ssh_config(5), but not %C and %j, which differ between OpenSSH versions."""
        if "%" not in value:
            return value
        import os
        import pwd
        import socket

        me = pwd.getpwuid(os.getuid())
        here = socket.gethostname()
        typed = self.one("host", self.alias)  # of `user@host` the host; an old ssh does not tell
        tokens = {
            "d": me.pw_dir, "h": self.hostname, "i": str(me.pw_uid), "k": self.host_key_alias or typed,
            "L": here.partition(".")[0], "l": here, "n": typed, "p": str(self.port), "r": self.user, "u": me.pw_name,
        }  # fmt: skip
        return arguments.expand_tokens(value, tokens)


def _at_home(name: str) -> str:
    """Expand `~` as ssh does: home is in the password database, not in HOME."""
    if name == "~" or name.startswith("~/"):
        import os
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir + name[1:]
    return name


def _existing(paths: "Iterable[Path]") -> "tuple[Path, ...]":
    return tuple(path for path in paths if path.is_file())


def _listed(line: str) -> "Iterator[Path]":
    """Yield the files of a line of `ssh -G`, which quotes nothing: of names with spaces, the longest that exists."""
    from pathlib import Path

    words = line.split(" ")
    while words:
        lengths = range(len(words), 0, -1)
        found = next((n for n in lengths if Path(_at_home(" ".join(words[:n]))).is_file()), 0)
        if found:
            yield Path(_at_home(" ".join(words[:found])))
        del words[: found or 1]


class Resolving:
    """A running `ssh -G`; the caller loads its next modules meanwhile.

    Raises LnodeError: USAGE for no alias at all or one that ssh refuses, FAILED without an ssh.
    """

    def __init__(
        self, alias: str, config: str | None = None, *, node: NodeName | None = None, route: tuple[Option, ...] = ()
    ) -> None:
        if not alias or alias.startswith("-") or not alias.isprintable() or any(c.isspace() for c in alias):
            raise LnodeError(
                ExitCode.USAGE, f"{alias!r} is no ssh alias", "name a Host of your ~/.ssh/config, as in: lnode unity"
            )
        self._alias, self._config, self._node, self._route = alias, config, node, route
        try:
            self._ssh = subprocess.Popen(
                arguments.resolve_argv(alias, config, route),
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
        """Wait for the answer and return the target."""
        said, complaint = self._ssh.communicate()
        if self._ssh.returncode != 0:
            raise LnodeError(
                ExitCode.USAGE,
                f"ssh does not accept {self._alias!r}",
                f"fix the line that ssh names: ssh -G {self._alias}",
                detail=complaint,
            )
        return Target(self._alias, self._config, arguments.parse_config(said), node=self._node, route=self._route)
