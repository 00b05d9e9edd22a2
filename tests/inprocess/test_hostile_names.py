"""A host that answers with shell words, options and impossible ports where a name, a folder or a port belongs.

The real ssh of a laptop, the demo's sshd as the host, and between lnode's script and its answer a program of the host's
own: whatever the host says, nothing may be started, written or remembered here.
"""

import getpass
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_rig import prepared
from full import slow
from lnode.demo import server, state
from window import LNODE, Window

SSH = shutil.which("ssh")
LIMIT_S = 60
EVIL = "x$(cd;id>pwned)"
pytestmark = pytest.mark.skipif(SSH is None, reason="no OpenSSH client here")

# The host's `base64 -d`: it knows each of lnode's scripts, notes its name, and answers with one of its own instead.
_DECODER = """\
import binascii, gzip, os, sys
from lnode.remote import call
text = gzip.decompress(binascii.a2b_base64(sys.stdin.buffer.read())).decode()
scripts = [file[:-3] for file in os.listdir(os.path.dirname(call.__file__)) if file.endswith(".sh")]
name = next(name for name in sorted(scripts, key=len, reverse=True) if text.endswith(call.source(name)))
with open(os.path.join({folder!r}, "asked"), "a") as log:
    print(name, file=log)
try:
    with open(os.path.join({folder!r}, name)) as file:
        text = text.removesuffix(call.source(name)) + file.read()
except FileNotFoundError:
    pass
sys.stdout.buffer.write(gzip.compress(text.encode()))
"""

# Any port and any host name lead to the demo's sshd. `%h` stands in a shell, as in many a handbook.
_RELAY = """\
import os, socket, sys, threading
far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := far.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""


class Scene:
    """The laptop's folder and the host's own scripts."""

    def __init__(self, root: Path, place: state.DemoFolders, port: int) -> None:
        self.laptop, self.scripts = root / "laptop", root / "scripts"
        for folder in (self.laptop, self.laptop / "bin", self.laptop / "run", self.scripts):
            folder.mkdir(mode=0o700)
        decoder = self._program(root / "decoder.py", _DECODER.format(folder=str(self.scripts)))
        launcher = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {decoder} "$@"\n'
        self._program(place.programs / "base64", launcher)
        relay = self._program(root / "relay.py", _RELAY)
        config = self._program(
            root / "ssh_config",
            f"Include {self.laptop}/state/lnode/hosts/*.lnode\nHost unity\n"
            f"    HostName 127.0.0.1\n    Port {port}\n    User {getpass.getuser()}\n    HostKeyAlias lnode-demo\n"
            f"    ProxyCommand {sys.executable} {relay} {port} %h\n    IdentityFile {place.client_key}\n"
            f"    IdentitiesOnly yes\n    IdentityAgent none\n    UserKnownHostsFile {place.short / 'known_hosts'}\n"
            "    GlobalKnownHostsFile none\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    CheckHostIP no\n",
        )
        log = f"printf '%s\\n' \"$*\" >>{self.laptop}"
        ssh = f'#!/bin/sh\n{log}/argv\nexec {SSH} -F {config} "$@"\n'
        self._program(self.laptop / "bin" / "ssh", ssh)
        self._program(self.laptop / "bin" / "code", f"#!/bin/sh\n{log}/edited\n")

    def _program(self, path: Path, text: str) -> Path:
        path.write_text(text)
        path.chmod(0o700)
        return path

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{self.laptop}/bin:/usr/bin:/bin",
            "HOME": str(self.laptop),
            "XDG_STATE_HOME": f"{self.laptop}/state",
            "XDG_RUNTIME_DIR": f"{self.laptop}/run",
            "LNODE_CONFIG": f"{self.laptop}/config.toml",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    def acts(self, script: str, text: str) -> None:
        """To this script of lnode's the host answers with one of its own."""
        (self.scripts / script).write_text(f"{text}\n")

    def asked(self) -> list[str]:
        """The scripts that have come so far."""
        log = self.scripts / "asked"
        return log.read_text().split() if log.exists() else []

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*LNODE, *words], env=self.env, cwd=self.laptop, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip

    def argv(self) -> str:
        """What each ssh of this laptop was called with."""
        return (self.laptop / "argv").read_text()

    def is_unharmed(self) -> None:
        """Nothing of the host's words was started, and no ssh heard of them."""
        assert not [*self.laptop.parent.rglob("pwned")]
        assert "pwned" not in self.argv()
        assert EVIL not in self.remembered()

    def remembered(self) -> str:
        file = self.laptop / "state" / "lnode" / "login-nodes"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def scene() -> Iterator[Scene]:
    with prepared("standin") as place, server.serving(place) as port:
        yield Scene(Path(os.environ["HOME"]), place, port)


def reply(**sections: str) -> str:
    """A script that says these sections, and that it is done."""
    rows = (
        f"printf '\\n%s {name.replace('_', '-')}\\n' \"$nonce\"\ncat <<'---'\n{text}\n---\n"
        for name, text in {**sections, "end": ""}.items()
    )
    return "".join(rows)


def a_session(name: str, host: str, port: str = "22") -> dict[str, str]:
    """Sections of list.sh: this host has the session."""
    return {
        "host": f"{host}\n1700000060\n{port}",
        "panes": f"$0 1700000000 1700000000 0 900 %0 f* klogin o e w t {name}",
    }


LOGIN_NODES = '[hosts.unity]\nlogin_nodes = "{node}"\n'


@pytest.mark.parametrize("config", ["", LOGIN_NODES])
def test_a_peek_is_not_led_by_a_name_that_is_none(scene: Scene, config: str) -> None:
    (scene.laptop / "config.toml").write_text(config)
    scene.acts("peek", reply(no_session=""))
    scene.acts("list", reply(**a_session("work", EVIL)))
    done = scene.run("unity", "work", "--peek")
    assert done.returncode == 7, done.stderr
    scene.is_unharmed()


@pytest.mark.parametrize("verb", [("--ls",), ("work", "--kill", "--yes")])
def test_what_is_shown_and_ended_is_not_remembered_under_it(scene: Scene, verb: tuple[str, ...]) -> None:
    question = reply(**a_session("work", EVIL))
    scene.acts("list", question)
    scene.acts("kill", f"{question}read -r verdict\n{reply(left='')}")
    done = scene.run("unity", *verb)
    assert done.returncode == 0, done.stderr
    scene.is_unharmed()


def test_a_run_on_a_node_without_a_name_is_not_ended_there(scene: Scene) -> None:
    run = f"sim {'0' * 16} elsewhere {EVIL} 4711 1700000000 - - - - sleep 9"
    for script in ("kill", "list"):
        scene.acts(script, reply(host="login1\n1700000060\n22", panes="", runs=run))
    done = scene.run("unity", "sim", "--kill", "--yes")
    assert done.returncode == 1, done.stderr
    assert "an unknown login node" in done.stderr
    scene.is_unharmed()


def test_an_attach_is_not_led_by_it(scene: Scene) -> None:
    scene.acts("session", "case $mode in create) exit 112 ;; esac\nexit 102")
    scene.acts("list", reply(**a_session("work", EVIL)))
    with Window([*LNODE, "unity", "work"], scene.env) as window:
        assert window.exit_status() not in (0, 3), window.text()
    assert "list" in scene.asked()
    scene.is_unharmed()


@pytest.mark.parametrize("port", [slow("0"), "70000", slow("99999"), slow("22x"), slow("-1"), ""])
def test_a_port_that_is_none_is_neither_used_nor_remembered(scene: Scene, port: str) -> None:
    scene.acts("peek", reply(no_session=""))
    scene.acts("list", reply(**a_session("work", "login1", port or "-"), nodes=f"login2 {port} other"))
    scene.run("unity", "work", "--peek")
    used = {word.removeprefix("Port=") for word in scene.argv().split() if word.startswith("Port=")}
    assert used == {"22"}
    kept = json.loads(scene.remembered())["unity"]["ports"]
    assert {*kept.values()} == {22}


@pytest.mark.parametrize(
    "folder", ["--install-extension=evil", slow("-n"), slow("relative"), slow("/home/\x1b[2J"), slow(""), "/home/me"]
)
def test_no_folder_becomes_an_option_of_the_editor(scene: Scene, folder: str) -> None:
    key = f"ssh-ed25519 {'A' * 68} lnode"
    scene.acts("node_way", reply(**a_session("work", "login1")) + reply(key=key, folder=folder))
    done = scene.run("unity", "work", "--code", "proj", "--yes")
    edited = scene.laptop / "edited"
    if folder == "/home/me":
        assert done.returncode == 0, done.stderr
        assert edited.read_text() == "--remote ssh-remote+work.unity.lnode /home/me\n"
    else:
        assert done.returncode == 2, done.stderr
        assert not edited.exists()


@pytest.mark.parametrize(("number", "code"), [("9" * 4000, 0), slow("9" * 5000, 1), slow("\u0663", 0), ("-1", 0)])
def test_no_number_in_a_log_is_a_bug(scene: Scene, number: str, code: int) -> None:
    """A frame's line has 4 KiB: one that is longer is no answer of lnode's script."""
    over = f"over sim {'0' * 16} ended login1 12 1700000000 1700000010 0 - -"
    scene.acts("logs", f'printf \'%s beat %s\\n%s {over}\\n\' "$nonce" {number} "$nonce"')
    done = scene.run("unity", "sim", "--logs")
    assert done.returncode == code, done.stderr


def test_no_number_in_a_fact_is_a_bug(scene: Scene) -> None:
    scene.acts("doctor", reply(facts=f"tmux_version tmux {'9' * 5000}.1\nhome_free_kb {'9' * 5000}"))
    done = scene.run("unity", "--doctor")
    assert done.returncode in (0, 1), done.stderr
