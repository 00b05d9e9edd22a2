"""The demo's cluster, met as any host is met: with the real ssh and its own configuration file."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from demo_rig import LIMIT, NOBODY, until
from lnode.demo import demo
from lnode.demo import state as demo_state
from lnode.errors import LnodeError


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A laptop account with a history that must stay out of the demo, and a blank in its state folder's name."""
    root = Path(tempfile.mkdtemp(prefix="lnode demo "))
    home = root / "my home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("SHELL", "/bin/bash")
        patch.setenv("TMUX", "/nowhere,1,0")
        patch.setenv("SSH_AUTH_SOCK", "/nowhere")
        patch.setenv("SECRET", "the user's own")
        yield home
        demo.reset()
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def config(home: Path) -> Iterator[Path]:
    with demo.cluster() as path:
        yield path


def ssh(config: Path, *args: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["ssh", "-F", str(config), *args], input=stdin, capture_output=True, timeout=LIMIT, check=False
    )


def said(config: Path, line: str) -> str:
    done = ssh(config, "demo", line)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def on_terminal(config: Path, *args: str) -> "pexpect.spawn[str]":
    words = ["-F", str(config), "-t", *args]
    env = os.environ | {"TERM": "xterm-256color"}
    return pexpect.spawn("ssh", words, timeout=LIMIT, dimensions=(31, 83), encoding="utf-8", env=env)


def test_status_streams_and_bytes(config: Path) -> None:
    done = ssh(config, "demo", "cat; echo complaint >&2; exit 7", stdin=bytes(range(256)))
    assert (done.returncode, done.stdout, done.stderr) == (7, bytes(range(256)), b"complaint\n")


def test_much_goes_in_and_out(config: Path) -> None:
    sent = os.urandom(3_000_000)
    assert ssh(config, "demo", "cat", stdin=sent).stdout == sent


def test_a_command_ended_by_a_signal(config: Path) -> None:
    done = ssh(config, "-v", "demo", "kill -TERM $$")
    assert done.returncode == 255
    assert b"exit-signal" in done.stderr


def test_the_environment_is_the_login_node_s(config: Path, home: Path) -> None:
    seen = dict(row.split("=", 1) for row in said(config, "env").splitlines())
    state = demo_state.locate().state
    assert seen["HOME"] == str(state / "home")
    assert seen["LNODE_DEMO_STATE"] == str(state)
    assert seen["PATH"].startswith(f"{state}/bin:")
    assert seen["SSH_CONNECTION"].startswith("127.0.0.1 ")
    assert not {"TMUX", "SSH_AUTH_SOCK", "SECRET", "TERM"} & set(seen)


def test_a_terminal_of_its_own(config: Path) -> None:
    child = on_terminal(config, "demo", 'echo "$(stty size) $TERM" >/dev/tty; read x; stty size; exit 9')
    child.expect_exact("31 83 xterm-256color")
    child.setwinsize(17, 71)
    # ssh tells the new size before it sends what is typed after it
    child.send("\r")
    child.expect_exact("17 71")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 9


def test_a_login_shell_without_a_command(config: Path) -> None:
    child = on_terminal(config, "demo")
    child.expect_exact("[you@login1 ~]$ ")
    child.send("command -v sinteractive; shopt -q login_shell && echo it is a lo''gin shell\r")
    child.expect_exact("/bin/sinteractive")
    child.expect_exact("it is a login shell")
    child.send("exit 3\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3


@pytest.mark.parametrize("flag", ["-T", "-tt"])
def test_the_command_is_hung_up_when_its_client_goes(config: Path, flag: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    # the shell's own word on the hung up sleep would be its end: nobody reads the pipe any more
    line = f"exec 2>/dev/null; trap 'echo hup >{mark}; exit' HUP; echo ready; while :; do sleep 0.02; done"
    with subprocess.Popen(
        ["ssh", "-F", str(config), flag, "demo", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline().strip() == b"ready"
        client.kill()
    until(mark.exists, "SIGHUP")


def changed(config: Path, tmp_path: Path, keyword: str, value: str) -> Path:
    rows = [row for row in config.read_text().splitlines() if keyword not in row.split()[:1]]
    copy = tmp_path / "config"
    copy.write_text("\n".join([*rows, f"    {keyword} {value}", ""]))
    return copy


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=LIMIT)
    return path


def test_another_key_is_refused(config: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    done = ssh(changed(config, tmp_path, "IdentityFile", str(other)), "demo", "true")
    assert done.returncode == 255
    assert b"Permission denied (publickey)." in done.stderr  # and no password is offered


def test_another_user_is_refused(config: Path) -> None:
    assert ssh(config, "-l", "somebody", "demo", "true").returncode == 255


def test_another_host_key_is_refused(config: Path, tmp_path: Path) -> None:
    public = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    (tmp_path / "known").write_text(f"lnode-demo {public}")
    done = ssh(changed(config, tmp_path, "UserKnownHostsFile", str(tmp_path / "known")), "demo", "true")
    assert done.returncode == 255
    assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_ssh_asks_for_nothing_and_reads_nothing_of_the_user_s(config: Path) -> None:
    resolved = subprocess.run(["ssh", "-F", str(config), "-G", "demo"], capture_output=True, text=True, check=True)
    rows = resolved.stdout.splitlines()
    files = [row for row in rows if row.split()[0] in ("identityfile", "userknownhostsfile", "globalknownhostsfile")]
    assert not any(str(Path("~").expanduser() / ".ssh") in row or "~/.ssh" in row for row in files)
    assert {"identityagent none", "identitiesonly yes", "stricthostkeychecking true"} <= set(rows)


def test_sessions_at_once_over_one_shared_connection(config: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    shared = ["-o", f"ControlPath={folder}/m"]
    words = ["ssh", "-F", str(config), *shared]
    with subprocess.Popen([*words, "-M", "-N", "demo"], stdin=subprocess.DEVNULL) as master:
        try:
            until((folder / "m").exists, "the master's socket")
            with subprocess.Popen([*words, "demo", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
                assert first.stdin is not None
                first.stdin.write(b"one")
                first.stdin.flush()
                second = ssh(config, *shared, "demo", "echo $SSH_CONNECTION")
                third = ssh(config, *shared, "-tt", "demo", "echo $SSH_CONNECTION")
                out, _ = first.communicate(timeout=LIMIT)
            assert (first.returncode, out) == (0, b"one")
            assert second.stdout.split() == third.stdout.split() != []
        finally:
            master.kill()  # ssh may sleep over a SIGTERM that comes just before it polls
    shutil.rmtree(folder)


def test_two_demos_share_their_sessions(config: Path) -> None:
    said(config, "tmux new-session -d -s shared 'sleep 1000'")
    with demo.cluster() as second:
        assert second != config
        assert said(second, "tmux has-session -t =shared && echo here") == "here\n"
    assert not second.exists()
    said(config, "tmux kill-session -t =shared")


def test_leftovers_of_a_killed_demo_are_swept(config: Path) -> None:
    left = config.with_name(f"config-{NOBODY}-abc")
    left.touch()
    with demo.cluster():
        assert not left.exists()
        assert config.exists()


def test_ending_with_commands_under_way_is_prompt(home: Path) -> None:
    with demo.cluster() as config:
        child = on_terminal(config, "demo", "echo ready; cat")
        child.expect_exact("ready")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 255


def test_reset_ends_the_demo_s_own_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))  # where everything fits in one folder
    monkeypatch.setenv("XDG_STATE_HOME", str(short / "state"))
    monkeypatch.setenv("HOME", str(short))
    assert not demo.reset()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger, demo.cluster() as config:
        place = demo_state.locate()
        assert place.state == place.short
        # a job file that names somebody else's process, as after a restart of the laptop
        (place.jobs / "7").write_text(f"jobid=7\npid={stranger.pid}\nshell=\nsid={NOBODY}\n")
        pid = int(said(config, "tmux new-session -d -s x -P -F '#{pane_pid}' 'sleep 1000'"))
        assert demo.reset()
        until(lambda: not demo_state._alive(pid), "the session's process to end")
        assert stranger.poll() is None
        stranger.stdin.close()  # type: ignore[union-attr]
    assert not (short / "state" / "lnode").exists()
    assert not demo.reset()
    assert [p for p in short.rglob("*") if p.is_file()] == []
    shutil.rmtree(short)


def test_a_short_folder_of_somebody_else_is_not_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "trap").symlink_to(tmp_path)
    with pytest.raises(LnodeError, match="belongs to another user"):
        demo_state._private(tmp_path / "trap")


def test_whoever_listens_in_a_folder_of_somebody_else_is_not_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """tmux runs the program that a server names (MSG_SHELL), whosever it is."""
    theirs = Path(tempfile.mkdtemp(prefix="lnode-", dir="/tmp"))
    place = demo_state.DemoFolders(tmp_path / "state", theirs)
    (theirs / "tmux" / "tmux-0").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(theirs / "tmux" / "tmux-0" / "default"))
        server.listen()
        server.settimeout(1)
        monkeypatch.setattr(demo_state, "locate", lambda: place)
        monkeypatch.setattr(demo_state.os, "getuid", lambda: os.stat(theirs).st_uid + 1)
        assert not demo.reset()
        assert demo.drop(1) == 0
        with pytest.raises(TimeoutError):
            server.accept()
    assert theirs.exists()
    shutil.rmtree(theirs)


def test_what_is_kept_is_private_and_the_programs_run(config: Path) -> None:
    place = demo_state.locate()
    for path in (place.state, place.short, place.client_key, place.host_key):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    for name in ("sinteractive", "squeue", "scancel", "tmux"):
        assert os.access(place.programs / name, os.X_OK)


def test_asyncssh_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, lnode.demo; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=LIMIT).returncode == 0


def test_the_signal_names_of_ssh_reach_the_process(config: Path, tmp_path: Path) -> None:
    """OpenSSH's client sends none, asyncssh's does."""
    import asyncio

    import asyncssh

    async def main() -> str | None:
        port = next(int(row.split()[1]) for row in config.read_text().splitlines() if "Port" in row)
        user = next(row.split()[1] for row in config.read_text().splitlines() if "User " in row)
        place = demo_state.locate()
        async with asyncssh.connect(
            "127.0.0.1", port, username=user, client_keys=[str(place.client_key)], config=[], agent_path=None,
            known_hosts=asyncssh.import_known_hosts("* " + place.host_key.with_suffix(".pub").read_text()),
        ) as conn:  # fmt: skip
            process = await conn.create_process(
                "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.02; done"
            )
            await process.stdout.readline()
            process.send_signal("USR1")
            done = await process.wait()
            assert done.exit_status == 5
            return str(done.stdout)

    assert asyncio.run(asyncio.wait_for(main(), LIMIT)) == "caught\n"
