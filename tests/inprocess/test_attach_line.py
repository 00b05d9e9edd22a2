"""The line of an attach in each login shell: it creates a session or attaches to it, and its exit code says why not."""

import os
import shutil
import socket
from pathlib import Path

import pexpect
import pytest

from inprocess.cluster_home import (
    CSH,
    DETACH,
    END_OF_FILE,
    LOGIN_FILES,
    PANE,
    RUN,
    TMUX,
    Site,
    again_line,
    attach_line,
    attached,
    detach,
    needs_tmux,
    no_slurm,
    status_of,
)
from lnode.cluster import sessions, tmux, tmux_answers
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call as remote_call
from lnode.remote.reply import parse_reply
from lnode.schedulers.known import KNOWN
from rig import wait_until


@needs_tmux
def test_create_then_attach_in_every_login_shell(site: Site) -> None:
    assert detach(site.attach(attach_line("myproject", command=PANE))) == ExitOfAttach.DETACHED
    first = site.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid} #{@lnode_kind}")
    assert first.split()[::2] == ["myproject", "node"]

    child = site.attach(attach_line("myproject", command="echo never"))
    assert detach(child) == ExitOfAttach.DETACHED
    assert site.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid} #{@lnode_kind}") == first

    child = site.attach(attach_line("myproject"))
    child.expect_exact("in the pane")
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED


@needs_tmux
def test_one_path_leads_to_the_agent_that_the_last_attach_has_brought(sh_site: Site) -> None:
    def brought(name: str, line: str) -> "pexpect.spawn[str]":
        return sh_site.attach(line, SSH_AUTH_SOCK=str(sh_site.home / name))

    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for name, agent in (("first", first), ("second", second)):
            agent.bind(str(sh_site.home / name))
        command = f"echo $SSH_AUTH_SOCK >{sh_site.home}/path; {PANE}"
        assert status_of(brought("first", attach_line("x", mode="existing"))) == ExitOfAttach.NO_SESSION
        assert not list(sh_site.home.glob("tmux-*/agent-*"))  # nothing for a session that is not there
        assert detach(brought("first", attach_line("x", command=command))) == ExitOfAttach.DETACHED
        path = Path((sh_site.home / "path").read_text().strip())
        assert (path.is_socket(), path.resolve().name, path.name) == (True, "first", "agent-x")
        assert detach(brought("second", attach_line("x"))) == ExitOfAttach.DETACHED
        assert path.resolve().name == "second"
        assert detach(sh_site.attach(attach_line("x"))) == ExitOfAttach.DETACHED  # one that brings none
        assert path.resolve().name == "second"
        assert sh_site.tmux("show-environment", "-t", "x", "SSH_AUTH_SOCK") == "-SSH_AUTH_SOCK"
        sh_site.tmux("new-session", "-d", "-s", "hand", PANE)
        assert detach(brought("first", attach_line("hand"))) == ExitOfAttach.DETACHED
        assert sh_site.tmux("show-environment", "-t", "hand", "SSH_AUTH_SOCK") == f"SSH_AUTH_SOCK={sh_site.home}/first"


@needs_tmux
@pytest.mark.parametrize("name", ["web", "w"])
def test_the_beginning_of_another_sessions_name_is_another_name(sh_site: Site, name: str) -> None:
    sh_site.tmux("new-session", "-d", "-s", "web2", "cat")
    assert status_of(sh_site.attach(attach_line(name, mode="existing"))) == ExitOfAttach.NO_SESSION
    assert detach(sh_site.attach(attach_line(name, command=PANE))) == ExitOfAttach.DETACHED
    assert sh_site.tmux("list-sessions", "-F", "#{session_name} #{session_attached}").split("\n") == [
        f"{name} 0",
        "web2 0",
    ]


@needs_tmux
@pytest.mark.parametrize(
    "name", ["two words", "#{pid}", "$0", "=x", "naïve", "-d", "it's", "a;b", "!x", "%1", "{last}"]
)
def test_a_name_made_by_hand_is_attached_and_never_made(sh_site: Site, name: str) -> None:
    assert status_of(sh_site.attach(attach_line(name, mode="refuse"))) == ExitOfAttach.NAME_REFUSED
    sh_site.tmux("new-session", "-d", "-s", "livenode", PANE)
    sh_site.tmux("rename-session", "-t", "livenode", "--", name)
    shown = sh_site.picture().entries[0].session.name
    assert tmux.is_possible(shown)
    assert detach(sh_site.attach(attach_line(shown, mode="refuse"))) == ExitOfAttach.DETACHED


@needs_tmux
def test_what_is_missing_there_has_its_code(site: Site) -> None:
    assert status_of(site.attach(attach_line("x", tmux_path="/opt/none/tmux"))) == ExitOfAttach.NO_TMUX
    line = attach_line("x", command="sinteractive-of-no-site -m 1", program="sinteractive-of-no-site")
    assert status_of(site.attach(line)) == KNOWN["slurm"]
    assert site.tmux("list-sessions") == ""


@needs_tmux
@pytest.mark.parametrize(
    ("cwd", "below"),
    [
        ("", ""), ("~", ""), ("~/my proj", "my proj"), ("my proj", "my proj"), ("-p", "-p"),
        ("{home}/my proj", "my proj"), ("$(touch executed)", None), ("~nobody", None), ("jobs", None),
    ],
)  # fmt: skip
def test_a_session_starts_in_its_folder_or_not_at_all(sh_site: Site, cwd: str, below: str | None) -> None:
    for name in ("my proj", "-p"):
        (sh_site.home / name).mkdir()
    (sh_site.home / "jobs").touch()
    child = sh_site.attach(attach_line("x", command=PANE, cwd=cwd.format(home=sh_site.home)))
    if below is None:
        assert status_of(child) == ExitOfAttach.NO_FOLDER
        assert sh_site.tmux("list-sessions") == "" and not (sh_site.home / ".local").exists()
        return
    assert detach(child) == ExitOfAttach.DETACHED
    where = sh_site.tmux("display-message", "-p", "-t", "x:", "#{pane_current_path}")
    assert Path(where) == (sh_site.home / below).resolve()


@needs_tmux
@no_slurm
@pytest.mark.parametrize(
    ("programs", "left"),
    [
        ("qstat qselect qsub", KNOWN["pbs"]),
        ("qstat qselect qsub qconf", KNOWN["sge"]),
        ("bjobs bsub", KNOWN["lsf"]),
        ("oarstat oarsub", KNOWN["oar"]),
        ("qstat qsub qselect bjobs squeue", KNOWN["slurm"]),
        ("qstat", ExitOfAttach.NO_PROGRAM),
    ],
)
def test_which_scheduler_could_be_asked_instead(sh_site: Site, programs: str, left: ExitOfAttach) -> None:
    (sh_site.home / "bin" / "squeue").unlink()
    for program in programs.split():
        sh_site.program(program, "exit 1")
    assert status_of(sh_site.attach(attach_line("x", command="none-here -m 1", program="none-here"))) == left


@needs_tmux
def test_a_program_that_only_the_login_shell_knows_is_there(site: Site) -> None:
    shell = Path(site.shell).name
    if shell in ("bash", "dash"):  # a function of a file that -c does not read
        (site.home / LOGIN_FILES[shell]).write_text(f"sitealloc() {{ {PANE}; }}\n")
    elif shell in CSH:
        (site.home / ".cshrc").write_text(f"alias sitealloc '{PANE}'\n")
    elif shell == "fish":
        (site.home / ".config/fish/config.fish").write_text(f"function sitealloc; {PANE}; end\n")
    else:
        (site.home / ".zshenv").write_text(f"sitealloc() {{ {PANE}; }}\n")
    command = remote_call.in_pane("sitealloc", "x")
    assert detach(site.attach(attach_line("x", command=command, program="sitealloc"))) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_tmux_that_starts_nothing_says_why(sh_site: Site) -> None:
    refusing = sh_site.program(
        "refusing-tmux", f'case "$*" in *new-session*) echo "fork failed: quota" >&2; exit 1;; esac; exec {TMUX} "$@"'
    )
    child = sh_site.attach(attach_line("x", command=PANE, tmux_path=str(refusing)))
    child.expect_exact("fork failed: quota")
    assert status_of(child) == ExitOfAttach.NOT_CREATED


@needs_tmux
def test_a_failed_attach_ends_no_session(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    failing = sh_site.program("failing-tmux", f'case "$*" in *attach*) exit 1;; esac; exec {TMUX} "$@"')
    assert status_of(sh_site.attach(attach_line("x", tmux_path=str(failing)))) == ExitOfAttach.NOT_ATTACHED
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x"


@needs_tmux
@pytest.mark.parametrize("others", ["keep", "detach"])
def test_other_clients_are_left_alone_unless_asked(sh_site: Site, others: str) -> None:
    first = sh_site.attach(attach_line("x", command=PANE))
    first.expect_exact("in the pane")
    second = sh_site.attach(attach_line("x", others=others))
    second.expect_exact("in the pane")
    if others == "detach":
        assert status_of(first) == ExitOfAttach.DETACHED
        clients = 1
    else:
        clients = 2
    assert sh_site.tmux("list-sessions", "-F", "#{session_attached}") == str(clients)
    for child in [first, second][-clients:]:
        assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_attaches_at_the_same_moment_make_one_session(sh_site: Site) -> None:
    children = [sh_site.attach(attach_line("x", command=PANE)) for _ in range(6)]
    for child in children:
        child.expect_exact("in the pane")
    assert len(sh_site.tmux("list-panes", "-a").splitlines()) == 1
    assert [status_of(child, DETACH) for child in children] == [ExitOfAttach.DETACHED] * 6


@needs_tmux
@pytest.mark.parametrize("term", ["xterm-256color", "of-no-terminfo", ""])
def test_a_terminal_that_the_host_has_never_heard_of(sh_site: Site, term: str) -> None:
    assert detach(sh_site.attach(attach_line("x", command=PANE), TERM=term)) == ExitOfAttach.DETACHED


@needs_tmux
def test_the_files_that_a_session_makes_have_the_users_own_modes(sh_site: Site) -> None:
    child = sh_site.attach(f"umask 027; {attach_line('x', command=f'umask; {PANE}')}")
    child.expect_exact("0027")
    assert detach(child) == ExitOfAttach.DETACHED


@needs_tmux
@pytest.mark.parametrize("program", ["bash", "busybox"])
def test_where_sh_is_another_program(sh_site: Site, program: str) -> None:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"no {program} here")
    other = sh_site.home / "sh"
    other.symlink_to(path)
    line = attach_line("two", command=PANE, program="cat").replace("/bin/sh", str(other))
    assert detach(sh_site.attach(line)) == ExitOfAttach.DETACHED
    ghost = attached(sh_site, attach_line("two", run=RUN).replace("/bin/sh", str(other)))
    assert detach(sh_site.attach(again_line().replace("/bin/sh", str(other)))) == ExitOfAttach.DETACHED
    assert status_of(ghost) == ExitOfAttach.DETACHED
    nonce = remote_call.nonce()
    done = sh_site.answer(remote_call.line("list", nonce, *tmux_answers.list_values("")).replace("/bin/sh", str(other)))
    picture = sessions.picture_of(parse_reply(nonce, done.stdout.split("\n")))
    assert (picture.scheduler, [entry.session.name for entry in picture.entries]) == ("ok", ["two"])


@needs_tmux
@no_slurm
@pytest.mark.parametrize(("its", "counts"), [("port 22 rig", True), ("port 22", True), ("port 22 other", False)])
def test_a_node_of_another_cluster_with_the_same_home_does_not_count(sh_site: Site, its: str, counts: bool) -> None:
    (sh_site.home / "etc").mkdir()
    (sh_site.home / "etc" / "slurm.conf").write_text("# ClusterName=none\nClusterName=rig # the small one\n")
    nodes = sh_site.home / ".local" / "state" / "lnode" / "nodes"
    nodes.mkdir(parents=True)
    (nodes / "login2").write_text(f"{its}\nx\n")
    assert [(claim.node, claim.names) for claim in sh_site.picture().others] == [("login2", ("x",))] * counts
    child = sh_site.attach(attach_line("x", mode="create"))
    if counts:
        assert status_of(child) == ExitOfAttach.ELSEWHERE
    else:
        wait_until(lambda: sh_site.tmux("list-clients", "-F", "#{session_name}") == "x", "it is attached")
        assert (nodes / os.uname().nodename).read_text() == "port  rig\nx\n"
