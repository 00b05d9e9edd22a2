"""The editor of `--code`: only one of this system starts the ssh that lnode has taught the names."""

import os
from pathlib import Path

import pytest

from lnode.commands import code


@pytest.mark.parametrize(
    ("path", "environment", "is_it"),
    [
        ("/mnt/c/Users/me/AppData/Local/Programs/Microsoft VS Code/bin/code", {"WSL_DISTRO_NAME": "Debian"}, True),
        ("/usr/bin/code", {"WSL_DISTRO_NAME": "Debian"}, False),
        ("/mnt/data/bin/code", {}, False),
    ],
)
def test_an_editor_of_windows_is_known_by_its_place(path: str, environment: dict[str, str], is_it: bool) -> None:
    assert code._is_of_windows(path, environment) is is_it


def test_also_behind_a_symbolic_link(tmp_path: Path) -> None:
    link = tmp_path / "code"
    os.symlink("/mnt/c/bin/code", link)
    assert code._is_of_windows(str(link), {"WSL_DISTRO_NAME": "Debian"})
