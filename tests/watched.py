"""A laptop that is watched: the real `lnode` with a home of its own, and what it did there.

Every process that it starts, every file that it writes, every byte that reaches its terminal, its memory.
"""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import asyncssh

from forwarded import free_port
from hostile import Host, Lie

LNODE = (sys.executable, "-m", "lnode")

# Written for Python's `sitecustomize`: what lnode starts, and the files that it opens to write.
_AUDIT = """\
import json, os, sys
if os.environ.pop("LNODE_TTY", ""):  # here and not between fork and exec: the test has threads
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if os.environ.get("LNODE_WATCH"):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))  # so that no test takes the machine down
    _log = os.open(os.environ["LNODE_WATCH"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _inside = False
    def _heard(event, args):
        global _inside
        if _inside or sys is None:
            return
        said = None
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
            said = [event, *map(os.fsdecode, args[1])] if not isinstance(args[1], str) else [event, args[1]]
        elif event == "os.system":
            said = [event, os.fsdecode(args[0])]
        elif event == "open" and isinstance(args[0], (str, bytes)) and isinstance(args[2], int) and args[2] & 3:
            said = [event, os.path.abspath(os.fsdecode(args[0]))]
        if said:
            _inside = True
            try:
                os.write(_log, (json.dumps(said) + "\\n").encode())
            finally:
                _inside = False
    sys.addaudithook(_heard)

    def _last():
        global _inside
        _inside = True
        with open("/proc/self/status") as file:
            most = next(int(row.split()[1]) for row in file if row.startswith("VmHWM"))
        os.write(_log, json.dumps(["memory", str(most << 10)]).encode() + b"\\n")

    import atexit
    atexit.register(_last)  # what the kernel tells whoever waits has the size of the test in it, which has forked
"""

# The way to the host: what ssh expands in it, a shell reads. It goes to the one host there is, whatever that is called.
_WAY = """\
import os, select, socket, sys
log, port, *words = sys.argv[1:]
with open(log, "a") as file:
    file.write(repr(words) + "\\n")
wire = socket.create_connection(("127.0.0.1", int(port)))
ends = [0, wire]
while wire in ends:
    for end in select.select(ends, [], [])[0]:
        data = os.read(0, 65536) if end == 0 else wire.recv(65536)
        if not data:
            ends.remove(end)
            if end == 0:
                wire.shutdown(socket.SHUT_WR)
        elif end == 0:
            wire.sendall(data)
        else:
            while data:
                data = data[os.write(1, data):]
"""

# A program on PATH that is noted when it is run; those of lnode's own go on as themselves. cat appends the line in one
# write, which two programs at the same moment do not mix.
_NOTED = """\
#!/bin/sh
{{ printf '%s' "${{0##*/}}"; for word; do printf ' <%s>' "$word"; done; echo; }} >"{log}.$$"
/bin/cat "{log}.$$" >>"{log}"; /bin/rm -f "{log}.$$"
{go_on}
"""
_REAL = {"ssh": '-F "$HOME/.ssh/config"', "ssh-keygen": "", "ps": ""}
_FORBIDDEN = ("curl", "wget", "id", "touch", "evil", "sh", "nc")


class Seen(NamedTuple):
    """What one lnode did. `out` is all of it on a terminal; `status` is None where it did not end by itself.

    `memory` is its peak in bytes, `log` the size of the largest file without a name that it had open.
    """

    status: int | None
    out: bytes
    err: bytes
    memory: int
    log: int
    seconds: float
    started: tuple[tuple[str, ...], ...]
    written: tuple[str, ...]

    @property
    def shown(self) -> bytes:
        return self.out + self.err


class Laptop:
    """Its home, its PATH, its ssh configuration: `unity` is the host, `plain` too, by no ProxyCommand."""

    def __init__(self, folder: Path, port: int, user: str, host_key: asyncssh.SSHKey) -> None:
        self.folder, self.user = folder, user
        self.home, self.cwd, self.bin, self.notes = (folder / name for name in ("home", "cwd", "bin", "notes"))
        for path in (
            self.home / ".ssh",
            self.home / ".config" / "lnode",
            self.home / "run",
            self.cwd,
            self.bin,
            self.notes,
        ):
            path.mkdir(parents=True, mode=0o700)
        (self.home / "run").chmod(0o700)
        (self.notes / "sitecustomize.py").write_text(_AUDIT)
        (self.notes / "way.py").write_text(_WAY)
        for name, options in _REAL.items():
            self._note_program(name, f'exec {shutil.which(name)} {options} "$@"')
        for name in ("code", *_FORBIDDEN[:-2]):
            self._note_program(name, "")
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self.home / ".ssh" / "key")
        (self.home / ".ssh" / "key").chmod(0o600)
        public = host_key.export_public_key().decode().strip()
        (self.home / ".ssh" / "known_hosts").write_text(f"*,[*]:* {public}\n")
        way = f"{sys.executable} -I -S {self.notes}/way.py {self.notes}/ways {port} %h %p %n"
        (self.home / ".ssh" / "config").write_text(
            f"Host unity\n  HostName 127.0.0.1\n  ProxyCommand {way}\nHost plain\n  HostName 127.0.0.1\n"
            f"Host *\n  Port {port}\n  User {user}\n  IdentityFile {self.home}/.ssh/key\n  IdentitiesOnly yes\n"
            f"  IdentityAgent none\n  UserKnownHostsFile {self.home}/.ssh/known_hosts\n"
            f"  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
        )
        (self.home / ".config" / "lnode" / "config.toml").write_text(
            "".join(f'[hosts.{alias}]\nkeep_warm = "no"\n' for alias in ("unity", "plain"))
        )

    def _note_program(self, name: str, go_on: str) -> None:
        path = self.bin / name
        path.write_text(_NOTED.format(log=self.notes / "programs", go_on=go_on))
        path.chmod(0o755)

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "lnode"

    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(self.notes), os.environ.get("PYTHONPATH")))),
            "LNODE_WATCH": str(self.notes / "audit"),
        }

    def run(self, *words: str, tty: bool = False, typed: Mapping[str, str] = {}, limit_s: float = 60) -> Seen:
        """Run `lnode WORDS`, on a terminal or in a pipe. `typed` is what is typed once that is shown."""
        for name in ("audit", "programs", "ways"):
            (self.notes / name).unlink(missing_ok=True)
        began = time.monotonic()
        process, ends = _started([*LNODE, *words], self.env(), self.cwd, tty=tty)
        watched = _Watched(process, ends, dict(typed), began + limit_s)
        status = watched.to_the_end()
        return Seen(
            status, bytes(watched.said[0]), bytes(watched.said[1]), max((0, *map(int, self._told("memory")))),
            watched.log, time.monotonic() - began, self._started(), tuple(self._told("open")),
        )  # fmt: skip

    def _audit(self) -> list[list[str]]:
        path = self.notes / "audit"
        return [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []

    def _started(self) -> tuple[tuple[str, ...], ...]:
        """What lnode's Python started, and what was run by name."""
        noted = self.notes / "programs"
        by_name = noted.read_text(errors="replace").splitlines() if noted.exists() else []
        starts = (row for row in self._audit() if row[0] not in ("open", "memory"))
        return (*(tuple(row[1:]) for row in starts), *((row,) for row in by_name))

    def _told(self, what: str) -> list[str]:
        return [row[1] for row in self._audit() if row[0] == what]

    def files(self) -> dict[str, bytes]:
        """All that is in the home and in the current folder, but for what is lnode's own."""
        found = {}
        for top in (self.home, self.cwd):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink() and self.state not in path.parents:
                    found[str(path)] = path.read_bytes()
        return found

    def kept(self) -> dict[str, str]:
        """What lnode keeps, by path."""
        paths = [path for path in self.state.rglob("*") if path.is_file()] if self.state.exists() else []
        return {str(path.relative_to(self.state)): path.read_text(errors="replace") for path in paths}

    def ways(self) -> list[list[str]]:
        """What a ProxyCommand was told to connect to: host, port, alias."""
        path = self.notes / "ways"
        return (
            [re.findall(r"'((?:[^'\\]|\\.)*)'", row) for row in path.read_text().splitlines()] if path.exists() else []
        )

    def left_over(self, within_s: float = 30) -> list[str]:
        """Processes of this laptop that are still there, once they have had their time to end."""
        deadline = time.monotonic() + within_s
        while (found := self._living()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _living(self) -> list[str]:
        """By their current folder: an ssh writes its title over its environment."""
        found = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd") == str(self.cwd):
                    found.append(
                        Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    )
        return found


def _started(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, tty: bool
) -> tuple["subprocess.Popen[bytes]", tuple[int, int]]:
    """The process, and the ends that are read: stdout and stderr, on a terminal the same."""
    if tty:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 200, 0, 0))
        reads, writes, stdin = (ours, ours), (theirs, theirs), theirs
    else:
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        reads, writes, stdin = (out, err), (out_end, err_end), subprocess.DEVNULL
    process = subprocess.Popen(
        argv,
        stdin=stdin,
        stdout=writes[0],
        stderr=writes[1],
        env={**env, "LNODE_TTY": "yes" if tty else ""},
        cwd=cwd,
        start_new_session=True,
    )
    for end in set(writes):
        os.close(end)
    return process, reads


class _Watched:
    """A process until its end."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", ends: tuple[int, int], typed: dict[str, str], deadline: float
    ) -> None:
        self._process, self._ends, self._typed, self._deadline = process, ends, typed, deadline
        self.said = (bytearray(), bytearray())
        self.log = 0

    def to_the_end(self) -> int | None:
        try:
            while True:
                self._take_in(0.05)
                self._look()
                if self._process.poll() is not None:
                    while self._take_in(0):
                        pass
                    return self._process.returncode
                if time.monotonic() > self._deadline:
                    return self._give_up()
        finally:
            for end in set(self._ends):
                os.close(end)

    def _give_up(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _take_in(self, within_s: float) -> bool:
        ends = [end for end in set(self._ends) if end >= 0]
        took = False
        for end in select.select(ends, [], [], within_s)[0]:
            with suppress(OSError):
                data = os.read(end, 1 << 16)
                self.said[self._ends.index(end)].extend(data)
                took = took or bool(data)
        for shown, keys in list(self._typed.items()):
            if shown.encode() in self.said[0]:
                os.write(self._ends[0], keys.encode())
                del self._typed[shown]
        return took

    def _look(self) -> None:
        folder = f"/proc/{self._process.pid}/fd"
        with suppress(OSError):
            for name in os.listdir(folder):
                with suppress(OSError):
                    if "(deleted)" in os.readlink(f"{folder}/{name}"):
                        self.log = max(self.log, os.stat(f"{folder}/{name}").st_size)


class Verb(NamedTuple):
    """Something to type. `done` is the exit code with an honest host; `deed` the script that lnode has to tell
    what to do before that is 0. `raw`: stdout is for a program, byte for byte. `drops`: the connection is lost
    meanwhile. `changes` are files of the home that it may write.
    """

    words: tuple[str, ...]
    done: int = 0
    tty: bool = False
    typed: Mapping[str, str] = {}
    deed: str = ""
    raw: bool = False
    drops: bool = False
    changes: tuple[str, ...] = ()


_SSH_CONFIG = (".ssh/config", ".ssh/.config.before-lnode")
VERBS: Mapping[str, Verb] = {
    "attach": Verb(("unity", "work"), tty=True),
    "attach plainly": Verb(("plain", "work"), tty=True),
    "attach, lost": Verb(("unity", "work"), tty=True, drops=True),
    "ls": Verb(("unity", "--ls")),
    "ls on a terminal": Verb(("unity", "--ls"), tty=True),
    "ls as JSON": Verb(("unity", "--ls", "--json")),
    "ls of all": Verb(("--ls",), tty=True),
    "ls, watched": Verb(("unity", "--ls", "--watch"), tty=True, typed={"q leaves": "q"}),
    "peek": Verb(("unity", "work", "--peek", "20"), tty=True),
    "kill": Verb(("unity", "work", "--kill"), tty=True, typed={"[y/N]": "y\r"}, deed="kill"),
    "kill --yes": Verb(("unity", "work", "--kill", "--yes"), deed="kill"),
    "kill a run": Verb(("unity", "sim", "--kill", "--yes"), deed="kill"),
    "renew": Verb(("unity", "work", "--renew", "--early"), deed="renew"),
    "send": Verb(("unity", "work", "--send", "hello"), tty=True, deed="send"),
    "wait for": Verb(("unity", "work", "--wait-for", "ready", "--timeout", "5"), tty=True),
    "keep": Verb(("unity", "work", "--keep", "3 weeks")),
    "reset": Verb(("unity", "work", "--reset"), tty=True),
    "run": Verb(("unity", "sim", "--run", "--", "./train"), tty=True, deed="run"),
    "run on": Verb(("unity", "sim", "--run", "--on", "work", "--", "./train"), deed="run_on"),
    "logs": Verb(("unity", "sim", "--logs"), tty=True),
    "logs to a pipe": Verb(("unity", "sim", "--logs"), raw=True),
    "logs -f": Verb(("unity", "sim", "--logs", "-f"), tty=True),
    "doctor": Verb(("unity", "--doctor"), done=1, tty=True),
    "setup": Verb(("unity", "--setup"), done=1, tty=True, typed={"[y/N]": "n\r"}),
    "setup --yes": Verb(("unity", "--setup", "--yes"), deed="setup"),
    "rescue": Verb(("unity", "--rescue", "4300"), done=1, tty=True),
    "ports": Verb(("unity", "work", "-L", "PORT:8888"), done=4, tty=True),
    "code": Verb(("unity", "work", "--code", "~/proj", "--yes"), tty=True, changes=_SSH_CONFIG),
    "way": Verb(("unity", "--way", "work.unity.lnode"), raw=True),
    "history": Verb(("unity", "--history"), tty=True),
    "profiles": Verb(("unity", "--profiles"), tty=True),
    "forget": Verb(("unity", "--forget")),
}  # fmt: skip

# What lnode itself sends to a terminal: colours and bold, erased lines, the cursor of a table that is drawn again, the
# title pushed and popped, the screen of --watch, and a terminal that a lost session has left in its own modes.
_OWN = re.compile(
    rb"\x1b\[(?:(?:[0-57]|[39][0-7])(?:;|(?=m)))*m|\x1b\[[02]?K|\x1b\[\d{0,3}A|\x1b\[H|\x1b\[\?(?:25|1049)h|\x1b\[\?\d{1,4}l"
    rb"|\x1b[78>]|\x1b\[r|\x1b\[>4m|\x1b\[[12];1H|\x1b\(B|\x1b\[2[23];0t|\x1b\[0 q|\x1b\]112\x07|\x1b\]8;;\x1b\\"
    rb"|\x1bD|\x1b\[[BL]"
)
_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_PLAIN_END = re.compile(rb"(?:\A|\x1b\[0?m)(?:(?!\x1b\[[0-9;:]*m).)*\Z", re.DOTALL)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PROGRAMS = {"ssh", "ssh-keygen", "ps", "code", "notify-send"}
_LOOKS_FOR_A_LIBRARY = {"ldconfig", "gcc", "cc", "ld"}  # ctypes.util.find_library, when asyncssh is imported
_NODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_LAST_PORT = 65535
_MEMORY = 150 << 20
_SESSIONS = 3  # of a connection that is lost: the first, one that says "on another login node", one that is left
_LOG = 8 << 20  # bytes of what ssh says that may be kept


class Before(NamedTuple):
    """What there was: files of the laptop's, and those that lnode keeps."""

    files: Mapping[str, bytes]
    kept: Mapping[str, str]


def wrongs(laptop: Laptop, verb: Verb, seen: Seen, before: Before, marks: Sequence[str]) -> list[str]:
    """What must not be, whatever a host says; `marks` are words of its own that are in no command, name or path."""
    new = {path: text for path, text in laptop.kept().items() if before.kept.get(path) != text}
    return [
        *_ends(seen), *_shows(verb, seen), *_starts(laptop, seen, marks), *_changes(laptop, verb, seen, before.files),
        *_keeps(new, marks),
    ]  # fmt: skip


def _ends(seen: Seen) -> Iterator[str]:
    if seen.status is None:
        yield f"did not end by itself within {seen.seconds:.0f} s"
    elif seen.status == 3 or seen.status < 0:
        yield f"ended with {seen.status}: {seen.shown[-300:]!r}"
    if b"Traceback" in seen.shown:
        yield f"showed a traceback: {seen.shown[-300:]!r}"
    if seen.memory > _MEMORY:
        yield f"took {seen.memory >> 20} MB of memory"
    if seen.log > _LOG:
        yield f"kept {seen.log >> 20} MB of what ssh said"


def _shows(verb: Verb, seen: Seen) -> Iterator[str]:
    said = seen.err if verb.raw else seen.shown
    rest = _OWN.sub(b"", said) if verb.tty else said
    if "--logs" in verb.words and verb.tty:  # which keeps a log's colours, and takes them back
        rest = _COLOURS.sub(b"", rest).replace(b"\b", b"")
        if not _PLAIN_END.search(said):
            yield f"left colours on: {said[-80:]!r}"
    try:
        text = rest.decode()
    except UnicodeDecodeError as error:
        yield f"showed raw bytes: {rest[max(0, error.start - 20) : error.start + 20]!r}"
        return
    if found := _CONTROL.search(text):
        yield f"showed {found[0]!r}: {text[max(0, found.start() - 40) : found.start() + 40]!r}"


def _starts(laptop: Laptop, seen: Seen, marks: Sequence[str]) -> Iterator[str]:
    for argv in seen.started:
        name = os.path.basename(argv[0].split(" <")[0])
        way = name == "sh" and "way.py" in argv[-1]  # as ssh itself would have started it
        if not (way or name in _PROGRAMS | _LOOKS_FOR_A_LIBRARY):
            yield f"started {argv!r}"
        if any(mark in word for word in argv for mark in marks):
            yield f"said what the host said to {' '.join(argv)[:300]!r}"
    if (laptop.cwd / "pwned").exists() or (laptop.home / "pwned").exists():
        yield "ran what the host said"
    for host, port, *_ in laptop.ways():
        if not _NODE.fullmatch(host) or not (port.isdecimal() and 0 < int(port) <= _LAST_PORT):
            yield f"went to {host[:80]!r}, port {port}"
    if left := laptop.left_over():
        yield f"left behind {left!r}"


def _changes(laptop: Laptop, verb: Verb, seen: Seen, before: Mapping[str, bytes]) -> Iterator[str]:
    now = laptop.files()
    allowed = {str(laptop.home / name) for name in verb.changes}
    for path in sorted(now.keys() | before.keys()):
        if path not in allowed and now.get(path) != before.get(path):
            yield f"changed {path}"
    for path in seen.written:
        mine = path.startswith((f"{laptop.state}/", f"{laptop.home}/run/", "/dev/"))
        if (
            not mine and os.path.isfile(path) and path not in allowed
        ):  # Python tries its folder for drafts by a file there
            yield f"wrote {path}"


def _keeps(kept: Mapping[str, str], marks: Sequence[str]) -> Iterator[str]:
    for path, text in kept.items():
        if os.path.basename(path).startswith("bug-"):
            yield f"kept {path}: {text[-300:]!r}"
        if path.startswith("pictures/"):  # what was answered, in JSON, to be read by the same parsers
            continue
        if found := _CONTROL.search(text):
            yield f"kept {found[0]!r} in {path}"
        if any(mark in text for mark in marks):
            yield f"kept what the host said in {path}: {text[:300]!r}"
        if path == "login-nodes":
            yield from _wrong_nodes(json.loads(text))


def _wrong_nodes(kept: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[str]:
    for known in kept.values():
        for node in (*known["ports"], *known["sessions"].values()):
            if not _NODE.fullmatch(str(node)):
                yield f"remembers the login node {str(node)[:80]!r}"
        for port in known["ports"].values():
            if not 0 < int(str(port)) <= _LAST_PORT:
                yield f"remembers the port {port}"


class Bench:
    """A hostile host, and a laptop for each of its lies, which keeps what it has learned from one verb to the next."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self._folder = host, folder
        self._laptops: dict[str, Laptop] = {}

    def laptop(self, kind: str, lie: Lie) -> Laptop:
        """The one that is told this."""
        if kind not in self._laptops:
            user = re.sub(r"\W", "-", kind)
            self.host.tell(user, lie)
            self._laptops[kind] = Laptop(self._folder / user, self.host.port, user, self.host.key)
        return self._laptops[kind]

    def logins(self, kind: str) -> int:
        return self.host.logins[self._laptops[kind].user]

    def wrongs(
        self, kind: str, lie: Lie, name: str, *, marks: Sequence[str] = (), done: int | None = None,
        fails: bool = False, limit_s: float = 60,
    ) -> list[str]:  # fmt: skip
        """What was wrong with one verb: see wrongs(), and its exit code. That has to be `done`, and with `fails`
        cannot be 0; nor can it where lnode did not tell the host what to do.
        """
        laptop, verb = self.laptop(kind, lie), VERBS[name]
        if verb.drops:
            self.host.lies[laptop.user] = lie._replace(play="drop")
        self.host.deeds[laptop.user].clear()
        self.host.asked[laptop.user].clear()
        before = Before(laptop.files(), laptop.kept())
        words = [word.replace("PORT", str(free_port())) for word in verb.words]
        seen = laptop.run(*words, tty=verb.tty, typed=verb.typed, limit_s=limit_s)
        self.host.lies[laptop.user] = lie
        assert seen.memory or seen.status is None or seen.status < 0, f"was not watched: {seen.err!r}"
        found = wrongs(laptop, verb, seen, before, marks)
        said = seen.shown[-300:]
        if any(mark.encode() in seen.shown for mark in marks):
            found.append(f"showed what the host said: {said!r}")
        if done is not None and seen.status != done:
            found.append(f"ended with {seen.status}: {said!r}")
        for bug in laptop.state.glob("bug-*"):
            bug.unlink()
        if verb.drops and [asked.script for asked in self.host.asked[laptop.user]].count("session") < _SESSIONS:
            found.append("was not lost, sent on, and attached again")
        told = {script for script, line in self.host.deeds[laptop.user] if line}
        if seen.status == 0 and (fails or (verb.deed and verb.deed not in told)):
            found.append(f"ended with 0 though nothing was done: {said!r}")
        return found
