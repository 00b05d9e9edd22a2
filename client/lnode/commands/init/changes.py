"""Changes of files on this laptop: shown as a diff, agreed on once, written with a backup."""

import errno
from collections.abc import Sequence
from difflib import unified_diff
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import consent, screen, your_files

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Change(NamedTuple):
    """A file that would change; `before` is None if there is no file."""

    path: str
    before: bytes | None
    after: bytes

    @property
    def shown(self) -> str:
        return your_files.shown(self.path)


def read(path: str) -> bytes | None:
    """Return the content of a file, None if there is no file. Raises LnodeError."""
    try:
        return your_files.read(path)
    except OSError as error:
        raise LnodeError(ExitCode.FAILED, f"cannot read {path}: {error.strerror}", "make it readable") from None


def agreed(changes: Sequence[Change], *, yes: bool) -> bool:
    """Show the changes and ask you. Raises LnodeError if a file is not lnode's to change."""
    with screen.output():
        for change in changes:
            screen.print_diff(_difference(change))
    for change in changes:
        if not your_files.is_changeable(change.path):
            raise LnodeError(
                ExitCode.FAILED, f"{change.shown} is a link or cannot be written", "add these lines yourself"
            )
    return consent.agreed(f"write {' and '.join(change.shown for change in changes)}?", "--init", yes=yes)


def write(change: Change) -> None:
    """Write the file whole. Raises LnodeError; the file is then as it was."""
    try:
        if your_files.read(change.path) != change.before:
            raise LnodeError(ExitCode.FAILED, f"{change.shown} has changed meanwhile, and stays so", "ask again")
        backup = your_files.replace(change.path, change.after)
    except OSError as error:
        hint = (
            "make room, then ask again" if error.errno in _FULL else f"see who may write there: ls -ld {change.shown}"
        )
        raise LnodeError(
            ExitCode.FAILED, f"cannot write {change.shown}: {error.strerror}; it is as it was", hint
        ) from None
    screen.say(f"{change.shown} is written" + (f"; the file as it was is {your_files.shown(backup)}" if backup else ""))


def _difference(change: Change) -> list[str]:
    old, new = (
        (text or b"").decode("utf-8", "backslashreplace").splitlines() for text in (change.before, change.after)
    )
    return [*unified_diff(old, new, change.shown, change.shown, lineterm="")]
