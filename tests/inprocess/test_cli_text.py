"""What `lnode` prints and its exit code, run as a person runs it: every word of every error that needs no cluster."""

import json
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from lnode.cli import words
from lnode.cli.exit import explained
from lnode.errors import ExitCode
from rig import wait_until

LIMIT_S = 60
SSH = shutil.which("ssh")


@dataclass(frozen=True)
class Laptop:
    """A home, a configuration for lnode and one for ssh, and a PATH that leads to that ssh only."""

    home: Path

    @property
    def config(self) -> Path:
        return self.home / "config.toml"

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LNODE_CONFIG": str(self.config),
            "XDG_STATE_HOME": str(self.home / "state"),
            "TMPDIR": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLUMNS": "80",
        }

    def knows(self, alias: str, **options: str | int) -> None:
        with (self.home / "ssh_config").open("a") as file:
            file.write(f"Host {alias}\n" + "".join(f"    {name} {value}\n" for name, value in options.items()))

    def ssh(self, script: str) -> None:
        path = self.home / "bin" / "ssh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, *args: str, **env: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr of lnode in a pipe."""
        done = subprocess.run(
            [sys.executable, "-m", "lnode", *args],
            env=self.env | env, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def on_tty(self, *args: str, **env: str) -> tuple[int, str]:
        """Exit code and screen of lnode on a terminal."""
        child = pexpect.spawn(
            sys.executable, ["-m", "lnode", *args], env=self.env | env, cwd=str(self.home), timeout=LIMIT_S,
            encoding="utf-8", dimensions=(30, 200),
        )  # fmt: skip
        child.expect(pexpect.EOF)
        screen = str(child.before).replace("\r", "")
        child.close()
        return int(child.exitstatus if child.exitstatus is not None else -1), screen


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    if SSH is None:
        pytest.skip("no OpenSSH client here")
    (tmp_path / "bin").mkdir()
    (tmp_path / "ssh_config").write_text("Host *\n    IdentityAgent none\n    StrictHostKeyChecking yes\n")
    made = Laptop(tmp_path)
    made.ssh(f'exec {shlex.quote(SSH)} -F {shlex.quote(str(tmp_path / "ssh_config"))} "$@"')
    return made


def error(message: str, hint: str, page: str = "") -> str:
    more = f"; more: lnode --guide {page}" if page else ""
    return f"lnode: {message}\nhint:  {hint}{more}\n"


HELP = """\
Usage: lnode [OPTIONS] [HOST] [SESSION]

  Keep a compute-node session alive on an HPC cluster, from your laptop.

  lnode --init                      the first time: find what your cluster has, start a session
  lnode unity                       attach to your session there, or start it
  lnode unity myproject             the same by name, as many as you like
  lnode unity --ls                  what is there: node, job, time left
  lnode unity myproject --kill      end it, give its allocation back
  lnode unity sim --run -- ./train  goes on by itself; --logs -f follows it
  lnode demo                        all of this without a cluster

  `unity` is a Host of your ~/.ssh/config. Ctrl-b d leaves a session running.

"""
ARGUMENTS = (
    "Arguments: HOST an ssh alias; `demo` is a cluster on this laptop [SESSION] its name, else the host's default"
)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(laptop: Laptop, flag: str) -> None:
    """The beginning letter by letter, then every word of the table in its group, all in one column."""
    code, out, err = laptop.run(flag)
    assert (code, out[: len(HELP)], err) == (0, HELP, "")
    rows = [f"{heading}: {' '.join(map(in_help, GROUPS[heading]))}" for heading in GROUPS]
    last = "-h, --help Show this message and exit."
    assert out[len(HELP) :].split() == " ".join((ARGUMENTS, *rows, last)).split()
    columns = {len(row[1]) for row in re.finditer(r"^(  (?:-\S+ )+(?:\S+)? +)(?=\S)", out, re.MULTILINE)}
    assert len(columns) == 1


GROUPS = {heading: [word for word in words.WORDS if word.group == heading] for heading in words.GROUPS}


def in_help(word: words.Verb | words.Option) -> str:
    return f"{', '.join(word.flags)} {word.metavar} {word.help}"


def test_nothing_but_its_name_shows_how_it_is_used(laptop: Laptop) -> None:
    everyday = "".join(f"{row}\n" for row in HELP.splitlines() if row.startswith("  lnode "))
    assert everyday.count("\n") == 7
    assert laptop.run() == (2, "", everyday + error("HOST is missing, an ssh alias", "see all there is: lnode --help"))


@pytest.mark.parametrize(
    ("args", "about"),
    [(["--wait"], "HOST"), (["--frobnicate", "x"], "--frobnicate"), (["x", "-m"], "-m"), (["x", "y", "z"], "z")],
)
def test_a_slip_on_the_command_line_is_an_error_like_any_other(laptop: Laptop, args: list[str], about: str) -> None:
    code, out, err = laptop.run(*args)
    assert (code, out) == (2, "")
    assert about in err
    assert re.fullmatch(r"lnode: [^\n]+[^.\n]\nhint:  [^\n]+[^.\n]\n", err)


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["x", "--json"], "--json goes with --ls or --doctor", "as in: lnode x --ls --json"),
        (["x", "--yes"], "--yes goes with --kill, --setup, --init or --code", "as in: lnode x SESSION --kill --yes"),
        (["--cwd", "d"], "--cwd goes with --run", "as in: lnode HOST SESSION --run --cwd DIR"),
        (["x", "s", "--ls"], "--ls is for a whole host", "without a session: lnode x --ls"),
        (["x", "--kill", "-v"], "-v goes with attaching or --renew", "as in: lnode x SESSION -v"),
        (["x", "--ls", "--kill"], "--ls and --kill are one at a time", "say one of them"),
        (["demo", "--ls", "--reset"], "--ls and --reset are one at a time", "say one of them"),
        (["x", "sim", "-f"], "-f goes with --logs", "as in: lnode x SESSION --logs -f"),
        (["x", "s", "-L", "22x"], "'22x' is no port to forward", "as in: -L 8888, or -L 9999:localhost:8888"),
        (["x", "s", "-L", "1", "--kill"], "--kill and -L are one at a time", "say one of them"),
        (["x", "--logs"], "a run needs a name", "as in: lnode x sim --logs"),
        (["x", "--run", "--", "ls"], "a run needs a name", "as in: lnode x sim --run -- COMMAND"),
        (["x", "s", "--run"], "--run needs a command behind --", "as in: lnode x s --run -- python long.py"),
        (["x", "s", "--run", "--", ""], "--run needs a command behind --", "as in: lnode x s --run -- python long.py"),
        (["x", "s", "--run", "--", "x" * 125_000],
         "the command is too long", "put it into a script there, and run that"),
        (["x", "a.b", "--run", "--", "x"],
         "a run cannot be called 'a.b'", "use letters, digits, - and _, at most 100 of them"),
        (["x", "s", "--logs", "-n", "-1"], "-n takes a number of lines, from 0 on", "as in: lnode x s --logs -n 20"),
        (["x", "--history", "--wait"], "--wait goes with attaching", "as in: lnode x SESSION --wait"),
        (["x", "--ls", "-m", "0"], "-m goes with attaching, --renew or --when", "as in: lnode x SESSION -m MEM"),
        (["x", "--peek", "--send", "y"], "--peek and --send are one at a time", "say one of them"),
        (["x", "--send", "y", "--ls"], "--ls and --send are one at a time", "say one of them"),
        (["x", "--cc", "--peek", "3"], "--cc goes with attaching", "as in: lnode x SESSION --cc"),
        (["x", "--timeout", "3"], "--timeout goes with --wait-for",
         "as in: lnode x SESSION --wait-for REGEX --timeout S"),
        (["x", "--no-enter"], "--no-enter goes with --send or --wait-for",
         "as in: lnode x SESSION --send TEXT --no-enter"),
        (["x", "--wait-for", "idle", "--no-enter"], "--no-enter goes with --send",
         "as in: lnode x SESSION --send TEXT --no-enter"),
        (["x", "s", "--login", "-g", "1"], "--login asks for no allocation, and -g is for one", "say one of them"),
        (["x", "s", "--login", "--where", "node"],
         "--login asks for no allocation, and --where is for one", "say one of them"),
        (["x", "s", "--run", "--on", "", "--", "ls"],
         "--on needs the name of a session", "what runs there: lnode x --ls"),
        (["x", "s", "-L", "1025:a:1", "-L", "1025:b:2"],
         "port 1025 is wanted twice", "name another one for one of them"),
        (["x", "--wait-for", "("], "'(' is no regular expression: missing ), unterminated subpattern at position 0",
         "put a backslash before signs that mean themselves"),
        (["--", "-oProxyCommand=touch x"], "'-oProxyCommand=touch x' is no ssh alias",
         "name a Host of your ~/.ssh/config, as in: lnode unity"),
        (["", "--ls"], "'' is no ssh alias", "name a Host of your ~/.ssh/config, as in: lnode unity"),
        (["a\x1bb", "--ls"], "'a\\x1bb' is no ssh alias", "name a Host of your ~/.ssh/config, as in: lnode unity"),
    ],
)  # fmt: skip
def test_contradictions(laptop: Laptop, args: list[str], message: str, hint: str) -> None:
    assert laptop.run(*args) == (2, "", error(message, hint))


def test_a_broken_config_is_told_by_line_and_key(laptop: Laptop) -> None:
    laptop.config.write_text('[hosts.x]\nmem = 1\n\n[profiles.gpu]\npartion = "a"\n')
    message = f"{laptop.config}, line 5: profiles.gpu.partion is not a key that lnode knows"
    hint = (
        "keys are session, command, mem, time, partition, gpus, cpus, tmux, keep_warm, login_nodes, cwd, where, keep, "
        "resume, push, push_question"
    )
    assert laptop.run("x", "--ls") == (2, "", error(message, hint, "settings"))


def test_a_config_that_is_no_toml(laptop: Laptop) -> None:
    laptop.config.write_text("[hosts.x]\nmem = \n")
    message = f"{laptop.config}: invalid value (at line 2, column 7)"
    assert laptop.run("x", "--ls") == (2, "", error(message, 'in TOML, write: key = "text"', "settings"))


def test_an_unknown_profile(laptop: Laptop) -> None:
    laptop.config.write_text("[profiles.cpu]\n")
    expected = error("there is no profile 'gpu'", f"profiles in {laptop.config}: cpu", "settings")
    assert laptop.run("x", "-P", "gpu") == (2, "", expected)


def test_profiles_and_what_they_request_here(laptop: Laptop) -> None:
    laptop.config.write_text(
        '[hosts.x]\nmem = 8000\n[profiles.gpu]\nsession = "gpu1"\ngpus = 1\n'
        '[profiles.odd]\ncommand = "salloc -p {partition}"\n'
    )
    table = """\
PROFILE  SESSION   REQUEST
-        livenode  sinteractive -m 8000 -t 72:00:00
gpu      gpu1      sinteractive -m 8000 -t 72:00:00 -g 1
odd      -         the command asks for {partition}, which is not set
"""
    assert laptop.run("x", "--profiles") == (0, table, "")


def test_no_profiles_yet(laptop: Laptop) -> None:
    table = "PROFILE  SESSION   REQUEST\n-        livenode  sinteractive -m 48000 -t 72:00:00\n"
    said = f"lnode: no profiles yet; write [profiles.NAME] into {laptop.config}\n"
    assert laptop.run("x", "--profiles") == (0, table, said)


@pytest.mark.parametrize("number", ["10001", "99999999"])
def test_too_much_to_peek_at(laptop: Laptop, number: str) -> None:
    wrong = error("--peek takes a number of lines up to 10000", "as in: --peek 200")
    assert laptop.run("x", "--peek", number) == (2, "", wrong)


def test_attaching_in_a_pipe(laptop: Laptop) -> None:
    laptop.knows("x", HostName="127.0.0.1")
    expected = error(
        "attaching needs a terminal, and this is a pipe",
        "run it in a terminal; for scripts there is: lnode x --ls --json",
    )
    assert laptop.run("x") == (2, "", expected)


def test_killing_in_a_pipe_wants_it_in_so_many_words(laptop: Laptop) -> None:
    expected = error("there is no terminal in which to confirm the kill", "confirm on the command line: --kill --yes")
    assert laptop.run("x", "--kill") == (2, "", expected)


@pytest.mark.parametrize("name", ["a.b", "a:b", "a\tb"])
def test_a_name_that_tmux_would_mangle(laptop: Laptop, name: str) -> None:
    laptop.ssh('[ "$1" = -G ] || touch "$HOME/dialled"; echo hostname x')
    expected = error(
        f"a session that lnode makes cannot be called {name!r}", "use letters of ASCII, digits, - and _, as in: a-b"
    )
    assert laptop.on_tty("x", name) == (2, expected)
    assert not (laptop.home / "dialled").exists()


@pytest.mark.parametrize("executable", [False, None])
def test_no_ssh_on_the_laptop(laptop: Laptop, executable: bool | None) -> None:
    ssh = laptop.home / "bin" / "ssh"
    if executable is None:
        ssh.unlink()
    else:
        ssh.chmod(0o644)
    expected = error(
        "there is no ssh on this computer",
        "install the OpenSSH client, on Debian and Ubuntu: sudo apt-get install openssh-client",
    )
    assert laptop.run("x", "--ls", PATH=str(ssh.parent)) == (1, "", expected)


def test_an_ssh_config_that_ssh_refuses(laptop: Laptop) -> None:
    laptop.knows("x", HostNme="y")
    code, out, err = laptop.run("x", "--ls")
    assert (code, out) == (2, "")
    assert err.startswith(f"  {laptop.home}/ssh_config: line 5: Bad configuration option: hostnme\n")
    assert err.endswith(error("ssh does not accept 'x'", "fix the line that ssh names: ssh -G x"))


# --- how a connection fails: the same sentence for a question in a pipe and for a terminal ---

Fails = Callable[..., None]


@pytest.fixture(params=["--ls", "attach"])
def fails(request: pytest.FixtureRequest, laptop: Laptop) -> Fails:
    def check(alias: str, code: int, message: str, hint: str, *, said: str = "") -> None:
        expected = said + error(message, hint)
        if request.param == "--ls":
            assert laptop.run(alias, "--ls") == (code, "", expected)
        else:
            assert laptop.on_tty(alias) == (code, expected)

    return check


def test_no_such_alias(fails: Fails) -> None:
    fails(
        "untiy", 2, "there is no alias untiy in your ssh configuration, and no host of that name",
        "check the spelling, or let lnode add the host: lnode --init; more: lnode --guide first-session",
    )  # fmt: skip


def test_a_host_name_that_does_not_resolve(laptop: Laptop, fails: Fails) -> None:
    laptop.knows("x", HostName="login.site.invalid")
    fails(
        "x", 4, "cannot resolve the host name login.site.invalid of x",
        "check HostName in ~/.ssh/config, the network, and the VPN if the cluster needs one",
    )  # fmt: skip


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_refused(laptop: Laptop, fails: Fails) -> None:
    port = closed_port()
    laptop.knows("x", HostName="127.0.0.1", Port=port)
    fails(
        "x", 4, f"x (127.0.0.1 port {port}) refuses connections",
        "the login node may be restarting, or the port is wrong: ssh -v x",
    )  # fmt: skip


def test_no_route(laptop: Laptop, fails: Fails) -> None:
    laptop.knows("x", HostName="255.255.255.255")
    fails(
        "x", 4, "there is no route to x (255.255.255.255 port 22)",
        "check the network, and the VPN if the cluster needs one",
    )  # fmt: skip


@pytest.mark.parametrize("on_tty", [False, True])
def test_a_jump_host_that_refuses_is_no_ban_by_the_host_behind_it(laptop: Laptop, on_tty: bool) -> None:
    laptop.knows("x", HostName="127.0.0.1", ProxyJump="gate")
    laptop.knows("gate", HostName="127.0.0.1", Port=closed_port())
    code, said = laptop.on_tty("x") if on_tty else laptop.run("x", "--ls")[::2]
    assert code == 4
    assert "refuses connections" in said
    assert "banned" not in said


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on 127.0.0.1 that is no sshd; its port."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join(LIMIT_S)


def says_nothing(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def closes_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def closes_in_the_key_exchange(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-none\r\n")
    connection.recv(1024)


def offers_what_nobody_knows(connection: socket.socket) -> None:
    """An SSH_MSG_KEXINIT (RFC 4253, 7.1) of which every algorithm is `none-such`."""
    lists = b"".join(struct.pack(">I", 9) + b"none-such" for _ in range(10))
    payload = bytes([20]) + bytes(16) + lists + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    connection.sendall(b"SSH-2.0-none\r\n")
    connection.sendall(struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding))
    says_nothing(connection)


SLOW_DOWN = "the site may be limiting connections or have banned this address for a while: wait some minutes"


@pytest.mark.parametrize(
    ("server", "message", "hint"),
    [
        (says_nothing, "{place} does not answer", "check the network, and the VPN if the cluster needs one"),
        (closes_at_once, "{place} closed the connection before the login", SLOW_DOWN),
        (closes_in_the_key_exchange, "{place} closed the connection before the login", SLOW_DOWN),
    ],
)
def test_a_server_that_never_lets_anybody_in(
    laptop: Laptop, fails: Fails, server: Callable[[socket.socket], None], message: str, hint: str
) -> None:
    with answering(server) as port:
        laptop.knows("x", HostName="127.0.0.1", Port=port, ConnectTimeout=1)
        fails("x", 4, message.format(place=f"x (127.0.0.1 port {port})"), hint)


def test_no_algorithm_in_common(laptop: Laptop, fails: Fails) -> None:
    with answering(offers_what_nobody_knows) as port:
        laptop.knows("x", HostName="127.0.0.1", Port=port)
        fails(
            "x", 4, f"x (127.0.0.1 port {port}) and this ssh have no algorithm in common",
            "see what is offered: ssh -v x",
            said=f"  Unable to negotiate with 127.0.0.1 port {port}: no matching key exchange method found. "
            "Their offer: none-such\n",
        )  # fmt: skip


# --- a bug in lnode ---


def a_bug(laptop: Laptop) -> None:
    # no ssh prints such a port, so lnode stumbles over it
    laptop.ssh('case "$*" in *-G*) echo hostname x; echo port none-such ;; *) exit 255 ;; esac')


def test_a_bug_is_reported_in_a_file(laptop: Laptop) -> None:
    a_bug(laptop)
    code, out, err = laptop.run("x", "--ls")
    assert (code, out) == (3, "")
    match = re.fullmatch(r"lnode: this is a bug in lnode: [^\n]+\nhint:  please send the report ([^\n]+)\n", err)
    assert match is not None
    assert "Traceback" in Path(match[1]).read_text()


def test_a_bug_where_no_report_can_be_written_is_no_traceback(laptop: Laptop) -> None:
    a_bug(laptop)
    (laptop.home / "state").write_text("a file where a folder should be")
    code, _, err = laptop.run("x", "--ls")
    assert code == 3
    assert err.startswith("lnode: this is a bug in lnode: ")
    assert "Traceback" not in err


# --- what the other side says ---


def test_words_of_the_other_side_move_no_cursor(laptop: Laptop) -> None:
    answer = r"printf 'not a shell \033]52;c;ZXZpbA==\007\n'"
    laptop.ssh(f'case "$*" in *-G*) echo hostname x;; *) {answer};; esac')
    code, out, err = laptop.run("x", "--ls")
    assert (code, out) == (8, "")
    assert err == "  not a shell \\x1b]52;c;ZXZpbA==\\x07\n" + error(
        "x answered, but not with a shell", "see what it says: ssh x /bin/sh -c true", "field/your-login-shell"
    )


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
def test_a_host_name_of_the_other_side_moves_no_cursor(laptop: Laptop) -> None:
    evil = f"s/^{os.uname().nodename}$/login\\x1b[31m1/"
    there = f"""for line; do :; done; sh -c "$line" | sed '{evil}'"""
    laptop.ssh(f'case "$*" in *-G*) echo hostname x; exit;; esac; {there}')
    (laptop.home / "bin" / "squeue").symlink_to("/bin/true")
    code, _, err = laptop.run("x", "--ls", TMUX_TMPDIR=str(laptop.home))
    assert code == 0
    assert "\x1b" not in err
    assert "no sessions on x (?)" in err


def test_nothing_is_left_in_the_folder_for_temporary_files(laptop: Laptop) -> None:
    before = set(laptop.home.iterdir())
    laptop.run("untiy", "--ls")
    assert set(laptop.home.iterdir()) - before <= {laptop.home / "state"}


# --- closed and full streams ---


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 2), ("2>&-", 2), ("<&-", 2), (">/dev/full", 2)])
def test_closed_streams_are_no_bug(laptop: Laptop, redirection: str, code: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m lnode x --kill {redirection}"],
        env=laptop.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert not (laptop.home / "state").exists()


FULL = error("cannot write the output: No space left on device", "free some room")
CLOSED = error("cannot write the output: it is closed", "leave it open, or write it to a file")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
@pytest.mark.parametrize("words", ["x --ls", "x --ls --json", "x exp --peek", "x --profiles", "--help"])
@pytest.mark.parametrize(("redirection", "said"), [(">/dev/full", FULL), (">&-", CLOSED)])
def test_output_that_cannot_be_written_is_told(laptop: Laptop, words: str, redirection: str, said: str) -> None:
    laptop.ssh('case "$*" in *-G*) echo hostname x; exit;; esac; for line; do :; done; exec sh -c "$line"')
    (laptop.home / "bin" / "squeue").symlink_to("/bin/true")
    laptop.config.write_text("[profiles.gpu]\n")
    env = laptop.env | {"TMUX_TMPDIR": str(laptop.home), "TERM": "xterm"}
    with sessions(env):
        done = subprocess.run(
            ["sh", "-c", f"exec {sys.executable} -m lnode {words} {redirection}"],
            env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, said)


@contextmanager
def sessions(env: dict[str, str]) -> Iterator[None]:
    """A session `exp` in a tmux of its own, which shows a word."""

    def tmux(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-u", *words], env=env, check=True, timeout=LIMIT_S, stdout=subprocess.PIPE, text=True
        ).stdout

    tmux("new-session", "-d", "-s", "exp", "echo shown; cat")
    try:
        wait_until(lambda: "shown" in tmux("capture-pane", "-p", "-t", "exp"), "it shows the word")
        yield
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, check=True, timeout=LIMIT_S)


@pytest.mark.parametrize("args", [("--ls",), ("--ls", "--json")])
def test_all_hosts_where_none_is_known(laptop: Laptop, args: tuple[str, ...]) -> None:
    expected = error("no host is known yet", "name one: lnode unity --ls; from then on it is among them")
    assert laptop.run(*args) == (2, "", expected)


def test_all_hosts_and_none_answers(laptop: Laptop) -> None:
    laptop.config.write_text("[hosts.x]\n[hosts.y]\n")
    laptop.knows("x", HostName="127.0.0.1", Port=1)
    laptop.knows("y", HostName="nowhere.invalid")
    code, out, err = laptop.run("--ls")
    assert (code, out) == (4, "")
    assert err == (
        "lnode: x (127.0.0.1 port 1) refuses connections\nlnode: cannot resolve the host name nowhere.invalid of y\n"
    )
    code, out, err = laptop.run("--ls", "--json")
    assert (code, err) == (4, "")
    assert [host["trouble"] is None for host in json.loads(out)["hosts"]] == [False, False]


def test_watching_in_a_pipe(laptop: Laptop) -> None:
    laptop.ssh('[ "$1" = -G ] && echo hostname x || touch "$HOME/dialled"')
    expected = error("--watch needs a terminal on which lnode can paint", "for scripts there is: --ls --json")
    assert laptop.run("x", "--ls", "--watch") == (2, "", expected)
    assert not (laptop.home / "dialled").exists()


def test_flags_may_come_first(laptop: Laptop) -> None:
    laptop.knows("x", HostName="127.0.0.1", Port=1)
    assert laptop.run("--ls", "x")[0] == 4


def test_an_answer_that_breaks_off_is_not_taken_for_an_empty_host(laptop: Laptop) -> None:
    cut = 'for line; do :; done; sh -c "$line" | head -n 4'
    laptop.ssh(f'case "$*" in *-G*) echo hostname x; exit;; esac; {cut}')
    code, out, err = laptop.run("x", "--ls", TMUX_TMPDIR=str(laptop.home))
    assert (code, out, err) == (4, "", error("the answer of x broke off", "ask again"))


def test_ssh_that_stops_before_a_session_says_why(laptop: Laptop) -> None:
    laptop.ssh(
        'case "$*" in *-G*) echo hostname x; exit;; esac; echo "Could not request local forwarding." >&2; exit 255'
    )
    code, screen = laptop.on_tty("x")
    assert code == 4
    assert "Could not request local forwarding." in screen
    assert "ended too early" in screen
    assert "goes on there" not in screen


# --- --doctor without a host ---


def test_a_laptop_that_is_well(laptop: Laptop) -> None:
    assert laptop.run("--doctor") == (0, "laptop     ok\n", "")
    assert laptop.run("--doctor", "--json") == (
        0, '{\n  "host": null,\n  "layers": [\n    "laptop"\n  ],\n  "findings": []\n}\n', "",
    )  # fmt: skip


def test_a_laptop_that_is_not(laptop: Laptop) -> None:
    laptop.config.write_text("hosts = 1\n")
    with (laptop.home / "ssh_config").open("a") as file:
        file.write("Frobnicate yes\n")
    code, said, wrong = laptop.run("--doctor")
    assert (code, wrong) == (1, "")
    assert "Bad configuration option: frobnicate" in said
    assert f"{laptop.config}, line 1: hosts is not a table; write [hosts.NAME] and keys below it\n" in said
    assert "             fix: fix that line, or move the file away\n" in said


class _Interrupted(Exception):  # noqa: N818 (whose words are never told)
    def __str__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize("late", [False, True])
def test_a_ctrl_c_has_its_exit_code_also_while_a_failure_is_told(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def work() -> ExitCode:
        raise _Interrupted if late else KeyboardInterrupt

    assert explained(work) is ExitCode.INTERRUPTED


def test_no_host_can_be_asked(laptop: Laptop) -> None:
    laptop.config.write_text("[hosts.unity]\n")
    laptop.knows("unity", BogusKeyword="x")
    code, screen = laptop.on_tty("--ls")
    assert (code, "ssh does not accept 'unity'" in screen, "asking" in screen) == (4, True, False), screen


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_watching_on_a_terminal_that_cannot_be_painted(laptop: Laptop, term: str) -> None:
    laptop.knows("unity", HostName="127.0.0.1", Port=1)
    expected = error("--watch needs a terminal on which lnode can paint", "for scripts there is: --ls --json")
    assert laptop.on_tty("unity", "--ls", "--watch", TERM=term) == (2, expected)


@pytest.mark.parametrize("args", [("unity", "--profiles"), ("--ls",), ("unity", "--history")])
def test_a_profile_where_nothing_is_requested(laptop: Laptop, args: tuple[str, ...]) -> None:
    flag = next(word for word in args if word.startswith("--"))
    expected = error("-P is for a request, and this asks for none", f"without it: lnode {flag}")
    assert laptop.run(*args, "-P", "gpu") == (2, "", expected)


def test_a_request_that_is_not_complete_stops_no_other(laptop: Laptop) -> None:
    laptop.config.write_text('[hosts.x]\ncommand = "salloc -p {partition}"\n')
    laptop.ssh('if [ "$1" = -G ]; then echo hostname x; exit; fi; touch "$HOME/dialled"; exit 255')
    assert laptop.run("x", "--when")[2].startswith("lnode: the command asks for {partition}, which is not set\n")
    assert not (laptop.home / "dialled").exists()
    with laptop.config.open("a") as file:
        file.write('[profiles.gpu]\npartition = "gpu"\n')
    for args in (("--when",), ("--setup",), ("--setup", "--undo")):
        (laptop.home / "dialled").unlink(missing_ok=True)
        laptop.run("x", *args)
        assert (laptop.home / "dialled").exists(), args


def test_an_alias_with_dots_is_a_key_in_quotes(laptop: Laptop) -> None:
    laptop.ssh('[ "$1" = -G ] && echo hostname x')
    expected = error(
        "no push is set for login.x.edu",
        'under [hosts."login.x.edu"] in config.toml: push = "https://ntfy.sh/your-own-topic"',
    )
    assert laptop.run("login.x.edu", "--phone") == (2, "", expected)


def test_folders_of_xdg_that_are_relative_do_not_count(laptop: Laptop) -> None:
    code, out, _ = laptop.run("--doctor", XDG_STATE_HOME="state-here", XDG_CONFIG_HOME="config-here", LNODE_CONFIG="")
    assert code in (0, 1), out
    assert not (laptop.home / "state-here").exists()
    assert (laptop.home / ".local/state/lnode").is_dir() or code == 0
