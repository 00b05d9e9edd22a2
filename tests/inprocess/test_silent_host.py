"""A host that answers no SYN, as behind a firewall: ssh says nothing for minutes, so lnode does."""

import socket
import sys
from contextlib import ExitStack

import pytest

from nearby import nearby

DIALS = """\
#!/bin/sh
case " $* " in *" -G "*) exec /usr/bin/ssh -F "$HOME/.ssh/config" "$@" ;; esac
exec {python} -c 'import socket; socket.create_connection(("127.0.0.1", {port}))'
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what another process dials")
def test_you_are_told_that_a_host_has_not_answered_so_far() -> None:
    with nearby() as here, ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # it takes one or two, and drops each further SYN
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        here.program("ssh", DIALS.format(python=sys.executable, port=server.getsockname()[1]))
        with here.window("x") as window:
            window.wait_for("lnode: x has not answered so far; Ctrl-C leaves")
            window.press("\x03")
            assert window.exit_status() == 130
