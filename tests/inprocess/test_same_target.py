"""Any ssh configuration means to each rung what it means to ssh: the same way, user and keys, the same trust."""

import asyncio
import base64
import getpass
import hmac
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import asyncssh
import pytest
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from inprocess.sshd import DEADLINE_S, Sshd, serving
from lnode.errors import LnodeError
from lnode.ssh.failures import Cause, cause_of_ssh
from lnode.ssh.host_label import HostLabel
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.log import SshLog
from lnode.ssh.target import Resolving, Target

ALIASES = ("unity", "unity", "you@unity", "localhost", "127.0.0.1")
HEADERS = (
    "Host unity", "Host *", "Host un?ty", "Host !unity *", "Host other", "Host localhost 127.*", "Match all",
    "Match host 127.0.0.1", "Match host localhost,unity", "Match originalhost unity", "Match user me",
    "Match user you host *", 'Match exec "test %n = unity"', "Match exec false", "Match !exec false user *",
    "Match localuser *", "Match canonical", "Match final all",
)  # fmt: skip
RELAY = """\
import os, select, socket, sys
far = socket.create_connection((sys.argv[1], int(sys.argv[2]))).detach()
while True:
    for end in select.select([0, far], [], [])[0]:
        data = os.read(end, 1 << 16)
        os.write(far if end == 0 else 1, data) if data else sys.exit()
"""
VALUES: Mapping[str, tuple[str, ...]] = {
    "HostName": ("127.0.0.1", "localhost", "LocalHost"),
    "Port": ("@main@", "@other@"),
    "User": ("me", "you"),
    "HostKeyAlias": ("cluster", "Cluster", "none"),
    "ProxyJump": (
        "gate", '"gate"', "me@127.0.0.1:@gate@", "ssh://you@127.0.0.1:@gate@", "%r@gate", "gate,inner",
        "inner,you@gate", "none",
    ),
    "ProxyCommand": ("ssh -F @config@ -l %r -W [%h]:%p gate", "@relay@ %h %p", "none"),
    "AddressFamily": ("any", "inet", "inet", "inet6"),
    "BindAddress": ("127.0.0.1",),
    "CanonicalizeHostname": ("yes", "always"),
    "IdentityFile": (
        "@keys@/%r", "@keys@/%h", "@keys@/%n", "@keys@/%p", "@keys@/%u", "@keys@/%i", "@keys@/%L", "@keys@/%k",
        "@keys@/%%h", "@keys@/a b", "%d/@from_home@/home", "~/@from_home@/home", "${LNODE_KEYS}/named",
        "@keys@/none", "@keys@/encrypted", "@keys@/open", "@keys@/agents", "@keys@/ecdsa",
    ),
    "IdentitiesOnly": ("yes", "no"),
    "IdentityAgent": ("none", "@agent@", "SSH_AUTH_SOCK", "$LNODE_AGENT", "${LNODE_KEYS}/agent"),
    "PubkeyAcceptedAlgorithms": ("ssh-ed25519", "-ssh-ed25519", "^ecdsa-sha2-nistp256"),
    "PubkeyAuthentication": ("yes", "yes", "no"),
    "PreferredAuthentications": ("publickey", "password,publickey", "password"),
    "UserKnownHostsFile": (
        "@known@", "/dev/null @known@", '"@known@ 2" @known@', "~/@from_home@/../known", "@known@_%r",
    ),
    "GlobalKnownHostsFile": ("@known@", "none"),
    "HostKeyAlgorithms": ("ssh-ed25519", "ecdsa-sha2-nistp256"),
}  # fmt: skip
TO_THE_END = ("ProxyCommand", "ProxyJump")  # take the rest of their line as it stands
RARE = ("PubkeyAuthentication", "PreferredAuthentications", "AddressFamily", "HostKeyAlgorithms")
NAMES = ("127.0.0.1", "localhost", "cluster", "unity", "*", "!localhost,*", "127.0.0.?", "[*]:@main@", "[127.0.0.1]:*")
HOST_KEYS = ("main", "main_ecdsa", "other", "stranger", "stranger_ecdsa")


class Laptop(NamedTuple):
    """What is generated: the alias typed, files of the configuration and of known_hosts, and the key that opens."""

    alias: str
    config: str
    included: str
    known: str
    opens: str | None


@st.composite
def spelled(draw: st.DrawFn, keyword: str, value: str) -> str:
    keyword = draw(st.sampled_from((keyword, keyword.lower(), keyword.upper())))
    between = draw(st.sampled_from((" ", "=", " = ", "\t")))
    plain = keyword.lower() in map(str.lower, TO_THE_END) or '"' in value
    if "a b" in value or (not plain and " " not in value and draw(st.booleans())):
        value = f'"{value}"'
    after = "" if plain else draw(st.sampled_from(("", "", "  # as it was", "  ")))
    return f"{draw(st.sampled_from(('', '  ', chr(9))))}{keyword}{between}{value}{after}"


@st.composite
def blocks(draw: st.DrawFn, least: int = 0) -> str:
    rows = []
    keywords = st.sampled_from([word for word in VALUES for _ in range(1 if word in RARE else 4)])
    for header in draw(st.lists(st.sampled_from(HEADERS), min_size=least, max_size=3)):
        rows += [draw(st.sampled_from(("", "# Host unity", "  # Port 1"))), header]
        for keyword in draw(st.lists(keywords, min_size=1, max_size=4)):
            rows.append(draw(spelled(keyword, draw(st.sampled_from(VALUES[keyword])))))
    return "\n".join(rows)


@st.composite
def laptops(draw: st.DrawFn) -> Laptop:
    before, after, included = draw(blocks(1)), draw(blocks()), draw(blocks())
    include = draw(
        st.sampled_from(("", "Include @included@", "Host unity\n  Include @included@", "include=@included@"))
    )
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        lines.append(draw(known_line(st.sampled_from(NAMES), st.sampled_from(HOST_KEYS))))
    if draw(st.integers(0, 6)):
        lines += [f"[127.0.0.1]:@{one}@,[localhost]:@{one}@,cluster,none @key {one}@" for one in ("main", "other")]
    config = "\n".join((before, include, after))
    named = re.findall(r"@keys@/([a-z]{2,})", config + included)
    opens = draw(st.sampled_from((None, None, None, "last", "me", *named)))
    return Laptop(draw(st.sampled_from(ALIASES)), config, included, "\n".join(lines) + "\n", opens)


@st.composite
def known_line(draw: st.DrawFn, names: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> str:
    name = draw(names)
    if "*" not in name and "?" not in name and name not in ("cluster", "unity") and draw(st.booleans()):
        name = f"[{name}]:@{draw(st.sampled_from(('main', 'other')))}@"
    if "*" not in name and "?" not in name and draw(st.booleans()):
        name = f"@hashed {name} hashed@"
    marker = draw(st.sampled_from(("",) * 7 + ("@revoked ", "@cert-authority ")))
    return f"{marker}{name} @key {draw(keys)}@"


# A jump host stays what it is, whatever else is said: two that led to each other would start ssh for ever.
ALWAYS = """
Host gate
  HostName 127.0.0.1
  Port @gate@
  User me
Host inner
  HostName 127.0.0.1
  Port @inner@
  User you
Match exec "test %p = @gate@ -o %p = @inner@"
  HostKeyAlias gates
  ProxyJump none
  ProxyCommand none
  CanonicalizeHostname no
  AddressFamily inet
  BindAddress 127.0.0.1
  PubkeyAuthentication yes
  PreferredAuthentications publickey
  PubkeyAcceptedAlgorithms ssh-ed25519
  HostKeyAlgorithms ssh-ed25519
  IdentityAgent none
  IdentityFile @keys@/last
  UserKnownHostsFile @gates@
"""
LAST = """
Host unity you@unity
  HostName 127.0.0.1
Host *
  Port @main@
  User me
  IdentityFile @keys@/last
  IdentityAgent none
  UserKnownHostsFile @known@
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
"""


Event = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the servers saw of a login, and how it ended; None is well."""

    seen: list[Event]
    cause: Cause | None
    words: str


class Country:
    """The servers and the folder that all examples share."""

    def __init__(self, folder: Path, servers: Mapping[str, Sshd], host_keys: Mapping[str, asyncssh.SSHKey]) -> None:
        self.config = folder / "config"
        self.included = folder / "included"
        self.known = folder / "known"
        self.seen: list[Event] = []
        self.servers = servers
        self.with_agent = False
        self._folder = folder
        self._host_keys = {name: " ".join(_public(key).split()[:2]) for name, key in host_keys.items()}
        self.keys: dict[str, asyncssh.SSHKey] = {}
        self._values = {
            **{name: str(server.port) for name, server in servers.items()},
            "agent": str(folder / "keys" / "agent"), "config": str(self.config), "included": str(self.included),
            "gates": str(folder / "gates"), "relay": f"{sys.executable} -S {folder / 'relay'}",
            "known": str(self.known), "keys": str(folder / "keys"),
            "from_home": os.path.relpath(folder / "keys", os.path.expanduser(f"~{getpass.getuser()}")),
        }  # fmt: skip
        for server in servers.values():
            server.seen = self.seen

    def fill(self, text: str) -> str:
        text = re.sub(r"@key (\w+)@", lambda found: self._host_keys[found[1]], text)
        text = re.sub(r"@(\w+)@", lambda found: self._values.get(found[1], found[0]), text)
        return re.sub(r"@hashed (\S+) hashed@", lambda found: hashed(found[1]), text)

    def make_keys(self) -> None:
        folder = self._folder / "keys"
        folder.mkdir()
        ports = (str(self.servers[name].port) for name in ("main", "other"))
        names = (
            "me", "you", "127.0.0.1", "localhost", "unity", "cluster", *ports, getpass.getuser(), str(os.getuid()),
            socket.gethostname().partition(".")[0], "%h", "a b", "home", "named", "encrypted", "open", "agents",
            "ecdsa", "none", "last", "stranger",
        )  # fmt: skip
        for name in dict.fromkeys(names):
            kind, passphrase = "ecdsa" if name == "ecdsa" else "ed25519", "x" if name == "encrypted" else ""
            # Not by asyncssh: of its ECDSA keys paramiko 5.1 reads only some.
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", folder / name], check=True)
            (folder / f"{name}.pub").unlink()
            (folder / name).chmod(0o644 if name == "open" else 0o600)
            self.keys[name] = asyncssh.read_private_key(folder / name, passphrase or None)

    def settle(self, laptop: Laptop) -> None:
        """Write the laptop's files."""
        gates = "".join(f"gates @key {name}@\n" for name in ("gate", "inner"))
        for path, text in (
            (self.config, f"{ALWAYS}\n{laptop.config}\n{LAST}"), (self.included, laptop.included),
            (self._folder / "gates", gates), (self.known, laptop.known), (self._folder / "known 2", ""),
            (self._folder / "relay", RELAY),
            (self._folder / "known_you", laptop.known.replace("@key stranger@", "@key main@")),
        ):  # fmt: skip
            path.write_text(self.fill(text))
        for name in ("main", "other"):
            self.servers[name].accepts = None if laptop.opens is None else {self.keys[laptop.opens].public_data}

        said = subprocess.run(
            ["ssh", "-F", self.config, "-G", laptop.alias], capture_output=True, text=True, check=False
        ).stdout
        self.with_agent = "\nidentityagent none\n" not in said

    async def by_ssh(self, alias: str) -> Outcome:
        self.seen.clear()
        argv = ("ssh", "-F", str(self.config), "-o", "BatchMode=yes", "-o", "LogLevel=VERBOSE", alias, "true")
        with SshLog() as log:
            ssh = await asyncio.create_subprocess_exec(
                *log.argv(argv), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=log.fileno(), start_new_session=True,
            )  # fmt: skip
            try:
                await asyncio.wait_for(ssh.wait(), DEADLINE_S)
            except TimeoutError:
                os.killpg(ssh.pid, signal.SIGKILL)
                raise
            said = log.said()
        place = HostLabel(alias, "127.0.0.1", 22, "", proxied="by UNKNOWN port" in said.own)
        return Outcome(self._usable(), cause_of_ssh(said, place) if ssh.returncode else None, str(said))

    async def by_rung(self, rung: str, alias: str) -> Outcome:
        self.seen.clear()
        try:
            target = Resolving(alias, str(self.config)).target()
            link = await asyncio.wait_for(import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target), DEADLINE_S)
        except LinkFailed as failed:
            return Outcome(self._usable(), failed.cause, failed.story)
        except LnodeError as refused:
            return Outcome([], Cause.BAD_CONFIG, refused.detail)
        try:
            assert (await link.run("echo here", timeout_s=DEADLINE_S)).stdout == b"here\n"
        finally:
            await link.close()
        return Outcome(self._usable(), None, "")

    def _usable(self) -> list[Event]:
        """Without the keys that ssh shows and cannot use: it finds that out late, a rung before it knocks."""
        names = ("encrypted", "open") if self.with_agent else ("encrypted", "open", "agents")
        useless = {self.keys[name].get_fingerprint() for name in names}
        return [what for what in self.seen if what[-1] not in useless]


def hashed(name: str) -> str:
    salt = os.urandom(20)
    mac = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(mac).decode()}"


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def country(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    folder = tmp_path_factory.mktemp("country")
    servers = AsyncExitStack()

    async def open_all() -> Country:
        found = {name: await servers.enter_async_context(serving()) for name in ("main", "other", "gate", "inner")}
        second = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        await found["main"].listen_with(second)
        keys = {
            **{name: server.host_key for name, server in found.items()}, "main_ecdsa": second,
            "stranger": asyncssh.generate_private_key("ssh-ed25519"),
            "stranger_ecdsa": asyncssh.generate_private_key("ecdsa-sha2-nistp256"),
        }  # fmt: skip
        return Country(folder, found, keys)

    country = runner.run(open_all())
    country.make_keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LNODE_KEYS", str(folder / "keys"))
        for name in ("SSH_AUTH_SOCK", "LNODE_AGENT"):
            patch.setenv(name, str(folder / "keys" / "agent"))
        started = subprocess.run(
            ["ssh-agent", "-a", folder / "keys" / "agent"], capture_output=True, text=True, check=True
        ).stdout
        for name in ("agents", "you", "stranger"):
            subprocess.run(["ssh-add", "-q", folder / "keys" / name], check=True)
        (folder / "keys" / "agents.pub").write_text(_public(country.keys["agents"]))
        (folder / "keys" / "agents").unlink()
        yield country
        os.kill(int(started.partition("SSH_AGENT_PID=")[2].partition(";")[0]), 15)
    runner.run(servers.aclose())


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="compares with OpenSSH's own")
@settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    phases=(Phase.generate,),  # to shrink an example takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(laptop=laptops())
def test_ssh_and_the_rungs_reach_the_same(runner: asyncio.Runner, country: Country, laptop: Laptop) -> None:
    country.settle(laptop)
    note(f"{country.config.read_text()}\n--- included\n{country.fill(laptop.included)}")
    note(f"--- known\n{country.known.read_text()}")
    by_ssh = runner.run(country.by_ssh(laptop.alias))
    event(str(by_ssh.cause))
    note(f"ssh: {by_ssh}")
    for rung in RUNGS[1:]:
        by_rung = runner.run(country.by_rung(rung, laptop.alias))
        note(f"{rung}: {by_rung}")
        if not by_rung.seen and by_rung.words == "no key that works without a person":
            assert by_ssh.cause is not None
            continue
        if "revoked" in by_rung.words:  # under any of the host's names, ssh looks only at the one that it settles on
            assert by_rung.cause is Cause.HOST_KEY_CHANGED
            continue
        assert by_rung.cause is by_ssh.cause
        assert by_rung.seen == by_ssh.seen


def test_a_control_path_of_yours_may_have_a_blank(tmp_path: Path) -> None:
    yours = f"{tmp_path}/my home/cm"
    target = Target("x", None, {"controlpath": (yours,), "proxyjump": ("gate",)})
    argv = ["ssh", "-F", "none", "-G", *(word for option in target.riding for word in ("-o", option)), "x"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"controlpath {yours}\n" in said
