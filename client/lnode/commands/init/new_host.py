"""A host that your ssh configuration does not have yet: the words that you typed -> ssh's options, a Host block."""

import re
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.ssh.arguments import Local, Option

_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_USER = r"[A-Za-z0-9_][A-Za-z0-9._@\\+-]*"
_ADDRESS = re.compile(rf"(?:({_USER})@)?([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?")
_SECTION = re.compile(r"(?:^[ \t]*#.*\n)*^[ \t]*(?:host|match)\b", re.IGNORECASE | re.MULTILINE)


class NewHost(NamedTuple):
    """A host as you described it; "" is what ssh takes by itself."""

    alias: str
    hostname: str
    user: str = ""
    port: str = ""
    gate: str = ""

    @property
    def _options(self) -> dict[str, str]:
        words = {"HostName": self.hostname, "User": self.user, "Port": self.port, "ProxyJump": self.gate}
        return {keyword: word for keyword, word in words.items() if word}

    @property
    def route(self) -> tuple[Option, ...]:
        """Return the `-o` options with which ssh reaches the host before its block is written."""
        return tuple(Option(keyword, Local(word)) for keyword, word in self._options.items())

    @property
    def block(self) -> str:
        """Return its block for ~/.ssh/config."""
        return "\n".join(
            [f"Host {self.alias}", *(f"    {keyword} {word}" for keyword, word in self._options.items()), ""]
        )


def described(alias: str, address: str, user: str = "", gate: str = "") -> NewHost:
    """Return the host of these words: `address` is `[user@]host[:port]`, as each gate is. Raises LnodeError(USAGE)."""
    found = _ADDRESS.fullmatch(address)
    if not _ALIAS.fullmatch(alias):
        raise _wrong(f"{alias!r} cannot be a Host of ~/.ssh/config", "use letters, digits and . _ -, as in: unity")
    if not found:
        raise _wrong(f"{address!r} is no address of a host", "as in: --address login.unity.edu")
    if user and not re.fullmatch(_USER, user):
        raise _wrong(f"{user!r} is no user name", "as in: --user alice")
    if gate and not all(map(_ADDRESS.fullmatch, gate.split(","))):
        raise _wrong(f"{gate!r} is no gate", "as in: --gate alice@gate.unity.edu:2222")
    return NewHost(alias, found[2].strip("[]"), user or found[1] or "", found[3] or "", gate)


def with_block(text: str, block: str) -> str:
    """Return ~/.ssh/config with the block before its first section.

    The lines above stay global, and the block wins over `Host *`: the first value counts (ssh_config(5)).
    """
    if found := _SECTION.search(text):
        return f"{text[: found.start()]}{block}\n{text[found.start() :]}"
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    gap = "\n" if ended else ""
    return f"{ended}{gap}{block}"


def _wrong(message: str, hint: str) -> LnodeError:
    return LnodeError(ExitCode.USAGE, message, hint)
