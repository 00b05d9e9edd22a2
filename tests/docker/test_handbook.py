"""The table in docs/handbook.md: each command word for word on a real Slurm, and what it promises."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
import pytest

import keychains
import rig
from forwarded import free_port, is_free
from rig import ROOT, Rig, wait_until, with_settings
from sites import as_delivered, sign_in, skip_unless_traceable, with_editor, with_password
from window import Window

LIMIT_S = 60
RUNS = ".local/state/lnode/runs"
CONFIG = """\
[hosts.unity]
keep_warm = "no"
[hosts.u_bash]
keep_warm = "no"
[profiles.gpu]
gpus = 1
mem = 1000
time = "24:00:00"
[profiles.cpu]
session = "livecpu"
mem = 1000
cpus = 4
"""
LONG = """\
import os, time
for step in range(100):
    print("step", step)
while not os.path.exists("go"):
    time.sleep(0.05)
print("done")
"""
# Takes a line for an answer, and asks before it goes on.
CLAUDE = """\
echo 'all tests pass'
while read -r answer; do echo "you said: $answer"; sleep 1; echo 'Do you want to proceed?'; done
"""

# Where sessions live on their nodes: the tmux server that has the session of -t. The nodes of the rig are this machine.
TMUX_OF_ANY = """\
#!/bin/sh
name=
for word; do
  [ "$before" != -t ] || name=${word#=}
  before=$word
done
for socket in /tmp/tmux-$(id -u)/lnode-*; do
  if /usr/bin/tmux -S "$socket" has-session -t "=${name%%:*}" 2>/dev/null; then exec /usr/bin/tmux -S "$socket" "$@"; fi
done
exec /usr/bin/tmux "$@"
"""
NOT_ON_NODES = {
    "lnode unity myproject -d": "plain ssh and tmux do not lead to another terminal of it",
    "lnode unity myproject --renew --early": "the job has the session, and not the session its jobs",
    "lnode unity myproject --renew": "the job ends with its shell; test_in_jobs.py has its end by time",
}

Check = Callable[[Rig, str], None]
CHECKS: dict[str, Check] = {}


def table() -> list[str]:
    """The rows of that table, without its head."""
    text = (ROOT / "docs" / "handbook.md").read_text(encoding="utf-8")
    return text.partition("| your handbook | lnode |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()


def command_of(row: str) -> str | None:
    """The command with which the second of two cells starts."""
    found = re.fullmatch(r"\| [^|]+ \| `(lnode [^`|]+)`(?:: [^|]+)? \|", row)
    return found and found[1]


def does(command: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS[command] = check
        return check

    return keep


@pytest.fixture(scope="module")
def _site(engine: docker.DockerClient, slurm_image: str, run: str) -> Iterator[Rig]:
    """A login node of this file's own, and `lnode` on the PATH of the laptop."""
    with rig.running(engine, "slurm", slurm_image, f"{run}-handbook") as started:
        (started.home / ".config" / "lnode" / "config.toml").write_text(CONFIG)
        lnode = started.folder / "bin" / "lnode"
        lnode.write_text(f'#!/bin/sh\nexec {sys.executable} -m lnode "$@"\n')
        lnode.chmod(0o755)
        assert started.exec("ln -s python3 /usr/bin/python", "root")[0] == 0
        yield started


@pytest.fixture
def site(_site: Rig) -> Iterator[Rig]:
    """The same; alice's sessions and jobs are gone after each row, so that the rows may come in any order."""
    yield _site
    _site.forget_sessions()


class OnNodes(Rig):
    """The same site with sessions that live on their nodes."""

    def exec(self, command: str, user: str = "alice") -> tuple[int, str]:
        return super().exec(f"PATH=/tmp/of-any:$PATH; {command}" if user == "alice" else command, user)


@pytest.fixture
def nodes(_site: Rig) -> Iterator[Rig]:
    rig_there = OnNodes(_site.container, _site.port, _site.folder)
    _site.exec(
        f"mkdir -p /tmp/of-any; printf %s {shlex.quote(TMUX_OF_ANY)} >/tmp/of-any/tmux; chmod 755 /tmp/of-any/tmux"
    )
    with with_settings(_site, CONFIG.replace("[hosts.unity]\n", '[hosts.unity]\nwhere = "node"\n')):
        yield rig_there
    _site.forget_sessions()
    _site.exec("rm -rf ~/.local/state/lnode/in_jobs")


def check(row: str, site: Rig) -> None:
    command = command_of(row)
    assert command, "the second cell has to start with a command"
    assert command in CHECKS, "nothing here tests this command"
    CHECKS[command](site, command)


@pytest.mark.parametrize("row", table(), ids=lambda row: command_of(row) or row)
def test_the_row(row: str, site: Rig) -> None:
    check(row, site)


@pytest.mark.full
@pytest.mark.parametrize("row", table(), ids=lambda row: command_of(row) or row)
def test_the_row_where_sessions_live_on_their_nodes(row: str, nodes: Rig) -> None:
    if why := NOT_ON_NODES.get(command_of(row) or ""):
        pytest.skip(why)
    check(row, nodes)


def test_nothing_is_tested_that_no_row_says() -> None:
    assert [command_of(row) for row in table()] == list(CHECKS)


def window(site: Rig, command: str, **env: str) -> Window:
    """The command as it is typed at a prompt."""
    return Window(["sh", "-c", f"exec {command}"], site.env(**env))


def ran(site: Rig, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command where nobody is."""
    return subprocess.run(
        ["sh", "-c", command], env=site.env(**env), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip


def said(site: Rig, command: str, **env: str) -> str:
    """What the command prints where nobody is, and all is well: stdout, then stderr."""
    done = ran(site, command, **env)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def put(site: Rig, path: str, text: str) -> None:
    """A file in alice's home."""
    done = subprocess.run(
        ["ssh", "unity", f"cat >{path}; chmod +x {path}"], env=site.env(), input=text, text=True, check=False
    )
    assert done.returncode == 0


def requested(site: Rig, session: str) -> str:
    """What the running job of a session's shell asked for: CPUs, memory, GPUs, time."""
    sid = "name" if isinstance(site, OnNodes) else "allocsid"
    columns = f"{sid}:.20,mincpus:.9,minmemory:.9,tres-per-node:.30,timelimit:.20"
    found: list[str] = []

    def runs() -> bool:
        pane = site.exec(f"tmux list-panes -t {session}: -F '#{{pane_pid}}'")[1].strip()  # not before there is one
        rows = map(str.split, site.exec(f"squeue -h -t RUNNING -O {columns}")[1].splitlines())
        asker = session if isinstance(site, OnNodes) else pane
        # A GPU is gpu:1 in Slurm 20.11, gres:gpu:1 in 22.05 and gres/gpu:1 in 24.11.
        found[:] = [re.sub("gres[:/]", "", " ".join(words)) for who, *words in rows if who == asker]
        return bool(found)

    try:
        wait_until(runs, f"the job of {session} runs")
    except TimeoutError as late:
        seen = (
            f"tmux list-panes -a; tmux capture-pane -p -t {session}:; squeue -O {columns},state:.12,reason:.20; sinfo"
        )
        late.add_note(site.exec(seen)[1] + site.exec("tail /var/log/slurm/*", "root")[1])
        raise
    return found[0]


def on_a_node(site: Rig, session: str) -> None:
    """The session is there, as the handbook has it made, and its allocation too."""
    if site.exec(f"tmux has-session -t ={session}")[0] == 0:
        pass
    elif isinstance(site, OnNodes):
        attaches(site, f"lnode unity {session} -m 1000 -t 1:00:00", session)
    else:
        site.exec(f"tmux -u new-session -d -s {session} 'sinteractive -m 1000 -t 1:00:00; bash'")
    requested(site, session)
    at_prompt(site, session, "SLURMD_NODENAME")


def at_prompt(site: Rig, session: str, variable: str) -> str:
    """What a variable holds for the shell in the session."""
    site.exec(f"tmux send-keys -t {session}: 'clear; echo {variable}=${variable}=' Enter")
    screen = f"tmux capture-pane -p -t {session}:"
    wait_until(lambda: f"\n{variable}=" in "\n" + site.exec(screen)[1], f"the shell in {session} answers")
    found = re.search(rf"^{variable}=(.*)=$", site.exec(screen)[1], re.MULTILINE)
    assert found
    return found[1]


def left(window: Window, session: str) -> None:
    """Ctrl-b d, after which it goes on."""
    window.detach()
    assert window.exit_status() == 0
    assert f"lnode: detached; {session} " in window.text()


def attaches(site: Rig, command: str, session: str) -> str:
    """Attached to a shell on a compute node, and left running there: what its job asked for."""
    with window(site, command) as shown:
        shown.wait_for("alice@login1")
        asked = requested(site, session)
        assert at_prompt(site, session, "SLURMD_NODENAME").startswith("node")
        left(shown, session)
    assert site.exec(f"tmux has-session -t ={session}")[0] == 0
    return asked


@does("lnode unity")
def _(site: Rig, command: str) -> None:
    assert attaches(site, command, "livenode") == "1 48000M N/A 3-00:00:00"
    assert attaches(site, command, "livenode") == "1 48000M N/A 3-00:00:00"
    assert len(jobs_of(site, "livenode")) == 1


@does("lnode unity myproject")
def _(site: Rig, command: str) -> None:
    assert attaches(site, command, "myproject") == "1 48000M N/A 3-00:00:00"


@does("lnode unity small -m 8000 -t 4:00:00 -c 8")
def _(site: Rig, command: str) -> None:
    assert attaches(site, command, "small") == "8 8000M N/A 4:00:00"


@does("lnode unity gpu1 -P gpu")
def _(site: Rig, command: str) -> None:
    assert attaches(site, command, "gpu1") == "1 1000M gpu:1 1-00:00:00"


@does("lnode unity -P cpu")
def _(site: Rig, command: str) -> None:
    assert attaches(site, command, "livecpu") == "4 1000M N/A 3-00:00:00"


@does("lnode unity notes --login")
def _(site: Rig, command: str) -> None:
    with window(site, command) as shown:
        shown.wait_for("alice@login1")
        assert at_prompt(site, "notes", "SLURM_JOB_ID") == ""
        left(shown, "notes")


@does("lnode unity myproject --existing")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    with window(site, command) as shown:
        shown.wait_for("alice@login1")
        left(shown, "myproject")


@does("lnode unity myproject -d")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    with Window(["ssh", "-t", "unity", "tmux attach -t myproject"], site.env()) as other:
        other.wait_for("alice@login1")
        with window(site, command) as shown:
            other.wait_for("[detached (from session myproject)]")
            shown.wait_for("alice@login1")
            left(shown, "myproject")


@does("lnode unity --ls")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    site.exec("tmux new-session -d -s queued 'salloc --begin=now+1hour; bash'")
    wait_until(lambda: "BeginTime" in site.exec("squeue -h -o %r")[1], "a job waits")
    rows = said(site, command).splitlines()
    assert rows[0].split() == ["SESSION", "KIND", "STATE", "NODE", "JOB", "LEFT", "WHY", "ATTACHED", "IDLE", "AGENT"]
    assert re.match(r"queued +node +waiting +\S+ +\d+ +\S+ +waits ", rows[1])
    assert any(re.match(r"myproject +node +running +node\d+ +\d+ +\d+ min", row) for row in rows)


@does("lnode unity --ls --watch")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    with window(site, command) as shown:
        shown.find(r"^myproject +node +running +node\d+")
        shown.press("q")
        assert shown.exit_status() == 0


@does("lnode --ls")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    site.exec("tmux new-session -d -s elsewhere", "u_bash")
    shown = said(site, command)
    assert re.search(r"^unity +myproject +node +running ", shown, re.MULTILINE), shown
    assert re.search(r"^u_bash +elsewhere +login +shell ", shown, re.MULTILINE), shown


@does("lnode unity myproject -L 8888")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    port = 8888 if is_free(8888) else free_port()
    with window(site, command if port == 8888 else command.replace("-L 8888", f"-L {port}:8888")) as shown:
        shown.find(rf"^lnode: localhost:{port} is port 8888 of node0\d, .* left; Ctrl-C ends")
        shown.press("\x03")
        assert shown.exit_status() == 130, shown.text()


@does("lnode unity myproject --code '~/proj'")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    site.exec("mkdir -p ~/proj")
    with with_editor(site):
        with window(site, command) as shown:
            shown.wait_for("[y/N]")
            shown.press("y\r")
            shown.find(r"^lnode: code opens /home/alice/proj on node0\d, ")
            assert shown.exit_status() == 0, shown.text()
        assert (site.home / "argv").read_text() == "--remote\nssh-remote+myproject.unity.lnode\n/home/alice/proj\n"
        assert (site.home / "said").read_text().startswith("sh on login1\n")


@does("lnode unity myproject --renew --early")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    assert said(site, command) == "lnode: myproject on unity asks for its next allocation in a new window\n"
    wait_until(lambda: len(jobs_of(site, "myproject")) == 2, "both run")


@does("lnode unity myproject --renew")
def _(site: Rig, command: str) -> None:
    site.exec("tmux kill-session -t =myproject")
    on_a_node(site, "myproject")
    (before,) = jobs_of(site, "myproject")
    site.exec("tmux send-keys -t myproject: 'cd /var/tmp; exit' Enter")
    wait_until(lambda: before not in site.exec("squeue -h -o %i")[1].split(), "its allocation has ended")
    with window(site, command) as shown:
        wait_until(lambda: bool(shown.look() or 1) and bool(jobs_of(site, "myproject")), "another job runs")
        assert jobs_of(site, "myproject") != [before]
        shown.wait_for("alice@login1")
        left(shown, "myproject")


def jobs_of(site: Rig, session: str) -> list[str]:
    """The running jobs that were asked for in the session's panes, or that have the session."""
    if isinstance(site, OnNodes):
        return site.exec(f"squeue -h -t RUNNING -n {session} -o %i")[1].split()
    panes = f"$(tmux list-panes -s -t {session}: -F '-e #{{pane_pid}}')"
    jobs = site.exec(f"squeue -h -t RUNNING -O jobid:.20,allocsid:.20 | grep -w {panes}")[1]
    return [row.split()[0] for row in jobs.splitlines()]


def claude(site: Rig) -> None:
    """Something that asks, in a session of that name."""
    if site.exec("tmux has-session -t =claude")[0] != 0:
        put(site, "claude", CLAUDE)
        site.exec("tmux -u new-session -d -s claude '~/claude'")
        wait_until(lambda: "all tests pass" in screen_of(site, "claude"), "it has started")


def screen_of(site: Rig, session: str) -> str:
    return site.exec(f"tmux capture-pane -p -t {session}:")[1]


@does("lnode unity claude --peek")
def _(site: Rig, command: str) -> None:
    claude(site)
    assert "all tests pass\n" in said(site, command)


@does('lnode unity claude --send "continue"')
def _(site: Rig, command: str) -> None:
    claude(site)
    assert said(site, command) == "lnode: typed 8 characters and Enter into claude on unity\n"
    wait_until(lambda: "you said: continue" in screen_of(site, "claude"), "it has been answered")


@does('lnode unity claude --wait-for "Do you want" --timeout 600')
def _(site: Rig, command: str) -> None:
    claude(site)
    site.exec("tmux send-keys -t claude: 'go on' Enter")
    assert said(site, command) == "Do you want to proceed?\n"


@does("lnode unity myproject --reset")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    site.exec("tmux send-keys -t myproject: C-s")
    assert "lnode: sent Ctrl-Q, which lets output go on after a Ctrl-S\n" in said(site, command)
    site.exec("tmux send-keys -t myproject: 'clear; echo thaw''ed' Enter")
    wait_until(lambda: "thawed" in screen_of(site, "myproject").splitlines(), "its output goes on")


@does("lnode unity myproject --kill")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    (job,) = jobs_of(site, "myproject")
    with window(site, command) as shown:
        shown.wait_for("end myproject on unity?")
        shown.press("y\r")
        assert shown.exit_status() == 0
        shown.find(rf"lnode: myproject on unity has ended, job {job} (\(|is cancelled)")
    assert site.exec("tmux has-session -t =myproject")[0] != 0
    wait_until(lambda: site.exec(f"squeue -h -t RUNNING -j {job}")[1] == "", "the job is gone")


def put_long(site: Rig) -> None:
    """What prints a hundred lines at once, and goes on until there is a file `go`."""
    put(site, "long.py", LONG)
    site.exec("rm -f ~/go")


def sim(site: Rig) -> None:
    """A run of that name goes on."""
    if site.exec(f"test -e ~/{RUNS}/sim -a ! -e ~/{RUNS}/sim/ended")[0] != 0:
        put_long(site)
        said(site, "lnode unity sim --run -- python long.py")
    wait_until(lambda: "step 99\n" in log_of(site, "sim"), "it runs")


def log_of(site: Rig, name: str) -> str:
    return site.exec(f"cat ~/{RUNS}/{name}/log")[1]


@does("lnode unity sim --run -- python long.py")
def _(site: Rig, command: str) -> None:
    ran(site, "lnode unity sim --kill --yes")  # that of another row
    put_long(site)
    assert said(site, command) == "lnode: sim runs on login1; its log: lnode unity sim --logs -f\n"
    wait_until(lambda: "step 99\n" in log_of(site, "sim"), "what it prints is in its log")


@does("lnode unity fit --run --on myproject -- ./fit 3")
def _(site: Rig, command: str) -> None:
    on_a_node(site, "myproject")
    put(site, "fit", '#!/bin/sh\necho "fit $1 in job $SLURM_JOB_ID"\n')
    (job,) = jobs_of(site, "myproject")
    said(site, command)
    wait_until(lambda: log_of(site, "fit") == f"fit 3 in job {job}\n", "its log says where it ran")


@does("lnode unity sim --logs -f")
def _(site: Rig, command: str) -> None:
    sim(site)
    with window(site, command) as shown:
        shown.wait_for("step 99")
        site.exec("touch ~/go")
        assert shown.exit_status() == 0
        shown.find(r"^done\nlnode: sim on unity ended after .* with exit code 0")


@does("lnode unity sim --logs -n 20")
def _(site: Rig, command: str) -> None:
    sim(site)
    assert said(site, command).splitlines()[:20] == [f"step {step}" for step in range(80, 100)]


@does("lnode unity sim --kill")
def _(site: Rig, command: str) -> None:
    sim(site)
    with window(site, command) as shown:
        shown.wait_for("[y/N]")
        shown.press("y\r")
        assert shown.exit_status() == 0
    assert site.exec("pgrep -f long[.]py")[1] == ""


@does("lnode unity --rescue $PID")
def _(site: Rig, command: str) -> None:
    skip_unless_traceable(site)
    put(
        site,
        "ticks",
        "#!/usr/bin/python3\nimport time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.5)\n",
    )
    with Window(["ssh", "-t", "unity", "echo pid=$$; exec ./ticks"], site.env()) as old:
        pid = old.find(r"^pid=(\d+)")[1]
        old.wait_for("tick")
        words = said(site, command, PID=pid)
    assert words == (
        f"lnode: {pid} is in rescued-{pid} on unity now; what it had printed stays in its old terminal: "
        f"lnode unity rescued-{pid}\n"
    )


@does("lnode unity --setup")
def _(site: Rig, command: str) -> None:
    with window(site, command) as shown:
        shown.wait_for("[y/N]")
        shown.press("y\r")
        assert shown.exit_status() == 0
    assert site.exec("bash -ic 'type livenode livegpu livecpu'")[1].count(" is a function") == 3
    assert site.exec("tmux -L fresh -f ~/.tmux.conf start-server ';' show-options -gv mouse")[1] == "on\n"


@contextmanager
def newly(site: Rig) -> Iterator[None]:
    """A laptop that has never signed in to any host: what that takes, it remembers."""
    known = site.home / ".local" / "state" / "lnode" / "sign-ins"
    known.unlink(missing_ok=True)
    yield
    known.unlink(missing_ok=True)


@does("lnode unity --close")
def _(site: Rig, command: str) -> None:
    with newly(site), with_password(site), as_delivered(site):
        with window(site, "lnode unity notes --login") as shown:
            sign_in(shown)
            shown.wait_for("alice@login1")
            left(shown, "notes")
        assert "SESSION" in said(site, "lnode unity --ls")
        assert said(site, command) == "lnode: the connection to unity is closed; sessions go on there\n"
        assert ran(site, "lnode unity --ls").returncode == 5


@does("lnode unity --sign-in")
def _(site: Rig, command: str) -> None:
    keychain = keychains.encrypted_file(site.folder / "keychain")
    with newly(site), with_password(site):
        with window(site, command, **keychain) as shown:
            sign_in(shown)
            assert shown.exit_status() == 0
            assert "lnode: the keychain keeps alice@lnode-rig's password" in shown.text()
        said(site, "lnode unity --ls", **keychain)
        said(site, "lnode unity --forget", **keychain)
        assert ran(site, "lnode unity --ls", **keychain).returncode == 5


@does("lnode unity --doctor")
def _(site: Rig, command: str) -> None:
    site.exec("sed -i '1i echo module loaded' ~/.bashrc")
    done = ran(site, command)
    site.exec("sed -i 1d ~/.bashrc")
    assert done.returncode == 1
    assert re.search(r"^shell +your rc file prints .*: module loaded\n +fix: ", done.stdout, re.MULTILINE), done
