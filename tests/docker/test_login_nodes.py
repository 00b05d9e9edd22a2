"""One alias, two login nodes: always the right session, never a second one, and what does not answer is said."""

import contextlib
import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import docker
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from faults import settle, shell_of
from full import slow
from rig import Rig, wait_until
from sites import in_a_pipe, logged, skip_unless_traceable, without_key
from two_nodes import TwoNodes, two_nodes
from window import LNODE, Window

STEPS = 40
QUESTIONS = itertools.count()
NAMES = st.sampled_from("abc")


@pytest.fixture(scope="module")
def _shared(engine: docker.DockerClient, slurm_image: str, run: str) -> Iterator[TwoNodes]:
    with two_nodes(engine, slurm_image, run, shared_home=True) as started:
        yield started


@pytest.fixture
def shared(_shared: TwoNodes) -> Iterator[TwoNodes]:
    _shared.forget()
    yield _shared


def attach(nodes: TwoNodes, name: str, *words: str) -> str:
    """Attach as a person does, and detach; the login node on which the session is."""
    with Window([*LNODE, "unity", name, "--login", *words], nodes.first.env()) as window:
        window.wait_for(":~$")
        # Each asks under a number of its own: the answer to the one before is on the screen already, and a Ctrl-b
        # typed within a millisecond of the Enter is pasted text to tmux (assume-paste-time).
        question = f"on{next(QUESTIONS)}"
        window.press(f"echo {question}=$(uname -n)=\r")
        node = window.find(rf"^{question}=(login\d)=")[1]
        window.detach()
        assert window.exit_status() == 0, window.text()
    return node


def refused(nodes: TwoNodes, name: str, *words: str) -> tuple[int, str]:
    """An attach that comes to nothing: exit code and last words."""
    with Window([*LNODE, "unity", name, "--login", *words], nodes.first.env()) as window:
        status = window.exit_status()
        return status, window.text()


def test_the_session_of_the_other_node_is_found(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    assert attach(shared, "x") == "login1"
    shared.land_on(shared.second)
    assert attach(shared, "x") == "login1"
    assert shared.sessions() == {"login1": ["x"], "login2": []}
    done = in_a_pipe(shared.first, "unity", "--ls")
    assert re.search(r"^x +login +shell +login1 ", done.stdout, re.MULTILINE), done
    done = in_a_pipe(shared.first, "unity", "x", "--kill", "--yes")
    assert done.stderr == "lnode: x on unity has ended\n"
    assert shared.sessions() == {"login1": [], "login2": []}
    assert attach(shared, "x") == "login2"  # nothing is kept from whoever ended it


def test_a_connection_that_is_lost_at_once_and_leads_elsewhere_then_comes_back_to_the_session(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    with Window([*LNODE, "unity", "x", "--login"], shared.first.env()) as window:
        window.wait_for(":~$")
        shared.land_on(shared.second)
        shared.way.reset()
        question = next(QUESTIONS)

        def answers() -> bool:
            window.press(f"\x15echo IT{question}=$(uname -n)=\r")  # none of these keys is a word to lnode
            with contextlib.suppress(AssertionError):
                return window.find(rf"^IT{question}=(login\d)=", within_s=2)[1] == "login1"
            assert window.process.isalive(), window.text()
            return False

        wait_until(answers, "the session is there again")
        window.leave()
    assert shared.sessions() == {"login1": ["x"], "login2": []}


@pytest.mark.parametrize("knows", [True, slow(False)], ids=["the laptop knows", "the home knows"])
def test_whatever_is_wanted_of_it_is_wanted_there(shared: TwoNodes, *, knows: bool) -> None:
    def tell(*words: str) -> str:
        if not knows:
            (shared.first.home / ".local/state/lnode/login-nodes").unlink(missing_ok=True)
        done = in_a_pipe(shared.first, "unity", "x", *words)
        assert done.returncode == 0, done
        return done.stdout

    shared.land_on(shared.first)
    assert attach(shared, "x") == "login1"
    shared.land_on(shared.second)
    tell("--send", "echo $((6 * 7)) on $(uname -n)", "--wait-for", "^42 on login1")
    assert "\n42 on login1\n" in tell("--peek")
    tell("--reset")
    tell("--run", "--", "sleep", "601")
    tell("--kill", "--yes")  # the session, not the run of that name where the alias leads
    assert shared.sessions() == {"login1": [], "login2": []}
    assert shared.second.exec("pgrep -fx 'sleep 601'")[0] == 0
    shared.land_on(shared.first)  # which has neither
    tell("--kill", "--yes")
    assert shared.second.exec("pgrep -fx 'sleep 601'")[0] == 1


@pytest.mark.parametrize("word", ["--kill", "--renew"])
def test_what_a_restart_has_ended_hides_no_session_of_its_name_elsewhere(shared: TwoNodes, word: str) -> None:
    shared.land_on(shared.second)
    assert attach(shared, "x") == "login2"
    shared.land_on(shared.first)
    days_ago = "echo $(($(date +%s) - 864000)) - x >~/.local/state/lnode/requests/login1.4000000"
    made = shared.first.exec(f"mkdir -m 700 ~/.local/state/lnode/requests; {days_ago}")
    assert made[0] == 0, made
    listed = in_a_pipe(shared.first, "unity", "--ls").stdout
    assert re.search(r"^x +login +shell +login2 ", listed, re.MULTILINE), listed
    (shared.first.home / ".local/state/lnode/login-nodes").unlink()
    done = in_a_pipe(shared.first, "unity", "x", word, *(["--yes"] if word == "--kill" else []))
    if word == "--kill":
        assert (done.returncode, done.stderr) == (0, "lnode: x on unity has ended\n")
        assert shared.sessions() == {"login1": [], "login2": []}
    else:
        assert "x is a plain session, which has no allocation" in done.stderr


def test_a_wait_goes_on_where_the_session_is(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    assert attach(shared, "x") == "login1"
    assert in_a_pipe(shared.first, "unity", "--ls").returncode == 0  # it learns the nodes, however busy this machine is
    known = shared.first.home / ".local/state/lnode/login-nodes"
    kept = json.loads(known.read_text())
    known.write_text(
        json.dumps({"unity": {**kept["unity"], "sessions": {}}})
    )  # else it goes to that node from the first
    argv = [*LNODE, "unity", "x", "--send", "echo sent", "--wait-for", "^READY"]
    with subprocess.Popen(argv, env=shared.first.env(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as waits:
        assert waits.stderr is not None
        assert b"typed" in waits.stderr.readline()
        shared.land_on(shared.second)
        shared.way.reset()
        shared.first.exec("tmux send-keys -t x 'echo READY' Enter")
        try:
            said = waits.communicate(timeout=60)[1].decode()
        finally:
            waits.kill()
    assert (waits.returncode, "ended before" in said) == (0, False), said


def led_to_both(nodes: TwoNodes) -> None:
    """The laptop knows both; new connections go to the first."""
    for node in (nodes.second, nodes.first):
        nodes.land_on(node)
        assert in_a_pipe(nodes.first, "unity", "--ls").returncode == 0


@pytest.mark.full
def test_a_process_is_rescued_wherever_it_is(shared: TwoNodes) -> None:
    skip_unless_traceable(shared.second)
    led_to_both(shared)
    shared.land_on(shared.second)
    with Window(["ssh", "-t", "unity", "echo pid=$$; exec sleep 600"], shared.first.env()) as window:
        pid = window.find(r"^pid=(\d+)")[1]
        shared.land_on(shared.first)
        done = in_a_pipe(shared.first, "unity", "saved", "--rescue", pid)
    assert (done.returncode, done.stderr.startswith(f"lnode: {pid} is in saved on unity now")) == (0, True), done
    assert shared.sessions() == {"login1": [], "login2": ["saved"]}
    for knows in ("the laptop", "the home"):
        with Window([*LNODE, "unity", "saved"], shared.first.env()) as window:
            window.find(r'"login2" \d+:\d+')  # tmux's status line
            window.detach()
            assert window.exit_status() == 0, knows
        (shared.first.home / ".local/state/lnode/login-nodes").unlink()
    assert shared.sessions() == {"login1": [], "login2": ["saved"]}


@pytest.mark.full
def test_a_number_that_is_one_of_yours_on_both_nodes_is_refused(shared: TwoNodes) -> None:
    led_to_both(shared)
    pid = same_pid(shared)
    nowhere = in_a_pipe(shared.first, "unity", "--rescue", "4000000")
    assert nowhere.stderr.startswith("lnode: there is no process 4000000 on login1 and login2\n"), nowhere
    done = in_a_pipe(shared.first, "unity", "--rescue", pid)
    assert (done.returncode, done.stderr) == (
        1, f"lnode: {pid} is a process of yours on login1 (sleep 600) and on login2 (sleep 600)\n"
        f"hint:  only where unity leads, which is login1 now: lnode unity --rescue {pid} --here\n",
    )  # fmt: skip
    assert "goes on by itself" in in_a_pipe(shared.first, "unity", "--rescue", pid, "--here").stderr


def same_pid(nodes: TwoNodes) -> str:
    """Both nodes run a process with this number."""
    burn = (
        "while :; do setsid sleep 600 </dev/null >/dev/null 2>&1 & p=$!; [ $p -ge {} ] && break; kill $p; done; echo $p"
    )
    numbers = ["0", "1"]
    least = 0
    while numbers[0] != numbers[1]:
        for node in (nodes.first, nodes.second):
            node.exec("pkill -x sleep")
        least = max(least, *(int(node.exec("echo $$")[1]) for node in (nodes.first, nodes.second))) + 50
        numbers = [node.exec(burn.format(least))[1].strip() for node in (nodes.first, nodes.second)]
    return numbers[0]


class Walk(RuleBasedStateMachine):
    """Attaches, kills and lists in any order; `where` is the login node of each session."""

    nodes: ClassVar[TwoNodes]

    def __init__(self) -> None:
        super().__init__()
        self.nodes.forget()
        self.where: dict[str, str] = {}

    @rule(name=NAMES)
    def attach(self, name: str) -> None:
        node = attach(self.nodes, name)
        assert self.where.setdefault(name, node) == node

    @rule(name=NAMES)
    def kill(self, name: str) -> None:
        done = in_a_pipe(self.nodes.first, "unity", name, "--kill", "--yes")
        assert done.returncode == (0 if self.where.pop(name, None) else 7), done

    @rule()
    def list(self) -> None:
        done = in_a_pipe(self.nodes.first, "unity", "--ls")
        assert {row.split()[0]: row.split()[3] for row in done.stdout.splitlines()[1:]} == self.where, done

    @invariant()
    def none_is_doubled(self) -> None:
        found = self.nodes.sessions()
        assert sorted((name, node) for node in found for name in found[node]) == sorted(self.where.items())


@pytest.mark.full
def test_attaches_kills_and_lists_in_any_order(shared: TwoNodes) -> None:
    Walk.nodes = shared
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=3, stateful_step_count=STEPS, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True,
        ),
    )  # fmt: skip


@pytest.fixture
def one_down(shared: TwoNodes) -> Iterator[TwoNodes]:
    """A session lives on login2, which nobody reaches any more."""
    shared.land_on(shared.second)
    assert attach(shared, "x") == "login2"
    shared.land_on(shared.first)
    shared.second.exec("kill -STOP $(cat /run/sshd.pid)", "root")
    try:
        yield shared
    finally:
        shared.second.exec("kill -CONT $(cat /run/sshd.pid)", "root")


@pytest.mark.full
def test_a_node_that_does_not_answer_is_said(one_down: TwoNodes) -> None:
    status, said = refused(one_down, "x")
    assert (status, "x lives on login2, which does not answer" in said) == (4, True), said
    assert "lnode unity x --here" in said
    assert one_down.sessions() == {"login1": [], "login2": ["x"]}
    done = in_a_pipe(one_down.first, "unity", "--ls")
    assert (done.returncode, "lnode: login2 does not answer; x was there\n" in done.stderr) == (4, True), done
    assert refused(one_down, "x", "--here", "--existing")[0] == 7
    assert attach(one_down, "x", "--here") == "login1"


@pytest.fixture
def key_by_name(shared: TwoNodes) -> Iterator[Path]:
    """As on most laptops: known_hosts has the key by the name that the alias stands for, and ssh asks about others."""
    config, known = shared.first.ssh_config, shared.first.folder / "known_hosts"
    before = config.read_text(), known.read_text()
    config.write_text(before[0].replace("    HostKeyAlias lnode-rig\n", "").replace("Checking yes", "Checking ask"))
    known.write_text(before[1].replace("lnode-rig", f"[127.0.0.1]:{shared.way.port}"))
    yield known
    config.write_text(before[0])
    known.write_text(before[1])


def test_the_host_key_of_the_other_node_is_asked_about_by_ssh(shared: TwoNodes, key_by_name: Path) -> None:
    shared.second.exec("tmux new-session -d -s far")
    shared.land_on(shared.second)
    assert in_a_pipe(shared.first, "unity", "--ls").returncode == 0  # so the home knows
    (shared.first.home / ".local/state/lnode/login-nodes").unlink()
    shared.land_on(shared.first)
    listed = in_a_pipe(shared.first, "unity", "--ls")
    assert "login2 has a host key that ssh does not accept; far was there" in listed.stderr, listed
    script = in_a_pipe(shared.first, "unity", "far", "--peek")
    assert (script.returncode, script.stderr) == (
        6, "lnode: the host key of unity (login2 port 22) is not known here, and was not accepted\n"
        "hint:  check its fingerprint once by hand: ssh -J unity alice@login2; more: lnode --guide sign-in/host-keys\n",
    )  # fmt: skip
    with Window([*LNODE, "unity", "far"], shared.first.env()) as window:
        window.wait_for("Are you sure you want to continue connecting")
        window.press("yes\r")
        window.wait_for("alice@login2:")
        window.detach()
        assert window.exit_status() == 0, window.text()


@pytest.mark.full
def test_a_node_that_is_called_otherwise_now_is_forgotten_when_somebody_says_so(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    hint = "~/.local/state/lnode/nodes/retired"
    shared.first.exec(f"mkdir -p {hint.removesuffix('/retired')}; printf 'port 22\\ny\\nx\\n' >{hint}")
    status, said = refused(shared, "x")
    assert (status, "x lives on retired, which does not answer" in said) == (4, True), said
    assert attach(shared, "x", "--here") == "login1"
    assert shared.first.exec(f"cat {hint}")[1] == "port 22\ny\n"
    shared.first.exec(f"touch -d '100 days ago' {hint}")
    assert attach(shared, "y") == "login1"


@pytest.mark.full
def test_homes_that_are_not_shared(engine: docker.DockerClient, slurm_image: str, run: str) -> None:
    with two_nodes(engine, slurm_image, run, shared_home=False) as nodes:
        nodes.forget()
        nodes.land_on(nodes.first)
        with Window([*LNODE, "unity", "memory", "--login"], nodes.first.env()) as window:
            shell_of(window)
            wait_until(lambda: "memory" in routes_of(nodes), "it is known where the session is")
            window.detach()
            assert window.exit_status() == 0
        nodes.land_on(nodes.second)
        assert attach(nodes, "memory") == "login1"  # the laptop knows
        with Window([*LNODE, "unity", "job"], nodes.first.env()) as window:
            window.wait_for("alice@login1:~$")  # all compute nodes are login1
            window.detach()
        assert nodes.sessions() == {"login1": ["memory"], "login2": ["job"]}
        (nodes.first.home / ".local/state/lnode/login-nodes").unlink()
        nodes.land_on(nodes.first)
        assert _listed(nodes.first) == {"memory": "login1", "job": "login2"}  # the scheduler knows


def _listed(rig: Rig) -> dict[str, str]:
    told = json.loads(in_a_pipe(rig, "unity", "--ls", "--json").stdout)
    return {entry["name"]: entry["login_node"] for entry in told["sessions"]}


def test_a_reconnect_goes_to_the_owner(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    with Window([*LNODE, "unity", "x", "--login"], shared.first.env()) as window:
        shell = shell_of(window)
        wait_until(lambda: routes_of(shared) != "", "it is known where the session is")
        shared.land_on(shared.second)  # for good
        shared.way.reset()
        window.wait_again("login1")  # all is drawn anew
        assert shell_of(window) == shell
        window.detach()
        assert window.exit_status() == 0
    assert shared.sessions() == {"login1": ["x"], "login2": []}


@pytest.mark.usefixtures("key_by_name")
def test_a_reconnect_to_the_owner_asks_nobody_about_the_key_that_was_seen_there(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    with Window([*LNODE, "unity", "x", "--login"], shared.first.env()) as window:
        shell = shell_of(window)
        wait_until(lambda: routes_of(shared) != "", "it is known where the session is")
        shared.land_on(shared.second)
        shared.way.reset()
        window.wait_again("login1")
        assert shell_of(window) == shell


AWAY = "Connection closed by authenticating user"


def test_an_owner_that_lets_nobody_in_is_tried_once(shared: TwoNodes) -> None:
    shared.land_on(shared.first)
    with Window([*LNODE, "unity", "x", "--login"], shared.first.env()) as window:
        shell = shell_of(window)
        wait_until(lambda: routes_of(shared) != "", "it is known where the session is")
        settle(shared.first, shared.way)
        shared.land_on(shared.second)
        tried = logged(shared.first, AWAY)
        with without_key(shared.first):
            shared.way.reset()
            window.wait_for("lnode: unity needs you to sign in")
            wait_until(lambda: logged(shared.first, AWAY) == tried + 1, "its sshd has said so")
        window.press("r")
        window.wait_again("login1")
        assert shell_of(window) == shell


def routes_of(nodes: TwoNodes) -> str:
    kept = nodes.first.home / ".local/state/lnode/login-nodes"
    return kept.read_text() if kept.exists() else ""
