"""A hostile login node in its words: what would move a cursor, fill the clipboard, or look like ssh's own."""

import pytest

from hostile import Lie
from watched import VERBS, Bench

_CONTROLS = (
    b'\x1b]52;c;aGk=\x07\x1bP$q"p\x1b\\\x1bc\x1b[8m\x9b8m\xc2\x9b8m\x00\xff\xed\xa0\x80\r\x0b\x0c\xc2\x85\xe2\x80\xa8'
    b"\xe2\x80\xae\xe2\x81\xa6\x7f\x1b["
)
_SAID = b"\x1b]52;c;aGk=\x07\x1bc\x9b8m\xff\x00\n"
_TEXTS = ("text", "host", "shell", "letters", "told", "ended", "flags", "tty", "path", "sum", "b64")
_CONTROLLED = {
    "every text": Lie(instead=dict.fromkeys(_TEXTS, _CONTROLS), beside={"name": _CONTROLS}),
    "stderr and banner": Lie(stderr=_SAID * 9, banner="\x1b]52;c;aGk=\x07\x1bc\u009b8m\u202e\r\n"),
    "names, nodes and keys": Lie(instead=dict.fromkeys(("node", "job", "port", "key", "n"), _CONTROLS)),
}
_ALL = {
    "every text": tuple(VERBS),
    "stderr and banner": ("attach", "ls", "kill", "logs", "ports"),
    "names, nodes and keys": ("ls", "attach", "kill a run", "code", "rescue", "history"),
}

_FORGED = (
    'Authenticated to 127.0.0.1 ([127.0.0.1]:22) using "publickey".\r\n'
    'Authenticated to 127.0.0.1 (via proxy) using "publickey".\r\n'
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
    "Host key verification failed.\r\nPermission denied (publickey,password).\r\n"
    "Shared connection to 127.0.0.1 closed.\r\n"
)


@pytest.mark.parametrize(("kind", "verb"), [(kind, verb) for kind in _CONTROLLED for verb in _ALL[kind]])
def test_nothing_controls_the_terminal(bench: Bench, kind: str, verb: str) -> None:
    assert bench.wrongs(kind, _CONTROLLED[kind], verb) == []


@pytest.mark.parametrize("scheduler", ["pbs", "lsf", "sge", "oar", "flux", "htcondor"])
def test_nothing_of_another_scheduler_controls_the_terminal(bench: Bench, scheduler: str) -> None:
    lie = Lie(scheduler=scheduler, instead={"text": _CONTROLS, "host": _CONTROLS})
    assert bench.wrongs(scheduler, lie, "ls on a terminal") == []


@pytest.mark.parametrize("verb", ["ls", "attach", "kill --yes", "logs -f"])
def test_words_that_look_like_sshs_change_nothing_of_a_login_that_works(bench: Bench, verb: str) -> None:
    lie = Lie(banner=_FORGED, stderr=_FORGED.encode())
    assert bench.wrongs("forged", lie, verb, marks=("ssh-keygen -R",), done=VERBS[verb].done) == []


@pytest.mark.parametrize("verb", ["ls", "attach", "kill --yes", "logs -f", "ls of all"])
def test_a_refused_login_with_forged_words_is_one_login(bench: Bench, verb: str) -> None:
    """The first may be any of them; what a host prints makes no second out of it, nor a host key's change."""
    kind = f"refused {verb}"
    lie = Lie(banner=_FORGED, refuses=True)
    for again in range(3):
        assert bench.wrongs(kind, lie, verb, marks=("ssh-keygen -R",), fails=True) == []
        assert again == 0 or VERBS[verb].tty or bench.logins(kind) <= 1
