"""Laptops with other programs than Debian: ps of macOS, ps of busybox (Alpine), a Python built for an old Linux."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo_rig import until
from lnode.ssh import askpass, borrowed, master

# POSIX, and the ps of macOS: a word with `=` is one column, and all behind the sign its header.
_BSD_PS = """\
#!/bin/sh
for word; do
  case $word in *=*,*) echo "${word#*=}" && exec PS -A -o "${word%%=*}=" ;; esac
done
exec PS "$@"
"""


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


@pytest.mark.skipif(not borrowed.is_allowed(), reason="the kernel lends no sockets here")
def test_what_is_no_socket_any_more_is_given_back() -> None:
    with open(os.devnull, "rb") as file:
        before = os.listdir("/proc/self/fd")
        for _ in range(3):
            with pytest.raises(OSError, match="socket"), borrowed.socket_of(os.getpid(), file.fileno()):
                pass
        assert os.listdir("/proc/self/fd") == before


@pytest.mark.skipif(not borrowed.is_allowed(), reason="the kernel lends no sockets here")
def test_a_look_leaves_no_garbage() -> None:
    """Until its ssh runs lnode collects none, and a login is looked at a hundred times a second."""
    borrowed.is_allowed()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            borrowed.is_allowed()
        assert gc.collect() < 10
    finally:
        gc.enable()


def test_a_master_is_found_by_the_ps_of_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ps").write_text(_BSD_PS.replace("PS", str(shutil.which("ps"))))
    (tmp_path / "ps").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = f"{tmp_path}/socket"
    title = f"ssh -N -o ControlPath={path} -o ControlMaster=yes unity"
    with subprocess.Popen(["bash", "-c", f"exec -a '{title}' sleep 600"]) as ssh:
        try:
            until(lambda: master._masters(path) == [ssh.pid], "ps shows it")
            assert master._masters(f"{path}2") == []
        finally:
            ssh.kill()
