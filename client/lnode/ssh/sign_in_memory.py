"""Could the login to a host happen again while nobody is asked? Master, link, reconnect and guard follow the answer.

No, if you were asked. Yes, if a login has succeeded in which nobody could be asked. Otherwise lnode does not know: it
shares the connection, keeps the terminal through a silence, and tries one silent login when ssh has ended.

The file has one line for each alias, and for each login node behind it (`ALIAS>NODE`): the digest of its `ssh -G`, the
kind of sign-in, the alias. With another configuration it is another host, about which lnode knows nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from lnode.laptop import folders
from lnode.laptop.file_lock import alone
from lnode.ssh import keychain
from lnode.ssh.target import Target

if TYPE_CHECKING:  # loaded after ssh has started
    from lnode.ssh.login import Login

_PERSON = "person"
_SILENT = "silent"  # proved
_SSH = "ssh"  # it asks no question, but only ssh itself can log in: the link was refused
_REFUSED = "refused"  # a silent login failed, whatever the keychain keeps: you do the next one


def takes_person(target: Target) -> bool | None:
    """True if the next sign-in needs you; False if it is proved that it does not; None if lnode does not know."""
    kind = _kind(target)
    if kind != _REFUSED and keychain.is_kept(target):
        return False
    return None if kind is None else kind in (_PERSON, _REFUSED)


def is_for_ssh_alone(target: Target) -> bool:
    """True if the host refused the link's own login but not ssh's. Then the link uses only ssh's connection."""
    return _kind(target) == _SSH


def connect_timeout_s(target: Target) -> int:
    """Return ConnectTimeout in seconds: the user's own, else 20 instead of TCP's two minutes.

    Through a jump host ssh counts until the last sshd greets, also while you sign in to the jump host: then it is
    the time that sshd itself allows for a login (LoginGraceTime).
    """
    asks = target.place.proxied and _kind(target) not in (_SILENT, _SSH)
    return int(target.one("connecttimeout", "120" if asks else "20"))


def learn(target: Target, *, person: bool) -> None:
    """Remember how you sign in to the target. If lnode cannot write its state folder, it forgets."""
    if person or not is_for_ssh_alone(target):
        _keep(target, _PERSON if person else _SILENT)


def learn_login(target: Target, login: "Login") -> bool | None:
    """Remember how an ssh has signed in. Return takes_person(), also if lnode cannot write its state folder."""
    if login.asked:
        learn(target, person=True)
        return not keychain.is_kept(target)
    if login.proved:
        if login.way == "publickey":
            learn(target, person=False)
        else:
            learn_for_ssh_alone(target)
        return False
    kind = _kind(target)
    if kind == _PERSON or (kind == _REFUSED and login.lasts):
        _keep(target, None)
    return takes_person(target)


def learn_refusal(target: Target) -> None:
    """Remember that a silent sign-in was refused or broken off, so that lnode tries no other one until you sign in."""
    _keep(target, _REFUSED)


def learn_for_ssh_alone(target: Target) -> None:
    """Remember that the host refused the link's own login, so that the next attach does not repeat it."""
    _keep(target, _SSH)


def _kind(target: Target) -> str | None:
    for digest, kind, alias in _read():
        if alias == _name(target):
            return kind if digest == target.digest else None
    return None


def _name(target: Target) -> str:
    """Return the target's name in the file. Each login node has its own, because its sign-in may differ."""
    return f"{target.alias}>{target.node}" if target.node else target.alias


def _keep(target: Target, kind: str | None) -> None:
    """Replace the target's line; None removes it."""
    name = _name(target)
    lines = [(target.digest, kind, name)] if kind else []
    if lines and lines[0] in _read():
        return
    with suppress(OSError), alone(_path()):
        before = list(_read())
        rows = (*(other for other in before if other[2] != name), *lines)
        folders.replace_privately(_path(), "".join(f"{' '.join(row)}\n" for row in rows))


def _read() -> Iterator[tuple[str, str, str]]:
    with suppress(OSError), open(_path(), encoding="utf-8", errors="replace") as file:
        for row in file:
            words = row.split()
            if len(words) == len(("digest", "kind", "alias")):
                yield words[0], words[1], words[2]


def _path() -> str:
    return f"{folders.state_folder()}/sign-ins"
