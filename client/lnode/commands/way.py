"""`lnode HOST --way NAME.HOST.lnode`: the ProxyCommand that leads the ssh of `--code` to the node of a session.

ssh starts it each time it connects; see own_sshd.host_block.
"""

import signal
import subprocess

from lnode.errors import ExitCode, LnodeError
from lnode.locate.address import Address
from lnode.locate.node_place import node_place
from lnode.node import names, own_sshd
from lnode.ssh import failures, verdict
from lnode.ssh.arguments import SSH_FAILED
from lnode.ssh.log import SshLog


def way(address: Address, *, node: str) -> ExitCode:
    """Connect standard input and output with the sshd at that node until one side ends. Raises LnodeError."""
    alias, name = address.alias, names.session_of(node)
    if name is None:
        example = names.host_of(alias, "myproject")
        raise LnodeError(ExitCode.USAGE, f"{node} is no node of a session", f"as in: ssh {example}")
    place = node_place(address._replace(session=name), ".")
    own_sshd.keep_host_key(alias, place.key)
    job = place.entry.job.id if place.entry.job else None
    argv, environment = own_sshd.way_argv(place.target, job, place.key)
    with SshLog() as log:  # in which the keychain finds the prompts that it has answered
        with subprocess.Popen(log.argv(argv), stderr=log.fileno(), env=environment) as ssh:
            try:
                status = ssh.wait()
            finally:
                ssh.terminate()
        said = log.said()
    if status in (SSH_FAILED, -signal.SIGTERM) and not failures.has_begun(said, place.target.place):
        verdict.why_not_in(place.target, said, argv, silent=True)
    if status:
        without = f"edit on the login node: code --remote ssh-remote+{alias}"
        raise own_sshd.no_way(str(said), alias, name, without)
    return ExitCode.DONE
