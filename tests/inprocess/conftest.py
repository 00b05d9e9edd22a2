"""A home on a cluster for a test that asks for one (cluster_home.py), and a hostile host for a file (watched.py)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile import hosting
from inprocess.cluster_home import SHELLS, Site, _site
from watched import Bench


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


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One hostile host and its laptops for a whole file."""
    with hosting() as host:
        yield Bench(host, tmp_path_factory.mktemp("hostile"))
