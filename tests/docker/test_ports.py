"""`-L` on real Slurm: a port that leads into a session's allocation, byte for byte, and again after a drop."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults import wired
from forwarded import LIMIT_S, free_port, ports
from rig import Rig, wait_until
from sites import in_a_pipe

# It listens on its own 127.0.0.1, as notebooks do, and gives everything back once its client has said all.
ECHO = """\
import socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.read())

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

Server(("127.0.0.1", 8888), Echo).serve_forever()
"""


@pytest.fixture
def echo(slurm: Rig) -> Iterator[None]:
    slurm.exec(f"cat >/tmp/echo.py <<'END'\n{ECHO}END\nsetsid python3 /tmp/echo.py >/dev/null 2>&1 &")
    reach = "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8888))'"
    wait_until(lambda: slurm.exec(reach)[0] == 0, "it listens")
    yield
    slurm.exec("pkill -f '/tmp/echo[.]py'")
    wait_until(lambda: slurm.exec("pgrep -f '/tmp/echo[.]py'")[0] != 0, "it is gone")


@pytest.mark.usefixtures("echo")
def test_a_port_leads_into_the_allocation_and_again_after_a_drop(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s fit 'sinteractive -m 1000 -t 1:00:00; exec cat'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    job, node = slurm.exec("squeue -h -o '%i %N' --me")[1].split()
    with wired(slurm) as wire, ports(slurm, "fit") as open_:
        said = open_.says()
        assert re.fullmatch(rf"lnode: localhost:{open_.port} is port 8888 of {node}, \d+ min left; Ctrl-C ends\n", said)
        sent = [os.urandom(10_000_000), *(os.urandom(1000) for _ in range(3))]
        with ThreadPoolExecutor() as beside:
            assert list(beside.map(open_.echo, sent)) == sent
        steps = f"squeue -h -s -j {job} -o '%i %j'"
        wait_until(lambda: re.search(rf"^{job}\.\d+ sh$", slurm.exec(steps)[1], re.M) is not None, "it is a step")
        wire.reset()
        assert open_.says() == "lnode: the connection to unity was lost; trying again\n"
        assert open_.says().startswith(f"lnode: localhost:{open_.port} is port 8888 of {node}, ")
        assert open_.echo(b"again") == b"again"
        slurm.exec(f"scancel {job}")
        assert open_.says() == "lnode: the connection to unity was lost; trying again\n"
        assert open_.says().startswith("lnode: there is no way to where fit on unity is: it ")
        assert open_.process.wait(timeout=LIMIT_S) == 1


@pytest.mark.full
@pytest.mark.usefixtures("echo")
def test_a_scheduler_that_is_silent_is_waited_for(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s fit 'sinteractive -m 1000 -t 1:00:00; exec cat'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    with wired(slurm) as wire, ports(slurm, "fit") as open_:
        assert open_.says().endswith("; Ctrl-C ends\n")
        slurm.exec("pkill -STOP -x slurmctld", "root")
        try:
            wire.reset()
            assert open_.says() == "lnode: the connection to unity was lost; trying again\n"
            silent = "the scheduler of unity does not answer, so where fit runs is unknown"
            assert open_.says() == f"lnode: {silent}; trying again\n"
        finally:
            slurm.exec("pkill -CONT -x slurmctld", "root")
        wait_until(lambda: "is port 8888 of node" in open_.says(), "the port is open again")
        assert open_.echo(b"again") == b"again"


@pytest.mark.parametrize(("program", "where"), [("srun", "on unity"), ("sshd", "where fit on unity is")])
def test_what_is_missing_on_the_way_is_named(slurm: Rig, program: str, where: str) -> None:
    slurm.exec("tmux new-session -d -s fit 'sinteractive -m 1000 -t 1:00:00; exec cat'")
    wait_until(lambda: "RUNNING" in slurm.exec("squeue -h -o %T --me")[1], "the job runs")
    path = slurm.exec(f"PATH=$PATH:/usr/sbin command -v {program}")[1].strip()
    assert slurm.exec(f"mv {path} {path}.away", "root")[0] == 0
    try:
        refused = in_a_pipe(slurm, "unity", "fit", "-L", str(free_port()))
    finally:
        slurm.exec(f"mv {path}.away {path}", "root")
    said = f"lnode: there is no {program} {where}, which the way there would need\n"
    assert (refused.returncode, refused.stderr.partition("hint:")[0]) == (8, said)


@pytest.mark.usefixtures("echo")
def test_to_a_plain_session_it_leads_to_its_login_node_and_ends_with_lnode(slurm: Rig) -> None:
    slurm.exec("tmux new-session -d -s plain ';' set-option @lnode_kind login")
    with ports(slurm, "plain") as open_:
        assert open_.says() == f"lnode: localhost:{open_.port} is port 8888 of login1; Ctrl-C ends\n"
        assert open_.echo(b"here") == b"here"
        taken = in_a_pipe(slurm, "unity", "plain", "-L", str(open_.port))
        assert (taken.returncode, taken.stderr) == (
            1, f"lnode: cannot open port {open_.port} on this laptop: Address already in use\n"
            f"hint:  take another one: -L {open_.port + 1}:localhost:{open_.port}\n",
        )  # fmt: skip
    wait_until(lambda: slurm.exec("pgrep -f 'sshd.*-i [-]e'")[1] == "", "nothing is left there")
    assert in_a_pipe(slurm, "unity", "nowhere", "-L", "8888").returncode == 7
