"""What it took to sign in to each host, so that nothing is tried silently where only a person can sign in.

One line for each alias, and for each login node behind it (`ALIAS>NODE`): the digest of what `ssh -G` said of it, what
it took, the alias. With another configuration it is another host, of which nothing is known.
"""

from collections.abc import Iterator
from contextlib import suppress

from lnode.laptop import folders
from lnode.ssh import keychain
from lnode.ssh.target import Target

_PERSON = "person"
_SILENT = "silent"
_SSH = "ssh"  # it asks nobody, but only ssh itself can: the link was refused
_REFUSED = "refused"  # a silent one came to nothing, whatever the keychain keeps: the next is a person's


def takes_person(target: Target) -> bool | None:
    """Would the next sign-in take somebody: a password, a code, a passphrase? None where nobody knows."""
    kind = _kind(target)
    if kind != _REFUSED and keychain.is_kept(target):
        return False
    return None if kind is None else kind in (_PERSON, _REFUSED)


def is_for_ssh_alone(target: Target) -> bool:
    """Was a login of the link's own refused, where ssh's had not been? Then it has to ride on that."""
    return _kind(target) == _SSH


def connect_timeout_s(target: Target) -> int:
    """ConnectTimeout in seconds: the user's own, else 20 instead of TCP's two minutes.

    Through a jump host ssh counts until the last sshd greets, also while somebody signs in on the way there: then it is
    what sshd itself gives a login (LoginGraceTime).
    """
    asks = target.place.proxied and _kind(target) not in (_SILENT, _SSH)
    return int(target.one("connecttimeout", "120" if asks else "20"))


def learn(target: Target, *, person: bool) -> None:
    """Remember it. A state folder that cannot be written remembers nothing."""
    if person or not is_for_ssh_alone(target):
        _keep(target, _PERSON if person else _SILENT)


def learn_refusal(target: Target) -> None:
    """Remember that a silent sign-in was refused or broken off: the next would be too, until a person has signed in."""
    _keep(target, _REFUSED)


def learn_for_ssh_alone(target: Target) -> None:
    """Remember that the link was refused: it would be, at every attach."""
    _keep(target, _SSH)


def _kind(target: Target) -> str | None:
    for digest, kind, alias in _read():
        if alias == _name(target):
            return kind if digest == target.digest else None
    return None


def _name(target: Target) -> str:
    """Each login node is a host of its own: another way, which may ask for more."""
    return f"{target.alias}>{target.node}" if target.node else target.alias


def _keep(target: Target, kind: str) -> None:
    line = (target.digest, kind, _name(target))
    with suppress(OSError):
        before = list(_read())
        if line in before:
            return
        rows = (*(other for other in before if other[2] != line[2]), line)
        folders.replace_privately(_path(), "".join(f"{' '.join(row)}\n" for row in rows))


def _read() -> Iterator[tuple[str, str, str]]:
    with suppress(OSError), open(_path(), encoding="utf-8", errors="replace") as file:
        for row in file:
            words = row.split()
            if len(words) == len(("digest", "kind", "alias")):
                yield words[0], words[1], words[2]


def _path() -> str:
    return f"{folders.state_folder()}/sign-ins"
