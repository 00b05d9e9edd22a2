"""`lnode HOST --way NAME.HOST.lnode`: the ProxyCommand that leads the ssh of `--code` to the node of a session.

ssh starts it each time it connects; see own_sshd.host_block. The first time lnode asks where the session is. For some
minutes the next ones go straight there, over the connection that the first has left open.
"""

import signal
import subprocess
import time
from contextlib import suppress

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import leaving
from lnode.locate.address import Address
from lnode.node import last_way, names, own_sshd
from lnode.node.own_sshd import Way
from lnode.ssh import brisk, failures, master, sign_in_memory, verdict
from lnode.ssh.arguments import SSH_FAILED
from lnode.ssh.log import SshLog
from lnode.ssh.target import Target

_STANDS_S = 20.0  # for a connection that others could use: this one may wait for it no longer
_PATIENT_S = 10.0  # at least, until an ssh gives up a node that is silent


def way(address: Address, *, node: str) -> ExitCode:
    """Connect standard input and output with the sshd at that node until one side ends. Raises LnodeError."""
    alias, name = address.alias, names.session_of(node)
    if name is None:
        example = names.host_of(alias, "myproject")
        raise LnodeError(ExitCode.USAGE, f"{node} is no node of a session", f"as in: ssh {example}")
    _share(address.target)
    there = last_way.recall(address.target, name)
    if there:
        own_sshd.keep_host_key(alias, there.key)  # another session of this alias may have another one
    else:
        there = _asked(address._replace(session=name))
    status, said = _carry(there, name)
    if status == SSH_FAILED and not there.tried and there.is_closed(said):
        there = _asked(address._replace(session=name), tried=True)
        status, said = _carry(there, name)
    if status == SSH_FAILED and there.is_closed(said):
        status, said = _carry(there.without_port(), name)
    if status:
        from lnode.node import reachable

        without = f"edit on the login node: code --remote ssh-remote+{alias}"
        raise reachable.no_way(said, alias, name, without)
    return ExitCode.DONE


def _asked(address: Address, *, tried: bool = False) -> Way:
    """Return the way as the host tells it; with `tried` it has tried its port. Raises LnodeError."""
    from lnode.locate.node_place import node_place

    return node_place(address, ".", tried=tried).way


def _share(target: Target) -> None:
    """Leave a connection open for what follows, if it is proved that lnode can sign in silently."""
    if target.standby and master.identity(target) is None:
        import asyncio

        from lnode.ssh.link import rung_standby
        from lnode.ssh.link.contract import LinkFailed

        async def stand() -> None:
            async with asyncio.timeout(_STANDS_S):
                await rung_standby.stand(target)

        with suppress(LinkFailed, OSError, TimeoutError):
            asyncio.run(stand())


def _carry(there: Way, name: str) -> tuple[int, str]:
    """Be that way to the session until one side ends; return ssh's exit status and words.

    The ssh that has started lnode ends it by SIGHUP, also if it has waited in vain for a node that is silent: then the
    next connection asks where the session is.
    """
    began = time.monotonic()
    try:
        with leaving.by_signals():
            status, said = _carried(there)
    except SystemExit:
        if _PATIENT_S < time.monotonic() - began < _PATIENT_S + names.CONNECTS_S:
            last_way.forget(there.target, name)
        raise
    if status and not there.tried:
        last_way.forget(there.target, name)
    return status, said


def _carried(there: Way) -> tuple[int, str]:
    argv, environment = there.argv(may_prompt=False)
    with SshLog() as log:  # in which the keychain finds the prompts that it has answered
        with subprocess.Popen(log.argv(argv), stderr=log.fileno(), env=environment) as ssh:
            try:
                if not _rides(there):
                    brisk.hurry(ssh.pid)
                if is_dead := _is_over_a_dead_master(ssh, there):
                    ssh.terminate()
                status = ssh.wait()
            finally:
                ssh.terminate()
        said = log.said()
    if is_dead and not sign_in_memory.takes_person(there.target):
        return _carried(there._replace(fresh=True))
    is_told = failures.has_begun(said, there.target.place) or there.is_closed(str(said))
    if status in (SSH_FAILED, -signal.SIGTERM) and not is_told:
        verdict.why_not_in(there.target, said, argv, silent=True)
    return status, str(said)


def _rides(there: Way) -> bool:
    return not there.fresh and master.may_ride(there.target)


def _is_over_a_dead_master(ssh: "subprocess.Popen[bytes]", there: Way) -> bool:
    """True if the ssh shares a connection that is dead: ssh itself would wait for minutes."""
    if not _rides(there):
        return False
    with suppress(subprocess.TimeoutExpired):
        ssh.wait(master.SILENT_S)
        return False
    import asyncio

    from lnode.ssh.link.rung_master import prove_master

    return asyncio.run(prove_master(there.target)) is False
