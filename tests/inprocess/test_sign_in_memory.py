"""What it took to sign in is remembered by alias, and forgotten when the alias means something else."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from lnode.errors import ExitCode, LnodeError
from lnode.remote.fields import IpAddress
from lnode.ssh import arguments, kept, master, sign_in_memory, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.log import SshLog
from lnode.ssh.login_watch import LoginWatch
from lnode.ssh.question import Question, argv_of
from lnode.ssh.said import Said
from lnode.ssh.target import Target


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
    assert sign_in_memory.takes_person(target()) is None


@pytest.mark.parametrize("person", [True, False])
def test_what_is_learnt_stays_with_the_alias_and_what_it_means(person: bool) -> None:
    sign_in_memory.learn(target(), person=person)
    sign_in_memory.learn(target("other"), person=not person)
    assert sign_in_memory.takes_person(target()) is person
    assert sign_in_memory.takes_person(target(user="bob")) is None
    sign_in_memory.learn(target(), person=not person)
    assert sign_in_memory.takes_person(target()) is not person


def test_a_host_that_refused_the_link_is_for_ssh_alone_until_it_takes_somebody() -> None:
    sign_in_memory.learn(target(), person=False)
    sign_in_memory.learn_for_ssh_alone(target())
    sign_in_memory.learn(target(), person=False)
    assert (sign_in_memory.is_for_ssh_alone(target()), sign_in_memory.takes_person(target())) == (True, False)
    assert master.with_master(target(), None).control_path
    sign_in_memory.learn(target(), person=True)
    assert (sign_in_memory.is_for_ssh_alone(target()), sign_in_memory.takes_person(target())) == (False, True)


def test_what_another_program_wrote_there_is_passed_over(state: Path) -> None:
    (state / "lnode").mkdir(parents=True)
    (state / "lnode" / "sign-ins").write_bytes(b"\xff\x00\nperson unity\none two three four\n")
    assert sign_in_memory.takes_person(target()) is None
    sign_in_memory.learn(target(), person=True)
    assert sign_in_memory.takes_person(target()) is True


def test_without_a_state_folder_nothing_is_remembered(state: Path) -> None:
    state.write_text("a file")
    sign_in_memory.learn(target(), person=True)
    assert sign_in_memory.takes_person(target()) is None


@pytest.mark.parametrize(
    ("known", "keep_warm", "kept"),
    [
        (None, None, "10m"),
        (True, None, "10m"),
        (False, None, "10m"),
        (False, "no", ""),
        (False, "1h", "1h"),
        (True, "no", ""),
        (None, "no", ""),
    ],
)
def test_a_connection_is_kept_where_the_next_sign_in_would_cost_somebody(
    known: bool | None, keep_warm: str | None, kept: str
) -> None:
    if known is not None:
        sign_in_memory.learn(target(), person=known)
    assert master.with_master(target(), keep_warm).keep_warm == kept


def test_behind_a_jump_host_it_is_kept_once_it_is_known_to_cost_somebody() -> None:
    """ssh would keep to itself what a jump host's ssh says."""
    behind = target(proxyjump="gate")
    assert master.with_master(behind, None).keep_warm == "no"
    sign_in_memory.learn(behind, person=True)
    assert master.with_master(behind, None).keep_warm == "10m"


def test_a_users_own_control_path_is_respected() -> None:
    assert master.with_master(target(controlpath="/home/me/.ssh/%C"), None).control_path == ""


def test_a_socket_is_named_by_what_the_alias_means() -> None:
    paths = {master.with_own(one).control_path for one in (target(), target(), target("other"), target(port="2200"))}
    assert len(paths) == 3
    assert all(len(path.rpartition("/")[2]) == 16 for path in paths)


def test_a_path_that_macos_would_refuse_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("long" * 20)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    path = master.with_own(target()).control_path
    assert path.startswith("/tmp/lnode-")
    assert master.identity(master.with_own(target())) is None


def test_who_may_have_to_sign_in_at_a_jump_host_has_time_for_it() -> None:
    assert sign_in_memory.connect_timeout_s(target()) == 20
    assert sign_in_memory.connect_timeout_s(target(proxyjump="gate")) == 120
    assert sign_in_memory.connect_timeout_s(target(proxycommand="nc %h %p", connecttimeout="7")) == 7
    sign_in_memory.learn(target(proxyjump="gate"), person=False)
    assert sign_in_memory.connect_timeout_s(target(proxyjump="gate")) == 20
    sign_in_memory.learn(target(proxyjump="gate"), person=True)
    assert sign_in_memory.connect_timeout_s(target(proxyjump="gate")) == 120


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
    sign_in_memory.learn(place, person=True)
    with Question(place, "list", "", "", "", silent=True) as question, pytest.raises(LnodeError) as refused:
        question.reply()
    assert refused.value.code is ExitCode.LOGIN_REFUSED
    assert (refused.value.message, refused.value.hint) == (f"{who} needs you to sign in", how)


SENT = "lnode: the keychain answers 4711: alice@login's password\n"
ASKED = "lnode: the keychain is asked by 4711: alice@login's password\n"
AGREED = "debug1: kex.c:kex_input_newkeys():518 (pid=4711): SSH2_MSG_NEWKEYS received\r\n"
DIALS = ["ssh", "unity"]


def keep_password(place: Target, state: Path) -> None:
    row = ("alone", place.alias, kept.account(place), "alice@login's password: ")
    (state / "lnode").mkdir(parents=True, exist_ok=True)
    (state / "lnode" / "keychain").write_text("\t".join(row) + "\n")


@pytest.mark.parametrize(
    ("said", "learnt"),
    [
        (Said(AGREED, "Permission denied (nobody to ask)\n"), True),
        (Said(f"{AGREED}words of an ssh to come\r\n"), True),
        (Said(f"{AGREED}Connection closed by 10.0.0.1 port 22\r\n"), True),
        (Said(AGREED, "Host key verification failed.\r\n"), True),  # which a banner says
        (Said("Host key verification failed.\r\n"), False),
        (Said("ssh: connect to host login.site.edu port 22: Connection refused\r\n"), False),
        (Said("kex_exchange_identification: read: Connection reset by peer\r\n"), False),
        (Said("Connection closed by 10.0.0.1 port 22\r\n"), False),
    ],
)
def test_a_silent_login_that_came_to_nothing_is_the_last(said: Said, learnt: bool, state: Path) -> None:
    place = target(logverbose="none")
    keep_password(place, state)  # which does not turn the guard off
    verdict.why_not_in(place, said, DIALS, silent=False)
    assert sign_in_memory.takes_person(place) is False
    verdict.why_not_in(place, said, DIALS, silent=True)
    assert sign_in_memory.takes_person(place) is learnt
    assert arguments.may_dial(argv_of(place, "line", may_prompt=False)[0]) is False  # the keychain does not open here
    sign_in_memory.learn(place, person=True)  # somebody has signed in
    assert sign_in_memory.takes_person(place) is False


@pytest.mark.parametrize(("others", "over"), [(ASKED, True), (SENT, True), ("", False), ("Welcome\n", False)])
def test_a_login_that_is_given_up_while_the_keychain_opens(others: str, over: bool, state: Path) -> None:
    place = target()
    keep_password(place, state)
    assert verdict.broken_off(place, Said(AGREED, others)) is over
    assert (sign_in_memory.takes_person(place) is True) is over
    done = f'{AGREED}Authenticated to login.site.edu ([10.0.0.1]:22) using "password".\r\n'
    assert not verdict.broken_off(place, Said(done, others))


def test_a_login_that_is_given_up_and_may_have_asked_an_agent(state: Path) -> None:
    """Some agents ask you for each use. The network alone asks nobody."""
    place = target()
    assert not verdict.broken_off(place, Said("", ""), proved=False)
    assert not verdict.broken_off(place, Said(AGREED, ""))
    assert verdict.broken_off(place, Said(AGREED, ""), proved=False)
    assert sign_in_memory.takes_person(place) is True


def test_what_may_only_ride_was_not_refused_by_the_network() -> None:
    sign_in_memory.learn(target(), person=True)
    argv, _ = argv_of(target(), "line", may_prompt=False)
    broken = Said("kex_exchange_identification: Connection closed by remote host\r\n")
    assert verdict.why_not_in(target(), broken, argv, silent=True) is Cause.LOGIN_REFUSED


def test_the_words_of_an_ssh_leave_no_file_and_are_told_apart(tmp_path: Path) -> None:
    script = 'printf "Welcome\\n" >&2; printf "own\\r\\n" >>"$2"'
    with SshLog() as log:
        assert [path for path in (tmp_path / "run").iterdir() if path.suffix != ".log"] == []
        ssh, *words = log.argv(["sh"])
        subprocess.run([ssh, "-c", script, ssh, *words], stderr=log.fileno(), check=True)
        assert log.said() == Said("own\r\n", "Welcome\n")
        assert [*(tmp_path / "run").iterdir()] == []
    assert [*(tmp_path / "run").iterdir()] == []


def test_what_follows_a_gap_in_a_long_log_is_not_ssh_s() -> None:
    with SshLog() as log:
        path = log.argv(["ssh"])[2]
        Path(path).write_text("own\r\n" * 20_000 + "Authenticated to login.site.edu\r\n")
        said = log.said()
        assert "Authenticated" not in said.own and "Authenticated" in said.others
        assert len(log.words()) <= 1 << 16


IN = 'Authenticated to login.site.edu ([10.0.0.1]:22) using "{}".\r\n'
OLD = "Authenticated to login.site.edu ([10.0.0.1]:22).\r\n"  # OpenSSH before 8.8
KEY = "debug1: sshconnect2.c:input_userauth_pk_ok():716 (pid=4711): Server accepts key: {} {} SHA256:abc explicit{}\r\n"


def new_key(folder: Path, name: str, *words: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", *words, "-C", "", "-f", path], check=True)
    return path


@pytest.fixture
def open_key(tmp_path: Path) -> Path:
    return new_key(tmp_path, "open", "-t", "ed25519", "-N", "")


@pytest.mark.parametrize("kind", [("-t", "ed25519"), ("-t", "rsa", "-m", "PEM")])
def test_a_key_without_a_passphrase_proves_that_nobody_is_asked(kind: tuple[str, ...], tmp_path: Path) -> None:
    for passphrase, known in (("", False), ("correct horse", None)):
        path = new_key(tmp_path, f"key{len(passphrase)}", *kind, "-N", passphrase)
        said = Said(KEY.format(path, "ED25519", "") + IN.format("publickey"))
        there = target(path.name, identityfile=str(path))
        assert verdict.learn_sign_in(there, said) is known
        assert sign_in_memory.takes_person(there) is known


def test_a_login_by_one_of_several_addresses_is_one_of_the_host() -> None:
    there = target()._replace(route=(arguments.Option("HostName", IpAddress("10.0.0.1")),))
    said = Said('Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "gssapi-with-mic".\r\n')
    assert verdict.learn_sign_in(there, said) is False


def test_a_key_that_only_the_host_names_is_not_looked_at(tmp_path: Path, open_key: Path) -> None:
    """In keyboard-interactive it says what it likes, in ssh's own log."""
    os.mkfifo(tmp_path / "pipe")
    for path in (open_key, tmp_path / "pipe"):
        for named in ({}, {"identityfile": str(tmp_path / "pipe")}):
            said = Said(KEY.format(path, "ED25519", "") + IN.format("publickey"))
            assert verdict.learn_sign_in(target(**named), said) is None


@pytest.mark.parametrize(
    ("kind", "notes", "before", "others"),
    [
        ("ED25519", " agent", "", ""),  # an agent may ask
        ("ED25519-SK", "", "", ""),  # you touch it
        ("ED25519", "", "Authenticated with partial success.\r\n", ""),  # who knows by what
    ],
)
def test_a_key_that_may_ask_proves_nothing(kind: str, notes: str, before: str, others: str, open_key: Path) -> None:
    said = Said(KEY.format(open_key, kind, notes) + before + IN.format("publickey"), others)
    assert verdict.learn_sign_in(target(), said) is None
    assert master.with_master(target(), None).control_path  # what is not proved is shared


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (Said(IN.format("password")), False),
        (Said(IN.format("keyboard-interactive")), False),
        (Said('Authenticated using "password" with partial success.\r\n' + IN.format("publickey")), False),
        (Said(IN.format("publickey"), "Confirm user presence for key ED25519-SK SHA256:abc\r\n"), False),
        (Said(IN.format("publickey")), True),  # the passphrase of a key
        (Said(OLD), True),
    ],
)
def test_whoever_was_asked_once_is_asked_again(said: Said, asked: bool) -> None:
    assert verdict.learn_sign_in(target(), said, asked=asked) is True
    assert sign_in_memory.takes_person(target()) is True


@pytest.mark.parametrize("way", ["gssapi-with-mic", "gssapi-keyex", "hostbased", "none", "?"])
def test_a_login_by_ssh_alone_keeps_its_master(way: str) -> None:
    said = Said(OLD if way == "?" else IN.format(way))
    assert verdict.learn_sign_in(target(), said) is (None if way == "?" else False)
    assert master.with_master(target(), None).control_path
    assert verdict.learn_sign_in(target(), said, silent=True) is False
    assert sign_in_memory.is_for_ssh_alone(target())
    assert master.with_master(target(), None).control_path  # the heartbeat of the next attach rides on it


def test_an_old_ssh_costs_one_failed_login_at_most() -> None:
    """Without a prompt that lnode has seen, a password looks like a ticket."""
    assert verdict.learn_sign_in(target(), Said(OLD)) is None
    sign_in_memory.learn_refusal(target())  # the silent try
    for _ in range(3):
        assert verdict.learn_sign_in(target(), Said(OLD)) is True
        assert not arguments.may_dial(argv_of(target(), "line", may_prompt=False)[0])


def test_refusals_of_the_same_moment_are_all_remembered() -> None:
    """`lnode --ls` asks all hosts in threads, and each refusal that is forgotten is one more failed login."""
    hosts = [target(f"host{number}") for number in range(8)]
    barrier = threading.Barrier(len(hosts))

    def refuse(host: Target) -> None:
        barrier.wait()
        sign_in_memory.learn_refusal(host)

    threads = [threading.Thread(target=refuse, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(sign_in_memory.takes_person(host) for host in hosts)


def test_an_agent_that_answers_at_once_has_asked_nobody() -> None:
    accepted = KEY.format("me@laptop", "ED25519", " agent")
    said, place = Said(accepted + IN.format("publickey")), target().place
    assert verdict.learn_sign_in(target(), said, silent=True) is None  # it may have asked you
    assert verdict.learn_sign_in(target(), said, LoginWatch(place, may_ask=True)) is False


def test_an_agent_that_takes_its_time_may_have_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = KEY.format("me@laptop", "ED25519", " agent")
    clock = iter((9.9, 10.0, 11.5))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    watch = LoginWatch(target().place, may_ask=False)
    watch.look(Said(accepted))
    assert verdict.learn_sign_in(target(), Said(accepted + IN.format("publickey")), watch) is None


def test_a_login_that_was_first_looked_at_when_it_was_done_proves_nothing_of_an_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = Said(KEY.format("me@laptop", "ED25519", " agent") + IN.format("publickey"))
    clock = iter((10.0, 12.0))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert verdict.learn_sign_in(target(), said, LoginWatch(target().place, may_ask=True)) is None


def test_an_agent_that_was_locked_is_tried_again_after_a_sign_in() -> None:
    said = Said(KEY.format("me@laptop", "ED25519", " agent") + IN.format("publickey"))
    sign_in_memory.learn_refusal(target())
    assert verdict.learn_sign_in(target(), said) is None


def test_an_answer_that_was_typed_once_gives_way_to_an_agent() -> None:
    sign_in_memory.learn(target(), person=True)
    assert verdict.learn_sign_in(target(), Said(IN.format("publickey"))) is None
