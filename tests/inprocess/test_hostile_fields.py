"""A hostile login node in the fields of its answers: names that a shell or ssh would read, ports, ids, paths, numbers.

With LNODE_FULL=1 every verb is told every lie, which takes minutes.
"""

import pytest

from full import FULL
from hostile import Lie
from watched import VERBS, Bench

_RUNS = b"touch${IFS}pwned"
_DIGITS = b"9" * 5000
_NODE = ("ls", "attach", "attach, lost", "kill --yes", "kill a run", "code", "rescue", "run")
_JOB = ("ls on a terminal", "kill", "kill --yes", "renew", "run on", "ports", "attach", "logs -f")
_NUMBER = ("ls as JSON", "attach", "wait for", "rescue")
_MORE = ("ls on a terminal", "ls of all", "ls, watched", "peek", "send", "reset", "setup", "way", "history", "profiles")

KINDS: dict[str, tuple[Lie, tuple[str, ...]]] = {
    "a node that a shell runs": (Lie(instead={"node": b"x$(%s)" % _RUNS}), (*_NODE, *_MORE)),
    "a node that is an option": (Lie(instead={"node": b"-oProxyCommand=%s" % _RUNS}), _NODE),
    "a node and a command": (Lie(instead={"node": b"a;%s" % _RUNS}), _NODE[:4]),
    "a node of 300 characters": (Lie(instead={"node": b"n" * 300}), _NODE[:3]),
    "a node that ssh expands": (Lie(instead={"node": b"pwned%d%h"}), _NODE[:3]),
    "port 0": (Lie(instead={"port": b"0"}), ("ls", "attach", "kill a run")),
    "port 99999": (Lie(instead={"port": b"99999"}), ("ls", "attach", "kill a run")),
    "a job that a shell runs": (Lie(instead={"job": b"4711;%s|sh" % _RUNS}), _JOB),
    "a job that is an option": (Lie(instead={"job": b"--pwned"}), _JOB[:4]),
    "a path that is an option": (Lie(instead={"path": b"--install-extension=pwned"}), ("code",)),
    "a path that is none": (Lie(instead={"path": b"pwned\x1b[8m"}), ("code",)),
    "numbers of 5000 digits": (Lie(instead={"n": _DIGITS, "time": _DIGITS, "key": _DIGITS}), _NUMBER),
    "dates of 5000 digits": (Lie(instead={"t": _DIGITS, "port": _DIGITS}), _NUMBER),
    "5000 digits beside others": (Lie(beside={"n": _DIGITS, "t": _DIGITS, "time": _DIGITS, "job": _DIGITS}), _NUMBER),
    "dates out of range": (Lie(instead={"t": b"999999999999", "time": b"999999-999999:999999:999999"}), _NUMBER),
    "digits that are no ASCII": (Lie(beside=dict.fromkeys(("n", "t", "job"), "\u0665\u00b2".encode())), _NUMBER),
    "numbers below zero": (Lie(instead={"n": b"-1", "t": b"-99999999999"}), _NUMBER[:3]),
    **{
        f"{scheduler} and {name}": (Lie(scheduler=scheduler, instead=instead), ("ls", "ls as JSON"))
        for scheduler in ("pbs", "lsf", "sge", "oar", "flux", "htcondor")
        for name, instead in {
            "5000 digits": {"job": _DIGITS, "n": _DIGITS, "port": _DIGITS, "time": _DIGITS},
            "dates out of range": {
                "t": b"999999999999", "date": b"Dec 31 23:59:59 9999", "iso": b"9999-12-31T23:59:60",
                "day": b"9999-12-31 23:59:60",
            },
        }.items()
    },
}  # fmt: skip
CASES = [
    (kind, verb)
    for kind, (_, verbs) in KINDS.items()
    for verb in (VERBS if FULL else verbs)
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_an_honest_host_is_served(bench: Bench, verb: str) -> None:
    """Else the lies would not come as far as to the code that has to see through them."""
    assert bench.wrongs("honest", Lie(), verb, done=VERBS[verb].done) == []


@pytest.mark.parametrize(("kind", "verb"), CASES)
def test_no_verb_does_what_a_field_says(bench: Bench, kind: str, verb: str) -> None:
    assert bench.wrongs(kind, KINDS[kind][0], verb, marks=("pwned", "n" * 254)) == []
