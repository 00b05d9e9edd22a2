"""The demo's headline: a cut wire, the notice, and the return; and the run that its greeting names."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from demo_rig import LIMIT, NOBODY, until
from lnode.demo import drop, state
from lnode.demo.wire import Wire
from window import LNODE, Window

Env = Mapping[str, str]


@pytest.fixture(scope="module", params=["real", "standin"])
def env(request: pytest.FixtureRequest) -> Iterator[Env]:
    """A laptop of its own, with tmux or without."""
    if request.param == "real" and state.real_tmux() is None:
        pytest.skip("no tmux on this computer; the stand-in is tested alone")
    root = tempfile.mkdtemp(prefix="lnode-", dir="/tmp")  # not tmp_path: that is too long for a socket
    env = {
        "PATH": os.environ["PATH"], "HOME": root, "XDG_STATE_HOME": root, "LNODE_CONFIG": f"{root}/config.toml",
        "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "xterm-256color", "LNODE_DEMO_TMUX": request.param,
    }  # fmt: skip
    yield env
    assert lnode(env, "demo", "--reset").returncode == 0
    shutil.rmtree(root)


def lnode(env: Env, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*LNODE, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def attached(env: Env) -> Window:
    window = Window([*LNODE, "demo"], env)
    window.wait_for("[you@c001 ~]$")
    window.press("clear; x=42\r")
    window.wait_without("pretend")
    return window


def came_back(env: Env, window: Window) -> None:
    """End the silence: the shell is the same, and no key of the outage has arrived."""
    assert lnode(env, "demo", "--drop", "1").returncode == 0
    until(lambda: answers(window), "the shell to answer")
    assert "abc" not in window.wait_without("lnode: demo")
    window.detach()
    assert window.exit_status() == 0


def answers(window: Window) -> bool:
    """Type a command; keys that come while lnode still connects are thrown away."""
    window.press("echo it is $x still.\r")  # none of the keys that lnode takes during an outage, as d and D
    with contextlib.suppress(AssertionError):
        window.find(r"it is 42 still\.", within_s=2)
        return True
    return False


def test_a_second_terminal_cuts_the_wire(env: Env) -> None:
    with attached(env) as window:
        cut = lnode(env, "demo", "--drop", "600")
        assert cut.returncode == 0
        assert "cut for 600 s" in cut.stderr
        window.wait_for("lnode: demo silent for")
        window.press("abc")
        window.wait_for("3 keys not sent")
        came_back(env, window)


def test_the_session_itself_cuts_the_wire(env: Env) -> None:
    with attached(env) as window:
        window.press("drop 600\r")
        window.wait_for("lnode: demo silent for")
        window.wait_for("the wire is cut for 600 s")
        window.press("abc")
        window.wait_for("3 keys not sent")
        came_back(env, window)


def test_a_log_goes_on_after_a_cut(env: Env) -> None:
    assert lnode(env, "demo", "sim", "--run", "--", "train").returncode == 0
    with Window([*LNODE, "demo", "sim", "--logs", "-f"], env) as window:
        window.wait_for("epoch 1 of 60, loss")
        assert lnode(env, "demo", "--drop", "600").returncode == 0
        window.wait_for("lnode: demo: silent for")
        assert lnode(env, "demo", "--drop", "1").returncode == 0
        window.wait_again("epoch")
        window.wait_again("epoch")
        told = re.findall(r"epoch (\d+) of", window.text())
        assert told == [str(number) for number in range(1, len(told) + 1)]  # none is lost, none doubled
    assert lnode(env, "demo", "sim", "--kill", "--yes").returncode == 0


def test_a_demo_without_a_window_says_so(env: Env) -> None:
    lnode(env, "demo", "--ls")
    done = lnode(env, "demo", "--drop", "10")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the demo has no window" in done.stderr


@pytest.mark.parametrize("words", [("unity", "--drop", "5"), ("demo", "--drop", "0"), ("demo", "--drop", "601")])
def test_other_words_are_refused(env: Env, words: tuple[str, ...]) -> None:
    assert lnode(env, *words).returncode == 2


def test_the_socket_of_a_killed_demo_is_swept(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, env[name])
    left = state.prepare().short / f"{drop.SOCKETS}{NOBODY}-1"
    left.touch()
    assert drop.cut(str(left.parent), 5) == 0
    state.prepare()
    assert not left.exists()


async def served(sock: socket.socket, ends: str) -> None:
    """Answer with the ends of the connection, then with all that comes."""
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.write(f"{ends}\n".encode())
    while chunk := await reader.read(100):
        writer.write(chunk)
    writer.write(b"the end")
    writer.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))
    yield path
    assert list(path.iterdir()) == []
    path.rmdir()


def test_a_silence_holds_all_back_and_loses_nothing(folder: Path) -> None:
    async def main() -> None:
        wire = Wire(served)
        port = await wire.open(folder)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        here = writer.get_extra_info("sockname")[1]
        assert await reader.readline() == f"127.0.0.1 {here} 127.0.0.1 {port}\n".encode()
        wire.silence(600)
        writer.write(b"held")
        writer.write_eof()
        late_reader, late = await asyncio.open_connection("127.0.0.1", port)
        for silent in (reader, late_reader):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(silent.read(1), 0.2)
        wire.silence(0)
        assert await reader.read() == b"heldthe end"
        assert (await late_reader.readline()).startswith(b"127.0.0.1 ")
        for one in (writer, late):
            one.close()
        await wire.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_closing_ends_connections_that_are_silent(folder: Path) -> None:
    async def main() -> None:
        wire = Wire(served)
        reader, writer = await asyncio.open_connection("127.0.0.1", await wire.open(folder))
        await reader.readline()
        wire.silence(600)
        writer.write(b"lost")
        await wire.close()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_the_demos_scheduler_says_when_a_request_would_start(env: Env) -> None:
    done = lnode(env, "demo", "--when")
    assert (done.returncode, done.stdout.splitlines()[-1].endswith("now")) == (0, True), done.stdout + done.stderr
