"""Laptops that lack something of Debian's: busybox' ps on Alpine, a Python that was built for an old Linux."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lnode.ssh import askpass, borrowed


@pytest.fixture(params=["its own", "busybox"])
def ps(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The laptop's own ps, or one that does not know -p."""
    if request.param == "busybox":
        busybox = shutil.which("busybox")
        if busybox is None:
            pytest.skip("no busybox here")
        (tmp_path / "ps").symlink_to(busybox)
        monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("ps")
def test_the_ssh_that_asks_is_known_by_its_parent_and_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as ssh:
        monkeypatch.setenv("LNODE_ASKER", str(ssh.pid))
        monkeypatch.setenv("LNODE_PID", str(os.getpid()))
        assert askpass._is_lnodes_own()
        assert askpass._since() == askpass._since() != ""
        monkeypatch.setenv("LNODE_PID", str(os.getppid()))
        assert not askpass._is_lnodes_own()
        ssh.communicate(b"\n")
    assert askpass._since() == ""


@pytest.mark.skipif(not borrowed.is_allowed(), reason="the kernel lends no sockets here")
def test_sockets_are_borrowed_by_a_python_that_was_built_for_an_old_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert borrowed.is_allowed()
