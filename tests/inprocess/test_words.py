"""The table of words against what stands elsewhere: each verb's function, --help and the man page."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from inspect import Parameter, signature
from pathlib import Path

import pytest

from lnode.cli import dispatch, manual
from lnode.cli.words import OPTIONS, VERBS, WORDS, Scope, Verb
from lnode.laptop.settings import HostSettings

MAN_PAGE = Path(__file__).parents[2] / "docs" / "lnode.1"
LIMIT_S = 20
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][a-z-]*")


def keywords(verb: Verb) -> dict[str, tuple[object, bool]]:
    """The keyword arguments that the table tells for a verb: the type of each, and whether it may be left out."""
    own: dict[str, tuple[object, bool]] = {verb.value: (verb.type, False)} if verb.value else {}
    if verb.name in ("run", "exec"):
        own["command"] = (list[str], False)
    if verb.name == "man":
        own["page"] = (str, False)
    beside = [word for word in WORDS if verb.name in word.beside and word.argument]
    return own | {word.argument: (bool if word.type is bool else word.type | None, True) for word in beside}


def taken(parameters: list[Parameter]) -> dict[str, tuple[object, bool]]:
    assert all(one.kind is Parameter.KEYWORD_ONLY for one in parameters)
    types = {Sequence[str]: list[str]}
    return {
        one.name: (types.get(one.annotation, one.annotation), one.default is not Parameter.empty) for one in parameters
    }


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_verbs_function_takes_what_its_row_says(verb: Verb) -> None:
    parameters = [*signature(dispatch._function(verb.name, verb.name)).parameters.values()]
    place = [one for one in parameters if one.kind is not Parameter.KEYWORD_ONLY]
    names = [one.name for one in place]
    if verb.connects:
        assert names == ["address"]
    elif verb.scope is Scope.LAPTOP:
        assert names == []
    else:
        assert names == ["host", *["session"][: verb.scope is Scope.SESSION]]
    assert taken(parameters[len(place) :]) == keywords(verb)


@pytest.mark.parametrize("verb", [verb for verb in VERBS.values() if verb.scope is Scope.HOSTS], ids=lambda v: v.name)
def test_a_verb_for_all_hosts_takes_the_same_without_one(verb: Verb) -> None:
    parameters = [*signature(dispatch._function(verb.name, "without_host")).parameters.values()]
    assert taken(parameters) == keywords(verb)


def test_each_verb_is_a_file_and_each_file_a_verb() -> None:
    folder = Path(dispatch.__file__).parents[1] / "commands"
    assert {path.stem for path in folder.iterdir() if not path.name.startswith("__")} == {*VERBS}


def test_no_word_is_declared_twice() -> None:
    flags = [flag for word in WORDS for flag in word.flags]
    assert len({*flags}) == len(flags)
    assert len(VERBS) + len(OPTIONS) == len(WORDS) == len({word.name for word in WORDS})


def test_options_go_with_verbs_that_are_there() -> None:
    assert {name for word in WORDS for name in word.beside} <= {*VERBS}


def test_words_of_the_settings_are_settings() -> None:
    assert {name for name, option in OPTIONS.items() if option.of_settings} - {"profile"} <= {*HostSettings._fields}


def test_help_names_the_words_of_the_table_and_no_others() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lnode", "--help"], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    rows = "\n".join(re.findall(r"^  (-[\w-]+(?:, -[\w-]+)*)", done.stdout, re.MULTILINE))
    assert {*FLAG.findall(rows)} == {flag for word in WORDS if word.group for flag in word.flags} | {"-h", "--help"}


def test_the_man_page_is_that_of_the_table() -> None:
    """It goes into the wheel."""
    text = MAN_PAGE.read_text(encoding="utf-8")
    assert text == manual.page()
    tags = re.findall(r"^\.TP\n(\\fB.*)$", text.partition(".SH OPTIONS")[2], re.MULTILINE)
    named = {*FLAG.findall(" ".join(tags).replace("\\-", "-").replace("\\fB", " "))}
    assert named == {flag for word in WORDS if word.group for flag in word.flags}


@pytest.mark.skipif(shutil.which("man") is None, reason="no man(1) here")
def test_man_reads_the_page_without_a_warning() -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=manual.page(), env=env, capture_output=True, text=True,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "--ls" in done.stdout


# Words other than `lnode x --verb`, and an exit code other than 0.
TYPED = {"completion": ["--completion", "bash"], "drop": ["demo", "--drop", "5"]}
CODES = {"drop": 1}  # there is no demo


@pytest.mark.parametrize("verb", [name for name, verb in VERBS.items() if not verb.connects])
def test_a_verb_that_connects_to_no_host_starts_no_ssh(verb: str, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    ssh.chmod(0o755)
    env = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }  # fmt: skip
    typed = TYPED.get(verb, [VERBS[verb].flag] if VERBS[verb].scope is Scope.LAPTOP else ["x", VERBS[verb].flag])
    done = subprocess.run(
        [sys.executable, "-m", "lnode", *typed],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, (tmp_path / "started").exists()) == (CODES.get(verb, 0), False), done.stderr
