"""node_way.sh and sshd.sh for real, with a stand-in for srun and for the sshd itself."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from inprocess.cluster_home import Site
from lnode.cluster import tmux_answers
from lnode.commands import way
from lnode.errors import ExitCode, LnodeError
from lnode.node import last_way, own_sshd, reachable
from lnode.node.own_sshd import Way
from lnode.remote import call
from lnode.remote.fields import KEY_KINDS, HostKey, JobId
from lnode.remote.reply import Reply, parse_reply
from lnode.ssh import sign_in_memory
from lnode.ssh.target import Target
from rig import wait_until

KEY = "ssh-ed25519 AAAA lnode"
NO_ED25519 = """\
case " $* " in *" ed25519 "*) echo 'ED25519 keys are not allowed in FIPS mode' >&2; exit 1 ;; esac
exec /usr/bin/ssh-keygen "$@"
"""
SLOW_KEYGEN = """\
#!/bin/sh
echo called >>{folder}/calls
read -r _ <{folder}/go
exec /usr/bin/ssh-keygen "$@"
"""
# The node has another value of SITE, and what a step adds; as that of Slurm, it takes the words of its options away.
SRUN = """\
case $1 in --version) echo slurm-wlm 22.05.8 && exit ;; esac
printf '%s\\n' "$*" >"$HOME/words"
while [ "${1#-}" != "$1" ]; do case $1 in -w) shift 2 ;; *) shift ;; esac; done
export SLURM_JOB_ID=12 SITE='of the node' QUOTES='a "b" c' ENDS='\\' TWO="$(printf 'a\\nb=c')" PATH="$PATH"
exec "$@"
"""
SSHD = r"""
for word; do case $word in AuthorizedKeysFile=*) file=${word#*=\"} ;; esac; done
cat "${file%\"}"
env >"$HOME/of-sshd"
"""


def key_of(site: Site, kinds: Sequence[str] = KEY_KINDS) -> HostKey | None:
    row, *_ = *answer(site, kinds).get("key", ()), ""
    return HostKey.parse(" ".join(row.split(" ")[:2]))


def answer(site: Site, kinds: Sequence[str] = KEY_KINDS) -> Reply:
    """What node_way.sh says behind the list."""
    nonce = call.nonce()
    values = (*tmux_answers.list_values(""), "", " ".join(kinds), "a" * 16, call.source("step_sshd"))
    done = site.answer(call.line("node_way", nonce, *values))
    _, _, reply = done.stdout.partition(f"\n{nonce} end\n")  # of the list
    return parse_reply(nonce, reply.split("\n"))


def started(site: Site, job: str, *, kind: str = "ed25519", srun: str = SRUN) -> str:
    """What the sshd there finds in the file of the key that may enter."""
    site.program("srun", srun)
    site.program("sshd", SSHD)
    done = site.answer(call.line("sshd", job, KEY, "a" * 16, kind, call.source("step_sshd")))
    assert done.returncode == 0, done
    return done.stdout.strip().splitlines()[-1]


def variables(row: str) -> dict[str, str]:
    """What sshd reads there (auth-options.c)."""
    assert row.endswith(KEY), row
    pairs = re.findall(r'environment="([A-Za-z0-9_]+)=((?:\\"|[^"])*)"', row)
    assert row == ",".join(f'environment="{name}={value}"' for name, value in pairs) + " " * bool(pairs) + KEY
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: value.replace('\\"', '"') for name, value in pairs}


def test_the_key_is_of_the_best_type(sh_site: Site) -> None:
    key = key_of(sh_site)
    assert key is not None and key.kind == "ed25519"
    assert key_of(sh_site) == key


@pytest.mark.parametrize(("kinds", "kind"), [(KEY_KINDS, "ecdsa"), (("ecdsa", "rsa"), "ecdsa"), (("rsa",), "rsa")])
def test_a_host_or_a_laptop_that_permits_no_ed25519(sh_site: Site, kinds: Sequence[str], kind: str) -> None:
    if kinds == KEY_KINDS:
        sh_site.program("ssh-keygen", NO_ED25519)
    key = key_of(sh_site, kinds)
    assert key is not None and key.kind == kind
    started(sh_site, "12", kind=kind)
    assert f"/sshd/host_key_{kind}" in (sh_site.home / "words").read_text()


def test_the_shells_of_the_sshd_have_what_the_step_has(site: Site) -> None:
    key_of(site)
    has = variables(started(site, "12"))
    assert has.pop("SLURM_JOB_ID") == "12"
    assert has.pop("SITE") == "of the node"
    assert has.pop("QUOTES") == 'a "b" c'
    assert not {"ENDS", "PATH", "HOME", "TERM", "PWD", "_", "LNODE_BEFORE", "SHLVL"} & has.keys()
    assert "LNODE_BEFORE" not in (site.home / "of-sshd").read_text()
    (file,) = (site.home / ".local/state/lnode/sshd").glob("*.pub")
    assert file.stat().st_mode & 0o777 == 0o600


def test_on_a_login_node_there_is_no_step(sh_site: Site) -> None:
    key_of(sh_site)
    assert variables(started(sh_site, "")) == {}


def test_the_gpus_of_the_shell_where_a_step_has_none(sh_site: Site) -> None:
    """Slurm before 22.05: a step that asked for the GPUs would wait for ever, beside the shell that has them."""
    key_of(sh_site)
    old = SRUN.replace("22.05.8", "21.08.5").replace(
        "JOB_ID=12", f"JOB_ID={os.getpid()} CUDA_VISIBLE_DEVICES=NoDevFiles"
    )
    shell = sh_site.attach("exec sleep 1000", SLURM_JOB_ID=str(os.getpid()), CUDA_VISIBLE_DEVICES="3,1")
    try:
        assert variables(started(sh_site, str(os.getpid()), srun=old))["CUDA_VISIBLE_DEVICES"] == "3,1"
    finally:
        shell.close(force=True)
    assert " --gres=none" in (sh_site.home / "words").read_text()


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("slurm 20.02.7", ("--gres=none",), ("--overlap",)),
        ("slurm 21.08.8-2", ("--gres=none", "--overlap"), ()),
        ("slurm-wlm 22.05.8", ("--overlap",), ("--gres",)),
        ("slurm 25.11.0-0rc1", ("--overlap",), ("--gres",)),
        ("", ("--overlap",), ("--gres",)),
    ],
)
def test_a_step_shares_as_its_slurm_knows_it(
    sh_site: Site, version: str, has: Sequence[str], has_not: Sequence[str]
) -> None:
    key_of(sh_site)
    started(sh_site, "12", srun=SRUN.replace("slurm-wlm 22.05.8", version))
    words = (sh_site.home / "words").read_text().partition(" /bin/sh ")[0]
    assert all(word in words for word in (*has, "--immediate=", "--jobid=12")), words
    assert not any(word in words for word in has_not), words


@pytest.mark.parametrize(
    ("steps", "node"),
    [
        ("12.extern c[007,035-037] extern\n12.0 c036 bash\n12.4 c007 a, b\n", "c036"),
        ("12.batch c1\n12.10 c3\n12.9 c[07-09,11]-ib,gpu2\n", "c07-ib"),
        ("12.interactive c5 interactive\n12.0 c6 my shell\n", "c5"),
        ("12.2 r[1-2]n[03-04] [x],y\n", "r1n03"),
        ("12.2 node7.site.example,node9\n", "node7.site.example"),
        ("12_7.3 c7\n", "c7"),
        ("", ""),
        ("slurm_load_jobs error: Invalid job id specified\n", ""),
        ("12.0 -x;touch$IFS/tmp/y\n", ""),
    ],
)
def test_it_is_the_node_of_the_sessions_shell(sh_site: Site, steps: str, node: str) -> None:
    key_of(sh_site)
    (sh_site.home / "steps").write_text(steps)
    sh_site.program("squeue", 'case " $* " in *" -s "*) cat "$HOME/steps" ;; esac')
    started(sh_site, "12")
    words = (sh_site.home / "words").read_text().partition(" /bin/sh ")[0]
    assert words.partition(" -w ")[2] == node, words


def test_an_sshd_that_has_said_lately_that_it_listens_is_told_at_once(sh_site: Site) -> None:
    """If this login node has reached it before, by a key of that type."""
    answer(sh_site)
    folder, here = sh_site.home / ".local/state/lnode/sshd", os.uname().nodename

    def listens(job: int, *, laptop: str = "a", minutes: int = 0, node: str = here, kind: str = "ed25519") -> Path:
        written = folder / f"{laptop * 16}.{job}.{node}.at"
        written.write_text(f"222{job} c{job} {kind}\n")
        touched = folder / f"{laptop * 16}.{job}.port.pub"
        touched.write_text("key\n")
        then = time.time() - 60 * minutes
        os.utime(touched, (then, then))
        return written

    first, second = listens(12), listens(13, minutes=2)
    listens(14, minutes=4)
    listens(15, laptop="b")
    listens(16, node="another")
    listens(17, kind="rsa")
    assert {*answer(sh_site)["listeners"]} - {""} == {"12 22212 c12", "13 22213 c13"}
    first.write_text("none  ed25519\n")
    second.chmod(0o666)
    rows = {*answer(sh_site)["listeners"]} - {""}
    assert not any(WAY.at(node, port).port for _, port, node in (row.split(" ") for row in rows)), rows


def test_a_step_that_had_to_wait_is_said() -> None:
    said = "srun: error: Unable to create step for job 2: Requested nodes are busy\n"
    error = reachable.no_way(said, "unity", "fit", "without it")
    assert (error.code, error.message) == (
        ExitCode.FAILED, "Slurm starts nothing beside your shell in the allocation of fit on unity"
    )  # fmt: skip
    assert "Requested nodes are busy" in error.detail


WAY = Way(Target("unity", None, {"hostname": ("unity",)}), JobId("12"), HostKey(f"ssh-ed25519 {'A' * 68}"))


@pytest.mark.parametrize(
    "row",
    [
        "",
        "none ",
        "22222",
        "22222 ",
        "0 c1",
        "99999 c1",
        "22222 -oProxyCommand=x",
        "22222 c1:22 ",
        "22222 c1 c2",
        "x c1",
    ],
)
def test_a_port_that_is_none_is_not_taken(row: str) -> None:
    port, _, node = row.partition(" ")
    assert WAY.at(node, port) == WAY


def test_a_port_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    argv, _ = WAY.at("c0512.cluster", "22222").argv(may_prompt=False)
    assert argv[argv.index("-W") + 1] == "c0512.cluster:22222" and argv[-2:] == ["--", "unity"]


def test_the_last_way_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    there = WAY.at("c1", "22222")
    last_way.keep(WAY, "fit")
    assert last_way.recall(WAY.target, "fit") is None, "without a port it would save nothing"
    last_way.keep(there, "fit")
    assert last_way.recall(WAY.target, "fit") == there
    assert last_way.recall(WAY.target, "other") is None
    assert last_way.recall(WAY.target._replace(options={"hostname": ("elsewhere",)}), "fit") is None
    (file,) = (tmp_path / "lnode/ways").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    for broken in (before.replace("c1", "-c1"), before.replace("22222", "0"), "", "\x00", before[:-40]):
        file.write_text(broken)
        assert last_way.recall(WAY.target, "fit") is None, broken
    file.write_text(before)
    os.utime(file, (0, 0))
    assert last_way.recall(WAY.target, "fit") is None, "it is old"
    last_way.keep(there, "fit")
    last_way.forget(WAY.target, "fit")
    assert last_way.recall(WAY.target, "fit") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_two_lnodes_that_need_a_key_at_one_moment_make_one_pair(tmp_path: Path) -> None:
    slow = tmp_path / "ssh-keygen"
    slow.write_text(
        f'#!/bin/sh\necho called >>{tmp_path}/calls\nread -r _ <{tmp_path}/go\nexec /usr/bin/ssh-keygen "$@"\n'
    )
    slow.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_STATE_HOME": str(tmp_path / "state")}
    argv = [sys.executable, "-c", "from lnode.node import own_sshd; own_sshd.kinds()"]
    with subprocess.Popen(argv, env=env) as first:
        wait_until((tmp_path / "calls").exists, "the first makes its key")
        with subprocess.Popen(argv, env=env) as second:
            try:
                wait_until(lambda: any(has_open(second.pid, "node-key.lock")), "the second waits")
                (tmp_path / "go").write_text("go\n")
                assert (first.wait(60), second.wait(60)) == (0, 0)
            finally:
                first.kill()
                second.kill()
    assert (tmp_path / "calls").read_text() == "called\n"
    key = tmp_path / "state/lnode/node-key"
    public = subprocess.run(["/usr/bin/ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
    assert public.split()[:2] == Path(f"{key}.pub").read_text().split()[:2]


def has_open(pid: int, name: str) -> Iterator[bool]:
    for file in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(FileNotFoundError):
            yield file.readlink().name == name


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    (folder / "bin").mkdir()
    ssh = folder / "bin" / "ssh"
    ssh.write_text(f"#!/bin/sh\nlog=$2\n{does}\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))


CLOSED = 'echo "mux_client_request_stdio_fwd: Stdio forwarding request failed: Session open refused by peer" >"$log"'


def test_a_closed_port_is_no_refused_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Over a master ssh says no more than that."""
    fake_ssh(tmp_path, monkeypatch, f"{CLOSED}; exit 255")
    there = WAY.at("c1", "22222")
    last_way.keep(there, "fit")
    status, said = way._carry(there, "fit")
    assert (status, there.is_closed(said)) == (255, True)
    assert sign_in_memory.takes_person(there.target) is None
    assert last_way.recall(there.target, "fit") is None


def test_a_connection_of_yours_that_is_dead_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The ControlMaster of your own configuration: each ssh over it is silent, for as long as TCP waits."""
    fake_ssh(tmp_path, monkeypatch, 'case " $* " in *ControlPath=none*) exit 7 ;; esac; exec sleep 30')
    there = WAY.at("c1", "22222")
    shared = {**there.target.options, "controlpath": (str(tmp_path / "master"),)}
    status, _ = way._carry(there._replace(target=there.target._replace(options=shared)), "fit")
    assert status == 7  # of one with a connection of its own


@pytest.mark.parametrize("waited_s", [0, 60])
def test_a_way_that_was_waited_for_in_vain_is_forgotten(
    waited_s: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ssh hangs up on what leads it there, as it also does after each connection that was of use."""
    fake_ssh(tmp_path, monkeypatch, f"kill -HUP {os.getpid()}; exec sleep 60")
    monkeypatch.setattr(way, "_PATIENT_S", 30.0 - waited_s)
    there = WAY.at("c1", "22222")
    last_way.keep(there, "fit")
    with pytest.raises(SystemExit):
        way._carry(there, "fit")
    assert (last_way.recall(there.target, "fit") is None) == bool(waited_s)


def test_a_key_that_is_known_is_not_written_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A laptop whose disk is full still gets there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    own_sshd.keep_host_key("unity", WAY.key)
    (file,) = (tmp_path / "lnode").glob("node-hosts-*")
    before = file.stat().st_ino
    own_sshd.keep_host_key("unity", WAY.key)
    assert file.stat().st_ino == before
    own_sshd.keep_host_key("unity", HostKey(f"ssh-ed25519 {'B' * 68}"))
    assert "BBB" in file.read_text()


def test_other_keys_need_another_sshd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    _, laptop, _ = own_sshd.values()
    assert re.fullmatch(r"[0-9a-f]{16}", laptop)
    assert own_sshd.values()[1] == laptop
    for path in (tmp_path / "lnode").glob("node-key*"):
        path.unlink()
    assert own_sshd.values()[1] != laptop


def test_why_there_is_no_key_is_shown() -> None:
    with pytest.raises(LnodeError) as refused:
        own_sshd.host_key({"key": ["Saving key failed: No space left on device", ""]}, "unity")
    assert "No space left" in refused.value.detail
