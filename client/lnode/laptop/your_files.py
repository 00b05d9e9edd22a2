"""Files of yours on this laptop that lnode changes after you agreed: whole or not at all, with a backup."""

import os
import shutil
import stat
from contextlib import suppress

_SUFFIX = ".before-lnode"


def read(path: str) -> bytes | None:
    """Return the content of a file, None if there is no file. Raises OSError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def behind_link(path: str) -> str:
    """Return the file to which a link leads, as into a repository of yours. A path without one stays as it is."""
    return os.path.realpath(path) if os.path.islink(path) and os.path.exists(path) else path


def is_changeable(path: str) -> bool:
    """True if lnode may replace the file: it is not a link, and you may write it."""
    return not os.path.islink(path) and (not os.path.exists(path) or os.access(path, os.W_OK))


def replace(path: str, text: bytes) -> str | None:
    """Write the file and keep its mode. Return the path of its backup, None if there was nothing to keep.

    The backup holds the file as it was just before. Raises OSError; the file is then as it was.
    """
    folder, name = os.path.split(path)
    # With a dot, an `Include config.*` in the file does not mean them.
    draft, backup = (os.path.join(folder, f".{name.lstrip('.')}{end}") for end in (f".{os.getpid()}", _SUFFIX))
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        kept, mode = False, 0o600
        if os.path.exists(path):
            mode = stat.S_IMODE(os.stat(path).st_mode)
            kept = os.path.getsize(path) > 0
            shutil.copy2(path, draft)
            os.replace(draft, backup)  # whole: a full disk cuts a copy short
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text)
        if kept:
            os.chmod(draft, mode)  # open(2) leaves out what the umask leaves out
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
    return backup if kept else None


def shown(path: str) -> str:
    """Return the path as you would type it: your home is `~`."""
    home = os.path.expanduser("~")
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
