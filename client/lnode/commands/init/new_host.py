"""A host that your ssh configuration does not have yet: the words that you typed -> ssh's options, a Host block."""

import re
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.ssh.arguments import Local, Option

_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_USER = r"[A-Za-z0-9_][A-Za-z0-9._@\\+-]*"
_ADDRESS = re.compile(rf"(?:({_USER})@)?([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?")
_OF_LOGIN = re.compile(r"(login|ssh|access|gate(way)?|head|front(end)?|hpc)-?\d*", re.IGNORECASE)
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
    def typed(self) -> str:
        """Return the words that describe it in one line."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        address = "".join([f"{self.user}@" if self.user else "", host, f":{self.port}" if self.port else ""])
        return f"lnode {self.alias} --init --address {address}" + (f" --gate {self.gate}" if self.gate else "")

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
    check_alias(alias)
    check_address(address)
    check_user(user)
    check_gate(gate)
    name, host, port = re.findall(_ADDRESS, address)[0]
    return NewHost(alias, host.strip("[]"), user or name, port, gate)


def is_alias(text: str) -> bool:
    """True if it can be an alias."""
    return bool(_ALIAS.fullmatch(text))


def check_alias(alias: str) -> None:
    """Raise LnodeError(USAGE) if it cannot be an alias."""
    if not is_alias(alias):
        raise _wrong(f"{alias!r} cannot be a Host of ~/.ssh/config", "use letters, digits and . _ -, as in: unity")


def check_address(address: str) -> None:
    """Raise LnodeError(USAGE) if it is no `[user@]host[:port]`."""
    if not _ADDRESS.fullmatch(address):
        raise _wrong(f"{address!r} is no address of a host", "as in: --address login.unity.edu")


def check_user(user: str) -> None:
    """Raise LnodeError(USAGE) if it is neither a user name nor empty."""
    if user and not re.fullmatch(_USER, user):
        raise _wrong(f"{user!r} is no user name", "as in: --user alice")


def check_gate(gate: str) -> None:
    """Raise LnodeError(USAGE) if it is neither a list of addresses nor empty."""
    if gate and not all(map(_ADDRESS.fullmatch, gate.split(","))):
        raise _wrong(f"{gate!r} is no gate", "as in: --gate alice@gate.unity.edu:2222")


def is_address(text: str) -> bool:
    """True for an address that nobody would take for an alias: it has a dot, a user or a port."""
    return bool(_ADDRESS.fullmatch(text) and re.search("[.@:]", text))


def short_name(address: str) -> str:
    """Return an alias for an address: `unity` for alice@login2.unity.edu; "" for numbers."""
    labels = re.sub(r"^.*@|:\d+$", "", address).split(".")
    names = [label for label in labels if not _OF_LOGIN.fullmatch(label)]
    return names[0] if names[1:] and _ALIAS.fullmatch(names[0]) and not names[-1].isdecimal() else ""


def with_block(text: str, block: str) -> str:
    """Return ~/.ssh/config with the block before its first section; its lines end as those of the file.

    The lines above stay global, and the block wins over `Host *`: the first value counts (ssh_config(5)).
    """
    if 0 < text.count("\n") == text.count("\r\n"):
        return with_block(text.replace("\r\n", "\n"), block).replace("\n", "\r\n")
    if found := _SECTION.search(text):
        return f"{text[: found.start()]}{block}\n{text[found.start() :]}"
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    gap = "\n" if ended else ""
    return f"{ended}{gap}{block}"


def _wrong(message: str, hint: str) -> LnodeError:
    return LnodeError(ExitCode.USAGE, message, hint)
