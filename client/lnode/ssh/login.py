"""How an ssh has signed in, and whether the same login could happen again while nobody is asked.

Three answers: no, because you were asked; yes, because nobody could have been asked; unknown. The name of a method
alone proves nothing: a key may have a passphrase, and OpenSSH before 8.8 names no method.
"""

import binascii
import os
import re
import stat
from contextlib import suppress
from typing import NamedTuple

from lnode.ssh import failures
from lnode.ssh.said import Said
from lnode.ssh.target import Target


class AcceptedKey(NamedTuple):
    """The key with which ssh signs: the file that names it, its kind, and whether an agent or a token has it."""

    path: str
    kind: str
    in_agent: bool


def accepted_key(said: Said) -> AcceptedKey | None:
    """Return the key that the host accepted last; None if ssh does not say, without arguments.TELLING."""
    for row in reversed(said.own.split("\n")):
        told, accepts, key = row.partition(": Server accepts key: ")
        if accepts and told.startswith(_TELLS_KEY) and (found := re.fullmatch(_KEY, key.rstrip("\r"))):
            return AcceptedKey(found[1], found[2], bool({"agent", "token"} & set(found[3].split())))
    return None


class Login(NamedTuple):
    """A login that was done. `way`: as failures.signed_in() returns it.

    `asked`: you took part. `proved`: nobody could take part. `lasts`: its means may be there again for the next silent
    login, as an agent's key.
    """

    way: str
    asked: bool
    proved: bool
    lasts: bool


def _touched(said: Said) -> bool:
    return re.search(_TOUCH, str(said), re.MULTILINE) is not None


def login_of(target: Target, said: Said, *, silent: bool, asked: bool, quick: bool) -> Login | None:
    """Return how an ssh has signed in, None if it has not, or over a master.

    `silent`: it could ask nobody. `asked`: a prompt was seen on the terminal. `quick`: an agent signed so fast that it
    cannot have asked you.
    """
    way = failures.signed_in(said, target.place)
    if way is None:
        return None
    parts = re.findall(_IN_PART, said.own, re.MULTILINE)
    asked = asked or any(map(failures.takes_person, (way, *filter(None, parts)))) or _touched(said)
    key = accepted_key(said)
    by_agent = way == "publickey" and key is not None and key.in_agent
    by_open_key = way == "publickey" and key is not None and _is_open(key, target)
    alone = way in _ASKS_NOBODY or (by_agent and quick) or by_open_key
    proved = not asked and ((alone and not parts) or (silent and (quick or not by_agent)))
    return Login(way, asked, proved, lasts=by_agent)


_ASKS_NOBODY = ("none", "hostbased", "gssapi-with-mic", "gssapi-keyex")
_TELLS_KEY = "debug1: sshconnect2.c:input_userauth_pk_ok"
_KEY = r"(.+) (\S+) SHA256:\S+([ a-z]*)"  # format_identity() of sshconnect2.c: path, kind, fingerprint, notes
_IN_PART = r'^Authenticated (?:using "([a-z-]+)" )?with partial success\.'
_TOUCH = r"^\r?Confirm user presence for key "  # sshconnect2.c, notify_start()


def _is_open(key: AcceptedKey, target: Target) -> bool:
    """True if ssh has read the key from a file that has no passphrase.

    Only a key file of yours is opened: in keyboard-interactive a host can say the line that names it.
    """
    from pathlib import Path

    if key.in_agent or key.kind.endswith("-SK") or Path(key.path) not in target.identity_files:
        return False
    with suppress(OSError, binascii.Error), open(os.open(key.path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        content = file.read(_MOST) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
        if b"-----BEGIN OPENSSH PRIVATE KEY-----" in content:
            body = b"".join(row for row in content.splitlines() if not row.startswith(b"-----"))
            return binascii.a2b_base64(body).startswith(_NO_CIPHER)
        return b"PRIVATE KEY-----" in content and b"ENCRYPTED" not in content
    return False


_MOST = 1 << 16
_NO_CIPHER = b"openssh-key-v1\0\0\0\0\4none"  # PROTOCOL.key of OpenSSH
