"""doctor.py: which facts are findings, and that none is made of what is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.commands.doctor.checks import CHECKS, HERE, LAYERS, findings, of_failure
from lnode.errors import ExitCode

WELL = {
    "host": "unity",
    "ssh": "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15",
    "requesttty": "auto",
    "loglevel": "INFO",
    "stricthostkeychecking": "ask",
    "userknownhostsfile": "/home/a/.ssh/known_hosts /home/a/.ssh/known_hosts2",
    "controlpath": "/home/a/.ssh/%C",
    "asked": "1000",
    "now": "1001",
    "answered": "1002",
    "max_sessions": "10",
    "login_s": "1",
    "tmux_version": "tmux 3.3a",
    "home_free_kb": "80069372",
    "home_free_files": "16258857",
    "prefix": "C-a",
    "their_prefix": "C-b",
    "overlap": "yes",
}


@pytest.mark.parametrize(
    ("planted", "layer", "check", "fix"),
    [
        ({"ssh": "OpenSSH_7.4p1"}, "laptop", "ssh", "sudo apt-get install openssh-client"),
        ({"ssh_config_wrong": "line 3: Bad option"}, "laptop", "ssh config", "ssh -G x"),
        ({"config_wrong": "line 2"}, "laptop", "config.toml", "fix that line"),
        ({"keychain_shut": "locked"}, "laptop", "keychain", "--forget"),
        ({"state_readonly": "/home/a b"}, "laptop", "state folder", "chmod u+rwx '/home/a b'"),
        ({"no_sockets": "/tmp/lnode-1"}, "laptop", "sockets", "chmod 700 /tmp/lnode-1"),
        ({"prefix": "C-b"}, "laptop", "nested tmux", "tmux set -g prefix C-a"),
        ({"now": "1300"}, "laptop", "clock", "timedatectl set-ntp true"),
        ({"now": "500"}, "laptop", "clock", "timedatectl set-ntp true"),
        ({"remotecommand": "tmux"}, "alias", "RemoteCommand", "a Host of its own"),
        ({"requesttty": "force"}, "alias", "RequestTTY", "RequestTTY auto"),
        ({"loglevel": "QUIET"}, "alias", "LogLevel", "LogLevel INFO"),
        ({"loglevel": "SILENT"}, "alias", "LogLevel", "LogLevel INFO"),  # what `ssh -G` calls QUIET
        ({"stricthostkeychecking": "false"}, "alias", "host keys", "StrictHostKeyChecking ask"),
        ({"userknownhostsfile": "/dev/null"}, "alias", "known hosts", "remove that line"),
        ({"controlpath": "/" + "x" * 90}, "alias", "ControlPath", "ControlPath ~/.ssh/%C"),
        ({"max_sessions": "1"}, "login", "MaxSessions", '[hosts.unity]: keep_warm = "no"'),
        ({"batch": "yes", "restarts": "4"}, "node", "where", 'below [hosts.unity]: where = "node"'),
        ({"kill_user_processes": "yes"}, "login", "KillUserProcesses", "on unity: loginctl enable-linger"),
        ({"noise": "Welcome!"}, "shell", "quiet", "[ -t 1 ] && echo"),
        ({"rc_program": ".bashrc: exec zsh -l"}, "shell", "rc file", "case $- in *i*) exec zsh -l ;; esac"),
        ({"rc_program": ".bashrc: [ -t 1 ] && exec -l /bin/fish;"}, "shell", "rc file", "*i*) exec /bin/fish ;; esac"),
        ({"rc_program": ".bashrc: tmux new -A -s main"}, "shell", "rc file", "*i*) exec tmux new -A -s main ;; esac"),
        ({"rc_program": ".config/fish/config.fish: exec zsh"}, "shell", "rc file", "is-interactive; and exec zsh"),
        ({"rc_program": ".cshrc: exec bash -l"}, "shell", "rc file", "if ($?prompt) exec bash -l"),
        ({"rc_program": ".bashrc: if x; then newgrp lab; fi"}, "shell", "rc file", "*i*) exec newgrp lab ;; esac"),
        ({"login_s": "9"}, "shell", "quick", "ssh unity -t"),
        ({"login_unfinished": "yes"}, "shell", "quick", "ssh unity -t"),
        ({"tmout": "900"}, "shell", "TMOUT", "unset TMOUT"),
        ({"term_unknown": "xterm-kitty"}, "shell", "TERM", "infocmp -x xterm-kitty | ssh unity -- tic -x -"),
        ({"utf8": "none"}, "shell", "UTF-8", "localedef"),
        ({"cpu_limit_s": "3600"}, "shell", "CPU limit", "lnode unity SESSION"),
        ({"tmux_missing": "yes"}, "tmux", "there", "tmux = "),
        ({"tmux_version": "tmux 1.8"}, "tmux", "version", "tmux = "),
        ({"tmux_lost": "4711"}, "tmux", "socket", "lnode unity --ls"),
        ({"agent_dead": "a b"}, "tmux", "agent", "lnode unity --setup"),
        ({"home_closed": "/afs/a"}, "home", "readable", "ssh unity -t kinit"),
        ({"ticket_ended": "yes"}, "home", "ticket", "ssh unity -t kinit"),
        ({"home_readonly": "/home/a"}, "home", "writable", "ls -ld ~"),
        ({"home_free_kb": "0"}, "home", "room", "du -xsk"),
        ({"home_free_files": "0"}, "home", "files", "du -x --inodes"),
        ({"over_quota": "yes"}, "home", "quota", "quota -s"),
        ({"no_poster": "yes"}, "shell", "push", "curl"),
        ({"no_scheduler": "yes"}, "scheduler", "there", "module load slurm"),
        ({"stop_idle": "600s"}, "login", "StopIdleSessionSec", "loginctl enable-linger"),
        ({"scheduler_by_login": "squeue"}, "scheduler", "settings", "~/.zshenv"),
        ({"scheduler_silent": "squeue"}, "scheduler", "answers", "ssh unity squeue"),
        ({"command_missing": "sinteractive"}, "scheduler", "command", "lnode unity --init"),
        ({"node_refused": "c0512", "overlap": "no"}, "node", "ssh", "pam_slurm_adopt"),
    ],
)
def test_each_fault_is_one_finding_with_its_fix(planted: dict[str, str], layer: str, check: str, fix: str) -> None:
    found = findings(WELL | planted)
    assert [(one.layer, one.check) for one in found] == [(layer, check)]
    assert fix in found[0].fix


def test_nothing_where_all_is_well_or_nothing_is_known() -> None:
    assert findings(WELL) == findings({}) == []


def test_a_laptop_alone_is_judged_by_itself() -> None:
    assert findings({"tmux_missing": "yes"}, HERE) == []


def test_what_a_host_says_is_quoted_in_what_a_person_will_type() -> None:
    (one,) = findings({"no_sockets": "/run/x; rm -rf ~"})
    assert one.fix.startswith("chmod 700 '/run/x; rm -rf ~', ")


def test_checks_are_in_the_order_of_the_layers_and_have_names_of_their_own() -> None:
    layers = [layer for layer, _, _ in CHECKS]
    assert layers == sorted(layers, key=LAYERS.index)
    assert len({(layer, check) for layer, check, _ in CHECKS}) == len(CHECKS)


@given(st.dictionaries(st.sampled_from([*WELL, "noise", "tmux_lost", "overlap"]), st.text()))
def test_any_words_are_judged(facts: dict[str, str]) -> None:
    assert all(one.found and one.fix for one in findings(facts))


@pytest.mark.parametrize(
    ("code", "layer"),
    [
        (ExitCode.UNREACHABLE, "network"),
        (ExitCode.LOGIN_REFUSED, "login"),
        (ExitCode.HOST_KEY, "login"),
        (ExitCode.MISSING_THERE, "shell"),
        (ExitCode.FAILED, "shell"),
    ],
)
def test_a_question_that_failed_is_a_finding_of_its_layer(code: ExitCode, layer: str) -> None:
    assert of_failure(code, "said", "do") == (layer, "answers", "said", "do")
