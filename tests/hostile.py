"""A hostile login node: an SSH server on 127.0.0.1 that runs nothing, and answers each script of lnode's with a lie.

It reads the line that lnode sends only as far as to know which script it is and the nonce of its replies. The user name
of a connection says which lies are told, so that several laptops may ask at once.
"""

import asyncio
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh

from lnode.remote import call
from lnode.remote.reply import Reply
from shells import script_in

SESSION, RUN = "work", "sim"
_CHUNK = 1 << 15
_SCRIPTS = [path.stem for path in Path(call.__file__).parent.glob("*.sh")]
_LOOKED_S = 15.0

# Every hole in a row is `{KIND=HONEST}`, or `{KIND:WIDTH=HONEST}` where the columns are fixed. NOW is the time.
_HOLE = re.compile(rb"\{(\w+)(?::(\d+))?=([^}]*)\}")

_SLURM = (
    "{job:24=4711}{n:16=4242}{n:4=0}{t:24=NOW}{text:20=RUNNING}{time:24=60:00:00}{t:24=NOW}{node:80=login1}"
    "{host:400=c0512}{text:160=None}{text:80=bash}"
)
_RUN_ROW = (
    f"{RUN} 0123456789abcdef running {{node=login1}} {{n=4300}} {{t=NOW}} - - {{job=4711}} {SESSION} {{text=./train}}"
)
_ENDED_ROW = _RUN_ROW.replace("running", "ended").replace("- -", "{t=NOW} {n=0}")
_PANE = (
    f"${{n=1}} {{t=NOW}} {{t=NOW}} {{n=1}} {{n=4242}} %{{n=1}} f{{flags=*}} knode o{{text=}} e{{ended=}} w{{told=}} "
    f"t{{told=}} {{name={SESSION}}}"
)
LIST: Reply = {
    "host": ("{node=login1}", "{t=NOW}", "{port=22}"),
    "panes": ("client ${n=1} {n=4400} /dev/{tty=pts/3}", f"named {{name={SESSION}}}", _PANE),
    "marks": ("@lnode_run_0123456789abcdef {tty=/dev/pts/3} {n=4399} {t=NOW}",),
    "who": ("me       {tty=pts/3}        2026-11-28 12:00 ({text=laptop.example.org})",),
    "processes": (
        "{n=4242} {n=4000} {n=4242} {time=01:00} {text=salloc}",
        "{n=4400} {n=4399} {n=4400} {time=01:00} tmux",
    ),
    "nodes": ("{node=login2} {port=22} {name=other}",),
    "runs": (_RUN_ROW,),
    "jobs": (_SLURM,),
    "origins": ("pid {n=4242}", "TMUX=/tmp/tmux-1000/default,{n=4000},0", "TMUX_PANE=%{n=1}"),
}
_DATE = "{date=Sat Nov 28 12:00:00 2026}"
OTHERS: Mapping[str, Reply] = {
    "pbs": {
        "clients": ("client {n=4242} {n=4000} {n=4242} {time=01:00} qsub -I {text=}",),
        "jobs-of-clients": (
            "Job Id: {job=4711.server}", "    Job_Name = {text=STDIN}", "    job_state = {text=R}",
            "    Resource_List.walltime = {time=72:00:00}", "    resources_used.walltime = {time=01:00:00}",
            "    Walltime.Remaining = {n=3600}", f"    ctime = {_DATE}", "    interactive = True",
            "    submit_host = {node=login1}", "    exec_host = {host=b141}/0*16", "    comment = {text=Not Running}",
            "\t{text=more}",
        ),
    },
    "lsf": {
        "clients": ("client {n=4242} {n=4000} {n=4242} {time=01:00} nios {text=}",),
        "evidence": ("number {n=4242} {n=4711}",),
        "jobs-of-clients": (
            "{job=4711}|{text=RUN}|{node=login1}|{date=Nov 28 12:00}|{limit=71:59 L}|4*{host=hosta}|{text=bash}",
        ),
    },
    "sge": {
        "clients": ("client {n=4242} {n=4000} {n=4242} {time=01:00} qrsh {text=}",),
        "evidence": ("port {n=4242} C350",),
        "jobs-of-clients": (
            "<JB_job_number>{job=4711}</JB_job_number>", "<state>{text=r}</state>",
            "<JAT_start_time>{iso=2026-11-28T12:00:00}</JAT_start_time>", "<queue_name>all.q@{host=b141}</queue_name>",
            "job_number:                 {job=4711}", f"submission_time:            {_DATE}",
            "sge_o_host:                 {node=login1}", "job_name:                   {text=bash}",
            "env_list:                   TERM=xterm,QRSH_PORT={node=login1}:{port=50000}",
            "hard_resource_list:         h_rt={n=3600}", "scheduling info:            {text=}",
        ),
    },
    "oar": {
        "clients": (
            "{n=4242} {n=4000} {n=4242} {time=01:00} oarsub",
            "client {n=4242} {n=4000} {n=4242} {time=01:00} oarsub -I {text=}",
        ),
        "evidence": ("number {n=4242} {n=4711}", "pane {n=4242} %{n=1}"),
        "jobs-of-clients": (
            "Job_Id: {job=4711}", "    name = lnode%{n=1}", "    name = {text=STDIN}", "    state = {text=Running}",
            "    assigned_hostnames = {host=b141}", "    jobType = INTERACTIVE", "    walltime = {time=72:0:0}",
            "    submissionTime = {day=2026-11-28 12:00:00}", "    startTime = {day=2026-11-28 12:00:00}",
            "    message = {text=R=1}", "    scheduledStart = {day=2026-11-28 12:00:00}",
        ),
    },
    "htcondor": {
        "clients": ("client {n=4242} {n=4000} {n=4242} {time=01:00} condor_ssh_to_job -remove-on-interrupt {text=}",),
        "evidence": ("number {n=4242} {job=4711.0}",),
        "jobs-of-clients": (
            '[{"ClusterId": {n=4711}, "ProcId": 0, "JobStatus": 2, "QDate": {t=NOW}, "JobCurrentStartDate": {t=NOW},',
            '"AllowedJobDuration": {n=3600}, "RemoteHost": "slot1@{host=b141}", "JobBatchName": "{text=}"}]',
        ),
    },
    "flux": {
        "clients": ("client {n=4242} {n=4000} {n=4242} {time=01:00} flux-job attach {text=}",),
        "evidence": ("number {n=4242} {job=f2ARxLQf}",),
        "jobs-of-clients": ("0xa4e000000|RUN|16|{t=NOW}.5|{n=3600}.0|{n=3600}.0|{host=b141}|{text=}|{text=flux}",),
    },
}  # fmt: skip
_FACTS = (
    "now {t=NOW}", "max_sessions {n=1}", "noise {text=hello}", "login_s {n=9}", "tmout {n=900}",
    "term_unknown {text=xterm}", "utf8 none", "cpu_limit_s {n=60}", "tmux_version {text=tmux 2.0}",
    "tmux_lost {n=4000}", "agent_dead {name=work}", "their_prefix {text=C-b}",
    "home_closed {path=/home/me}", "home_readonly {path=/home/me}",
    "home_free_kb {n=7}", "home_free_files {n=0}", "scheduler_silent {text=squeue}", "overlap no",
    "scheduler_by_login {text=squeue}", "stop_idle {text=600s}",
    "node_refused {host=c0512}", "command_missing {text=sinteractive}",
    "kill_user_processes yes", "over_quota yes", "ticket_ended yes", "no_poster yes",
)  # fmt: skip
_PROCESS = (
    "uid {n=1000}", "mine yes", "command {b64=c2xlZXAA}", "tty {tty=pts/3}", "state {text=S+}", "job {n=4300}",
    "others {n=2}", "shell {text=bash}", "tmux yes",
)  # fmt: skip
_SHOWN = (f"{SESSION}$ {{text=ready}}",)

# What a script says at first, and after each line on its standard input; None stands for the list.
REPLIES: Mapping[str, tuple[Reply, ...]] = {
    "list": (LIST,),
    "kill": (LIST, {"left": (), "cancel": ("{text=}",)}),
    "renew": (LIST, {"started": ("pane",)}),
    "node_way": (LIST, {"port": ("{n=22222} {node=c0512}",)}),
    "run": ({"host": ("{node=login1}",)}, {"started": (_RUN_ROW,)}),
    "run_on": (LIST, {"started": (_RUN_ROW,)}),
    "setup": (
        {
            "host": ("{node=login1}",), "shell": ("{shell=bash}",), "tmux": ("{text=tmux 3.3}",),
            "rc": ("none {sum=-} {path=/home/me/.bashrc}",), "tmux_conf": ("none {sum=-} {path=/home/me/.tmux.conf}",),
            "scheduler": ("{text=slurm}",), "sinteractive": ("-{letters=m}",),
        },
    ),
    "doctor": ({"host": ("{node=login1}",), "facts": _FACTS},),
    "peek": ({"host": ("{node=login1}",), "screen": tuple(f"|{row}" for row in _SHOWN)},),
    "send": ({"host": ("{node=login1}",)}, {"left-mode": (), "typed": ("{text=}",)}),
    "wait": (
        {"host": ("{node=login1}",), "pane": ("{t=NOW} ${n=1} %{n=1} {n=7} {n=7}",)},
        {"look": ("|{n=7} {n=7} 0 0 no", *(f"|{row}" for row in _SHOWN))},
    ),
    "rescue": ({"host": ("{node=login1}",), "facts": _PROCESS}, {"failed": ("{text=no}",)}),
    "keep": ({"kept": ("{n=1764425236}",)},),
    "reset": ({"host": ("{node=login1}",), "terminal": ("{text=}",)},),
    **dict.fromkeys(("client", "redraw"), ({"here": ("{node=login1}", "${n=1}")},)),
    "news": ({"told": ("{text=}",)},),
}  # fmt: skip
_KEY = {
    "key": ("ssh-ed25519 {key=AAAAC3NzaC1lZDI1NTE5AAAAIGQzkB0gbnM1c8bHOjyvYQ1LPbOgxpIW2XNVdWJwRhzT}",),
    "folder": ("{path=/home/me/proj}",), "listeners": ("{job=4711} {n=22221} {node=c0512}",),
}  # fmt: skip


class Lie(NamedTuple):
    """What is told: `instead` has bytes for holes of a kind, `beside` rows in which one hole more is that.

    `banner` comes before the login, `refuses` it; `stderr` is written before each answer. `play` is how answers are
    framed, `status` what a session leaves with, `scheduler` who answers instead of Slurm.
    """

    instead: Mapping[str, bytes] = {}
    beside: Mapping[str, bytes] = {}
    banner: str = ""
    refuses: bool = False
    stderr: bytes = b""
    play: str = "plain"
    status: int = 100
    scheduler: str = "slurm"


def filled(row: str, lie: Lie) -> Iterator[bytes]:
    """The row as the lie has it, and another for each hole of it that is a lie beside the truth."""
    template = row.encode().replace(b"NOW", str(int(time.time())).encode())

    def fill(chosen: int) -> bytes:
        at = -1

        def hole(match: re.Match[bytes]) -> bytes:
            nonlocal at
            at += 1
            kind = match[1].decode()
            value = lie.beside[kind] if at == chosen else lie.instead.get(kind, match[3])
            return value.ljust(int(match[2] or 0))

        return _HOLE.sub(hole, template)

    yield fill(-1)
    for at, match in enumerate(_HOLE.finditer(template)):
        if match[1].decode() in lie.beside:
            yield fill(at)


def framed(nonce: bytes, reply: Reply, lie: Lie) -> bytes:
    """The reply as a script would print it, to its end."""
    parts = []
    for name, rows in reply.items():
        parts.append(b"\n" + nonce + b" " + name.encode() + b"\n")
        parts += [line + b"\n" for row in rows for line in filled(row, lie)]
    return b"".join((*parts, b"\n" + nonce + b" end\n"))


class Asked(NamedTuple):
    """A script that has arrived, its values, and the nonce among them."""

    script: str
    values: tuple[str, ...]

    @property
    def nonce(self) -> bytes:
        return next((value for value in self.values if re.fullmatch(r"lnode-[0-9a-f]{16}", value)), "").encode()


def parse_line(line: str) -> Asked:
    """Read the line of call.line(); what is no such line is its own script."""
    if "base64 -d" not in line:
        return Asked("cat", tuple(line.split()[-1:])) if "cat -u" in line else Asked(line, ())
    text = script_in(line).decode("utf-8", "surrogateescape")
    known = [name for name in _SCRIPTS if text.endswith(call.source(name))]
    script = max(known, key=lambda name: len(call.source(name)), default="")
    given = shlex.split(text[: len(text) - len(call.source(script))] if script else text.partition("\n")[0])
    return Asked(script, tuple(word.partition("=")[2] for word in given))


class Host:
    """The server. `lies` are told to the users of these names; `deeds` is what each was told to do."""

    def __init__(self) -> None:
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.lies: dict[str, Lie] = {}
        self.deeds: dict[str, list[tuple[str, str]]] = {}
        self.asked: dict[str, list[Asked]] = {}
        self.logins: dict[str, int] = {}
        self.port = 0
        self._waiting: set[asyncio.Task[Any]] = set()

    def tell(self, user: str, lie: Lie) -> None:
        """From now on this user is told that."""
        self.lies[user] = lie
        self.deeds[user], self.asked[user], self.logins[user] = [], [], 0

    async def listen(self) -> asyncssh.SSHAcceptor:
        host = self

        class Door(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self._conn = conn

            def begin_auth(self, username: str) -> bool:
                host.logins[username] += 1
                if host.lies[username].banner:
                    self._conn.send_auth_banner(host.lies[username].banner)
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return not host.lies[username].refuses

        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Door, process_factory=self._serve, server_host_keys=[self.key],
            encoding=None, gss_host=None, line_editor=False, config=[],
        )  # fmt: skip
        self.port = acceptor.get_port()
        return acceptor

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        user = process.get_extra_info("username")
        task = asyncio.current_task()
        assert task
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        with suppress(OSError, asyncssh.Error):
            asked = parse_line(process.command or "")
            self.asked[user].append(asked)
            ended = asyncio.ensure_future(process.wait_closed())
            answering = asyncio.ensure_future(_Answer(self, user, asked, process).give())
            await asyncio.wait((ended, answering), return_when=asyncio.FIRST_COMPLETED)
            for one in (ended, answering):
                one.cancel()
            await asyncio.gather(ended, answering, return_exceptions=True)

    async def leave(self) -> None:
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)


class _Answer:
    """One script's answer."""

    def __init__(self, host: Host, user: str, asked: Asked, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        self._host, self._user, self._asked, self._process = host, user, asked, process
        self._lie = host.lies[user]

    async def give(self) -> None:
        await self._send(self._lie.stderr, self._process.stderr)
        status = await self._play()
        self._process.exit(status)

    async def _play(self) -> int:
        script, play = self._asked.script, self._lie.play
        if script == "session":
            return await self._session()
        if script == "cat":
            return await (self._flood() if play == "flood-echo" else self._echo())
        if play in _PLAYS:
            return await _PLAYS[play](self)
        if script == "logs":
            return await self._logs()
        if script == "sshd":
            await self._write(b"\nSSH-2.0-x" + self._lie.instead.get("text", b"") + b"\r\n" + b"no\r\n" * 9)
            return 0
        return await self._plain()

    async def _plain(self) -> int:
        replies = REPLIES.get(self._asked.script)
        if replies is None:
            return 127
        first, *others = replies
        await self._write(self._framed(first))
        if self._asked.script == "node_way":
            await self._write(self._framed(_KEY))
        elif self._asked.script == "setup":
            while (line := await self._line()).strip():
                pass
            await self._write(self._framed({"said": ()}) if line else b"")
        elif self._asked.script == "wait":
            while await self._line():
                await self._write(self._framed(others[0]))
        for reply in others:
            line = await self._line()
            if not line:
                return 0
            is_run = self._asked.script == "kill" and line.startswith("run")
            await self._write(self._framed({"stopped": (_ENDED_ROW,)} if is_run else reply))
        return 0

    def _framed(self, reply: Reply) -> bytes:
        if reply is LIST and not (self._lie.instead or self._lie.beside):
            reply = {name: rows for name, rows in LIST.items() if name != "nodes"}
            return framed(self._asked.nonce, reply, self._lie)
        if reply is LIST and self._lie.scheduler != "slurm":
            other = OTHERS[self._lie.scheduler]
            reply = {
                **{name: rows for name, rows in LIST.items() if name != "jobs"},
                "scheduler": (self._lie.scheduler,),
                **other,
            }
        return framed(self._asked.nonce, reply, self._lie)

    async def _session(self) -> int:
        """A session that is left once the link has looked what runs there."""
        await self._write(b"\r\n" + SESSION.encode() + b"\r\n")
        mode = self._asked.values[1]
        if self._lie.play == "drop":
            if mode == "again":
                again = [asked for asked in self._host.asked[self._user] if asked.values[1:2] == ("again",)]
                return 111 if len(again) == 1 else 100
            await self._looked("client")
            self._process.channel.get_connection().abort()
        elif self._lie.status == 100 and self._lie.play not in _PLAYS:
            await self._looked("list")
        return self._lie.status

    async def _looked(self, script: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKED_S):
                while not any(asked.script == script and asked.nonce for asked in self._new()):
                    await asyncio.sleep(0.05)

    def _new(self) -> Sequence[Asked]:
        """What has been asked since the session was begun."""
        asked = self._host.asked[self._user]
        return asked[asked.index(self._asked) :]

    async def _echo(self) -> int:
        await self._write(b"\n" + self._asked.nonce + b"\n")
        while data := await self._process.stdin.read(_CHUNK):
            await self._write(data)
        return 0

    async def _logs(self) -> int:
        mark = b"\n" + self._asked.nonce + b" "
        row = next(filled(_RUN_ROW, self._lie))
        over = next(filled(_ENDED_ROW, self._lie))
        text = b"line\n" + self._lie.instead.get("text", b"more") + b"\n"
        length = self._lie.beside.get("n", str(len(text)).encode())
        await self._write(
            mark + b"run " + row + mark + b"beat 0" + mark + b"data 0 " + length + b"\n" + text + mark + b"ok\n"
        )
        await self._write(mark + b"over " + over + b"\n")
        return 0

    async def _line(self) -> str:
        line = (await self._process.stdin.readline()).decode("utf-8", "replace")
        if line:
            self._host.deeds[self._user].append((self._asked.script, line.strip()))
        return line

    async def _write(self, data: bytes) -> None:
        await self._send(data, self._process.stdout)

    @staticmethod
    async def _send(data: bytes, to: "asyncssh.SSHWriter[bytes]") -> None:
        for at in range(0, len(data), _CHUNK):
            to.write(data[at : at + _CHUNK])
            await to.drain()

    # --- how an answer is framed

    async def _cut(self) -> int:
        whole = self._framed(REPLIES.get(self._asked.script, (LIST,))[0])
        await self._write(whole[: len(whole) * 2 // 3])
        return 0

    async def _twice(self) -> int:
        """Every section twice, the second time in other words; the end between them, and once more."""
        replies = REPLIES.get(self._asked.script, (LIST,))
        await self._write(
            self._framed(replies[0]).replace(self._asked.nonce + b" end\n", b"") + self._framed(replies[-1]) * 2
        )
        while await self._line():
            pass
        return 0

    async def _foreign(self) -> int:
        whole = self._framed(REPLIES.get(self._asked.script, (LIST,))[0])
        await self._write(whole.replace(self._asked.nonce, b"lnode-0123456789abcdef"))
        return 0

    async def _nothing(self) -> int:
        return self._lie.status

    async def _sections(self) -> int:
        """4 MiB, all its sections alike long."""
        reply = REPLIES.get(self._asked.script, (LIST,))[0]
        each = (4 << 20) // max(1, sum(map(len, reply.values())))
        await self._write(
            framed(self._asked.nonce, {name: _many(rows, each) for name, rows in reply.items()}, self._lie)
        )
        return 0

    async def _row(self) -> int:
        """One row of each section is all that there is room for."""
        reply = REPLIES.get(self._asked.script, (LIST,))[0]
        long = self._lie._replace(instead={**self._lie.instead, "text": b"a=" * (4 << 17)})
        await self._write(framed(self._asked.nonce, reply, long))
        await self._write(b"x" * (4 << 20))
        return 0

    async def _rows(self) -> int:
        """A million rows."""
        await self._write(b"\n" + self._asked.nonce + b" host\n" + b"1\n" * 1_000_000)
        await self._write(self._framed(REPLIES.get(self._asked.script, (LIST,))[0]))
        return 0

    async def _stderr(self) -> int:
        for _ in range(64):
            await self._send(b"e" * 99 + b"\n" * (1 << 20 >> 7), self._process.stderr)
            await self._send(b"debug1: x\n" * 100_000, self._process.stderr)
        return await self._plain()

    async def _flood(self) -> int:
        for _ in range(256):
            await self._write(b"x" * (1 << 18))
        return 0

    async def _dribble(self) -> int:
        for byte in self._framed(REPLIES.get(self._asked.script, (LIST,))[0]) * 100:
            await self._write(bytes((byte,)))
            await asyncio.sleep(1)
        return 0

    async def _never(self) -> int:
        await self._process.stdin.read()
        await asyncio.sleep(3600)
        return 0


_PLAYS: Mapping[str, Callable[[_Answer], Any]] = {
    "cut": _Answer._cut, "twice": _Answer._twice, "foreign": _Answer._foreign, "nothing": _Answer._nothing,
    "sections": _Answer._sections, "row": _Answer._row, "rows": _Answer._rows, "stderr": _Answer._stderr,
    "flood": _Answer._flood, "dribble": _Answer._dribble, "never": _Answer._never,
}  # fmt: skip


def _many(rows: Sequence[str], size: int) -> list[str]:
    return [row for row in rows for _ in range(size // max(1, len(row)))]


@contextmanager
def hosting() -> Iterator[Host]:
    """The server, in a thread of its own."""
    host, up, loop = Host(), threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        acceptor = await host.listen()
        up.set()
        await over.wait()
        acceptor.close()
        await host.leave()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(30)
    try:
        yield host
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
