"""An ssh that lnode starts logs in without the pauses of TCP, whoever started it, also behind a jump host."""

import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from demo_rig import until
from forwarded import free_port
from lnode.ssh import borrowed
from nearby import SSH, Nearby, nearby

pytestmark = pytest.mark.skipif(not borrowed.is_allowed(), reason="the kernel lends no sockets here")

CONFIG = """\
Host x
    HostName 127.0.0.1
    Port {port}
    User alice
Host inner
    HostName 192.0.2.1
    ProxyJump x
"""
OTHERS = [
    ("x", "--ls"),
    ("x", "--exec", "--", "true"),
    ("x", "sim", "--logs", "-f"),
    ("x", "--way", "s.x.lnode"),
    ("x", "s", "-L", "PORT"),
    ("inner", "--ls"),
]


@contextmanager
def toward_a_silent_host() -> Iterator[tuple[Nearby, socket.socket]]:
    """A laptop with the real ssh, and a host that takes connections and never greets."""
    with nearby() as here, socket.create_server(("127.0.0.1", 0)) as server:
        (here.home / ".ssh" / "config").write_text(CONFIG.format(port=server.getsockname()[1]))
        here.program("ssh", f'#!/bin/sh\nexec {shlex.quote(SSH or "")} -F "$HOME/.ssh/config" "$@"\n')
        yield here, server


def connections(pid: int, peer: tuple[str, int]) -> Iterator[tuple[int, int]]:
    """The process and descriptor of each connection of a process to `peer`, and of its descendants'."""
    with suppress(OSError):
        yield from ((pid, fd) for fd in range(20) if borrowed.peer_of(pid, fd) == peer)
        for child in borrowed.children(pid):
            yield from connections(child, peer)


def is_brisk(pid: int, peer: tuple[str, int]) -> bool:
    """True if it has a connection to `peer`, which sends small packets at once."""
    for process, fd in connections(pid, peer):
        with suppress(OSError), borrowed.socket_of(process, fd) as sock:
            return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    return False


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_question_logs_in_without_pauses(words: tuple[str, ...]) -> None:
    with toward_a_silent_host() as (here, server):
        argv = [sys.executable, "-m", "lnode", *(word.replace("PORT", str(free_port())) for word in words)]
        with subprocess.Popen(
            argv, env=here.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as lnode:
            try:
                until(lambda: is_brisk(lnode.pid, server.getsockname()), "its connection is without pauses")
            finally:
                lnode.terminate()
                lnode.communicate()


def test_an_attach_logs_in_without_pauses() -> None:
    with toward_a_silent_host() as (here, server), here.window("x") as window:
        until(lambda: is_brisk(window.process.pid, server.getsockname()), "its connection is without pauses")
        window.press("\x03")
        assert window.exit_status() == 130


def test_a_python_without_ctypes_logs_in_as_any_other() -> None:
    """One that was built without libffi. Nothing is written on your terminal."""
    text = (
        "import subprocess, sys, threading; sys.modules['ctypes'] = None\n"
        "from lnode.ssh import borrowed, brisk\n"
        "ssh = subprocess.Popen(['sleep', '100']); brisk.hurry(ssh.pid); assert not borrowed.is_allowed()\n"
        "ssh.terminate(); ssh.wait(); [one.join() for one in threading.enumerate() if one.name == 'lnode-brisk']\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
