"""Server and client of tmux from different releases of Debian and Ubuntu, as a module, conda or an upgrade makes them.

The wire between them changed with 3.2 and 3.6. Each server answers, whatever program a login finds on PATH.
"""

import json
import shlex
import subprocess
from collections.abc import Iterator

import docker
import pytest

import rig
from faults import NOTICE, attached, shell_of, wired
from full import FULL
from rig import Rig, wait_until
from sites import lnode
from window import LNODE, Window

RELEASES = (
    "bullseye",
    "bookworm",
    "trixie",
    "resolute",
    "forky",
)  # tmux 3.1c, 3.3a, 3.5a, 3.6 (of Ubuntu), and 3.7 or later
OLD = [(name, name) for name in ("1.8", "2.7")]  # no registry has these: stand-ins that refuse what they refuse
PAIRS = [*OLD, *((server, client) for server in RELEASES for client in RELEASES)]
QUICK = [
    OLD[0],
    ("bullseye", "bookworm"),  # lists its panes, and keeps what their screens should have been written to
    ("bullseye", "forky"),
    ("resolute", "bookworm"),
]  # each refuses in its own way


@pytest.fixture(scope="module")
def _tmuxes(engine: docker.DockerClient, run: str) -> Iterator[Rig]:
    with rig.running(engine, "tmuxes", rig.build(engine, "tmuxes"), run) as started:
        yield started


@pytest.fixture
def tmuxes(_tmuxes: Rig) -> Iterator[Rig]:
    """A running `tmuxes`; alice's servers are gone after each test."""
    yield _tmuxes
    _tmuxes.exec("pkill -KILL -u alice tmux; cd && rm -rf /tmp/tmux-* own .local .bash_profile .tmux.conf")


def tmux(host: Rig, release: str, *words: str) -> str:
    """The tmux of that release by hand, past lnode."""
    skip_without(host, release)
    program = "bullseye" if release[0].isdigit() else release  # which is behind the stand-ins
    status, said = host.exec(f"LC_ALL=C.UTF-8 /opt/tmux/{program}/tmux -u {shlex.join(words)}")
    assert status == 0, said
    return said.strip()


def skip_without(host: Rig, release: str) -> None:
    if release == "resolute" and host.exec("test -x /opt/tmux/resolute/tmux")[0] != 0:
        pytest.skip("the archive of Ubuntu could not be reached when the image was built")


def on_path(host: Rig, release: str) -> None:
    """What the name `tmux` means on the host from now on."""
    skip_without(host, release)
    assert host.exec(f"ln -sfn /opt/tmux/{release}/tmux /usr/local/bin/tmux", "root")[0] == 0


def clients(host: Rig, release: str, *where: str) -> str:
    """The processes of that server's clients."""
    return tmux(host, release, *where, "list-clients", "-F", "#{client_pid}")


def work(host: Rig, release: str, *where: str) -> str:
    """A session `work` by hand, which nobody is attached to; the pid of its server."""
    tmux(host, release, *where, "new-session", "-d", "-s", "work", "-x", "100", "-y", "30", "PS1='$ ' exec sh -i")
    return tmux(host, release, *where, "display-message", "-p", "#{pid}")


def names(host: Rig, release: str, *where: str) -> list[str]:
    """The server's pid, then its sessions."""
    pid = tmux(host, release, *where, "display-message", "-p", "#{pid}")
    return [pid, *tmux(host, release, *where, "list-sessions", "-F", "#{session_name}").split()]


def still(expected: list[str], host: Rig, release: str, *where: str) -> None:
    """Wait for these names. Under load a client of tmux 3.6 once ended well and had printed nothing."""
    wait_until(lambda: names(host, release, *where) == expected, f"the server and its sessions are {expected}")


def servers(host: Rig) -> int:
    """How many servers alice has."""
    return int(host.exec("pgrep -cu alice '^tmux: server'")[1])


@pytest.mark.parametrize(("server", "client"), PAIRS if FULL else QUICK)
def test_a_server_answers_whatever_the_program_on_the_path(tmuxes: Rig, server: str, client: str) -> None:
    pid = work(tmuxes, server)
    on_path(tmuxes, client)
    done = lnode(tmuxes, "--ls")
    assert done.returncode == 0, done.stderr
    assert "work" in done.stdout
    done = lnode(tmuxes, "work", "--send", "echo thr'ough'", "--wait-for", "^through")
    assert (done.returncode, done.stdout) == (0, "through\n"), done.stderr
    assert "through" in lnode(tmuxes, "work", "--peek").stdout
    with wired(tmuxes) as wire, Window([*LNODE, "unity", "work"], tmuxes.env()) as window:
        shell = shell_of(window)
        ghost = clients(tmuxes, server)
        wire.reset()
        wait_until(lambda: clients(tmuxes, server) not in ("", ghost), "another client is there")
        window.wait_without(NOTICE)
        assert shell_of(window) == shell
        window.leave()
    with attached(tmuxes, "fresh") as window:
        shell_of(window)
        window.leave()
    still([pid, "fresh", "work"], tmuxes, server)
    done = lnode(tmuxes, "fresh", "--kill", "--yes")
    assert done.returncode == 0, done.stderr
    still([pid, "work"], tmuxes, server)
    assert servers(tmuxes) == 1


@pytest.mark.parametrize("release", RELEASES if FULL else ["bullseye"])
def test_a_bell_is_heard_where_nobody_is_attached(tmuxes: Rig, release: str) -> None:
    """From 2.6 to 3.1 tmux keeps no flag of a bell in the current window."""
    on_path(tmuxes, release)
    work(tmuxes, release)
    for _ in range(2):
        done = lnode(tmuxes, "work", "--send", r"printf '\a'", "--wait-for", "bell", "--timeout", "20")
        assert done.returncode == 0, done.stderr
    done = lnode(tmuxes, "work", "--send", "true", "--wait-for", "bell", "--timeout", "0")
    assert done.returncode == 1, f"an earlier bell is no bell: {done.stderr}"


def test_an_option_of_tmux_conf_that_ends_what_you_leave_is_said_at_the_attach(tmuxes: Rig) -> None:
    on_path(tmuxes, "forky")
    assert tmuxes.exec("echo 'set-option -s exit-unattached on' >/home/alice/.tmux.conf")[0] == 0
    with attached(tmuxes, "fresh") as window:
        window.wait_for("a detach or a drop ends fresh, tmux has exit-unattached on: lnode unity --doctor")
        window.leave()
        assert "fresh on unity has ended" in window.text()


def test_a_program_that_an_upgrade_has_replaced_is_still_that_of_its_server(tmuxes: Rig) -> None:
    """This one finds its libraries only by the LD_LIBRARY_PATH of its module."""
    start = """\
    cd && cp /opt/tmux/bullseye/tmux .
    patchelf --force-rpath --set-rpath "$(dirname "$(patchelf --print-interpreter tmux)")" tmux
    export LC_ALL=C.UTF-8 LD_LIBRARY_PATH=$(dirname /opt/tmux/bullseye/usr/lib/*/libevent-2.1.so.7)
    ./tmux -u new-session -d -s work 'exec cat'
    rm tmux"""
    assert tmuxes.exec(start) == (0, "")
    (pid, _) = names(tmuxes, "bullseye")
    on_path(tmuxes, "forky")
    with attached(tmuxes, "fresh") as window:
        shell_of(window)
        window.leave()
    still([pid, "fresh", "work"], tmuxes, "bullseye")


VERBS = [
    ["--ls"], ["work", "--peek"], ["work", "--send", "x"], ["work", "--wait-for", "x"], ["work", "--reset"],
    ["work", "--renew"], ["work", "--kill", "--yes"],
]  # fmt: skip


def asking(host: Rig, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*LNODE, "unity", *words], env=host.env(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def test_a_stopped_server_holds_up_no_verb_and_loses_nothing(tmuxes: Rig) -> None:
    on_path(tmuxes, "trixie")
    pid = work(tmuxes, "trixie")
    assert tmuxes.exec(f"kill -STOP {pid}")[0] == 0
    asked = [asking(tmuxes, *words) for words in VERBS]
    with Window([*LNODE, "unity", "work"], tmuxes.env()) as window:
        window.wait_for(f"the tmux server (process {pid}) is stopped; let it go on: kill -CONT {pid}")
        assert window.exit_status() == 1
    for process in asked:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, f"kill -CONT {pid}" in said) == (1, True), said
    assert tmuxes.exec(f"kill -CONT {pid}")[0] == 0
    still([pid, "work"], tmuxes, "trixie")


def test_a_server_that_hangs_is_named_by_each_verb_and_loses_nothing(tmuxes: Rig) -> None:
    """It reads a FIFO in place of a file, and answers nobody until somebody writes."""
    on_path(tmuxes, "trixie")
    assert tmuxes.exec("mkfifo ~/.tmux.conf")[0] == 0
    tmuxes.container.exec_run(["/opt/tmux/trixie/tmux", "-u", "new-session", "-d", "-s", "work", "cat"], user="alice",
                              environment={"LC_ALL": "C.UTF-8"}, detach=True)  # fmt: skip
    wait_until(lambda: tmuxes.exec("pgrep -u alice '^tmux: server'")[0] == 0, "the server starts")
    pid = tmuxes.exec("pgrep -u alice '^tmux: server'")[1].strip()
    asked = [asking(tmuxes, *words) for words in VERBS]
    with Window([*LNODE, "unity", "work"], tmuxes.env()) as window:
        window.wait_for(f"lnode: tmux (process {pid}) does not answer so far, waiting 8 s more")
        assert window.exit_status() == 1
        window.wait_for("tmux did not answer within 8 seconds")
    for process in asked:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, "tmux did not answer within 7 seconds" in said) == (1, True), said
    assert tmuxes.exec("timeout 10 sh -c ': >~/.tmux.conf'")[0] == 0
    still([pid, "work"], tmuxes, "trixie")


@pytest.mark.full
def test_sessions_of_two_servers_are_listed_and_the_one_that_is_named_ends(tmuxes: Rig) -> None:
    on_path(tmuxes, "trixie")
    own = elsewhere(tmuxes)
    tmux(tmuxes, "trixie", "new-session", "-d", "-s", "usual", "cat")
    tmux(tmuxes, "trixie", "new-session", "-d", "-s", "twice", "cat")
    work(tmuxes, "trixie", *own)
    tmux(
        tmuxes,
        "trixie",
        *own,
        "set-option",
        "@lnode_kind",
        "node",
        ";",
        "set-option",
        "@lnode_ended",
        "7 DONE 1700000000",
    )
    tmux(tmuxes, "trixie", *own, "new-session", "-d", "-s", "twice", "cat")
    (first, *_), (second, *_) = names(tmuxes, "trixie"), names(tmuxes, "trixie", *own)
    assert listed(tmuxes) == ["twice", "twice", "usual", "work"]
    refused = lnode(tmuxes, "twice", "--kill", "--yes")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        1, "lnode: two tmux servers of yours on unity have a session twice; nothing was ended"
    )  # fmt: skip
    with Window([*LNODE, "unity", "work"], tmuxes.env()) as window:
        window.wait_for("lnode unity work --renew")  # and not what is true of the first server's session of that number
        window.wait_without("--renew")
        window.leave()
    assert lnode(tmuxes, "work", "--kill", "--yes").returncode == 0
    still([first, "twice", "usual"], tmuxes, "trixie")
    still([second, "twice"], tmuxes, "trixie", *own)
    notes = tmuxes.exec("cat ~/.local/state/lnode/nodes/*")[1].splitlines()
    assert sorted(notes[1:]) == ["twice", "twice", "usual"]
    assert tmuxes.exec(f"kill -STOP {second}")[0] == 0
    done = lnode(tmuxes, "--ls")
    assert (done.returncode, "another tmux server of yours on unity" in done.stderr) == (0, True), done.stderr
    assert "usual" in done.stdout
    done = lnode(tmuxes, "work", "--kill", "--yes")
    assert (done.returncode, f"kill -CONT {second}" in done.stderr) == (1, True), done.stderr
    assert tmuxes.exec(f"kill -CONT {second}")[0] == 0
    still([second, "twice"], tmuxes, "trixie", *own)


def elsewhere(host: Rig) -> tuple[str, str]:
    """Options of tmux for a server in another folder than the usual one."""
    folder = f"/home/alice/own/tmp/tmux-{host.exec('id -u')[1].strip()}"
    assert host.exec(f"mkdir -p ~/own/tmp && mkdir -m 700 {folder}")[0] == 0
    return "-S", f"{folder}/default"


def listed(host: Rig) -> list[str]:
    """The sessions of --ls."""
    found = json.loads(lnode(host, "--ls", "--json").stdout)["sessions"]
    return sorted(session["name"] for session in found)


def test_a_server_whose_folder_only_a_login_shell_knows(tmuxes: Rig) -> None:
    """TMUX_TMPDIR stands in .bash_profile: your sessions are found there, and new ones join them."""
    on_path(tmuxes, "bookworm")
    assert tmuxes.exec("echo 'export TMUX_TMPDIR=~/own/tmp' >~/.bash_profile")[0] == 0
    where = elsewhere(tmuxes)
    pid = work(tmuxes, "bookworm", *where)
    assert "work" in lnode(tmuxes, "--ls").stdout
    with Window([*LNODE, "unity", "work", "--existing"], tmuxes.env()) as window:
        shell_of(window)
        window.leave()
    with attached(tmuxes, "fresh") as window:
        shell_of(window)
        window.leave()
    still([pid, "fresh", "work"], tmuxes, "bookworm", *where)
    # and where another server listens at the usual place, your session is attached all the same, not made again
    tmux(tmuxes, "bookworm", "new-session", "-d", "-s", "other", "exec cat")
    with wired(tmuxes) as wire, Window([*LNODE, "unity", "work"], tmuxes.env()) as window:
        shell = shell_of(window)
        ghost = clients(tmuxes, "bookworm", *where)
        wire.reset()
        wait_until(lambda: clients(tmuxes, "bookworm", *where) not in ("", ghost), "another client is there")
        window.wait_without(NOTICE)
        assert shell_of(window) == shell
        window.leave()
    assert lnode(tmuxes, "work", "--peek").returncode == 0
    assert servers(tmuxes) == 2


@pytest.mark.parametrize("release", [*RELEASES, "1.8"])
def test_an_agent_that_waits_is_seen_and_answered(tmuxes: Rig, release: str) -> None:
    on_path(tmuxes, release)
    asks = "printf 'Continue? [y/N] '; read -r x; echo got $x; exec cat"
    tmux(tmuxes, release, "new-session", "-d", "-s", "fit", "-x", "80", "-y", "24", f"sh -c {shlex.quote(asks)}")
    wait_until(lambda: "a prompt waits for you" in lnode(tmuxes, "--ls").stdout, "the prompt")
    done = lnode(tmuxes, "fit", "--answer", "y")
    assert (done.returncode, done.stderr) == (0, "lnode: answered a prompt in fit on unity: y\n")
    assert "got y" in lnode(tmuxes, "fit", "--peek").stdout
