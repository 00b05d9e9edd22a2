"""doctor.sh for real: each planted fault is its finding, and a well host has none."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inprocess.cluster_home import Site, needs_tmux
from lnode.commands.doctor.checks import Finding, findings
from lnode.remote import call
from lnode.remote.reply import parse_reply
from rig import wait_until

TERM = "xterm-256color"


def found(site: Site, *, term: str = TERM, tmux_path: str = "", command: str = "sinteractive") -> list[Finding]:
    nonce = call.nonce()
    line = call.line("doctor", nonce, tmux_path, command, term)
    reply = parse_reply(nonce, site.answer(line).stdout.split("\n"))
    assert "end" in reply
    facts = {name: word for name, _, word in (row.partition(" ") for row in reply["facts"])}
    return findings({"host": "unity", **facts})


@pytest.fixture
def well(sh_site: Site) -> Site:
    """A host where nothing is wrong, whatever this machine is like."""
    sh_site.program("sinteractive", ":")
    sh_site.program("srun", "echo --overlap")
    sh_site.program("busctl", "echo b false")
    sh_site.program("locale", "echo C.utf8")
    sh_site.program("quota", ":")
    sh_site.program("df", 'echo head; echo "/dev/a 100000000 1 90000000 1% /"')
    return sh_site


@needs_tmux
def test_a_well_host(well: Site) -> None:
    assert found(well) == []
    assert not well.tmux("list-sessions")  # nothing was started there


def test_it_changes_nothing(well: Site) -> None:
    def files() -> list[str]:
        return sorted(str(path) for path in well.home.rglob("[!t]*"))  # any tmux makes an empty folder for its socket

    before = files()
    found(well)
    assert files() == before


def _profile(site: Site, text: str) -> None:
    (site.home / ".profile").write_text(f"{text}\n")


FAULTS: dict[str, Callable[[Site], object]] = {
    "TMOUT": lambda site: _profile(site, "TMOUT=900"),
    "quick": lambda site: _profile(site, "sleep 30"),
    "UTF-8": lambda site: site.program("locale", "echo C; echo POSIX"),
    "room": lambda site: site.program("df", 'echo head; echo "/dev/a 100000000 100000000 0 100% /"; exit 0'),
    "quota": lambda site: site.program("quota", 'echo "/home 1048600* 1048576 1048576"; exit 1'),
    "answers": lambda site: site.program("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1"),
    "command": lambda site: (site.home / "bin" / "sinteractive").unlink(),
}


@needs_tmux
@pytest.mark.parametrize("check", FAULTS)
def test_a_planted_fault(well: Site, check: str) -> None:
    FAULTS[check](well)
    checks = [one.check for one in found(well)]
    if check == "room":  # the same stand-in counts files, too
        checks.remove("files")
    assert checks == [check]


@needs_tmux
def test_a_scheduler_that_never_answers_holds_up_nothing(well: Site) -> None:
    well.program("squeue", "exec sleep 60")
    assert [one.check for one in found(well)] == ["answers"]


@needs_tmux
def test_a_scheduler_that_needs_the_login_shell(well: Site) -> None:
    well.program("squeue", '[ -n "$SLURM_CONF" ] || exit 1')
    (well.home / ".profile").write_text("export SLURM_CONF=/opt/slurm.conf\n")
    assert [one.check for one in found(well)] == ["settings"]


@needs_tmux
def test_processes_that_end_at_logout(well: Site) -> None:
    well.program("busctl", "echo b true")
    well.program("loginctl", "echo Linger=no")
    assert [one.check for one in found(well)] == ["KillUserProcesses"]
    well.program("loginctl", "echo Linger=yes")
    assert found(well) == []


@needs_tmux
@pytest.mark.parametrize(
    ("answer", "checks"),
    [
        ("b false\\nt 600000000", ["StopIdleSessionSec"]),
        ("b true\\nt 600000000", ["KillUserProcesses", "StopIdleSessionSec"]),
        ("b false\\nt 18446744073709551615", []),
        ("b false\\nt 0", []),
        ("b false", []),  # and an error: systemd before 252
    ],
)
def test_a_login_that_is_idle_is_ended(well: Site, answer: str, checks: list[str]) -> None:
    well.program("busctl", f"printf '{answer}\\n'; exit 1")
    well.program("loginctl", "echo Linger=no")
    assert [one.check for one in found(well)] == checks
    well.program("loginctl", "echo Linger=yes")
    assert found(well) == []


@needs_tmux
def test_what_an_rc_file_leaves_running_is_not_waited_for(well: Site) -> None:
    (well.home / ".profile").write_text('(sleep 30; : >"$HOME/over") &\n')
    assert found(well) == []
    assert not (well.home / "over").exists()


@needs_tmux
def test_an_rc_file_that_talks(well: Site) -> None:
    bash = shutil.which("bash")
    assert bash
    noisy = Site.__new__(Site)
    noisy.__dict__.update(well.__dict__, shell=bash)  # bash reads $BASH_ENV, where other shells have their rc files
    (one,) = found(noisy)
    assert (one.check, "Welcome! *** maintenance on Monday ***" in one.found) == ("quiet", True)


@needs_tmux
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("exec zsh -l", "exec zsh -l"),
        ("  [ -t 1 ] && exec /usr/bin/fish", "[ -t 1 ] && exec /usr/bin/fish"),
        ('if [ -z "$TMUX" ]; then tmux new -A -s main; fi', 'if [ -z "$TMUX" ]; then tmux new -A -s main; fi'),
        ("newgrp physics", "newgrp physics"),
        ("# exec zsh -l\nexec -l zsh", "exec -l zsh"),
        ("case $- in *i*) ;; *) return ;; esac\nexec zsh -l", ""),
        ('[ -n "$PS1" ] && exec zsh -l', ""),
        ("exec 2>/dev/null; export TMUX_TMPDIR=/tmp; alias t='tmux attach'", ""),
    ],
)
def test_an_rc_file_that_starts_another_program(well: Site, text: str, line: str) -> None:
    bash = shutil.which("bash")
    assert bash
    site = Site.__new__(Site)
    site.__dict__.update(well.__dict__, shell=bash)
    (site.home / ".bashrc").write_text(f"{text}\n")
    said = [one.found.partition(".bashrc: ")[2] for one in found(site) if one.check == "rc file"]
    assert said == ([line] if line else [])


@needs_tmux
@pytest.mark.parametrize(
    ("shell", "rc", "guard"),
    [
        ("fish", ".config/fish/config.fish", "status is-interactive; or exit"),
        ("tcsh", ".cshrc", "if (! $?prompt) exit"),
    ],
)
def test_an_rc_file_of_fish_or_csh_that_starts_another_program(well: Site, shell: str, rc: str, guard: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    site = Site.__new__(Site)
    site.__dict__.update(well.__dict__, shell=path)
    (site.home / rc).parent.mkdir(parents=True, exist_ok=True)
    for before in ("", f"{guard}\n"):
        (site.home / rc).write_text(f"{before}test -t 1 && exec zsh\n")
        said = [one.found for one in found(site) if one.check == "rc file"]
        assert [one.endswith(f"{rc}: test -t 1 && exec zsh") for one in said] == ([] if before else [True])


@needs_tmux
def test_a_terminal_that_is_unknown_there(well: Site) -> None:
    assert [one.check for one in found(well, term="xterm-nobody-has-it")] == ["TERM"]
    assert found(well, term="$(reboot)") == []


def test_no_tmux(well: Site) -> None:
    assert [one.check for one in found(well, tmux_path="tmux-that-is-not-here")] == ["there"]


@pytest.mark.parametrize("words", ["server version is too old for client", "directory /tmp/x has unsafe permissions"])
def test_a_tmux_that_cannot_be_asked(well: Site, words: str) -> None:
    broken = well.program("broken-tmux", f'case $1 in -V) echo tmux 3.4 ;; *) echo "{words}" >&2; exit 1 ;; esac')
    (one,) = found(well, tmux_path=str(broken))
    assert (one.check, one.found) == ("answers", f"tmux does not answer as it should: {words}")


def test_a_note_that_others_could_write(well: Site) -> None:
    note = well.home / ".local/state/lnode/nodes/login2"
    note.parent.mkdir(parents=True)
    note.touch()
    assert found(well) == []
    note.chmod(0o666)
    (one,) = found(well)
    assert (one.check, ".local/state/lnode/nodes/login2" in one.found) == ("private", True)


def test_an_old_tmux(well: Site) -> None:
    old = well.program(
        "old-tmux", 'case $1 in -V) echo tmux 1.8 ;; *) echo "failed to connect to server"; exit 1 ;; esac'
    )
    assert [one.check for one in found(well, tmux_path=str(old))] == ["version"]


@needs_tmux
@pytest.mark.parametrize("option", ["exit-unattached", "destroy-unattached"])
def test_an_option_that_ends_sessions_with_their_clients(well: Site, option: str) -> None:
    (well.home / ".tmux.conf").write_text(f"set-option -{'s' if 'exit' in option else 'g'} {option} on\n")
    well.by_hand("new-session", "-s", "x", "echo in the pane; exec cat").expect_exact("in the pane")
    assert [(one.check, f"{option} is on: " in one.found, option in one.fix) for one in found(well)] == [
        (option, True, True)
    ]


@needs_tmux
@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="no /proc here, as on Linux")
def test_a_socket_that_was_removed(well: Site) -> None:
    well.tmux("new-session", "-d", "-s", "x")
    (socket,) = well.home.glob("tmux-*/default")
    socket.unlink()
    (one,) = found(well)
    assert one.fix == "lnode unity --ls"
    well.picture()
    assert found(well) == []
    assert found(well) == []


@needs_tmux
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_shells_with_an_agent_that_is_gone(well: Site, folder: Path) -> None:
    well.tmux("new-session", "-d", "-s", "x", f"SSH_AUTH_SOCK={folder}/gone exec cat")
    well.tmux("new-session", "-d", "-s", "y", "exec cat")
    wait_until(lambda: [one.check for one in found(well)] == ["agent"], "the pane runs")
    (one,) = found(well)
    assert one.found.endswith(", in: x")


@needs_tmux
def test_a_node_that_lets_nobody_in(well: Site) -> None:
    (well.home / "jobs").write_text(f"{'PENDING':20}{'':80}\n{'RUNNING':20}{'c0512':80}\n")
    well.program("ssh", "exit 255")
    assert found(well) == []  # srun --overlap goes there
    well.program("srun", "echo --pty")
    (one,) = found(well)
    assert (one.check, one.found.partition(" ")[0]) == ("ssh", "c0512")
    well.program("ssh", '[ "$6" = c0512 ]')
    assert found(well) == []
    well.program("ssh", "exit 255")
    well.program("srun", "sleep 600")  # on a cold file system
    assert found(well) == []


def test_a_home_that_is_closed(well: Site) -> None:
    well.program("ls", "exit 2")  # an AFS home without a token; root may read any other
    assert [one.check for one in found(well)] == ["readable"]
