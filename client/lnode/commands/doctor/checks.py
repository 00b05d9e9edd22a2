"""The checks of laptop, host and node, by layers: facts -> findings, each with the command that fixes it."""

from collections.abc import Sequence
from typing import NamedTuple

from lnode.commands.doctor import judges
from lnode.commands.doctor.facts import Facts
from lnode.commands.doctor.judges import Judge, if_said, if_word
from lnode.errors import ExitCode

LAYERS: Sequence[str] = ("laptop", "alias", "network", "login", "shell", "tmux", "home", "scheduler", "node")
HERE = ("laptop",)  # the layers that need no host

_YES = ("yes", "true", "force")
_REFUSED = {
    ExitCode.LOGIN_REFUSED: "login",
    ExitCode.HOST_KEY: "login",
    ExitCode.MISSING_THERE: "shell",
    ExitCode.FAILED: "shell",  # rc files that print too much
}


class Finding(NamedTuple):
    """A fault. `found` is a sentence, `fix` a command, or a line and its file."""

    layer: str
    check: str
    found: str
    fix: str


def findings(facts: Facts, layers: Sequence[str] = LAYERS) -> list[Finding]:
    """Return the findings in these layers, in the order of CHECKS."""
    return [
        Finding(layer, check, *verdict)
        for layer, check, judge in CHECKS
        if layer in layers and (verdict := judge(facts)) is not None
    ]


def of_failure(code: ExitCode, message: str, hint: str) -> Finding:
    """Return the failure of the question to the host as a finding of the layer in which it failed."""
    return Finding(_REFUSED.get(code, "network"), "answers", message, hint)


def layers_until(layer: str) -> Sequence[str]:
    """Return the layers that were checked when the question failed in that one."""
    return LAYERS[: LAYERS.index(layer) + 1]


CHECKS: tuple[tuple[str, str, Judge], ...] = (
    ("laptop", "ssh", judges.old_ssh),
    ("laptop", "ssh config", if_said("ssh_config_wrong", "ssh cannot read its configuration: {}", "fix it: ssh -G x")),
    ("laptop", "config.toml", if_said("config_wrong", "{}", "fix that line, or move the file away")),
    (
        "laptop",
        "keychain",
        if_said("keychain_shut", "lnode cannot use the keychain: {}", "unlock it, or: lnode HOST --forget"),
    ),
    (
        "laptop",
        "askpass",
        if_said(
            "askpass_shut",
            "ssh cannot start ask_nobody and ask_keychain, which must be executable, in {}",
            "chmod +x {}/ask_nobody {}/ask_keychain, or install lnode where programs may be executed",
        ),
    ),
    ("laptop", "state folder", if_said("state_readonly", "{} cannot be written", "chmod u+rwx {}; df {}")),
    (
        "laptop",
        "sockets",
        if_said("no_sockets", "there is no folder for sockets of yours alone: {}", "chmod 700 {}, or remove it"),
    ),
    ("laptop", "nested tmux", judges.nested),
    ("laptop", "clock", judges.clock),
    (
        "alias",
        "RemoteCommand",
        if_said(
            "remotecommand",
            "RemoteCommand is set: ssh, scp and VS Code can run nothing else here",
            "move it to a Host of its own in ~/.ssh/config",
        ),
    ),
    (
        "alias",
        "RequestTTY",
        if_word(
            "requesttty",
            _YES,
            "RequestTTY is {}: scp and rsync get a terminal in their way",
            "in ~/.ssh/config: RequestTTY auto",
        ),
    ),
    (
        "alias",
        "LogLevel",
        if_word(
            "loglevel",
            ("silent", "quiet", "fatal"),
            "LogLevel is so low that ssh does not say why it fails",
            "in ~/.ssh/config: LogLevel INFO",
        ),
    ),
    (
        "alias",
        "host keys",
        if_word(
            "stricthostkeychecking",
            ("no", "off", "false"),
            "StrictHostKeyChecking is off: any machine can claim to be this host",
            "in ~/.ssh/config: StrictHostKeyChecking ask",
        ),
    ),
    ("alias", "known hosts", judges.known_hosts),
    ("alias", "ControlPath", judges.control_path),
    ("login", "MaxSessions", judges.sessions),
    (
        "login",
        "KillUserProcesses",
        if_word(
            "kill_user_processes",
            ("yes",),
            "systemd there ends your processes at logout, tmux too (KillUserProcesses)",
            "on {host}: loginctl enable-linger; from then on lnode starts what is to stay through systemd-run",
        ),
    ),
    (
        "login",
        "StopIdleSessionSec",
        if_said(
            "stop_idle",
            "systemd there ends a login that is idle for {} with all that it started, tmux too (StopIdleSessionSec)",
            "on {host}: loginctl enable-linger; from then on lnode starts what is to stay through systemd-run",
        ),
    ),
    (
        "shell",
        "quiet",
        if_said(
            "noise",
            "your rc file prints without a terminal, which breaks scp and rsync: {}",
            "print only to terminals, in that rc file there: [ -t 1 ] && echo ...",
        ),
    ),
    ("shell", "rc file", judges.rc_program),
    ("shell", "quick", judges.slow),
    (
        "shell",
        "TMOUT",
        if_said(
            "tmout",
            "TMOUT is {}: a shell idle so many seconds ends, and its session",
            "in your rc file: unset TMOUT; where it is readonly: exec env -u TMOUT bash",
        ),
    ),
    ("shell", "TERM", judges.term),
    (
        "shell",
        "UTF-8",
        if_word(
            "utf8",
            ("none",),
            "the host has no UTF-8 locale, without which tmux may not start",
            "ask your site for C.UTF-8; until then: localedef -i en_US -f UTF-8 ~/en_US.UTF-8",
        ),
    ),
    (
        "shell",
        "CPU limit",
        if_said(
            "cpu_limit_s",
            "what you start on the login node is ended after {} s of CPU, tmux too",
            "keep work on nodes: lnode {host} SESSION without --login",
        ),
    ),
    (
        "shell",
        "push",
        if_said("no_poster", "push is set, but there is neither curl nor GNU wget", "ask your site for curl"),
    ),
    (
        "tmux",
        "there",
        if_said(
            "tmux_missing",
            "there is no tmux, not on PATH, in a login shell, or by a module",
            'install it there, then in config.toml: tmux = "/path/to/tmux"',
        ),
    ),
    ("tmux", "version", judges.old_tmux),
    (
        "tmux",
        "socket",
        if_said("tmux_lost", "your tmux server lives (pid {}), but its socket was removed", "lnode {host} --ls"),
    ),
    (
        "tmux",
        "answers",
        if_said(
            "tmux_refuses",
            "tmux does not answer as it should: {}",
            "look at its folder, its version and its server: ssh {host} 'ls -ld /tmp/tmux-*; tmux -V; pgrep -ia tmux'",
        ),
    ),
    (
        "tmux",
        "exit-unattached",
        if_word(
            "exit_unattached",
            ("on",),
            "exit-unattached is on: a detach or a drop of your last client ends all your sessions and their jobs",
            "remove it from ~/.tmux.conf there, and now: ssh {host} tmux set-option -s exit-unattached off",
        ),
    ),
    (
        "tmux",
        "destroy-unattached",
        if_word(
            "destroy_unattached",
            ("on",),
            "destroy-unattached is on: tmux ends a session that you made by hand when its last client leaves or drops",
            "remove it from ~/.tmux.conf there, and now: ssh {host} tmux set-option -g destroy-unattached off",
        ),
    ),
    (
        "tmux",
        "agent",
        if_said(
            "agent_dead",
            "shells look for an ssh agent that is gone, in: {}",
            "lnode {host} --setup keeps one path to it; in those shells: export SSH_AUTH_SOCK=~/.ssh/lnode-agent",
        ),
    ),
    ("home", "readable", if_said("home_closed", "your home cannot be read: {}", "get a ticket: ssh {host} -t kinit")),
    ("home", "ticket", if_said("ticket_ended", "your Kerberos ticket has ended", "ssh {host} -t kinit")),
    ("home", "writable", if_said("home_readonly", "your home cannot be written: {}", "ssh {host} 'ls -ld ~; df ~'")),
    (
        "home",
        "private",
        if_said(
            "state_distrusted",
            "another user can write to {}, so lnode does not read it",
            "ssh {host} chmod -R go-rwx .local/state/lnode; move away what another user owns there",
        ),
    ),
    (
        "home",
        "folder",
        if_said(
            "state_link",
            "{} is a link, so lnode does not read it",
            "put a folder in its place: ssh {host} rm {}; lnode makes a folder there",
        ),
    ),
    ("home", "room", judges.full),
    ("home", "files", judges.inodes),
    ("home", "quota", if_said("over_quota", "you are over your quota", "ssh {host} quota -s")),
    (
        "scheduler",
        "there",
        if_said(
            "no_scheduler",
            "no scheduler is found, not on PATH, in a login shell, or by a module",
            "in your rc file there: module load slurm, or export PATH=/path/to/slurm/bin:$PATH",
        ),
    ),
    (
        "scheduler",
        "answers",
        if_said("scheduler_silent", "{} does not answer: jobs and time left are unknown for now", "ssh {host} {}"),
    ),
    (
        "scheduler",
        "settings",
        if_said(
            "scheduler_by_login",
            "{} answers only with variables of your login shell, which lnode has to start for each question",
            "set them in a file that every shell reads: ~/.bashrc above its test for a prompt, ~/.zshenv, ~/.cshrc",
        ),
    ),
    ("scheduler", "command", judges.command),
    ("node", "ssh", judges.node),
    ("node", "where", judges.place),
)
