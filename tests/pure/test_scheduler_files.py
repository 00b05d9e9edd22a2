"""A scheduler is two files and a row: nothing else names one, and each sh file has all that the scripts call."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import lnode
from lnode.cluster.tmux import ExitOfAttach
from lnode.remote import call
from lnode.schedulers import known, slurm

HOUSE = Path(lnode.__file__).parent
FUNCTIONS = (
    "list", "probe", "node", "asked", "back", "when", "requested_on", "compute_nodes", "cluster", "called", "step",
    "end_step", "end_requested", "queues", "closures",
)  # fmt: skip
WORDS = ("program", "module", "places", "variables", "requesters", "relays", "steps", "daemon", "gives_up", "cancels")
NAMES = re.compile(
    r"squeue|scancel|qstat|qselect|qconf|bjobs|slurm|\bpbs|\blsf|\bsge\b|srun|salloc|sattach|sbatch|qdel|qsub|bkill|bsub"
    r"|nios|qrsh|qlogin|oarsub|oarstat|oardel|\boar\b|\bflux\b|condor|sinteractive",
    re.IGNORECASE,
)
EXCEPTIONS = {
    "demo/state.py": "stand-ins for the programs",
    "laptop/settings.py": "the default command",
    "commands/setup/setup.py": "a site's own sinteractive, which is the default command",
    "remote/setup.sh": "the same",
    "commands/init/programs.py": "the programs of sites",
    "commands/doctor/checks.py": "sentences that you read",
    "commands/doctor/judges.py": "sentences that you read",
    "commands/run.py": "sentences that you read",
    "node/reachable.py": "sentences that you read",
}


def code_of(path: Path) -> str:
    """The file without comments and docstrings, which may explain."""
    text = path.read_text()
    if path.suffix == ".sh":
        return re.sub(r"(^|\s)#\s.*", "", text)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ] or [ast.Pass()]
    return ast.unparse(tree)


def test_no_other_file_names_a_scheduler() -> None:
    paths = (path for ending in ("*.py", "*.sh") for path in HOUSE.rglob(ending))
    rooms = {str(path.relative_to(HOUSE)): path for path in paths if path.parent.name != "schedulers"}
    assert {room: NAMES.findall(code_of(path)) for room, path in rooms.items() if room not in EXCEPTIONS} == {
        room: [] for room in rooms if room not in EXCEPTIONS
    }


@pytest.mark.parametrize("name", known.KNOWN)
def test_each_sh_file_answers_by_all_names(name: str) -> None:
    text = (HOUSE / "schedulers" / f"{name}.sh").read_text()
    unable = (HOUSE / "remote" / "parts" / "unable.sh").read_text()
    asked = "".join(f"command -v {name}_{word} >/dev/null || echo {word}\n" for word in (*FUNCTIONS, "jobs"))
    sh = ("sh", "-c", f"schedulers={name}:1\n{unable}{text}\n{asked}")
    assert subprocess.run(sh, capture_output=True, text=True, check=False).stdout == ""
    assert [word for word in WORDS if f"{name}_{word}=" not in text] == []


@pytest.mark.parametrize("name", known.KNOWN)
def test_both_files_name_the_same_programs(name: str) -> None:
    text = (HOUSE / "schedulers" / f"{name}.sh").read_text()
    requesters = re.search(rf"{name}_requesters='?([\w -]+)", text)
    assert requesters is not None
    assert set(requesters[1].split(f" {name}_")[0].split()) == known.scheduler(name).requesters
    assert cancels(name) in text


def test_the_exit_codes_are_as_they_always_were() -> None:
    assert known.KNOWN.items() >= {"slurm": 120, "pbs": 121, "lsf": 122, "sge": 123}.items()
    codes = [*known.KNOWN.values(), *map(int, ExitOfAttach)]
    assert len(set(codes)) == len(codes)


def cancels(name: str) -> str:
    return f"_cancels={shlex.quote(known.scheduler(name).cancel)}\n"


def called(script: str) -> set[str]:
    """The functions of schedulers that this script's text has."""
    return set(re.findall(rf"^((?:{'|'.join(known.KNOWN)})_\w+)\(\)", call.source(script), re.MULTILINE))


def test_a_script_carries_the_functions_that_it_asks_for() -> None:
    assert called("list") >= {"slurm_list", "slurm_jobs", "pbs_jobs", "sge_evidence", "oar_jobs", "oar_ask"}
    assert not called("session") & {"slurm_list", "pbs_jobs", "slurm_queues", "oar_jobs", "oar_ask", "sge_probe"}
    assert called("node_session") >= {"slurm_submit", "slurm_clean", "slurm_back", "pbs_cluster"}
    for name in known.KNOWN:  # whose words are whole, also where no function follows
        assert cancels(name) in call.source("session")
    everywhere = set[str]().union(*(called(path.stem) for path in (HOUSE / "remote").glob("*.sh")))
    files = "".join(path.read_text() for path in (HOUSE / "schedulers").glob("*.sh"))
    assert everywhere == set(re.findall(r"^(\w+)\(\)", files, re.MULTILINE))


@pytest.mark.parametrize("script", sorted(path.stem for path in (HOUSE / "remote").glob("*.sh")))
def test_no_part_takes_the_name_of_a_value_before_the_script_runs(script: str) -> None:
    """The values stand before the parts, which run first."""
    whole = call.texts(script)
    parts = [part for part in map(Path.read_text, (HOUSE / "remote/parts").glob("*.sh")) if part in whole]
    for part in parts:
        at_once = re.sub(r"^\w+\(\) [{(]\n.*?\n[})]$", "", call._bare(part), flags=re.MULTILINE | re.DOTALL)
        reads = " ".join(re.findall(r"\bread (?:-r )?([\w ]+)", at_once)).split()
        taken = {*re.findall(r"(?:^|[\s;])(\w+)=", at_once), *re.findall(r"\bfor (\w+)", at_once), *reads}
        assert not taken & {*call.value_names(script)}, part[:300]
    assert parts or script in ("request", "keeper", "step_sshd")


def test_slurm_is_asked_for_the_fields_that_are_read() -> None:
    text = (HOUSE / "schedulers" / "slurm.sh").read_text()
    assert f"{','.join(f'{field}:{width}' for field, width in slurm.WIDTHS.items())})" in text


def test_what_follows_a_request_is_one_line_for_every_shell() -> None:
    assert "squeue" in call.after_request()
    assert not set(call.after_request()) & set("!\\'\n")
