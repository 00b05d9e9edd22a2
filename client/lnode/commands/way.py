"""`lnode HOST --way NAME.HOST.lnode`: the way to the node of a session, which the ssh of `--code` takes.

ssh starts it as its ProxyCommand, each time it connects; see own_sshd.host_block.
"""

import signal
import subprocess

from lnode.errors import ExitCode, LnodeError
from lnode.laptop.settings import HostSettings
from lnode.locate.node_place import node_place
from lnode.node import names, own_sshd
from lnode.ssh import failures, verdict
from lnode.ssh.arguments import SSH_FAILED
from lnode.ssh.log import SshLog
from lnode.ssh.target import Target


def way(target: Target, host: str, request: HostSettings) -> ExitCode:
    """Connect standard input and output with the sshd at that node until one side ends. Raises LnodeError."""
    name = names.session_of(host)
    if name is None:
        example = names.host_of(target.alias, "myproject")
        raise LnodeError(ExitCode.USAGE, f"{host} is no node of a session", f"as in: ssh {example}")
    place = node_place(target, name, request, ".")
    own_sshd.keep_host_key(target.alias, place.key)
    job = place.entry.job.id if place.entry.job else None
    argv, environment = own_sshd.way_argv(place.target, job)
    with SshLog() as log:  # where the keychain looks whom it has answered
        with subprocess.Popen(log.argv(argv), stderr=log.fileno(), env=environment) as ssh:
            try:
                status = ssh.wait()
            finally:
                ssh.terminate()
        said = log.said()
    if status in (SSH_FAILED, -signal.SIGTERM) and not failures.has_begun(said, place.target.place):
        verdict.why_not_in(place.target, said, argv, silent=True)
    if status:
        without = f"edit on the login node: code --remote ssh-remote+{target.alias}"
        raise own_sshd.no_way(str(said), target.alias, name, without)
    return ExitCode.DONE
