"""The file that lists the answers in the keychain, without a secret in it. Reading it loads no keyring."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from lnode.laptop import folders
from lnode.laptop.file_lock import alone
from lnode.ssh.target import Target

ALONE = "alone"  # the answers are enough to sign in
IN_PART = "part"  # ssh also asks you another question, such as a one-time code
REFUSED = "refused"  # the host refused the answer; lnode does not send it again

_ASKS = r"Enter passphrase for key '(.+)': "


class Kept(NamedTuple):
    """One line of the file: the keychain has the answer to `prompt`. `account` was the alias's meaning at that time."""

    state: str
    alias: str
    account: str
    prompt: str

    @property
    def service(self) -> str:
        """Return half of its name in the keychain, with `name`: `lnode unity`, `alice@unity's password`."""
        return f"lnode {self.alias}"

    @property
    def name(self) -> str:
        return self.prompt.rstrip(": ")

    @property
    def key_file(self) -> str | None:
        """Return the key that a passphrase opens; None for a password."""
        return key_file(self.prompt)


def key_file(prompt: str) -> str | None:
    """Return the file of the key whose passphrase ssh asks for; None for any other prompt."""
    match = re.fullmatch(_ASKS, prompt)
    return match[1] if match else None


def account(target: Target) -> str:
    """Return user, host and port of an alias; the keychain's answers go to no other ones."""
    return f"{target.user}@{target.hostname}:{target.port}"


def kept_for(target: Target) -> list[Kept]:
    """Return the entries for the target, except refused ones."""
    here = (target.alias, account(target))
    return [one for one in read_kept() if (one.alias, one.account) == here and one.state != REFUSED]


def read_kept() -> Iterator[Kept]:
    with suppress(OSError), open(kept_file(), encoding="utf-8", errors="replace") as file:
        for row in file:
            fields = row.rstrip("\n").split("\t")
            if len(fields) == len(Kept._fields):
                yield Kept(*fields)


def change_kept(change: Callable[[Sequence[Kept]], Iterable[Kept]]) -> None:
    """Replace the rows by what `change` makes of them; no other lnode changes them meanwhile. Raises OSError."""
    with alone(kept_file()):
        fresh = change(list(read_kept()))
        folders.replace_privately(kept_file(), "".join("\t".join(one) + "\n" for one in fresh))


def kept_file() -> str:
    return f"{folders.state_folder()}/keychain"
