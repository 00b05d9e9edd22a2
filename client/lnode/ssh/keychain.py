"""What a person gave to the laptop's keychain (`--sign-in`), and who gets it: the prompt of ssh that it was given for.

The only importer of keyring, which takes 100 ms to load. So a small file of lnode's own says what is kept, without a
secret in it. An answer is given to the prompt that it answered when it was proved, to the letter: ssh's own
`alice@host's password: `, `(alice@host) Password: ` of keyboard-interactive, `Enter passphrase for key '/path': `.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from lnode.laptop import folders
from lnode.ssh.arguments import Local, Option
from lnode.ssh.target import Target

ALONE = "alone"  # with what is kept nobody is asked anything
IN_PART = "part"  # somebody is asked something else too, as a one-time code
REFUSED = "refused"  # the host did not take it any more: it is not sent again

_ASK_KEYCHAIN = os.path.join(os.path.dirname(__file__), "ask_keychain")
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))  # the folder from which lnode is imported
_WITHIN_S = 30.0  # a keychain that is locked asks for its own password first
_SOON_S = 10.0  # and where it is only seen whether it opens
_REMEMBERED_S = 60.0  # whether it did
_ASKED = re.compile(r"^lnode: the keychain (is asked by|answers) \d+: ", re.MULTILINE)
_SENT = re.compile(r"^lnode: the keychain answers \d+: (?!Enter passphrase)", re.MULTILINE)
_PASSPHRASE = re.compile(r"Enter passphrase for key '(.+)': ")


class Kept(NamedTuple):
    """One line of the file: the answer to `prompt` is in the keychain. `account` is what the alias stood for then."""

    state: str
    alias: str
    account: str
    prompt: str

    @property
    def service(self) -> str:
        """With `name` what the keychain calls it: `lnode unity`, `alice@unity's password`."""
        return f"lnode {self.alias}"

    @property
    def name(self) -> str:
        return self.prompt.rstrip(": ")

    @property
    def key_file(self) -> str | None:
        """The key that a passphrase opens; None for a password."""
        return key_file(self.prompt)


class Password(NamedTuple):
    """What is sent where the host asks so."""

    prompt: str
    secret: str

    @property
    def words(self) -> str | None:
        """What the host says by keyboard-interactive; None where ssh's own prompt is of the method password."""
        by_host, _, words = self.prompt.partition(") ")
        return words if by_host.startswith("(") else None

    def __repr__(self) -> str:
        return f"Password({self.prompt!r}, ...)"


class KeychainFailed(Exception):  # noqa: N818 (ssh then asks a person: no error of the program)
    """There is no keychain, or it is locked, or it does not do as it says; the words are for a person."""


def key_file(prompt: str) -> str | None:
    """The file of the key whose passphrase ssh asks for; None where it asks for something else."""
    match = _PASSPHRASE.fullmatch(prompt)
    return match[1] if match else None


def account(target: Target) -> str:
    """What an alias stands for: under another user, host or port nothing that was kept is sent."""
    return f"{target.user}@{target.hostname}:{target.port}"


# --- for whoever starts an ssh ---


def environment(target: Target, *, may_ask: bool) -> dict[str, str] | None:
    """The environment of an ssh whose prompts the keychain answers, None where nothing is kept for it.

    `may_ask`: what the keychain does not know is asked on /dev/tty, else it ends that ssh with `Permission denied`,
    before anything is sent; and where a person would have to say more, there is no such environment. The standard error
    of that ssh has to be a SshLog: there the askpass writes down what this ssh has been answered.
    BatchMode has to be off. Loads no keyring.
    """
    kept = _kept(target)
    if not kept or not can_answer() or not (may_ask or all(one.state == ALONE for one in kept)):
        return None
    leave_no_core()
    return _askpass(target, may_ask)


def can_answer() -> bool:
    """Can ssh start ask_keychain? An installation may have lost its execute bit."""
    return os.access(_ASK_KEYCHAIN, os.X_OK)


def is_checked(target: Target) -> bool:
    """True if ssh lets no host in whose key is not known, or confirmed by you. To another no password may be sent.

    Where this is False, ssh is told to be strict (silence.asking). The library rungs of the link are strict always.
    """
    policy = target.one("stricthostkeychecking", "ask")
    return policy in ("yes", "true", "ask") and target.one("nohostauthenticationforlocalhost", "no") == "no"


def methods(target: Target) -> Sequence[Option]:
    """Options that keep a silent ssh from ways of signing in for which nothing is kept."""
    asked_by_host = any(one.prompt.startswith("(") for one in _kept(target))
    return () if asked_by_host else (Option("KbdInteractiveAuthentication", Local("no")),)


def opens(target: Target) -> bool:
    """True if the keychain gives what it keeps for the target, or keeps nothing. A login without it would be refused.

    Blocks while the keychain opens, and loads keyring in another process.
    """
    kept = _kept(target) if is_kept(target) else []
    return not kept or (can_answer() and _gives(tuple(kept), int(time.monotonic() / _REMEMBERED_S)))


@cache
def _gives(kept: tuple[Kept, ...], now: int) -> bool:
    """`now` counts the times after which the keychain is asked again."""
    return all(_fetch_aside(one, within_s=_SOON_S) for one in kept)


def learning(target: Target, fifo: str) -> dict[str, str]:
    """The environment of an ssh whose prompts a person answers; each answer goes to the fifo too."""
    leave_no_core()
    return {**_askpass(target, may_ask=True), "LNODE_LEARN": fifo}


def _askpass(target: Target, may_ask: bool) -> dict[str, str]:
    return {
        **os.environ,
        "SSH_ASKPASS": _ASK_KEYCHAIN,
        "SSH_ASKPASS_REQUIRE": "force",
        "LNODE_PYTHON": sys.executable,
        "LNODE_PID": str(os.getpid()),
        "LNODE_MAY_ASK": "yes" if may_ask else "no",
        "LNODE_ALIAS": target.alias,
        "LNODE_ACCOUNT": account(target),
    }


def leave_no_core() -> None:
    """From now on neither this process nor its children leave a core file, with an answer in it."""
    with suppress(ImportError, OSError, ValueError):  # Windows has none
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# --- for a login without ssh ---


def is_kept(target: Target) -> bool:
    """Is there what it takes to sign in without anybody? Loads no keyring."""
    kept = _kept(target)
    return bool(kept) and all(one.state == ALONE for one in kept)


def password(target: Target) -> Password | None:
    """The password, where it is all that a person would be asked for. Blocks while the keychain opens."""
    if is_kept(target):
        for one in _kept(target):
            if one.key_file is None and (secret := _fetch_aside(one)):
                return Password(one.prompt, secret)
    return None


def passphrases(target: Target) -> Mapping[str, str]:
    """Key file -> its passphrase, by the same rule."""
    kept = _kept(target) if is_kept(target) else []
    found = {one.key_file: _fetch_aside(one) for one in kept if one.key_file}
    return {path: secret for path, secret in found.items() if secret}


def _fetch_aside(kept: Kept, *, within_s: float = _WITHIN_S) -> str | None:
    """In a process without a terminal: some keychains would ask at it, in the middle of a session."""
    code = (
        "import sys; sys.path.append(sys.argv[1]); from lnode.ssh.keychain import Kept, fetch;"
        "sys.stdout.buffer.write(fetch(Kept(*sys.argv[2:])).encode())"
    )
    argv = [sys.executable, "-P", "-c", code, _ROOT, *kept]
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            timeout=within_s, check=False,
        )  # fmt: skip
        return done.stdout.decode() or None
    return None


def sent_password(words: str) -> bool:
    """Was an ssh that said so given a password by the keychain? askpass.py writes it down there."""
    return _SENT.search(words) is not None


def was_asked(words: str) -> bool:
    """Has an ssh that said so asked the keychain? askpass.py writes down that too, before the keychain opens."""
    return _ASKED.search(words) is not None


# --- for the askpass, and for whoever sees a login refused ---


def find(alias: str, account: str, prompt: str) -> Kept | None:
    """What is kept for that prompt, and not refused."""
    for one in _read():
        if one[1:] == (alias, account, prompt) and one.state != REFUSED:
            return one
    return None


def fetch(kept: Kept) -> str:
    """The answer itself. Blocks while the keychain opens. Raises KeychainFailed."""
    found = _keychain("get_password", kept.service, kept.name)
    if not found:
        raise KeychainFailed("the keychain has it no longer")
    return found


def refused(alias: str) -> None:
    """The host refused a login with the alias's password: it is not sent again before it is given anew."""
    rows = list(_read())
    with suppress(OSError):
        _write(one._replace(state=REFUSED) if one.alias == alias and one.key_file is None else one for one in rows)


# --- for --sign-in and --forget ---


def keeps_any() -> bool:
    """Was anything given to the keychain, for any host? Loads no keyring."""
    return any(_read())


def open_keychain() -> None:
    """Raises KeychainFailed where there is none, or it stays closed."""
    _keychain("get_password", "lnode", "lnode")


def keep(target: Target, answers: Mapping[str, str], *, alone: bool) -> Sequence[str]:
    """Keep the answers by their prompts, in place of what was kept for the alias; their names. Raises KeychainFailed.

    `alone`: they were all that was asked.
    """
    fresh = [Kept(ALONE if alone else IN_PART, target.alias, account(target), prompt) for prompt in answers]
    names = [one.name for one in fresh]
    before = list(_read())
    _save([*before, *(one._replace(state=REFUSED) for one in fresh)])  # so that --forget finds it, whatever comes now
    for one in fresh:
        _keychain("set_password", one.service, one.name, answers[one.prompt])
        if _keychain("get_password", one.service, one.name) != answers[one.prompt]:
            raise KeychainFailed("the keychain of this computer keeps nothing")
    for old in before:
        if old.alias == target.alias and old.name not in names:
            _drop(old)
    _save([*(one for one in before if one.alias != target.alias), *fresh])
    return names


def forget(alias: str) -> Sequence[str]:
    """Take out of the keychain all that was kept for the alias; its names. Raises KeychainFailed."""
    rows = list(_read())
    gone = [one for one in rows if one.alias == alias]
    for one in gone:
        _drop(one)
        rows.remove(one)
        _save(rows)
    return [one.name for one in gone]


def _drop(kept: Kept) -> None:
    if _keychain("get_password", kept.service, kept.name, any_kind=True) is not None:
        _keychain("delete_password", kept.service, kept.name, any_kind=True)


def _keychain(verb: str, *words: str, any_kind: bool = False) -> str | None:
    """One of keyring's functions, in a thread that can be left behind: a keychain may wait for somebody for ever.

    With `any_kind` also of one that lnode would keep nothing in.
    """
    done: list[str | None] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            import keyring

            backend = keyring.get_keyring()
            done.append(getattr(backend if any_kind else _encrypted(backend), verb)(*words))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="lnode-keychain", daemon=True)
    thread.start()
    thread.join(_WITHIN_S)
    if done:
        return done[0]
    raise KeychainFailed(_why(failed[0]) if failed else "the keychain does not answer")


def _encrypted(backend: Any) -> Any:
    """The backend, or the first of a chain, that does not write passwords down as they are. Raises KeychainFailed."""
    chain = getattr(backend, "backends", None) or [backend]
    for one in chain:
        if not _is_plain(one):
            return one
    raise KeychainFailed(f"the keychain of this computer keeps passwords in plain text ({type(backend).__name__})")


def _is_plain(backend: Any) -> bool:
    """keyrings.alt has several such, and calls the scheme of one "no encyption"."""
    names = (kind.__name__.lower() for kind in type(backend).__mro__)
    return any("plaintext" in name for name in names) or str(getattr(backend, "scheme", "")).startswith("no enc")


def _why(error: Exception) -> str:
    """In a backend's words only what kind of failure it was: nobody knows what else they hold."""
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, KeychainFailed):
        return str(error)
    if isinstance(error, NoKeyringError):
        return "there is no keychain on this computer"
    if isinstance(error, KeyringLocked):
        return "the keychain is locked"
    return f"the keychain failed ({type(error).__name__})"


# --- the file that says what is kept ---


def _kept(target: Target) -> list[Kept]:
    here = (target.alias, account(target))
    return [one for one in _read() if (one.alias, one.account) == here and one.state != REFUSED]


def _read() -> Iterator[Kept]:
    with suppress(OSError), open(_path(), encoding="utf-8", errors="replace") as file:
        for row in file:
            fields = row.rstrip("\n").split("\t")
            if len(fields) == len(Kept._fields):
                yield Kept(*fields)


def _save(rows: Iterable[Kept]) -> None:
    try:
        _write(rows)
    except OSError as error:
        raise KeychainFailed(f"cannot write {_path()}: {error.strerror}") from None


def _write(rows: Iterable[Kept]) -> None:
    folders.replace_privately(_path(), "".join("\t".join(one) + "\n" for one in rows))


def _path() -> str:
    return f"{folders.state_folder()}/keychain"
