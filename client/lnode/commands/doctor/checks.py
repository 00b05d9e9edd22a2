"""Facts about the laptop, the host and the node -> findings, each with the command that fixes it.

Facts are words by name, from the laptop and from remote/doctor.sh. A missing fact is unknown and gives no finding.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lnode.errors import ExitCode
from lnode.remote.fields import Word, number

LAYERS: Sequence[str] = ("laptop", "alias", "network", "login", "shell", "tmux", "home", "scheduler", "node")
HERE = ("laptop",)  # the layers that need no host

Facts = Mapping[str, str]
Judge = Callable[[Facts], tuple[str, str] | None]

_CLOCK_S = 120
_SLOW_S = 4
_LITTLE_KB = 20 << 10
_YES = ("yes", "true", "force")
_REFUSED = {ExitCode.LOGIN_REFUSED: "login", ExitCode.HOST_KEY: "login", ExitCode.MISSING_THERE: "shell"}


class Finding(NamedTuple):
    """A fault. `found` is a sentence, `fix` a command, or a line and its file."""

    layer: str
    check: str
    found: str
    fix: str


def parse_facts(rows: Iterable[str]) -> dict[str, str]:
    """Read the rows `NAME VALUE` of doctor.sh: only facts about the host, and only with values that fit.

    Other rows are skipped, so that a host cannot write findings about this laptop.
    """
    told = ((name, value.strip()) for name, _, value in (row.partition(" ") for row in rows))
    return {name: value for name, value in told if name in _OF_HOST and _OF_HOST[name](value)}


def _is_number(value: str) -> bool:
    """True for a whole number, also for the -12 that df prints for an exceeded quota."""
    return number(value.removeprefix("-"), _LARGEST) is not None


def _is_word(value: str) -> bool:
    return Word.parse(value) is not None


def _is_text(value: str) -> bool:
    """True for a text short enough for a sentence. It must not be part of a command."""
    return len(value) <= _LONGEST


_LONGEST = 300  # as doctor.sh cuts it
_LARGEST = 10**18 - 1
_OF_HOST: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(
        ("now", "max_sessions", "login_s", "tmout", "cpu_limit_s", "tmux_lost", "home_free_kb", "home_free_files"),
        _is_number,
    ),
    **dict.fromkeys(
        ("kill_user_processes", "login_unfinished", "utf8", "tmux_missing", "ticket_ended", "over_quota",
         "no_scheduler", "overlap", "term_unknown", "scheduler_silent"),
        _is_word,
    ),
    **dict.fromkeys(
        ("noise", "tmux_version", "agent_dead", "their_prefix", "home_closed", "home_readonly", "node_refused",
         "command_missing", "tmux_refuses", "state_distrusted"),
        _is_text,
    ),
}  # fmt: skip


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


def _number(facts: Facts, name: str) -> int | None:
    word = facts.get(name, "")
    found = number(word.removeprefix("-"), _LARGEST)
    return -found if found is not None and word.startswith("-") else found


def _said(name: str, found: str, fix: str) -> Judge:
    """Return a check that finds any value of the fact; `{}` is the value, `{host}` the alias."""

    def judge(facts: Facts) -> tuple[str, str] | None:
        word = facts.get(name)
        if not word:
            return None
        host = facts.get("host", "HOST")
        return found.replace("{}", word), fix.replace("{host}", host).replace("{}", shlex.quote(word))

    return judge


def _is(name: str, words: Sequence[str], found: str, fix: str) -> Judge:
    """Return a check that finds the fact if it is one of the words."""
    judge = _said(name, found, fix)
    return lambda facts: judge(facts) if facts.get(name, "").lower() in words else None


def _old_ssh(facts: Facts) -> tuple[str, str] | None:
    match = re.search(r"OpenSSH\D*([0-9]{1,4})\.([0-9]{1,4})", facts.get("ssh", ""))
    if match is None or (int(match[1]), int(match[2])) >= (8, 4):
        return None
    found = f"ssh is OpenSSH {match[1]}.{match[2]}: before 8.4 the keychain can answer nothing"
    return found, "update it: sudo apt-get install openssh-client, brew install openssh"


def _clock(facts: Facts) -> tuple[str, str] | None:
    before, there, after = (_number(facts, name) for name in ("asked", "now", "answered"))
    if before is None or there is None or after is None:
        return None
    off_s = there - after if there > after else min(there - before, 0)
    if abs(off_s) <= _CLOCK_S:
        return None
    which = "behind" if off_s > 0 else "ahead of"
    return f"this laptop's clock is {abs(off_s)} s {which} the login node's", "sudo timedatectl set-ntp true"


def _nested(facts: Facts) -> tuple[str, str] | None:
    prefix = facts.get("prefix")
    if prefix is None or prefix != facts.get("their_prefix", "C-b"):
        return None
    found = f"you are in a tmux on this laptop, which takes {prefix} before the session's tmux sees it"
    return found, f"press {prefix} twice for the inner one, or give this one another prefix: tmux set -g prefix C-a"


def _control_path(facts: Facts) -> tuple[str, str] | None:
    path = facts.get("controlpath", "none")
    if path == "none" or len(path.encode()) <= 104 - 1 - 17:
        return None
    found = f"ControlPath is {len(path.encode())} bytes long; with what ssh appends, a socket's path has 104 at most"
    return found, "in ~/.ssh/config: ControlPath ~/.ssh/%C"


def _known_hosts(facts: Facts) -> tuple[str, str] | None:
    if facts.get("userknownhostsfile", "").split() != ["/dev/null"]:
        return None
    return "UserKnownHostsFile is /dev/null: every host key is new", "remove that line from ~/.ssh/config"


def _sessions(facts: Facts) -> tuple[str, str] | None:
    most = _number(facts, "max_sessions")
    if most is None or most > 1:
        return None
    found = f"sshd lets {most} session into a connection (MaxSessions): no window can share one"
    return found, f'in config.toml, below [hosts.{facts.get("host", "HOST")}]: keep_warm = "no"'


def _slow(facts: Facts) -> tuple[str, str] | None:
    if "login_unfinished" in facts:
        took = "is not done with its rc files after 5 s"
    elif (seconds := _number(facts, "login_s")) is not None and seconds >= _SLOW_S:
        took = f"takes {seconds} s over its rc files"
    else:
        return None
    return f"your login shell {took}", f"see its commands: ssh {facts.get('host', 'HOST')} -t 'bash -lxic exit'"


def _term(facts: Facts) -> tuple[str, str] | None:
    term = shlex.quote(facts.get("term_unknown", ""))
    if term == "''":
        return None
    found = f"the host does not know your terminal, {term}; its tmux and editors use a simpler one or fail"
    return found, f"infocmp -x {term} | ssh {facts.get('host', 'HOST')} -- tic -x -"


def _old_tmux(facts: Facts) -> tuple[str, str] | None:
    match = re.match(r"tmux ([0-9]{1,4})\.([0-9]{1,4})", facts.get("tmux_version", ""))
    if match is None or (int(match[1]), int(match[2])) >= (2, 1):
        return None
    found = f"{facts['tmux_version']}: before 2.1 a name also means each session that begins so, and mouse mode differs"
    return found, 'load a newer one and name it in config.toml: tmux = "/path/to/tmux"'


def _full(facts: Facts) -> tuple[str, str] | None:
    free = _number(facts, "home_free_kb")
    if free is None or free >= _LITTLE_KB:
        return None
    return (
        f"home has {free} kB left",
        f"see the largest folders: ssh {facts.get('host', 'HOST')} 'du -xsk .[!.]* * | sort -n'",
    )


def _inodes(facts: Facts) -> tuple[str, str] | None:
    if _number(facts, "home_free_files") != 0:
        return None
    found = "home has no room for more files (inodes)"
    return found, f"ssh {facts.get('host', 'HOST')} 'du -x --inodes | sort -n | tail'"


def _command(facts: Facts) -> tuple[str, str] | None:
    missing = facts.get("command_missing")
    if not missing:
        return None
    host = facts.get("host", "HOST")
    return (
        f"{missing}, the command of lnode's requests, is not there",
        f"see the site's own commands for config.toml: lnode {host} --setup",
    )


def _node(facts: Facts) -> tuple[str, str] | None:
    if "node_refused" not in facts or facts.get("overlap") != "no":
        return None
    found = f"{facts['node_refused']} lets no ssh in, and this Slurm has no srun --overlap: nothing else can go there"
    return found, "ask your site for ssh to nodes where you have a job (pam_slurm_adopt)"


CHECKS: tuple[tuple[str, str, Judge], ...] = (
    ("laptop", "ssh", _old_ssh),
    ("laptop", "ssh config", _said("ssh_config_wrong", "ssh cannot read its configuration: {}", "fix it: ssh -G x")),
    ("laptop", "config.toml", _said("config_wrong", "{}", "fix that line, or move the file away")),
    (
        "laptop",
        "keychain",
        _said("keychain_shut", "lnode cannot use the keychain: {}", "unlock it, or: lnode HOST --forget"),
    ),
    (
        "laptop",
        "askpass",
        _said(
            "askpass_shut",
            "ssh cannot start ask_nobody and ask_keychain, which must be executable, in {}",
            "chmod +x {}/ask_nobody {}/ask_keychain, or install lnode where programs may be executed",
        ),
    ),
    ("laptop", "state folder", _said("state_readonly", "{} cannot be written", "chmod u+rwx {}; df {}")),
    (
        "laptop",
        "sockets",
        _said("no_sockets", "there is no folder for sockets of yours alone: {}", "chmod 700 {}, or remove it"),
    ),
    ("laptop", "nested tmux", _nested),
    ("laptop", "clock", _clock),
    (
        "alias",
        "RemoteCommand",
        _said(
            "remotecommand",
            "RemoteCommand is set: ssh, scp and VS Code can run nothing else here",
            "move it to a Host of its own in ~/.ssh/config",
        ),
    ),
    (
        "alias",
        "RequestTTY",
        _is(
            "requesttty",
            _YES,
            "RequestTTY is {}: scp and rsync get a terminal in their way",
            "in ~/.ssh/config: RequestTTY auto",
        ),
    ),
    (
        "alias",
        "LogLevel",
        _is(
            "loglevel",
            ("silent", "quiet", "fatal"),
            "LogLevel is so low that ssh does not say why it fails",
            "in ~/.ssh/config: LogLevel INFO",
        ),
    ),
    (
        "alias",
        "host keys",
        _is(
            "stricthostkeychecking",
            ("no", "off", "false"),
            "StrictHostKeyChecking is off: any machine can claim to be this host",
            "in ~/.ssh/config: StrictHostKeyChecking ask",
        ),
    ),
    ("alias", "known hosts", _known_hosts),
    ("alias", "ControlPath", _control_path),
    ("login", "MaxSessions", _sessions),
    (
        "login",
        "KillUserProcesses",
        _is(
            "kill_user_processes",
            ("yes",),
            "systemd there ends your processes at logout, tmux too (KillUserProcesses)",
            "on {host}: loginctl enable-linger; from then on lnode starts what is to stay through systemd-run",
        ),
    ),
    (
        "shell",
        "quiet",
        _said(
            "noise",
            "your rc file prints without a terminal, which breaks scp and rsync: {}",
            "print only to terminals, in that rc file there: [ -t 1 ] && echo ...",
        ),
    ),
    ("shell", "quick", _slow),
    (
        "shell",
        "TMOUT",
        _said(
            "tmout",
            "TMOUT is {}: a shell idle so many seconds ends, and its session",
            "in your rc file: unset TMOUT; where it is readonly: exec env -u TMOUT bash",
        ),
    ),
    ("shell", "TERM", _term),
    (
        "shell",
        "UTF-8",
        _is(
            "utf8",
            ("none",),
            "the host has no UTF-8 locale, without which tmux may not start",
            "ask your site for C.UTF-8; until then: localedef -i en_US -f UTF-8 ~/en_US.UTF-8",
        ),
    ),
    (
        "shell",
        "CPU limit",
        _said(
            "cpu_limit_s",
            "what you start on the login node is ended after {} s of CPU, tmux too",
            "keep work on nodes: lnode {host} SESSION without --login",
        ),
    ),
    (
        "tmux",
        "there",
        _said(
            "tmux_missing",
            "there is no tmux, not on PATH, in a login shell, or by a module",
            'install it there, then in config.toml: tmux = "/path/to/tmux"',
        ),
    ),
    ("tmux", "version", _old_tmux),
    (
        "tmux",
        "socket",
        _said("tmux_lost", "your tmux server lives (pid {}), but its socket was removed", "lnode {host} --ls"),
    ),
    (
        "tmux",
        "answers",
        _said(
            "tmux_refuses",
            "tmux does not answer as it should: {}",
            "look at its folder, its version and its server: ssh {host} 'ls -ld /tmp/tmux-*; tmux -V; pgrep -ia tmux'",
        ),
    ),
    (
        "tmux",
        "agent",
        _said(
            "agent_dead",
            "shells look for an ssh agent that is gone, in: {}",
            "lnode {host} --setup keeps one path to it; in those shells: export SSH_AUTH_SOCK=~/.ssh/lnode-agent",
        ),
    ),
    ("home", "readable", _said("home_closed", "your home cannot be read: {}", "get a ticket: ssh {host} -t kinit")),
    ("home", "ticket", _said("ticket_ended", "your Kerberos ticket has ended", "ssh {host} -t kinit")),
    ("home", "writable", _said("home_readonly", "your home cannot be written: {}", "ssh {host} 'ls -ld ~; df ~'")),
    (
        "home",
        "private",
        _said(
            "state_distrusted",
            "another user can write to {}, so lnode does not read it",
            "ssh {host} chmod -R go-rwx .local/state/lnode; move away what another user owns there",
        ),
    ),
    ("home", "room", _full),
    ("home", "files", _inodes),
    ("home", "quota", _said("over_quota", "you are over your quota", "ssh {host} quota -s")),
    (
        "scheduler",
        "there",
        _said(
            "no_scheduler",
            "no scheduler is found, not on PATH, in a login shell, or by a module",
            "in your rc file there: module load slurm, or export PATH=/path/to/slurm/bin:$PATH",
        ),
    ),
    (
        "scheduler",
        "answers",
        _said("scheduler_silent", "{} does not answer: jobs and time left are unknown for now", "ssh {host} {}"),
    ),
    ("scheduler", "command", _command),
    ("node", "ssh", _node),
)
