"""What could stand in place of the word that you are typing."""

import pytest

from lnode.cli.completing import Known, Names, candidates
from lnode.cli.words import OPTIONS, VERBS, Scope

NAMES = {
    "unity": Names(["default", "fit"], ["sim"]),
    "evil": Names(["a;id", "$(id)", "-rf", "x y", "ok", "\x1b[m"], ["`id`"]),
}
KNOWN = Known(lambda: ["unity", "union", "evil"], lambda: ["gpu", "big"], lambda host: NAMES.get(host, Names([], [])),
              lambda: ["agents", "reconnect", "runs"])  # fmt: skip


def words(*typed: str) -> list[str]:
    return [word for word, _ in candidates(typed, KNOWN)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (("",), ["unity", "union", "evil"]),
        (("uni",), ["unity", "union"]),
        (("unity", ""), ["default", "fit"]),
        (("unity", "f"), ["fit"]),
        (("nowhere", ""), []),
        (("unity", "--logs", ""), ["sim"]),
        (("unity", "--kill", ""), ["sim", "default", "fit"]),
        (("unity", "--ls", ""), []),
        (("unity", "fit", ""), []),
        (("unity", "-P", ""), ["gpu", "big"]),
        (("-P", "b"), ["big"]),
        (("unity", "sim", "--run", "--on", "f"), ["fit"]),
        (("unity", "fit", "--wait-for", ""), ["idle", "bell", "agent"]),
        (("unity", "fit", "--where", ""), ["login", "node"]),
        (("unity", "-m", ""), []),
        (("unity", "-m", "4G", "d"), ["default"]),
        (("unity", "--peek", ""), ["default", "fit"]),
        (("--guide", "r"), ["reconnect", "runs"]),
        (("unity", "sim", "--run", "--", ""), []),
        (("--completion", ""), ["bash", "zsh", "fish"]),
        (("unity", "--lo"), ["--login", "--logs"]),
        (("unity", "fit", "--renew", "--e"), ["--early"]),
    ],
)
def test_what_fits(typed: tuple[str, ...], found: list[str]) -> None:
    assert words(*typed) == found


def test_nothing_of_a_host_means_something_to_a_shell() -> None:
    assert words("evil", "") == ["ok"]
    assert words("evil", "--logs", "") == []


def test_every_flag_is_found_somewhere_and_hidden_ones_nowhere() -> None:
    found = {
        *words("-"),
        *words("unity", "-"),
        *(flag for verb in VERBS.values() for flag in words("unity", verb.flag, *["1"][: verb.type is not bool], "-")),
    }
    shown = {flag for verb in VERBS.values() if verb.group for flag in verb.flags}
    assert found == shown | {flag for option in OPTIONS.values() for flag in option.flags} | {"--help"}


def test_a_word_that_is_there_is_not_offered_again() -> None:
    assert "--watch" in words("unity", "--ls", "-")
    assert "--watch" not in words("unity", "--ls", "--watch", "-")


@pytest.mark.parametrize("verb", [verb for verb in VERBS.values() if verb.scope is Scope.LAPTOP], ids=lambda v: v.name)
def test_what_is_for_the_laptop_is_not_offered_behind_a_host(verb: object) -> None:
    assert verb.flag in words("-") and verb.flag not in words("unity", "-")  # type: ignore[attr-defined]
