"""A command that is ended by TERM or HUP leaves no ssh behind, and no file where there is none to spare."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lnode.laptop.off_loop import in_thread
from lnode.ssh import prompts
from lnode.ssh.log import SshLog
from lnode.ssh.target import Target
from nearby import LIMIT_S, Nearby, nearby
from rig import wait_until


@pytest.fixture
def here() -> Iterator[Nearby]:
    with nearby() as made:
        yield made


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_ssh_of_exec_ends_with_it(here: Nearby, number: signal.Signals) -> None:
    here.program(
        "ssh", (here.home / "bin" / "ssh").read_text().replace("echo called", 'echo $$ >"$HOME/pid"; echo called')
    )
    argv = [sys.executable, "-P", "-m", "lnode", "x", "--exec", "--", "sh", "-c", ': >"$HOME/begun"; exec sleep 60']
    with subprocess.Popen(argv, env=here.env, cwd=here.home, stdin=subprocess.DEVNULL) as lnode:
        wait_until((here.home / "begun").exists, "it runs")
        ssh = int((here.home / "pid").read_text())
        assert is_alive(ssh)
        lnode.send_signal(number)
        assert lnode.wait(LIMIT_S) == 128 + number
    wait_until(lambda: not is_alive(ssh), "its ssh has ended")


def test_without_a_free_file_a_log_keeps_none() -> None:
    folder, before = f"/proc/{os.getpid()}/fd", resource.getrlimit(resource.RLIMIT_NOFILE)
    with SshLog():
        pass
    count = len(os.listdir(folder))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir(folder))) + 3, before[1]))
    log = SshLog()
    try:
        for _ in range(5):
            with suppress(OSError):
                log.__enter__()
            log.__exit__(None, None, None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    wait_until(lambda: len(os.listdir(folder)) <= count, "each is free again")


def test_without_a_free_thread_a_log_is_an_error_like_any_other_and_keeps_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """setrlimit(2), RLIMIT_NPROC: Python has another exception for it."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    count = len(os.listdir(f"/proc/{os.getpid()}/fd"))
    monkeypatch.setattr("_thread.start_new_thread", refuse)
    monkeypatch.setattr("threading._start_new_thread", refuse)
    with pytest.raises(BlockingIOError), SshLog():  # EAGAIN
        pass
    assert len(os.listdir(f"/proc/{os.getpid()}/fd")) == count

    async def beside() -> None:
        await in_thread(lambda: None)

    with pytest.raises(BlockingIOError):
        asyncio.run(beside())


@pytest.mark.parametrize(("tells", "display"), [(True, None), (False, "none")])
def test_a_display_that_is_none_reaches_no_ssh_that_needs_none(
    monkeypatch: pytest.MonkeyPatch, *, tells: bool, display: str | None
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    target = Target("unity", None, {"hostname": ("unity",)} | ({"logverbose": ("none",)} if tells else {}))
    assert prompts.environment(target).get("DISPLAY") == display
