"""Which login node has a session: hints, and what follows from them."""

from hypothesis import given
from hypothesis import strategies as st

from lnode.cluster.login_nodes import Claim, Verdict, claims, decide
from lnode.schedulers.job import Job


def job(host: str, *, is_batch: bool = False) -> Job:
    return Job("7", 1, "RUNNING", 60, host, "c1", "", "x", sid=70, left="1:00", is_batch=is_batch)


def test_what_is_said_of_other_nodes() -> None:
    rows = ["login2 2222 x", "login2 2222 two words", "login3  y", "login1 22 here", "-oProxyCommand=x 22 z", "junk"]
    jobs = [job("login1"), job("login2"), job("login4"), job("login5", is_batch=True), job("")]
    assert claims(rows, jobs, "login1", 2200) == (
        Claim("login2", 2222, ("two words", "x")), Claim("login3", 2200, ("y",)), Claim("login4", 2200, ()),
    )  # fmt: skip


def test_a_name_with_its_domain_is_the_same_node() -> None:
    assert claims(["login2.site.edu 22 x"], [job("login2")], "login1", 22) == (Claim("login2.site.edu", 22, ("x",)),)
    assert claims(["login1.site.edu 22 x"], [], "login1", 22) == ()


NODES, NAMES = st.sampled_from(["login1", "login2", "login3"]), st.sampled_from("xyz")
FOUND = st.dictionaries(NODES, st.sets(NAMES))
SILENT = st.lists(st.builds(Claim, NODES, st.just(22), st.lists(NAMES).map(tuple)))


@given(NAMES, FOUND, SILENT, st.sampled_from(["", "login1", "login2"]))
def test_nothing_is_started_anew_while_somebody_may_have_it(
    name: str, found: dict[str, set[str]], silent: list[Claim], remembered: str
) -> None:
    verdict, node = decide(name, found, silent, remembered)
    answered = {there for there in found if name in found[there]}
    said = {claim.node for claim in silent if name in claim.names or claim.node == remembered}
    assert (verdict is Verdict.FOUND) == bool(answered)
    assert (verdict is Verdict.DOWN) == (not answered and bool(said))
    if verdict is Verdict.NOWHERE:
        assert not node
        assert all(claim.names for claim in silent)
    else:
        assert node in {Verdict.FOUND: answered, Verdict.DOWN: said}.get(verdict, {c.node for c in silent})


def test_of_two_nodes_that_have_it_the_one_that_was_remembered_is_meant() -> None:
    found = {"login1": {"x"}, "login2.site.edu": {"x"}}
    assert decide("x", found, [], "") == (Verdict.FOUND, "login1")
    assert decide("x", found, [], "login2") == (Verdict.FOUND, "login2.site.edu")


@given(st.lists(st.text()), st.text())
def test_whatever_stands_in_the_home(rows: list[str], here: str) -> None:
    for claim in claims(rows, [], here, 22):
        assert claim.node.isascii()
        assert not claim.node.startswith("-")
