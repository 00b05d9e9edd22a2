"""The fields that a host may send, one strict grammar for each.

A host can say anything. A value that does not match its grammar counts as not said; lnode never repairs one. These
types cannot be made from other text, so a parameter of type NodeName never gets unchecked text. No value begins with
a dash, so none becomes an option. NodeName, Port, Word and TimeLimit hold no character that a shell interprets; quote
all others.
"""

import re
import shlex
from collections.abc import Sequence
from typing import ClassVar, Self


class _Text(str):
    """A text of one grammar. The constructor raises ValueError for any other, `parse` returns None."""

    __slots__ = ()
    _GRAMMAR: ClassVar[str]  # a regular expression, compiled at first use

    def __new__(cls, text: str) -> Self:
        if not cls._fits(text):
            raise ValueError(f"this is no {cls.__name__}: {text[:80]!r}")
        return super().__new__(cls, text)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the field, None for a text that does not match."""
        return cls(text) if cls._fits(text) else None

    @classmethod
    def _fits(cls, text: str) -> bool:
        return re.fullmatch(cls._GRAMMAR, text) is not None


class NodeName(_Text):
    """The name or address of a login node: ssh expands it in the shell of a ProxyCommand (ssh_config(5), TOKENS).

    RFC 1123 with the underscore that some sites use; 253 characters are the most that DNS knows.
    """

    _GRAMMAR = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}"


class IpAddress(_Text):
    """An address of IPv4 or IPv6, with its zone if it has one. No name matches, so nothing is looked up for it."""

    _GRAMMAR = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?=[0-9a-f.]*:)[0-9a-f:.]{2,45}(?:%[A-Za-z0-9][A-Za-z0-9._-]{0,31})?"


class JobId(_Text):
    """A scheduler's number for a job: `123`, Slurm's `123_4` and `123+1`, LSF's `123[4]`, PBS's `123[4].server`.

    Also HTCondor's `123.0`, and Flux's ID in base58, `f2ARxLQf`. A shell takes the brackets for a pattern: quote them
    in a command.
    """

    _GRAMMAR = (
        r"[0-9]{1,12}(?:[_+][0-9]{1,10}|(?:\[[0-9]{0,10}\])?(?:\.[A-Za-z0-9][A-Za-z0-9._-]{0,252})?)"
        r"|f[1-9A-HJ-NP-Za-km-z]{1,11}"
    )


class SessionId(_Text):
    """tmux's own id of a session, `$12`."""

    _GRAMMAR = r"\$[0-9]{1,10}"


class PaneId(_Text):
    """tmux's own id of a pane, `%12`."""

    _GRAMMAR = r"%[0-9]{1,10}"


class Word(_Text):
    """The name of a program or of a terminal type: a plain word."""

    _GRAMMAR = r"[A-Za-z0-9_][A-Za-z0-9+._-]{0,63}"


class TimeLimit(_Text):
    """A length of time as schedulers write it: `30:00`, `72:00:00`, Slurm's `7-00:00:00`."""

    _GRAMMAR = r"(?:[0-9]{1,4}-)?[0-9]{1,6}(?::[0-9]{2}){1,2}"

    @property
    def seconds(self) -> int:
        """Return its length. Behind days come hours first, else the last part is the seconds."""
        days, dash, clock = self.rpartition("-")
        parts = [int(part) for part in clock.split(":")]
        if dash:
            parts += [0] * (3 - len(parts))
        length = int(days or 0) * 86400
        for part, unit in zip(reversed(parts), (1, 60, 3600), strict=False):
            length += part * unit
        return length


class Folder(_Text):
    """An absolute path of printable characters. It may hold anything else, so quote it in a command."""

    _GRAMMAR = r"/.{0,4095}"

    @classmethod
    def _fits(cls, text: str) -> bool:
        return super()._fits(text) and text.isprintable()


class HostKey(_Text):
    """The public half of an sshd's key, without its comment, as known_hosts has it: ed25519, ecdsa (P-256) or rsa."""

    _GRAMMAR = (
        r"ssh-ed25519 [A-Za-z0-9+/]{68}|ecdsa-sha2-nistp256 [A-Za-z0-9+/]{139}=|ssh-rsa [A-Za-z0-9+/]{372,2048}={0,2}"
    )

    @property
    def kind(self) -> str:
        """Return its type as `ssh-keygen -t` takes it."""
        return _KINDS[self.partition(" ")[0]]


_KINDS = {"ssh-ed25519": "ed25519", "ecdsa-sha2-nistp256": "ecdsa", "ssh-rsa": "rsa"}
KEY_KINDS: Sequence[str] = tuple(_KINDS.values())
"""The types of keys, best first. FIPS 140-2 has no ed25519."""


class Port(int):
    """A TCP port, 1 to 65535."""

    def __new__(cls, value: int) -> Self:
        if not 0 < value <= _LAST_PORT:
            raise ValueError(f"this is no port: {value}")
        return super().__new__(cls, value)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the port, None for a text that is not a port."""
        value = number(text, _LAST_PORT)
        return cls(value) if value else None


_LAST_PORT = 65535
SSH_PORT = Port(22)


def number(text: str, most: int = 10**12 - 1) -> int | None:
    """Return a whole number from 0 to `most` in ASCII digits, else None. Python rejects more than 4300 digits."""
    if not re.fullmatch(_DIGITS, text):
        return None
    value = int(text)
    return value if value <= most else None


_DIGITS = r"[0-9]{1,18}"

LAST_EPOCH = 253_370_764_800  # the first day of the year 9999: a day more or another time zone is still a date


def epoch(text: str) -> int | None:
    """Return seconds since 1970 that are a date on every clock, else None: datetime ends with the year 9999."""
    return number(text, LAST_EPOCH)


def in_command(name: str) -> str:
    """Return a session's name as a word of a command that you copy. The host can send any name.

    lnode itself would take a name that begins with a dash for an option, so SESSION stands for it.
    """
    return "SESSION" if name.startswith("-") else shlex.quote(name)


def typed(alias: str, name: str) -> str:
    """Return the command for a session, as you type it. The host can send any name, and you may copy a hint."""
    return f"lnode {alias} {in_command(name)}"
