"""What this laptop remembers of the login nodes behind an alias, in a real folder."""

import json
from pathlib import Path

import pytest

from lnode.errors import ExitCode, LnodeError
from lnode.laptop.settings import HostSettings
from lnode.locate import routes
from lnode.locate.routes import Known
from lnode.remote.fields import NodeName, Port
from lnode.ssh.target import Target


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "lnode").mkdir()
    return tmp_path / "lnode" / "login-nodes"


def test_what_is_learned_is_known_again(file: Path) -> None:
    routes.learn_node("unity", NodeName("login1"), Port(2222), ["a"], led=True)
    routes.learn_session("unity", "b", NodeName("login2.site.edu"))
    assert routes.recall("unity") == Known(
        {"login1": 2222, "login2.site.edu": 2222}, {"a": "login1", "b": "login2.site.edu"}
    )
    assert json.loads(file.read_text())["unity"]["ports"] == {"login1": 2222, "login2.site.edu": 2222}


def test_what_an_older_lnode_kept_is_read_as_strictly_as_a_host(file: Path) -> None:
    ports = {
        "login1": 2222, "x$(id)": 22, "-oProxyCommand=id": 22, "": 22, "zero": 0, "many": 99999, "true": True,
        "text": "2222x", "none": None, "minus": -1, "x" * 300: 22,
    }  # fmt: skip
    sessions = {"a": "login1", "b": "x$(id)", "c": "many", "d": 7, "e": None, "f": "-oProxyCommand=id"}
    file.write_text(json.dumps({"unity": {"ports": ports, "sessions": sessions}}))
    assert routes.recall("unity") == Known({"login1": 2222}, {"a": "login1"})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"unity": 7}', '{"unity": {"ports": [22], "sessions": "x"}}', "[" * 100_000,
     '{"unity": {"ports": {"login1": %s}}}' % ("9" * 5000)],
    ids=range(7),
)  # fmt: skip
def test_whatever_stands_in_the_file(file: Path, text: str) -> None:
    file.write_text(text)
    assert routes.recall("unity") == Known({}, {})


def test_a_host_that_has_another_name_each_time_fills_no_memory(file: Path) -> None:
    for number in range(200):
        names = [f"s{number}-{one}" for one in range(50)] + ["x" * 5000]
        routes.learn_node("unity", NodeName(f"login{number}"), Port(22), names, led=True)
    known = routes.recall("unity")
    assert len(known.ports) <= 64
    assert len(known.sessions) <= 2000
    assert (known.owner("s199-49"), known.owner("s0-0"), known.owner("x" * 5000)) == ("login199", None, None)
    assert file.stat().st_size < 100_000


def test_a_node_that_is_seen_again_is_not_the_oldest_any_more(file: Path) -> None:
    for name in ("real", *map(str, range(63)), "real", "one", "more"):
        routes.learn_node("unity", NodeName(name), Port(22), ["x"] if name == "real" else [], led=True)
    assert routes.recall("unity").owner("x") == "real"


def test_a_template_makes_no_address_that_is_none() -> None:
    target = Target("unity", None, {})
    with pytest.raises(LnodeError) as caught:
        routes.to_node(target, NodeName("x" * 250), Port(22), HostSettings(login_nodes="{node}.example.edu"))
    assert caught.value.code is ExitCode.USAGE
