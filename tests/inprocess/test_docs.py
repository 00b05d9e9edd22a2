"""README and docs: each command that they name is one that lnode takes, and each link leads to a file."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main

import generated
import plain_words
from lnode.cli import parser
from lnode.cli.completing import Known, Names, candidates
from lnode.cli.words import VERBS, WORDS, Scope
from lnode.commands.guide import GUIDE
from lnode.demo import state
from lnode.errors import ExitCode
from lnode.laptop.setting_keys import KEYS
from lnode.laptop.settings import HostSettings
from nearby import nearby

FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][a-z-]*")
FENCE = re.compile(r"((?:<!-- not run: .+ -->\n)?)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:lnode |-)[^`\n]*)`")
TEST = "## Test\n\n"  # .ci/run runs the block below it


class Block(NamedTuple):
    """A fenced block: `marked` if a comment tells why no test runs it."""

    page: str
    marked: bool
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for page in plain_words.PAGES:
        text = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            of_ci = text[: found.start()].endswith(TEST)
            yield Block(page.name, bool(found[1]) or of_ci, found[2], found[3])


def typed(block: Block) -> list[str]:
    """The lines that you type: all of an sh block, those behind a prompt of another one without a language."""
    if block.language == "sh":
        return [line for line in block.text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [line[2:] for line in block.text.splitlines() if block.language == "" and line.startswith("$ ")]


def spans() -> Iterator[str]:
    for page in plain_words.PAGES:
        yield from SPAN.findall(FENCE.sub("", generated.by_hand(page.read_text(encoding="utf-8"))))


def hints() -> Iterator[str]:
    """The commands that the hints of lnode's messages name."""
    return (
        words.replace("--run ...", "--run -- x").rstrip()
        for words in re.findall(r"\b(lnode (?:HOST|unity) ?[^`;]*)", generated.messages())
    )


def greeting() -> Iterator[str]:
    """The commands that the demo's greeting names."""
    text = (Path(state.__file__).parent / "bin" / "sinteractive").read_text(encoding="utf-8")
    return (re.split(r"   +", row)[0] for row in re.findall(r"^    (lnode .*)$", text, re.MULTILINE))


LINES = [line for block in blocks() if not block.marked for line in typed(block)]
IN_GUIDE = [row.strip().partition("  ")[0] for row in GUIDE.splitlines() if row.startswith("    lnode ")]
SPANS = [span for span in spans() if span.startswith("lnode ")]
COMMANDS = sorted({*LINES, *SPANS, *greeting(), *hints(), *IN_GUIDE})


def test_there_are_commands_of_all_kinds() -> None:
    assert {"lnode unity myproject", "lnode --init", "lnode demo sim --run -- train", "lnode HOST NAME -d"} <= {
        *COMMANDS
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_lnode_takes_the_command(command: str) -> None:
    """Another program's command needs a comment above its block that tells why no test runs it."""
    program, *words = shlex.split(command, comments=True)
    assert program == "lnode", "run it in a test, or tell the reason above its block: <!-- not run: ... -->"
    words = [re.sub(r"^\$?PID$", "4711", word) for word in words]
    if words and words != ["--help"]:
        assert reads(words)


def reads(words: list[str]) -> bool:
    """Read words as parser.run_typed() does, all but the verb's work. Raises for words that lnode refuses."""
    mine, command = parser._parted(words)
    context = typer.main.get_command(parser._app).make_context("lnode", parser._with_values(mine))
    place = context.params.pop("host"), context.params.pop("session")
    verb, _ = parser._fitting(*place, {name: value for name, value in context.params.items() if value != ()})
    return (verb.name in ("run", "exec")) == bool(command)


@pytest.mark.parametrize("line", ["unity --lss", "unity x --ls", "unity --undo", "unity --kill --ls", "--peek"])
def test_words_that_lnode_refuses_are_seen(line: str) -> None:
    with pytest.raises(Exception, match=r"."):
        reads(line.split())


def test_the_docs_name_the_options_of_the_table_and_no_others() -> None:
    named = {flag for span in (*spans(), *LINES) for flag in FLAG.findall(span.split(" -- ")[0])}
    assert named - {"-h", "--help"} <= {flag for word in WORDS for flag in word.flags}
    assert [word.name for word in WORDS if word.group and not named & {*word.flags}] == []


def test_completion_offers_the_options_of_the_table_and_no_others() -> None:
    known = Known(hosts=lambda: (), profiles=lambda: (), names=lambda host: Names((), ()))
    offered = {flag for flag, _ in candidates(["-"], known)}
    for verb in VERBS.values():
        place = [] if verb.scope is Scope.LAPTOP else ["unity"]
        value = ["5"] if verb.metavar and verb.metavar[:1] != "[" else []
        for words in ([*place, "-"], [*place, *verb.flags, *value, "-"]):
            offered |= {flag for flag, _ in candidates(words, known)}
    assert offered - {"--help"} == {flag for word in WORDS if word.group for flag in word.flags}


@pytest.mark.parametrize("page", plain_words.PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).is_file()] == []


def test_the_readme_and_the_site_lead_to_every_page() -> None:
    text = (plain_words.ROOT / "README.md").read_text(encoding="utf-8")
    site = (plain_words.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    names = [page.name for page in plain_words.PAGES[1:]]
    assert [name for name in names if f"(docs/{name})" not in text and name != "index.md"] == []
    assert sorted(re.findall(r"^  - .+: (\S+\.md)$", site, re.MULTILINE)) == names


@pytest.mark.parametrize("page", plain_words.PAGES[1:], ids=lambda page: page.name)
def test_the_parts_that_are_made_from_the_code_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == generated.filled(text), "python docs/generated.py"


def test_each_part_that_can_be_made_stands_in_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in plain_words.PAGES)
    assert sorted(re.findall(r"^<!-- made from the code: (.+) -->$", text, re.MULTILINE)) == sorted(generated.PARTS)


def test_each_key_of_config_toml_is_in_words() -> None:
    assert tuple(KEYS) == HostSettings._fields


def test_the_messages_are_those_of_each_exit_code_that_is_a_failure() -> None:
    found = re.findall(r"^## Exit code (\d+): ", generated.messages(), re.MULTILINE)
    assert {*map(int, found)} == {*ExitCode} - {ExitCode.DONE, ExitCode.INTERRUPTED}
    assert "| `HOST refuses connections` | `the login node may be restarting" in generated.messages()


def rows(page: str, head: str) -> list[str]:
    """The rows of all tables of a page that have this head."""
    tables = (plain_words.ROOT / page).read_text(encoding="utf-8").split(f"{head}\n|---|---|\n")[1:]
    return [row for table in tables for row in table.partition("\n\n")[0].splitlines()]


OF_THE_HANDBOOK = "| your handbook | lnode |"  # tests/docker/test_handbook.py runs each row
TYPED = "| you type | you get |"


@pytest.mark.parametrize(
    ("page", "head", "least"),
    [
        ("docs/field.md", "| what you meet | what lnode does |", 50),
        ("docs/handbook.md", TYPED, 10), ("docs/agents.md", TYPED, 3),
    ],
)  # fmt: skip
def test_each_row_names_the_tests_that_run_it(page: str, head: str, least: int) -> None:
    files = (plain_words.ROOT / "tests").glob("*/test_*.py")
    there = {name for path in files for name in re.findall(r"^def test_(\w+)", path.read_text(encoding="utf-8"), re.M)}
    found = rows(page, head)
    assert len(found) >= least
    for row in found:
        named = re.search(r" <!-- ([\w ]+) --> \|$", row)
        assert named and {*named[1].split()} <= there, row


def handbook() -> set[str]:
    """The commands of both tables of the handbook, which tests run."""
    cells = [row.split(" | ")[1] for row in rows("docs/handbook.md", OF_THE_HANDBOOK)]
    cells += [row.split(" | ")[0] for row in rows("docs/handbook.md", TYPED)]
    return {command for cell in cells for command in re.findall(r"`(lnode[^`]*)`", cell)}


def test_the_everyday_commands_of_the_readme_stand_in_the_handbook() -> None:
    everyday = [row.split("`")[1] for row in rows("README.md", TYPED)]
    assert len(everyday) >= 10
    assert [command for command in everyday if command not in handbook()] == []


# In place of the programs that the pages name.
STAND_INS = {"python": 'echo "step 1 of 1000 $*"', "make": "echo passed", "nvidia-smi": "echo never"}
# What needs a real Slurm, or an address to send to -> the file and the test that run it.
ELSEWHERE = {
    "lnode unity --exec --on fit -- nvidia-smi": "docker/test_exec.py::on_a_session_it_runs_inside_its_allocation",
    "lnode unity --phone": "inprocess/test_phone.py::the_token_is_in_a_file_of_yours_alone_and_in_no_argument",
}


def test_the_commands_in_blocks_run() -> None:
    """On this computer, but for those that need a compute node: the handbook's, and one more, run on a real Slurm."""
    lines = [line for line in LINES if line not in handbook() and line not in ELSEWHERE]
    assert len(lines) >= 3
    for file, name in (test.split("::") for test in ELSEWHERE.values()):
        assert f"def test_{name}(" in (plain_words.ROOT / "tests" / file).read_text(encoding="utf-8")
    assert {*ELSEWHERE} <= {*LINES}
    with nearby() as near:
        (near.home / ".ssh" / "config").write_text("Host unity\n    HostName 127.0.0.1\n")
        (near.home / ".profile").write_text('PATH="$HOME/bin:$PATH"\n')  # of a run
        for name, script in STAND_INS.items():
            near.program(name, f"#!/bin/sh\n{script}\n")
        near.tmux("new-session", "-d", "-s", "myproject")
        for line in lines:
            done = near.lnode(*shlex.split(line)[1:])
            assert done.returncode == 0, (line, done)
        log = near.lnode("unity", "sim", "--logs", "-f").stdout
    assert log == "step 1 of 1000 long.py --label two words\n"


def test_the_readme_is_short() -> None:
    text = (plain_words.ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert [line for line in text.splitlines() if len(line) > 100] == []


@pytest.mark.parametrize("block", [one for one in blocks() if one.language == "sh"], ids=lambda one: one.page)
def test_an_sh_block_is_sh(block: Block) -> None:
    done = subprocess.run([shutil.which("sh") or "sh", "-n"], input=block.text, text=True, check=False, timeout=60)
    assert done.returncode == 0


def test_the_map_has_every_file() -> None:
    text = (plain_words.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = {*re.findall(r"[a-z_]+\.py", text.partition("## The map")[2] or text)}
    house = plain_words.ROOT / "client" / "lnode"
    here = {path.name for path in house.rglob("*.py") if "demo" not in path.parts and path.name != "__init__.py"}
    assert here <= listed, here - listed


def test_a_file_that_a_comment_names_is_there() -> None:
    house = plain_words.ROOT / "client" / "lnode"
    here = {path.name for folder in (house, plain_words.ROOT / "tests") for path in folder.rglob("*.*")}
    named = {
        (path.name, name)
        for path in [*house.rglob("*.sh"), *house.rglob("*.py"), *(plain_words.ROOT / "tests").rglob("*.py")]
        for name in re.findall(r"#.*?\b([a-z_]{4,}\.(?:py|sh))\b", path.read_text(encoding="utf-8"))
    }
    assert {(where, name) for where, name in named if name not in here} == set()
