"""What it took to sign in is remembered by alias, and forgotten when the alias means something else."""

from pathlib import Path

import pytest

from lnode import sharing, signins
from lnode.ask import Question, argv_of
from lnode.errors import ExitCode, LnodeError
from lnode.target import Target


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path / "state"


def target(alias: str = "unity", **options: str) -> Target:
    meant = {"hostname": "login.site.edu", "user": "alice", "port": "22", **options}
    return Target(alias, None, {keyword: (value,) for keyword, value in meant.items()})


def test_nothing_is_known_at_first() -> None:
    assert signins.takes_person(target()) is None


@pytest.mark.parametrize("person", [True, False])
def test_what_is_learnt_stays_with_the_alias_and_what_it_means(person: bool) -> None:
    signins.learn(target(), person=person)
    signins.learn(target("other"), person=not person)
    assert signins.takes_person(target()) is person
    assert signins.takes_person(target(user="bob")) is None
    signins.learn(target(), person=not person)
    assert signins.takes_person(target()) is not person


def test_a_host_that_refused_the_link_is_for_ssh_alone_until_it_takes_somebody() -> None:
    signins.learn(target(), person=False)
    signins.learn_for_ssh_alone(target())
    signins.learn(target(), person=False)
    assert (signins.is_for_ssh_alone(target()), signins.takes_person(target())) == (True, False)
    assert sharing.with_master(target(), None).control_path
    signins.learn(target(), person=True)
    assert (signins.is_for_ssh_alone(target()), signins.takes_person(target())) == (False, True)


def test_what_another_program_wrote_there_is_passed_over(state: Path) -> None:
    (state / "lnode").mkdir(parents=True)
    (state / "lnode" / "sign-ins").write_bytes(b"\xff\x00\nperson unity\none two three four\n")
    assert signins.takes_person(target()) is None
    signins.learn(target(), person=True)
    assert signins.takes_person(target()) is True


def test_without_a_state_folder_nothing_is_remembered(state: Path) -> None:
    state.write_text("a file")
    signins.learn(target(), person=True)
    assert signins.takes_person(target()) is None


@pytest.mark.parametrize(
    ("known", "keep_warm", "kept"),
    [
        (None, None, "10m"),
        (True, None, "10m"),
        (False, None, ""),
        (False, "1h", "1h"),
        (True, "no", ""),
        (None, "no", ""),
    ],
)
def test_a_connection_is_kept_where_the_next_sign_in_would_cost_somebody(
    known: bool | None, keep_warm: str | None, kept: str
) -> None:
    if known is not None:
        signins.learn(target(), person=known)
    assert sharing.with_master(target(), keep_warm).keep_warm == kept


def test_behind_a_jump_host_it_is_kept_once_it_is_known_to_cost_somebody() -> None:
    """ssh would keep to itself what a jump host's ssh says."""
    behind = target(proxyjump="gate")
    assert sharing.with_master(behind, None).keep_warm == "no"
    signins.learn(behind, person=True)
    assert sharing.with_master(behind, None).keep_warm == "10m"


def test_a_users_own_control_path_is_respected() -> None:
    assert sharing.with_master(target(controlpath="/home/me/.ssh/%C"), None).control_path == ""


def test_a_socket_is_named_by_what_the_alias_means() -> None:
    paths = {sharing.with_own(one).control_path for one in (target(), target(), target("other"), target(port="2200"))}
    assert len(paths) == 3
    assert all(len(path.rpartition("/")[2]) == 16 for path in paths)


def test_a_path_that_macos_would_refuse_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("long" * 20)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    path = sharing.with_own(target()).control_path
    assert path.startswith("/tmp/lnode-")
    assert sharing.identity(sharing.with_own(target())) is None


def test_who_may_have_to_sign_in_at_a_jump_host_has_time_for_it() -> None:
    assert signins.connect_timeout_s(target()) == 20
    assert signins.connect_timeout_s(target(proxyjump="gate")) == 120
    assert signins.connect_timeout_s(target(proxycommand="nc %h %p", connecttimeout="7")) == 7
    signins.learn(target(proxyjump="gate"), person=False)
    assert signins.connect_timeout_s(target(proxyjump="gate")) == 20
    signins.learn(target(proxyjump="gate"), person=True)
    assert signins.connect_timeout_s(target(proxyjump="gate")) == 120


def test_a_question_is_not_waited_for_in_a_silence_for_ever() -> None:
    def asked(place: Target) -> str:
        return " ".join(argv_of(place, "line", may_prompt=False)[0])

    assert "-o ServerAliveInterval=30 -o ServerAliveCountMax=3" in asked(target())
    assert "ServerAlive" not in asked(target(serveraliveinterval="5"))


@pytest.mark.parametrize(
    ("node", "who", "how"),
    [
        ("", "unity", "sign in once in a terminal, then ask again: lnode unity"),
        ("login2", "login2 of unity", "type the same once in a terminal, where ssh can ask"),
    ],
)
def test_where_nobody_is_here_it_is_said_how_to_sign_in(node: str, who: str, how: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host unity\n    HostName 127.0.0.1\n    Port 9\n")
    place = target()._replace(config=str(config), node=node)
    signins.learn(place, person=True)
    with Question(place, "list", silent=True) as question, pytest.raises(LnodeError) as refused:
        question.reply()
    assert refused.value.code is ExitCode.LOGIN_REFUSED
    assert (refused.value.message, refused.value.hint) == (f"{who} needs you to sign in", how)
