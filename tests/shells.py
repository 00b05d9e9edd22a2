"""The shells that are /bin/sh on some cluster, lnode's line with another one in that place, and the script in it."""

import base64
import gzip
import re
import shutil
from pathlib import Path

import pytest

SHELLS = ("dash", "bash", "ksh93", "mksh", "busybox")


def installed(name: str, folder: Path) -> Path:
    """The shell under the name `sh`, by which busybox knows what it is to be. Skips where it is missing."""
    found = shutil.which(name) or pytest.skip(f"no {name} here")
    folder.mkdir(exist_ok=True)
    (folder / "sh").symlink_to(found)
    return folder / "sh"


def script_in(line: str) -> bytes:
    """The script that a line of remote.call carries, behind the assignments of its values."""
    return gzip.decompress(base64.b64decode(line.partition("' ")[2].partition(" ")[2].replace(" ", "")))


def through(line: str, shell: Path) -> str:
    """The line of remote.call, with that shell for all that it starts, a run's keeper too."""
    head = re.match(r"exec /bin/sh -c '[^']*' [^ ]+ ", line)
    assert head
    text = script_in(line).replace(b"/bin/sh", str(shell).encode())
    encoded = base64.b64encode(gzip.compress(text)).decode()
    parts = " ".join(encoded[at : at + 4096] for at in range(0, len(encoded), 4096))
    return head[0].replace("/bin/sh", str(shell)) + parts
