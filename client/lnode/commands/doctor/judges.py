"""The judges of the facts: facts -> a sentence about the fault and the command that fixes it, or None."""

import re
import shlex
from collections.abc import Callable, Sequence

from lnode.commands.doctor.facts import Facts, number_in
from lnode.laptop.settings import as_key
from lnode.ssh.begun import at_a_prompt

Judge = Callable[[Facts], tuple[str, str] | None]

_CLOCK_S = 120
_SLOW_S = 4
_MANY_RESTARTS = 2
_LITTLE_KB = 20 << 10


def if_said(name: str, found: str, fix: str) -> Judge:
    """Return a check that finds any value of the fact; `{}` is the value, `{host}` the alias."""

    def judge(facts: Facts) -> tuple[str, str] | None:
        word = facts.get(name)
        if not word:
            return None
        host = facts.get("host", "HOST")
        return found.replace("{}", word), fix.replace("{host}", host).replace("{}", shlex.quote(word))

    return judge


def if_word(name: str, words: Sequence[str], found: str, fix: str) -> Judge:
    """Return a check that finds the fact if it is one of the words."""
    judge = if_said(name, found, fix)
    return lambda facts: judge(facts) if facts.get(name, "").lower() in words else None


def old_ssh(facts: Facts) -> tuple[str, str] | None:
    match = re.search(r"OpenSSH\D*([0-9]{1,4})\.([0-9]{1,4})", facts.get("ssh", ""))
    if match is None or (int(match[1]), int(match[2])) >= (8, 4):
        return None
    found = f"ssh is OpenSSH {match[1]}.{match[2]}: before 8.4 the keychain can answer nothing"
    return found, "update it: sudo apt-get install openssh-client, brew install openssh"


def clock(facts: Facts) -> tuple[str, str] | None:
    before, there, after = (number_in(facts, name) for name in ("asked", "now", "answered"))
    if before is None or there is None or after is None:
        return None
    off_s = there - after if there > after else min(there - before, 0)
    if abs(off_s) <= _CLOCK_S:
        return None
    which = "behind" if off_s > 0 else "ahead of"
    return f"this laptop's clock is {abs(off_s)} s {which} the login node's", "sudo timedatectl set-ntp true"


def nested(facts: Facts) -> tuple[str, str] | None:
    prefix = facts.get("prefix")
    if prefix is None or prefix != facts.get("their_prefix", "C-b"):
        return None
    found = f"you are in a tmux on this laptop, which takes {prefix} before the session's tmux sees it"
    return found, f"press {prefix} twice for the inner one, or give this one another prefix: tmux set -g prefix C-a"


def place(facts: Facts) -> tuple[str, str] | None:
    """Return why sessions are better kept in jobs of their own, where the scheduler has such jobs."""
    if facts.get("where") == "node" or "batch" not in facts:
        return None
    restarts = number_in(facts, "restarts") or 0
    reasons = [f"it has restarted {restarts} times in 60 days"] if restarts >= _MANY_RESTARTS else []
    reasons += ["it ends your processes at logout"] if "kill_user_processes" in facts else []
    reasons += ["it has no tmux"] if "tmux_missing" in facts else []
    if not reasons:
        return None
    found = f"this login node does not keep sessions well: {', '.join(reasons)}; a job of its own keeps one"
    return found, f'in config.toml, below [hosts.{as_key(facts.get("host", "HOST"))}]: where = "node"'


def control_path(facts: Facts) -> tuple[str, str] | None:
    path = facts.get("controlpath", "none")
    if path == "none" or len(path.encode()) <= 104 - 1 - 17:
        return None
    found = f"ControlPath is {len(path.encode())} bytes long; with what ssh appends, a socket's path has 104 at most"
    return found, "in ~/.ssh/config: ControlPath ~/.ssh/%C"


def known_hosts(facts: Facts) -> tuple[str, str] | None:
    if facts.get("userknownhostsfile", "").split() != ["/dev/null"]:
        return None
    return "UserKnownHostsFile is /dev/null: every host key is new", "remove that line from ~/.ssh/config"


def sessions(facts: Facts) -> tuple[str, str] | None:
    most = number_in(facts, "max_sessions")
    if most is None or most > 1:
        return None
    found = f"sshd lets {most} session into a connection (MaxSessions): no window can share one"
    return found, f'in config.toml, below [hosts.{as_key(facts.get("host", "HOST"))}]: keep_warm = "no"'


def rc_program(facts: Facts) -> tuple[str, str] | None:
    line = facts.get("rc_program")
    if not line:
        return None
    program = re.search(rf"\bexec +(?:-[a-z]+ +)*({_PROGRAM})", line) or re.search(rf"(?<![\w.])({_PROGRAM})", line)
    found = f"your rc file starts another program also where ssh has a command to run, as in an attach: {line}"
    prompted = next((fix for rc, fix in _AT_A_PROMPT.items() if line.startswith(rc)), None)
    fix = prompted.format(program[1]) if prompted and program else at_a_prompt(program[1] if program else "")
    return found, f"there, only at a prompt: {fix}"


_AT_A_PROMPT = {
    ".config/fish/": "status is-interactive; and exec {}",
    ".tcshrc": "if ($?prompt) exec {}",
    ".cshrc": "if ($?prompt) exec {}",
}
# As in doctor.sh, with its words.
_PROGRAM = r"(?:[\w./~-]*/)?(?:(?:ba|z|fi|k|c|tc)sh|tmux|screen|zellij|newgrp|sg)\b(?: +[\w./~-]+)*"


def slow(facts: Facts) -> tuple[str, str] | None:
    if "login_unfinished" in facts:
        took = "is not done with its rc files after 5 s"
    elif (seconds := number_in(facts, "login_s")) is not None and seconds >= _SLOW_S:
        took = f"takes {seconds} s over its rc files"
    else:
        return None
    return f"your login shell {took}", f"see its commands: ssh {facts.get('host', 'HOST')} -t 'bash -lxic exit'"


def term(facts: Facts) -> tuple[str, str] | None:
    term = shlex.quote(facts.get("term_unknown", ""))
    if term == "''":
        return None
    found = f"the host does not know your terminal, {term}; its tmux and editors use a simpler one or fail"
    return found, f"infocmp -x {term} | ssh {facts.get('host', 'HOST')} -- tic -x -"


def old_tmux(facts: Facts) -> tuple[str, str] | None:
    match = re.match(r"tmux ([0-9]{1,4})\.([0-9]{1,4})", facts.get("tmux_version", ""))
    if match is None or (int(match[1]), int(match[2])) >= (2, 1):
        return None
    found = f"{facts['tmux_version']}: before 2.1 a name also means each session that begins so, and mouse mode differs"
    return found, 'load a newer one and name it in config.toml: tmux = "/path/to/tmux"'


def full(facts: Facts) -> tuple[str, str] | None:
    free = number_in(facts, "home_free_kb")
    if free is None or free >= _LITTLE_KB:
        return None
    return (
        f"home has {free} kB left",
        f"see the largest folders: ssh {facts.get('host', 'HOST')} 'du -xsk .[!.]* * | sort -n'",
    )


def inodes(facts: Facts) -> tuple[str, str] | None:
    if number_in(facts, "home_free_files") != 0:
        return None
    found = "home has no room for more files (inodes)"
    return found, f"ssh {facts.get('host', 'HOST')} 'du -x --inodes | sort -n | tail'"


def command(facts: Facts) -> tuple[str, str] | None:
    missing = facts.get("command_missing")
    if not missing:
        return None
    host = facts.get("host", "HOST")
    return (
        f"{missing}, the command of lnode's requests, is not there",
        f"see the site's own command for config.toml: lnode {host} --init",
    )


def node(facts: Facts) -> tuple[str, str] | None:
    if "node_refused" not in facts or facts.get("overlap") != "no":
        return None
    found = f"{facts['node_refused']} lets no ssh in, and this Slurm has no srun --overlap: nothing else can go there"
    return found, "ask your site for ssh to nodes where you have a job (pam_slurm_adopt)"
