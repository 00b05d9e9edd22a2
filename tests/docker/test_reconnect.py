"""Faults of the network, the laptop and the host, with the real ssh: the session is back, or lnode says why not."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

import rig
from faults import (
    DROPS,
    FLAPS,
    NOTICE,
    QUIET_S,
    ROWS,
    attached,
    children,
    clients,
    is_settled,
    leave,
    returned,
    seen,
    settle,
    shell_of,
    wired,
)
from full import FULL, slow
from rig import Rig, configured, wait_until
from sites import SSHD
from window import LNODE, Window
from wire import Wire

# A key that comes with the outage may belong to a word, and a host that is up again so soon may never have been down.
LONG_ENOUGH = r"for ([5-9]|\d\d) s"


def kill_sshd(rig: Rig, _: Wire) -> None:
    """End sshd's processes for alice, as an administrator would; the listening one is root's."""
    rig.exec(f"kill -KILL $(pgrep -u alice -x '{SSHD}')", "root")


FAULTS: dict[str, Callable[[Rig, Wire], None]] = {
    "cut": lambda _, wire: wire.cut(),
    "reset": lambda _, wire: wire.reset(),
    "hung up": lambda _, wire: wire.hang_up(),
    "sshd killed": kill_sshd,
}


@pytest.mark.parametrize("given_up", [False, True])
def test_a_silence(slurm: Rig, given_up: bool) -> None:
    """Keys are not for the shell then; a word with r, d and q in it is no command to lnode either."""
    typed = "docker ps; touch quirky\r"
    with wired(slurm) as wire, attached(slurm, "quiet") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        wire.freeze()
        window.wait_for("unity silent for ")
        window.press(typed)
        window.wait_for(f"; {len(typed)} keys not sent")
        window.resize(40, 120)
        if given_up:
            wait_until(lambda: not children(window), "the terminal is given up")
        wire.heal()
        returned(slurm, wire, window, shell)
        assert len(clients(slurm, "quiet")) == 1
        assert slurm.exec("tmux display -p -t quiet '#{window_width}x#{window_height}'")[1] == "120x39\n"
        assert "quirky" not in slurm.exec("ls ~")[1]
        assert "docker" not in slurm.exec("tmux capture-pane -p -t quiet")[1]
        leave(slurm, wire, window)


@pytest.mark.full
def test_knocks_that_get_lost_where_ssh_passes(slurm: Rig) -> None:
    """As before a middlebox that looks for a protocol: it holds a connection whose client says nothing."""
    with wired(slurm) as wire, attached(slurm, "unheard") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        wire.freeze()
        wait_until(lambda: not children(window), "the terminal is given up")
        wire.waits_for_words = True
        wire.heal()
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_connection(slurm: Rig, fault: str) -> None:
    with wired(slurm) as wire, attached(slurm, "lost") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        (ssh,) = children(window)
        FAULTS[fault](slurm, wire)
        wait_until(lambda: ssh not in children(window), "the terminal is lost", within_s=30)
        settle(slurm, wire)
        returned(slurm, wire, window, shell)
        assert len(clients(slurm, "lost")) == 1
        leave(slurm, wire, window)


@pytest.fixture
def agent(slurm: Rig, tmp_path: Path) -> Iterator[str]:
    """The laptop's ssh agent with its key, which ssh takes along; its socket."""
    path = str(tmp_path / "agent")
    with (
        configured(slurm, f"Host unity\n    IdentityAgent {path}\n    ForwardAgent yes\n"),
        subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process,
    ):
        wait_until(lambda: Path(path).is_socket(), "the agent listens")
        add = ["ssh-add", "-q", str(slurm.folder / "id_ed25519")]
        subprocess.run(add, env=slurm.env(SSH_AUTH_SOCK=path), check=True)
        yield path
        process.terminate()


def test_the_agent_is_back_with_the_connection(slurm: Rig, agent: str) -> None:
    def keys(when: str) -> str:
        window.press(f"ssh-add -l | grep -c ED25519 | sed s/^/{when}:/\r")
        return window.find(rf"^{when}:(\d)")[1]

    with wired(slurm) as wire, attached(slurm, "keys", SSH_AUTH_SOCK=agent) as window:
        shell = shell_of(window)
        assert keys("before") == "1"
        settle(slurm, wire)
        wire.reset()
        returned(slurm, wire, window, shell)
        assert keys("after") == "1"
        leave(slurm, wire, window)


def test_sshd_restarts(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "refused") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        wire.refuse()
        wire.reset()
        window.wait_for("unity refuses connections")
        wire.heal()
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)


@pytest.mark.full
@pytest.mark.parametrize(("for_s", "alive"), [(4, True), (6, False)])
def test_a_laptop_that_was_stopped(slurm: Rig, for_s: float, alive: bool) -> None:
    """A connection that lived through a short stop is kept; its terminal is the same ssh."""
    with wired(slurm) as wire, attached(slurm, "asleep") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        (ssh,) = children(window)
        assert window.process.pid is not None
        stopped = (window.process.pid, ssh)
        awake_at = time.monotonic() + for_s
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        if not alive:
            wire.cut()
        wait_until(lambda: time.monotonic() > awake_at, "the time is over")
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
        if not alive:
            wait_until(lambda: ssh not in children(window), "the terminal is lost")
        returned(slurm, wire, window, shell)
        assert (ssh in children(window)) is alive
        assert len(clients(slurm, "asleep")) == 1
        leave(slurm, wire, window)


@pytest.mark.parametrize("key", ["d", "q", "\x03"])
def test_leaving_in_the_outage(slurm: Rig, key: str) -> None:
    with wired(slurm) as wire, attached(slurm, "left") as window:
        shell_of(window)
        settle(slurm, wire)
        wire.refuse()
        wire.reset()
        window.find(LONG_ENOUGH)
        window.press(key)
        assert window.exit_status() == 4
        assert "lnode: lost the connection to unity, last seen " in window.text()
        assert "; what runs in left goes on there" in window.text().replace("\n", "")
        assert "come back with: lnode unity left" in window.text()
    assert slurm.exec("tmux has-session -t left")[0] == 0


def test_another_way_to_the_host(slurm: Rig, tmp_path: Path) -> None:
    """At home by a gate, at work directly: the configuration is asked again."""
    at_work = tmp_path / "at-work"
    with Wire(slurm.port) as home, Wire(slurm.port) as work:
        config = (
            f'Match originalhost unity exec "test -e {at_work}"\n    Port {work.port}\nHost *\n    Port {home.port}\n'
        )
        with configured(slurm, config), attached(slurm, "moved") as window:
            shell = shell_of(window)
            settle(slurm, home)
            home.freeze()
            at_work.touch()
            window.find(LONG_ENOUGH)
            returned(slurm, work, window, shell)
            leave(slurm, work, window)


def test_another_way_that_the_configuration_means_only_without_a_network(slurm: Rig, tmp_path: Path) -> None:
    """`Match exec` asks the network itself: lnode's question falls into the outage, and ssh's own does not."""
    away, looked = tmp_path / "away", tmp_path / "looked"
    with Wire(slurm.port) as wire:
        config = (
            f'Match originalhost unity exec "date >>{looked}; test -e {away}"\n    ProxyCommand sleep 100\n'
            f"Host *\n    Port {wire.port}\n"
        )
        with configured(slurm, config), attached(slurm, "deceived") as window:
            shell = shell_of(window)
            settle(slurm, wire)
            away.touch()
            looked.unlink()
            wire.freeze()
            window.find(LONG_ENOUGH)
            wait_until(looked.exists, "the configuration is asked")
            away.unlink()
            wire.heal()
            window.wait_without(NOTICE)
            assert shell_of(window) == shell
            (terminal,) = (pid for pid, argv in children(window).items() if " -t " in argv)
            settle(slurm, wire)
            assert terminal in children(window), "a login is a login, whatever ssh's words are"
            leave(slurm, wire, window)


def test_a_terminal_is_judged_by_the_way_that_it_went(slurm: Rig, tmp_path: Path) -> None:
    """The configuration leads another way since, and its connection lives: `~.` is an end, and no refused login."""
    elsewhere, looked = tmp_path / "elsewhere", tmp_path / "looked"
    config = f'Match originalhost unity exec "date >>{looked}; test -e {elsewhere}"\n    HostName 127.0.0.2\n'
    with configured(slurm, config), attached(slurm, "judged") as window:
        shell_of(window)
        (ssh,) = children(window)
        elsewhere.touch()
        looked.unlink()
        assert window.process.pid is not None
        awake_at = time.monotonic() + 4
        os.kill(window.process.pid, signal.SIGSTOP)
        wait_until(lambda: time.monotonic() > awake_at, "the time is over")
        os.kill(window.process.pid, signal.SIGCONT)
        wait_until(looked.exists, "the configuration is asked again")
        assert shell_of(window)
        assert [*children(window)] == [ssh]
        window.press("\r~.")
        assert window.exit_status() == 0, window.text()
        assert "ssh was closed" in window.text()
    assert slurm.exec("tmux has-session -t judged")[0] == 0


def test_r_tries_now(slurm: Rig) -> None:
    """Nothing answers, so nobody else would start an ssh."""
    with wired(slurm) as wire, attached(slurm, "hurried") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        (ssh,) = children(window)
        wire.freeze()
        window.find(LONG_ENOUGH)
        window.press("r")
        wait_until(lambda: bool(children(window)) and ssh not in children(window), "there is another ssh")
        window.wait_for("reconnecting to unity")
        wire.heal()
        returned(slurm, wire, window, shell)
        assert len(clients(slurm, "hurried")) == 1
        leave(slurm, wire, window)


@pytest.mark.parametrize(
    ("name", "deed", "said"),
    [
        ("ended", "kill-session -t ended", "ended on unity ended while the connection was lost; nothing was started"),
        ("gone", "kill-server", "tmux on unity was ended while the connection was lost; gone is gone"),
    ],
)
def test_a_session_that_ended_while_away(slurm: Rig, name: str, deed: str, said: str) -> None:
    with wired(slurm) as wire, attached(slurm, name) as window:
        shell_of(window)
        slurm.exec("tmux new-session -d -s other")
        settle(slurm, wire)
        seen(slurm, name)
        wire.refuse()
        wire.reset()
        window.wait_for("r now, d leave")
        slurm.exec(f"tmux {deed}")
        wire.heal()
        assert window.exit_status() == 7
        assert f"lnode: {said}" in window.text().replace("\n", "")
    assert name not in slurm.exec("tmux list-sessions")[1]


def test_a_login_node_that_was_restarted(engine: docker.DockerClient, slurm_image: str, run: str) -> None:
    with rig.running(engine, "slurm", slurm_image, f"{run}-restarted") as login1:
        with wired(login1) as wire, attached(login1, "gone") as window:
            shell_of(window)
            settle(login1, wire)
            wire.refuse()
            login1.container.stop(timeout=0)
            window.find(LONG_ENOUGH)
            login1.container.start()
            wire.to_port = rig.port_of(login1.container)
            wait_until(lambda: rig.banner(wire.to_port), "its sshd answers")  # what forwards the port would hang up
            wire.heal()
            assert window.exit_status(within_s=60) == 7
            assert "lnode: the login node of unity was restarted" in window.text()
        assert login1.exec("tmux list-sessions")[0] == 1


# Who takes the session over, past the wire
BY_HAND = ("ssh", "-t", "beside", "tmux attach -d -t shared")
OTHER_LAPTOP = (*LNODE, "beside", "shared", "--login", "-d")


@pytest.mark.parametrize(
    ("taker", "asleep"),
    [
        slow(BY_HAND, False, id="by hand-awake"),
        pytest.param(BY_HAND, True, id="by hand-asleep"),
        pytest.param(OTHER_LAPTOP, False, id="another laptop-awake"),
        slow(OTHER_LAPTOP, True, id="another laptop-asleep"),
    ],
)
def test_taken_over(slurm: Rig, tmp_path: Path, taker: tuple[str, ...], asleep: bool) -> None:
    with wired(slurm) as wire, attached(slurm, "shared") as first:
        shell = shell_of(first)
        settle(slurm, wire)
        if asleep:
            wire.freeze()
            wait_until(lambda: not children(first), "the terminal is given up")
        with Window(taker, slurm.env(XDG_STATE_HOME=str(tmp_path))) as second:
            assert shell_of(second) == shell
            wire.heal()
            assert first.exit_status() == 9
            assert "lnode: shared on unity was taken over from elsewhere; it goes on there" in first.text()
            assert "shared was taken over by " in first.text()
            dials, client = wire.dials, clients(slurm, "shared")
            assert len(client) == 1
            if asleep and taker is OTHER_LAPTOP:
                quiet_until = time.monotonic() + QUIET_S
                wait_until(lambda: time.monotonic() > quiet_until, "nobody comes back", within_s=90)
            assert shell_of(second) == shell
            assert (wire.dials, clients(slurm, "shared")) == (dials, client)
            second.detach()
            assert second.exit_status() == 0


def test_two_windows_of_one_laptop(slurm: Rig) -> None:
    with wired(slurm) as wire, attached(slurm, "shared") as first:
        shell = shell_of(first)
        with attached(slurm, "shared") as second:
            assert shell_of(second) == shell
            settle(slurm, wire, lnodes=2)
            wire.reset()
            returned(slurm, wire, first, shell, lnodes=2)
            returned(slurm, wire, second, shell, lnodes=2)
            assert len(clients(slurm, "shared")) == 2
            leave(slurm, wire, second, lnodes=2)
        leave(slurm, wire, first)


def flap(rig: Rig, wire: Wire, window: Window, turn: int) -> None:
    """Lose the connection and wait for the session. The fourth time in a row lnode may pause; r does away with that."""

    def is_back() -> bool:
        if turn % 4 == 3 and "no connection to unity" in window.look():
            window.press("r")
        return NOTICE not in window.look() and is_settled(rig, wire)

    (wire.hang_up if turn % 2 else wire.reset)()
    wait_until(is_back, "the session is back", within_s=60)


@pytest.mark.full
@pytest.mark.timeout(120 + 20 * FLAPS)
def test_a_flood_on_a_link_that_flaps(slurm: Rig) -> None:
    """Megabytes in as many bursts as the connection is lost."""
    rows = ROWS // FLAPS
    flood = (
        f"while read -r n; do for i in $(seq $((n * {rows})) $((n * {rows} + {rows - 1}))); do "
        "printf '%d %099d\\n' $i 0; echo $i >>/tmp/flooded; [ $((i % 50)) != 0 ] || sleep .005; done; done </tmp/flood"
    )
    slurm.exec("mkfifo /tmp/flood; sleep 300 >/tmp/flood & echo $! >/tmp/flooding")  # holds it open
    with wired(slurm) as wire, attached(slurm, "flooded") as window:
        shell = shell_of(window)
        settle(slurm, wire)
        window.press(f"{flood}\r")
        for turn in range(FLAPS):
            slurm.exec(f"echo {turn} >/tmp/flood")
            flap(slurm, wire, window, turn)
        window.wait_for(f"{ROWS - 1} 000", within_s=60)
        assert slurm.exec("cat /tmp/flooded")[1].split() == [str(number) for number in range(ROWS)]
        kept = slurm.exec("tmux capture-pane -p -J -S - -t flooded")[1]
        rows_kept = filter(None, (re.fullmatch(r"(\d+) 0{99}", row.rstrip()) for row in kept.splitlines()))
        numbers = [int(row[1]) for row in rows_kept]
        assert len(numbers) > 1000 and numbers == list(range(ROWS - len(numbers), ROWS))
        window.press("\x03")
        returned(slurm, wire, window, shell)
        leave(slurm, wire, window)
    slurm.exec("kill $(cat /tmp/flooding); rm /tmp/flood /tmp/flooding /tmp/flooded")


@pytest.mark.full
@pytest.mark.timeout(60 + 20 * DROPS)
def test_many_drops_leave_nothing_behind(slurm: Rig, tmp_path: Path) -> None:
    with wired(slurm) as wire, attached(slurm, "dropped", TMPDIR=str(tmp_path)) as window:
        shell = shell_of(window)
        settle(slurm, wire)
        flap(slurm, wire, window, 0)  # what is loaded and made once
        remembered = slurm.home / ".local/state/lnode/login-nodes"
        wait_until(remembered.exists, "the link has told where the session is")
        flap(slurm, wire, window, 1)
        there = at_rest(lambda: left_there(slurm))  # the link asks the scheduler meanwhile
        before = left_here(slurm, window, tmp_path), there
        for turn in range(2, DROPS if FULL else 4):
            flap(slurm, wire, window, turn)
        returned(slurm, wire, window, shell)
        wait_until(lambda: left_there(slurm) == before[1], "the host has forgotten the old connections")
        assert left_here(slurm, window, tmp_path) == before[0]
        assert len(clients(slurm, "dropped")) == 1
        leave(slurm, wire, window)


def at_rest(look: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return what there is to see once it has been the same three times in a row."""
    seen: list[dict[str, object]] = []

    def is_same() -> bool:
        seen.append(look())
        return seen[-3:] == [seen[-1]] * 3

    wait_until(is_same, "nothing changes any more", within_s=60)
    return seen[-1]


def left_here(rig: Rig, window: Window, temporary: Path) -> dict[str, object]:
    """What lnode has on the laptop: child processes, open files and sockets, files."""
    open_ = [os.readlink(path).split(":")[0] for path in Path(f"/proc/{window.process.pid}/fd").glob("*")]
    folders = (rig.home, temporary)
    return {
        "children": len(children(window)),
        "open": sorted(re.sub(r"[0-9a-f-]{6,}", "", name) for name in open_),
        # made at the first: a host's one file for knocks, and the folder of the sockets
        "files": sorted(
            str(path)
            for folder in folders
            for path in folder.rglob("*")
            if path.name[:6] != "knock-" and path != rig.socket_folder
        ),
    }


def left_there(rig: Rig) -> dict[str, object]:
    """What alice has on the host: processes and sshd's sessions, files, the names of the options on her session."""
    return {
        "processes": sorted(
            rig.exec("ps -u alice -o args= | cut -c 1-30 | grep -v -e '^ps ' -e '^sh -c'")[1].splitlines()
        ),
        "sshd": rig.exec("pgrep -c sshd", "root")[1],
        "files": sorted(rig.exec("find /tmp /home/alice /run /var/tmp 2>/dev/null")[1].splitlines()),
        "options": [row.split()[0] for row in rig.exec("tmux show-options -t dropped")[1].splitlines()],
    }
