"""The answers that you gave to the laptop's keychain (`--sign-in`), and the prompts that get them.

This is the only importer of keyring, which takes 100 ms to load; kept.py lists the answers. An answer goes only to the
prompt that it answered when you gave it, to the letter: ssh's own `alice@host's password: `, `(alice@host) Password: `
of keyboard-interactive, `Enter passphrase for key '/path': `.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, NamedTuple

from lnode.laptop import folders
from lnode.ssh.arguments import Local, Option
from lnode.ssh.kept import ALONE, IN_PART, REFUSED, Kept, account, change_kept, kept_file, kept_for, read_kept
from lnode.ssh.target import Target

_ASK_KEYCHAIN = os.path.join(os.path.dirname(__file__), "ask_keychain")
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))  # the folder from which lnode is imported
_WITHIN_S = 30.0  # a keychain that is locked asks for its own password first
_SOON_S = 10.0  # the same, if lnode only checks that the keychain opens
_REMEMBERED_S = 60.0  # the result of that check
_ASKED = r"(?m)^lnode: the keychain (is asked by|answers) \d+: "
_SENT = r"(?m)^lnode: the keychain answers \d+: (?!Enter passphrase)"


class Password(NamedTuple):
    """A password and the prompt that it answers."""

    prompt: str
    secret: str

    @property
    def words(self) -> str | None:
        """Return the host's prompt in keyboard-interactive; None if the prompt is ssh's own, of the method password."""
        by_host, _, words = self.prompt.partition(") ")
        return words if by_host.startswith("(") else None

    def __repr__(self) -> str:
        return f"Password({self.prompt!r}, ...)"


class KeychainFailed(Exception):  # noqa: N818 (ssh then asks you: no error of the program)
    """There is no keychain, or it is locked, or it does not keep its entries; the words are for you."""


# --- to start an ssh ---


def environment(target: Target, *, may_ask: bool) -> dict[str, str] | None:
    """Return the environment of an ssh whose prompts the keychain answers; None if it has no answer for the target.

    With `may_ask` you answer the other prompts, on /dev/tty. Without it another prompt ends that ssh with `Permission
    denied`, before it sends anything; and if the answers are not enough to sign in, there is no such environment. The
    standard error of that ssh must be a SshLog, in which the askpass notes its answers. BatchMode must be off. Loads
    no keyring.
    """
    kept = kept_for(target)
    if not kept or not can_answer() or not (may_ask or all(one.state == ALONE for one in kept)):
        return None
    leave_no_core()
    return _askpass(target, may_ask)


def can_answer() -> bool:
    """True if ssh can start ask_keychain. An installation may have lost its execute bit."""
    return os.access(_ASK_KEYCHAIN, os.X_OK)


def is_checked(target: Target) -> bool:
    """True if ssh refuses every host whose key is neither known nor confirmed by you. Other hosts get no password.

    If this is False, prompts.asking tells ssh to be strict. The library rungs of the link are always strict.
    """
    policy = target.one("stricthostkeychecking", "ask")
    return policy in ("yes", "true", "ask") and target.one("nohostauthenticationforlocalhost", "no") == "no"


def methods(target: Target) -> Sequence[Option]:
    """Return options that keep a silent ssh from ways of signing in without a kept answer."""
    asked_by_host = any(one.prompt.startswith("(") for one in kept_for(target))
    return () if asked_by_host else (Option("KbdInteractiveAuthentication", Local("no")),)


def opens(target: Target) -> bool:
    """True if the keychain gives its answers for the target, or has none. A login without them would be refused.

    Blocks while the keychain opens, and loads keyring in another process.
    """
    kept = kept_for(target) if is_kept(target) else []
    return not kept or (can_answer() and _gives(tuple(kept), int(time.monotonic() / _REMEMBERED_S)))


@cache
def _gives(kept: tuple[Kept, ...], now: int) -> bool:
    """True if the keychain gives all answers. Another `now` asks it again."""
    return all(_fetch_aside(one, within_s=_SOON_S) for one in kept)


def learning(target: Target, fifo: str) -> dict[str, str]:
    """Return the environment of an ssh whose prompts you answer; each answer goes to the fifo, too."""
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
    """Forbid this process and its children a core file, which could hold an answer."""
    with suppress(ImportError, OSError, ValueError):  # Windows has none
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# --- for a login without ssh ---


def is_kept(target: Target) -> bool:
    """True if the keychain's answers are enough to sign in without you. Loads no keyring."""
    kept = kept_for(target)
    return bool(kept) and all(one.state == ALONE for one in kept)


def is_on_trust(target: Target, words: str) -> bool:
    """True if ssh has just accepted a new host key without asking: the keychain gives such a host nothing."""
    unasked = target.one("stricthostkeychecking") == "accept-new"
    return unasked and "Permanently added" in words and is_kept(target)


def password(target: Target) -> Password | None:
    """Return the password, if no other answer is needed from you. Blocks while the keychain opens."""
    if is_kept(target):
        for one in kept_for(target):
            if one.key_file is None and (secret := _fetch_aside(one)):
                return Password(one.prompt, secret)
    return None


def passphrases(target: Target) -> Mapping[str, str]:
    """Return key file -> its passphrase, by the same rule."""
    kept = kept_for(target) if is_kept(target) else []
    found = {one.key_file: _fetch_aside(one) for one in kept if one.key_file}
    return {path: secret for path, secret in found.items() if secret}


def _fetch_aside(kept: Kept, *, within_s: float = _WITHIN_S) -> str | None:
    """Fetch the answer in a process without a terminal, because some keychains would ask at it during a session."""
    code = (
        "import sys; sys.path.append(sys.argv[1]); from lnode.ssh.keychain import fetch; "
        "from lnode.ssh.kept import Kept; "
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


def turn_path(alias: str) -> str:
    """Return the path of the file that says which ssh signs in with the alias's password now (askpass.py)."""
    from hashlib import blake2s

    name = blake2s(alias.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"{folders.private_folder() or folders.state_folder()}/answered/turn-{name}"


def end_turn(alias: str) -> None:
    """Let the next ssh sign in: this password was right."""
    with suppress(OSError):
        os.unlink(turn_path(alias))


def sent_password(words: str) -> bool:
    """True if these words of an ssh show that the keychain gave it a password; askpass.py notes that there."""
    return re.search(_SENT, words) is not None


def was_asked(words: str) -> bool:
    """True if these words of an ssh show that it asked the keychain; askpass.py notes that before it opens."""
    return re.search(_ASKED, words) is not None


# --- for the askpass, and after a refused login ---


def find(alias: str, account: str, prompt: str) -> Kept | None:
    """Return the entry for that prompt, unless its answer was refused."""
    for one in read_kept():
        if one[1:] == (alias, account, prompt) and one.state != REFUSED:
            return one
    return None


def fetch(kept: Kept) -> str:
    """Return the answer itself. Blocks while the keychain opens. Raises KeychainFailed."""
    found = _keychain("get_password", kept.service, kept.name)
    if not found:
        raise KeychainFailed("the keychain no longer has it")
    return found


def refused(alias: str) -> None:
    """Remember that the host refused the alias's password: lnode sends none before you give a new one."""

    def told(one: Kept) -> Kept:
        return one._replace(state=REFUSED) if one.alias == alias and one.key_file is None else one

    with suppress(OSError):
        change_kept(lambda rows: map(told, rows))


# --- for --sign-in and --forget ---


def keeps_any() -> bool:
    """True if the keychain has an answer for any host. Loads no keyring."""
    return any(read_kept())


def open_keychain() -> None:
    """Open the keychain. Raises KeychainFailed if there is none, or if it stays closed."""
    _keychain("get_password", "lnode", "lnode")


def keep(target: Target, answers: Mapping[str, str], *, alone: bool) -> Sequence[str]:
    """Keep the answers by their prompts, in place of the alias's earlier ones. Return their names.

    `alone`: ssh asked for nothing else. Raises KeychainFailed.
    """
    fresh = [Kept(ALONE if alone else IN_PART, target.alias, account(target), prompt) for prompt in answers]
    names = [one.name for one in fresh]
    before = [one for one in read_kept() if one.alias == target.alias]
    _change(lambda rows: [*rows, *(one._replace(state=REFUSED) for one in fresh)])  # --forget finds it after a failure
    for one in fresh:
        _keychain("set_password", one.service, one.name, answers[one.prompt])
        if _keychain("get_password", one.service, one.name) != answers[one.prompt]:
            raise KeychainFailed("the keychain of this computer does not keep its entries")
    for old in before:
        if old.name not in names:
            _drop(old)
    _change(lambda rows: [*(one for one in rows if one.alias != target.alias), *fresh])
    return names


def forget(alias: str) -> Sequence[str]:
    """Remove all answers for the alias from the keychain. Return their names. Raises KeychainFailed."""
    gone = [one for one in read_kept() if one.alias == alias]
    for one in gone:
        _drop(one)
        _change(partial(_without, one))
    return [one.name for one in gone]


def _without(one: Kept, rows: Sequence[Kept]) -> Iterable[Kept]:
    return [other for other in rows if other != one]


def _drop(kept: Kept) -> None:
    if _keychain("get_password", kept.service, kept.name, any_kind=True) is not None:
        _keychain("delete_password", kept.service, kept.name, any_kind=True)


def _keychain(verb: str, *words: str, any_kind: bool = False) -> str | None:
    """Call one of keyring's functions in a thread that lnode can abandon: a keychain may wait for you without an end.

    With `any_kind` also for a keyring that lnode itself would not use.
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
    """Return the backend, or the first of a chain, that does not store plain text. Raises KeychainFailed."""
    chain = getattr(backend, "backends", None) or [backend]
    for one in chain:
        if not _is_plain(one):
            return one
    raise KeychainFailed(f"the keychain of this computer keeps passwords in plain text ({type(backend).__name__})")


def _is_plain(backend: Any) -> bool:
    """True if the backend stores plain text. keyrings.alt has several, and calls the scheme of one "no encyption"."""
    names = (kind.__name__.lower() for kind in type(backend).__mro__)
    return any("plaintext" in name for name in names) or str(getattr(backend, "scheme", "")).startswith("no enc")


def _why(error: Exception) -> str:
    """Return the kind of a failure. A backend's own words are not shown, because they may hold a secret."""
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, KeychainFailed):
        return str(error)
    if isinstance(error, NoKeyringError):
        return "there is no keychain on this computer"
    if isinstance(error, KeyringLocked):
        return "the keychain is locked"
    return f"the keychain failed ({type(error).__name__})"


def _change(change: Callable[[Sequence[Kept]], Iterable[Kept]]) -> None:
    try:
        change_kept(change)
    except OSError as error:
        raise KeychainFailed(f"cannot write {kept_file()}: {error.strerror}") from None
