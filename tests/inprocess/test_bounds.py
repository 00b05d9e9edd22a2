"""What a host may take of time, memory and disk of the laptop; it is a stand-in in place of ssh, or a real sshd."""

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from inprocess.sshd import DEADLINE_S, Site, serving
from inprocess.test_link_contract import open_rung
from lnode.commands import wait_for
from lnode.errors import ExitCode, LnodeError
from lnode.laptop.settings import HostSettings
from lnode.locate import pictures
from lnode.locate.address import Address
from lnode.locate.survey import Survey
from lnode.ssh import question as ssh_question
from lnode.ssh import stored
from lnode.ssh.drain import Drain
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.question import Question
from lnode.ssh.target import Target
from window import Window

# In place of ssh: `answer` frames its arguments as list.sh does, `log` is where ssh would write its own words.
STANDIN = """\
#!/bin/sh
case " $* " in *' -G '*) exec {ssh} -F none "$@" ;; esac
echo $$ >>{folder}/started
while [ $# -gt 1 ]; do
  if [ "$1" = -E ]; then log=$2; fi
  shift
done
nonce=$(printf %s "$1" | sed "s/.*' \\(lnode-[0-9a-f]*\\) .*/\\1/")
answer() {{
  printf '\\n%s host\\nlogin1\\n1700000000\\n22\\n' "$nonce"
  printf '%s\\n' "$@"
  printf '\\n%s end\\n' "$nonce"
}}
"""


class Host:
    """A host behind the stand-in; what it does is a script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ssh = folder / "bin" / "ssh"
        self._real = shutil.which("ssh")
        self._ssh.parent.mkdir()
        self.target = Target("unity", None, {"hostname": ("h",), "user": ("me",), "port": ("22",)})

    def does(self, script: str) -> None:
        self._ssh.write_text(STANDIN.format(ssh=self._real, folder=self.folder) + script)
        self._ssh.chmod(0o755)

    def started(self) -> list[int]:
        noted = self.folder / "started"  # not there if the host was too slow to begin
        return [int(pid) for pid in noted.read_text().split()] if noted.exists() else []

    def question(self) -> Question:
        return Question(self.target, "list", "", "", "", silent=True)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return made


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("script", ["while printf x; do sleep 0.1; done", "exec sleep 300"])
def test_a_question_has_a_deadline_however_slowly_it_is_answered(
    host: Host, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_question, "REPLY_WITHIN_S", 1.0)
    host.does(script)
    with host.question() as question, pytest.raises(LnodeError) as late:
        question.reply()
    assert (late.value.code, late.value.message) == (ExitCode.UNREACHABLE, "unity did not answer in time")
    assert all(map(is_gone, host.started()))


@pytest.mark.parametrize("had_it", [False, True])
def test_a_host_that_has_lost_the_script_gets_it_once(host: Host, *, had_it: bool) -> None:
    """Also if it says so of each line, as a hostile one might."""
    with tempfile.TemporaryDirectory(prefix="lnode-") as folder, socket.socket(socket.AF_UNIX) as master:
        master.bind(f"{folder}/master")
        host.target = host.target._replace(control_path=f"{folder}/master", keep_warm="10m")
        if had_it:
            stored.note(host.target, ("list",))
        said = 'case "$1" in *lnode/scripts/*) echo short ;; *) echo long ;; esac >>"$HOME/lines"\n'
        host.does(f'{said}answer "$nonce unstored"')
        with host.question() as asked:
            assert "unstored" in asked.reply()
    assert (host.folder / "lines").read_text().split() == ["short", "long"][not had_it :]


def test_without_a_master_nothing_of_the_current_folder_is_read(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(host.folder)
    os.mkfifo(".has")  # whoever opens it waits for ever
    assert not stored.has(host.target, "list")


# A question of somebody at a terminal, who has half a second for it.
AT_A_TERMINAL = """
import sys
from lnode.errors import LnodeError
from lnode.ssh import question
from lnode.ssh.target import Target
question.REPLY_WITHIN_S = 0.5
target = Target("unity", None, {"hostname": ("h",), "user": ("me",), "port": ("22",)})
with question.Question(target, "list", "", "", "") as asked:
    try:
        print("answered", asked.reply()["host"][0])
    except LnodeError as error:
        print("failed:", error.message)
"""


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("printf 'Password: ' >/dev/tty; read -r _ </dev/tty; sleep 0.2", "answered login1"),
        (
            """printf 'Authenticated to h ([10.0.0.1]:22) using "password".\\r\\n' >>"$log"; exec sleep 300""",
            "did not begin",
        ),
    ],
)
def test_while_somebody_signs_in_nothing_is_counted(host: Host, before: str, said: str) -> None:
    host.does(f"touch {host.folder}/asks; {before}; answer")
    with Window([sys.executable, "-c", AT_A_TERMINAL], os.environ) as window:
        if "Password" in before:
            window.wait_for("Password:")
            for _ in range(8):  # quarters of a second, in each of which the question looks at the time
                window._read(0.25)
            window.press("secret\r")
        window.wait_for(said)


@pytest.mark.parametrize("script", ["exec yes", "exec cat /dev/zero", "answer $(seq 20000)"])
def test_an_answer_without_an_end_is_too_long_and_its_ssh_is_ended(host: Host, script: str) -> None:
    host.does(script)
    with host.question() as question, pytest.raises(LnodeError) as endless:
        question.reply()
    assert endless.value.code is ExitCode.FAILED
    assert endless.value.message.startswith("the answer of unity is too long: ")
    assert all(map(is_gone, host.started()))


def test_a_deed_whose_answer_has_no_end_is_not_said_to_have_failed(host: Host) -> None:
    host.does("answer; read -r _; exec yes")
    with host.question() as question:
        question.reply()
        with pytest.raises(LnodeError, match="whether it was done is not known"):
            question.do("do it")


def test_300_mb_on_standard_error_take_no_room(host: Host) -> None:
    host.does(
        "printf 'the first words\\n' >&2; head -c 300000000 /dev/zero >&2; printf '\\nthe last words\\n' >&2; answer"
    )
    with host.question() as question:
        assert question.reply()["host"][0] == "login1"
        words = question._log.words()
        on_disk = sum(os.fstat(int(fd)).st_size for fd in os.listdir("/dev/fd") if is_nameless_file(int(fd)))
    assert words.startswith("the first words\n")
    assert words.endswith("\nthe last words\n")
    assert len(words) <= 1 << 16
    assert on_disk < 1 << 20


def is_nameless_file(fd: int) -> bool:
    try:
        found = os.fstat(fd)
    except OSError:  # of the listing itself
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 0


def test_what_is_said_last_is_heard_when_the_program_has_ended() -> None:
    for _ in range(50):
        drain = Drain()
        subprocess.run(["sh", "-c", "yes | head -n 9000; echo over"], stdout=drain.fileno(), check=True)
        assert drain.read()[0].endswith("over\n")
        drain.close()


def test_a_program_that_opens_the_pipe_by_its_name_is_heard(tmp_path: Path) -> None:
    drain = Drain(str(tmp_path / "log"))
    subprocess.run(["sh", "-c", f"echo by name >>{tmp_path}/log"], check=True)
    assert drain.read() == ("by name\n", "")
    drain.close()


# An lnode that starts an ssh and is killed while that runs: its ends of the pipes are gone.
KILLED = """
import subprocess, sys
from lnode.ssh.log import SshLog
with SshLog() as log:
    subprocess.run(log.argv(sys.argv[1:]), stderr=log.fileno())
"""


def test_ssh_goes_on_when_the_lnode_that_heard_its_words_was_killed(tmp_path: Path) -> None:
    site = Site(tmp_path)

    async def scenario() -> bytes:
        async with serving() as sshd:
            site.trust(sshd.port, sshd.host_key)
            site.target(sshd.port)
            line = "echo begun; read -r _; head -c 200000 /dev/zero >&2; echo alive"
            lnode = await asyncio.create_subprocess_exec(
                sys.executable, "-c", KILLED, "ssh", "-F", str(site.config), "-T", "-o", "LogLevel=VERBOSE", "unity",
                line, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert lnode.stdin
            assert lnode.stdout
            async with asyncio.timeout(DEADLINE_S):
                assert await lnode.stdout.readline() == b"begun\n"
                lnode.kill()
                while lnode.returncode is None:
                    await asyncio.sleep(0.01)
                lnode.stdin.write(b"go on\n")
                said = await lnode.stdout.readline()
                await lnode.wait()  # until its ssh has ended, too
                return said

    assert asyncio.run(scenario()) == b"alive\n"


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_no_rung_of_the_link_asks_for_compression(rung: str, tmp_path: Path) -> None:
    site = Site(tmp_path)

    async def scenario() -> None:
        async with serving(compression_algs=["zlib@openssh.com", "none"]) as sshd:
            site.trust(sshd.port, sshd.host_key)
            link = await open_rung(rung, site.target(sshd.port, "Compression yes"))
            (connection,) = sshd._open
            assert connection.get_extra_info("send_compression") == "none"
            assert connection.get_extra_info("recv_compression") == "none"
            await link.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_S))


def test_a_host_that_claims_a_thousand_login_nodes_starts_no_thousand_ssh(host: Host) -> None:
    rows = " ".join(f"'node{n} 22 work{n}'" for n in range(1000))
    host.does(f"""answer "$nonce nodes" {rows}""")
    with Survey(Address(host.target, None, HostSettings())) as survey:
        answers = survey.answers()
    assert len(host.started()) == 1 + 16
    assert len(answers.silent) + len(answers.replies) == 1 + 1000


def test_a_picture_that_could_not_be_read_again_is_not_kept(host: Host) -> None:
    pictures.keep("unity", [{"host": ["login1"], "end": []}])
    pictures.keep("unity", [{"host": ["login1"], "panes": ["\x01" * (2 << 20)], "end": []}])
    kept = pictures.read("unity")
    assert kept is not None
    assert "panes" not in kept.replies[0]


def test_a_pattern_that_a_long_row_makes_slow_is_given_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_for, "_SEARCH_S", 0.5)
    row = "$(yes | tr -d '\\n' | head -c 60000)"
    host.does(f"""answer "$nonce pane" '1 $1 %1 0 0'; read -r _; answer "$nonce look" '|0 0 0 0 no' "|{row}" """)
    with pytest.raises(LnodeError, match="the pattern takes more than") as slow:
        wait_for.wait_for(Address(host.target, "x", HostSettings()), pattern=".*done")
    assert slow.value.code is ExitCode.FAILED
