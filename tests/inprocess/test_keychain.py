"""What the keychain keeps, and the one prompt that gets it: real ssh against a server that asks what it likes."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import asyncssh
import keyring
import pytest
from keyring.backend import KeyringBackend
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped]

import keychains
from inprocess.sshd import DEADLINE_S, Site
from lnode.attach.side_link import Companion
from lnode.attach.standby import Standby
from lnode.commands.sign_in import _method
from lnode.laptop.tasks import Beside
from lnode.ssh import arguments, prompts
from lnode.ssh import keychain as ssh_keychain
from lnode.ssh.failures import Cause
from lnode.ssh.keychain import KeychainFailed
from lnode.ssh.link.contract import LinkFailed
from lnode.ssh.link.ladder import RUNGS
from lnode.ssh.log import SshLog
from lnode.ssh.said import Said
from lnode.ssh.target import Target
from rig import wait_until
from window import LNODE, Window

SECRET = "correct horse"
PASSWORD = "Password: "
CODE = "Verification code: "
BY_HOST = f"(me@127.0.0.1) {PASSWORD}"
BY_SSH = "me@127.0.0.1's password: "


class Host(asyncssh.SSHServer):
    """Asks `questions`, each with its answer, by keyboard-interactive; without any, for the method password."""

    def __init__(
        self, questions: Sequence[tuple[str, str]], heard: list[str], keys: Sequence[bytes], *, hangs: bool
    ) -> None:
        self._questions, self._heard, self._keys, self._hangs = questions, heard, keys, hangs

    async def _hang(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return bool(self._keys)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key.public_data in self._keys

    def password_auth_supported(self) -> bool:
        return not (self._questions or self._keys)

    async def validate_password(self, username: str, password: str) -> bool:
        self._heard.append(password)
        await self._hang()
        return password == SECRET

    def kbdint_auth_supported(self) -> bool:
        return bool(self._questions)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> asyncssh.auth.KbdIntNewChallenge:
        self._at = 0
        return self._next()

    def _next(self) -> asyncssh.auth.KbdIntNewChallenge:
        return "", "", "", [(self._questions[self._at][0], False)]

    async def validate_kbdint_response(
        self, username: str, responses: Sequence[str]
    ) -> asyncssh.auth.KbdIntNewChallenge:
        self._heard += responses
        await self._hang()
        if list(responses) != [self._questions[self._at][1]]:
            return False
        self._at += 1
        return self._next() if self._at < len(self._questions) else True

    def connection_requested(self, *_: object) -> bool:
        return True


pytestmark = pytest.mark.filterwarnings("ignore:PBKDF2:DeprecationWarning")  # of the encrypted file


class Sshd:
    """Hosts on threads of their own, and what they have been told."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._acceptors: list[asyncssh.SSHAcceptor] = []

    def listen(
        self, *questions: tuple[str, str], keys: Sequence[bytes] = (), hangs: bool = False
    ) -> tuple[int, list[str]]:
        """Its port, and a list that grows by each answer."""
        heard: list[str] = []
        host_key = asyncssh.generate_private_key("ssh-ed25519")

        async def serve() -> asyncssh.SSHAcceptor:
            return await asyncssh.listen(
                "127.0.0.1", 0, server_factory=lambda: Host(questions, heard, keys, hangs=hangs),
                server_host_keys=[host_key], process_factory=lambda process: process.exit(0), gss_host=None,
            )  # fmt: skip

        self._acceptors.append(asyncio.run_coroutine_threadsafe(serve(), self._loop).result(DEADLINE_S))
        port = self._acceptors[-1].get_port()
        self.site.trust(port, host_key)
        return port, heard

    def close(self) -> None:
        async def close() -> None:
            for acceptor in self._acceptors:
                acceptor.close()
                await acceptor.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(DEADLINE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(Site(tmp_path))
    yield server
    server.close()


@pytest.fixture(autouse=True)
def keychain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyringBackend]:
    """An encrypted file, for this process and its children; a state folder without anything kept."""
    for name, value in keychains.encrypted_file(tmp_path / "keychain").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before, backend = keyring.get_keyring(), keychains.EncryptedFile()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def ssh(target: Target, env: dict[str, str] | None) -> tuple[int, str]:
    """A silent ssh as lnode starts it; its status and words."""
    assert env is not None
    argv = ["ssh", "-F", str(target.config), "-T", "-o", "BatchMode=no", target.alias, "true"]
    with SshLog() as log:
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=log.fileno(),
            timeout=120,
            check=False,
            start_new_session=True,
        )
        return done.returncode, log.words()


def with_config(site: Site, env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `ssh` reads the site's configuration."""
    (site.folder / "bin").mkdir(exist_ok=True)
    wrapper = site.folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {site.config} "$@"\n')
    wrapper.chmod(0o755)
    return {**env, "PATH": f"{wrapper.parent}{os.pathsep}{env['PATH']}", "TERM": "xterm-256color"}


def sign_in(site: Site, *answers: tuple[str, str]) -> str:
    """`lnode unity --sign-in` by a person; what it said."""
    env = with_config(site, os.environ)
    with Window([*LNODE, "unity", "--sign-in"], env) as window:
        for prompt, answer in answers:
            window.wait_for(prompt.rstrip())
            window.press(f"{answer}\r")
        window.exit_status()
        assert all(answer not in window.text() for _, answer in answers)
        return window.text()


@pytest.mark.parametrize(
    ("prompt", "method"),
    [
        (BY_SSH, "password"),
        (BY_HOST, "keyboard-interactive"),
        ("(me@127.0.0.1) Enter LDAP password:", "keyboard-interactive"),
        ("(me@127.0.0.1) Password for me@login1: ", "keyboard-interactive"),
        (PASSWORD, None),
        ("(me@gate) Password: ", None),
        ("(you@127.0.0.1) Password: ", None),
        ("me@gate's password: ", None),
        (f"(me@gate) {BY_HOST}", None),
        (f"(me@127.0.0.1) {CODE}", None),
        ("(me@127.0.0.1) One-time password (OATH) for `me': ", None),
        ("(me@127.0.0.1) Password or passcode: ", None),
        ("(me@127.0.0.1) New password: ", None),
        ("(me@127.0.0.1) Password:\nPassword: ", None),
        ("Enter me@127.0.0.1's old password: ", None),
        ("Enter PIN for ED25519-SK key /home/me/.ssh/id: ", None),
    ],
)
def test_what_is_a_prompt_for_a_password(prompt: str, method: str | None) -> None:
    options = {"user": ("me",), "hostname": ("127.0.0.1",)}
    assert _method(Target("unity", None, options), prompt) == method


@pytest.mark.parametrize(("prompt", "questions"), [(BY_SSH, []), (BY_HOST, [(PASSWORD, SECRET)])])
@pytest.mark.parametrize("rung", RUNGS[1:])
def test_it_is_kept_and_sent(sshd: Sshd, prompt: str, questions: list[tuple[str, str]], rung: str) -> None:
    port, heard = sshd.listen(*questions)
    target = sshd.site.target(port)
    assert ssh_keychain.environment(target, may_ask=True) is None
    assert f"the keychain keeps {prompt.rstrip(': ')}" in sign_in(sshd.site, (prompt, SECRET))
    assert ssh(target, ssh_keychain.environment(target, may_ask=False))[0] == 0
    sshd.site.key.unlink()  # paramiko asks for the service at each try, which asyncssh as a server does not like

    async def link() -> None:
        await (await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)).close()

    asyncio.run(link())
    assert heard == [SECRET] * 3


def test_a_code_is_left_to_a_person(sshd: Sshd) -> None:
    port, heard = sshd.listen((PASSWORD, SECRET), (CODE, "123456"))
    target = sshd.site.target(port)
    assert "; the rest is asked as before" in sign_in(sshd.site, (BY_HOST, SECRET), (CODE, "123456"))
    assert ssh_keychain.environment(target, may_ask=False) is None
    assert ssh_keychain.password(target) is None
    env = ssh_keychain.environment(target, may_ask=True)
    assert ssh(target, env)[0] != 0  # nobody at a terminal
    assert heard == [SECRET, "123456", SECRET]


# An ssh of lnode's at a terminal; says its pid, and at the end whether keys are shown again.
AT_A_TERMINAL = """
import subprocess, sys, termios
from lnode.ssh import keychain
from lnode.ssh.log import SshLog
from lnode.ssh.target import Resolving
target = Resolving("unity", sys.argv[1]).target()
env = keychain.environment(target, may_ask=True)
with SshLog() as log:
    argv = ["ssh", "-F", target.config, "-T", "unity", "true"]
    ssh = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stderr=log.fileno())
    print("pid", ssh.pid, flush=True)
    print("status", ssh.wait(), "echo" if termios.tcgetattr(0)[3] & termios.ECHO else "no echo", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def asked(sshd: Sshd) -> Iterator[Window]:
    """A window in which ssh has been given the password, and a person is asked for the code."""
    target = sshd.site.target(sshd.listen((PASSWORD, SECRET), (CODE, "123456"))[0])
    ssh_keychain.keep(target, {BY_HOST: SECRET}, alone=False)
    with Window([sys.executable, "-c", AT_A_TERMINAL, str(target.config)], os.environ) as window:
        window.wait_for(f"(me@127.0.0.1) {CODE}".rstrip())
        yield window


def test_a_person_says_the_rest(asked: Window) -> None:
    asked.press("123456\r")
    asked.wait_for("status 0 echo")
    assert "123456" not in asked.text() and PASSWORD not in asked.text()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_question_ends_with_the_ssh_that_asked(asked: Window) -> None:
    ssh = int(asked.find(r"pid (\d+)")[1])
    assert askpasses(ssh)
    os.kill(ssh, 15)
    asked.wait_for("status -15")
    wait_until(lambda: not askpasses(ssh), "nobody reads the terminal")


def askpasses(ssh: int) -> list[str]:
    """The processes that ask for that ssh."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if f"LNODE_ASKER={ssh}\0".encode() in Path("/proc", process, "environ").read_bytes():
                found.append(process)
    return found


def test_what_is_asked_twice_in_the_same_words_is_not_kept(sshd: Sshd) -> None:
    port, _ = sshd.listen((PASSWORD, SECRET), (PASSWORD, "123456"))
    target = sshd.site.target(port)
    said = sign_in(sshd.site, (BY_HOST, SECRET), ("Password:\n(me@127.0.0.1) Password:", "123456"))
    assert "unity asked twice in the same words, so which answer is the password is not known" in said
    assert ssh_keychain.environment(target, may_ask=True) is None


def test_a_code_alone_is_not_kept(sshd: Sshd) -> None:
    sshd.site.target(sshd.listen((CODE, "123456"))[0])
    said = sign_in(sshd.site, (f"(me@127.0.0.1) {CODE}", "123456"))
    assert "asked for no password or passphrase that could be kept" in said


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_passphrase_opens_its_key(sshd: Sshd, rung: str) -> None:
    key = sshd.site.key
    blob = asyncssh.read_private_key(key).public_data
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", SECRET, "-f", key], check=True, capture_output=True)
    target = sshd.site.target(sshd.listen(keys=[blob])[0])
    sign_in(sshd.site, (f"Enter passphrase for key '{key}':", SECRET))
    assert dict(ssh_keychain.passphrases(target)) == {str(key): SECRET}
    assert ssh(target, ssh_keychain.environment(target, may_ask=False))[0] == 0

    async def link() -> None:
        await (await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)).close()

    asyncio.run(link())


@pytest.mark.parametrize("questions", [[], [(PASSWORD, SECRET)]])
def test_a_jump_host_of_the_same_name_hears_nothing(sshd: Sshd, questions: list[tuple[str, str]]) -> None:
    gate, heard = sshd.listen(*questions)
    port, _ = sshd.listen(*questions)
    sshd.site.host("gate", gate)
    target = sshd.site.target(port, "ProxyJump gate")
    ssh_keychain.keep(target, {BY_HOST: SECRET, BY_SSH: SECRET}, alone=True)
    status, words = ssh(target, ssh_keychain.environment(target, may_ask=False))
    assert (status, heard) == (255, [])
    assert "Permission denied (nobody to ask)" in words


@pytest.mark.parametrize(("prompt", "questions"), [(BY_SSH, []), (BY_HOST, [(PASSWORD, SECRET)])])
def test_a_wrong_one_is_sent_once_and_never_again(sshd: Sshd, prompt: str, questions: list[tuple[str, str]]) -> None:
    port, heard = sshd.listen(*questions)
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {prompt: "wrong"}, alone=True)
    assert ssh(target, ssh_keychain.environment(target, may_ask=False))[0] != 0
    assert heard == ["wrong"]
    assert ssh_keychain.environment(target, may_ask=True) is None


@pytest.mark.parametrize(("kept", "sent"), [("wrong", 1), (SECRET, 4)])
def test_windows_that_sign_in_at_one_moment_send_a_wrong_one_once(sshd: Sshd, kept: str, sent: int) -> None:
    """As many failed logins as there are windows may lock the account."""
    port, heard = sshd.listen()
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_SSH: kept}, alone=True)

    def window(_: int) -> tuple[int, str]:
        status, words = asked_silently(target)
        if status:
            ssh_keychain.refused(target.alias)  # as verdict.of_ssh does
        return status, words

    with ThreadPoolExecutor(4) as pool:
        ended = [*pool.map(window, range(4))]
    assert (len(heard), [status == 0 for status, _ in ended]) == (sent, [kept == SECRET] * 4), ended


@pytest.mark.parametrize(("prompt", "questions"), [(BY_SSH, []), (BY_HOST, [(PASSWORD, SECRET)])])
@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_link_sends_a_wrong_one_once(sshd: Sshd, prompt: str, questions: list[tuple[str, str]], rung: str) -> None:
    port, heard = sshd.listen(*questions)
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {prompt: "wrong"}, alone=True)
    sshd.site.key.unlink()
    with pytest.raises(LinkFailed) as failed:
        asyncio.run(import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target))
    assert (failed.value.cause, heard) == (Cause.LOGIN_REFUSED, ["wrong"])
    assert not ssh_keychain.is_kept(target)


@pytest.mark.parametrize("left", [False, True], ids=["its time is over", "nobody needs it"])
@pytest.mark.parametrize(("prompt", "questions"), [(BY_SSH, []), (BY_HOST, [(PASSWORD, SECRET)])])
@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_link_that_is_given_up_over_a_password_sends_it_never_again(
    sshd: Sshd, prompt: str, questions: list[tuple[str, str]], rung: str, *, left: bool
) -> None:
    """A host that takes it and does not answer, as one that pushes a question to your phone.

    After a detach meanwhile nothing speaks against the password.
    """
    port, heard = sshd.listen(*questions, hangs=True)
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {prompt: SECRET}, alone=True)
    sshd.site.key.unlink()

    async def given_up() -> None:
        beside = Beside(lambda broken: None)
        opening = beside.start(import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target))
        while not heard:
            await asyncio.sleep(0.01)
        if left:
            beside.cancel()
        else:
            opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)

    asyncio.run(asyncio.wait_for(given_up(), DEADLINE_S))
    assert heard == [SECRET]
    assert ssh_keychain.is_kept(target) is left


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_link_answers_no_other_question(sshd: Sshd, rung: str) -> None:
    port, heard = sshd.listen((CODE, "123456"))
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_HOST: SECRET}, alone=True)
    with pytest.raises(LinkFailed) as failed:
        asyncio.run(import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target))
    assert (failed.value.cause, heard) == (Cause.LOGIN_REFUSED, [])


@pytest.mark.parametrize(("checking", "sent"), [("yes", [SECRET]), ("accept-new", [SECRET]), ("no", [])])
@pytest.mark.parametrize("rung", RUNGS[1:])
def test_a_link_gives_no_password_where_host_keys_are_not_checked(
    sshd: Sshd, rung: str, checking: str, sent: Sequence[str]
) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port, f"StrictHostKeyChecking {checking}")
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    sshd.site.key.unlink()
    try:
        asyncio.run(_opened_and_closed(rung, target))
    except LinkFailed as failed:
        assert (failed.cause, heard) == (Cause.LOGIN_REFUSED, [])
    assert heard == sent


async def _opened_and_closed(rung: str, target: Target) -> None:
    await (await import_module(f"lnode.ssh.link.rung_{rung}").open_rung(target)).close()


class NoLookout:
    """Nothing is looked out for."""

    async def keep(self, *_: object) -> None:
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(("checking", "new", "sent"), [
    ("accept-new", True, False), ("accept-new", False, True), ("ask", True, True),
])  # fmt: skip
def test_a_key_that_ssh_has_accepted_unasked_gets_no_password(sshd: Sshd, checking: str, new: bool, sent: bool) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port, f"StrictHostKeyChecking {checking}")
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    sshd.site.key.unlink()
    words = f'Authenticated to 127.0.0.1 ([127.0.0.1]:{port}) using "publickey".\n'
    if new:
        words = f"Warning: Permanently added '[127.0.0.1]:{port}' (ED25519) to the list of known hosts.\n{words}"

    async def scenario() -> None:
        told = asyncio.Event()
        companion = Companion(
            target, Said(words), lambda *_: "true", _never_silent, lambda *_, **__: None, lambda _: None,
            lambda story: told.set(), NoLookout(), lambda *_, **__: None, lambda: 1.0,
            Standby(target, None), person=False,  # type: ignore[arg-type]
        )  # fmt: skip
        await asyncio.wait_for(told.wait(), DEADLINE_S)
        companion.leave()
        await companion.left()

    asyncio.run(scenario())
    assert heard == ([SECRET] if sent else [])


async def _never_silent() -> bool:
    return False


def test_ssh_gets_no_answer_to_another_question(sshd: Sshd) -> None:
    port, heard = sshd.listen((CODE, "123456"))
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_HOST: SECRET, BY_SSH: SECRET}, alone=True)
    status, words = ssh(target, ssh_keychain.environment(target, may_ask=False))
    assert status != 0
    assert "Permission denied (nobody to ask)" in words
    assert heard == []


def test_an_askpass_that_breaks_sends_nothing(sshd: Sshd) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    env = ssh_keychain.environment(target, may_ask=False)
    assert env is not None
    assert ssh(target, {**env, "LNODE_PYTHON": "/nowhere/python"})[0] != 0
    assert heard == []


def test_another_host_by_the_same_alias_gets_nothing(sshd: Sshd) -> None:
    port, _ = sshd.listen()
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    other = target._replace(options={**target.options, "port": ("2222",)})
    assert ssh_keychain.environment(other, may_ask=True) is None
    assert ssh_keychain.password(other) is None


def test_forgotten(sshd: Sshd, keychain: KeyringBackend) -> None:
    target = sshd.site.target(sshd.listen()[0])
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    name = BY_SSH.rstrip(": ")
    assert keychain.get_password("lnode unity", name) == SECRET
    assert ssh_keychain.forget("unity") == [name]
    assert keychain.get_password("lnode unity", name) is None
    assert (ssh_keychain.environment(target, may_ask=True), ssh_keychain.forget("unity")) == (None, [])


def test_the_file_holds_no_secret_and_is_private(sshd: Sshd, tmp_path: Path) -> None:
    ssh_keychain.keep(sshd.site.target(sshd.listen()[0]), {BY_SSH: SECRET}, alone=True)
    path = tmp_path / "state" / "lnode" / "keychain"
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("keychains.Locked", "the keychain is locked"),
        ("keyring.backends.fail.Keyring", "there is no keychain on this computer"),
        ("keyring.backends.null.Keyring", "the keychain of this computer does not keep its entries"),
        ("keyrings.alt.file.PlaintextKeyring", "keeps passwords in plain text"),
        ("keychains.PlainChain", "keeps passwords in plain text"),
    ],
)
def test_a_keychain_that_is_none(sshd: Sshd, backend: str, said: str) -> None:
    module, _, name = backend.rpartition(".")
    target = sshd.site.target(sshd.listen()[0])
    keyring.set_keyring(getattr(import_module(module), name)())
    with pytest.raises(KeychainFailed, match=said):
        ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    assert ssh_keychain.environment(target, may_ask=True) is None


def test_of_a_chain_of_keychains_the_plain_one_is_passed_over(sshd: Sshd) -> None:
    target = sshd.site.target(sshd.listen()[0])
    chain = keychains.Chain(PlaintextKeyring(), keychains.EncryptedFile())
    keyring.set_keyring(chain)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    assert [one.get_password("lnode unity", BY_SSH.rstrip(": ")) for one in chain.backends] == [None, SECRET]


def test_what_is_in_plain_text_is_not_sent_and_can_be_forgotten(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    plain = PlaintextKeyring()
    keyring.set_keyring(plain)
    plain.set_password("lnode unity", BY_SSH.rstrip(": "), SECRET)
    assert ssh(target, ssh_keychain.environment(target, may_ask=False))[0] != 0
    assert (ssh_keychain.password(target), heard) == (None, [])
    assert ssh_keychain.forget("unity")
    assert plain.get_password("lnode unity", BY_SSH.rstrip(": ")) is None


def asked_silently(target: Target) -> tuple[int, str]:
    """A silent ssh with the options that lnode gives it; its status and words."""
    options, env = prompts.asking(target, may_ask=False)
    with SshLog() as log:
        argv = arguments.question_argv("unity", "true", connect_timeout_s=20, options=options, config=target.config)
        done = subprocess.run(
            log.argv(argv), env=env, stdin=subprocess.DEVNULL, stderr=log.fileno(), timeout=120, check=False,
            start_new_session=True,
        )  # fmt: skip
        return done.returncode, log.words()


UNCHECKED = ["StrictHostKeyChecking no", "StrictHostKeyChecking accept-new", "NoHostAuthenticationForLocalhost yes"]


@pytest.mark.parametrize("option", UNCHECKED)
def test_a_host_whose_key_is_not_checked_gets_nothing(sshd: Sshd, option: str) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port, option)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    known = sshd.site.known_hosts.read_text()
    sshd.site.known_hosts.write_text("")
    assert asked_silently(target)[0] != 0
    assert (heard, sshd.site.known_hosts.read_text()) == ([], "")
    sshd.site.known_hosts.write_text(known)
    assert (asked_silently(target)[0], heard) == (0, [SECRET])


# As lnode starts it at a terminal, where the keychain may answer too.
BY_A_PERSON = """
import subprocess, sys
from lnode.ssh import arguments, prompts
from lnode.ssh.log import SshLog
from lnode.ssh.target import Resolving
target = Resolving("unity", sys.argv[1]).target()
options, env = prompts.asking(target, may_ask=True)
with SshLog() as log:
    argv = arguments.question_argv("unity", "true", connect_timeout_s=20, options=options, config=sys.argv[1])
    print("status", subprocess.run(log.argv(argv), env=env, stderr=log.fileno()).returncode)
"""


@pytest.mark.parametrize("option", UNCHECKED)
def test_a_person_is_asked_about_a_key_before_the_keychain_answers(sshd: Sshd, option: str) -> None:
    port, heard = sshd.listen()
    target = sshd.site.target(port, option)
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    sshd.site.known_hosts.write_text("")
    for answer, status, sent in (("no", "status 255", []), ("yes", "status 0", [SECRET])):
        with Window([sys.executable, "-c", BY_A_PERSON, str(target.config)], os.environ) as window:
            window.wait_for("continue connecting")
            assert heard == []
            window.press(f"{answer}\r")
            window.wait_for(status)
        assert heard == sent


@pytest.fixture
def plain_install(tmp_path: Path) -> dict[str, str]:
    """The environment of an lnode whose files have all lost their execute bit, as in a zip."""
    package = Path(ssh_keychain.__file__).parent.parent
    copy = tmp_path / "install" / "lnode"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return {**os.environ, "PYTHONPATH": f"{copy.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


@pytest.mark.parametrize("jump", [True, False])
@pytest.mark.parametrize("kept", [True, False])
def test_an_install_without_execute_bits_sends_no_empty_password(
    sshd: Sshd, plain_install: dict[str, str], *, jump: bool, kept: bool
) -> None:
    gate, at_gate = sshd.listen()
    port, heard = sshd.listen()
    sshd.site.host("gate", gate)
    target = sshd.site.target(port, *(["ProxyCommand " + f"ssh -F {sshd.site.config} -W %h:%p gate"] if jump else []))
    if kept:
        ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    env = with_config(sshd.site, plain_install)
    done = subprocess.run(
        [*LNODE, "unity", "--ls"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False, cwd=sshd.site.folder, start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, heard, at_gate) == (5, [], []), done
    doctor = subprocess.run(
        [*LNODE, "--doctor"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        cwd=sshd.site.folder,
    )  # fmt: skip
    assert "ssh cannot start ask_nobody and ask_keychain" in doctor.stdout


def test_whether_something_is_kept_loads_no_keyring(sshd: Sshd) -> None:
    target = sshd.site.target(sshd.listen()[0])
    ssh_keychain.keep(target, {BY_SSH: SECRET}, alone=True)
    code = (
        "import sys; from lnode.ssh import keychain; from lnode.ssh.target import Resolving;"
        "assert keychain.environment(Resolving('unity', sys.argv[1]).target(), may_ask=True);"
        "print('keyring' in sys.modules, 'json' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, target.config], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


@pytest.mark.skipif(
    not Path("/proc/sys/kernel/core_pattern").is_file()
    or "/" in Path("/proc/sys/kernel/core_pattern").read_text()
    or "|" in Path("/proc/sys/kernel/core_pattern").read_text(),
    reason="cores are not left in the folder of who crashes",
)
@pytest.mark.parametrize("guarded", [True, False])
def test_a_crash_leaves_no_core_with_the_secret_in_it(tmp_path: Path, *, guarded: bool) -> None:
    program = (
        "import os, resource, sys; from lnode.ssh import keychain\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)\n"
        f"if {guarded}: keychain.leave_no_core()\n"
        "secret = sys.stdin.readline() * 2; os.abort()\n"
    )
    crashed = subprocess.run(
        [sys.executable, "-c", program], input="battery staple", text=True, cwd=tmp_path, check=False
    )
    assert crashed.returncode == -6
    cores = [path.read_bytes() for path in tmp_path.iterdir()]
    if not guarded and not cores:
        pytest.skip("no cores here")
    assert any(b"battery staple" in core for core in cores) is not guarded


@pytest.mark.parametrize(("name", "ends"), [("ssh", True), ("systemd", False)])
def test_only_the_ssh_that_asks_is_ended(tmp_path: Path, name: str, ends: bool) -> None:
    """If that has ended meanwhile, whatever adopted the question is no ssh."""
    program = tmp_path / name
    shutil.copy(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "60"]) as asker:
        env = {**os.environ, "LNODE_ASKER": str(asker.pid)}
        nobody = Path(prompts.__file__).with_name("ask_nobody")
        done = subprocess.run([nobody, "Password:"], env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "Permission denied (nobody to ask)\n")
        if ends:
            assert asker.wait(DEADLINE_S) == -signal.SIGTERM
        assert (asker.poll() is None) != ends
        asker.kill()
