"""The question of an agent that you were shown last, for each session: `--answer` answers no other one.

The file holds a digest of each question, not its text.
"""

import json
from collections.abc import Mapping
from contextlib import suppress

from lnode.laptop import folders

_MOST = 500


def remember(alias: str, dialogs: Mapping[str, str]) -> None:
    """Remember that you were shown these dialogs, by the names of their sessions; nothing if lnode cannot write."""
    if not dialogs:
        return
    digests = {f"{alias} {name}": _digest(dialog) for name, dialog in dialogs.items()}
    _keep({key: value for key, value in _read().items() if key not in digests} | digests)


def forget(alias: str, name: str) -> None:
    """Forget the dialog of that session: it has been answered."""
    _keep({key: value for key, value in _read().items() if key != f"{alias} {name}"})


def is_shown(alias: str, name: str, dialog: str) -> bool:
    """True if this is the dialog of that session that you were shown last."""
    return _read().get(f"{alias} {name}") == _digest(dialog)


def _read() -> dict[str, str]:
    with suppress(OSError, ValueError, RecursionError), open(_path(), encoding="utf-8") as file:
        found = json.load(file)
        if isinstance(found, dict):
            return {str(key): str(value) for key, value in found.items()}
    return {}


def _keep(digests: dict[str, str]) -> None:
    with suppress(OSError):
        folders.replace_privately(_path(), json.dumps(dict(list(digests.items())[-_MOST:])))


def _digest(dialog: str) -> str:
    from hashlib import sha256

    return sha256(dialog.encode("utf-8", "surrogateescape")).hexdigest()


def _path() -> str:
    return f"{folders.state_folder()}/shown.json"
