"""The scripts of runs in a home of their own: who may have a name, what is alive, what a log says where it is odd."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from listener import listening
from lnode.remote import call
from lnode.remote.reply import Reply, parse_reply
from lnode.runs import record
from lnode.runs.log_frames import Chunks, Frame
from lnode.runs.record import Run
from rig import wait_until
from shells import SHELLS, installed, through

LIMIT_S = 60


@dataclass(frozen=True)
class Host:
    """A home on a cluster, and its /bin/sh where that is another one."""

    home: Path
    shell: Path | None = None

    @property
    def folder(self) -> Path:
        return self.home / ".local/state/lnode/runs"

    def sh(self, line: str, before: str = "", url: str = "") -> bytes:
        path = f"{self.home}/bin:/usr/bin:/bin"
        env = {"HOME": str(self.home), "PATH": path, "SHELL": "/bin/sh", "LANG": "C.UTF-8"}
        line = through(line, self.shell) if self.shell else line
        done = subprocess.run(
            ["sh", "-c", f"{before}{line}"], env=env, cwd=self.home, input=f"start\n{url}\n".encode(),
            capture_output=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        return done.stdout

    def run(self, name: str, *command: str, cwd: str = "", before: str = "", url: str = "") -> Reply:
        nonce = call.nonce()
        values = (name, call.run_id(), cwd, shlex.join(command), "", "unity", call.source("keeper"))
        line = call.line("run", nonce, *values)
        return parse_reply(nonce, self.sh(line, before, url).decode().split("\n"))

    def logs(
        self, name: str, id_: str = "", offset: str = "", lines: str = "", mode: str = "once", before: str = ""
    ) -> list[Frame]:
        nonce = call.nonce()
        return list(Chunks(nonce).feed(self.sh(call.line("logs", nonce, name, id_, offset, lines, mode), before)))

    def state(self, name: str) -> Run:
        run = record.parse_run(self.logs(name)[0].words)
        assert run is not None
        return run

    def wait(self, name: str) -> Run:
        """Until it has ended."""
        wait_until((self.folder / name / "ended").exists, f"{name} ends")
        return self.state(name)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    yield (here := Host(tmp_path))
    for row in here.folder.glob("*/started"):
        with suppress(ProcessLookupError, PermissionError, ValueError):
            os.killpg(int(row.read_text().split()[2]), signal.SIGKILL)


@pytest.fixture(params=SHELLS)
def in_shell(host: Host, request: pytest.FixtureRequest) -> Host:
    """Each of the shells as /bin/sh."""
    return Host(host.home, installed(request.param, host.home / "sh"))


def fails_once(host: Host, program: str) -> None:
    """The next call of that program there fails, as where a file cannot be read for a moment."""
    path = host.home / "bin" / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'#!/bin/sh\nif mkdir "$HOME/failed" 2>/dev/null; then exit 1; fi\nexec {shutil.which(program)} "$@"\n'
    )
    path.chmod(0o755)


def data(frames: list[Frame]) -> bytes:
    return b"".join(frame.data for frame in frames)


def test_a_run_has_nothing_to_read_nobody_to_hang_it_up_and_a_log_of_its_own(host: Host) -> None:
    look = (
        "ps -o sid= -p $$; ps -o ppid= -p $$ | xargs ps -o sid= -p; tty; cat; echo $PYTHONUNBUFFERED; env | grep LNODE"
    )
    assert "started" in host.run("sim", "sh", "-c", f"{look}; kill -HUP $$; echo unhung; umask")
    run = host.wait("sim")
    session, keepers, *rest = data(host.logs("sim")).decode().split("\n")
    assert int(session) == run.pid != int(keepers)
    assert rest == ["not a tty", "1", "unhung", "0022", ""]
    assert (run.state, run.code) == ("ended", 0)
    assert {path.stat().st_mode & 0o077 for path in (*host.folder.rglob("*"), host.folder)} == {0}


@pytest.mark.parametrize(
    ("cwd", "where"), [("", ""), ("~", ""), ("~/a b", "/a b"), ("a b", "/a b"), ("/", None), ("-x", "/-x")]
)
def test_it_starts_in_the_folder_that_was_named(host: Host, cwd: str, where: str | None) -> None:
    for name in ("a b", "-x"):
        (host.home / name).mkdir()
    assert "started" in host.run("sim", "pwd", cwd=cwd)
    host.wait("sim")
    assert data(host.logs("sim")).decode() == ("/\n" if where is None else f"{host.home}{where}\n")


def test_a_long_command_arrives_whole(host: Host) -> None:
    """As long as commands/run.py lets it be."""
    words = [f"word {number}" for number in range(2500)]
    assert "started" in host.run("sim", "sh", "-c", "echo $#", "sh", *words)
    host.wait("sim")
    assert data(host.logs("sim")) == b"2500\n"


def test_a_profile_has_its_say(host: Host) -> None:
    (host.home / ".profile").write_text("echo noise; umask 027; SITE='of the site'; export SITE; cd /\n")
    assert "started" in host.run("sim", "sh", "-c", "umask; echo $SITE; pwd")
    host.wait("sim")
    assert data(host.logs("sim")).decode() == f"0027\nof the site\n{host.home}\n"


def test_a_profile_that_starts_another_shell_ends_no_run(host: Host) -> None:
    """A bare `zsh`, or newgrp: that shell reads the line and becomes the keeper, in the group of the login shell."""
    (host.home / ".profile").write_text('if [ -z "$DEEP" ]; then DEEP=1; export DEEP; dash; fi\n')
    assert "started" in host.run("sim", "sh", "-c", "until [ -e go ]; do sleep 0.1; done; exit 3", cwd="~")
    (host.home / "go").touch()
    run = host.wait("sim")
    assert (run.state, run.code) == ("ended", 3)


def test_a_name_is_taken_while_it_runs_and_the_last_log_is_kept(host: Host) -> None:
    assert "started" in host.run("sim", "sh", "-c", "until [ -e go ]; do sleep 0.05; done; echo first")
    first = host.state("sim")
    refused = host.run("sim", "true")
    assert [row.split()[:3] for row in refused["running"]] == [["sim", first.id, "running"]]
    (host.home / "go").touch()
    host.wait("sim")
    assert "no-program" in host.run("sim", "no such program")
    assert "no-folder" in host.run("sim", "true", cwd="nowhere")
    assert host.state("sim").id == first.id  # what is refused takes nothing away
    assert "started" in host.run("sim", "echo", "second")
    host.wait("sim")
    assert data(host.logs("sim")) == b"second\n"
    assert data(host.logs("sim", first.id)) == b"first\n"
    assert host.logs("sim", "0" * 16) == [Frame("gone")]
    assert sorted(path.name for path in host.folder.iterdir()) == ["sim", "sim.1"]


_BUSY = """\
#!/bin/sh
for path; do
  if [ -e "$path/log" ]; then
    mv "$path/log" "$path/.nfs0001"
    exit 1
  fi
  if [ -e "$path/.nfs0001" ]; then exit 1; fi
done
exec /bin/rm "$@"
"""


def test_a_folder_that_nfs_does_not_let_go_takes_no_other_one_in(host: Host) -> None:
    """As rm there, as long as a process has a file open: the file gets another name, and the folder stays."""
    (host.home / ".profile").write_text("PATH=$HOME/bin:$PATH\n")
    rm = host.home / "bin" / "rm"
    rm.parent.mkdir()
    rm.write_text(_BUSY)
    rm.chmod(0o755)
    ids = []
    for said in ("first", "second", "third", "fourth"):
        assert "started" in host.run("sim", "echo", said)
        ids.append(host.wait("sim").id)
    assert data(host.logs("sim", ids[3])) == b"fourth\n"
    assert data(host.logs("sim", ids[2])) == b"third\n"
    assert not [*host.folder.glob("*/sim*")]
    stale = host.folder / "sim.new"
    stale.mkdir()
    (stale / "log").touch()
    os.utime(stale, (1, 1))
    assert "started" in host.run("sim", "echo", "fifth")
    host.wait("sim")
    rm.unlink()
    assert "started" in host.run("sim", "echo", "sixth")
    host.wait("sim")
    assert sorted(path.name for path in host.folder.iterdir()) == ["sim", "sim.1"]


def test_two_that_start_at_once_are_one(host: Host) -> None:
    (host.folder / "sim.new").mkdir(parents=True)
    assert "starting" in host.run("sim", "true")
    os.utime(host.folder / "sim.new", (1, 1))
    assert "started" in host.run("sim", "true")


def test_a_login_shell_that_came_too_late_starts_nothing_for_whoever_starts_now(host: Host) -> None:
    new = host.folder / "sim.new"
    new.mkdir(parents=True)
    (new / "command").write_text("touch executed\n")
    (new / "id").write_text(f"{'0' * 16}\n")

    def keeper(id_: str) -> None:
        told = {"LNODE_KEEPER": call.source("keeper"), "LNODE_PART": "keeper", "LNODE_NEW": str(new)}
        told |= {"LNODE_RUN": str(host.folder / "sim"), "LNODE_ID": id_, "LNODE_CWD": str(host.home)}
        host.sh('eval "$LNODE_KEEPER"', "".join(f"export {name}={shlex.quote(told[name])}; " for name in told))

    keeper("1" * 16)
    assert new.exists() and not (host.home / "executed").exists()
    keeper("0" * 16)
    assert host.wait("sim").code == 0 and (host.home / "executed").exists()


def test_a_login_that_takes_its_processes_along(host: Host) -> None:
    (host.home / "bin").mkdir()
    scripts = {"busctl": "echo b true", "loginctl": "echo Linger=yes", "systemd-run": 'shift 3; kept=yes exec "$@"'}
    for name, script in scripts.items():
        (host.home / "bin" / name).write_text(f"#!/bin/sh\nexport kept; {script}\n")
        (host.home / "bin" / name).chmod(0o755)
    host.run("sim", "sh", "-c", "echo kept: $kept", before="PATH=$HOME/bin:$PATH; export PATH; ")
    assert host.wait("sim").code == 0
    assert data(host.logs("sim")) == b"kept: yes\n"


def test_a_home_that_is_full_is_said_and_left_as_it_was(host: Host) -> None:
    said = host.run("sim", "touch", "executed", before="trap '' XFSZ; ulimit -f 0; ")
    assert "unwritable" in said and not list(host.folder.iterdir())
    assert not (host.home / "executed").exists()


def test_a_process_is_known_by_when_it_began_and_a_host_by_its_name(host: Host) -> None:
    assert "started" in host.run("sim", "sh", "-c", "sleep 1000")
    assert host.state("sim").state == "running"
    row = host.folder / "sim" / "started"
    id_, name, pid, tick, keeper, keeper_tick, *rest = row.read_text().split()
    os.kill(int(keeper), signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{keeper}").exists() or _is_zombie(keeper), "the keeper has gone")
    assert host.state("sim").state == "running"  # the command lives
    row.write_text(" ".join([id_, name, pid, str(int(tick) + 1), keeper, keeper_tick, *rest]) + "\n")
    assert host.state("sim").state == "lost"
    row.write_text(" ".join([id_, "login2", pid, tick, keeper, keeper_tick, *rest]) + "\n")
    assert host.state("sim").state == "elsewhere"
    assert "elsewhere" in host.run("sim", "true")
    os.killpg(int(pid), signal.SIGKILL)


def _is_zombie(pid: str) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_a_log_from_any_byte_and_any_line_on(host: Host) -> None:
    assert "started" in host.run("sim", "printf", "one\ntwo\nthree\n")
    id_ = host.wait("sim").id
    assert data(host.logs("sim", offset="5")) == b"wo\nthree\n"
    assert data(host.logs("sim", lines="2")) == b"two\nthree\n"
    assert host.logs("sim", lines="0")[1] == Frame("beat", "14")  # so what comes during a drop is asked for
    assert data(host.logs("sim", lines="99")) == b"one\ntwo\nthree\n"
    frames = host.logs("sim", id_, offset="14", mode="follow")
    assert [frame.kind for frame in frames] == ["run", "beat", "over"]
    (host.folder / "sim" / "log").write_text("short\n")
    frames = host.logs("sim", id_, offset="14")
    assert [frame.kind for frame in frames] == ["run", "shrunk", "data", "over"] and data(frames) == b"short\n"


def test_what_another_node_has_written_may_come_later(host: Host) -> None:
    assert "started" in host.run("sim", "printf", "one\ntwo\nthree\n")
    id_ = host.wait("sim").id
    started = host.folder / "sim" / "started"
    first, _, *rest = started.read_text().split()
    started.write_text(" ".join([first, "login2", *rest]) + "\n")
    (host.folder / "sim" / "ended").unlink()
    log, later = host.folder / "sim" / "log", host.home / "later"
    log.rename(later)
    log.write_text("one\n")
    path = host.home / "bin" / "sleep"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nif [ -e "{later}" ]; then mv "{later}" "{log}"; fi\n')
    path.chmod(0o755)
    frames = host.logs("sim", id_, offset="8")
    assert [frame.kind for frame in frames] == ["run", "beat", "data", "over"] and data(frames) == b"three\n"
    log.write_text("one\n")
    frames = host.logs("sim", id_, offset="8")
    assert [frame.kind for frame in frames] == ["run", *["beat"] * 60, "shrunk", "data", "over"]


@pytest.mark.parametrize("program", ["wc", "tail", "head"])
def test_a_read_that_fails_once_makes_no_log_shorter(in_shell: Host, program: str) -> None:
    """As often as the laptop asks, each byte comes once."""
    assert "started" in in_shell.run("sim", "printf", "one\ntwo\nthree\n")
    id_ = in_shell.wait("sim").id
    fails_once(in_shell, program)
    for offset, lines in (("4", ""), ("", "2")):
        frames = in_shell.logs("sim", id_, offset, lines, mode="follow")
        seen = data(frames)
        if frames[-1].kind != "over":
            seen += data(in_shell.logs("sim", id_, str(4 + len(seen)), mode="follow"))
        assert seen == b"two\nthree\n"
        assert (in_shell.home / "failed").exists()


def test_a_run_in_each_shell_that_may_be_sh(in_shell: Host) -> None:
    assert "started" in in_shell.run("sim", "sh", "-c", "echo said; until [ -e go ]; do sleep 0.05; done; exit 3")
    assert in_shell.state("sim").state == "running"
    (in_shell.home / "go").touch()
    run = in_shell.wait("sim")
    assert (run.state, run.code, data(in_shell.logs("sim"))) == ("ended", 3, b"said\n")


def test_the_list_has_every_run_and_no_run_that_is_none(host: Host) -> None:
    assert "started" in host.run("sim", "echo", "two words")
    host.wait("sim")
    for odd in ("broken", "sim.1", "x.new"):
        (host.folder / odd).mkdir()
    nonce = call.nonce()
    reply = parse_reply(nonce, host.sh(call.line("list", nonce, "", "/no/tmux", "")).decode().split("\n"))
    found = record.parse_runs(reply["runs"])
    assert [(run.name, run.state, run.code, run.command) for run in found] == [("sim", "ended", 0, "echo 'two words'")]


@pytest.mark.parametrize(
    ("step", "has"), [("", "3,1"), ("CUDA_VISIBLE_DEVICES=NoDevFiles", "3,1"), ("CUDA_VISIBLE_DEVICES=0", "0")]
)
def test_a_run_in_an_allocation_has_the_gpus_of_its_shell_if_a_step_has_none(host: Host, step: str, has: str) -> None:
    """Slurm before 22.05, which shares none: on a node without cgroups the run would take another user's."""
    job = str(os.getpid())
    new, run = host.folder / "sim.new", host.folder / "sim"
    new.mkdir(parents=True)
    (new / "log").touch()
    variables = {
        "PART": "command", "NEW": str(new), "RUN": str(run), "ID": "a" * 16, "CWD": "/", "JOB": job, "ON": "x",
        "STEP": f"env SLURM_JOB_ID={job} {step}", "CLUSTER": "", "KEEPER": call.source("keeper"),
    }  # fmt: skip
    env = {"PATH": "/usr/bin:/bin", "HOME": str(host.home)}
    with subprocess.Popen(["sleep", "1000"], env=env | {"SLURM_JOB_ID": job, "CUDA_VISIBLE_DEVICES": "3,1"}) as shell:
        done = subprocess.run(
            ["sh", "-c", 'set -- sh -c "echo \\$CUDA_VISIBLE_DEVICES"; eval "$LNODE_KEEPER"'],
            env=env | {f"LNODE_{name}": value for name, value in variables.items()},
            capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        shell.kill()
    assert done.stdout == f"{has}\n", done


def on_cluster(host: Host, name: str) -> str:
    """The sh before a script that runs on a cluster of that name."""
    (host.home / f"{name}.conf").write_text(f"ClusterName={name}\n")
    return f"SLURM_CONF=$HOME/{name}.conf; export SLURM_CONF; "


def test_a_run_is_its_own_clusters_where_another_shares_the_home(host: Host) -> None:
    ours, others = on_cluster(host, "big"), on_cluster(host, "small")
    assert "started" in host.run("sim", "echo", "from big", before=ours)
    host.wait("sim")
    assert host.run("sim", "true", before=others)["other-cluster"] == ("big",)
    assert host.logs("sim", before=others) == [Frame("gone")]
    assert data(host.logs("sim", before=ours)) == b"from big\n" == data(host.logs("sim"))

    def listed(before: str) -> tuple[str, ...]:
        nonce = call.nonce()
        reply = parse_reply(nonce, host.sh(call.line("list", nonce, "", "", ""), before).decode().split("\n"))
        return tuple(run.name for run in record.parse_runs(reply.get("runs", ())))

    assert (listed(ours), listed(others)) == (("sim",), ())
    assert "started" in host.run("sim", "true", before=ours)  # a name of its own is free again
    host.wait("sim")


def test_on_a_terminal_it_is_tamed_and_in_a_pipe_it_is_not() -> None:
    code = (
        "from lnode.laptop import screen; log = screen.Log()\n"
        "for part in (b'\\x1b[3', b'1mred\\x1b[0m \\xc3', b'\\xa9 \\xff \\x1b]0;t\\x07\\n'): log.write(part)\n"
    )
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert piped == b"\x1b[31mred\x1b[0m \xc3\xa9 \xff \x1b]0;t\x07\n"
    child = pexpect.spawn(sys.executable, ["-c", code], timeout=LIMIT_S)
    child.expect(pexpect.EOF)
    assert child.before == "\x1b[31mred\x1b[0m é \\xff \\x1b]0;t\\x07\r\n".encode()


def test_your_phone_hears_once_of_the_end_of_a_run(host: Host) -> None:
    with listening() as heard:
        host.run("train", "sh", "-c", "exit 3", url=heard.url)
        wait_until(lambda: bool(heard.posts), "the message")
        host.run("quiet", "true")
        host.wait("quiet")
        assert heard.posts == [("/topic", "", "lnode unity", "run train has ended: exit code 3")]


def test_the_list_begins_with_the_runs_that_go_on_then_the_latest(host: Host) -> None:
    """At 500 it ends, and nothing removes a run that is over."""
    for name, at in (("aa", 100), ("zz", 300), ("mm", 200)):
        assert "started" in host.run(name, "true")
        host.wait(name)
        os.utime(host.folder / name, (at, at))
    assert "started" in host.run("pp", "sleep", "1000")
    os.utime(host.folder / "pp", (50, 50))
    nonce = call.nonce()
    reply = parse_reply(nonce, host.sh(call.line("list", nonce, "", "/no/tmux", "")).decode().split("\n"))
    assert [run.name for run in record.parse_runs(reply["runs"])] == ["pp", "zz", "mm", "aa"]


def test_the_last_lines_of_a_long_log_are_found_from_its_end(host: Host) -> None:
    assert "started" in host.run("sim", "seq", "200000")
    host.wait("sim")
    rows = [f"{number}\n" for number in range(1, 200001)]
    for lines in (0, 1, 10000, 30000, 199999, 200000, 999999):
        assert data(host.logs("sim", lines=str(lines))).decode() == "".join(rows[200000 - min(lines, 200000) :])


def test_a_start_that_was_too_slow_leaves_the_folder_to_the_next_one(host: Host) -> None:
    """Another start has taken the name over meanwhile, after two minutes."""
    new = host.folder / "sim.new"
    hangs = f'[ -e {new}/id ] && echo another >{new}/id; [ -z "$LNODE_ID" ] || exit 1'
    (host.home / ".profile").write_text(hangs)
    assert "not-started" in host.run("sim", "true")
    assert (new / "id").read_text() == "another\n"


@pytest.mark.parametrize("program", ["curl", "wget"])
def test_a_run_says_if_your_phone_will_hear_nothing(host: Host, program: str) -> None:
    (host.home / "bin").mkdir()
    for folder in ("/usr/bin", "/bin"):
        for one in Path(folder).iterdir():
            link = host.home / "bin" / one.name
            if one.name not in ("curl", "wget") and not link.is_symlink():
                link.symlink_to(one)
    (host.home / "bin" / program).symlink_to("/bin/true")  # no GNU wget
    reply = host.run("train", "true", before=f"PATH={host.home}/bin; ", url="https://ntfy.example/topic")
    assert "started" in reply
    assert ("no-poster" in reply) == (program == "wget")
    host.wait("train")
