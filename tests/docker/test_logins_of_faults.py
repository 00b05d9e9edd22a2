"""What a host in disorder costs in logins, by sshd's log: one terminal in 15 s, one link beside it, one failure."""

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import NamedTuple

import pytest

from faults import seen, wired
from full import FULL
from rig import Rig, configured, wait_until
from sites import PAUSE_S, failed_of, held, links_of, sshd_with, terminals_of, wait_for_s, with_pam
from window import LNODE, Window

PORT = 9998
WATCHED_S = 100 if FULL else 35


class Fault(NamedTuple):
    """Text for the user's rc file, lines for their part of sshd's configuration and of ssh's, a command of root's."""

    rc: str = ""
    sshd: str = ""
    ssh: str = ""
    root: str = "true"


def tmux_is(script: str) -> str:
    """An rc file that puts another program in the place of tmux."""
    return f"mkdir -p ~/bin; echo {shlex.quote(script)} >~/bin/tmux; chmod 755 ~/bin/tmux; PATH=~/bin:$PATH"


FAULTS = {
    "leaves": Fault(rc="if [ -t 1 ]; then exec zsh -f; fi"),
    "swallows": Fault(rc="exec tee /dev/null"),
    "denies": Fault(rc="[ -t 1 ] || exit\nexec zsh -f"),
    "sleeps": Fault(rc="sleep 600"),
    "menu": Fault(sshd="ForceCommand echo menu; read choice"),
    "asks": Fault(sshd="ForceCommand tty && read choice"),
    "password": Fault(root="chage -d 0"),
    "account": Fault(root="chage -E 1"),
    "refused": Fault(sshd="AuthorizedKeysFile none"),
    "terminal": Fault(sshd="PermitTTY no"),
    "session": Fault(sshd="MaxSessions 0"),
    "sftp": Fault(sshd="ForceCommand internal-sftp"),
    "quits": Fault(rc="[ -t 1 ] && exit 255"),
    "prints": Fault(rc="[ -t 1 ] || yes | head -c 1000000"),
    "hangs": Fault(rc=tmux_is("exec sleep 600")),
    "refuses": Fault(rc=tmux_is("echo not on this node >&2; exit 1")),
    "scheduler": Fault(rc="export SLURM_CONF=/nonexistent SALLOC_ACCOUNT=none SBATCH_ACCOUNT=none"),
    "lonely": Fault(rc="printf 'set -g destroy-unattached on\\nset -g exit-unattached on\\n' >~/.tmux.conf"),
    "modes": Fault(rc=r"[ -t 1 ] && printf '\033[?7727h\033[?2031h\033[?1003h'"),
    "agents": Fault(rc=r"[ -t 1 ] && printf '\033]2;claude waits\007Do you want to proceed? (y/n) '"),
    "alone": Fault(sshd="MaxSessions 1"),
    "port": Fault(ssh=f"RemoteForward {PORT} 127.0.0.1:1\n    ExitOnForwardFailure yes"),
}


@contextmanager
def users(rig: Rig) -> Iterator[None]:
    """A user for each fault, and an alias of the same name, on a laptop that has signed in there before."""
    settings = rig.home / ".config" / "lnode" / "config.toml"
    before = settings.read_text()
    settings.write_text(before + "".join(f'[hosts.{user}]\nkeep_warm = "no"\n' for user in FAULTS))
    names = " ".join(FAULTS)
    made = f"for user in {names}; do useradd -m -s /bin/bash -p '*' -G staff $user || exit; done"
    status, said = rig.exec(made, "root")
    assert status == 0, said
    try:
        with configured(rig, "".join(f"Host {user}\n    User {user}\n" for user in FAULTS)):
            yield
    finally:
        rig.exec(f"for user in {names}; do pkill -KILL -u $user; userdel -rf $user; done", "root")
        settings.write_text(before)


@contextmanager
def faulty(rig: Rig) -> Iterator[None]:
    """Each user's own fault."""
    for user, fault in FAULTS.items():
        if fault.rc:
            rig.exec(f"cat >~/.bashrc <<'END'\n{fault.rc}\nEND", user)
        assert rig.exec(f"{fault.root} {user}" if fault.root != "true" else "true", "root")[0] == 0
    sshd = "\n".join(f"Match User {user}\n    {fault.sshd}" for user, fault in FAULTS.items() if fault.sshd)
    ssh = "\n".join(f"Host {user}\n    {fault.ssh}" for user, fault in FAULTS.items() if fault.ssh)
    with held(rig, PORT), sshd_with(rig, sshd), configured(rig, f"{ssh}\n"):
        yield


def ask_all(windows: dict[str, Window], seconds: float) -> None:
    """Let the windows run for so long. A terminal that nobody reads stops who writes to it."""
    for _ in range(int(seconds)):
        wait_for_s(1)
        for window in windows.values():
            window.look()


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["attach", "reconnect"])
def test_a_host_in_disorder_is_not_logged_in_to_again_and_again(slurm: Rig, when: str) -> None:
    with users(slurm), with_pam(slurm), wired(slurm) as wire, ExitStack() as stack:
        if when == "attach":
            stack.enter_context(faulty(slurm))
        windows: dict[str, Window] = {}
        for user in FAULTS:
            windows[user] = stack.enter_context(Window([*LNODE, user, "work", "--login"], slurm.env()))
            if when == "reconnect":  # one after the other, as so many at once are late on a busy machine
                windows[user].wait_for("[work]")
                seen(slurm, "work", user)
        before = dict.fromkeys(FAULTS, (0, 0, 0))
        if when == "reconnect":
            before = {user: counted(slurm, user) for user in FAULTS}
            stack.enter_context(faulty(slurm))
            wire.reset()
        wait_until(lambda: all(counted(slurm, user) != before[user] for user in FAULTS), "each has come or failed")
        ask_all(windows, WATCHED_S)
        cost = {user: since(slurm, user, before[user]) for user in FAULTS}
        shown = "\n".join(f"--- {user}: {cost[user]}\n{window.text()}" for user, window in windows.items())
        assert not {user: told for user, told in cost.items() if told}, shown


def counted(rig: Rig, user: str) -> tuple[int, int, int]:
    return len(terminals_of(rig, user)), len(links_of(rig, user)), failed_of(rig, user)


def since(rig: Rig, user: str, before: tuple[int, int, int]) -> list[str]:
    """What was too much since then, in words."""
    terminals, links = terminals_of(rig, user)[before[0] :], links_of(rig, user)[before[1] :]
    failed = failed_of(rig, user) - before[2]
    pauses = [second - first for first, second in pairwise(terminals)]
    told = [f"two terminals within {pause:.1f} s" for pause in pauses if pause < PAUSE_S]
    told += [f"{len(links)} links"] if len(links) > 1 else []
    told += [f"{failed} failed"] if failed > 1 else []
    return told
