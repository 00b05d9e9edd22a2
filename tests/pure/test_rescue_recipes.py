"""A process that nothing protects: what becomes of it, and what its own shell has to be told."""

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.commands.rescue import recipes
from lnode.commands.rescue.recipes import Fate, RescueProcess

FACTS = {
    "uid": "1000", "mine": "yes", "tty": "pts/3", "state": "S+", "job": "5", "others": "0", "shell": "bash",
    "tmux": "yes", "reptyr": "yes", "permitted": "yes",
    "command": binascii.b2a_base64(b"python\0two words\0", newline=False).decode(),
}  # fmt: skip


def process(**facts: str) -> RescueProcess:
    found = recipes.parse(f"{name} {value}" for name, value in {**FACTS, **facts}.items())
    assert isinstance(found, RescueProcess)
    return found


def test_who_can_be_moved() -> None:
    assert recipes.fate(process()) is recipes.fate(process(state="S")) is recipes.fate(process(shell="")) is Fate.TAKE
    assert process().command == ("python", "two words")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"session": "two words"}, "is in the session two words already: lnode unity 'two words'"),
        ({"screen": "yes"}, "is in a screen already, which keeps it"),
        ({"immune": "yes"}, "ignores hangups, so it goes on by itself"),
        ({"immune": "yes", "tty": "", "piped": ""}, "ignores hangups, so it goes on by itself"),
        ({"tty": ""}, "has no terminal, so it goes on by itself"),
    ],
)
def test_who_needs_nothing(facts: dict[str, str], why: str) -> None:
    assert recipes.fate(process(**facts)) is Fate.SAFE
    assert recipes.why_safe(process(**facts), "unity") == why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"tmux": ""}, "there is no tmux"),
        ({"reptyr": ""}, "there is no reptyr"),
        ({"permitted": ""}, "one process may not take hold of another there (ptrace_scope)"),
        ({"others": "1"}, "another process shares its job, and reptyr takes one alone"),
        ({"others": "3"}, "3 others share its job, and reptyr takes one alone"),
    ],
)
def test_who_cannot_be_moved(facts: dict[str, str], why: str) -> None:
    assert recipes.fate(process(**facts)) is Fate.BY_HAND
    assert recipes.why_by_hand(process(**facts)) == why


@pytest.mark.parametrize("facts", [{}, {"immune": "yes"}, {"tty": ""}, {"tty": "", "immune": "yes"}])
def test_what_a_logout_ends_does_not_go_on_by_itself(facts: dict[str, str]) -> None:
    one = process(**facts, at_logout="yes")
    assert recipes.fate(one) is Fate.BY_HAND
    assert recipes.why_by_hand(one) == "systemd ends it when you log out there (KillUserProcesses)"
    assert recipes.recipe(one, "unity")[0] == "it goes on as long as you stay logged in there"
    assert recipes.fate(process(session="work", at_logout="yes")) is Fate.SAFE


# Those of bash, zsh, fish, tcsh and dash are typed at them in inprocess/test_rescue_recipes.py.
@pytest.mark.parametrize(
    ("shell", "state", "words"),
    [
        ("bash", "S+", "Ctrl-Z, then bg; disown -h 5"),
        ("bash", "S", "disown -h 5"),
        ("bash", "T", "kill -CONT -5; disown -h 5"),
        ("ksh", "S+", "Ctrl-Z, then bg; disown 5"),
        ("zsh", "S", "disown %N, where jobs -l has 5 as number N"),
        ("tcsh", "S+", "Ctrl-Z, then bg"),
        ("dash", "S", "nothing else to do: dash does not hang up programs in the background"),
        ("", "S+", "Ctrl-Z, then bg; and where that is bash: disown -h 5"),
        ("", "S", "its shell is unknown; in bash, type: disown -h 5"),
    ],
)
def test_what_its_shell_is_told(shell: str, state: str, words: str) -> None:
    assert recipes.recipe(process(shell=shell, state=state), "unity") == [
        f"at its terminal (pts/3): {words}",
        "what it has printed stays there; what it prints when that is gone is an error, of which many end",
        "next time: lnode unity NAME --run -- python 'two words'",
    ]


def test_what_prints_into_an_ssh_is_not_safe() -> None:
    piped = process(tty="", piped="yes", immune="yes")  # it is no hangup that ends it
    assert recipes.fate(piped) is Fate.BY_HAND
    assert recipes.why_by_hand(piped).startswith("it prints into the ssh that started it")
    assert recipes.recipe(piped, "unity") == [
        "it goes on until that ssh is gone and it prints a line: most programs end at that",
        "next time: lnode unity NAME --run -- python 'two words'",
    ]


def test_who_is_not_there_or_not_yours() -> None:
    assert recipes.parse(["uid "]) == recipes.parse([]) == "gone"
    assert recipes.parse(["uid 0"]) == "not yours"


@given(st.lists(st.text()))
def test_any_words_are_read(rows: list[str]) -> None:
    found = recipes.parse([*rows, "uid 1", "mine yes"])
    assert isinstance(found, RescueProcess)
    recipes.fate(found)
    recipes.recipe(found, "unity")
