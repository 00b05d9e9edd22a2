"""Record the words of real OpenSSH clients for tests/recorded/words_of_ssh.json: `python tests/record_words.py SSH...`.

Each client goes to the same hosts, in the way in which lnode starts it: a real sshd in a container, and servers that
fail before there is a login. Needs Docker. `tests/pure/test_words_of_ssh.py` reads the records.
"""

import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

import rig
import sites
from lnode.ssh import arguments
from lnode.ssh.arguments import Option
from rig import Rig

LIMIT_S = 60
HELD_S = 30
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve | None, *, family: int = socket.AF_INET) -> Iterator[int]:
    """Yield the port of a server that treats each connection with `serve`; None takes none, as a host that is down."""
    with socket.socket(family) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0 if serve is None else 8)
        port: int = server.getsockname()[1]
        if serve is None:
            with socket.create_connection(("127.0.0.1", port)):  # its queue is full now
                yield port
        else:
            threading.Thread(target=_accept, args=(server, serve), daemon=True).start()
            yield port


def _accept(server: socket.socket, serve: Serve) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def says(text: bytes, *, after: bool = True) -> Serve:
    def serve(connection: socket.socket) -> None:
        with connection:
            if after:
                connection.recv(1000)
            connection.sendall(text)

    return serve


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.recv(1)
    connection.close()


def is_silent(connection: socket.socket) -> None:
    with connection:
        threading.Event().wait(HELD_S)


class Recorder:
    """Runs each client through a case, and collects the words by case."""

    def __init__(self, host: Rig, clients: list[str]) -> None:
        self.host, self.clients = host, clients
        self.rows: dict[tuple[str, int, str, str], list[str]] = {}

    def run(
        self, case: str, *lines: str, port: int | None = None, terminal: bool = False, line: str = "exit 3",
        askpass: Path | None = None, config: str | None = None, silent_s: int = 30,
    ) -> None:  # fmt: skip
        """Record a case. `lines` come first in its configuration; `silent_s` is ServerAliveInterval, once."""
        for ssh in self.clients:
            version = version_of(ssh)
            options = [Option("ServerAliveInterval", silent_s), Option("ServerAliveCountMax", 1)]
            options += [] if port is None else [Option("Port", port)]
            options += () if askpass else arguments.SILENT
            options += () if version.startswith("8.4") else arguments.TELLING
            make = arguments.terminal_argv if terminal else arguments.question_argv
            with TemporaryDirectory(prefix="words-") as folder:
                mine, log = Path(folder, "config"), Path(folder, "log")
                mine.write_text("\n".join([*lines, config or self.host.ssh_config.read_text()]))
                argv = make("unity", line, connect_timeout_s=4, options=options, config=str(mine))
                status, stderr = ended([ssh, "-E", str(log), *argv[1:]], self._env(ssh, askpass), terminal=terminal)
                words = (log.read_text() if log.exists() else "", stderr)
            own, others = (plain(text, {folder: "/home/me/.ssh", str(self.host.folder): "/home/me"}) for text in words)
            self.rows.setdefault((case, status, own, others), []).append(version)
            print(f"{case:24} {version:8} {status:4} {own!r} | {others!r}", file=sys.stderr)

    def _env(self, ssh: str, askpass: Path | None) -> dict[str, str]:
        env = self.host.env() | ({"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"} if askpass else {})
        return env | {"PATH": f"{Path(ssh).parent}{os.pathsep}{env['PATH']}"}


def ended(argv: list[str], env: dict[str, str], *, terminal: bool) -> tuple[int, str]:
    """Run a client to its end. Return its status and its standard error."""
    ends = pty.openpty() if terminal else (os.open(os.devnull, os.O_RDWR),)
    try:
        done = subprocess.run(
            argv, env=env, stdin=ends[-1], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    finally:
        for end in ends:
            os.close(end)
    return done.returncode, done.stderr


# What differs from run to run, or from one build to another.
CHANCE = (
    (r"/tmp/words-\w+", "/home/me/.ssh"),
    (r"(bin=[^,]*, )?pid=\d+", "pid=4711"),
    (r"\(\):\d+ ", "():500 "),  # a line of its source
    (r"(port |127\.0\.0\.1\]:)(?!65535|9999)\d{4,5}\b", r"\g<1>2200"),
    (r"(listen to port: )\d+", r"\g<1>2200"),
    (r"SHA256:\S{43}", "SHA256:" + "A" * 43),
    (r"sent \d+, received \d+ bytes, in \d+\.\d", "sent 3000, received 3000 bytes, in 2.5"),
    (r"sent \d+\.\d, received \d+\.\d", "sent 3000.0, received 3000.0"),
)


def plain(words: str, folders: dict[str, str]) -> str:
    for folder, name in folders.items():
        words = words.replace(folder, name)
    for pattern, name in CHANCE:
        words = re.sub(pattern, name, words)
    return words


def version_of(ssh: str) -> str:
    said = subprocess.run([ssh, "-V"], capture_output=True, text=True, check=True).stderr
    found = re.match(r"OpenSSH_(\S+?)[ ,]", said)
    assert found, said
    return found[1]


def record(it: Recorder, folder: Path) -> None:
    before_the_login(it)
    host_keys(it, folder)
    algorithms(it)
    logins(it, folder)
    after_the_login(it)
    jumps(it, folder)


def before_the_login(it: Recorder) -> None:
    it.run("no-name", "HostName no-such-host.invalid")
    it.run("no-address", "HostName 2001:db8::1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        it.run("refused", port=free.getsockname()[1])
    with listening(None) as port:
        it.run("no-answer", port=port)
    for case, serve in {
        "no-banner": is_silent,
        "closed-at-once": says(b"", after=False),
        "closed-before-banner": says(b""),
        "reset-before-banner": resets,
        "too-many": says(b"Exceeded MaxStartups\r\n", after=False),
        "penalty": says(b"Not allowed at this time\r\n", after=False),
        "web-server": says(
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request"
        ),
        "old-protocol": says(b"SSH-1.5-old\r\n"),
        "closed-after-banner": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    }.items():
        with listening(serve) as port:
            it.run(case, port=port)
    it.run("bad-option", "Nonsense yes")
    it.run("bad-value", "Port many")


def host_keys(it: Recorder, folder: Path) -> None:
    it.run("key-unknown", f"UserKnownHostsFile {folder}/none")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "other"], check=True)
    (folder / "changed").write_text(f"lnode-rig {(folder / 'other.pub').read_text()}")
    it.run("key-changed", f"UserKnownHostsFile {folder}/changed")
    known = (it.host.folder / "known_hosts").read_text()
    (folder / "revoked").write_text(f"@revoked {known}")
    it.run("key-revoked", f"UserKnownHostsFile {folder}/revoked")
    # RequiredRSASize of the crypto policies of Fedora and RHEL; before OpenSSH 9.1 there is no such keyword
    rsa = "/etc/ssh/ssh_host_rsa_key"
    it.host.exec(f"test -e {rsa} || ssh-keygen -q -t rsa -b 2048 -N '' -f {rsa}", "root")
    (folder / "rsa").write_text(f"lnode-rig {it.host.exec(f'cat {rsa}.pub')[1]}")
    with sites.sshd_with(it.host, f"HostKey {rsa}"):
        it.run("short-key", "IgnoreUnknown RequiredRSASize", "RequiredRSASize 3072", "HostKeyAlgorithms rsa-sha2-512",
               f"UserKnownHostsFile {folder}/rsa")  # fmt: skip
    it.host.exec(f"rm {rsa}", "root")


def algorithms(it: Recorder) -> None:
    for case, line in {
        "no-kex": "KexAlgorithms diffie-hellman-group1-sha1",
        "no-cipher": "Ciphers 3des-cbc",
        "no-mac": "MACs hmac-md5\nCiphers aes128-ctr",
        "old-kex": "KexAlgorithms ecdh-sha2-nistp256",  # OpenSSH 10.1 warns: not post-quantum
    }.items():
        with sites.sshd_with(it.host, line):
            it.run(case)
    it.run("no-key-type", "HostKeyAlgorithms ssh-rsa")


def logins(it: Recorder, folder: Path) -> None:
    only = "IdentitiesOnly yes"
    config = it.host.ssh_config.read_text().replace(str(it.host.folder / "id_ed25519"), str(folder / "other"))
    it.run("wrong-key", only, config=config)
    for number in range(7):
        (folder / f"key{number}").unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / f"key{number}"], check=True)
    it.run("too-many-keys", only, *(f"IdentityFile {folder}/key{number}" for number in range(7)), config=config)
    askpass = folder / "askpass"
    askpass.write_text("#!/bin/sh\necho wrong\n")
    slow = folder / "slow"
    slow.write_text("#!/bin/sh\nsleep 6\necho wrong\n")
    for path in (askpass, slow):
        path.chmod(0o755)
    with sites.with_password(it.host):
        it.run("nobody-to-ask")
        it.run("wrong-password", askpass=askpass)
        with sites.sshd_with(it.host, "Banner /etc/hostname"):
            it.run("banner-and-refused")
    with sites.sshd_with(it.host, "LoginGraceTime 2"), sites.with_password(it.host):
        it.run("too-slow", askpass=slow)
    with sites.sshd_with(it.host, "DenyUsers alice"):
        it.run("denied")
    it.host.exec("echo 'closed until 18:00' >/etc/nologin", "root")
    it.run("nologin")
    with sites.with_pam(it.host):
        it.run("nologin-pam")
    it.host.exec("rm /etc/nologin", "root")


def after_the_login(it: Recorder) -> None:
    it.run("in")
    it.run("in-terminal", terminal=True)
    for terminal in (False, True):
        name = "-terminal" if terminal else ""
        it.run(f"killed{name}", line="kill -9 $PPID; sleep 9", terminal=terminal)
        it.run(f"silence{name}", line="kill -STOP $PPID; sleep 9", terminal=terminal, silent_s=1)
        with sites.sshd_with(it.host, "MaxSessions 0"):
            it.run(f"no-session{name}", terminal=terminal)
    with sites.sshd_with(it.host, "PermitTTY no"):
        it.run("no-terminal", terminal=True)
    keep = "ExitOnForwardFailure yes"
    with sites.sshd_with(it.host, "AllowTcpForwarding no"):
        it.run("no-forward-there", keep, "RemoteForward 9999 localhost:22", terminal=True)
        it.run("forward-warned", "ExitOnForwardFailure no", "RemoteForward 9999 localhost:22", terminal=True)
    with listening(is_silent) as port:
        it.run("no-forward-here", keep, f"LocalForward 127.0.0.1:{port} localhost:22", terminal=True)
    it.run("no-master", "ProxyCommand false", "ControlPath /nowhere/socket")


def jumps(it: Recorder, folder: Path) -> None:
    """Through a jump host, whose ssh the client starts with the same configuration."""
    over = "Host unity\n  ProxyJump gate\nHost *"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        it.run("jump-refused", f"Host gate\n  Port {free.getsockname()[1]}", over)
    it.run("jump-wrong-key", f"Host gate\n  UserKnownHostsFile {folder}/changed", over)
    it.run("jump-unknown-key", f"Host gate\n  UserKnownHostsFile {folder}/none", over)
    it.run("jump-no-name", "Host gate\n  HostName no-such-host.invalid", over)
    it.run("jump-then-refused", "Host gate\n  User alice", over, port=9)
    with sites.sshd_with(it.host, "AllowTcpForwarding no"):
        it.run("jump-forbids", "Host gate\n  User alice", over)


def main(clients: list[str]) -> None:
    with closing(docker.from_env(timeout=120)) as engine, TemporaryDirectory(prefix="words-") as folder:
        image = rig.build(engine, "standin")
        with rig.running(engine, "standin", image, f"words-{uuid.uuid4().hex[:8]}") as host:
            it = Recorder(host, clients)
            record(it, Path(folder))
    rows = [
        {"case": case, "ssh": versions, "status": status, "log": log, "stderr": stderr}
        for (case, status, log, stderr), versions in it.rows.items()
    ]
    print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")


if __name__ == "__main__":
    main(sys.argv[1:])
