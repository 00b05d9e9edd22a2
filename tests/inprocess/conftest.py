"""A home on a cluster for each test that asks for one (cluster_home.py)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inprocess.cluster_home import SHELLS, Site, _site


@pytest.fixture
def folder() -> Iterator[Path]:
    # not tmp_path: tmux's socket must fit into 104 bytes
    with tempfile.TemporaryDirectory(prefix="lnode-") as name:
        yield Path(name).resolve()


@pytest.fixture(params=SHELLS)
def site(request: pytest.FixtureRequest, folder: Path) -> Iterator[Site]:
    """One home for each login shell."""
    yield from _site(request.param, folder)


@pytest.fixture
def sh_site(folder: Path) -> Iterator[Site]:
    """One home with the plainest login shell, for what no login shell can change."""
    yield from _site("sh", folder)
