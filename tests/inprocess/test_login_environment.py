"""A request has the environment of your prompt, in every login shell; a question takes it only if it has to."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inprocess.cluster_home import CSH, DETACH, Site, attach_line, needs_tmux, no_slurm, status_of
from lnode.cluster import tmux
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call
from rig import wait_until

PROMPT_FILES = {"bash": ".bash_profile", "zsh": ".zshrc", "dash": ".profile", "fish": ".config/fish/config.fish"}


def write_prompt_file(site: Site, **values: str) -> None:
    """As people do: only an interactive login shell gets so far."""
    shell = Path(site.shell).name
    if shell in CSH:
        name, text = ".login", "".join(f"setenv {name} '{value}'\n" for name, value in values.items())
    elif shell == "fish":
        name = PROMPT_FILES[shell]
        text = "".join(f"status is-interactive; and set -x {name} '{value}'\n" for name, value in values.items())
    else:
        name = PROMPT_FILES[shell]
        text = "case $- in *i*) ;; *) return ;; esac\n"
        text += "".join(f"export {name}='{value}'\n" for name, value in values.items())
    (site.home / name).write_text(f"echo Welcome\n{text}")


def requested(site: Site) -> str:
    """What an allocation would get, as an attach asks for it, with a tmux that runs already from before."""
    site.tmux("new-session", "-d", "-s", "before", "cat")
    site.program("salloc", 'env >"$HOME/new"; mv "$HOME/new" "$HOME/requested"; exec cat')
    command = call.in_pane(tmux.pane_command("salloc", call.after_request()), "x")
    child = site.attach(attach_line("x", command=command, program="salloc"))
    wait_until((site.home / "requested").exists, "the request is made")
    assert status_of(child, DETACH) == ExitOfAttach.DETACHED
    return (site.home / "requested").read_text()


@needs_tmux
def test_a_request_has_the_environment_of_your_prompt(site: Site) -> None:
    wanted = {"SALLOC_ACCOUNT": "physics ! it %", "SLURM_CONF": "/opt/site/slurm.conf", "http_proxy": "gate:1"}
    write_prompt_file(site, **wanted, TERM="vt52")  # which is the pane's own
    lines = requested(site).splitlines()
    assert {f"{name}={value}" for name, value in wanted.items()} <= {*lines}
    names = [line.partition("=")[0] for line in lines]
    assert "TMUX" in names and "LNODE_SAY" not in names
    assert f"TERM={site.tmux('show-options', '-gv', 'default-terminal')}" in lines


BASH_FILES = {
    "replaced": "export A=1; exec zsh -l",
    "replaced on a terminal": "export A=1; [ -t 1 ] && exec zsh -l",
    "never ends": "sleep 1000",
    "leaves something behind": "export A=1; sleep 1000 &",
    "asks": "export A=1; read -r project; echo project",
    "fails": "export A=1; exit 3",
    "fails and leaves something behind": "export A=1; sleep 1000 & exit 3",
    "several lines": "export A=1; export B='one\ntwo='",
    "readonly": "readonly UID2=3; export A=1 UID2 UID SHELLOPTS",
    "prints the end": "export A=1; echo lnode-begun-$PPID; echo lnode-whole-$PPID",
}


@needs_tmux
@pytest.mark.parametrize("what", [what for what in BASH_FILES if what != "never ends"])
def test_the_request_is_made_whatever_the_rc_file_does(folder: Path, what: str) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("no zsh here")
    site = Site(folder, "/bin/bash")
    try:
        (site.home / ".bash_profile").write_text(BASH_FILES[what])
        (site.home / ".zshrc").write_text("")
        lines = requested(site).splitlines()
        assert ("A=1" in lines) is (not what.startswith("fails"))
        if what == "several lines":
            assert "two=" in lines
    finally:
        site.end()


# It answers only with its configuration; each question is counted.
SQUEUE = """\
echo asked >>"$HOME/asked"
[ "$SLURM_CONF" = "/opt/my site.conf" ] || { echo 'squeue: fatal: no configuration' >&2; exit 1; }
"""


@needs_tmux
def test_a_scheduler_whose_configuration_only_the_prompt_knows_answers(site: Site) -> None:
    site.program("squeue", SQUEUE)
    write_prompt_file(site, SLURM_CONF="/opt/my site.conf")
    assert site.picture().scheduler == "ok"
    assert (site.home / "asked").read_text().count("asked") == 2


@needs_tmux
@pytest.mark.parametrize(("does", "starts"), [("", ""), ("exec sleep 1000", ""), ("exit 1", "started\n")])
def test_no_question_starts_a_login_shell_unless_the_scheduler_refuses(sh_site: Site, does: str, starts: str) -> None:
    sh_site.program("squeue", does)
    (sh_site.home / ".profile").write_text('echo started >>"$HOME/started"\n')
    assert sh_site.picture().scheduler == ("silent" if does else "ok")
    path = sh_site.home / "started"
    assert (path.read_text() if path.exists() else "") == starts


@needs_tmux
@no_slurm
def test_a_login_shell_that_takes_too_long_is_no_proof_that_there_is_no_scheduler(sh_site: Site) -> None:
    """Only a module, or an rc file, may know where it is; and that has not been heard. Takes 10 s."""
    (sh_site.home / "bin" / "squeue").unlink()
    (sh_site.home / ".profile").write_text("sleep 30\n")
    assert sh_site.picture().scheduler == "silent"


@needs_tmux
def test_a_job_is_cancelled_there_too(sh_site: Site) -> None:
    (sh_site.home / ".profile").write_text("export SLURM_CONF='/opt/my site.conf'\n")
    sh_site.program("scancel", '[ -n "$SLURM_CONF" ] && echo "$*" >"$HOME/cancelled"')
    sh_site.program("squeue", SQUEUE)
    sh_site.tmux("new-session", "-d", "-s", "x", "cat")
    id_ = sh_site.tmux("display-message", "-p", "-t", "x:", "#{session_id}")
    assert "cancel" in sh_site.reply("kill", "x", tell=f"{id_} 4711\n")
    assert (sh_site.home / "cancelled").read_text() == "4711\n"


@needs_tmux
def test_another_cluster_that_only_the_prompt_knows_does_not_answer_for_this_one(sh_site: Site) -> None:
    """Its controller restarts, and the jobs of another cluster are none of it."""
    conf = sh_site.home / "etc" / "slurm.conf"  # beside bin
    conf.parent.mkdir()
    conf.write_text("ClusterName=cpu\n")
    (sh_site.home / ".profile").write_text("export SLURM_CLUSTERS=gpu SLURM_NEW=x\n")
    sh_site.program("squeue", 'echo "${SLURM_CLUSTERS-none}" >>"$HOME/asked"; [ -n "$SLURM_CLUSTERS" ] || exit 1')
    assert sh_site.picture().scheduler == "silent"
    assert (sh_site.home / "asked").read_text().split() == ["none", "none"]
    conf.unlink()
    assert sh_site.picture().scheduler == "ok"


@pytest.fixture
def run_in(folder: Path) -> Iterator[Callable[[str], Site]]:
    """Make a site whose login shell that is."""
    made: list[Site] = []

    def make(shell: str) -> Site:
        path = shutil.which(shell)
        if path is None:
            pytest.skip(f"no {shell} here")
        made.append(Site(folder, path))
        return made[0]

    yield make
    for one in made:
        one.end()


def log_of_a_run(site: Site, *command: str) -> str:
    values = ("sim", call.run_id(), "", shlex.join(command), "", "unity", call.source("keeper"))
    nonce = call.nonce()
    said = site.answer(call.question("run", nonce, *values), "start\n\n").stdout
    assert f"{nonce} started" in said, said
    folder = site.home / ".local/state/lnode/runs/sim"
    wait_until((folder / "ended").exists, "the run ends")
    assert (folder / "ended").read_text().split()[0] == "0"
    assert {path.name for path in folder.iterdir()} == {"command", "log", "id", "started", "ended"}
    return (folder / "log").read_text()


def test_a_run_has_the_environment_of_your_prompt(site: Site) -> None:
    write_prompt_file(site, PROJECT="physics ! it %")
    assert log_of_a_run(site, "sh", "-c", "echo $PROJECT; env | grep LNODE || :") == "physics ! it %\n"


@pytest.mark.parametrize(
    ("shell", "name", "text"),
    [
        ("zsh", ".zshrc", "exec zsh -f"),
        ("zsh", ".zshrc", "exit 3"),
        ("zsh", ".zshrc", "exec sleep 1000"),
        ("zsh", ".zshrc", "read answer; echo $answer"),
        ("bash", ".bash_profile", "case $- in *i*) exec zsh -l ;; esac"),
        ("bash", ".bash_profile", "case $- in *i*) exec tmux new -A -s main ;; esac"),
    ],
)
def test_a_run_starts_whatever_a_prompt_would_do(
    run_in: Callable[[str], Site], shell: str, name: str, text: str
) -> None:
    site = run_in(shell)
    (site.home / name).write_text(f"{text}\n")
    (site.home / ".zprofile").write_text("export A=1\n")
    (site.home / ".zshrc").touch()
    assert log_of_a_run(site, "echo", "done") == "done\n"
    wait_until(
        lambda: not [path for path in Path("/proc").glob("[0-9]*") if is_of(path, site.home, b"sleep")], "none is left"
    )


def test_a_login_shell_that_ends_each_time_is_said_at_once(run_in: Callable[[str], Site]) -> None:
    site = run_in("bash")
    (site.home / ".bash_profile").write_text("exit 3\n")
    nonce = call.nonce()
    values = ("sim", call.run_id(), "", "true", "", "unity", call.source("keeper"))
    said = site.answer(call.question("run", nonce, *values), "start\n\n").stdout
    assert f"{nonce} not-started" in said, said


def is_of(process: Path, home: Path, program: bytes) -> bool:
    """Is that a process in that home?"""
    try:
        told = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
    except OSError:
        return False
    return told[0].startswith(program) and f"HOME={home}\0".encode() in told[1]
