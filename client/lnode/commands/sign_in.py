"""`lnode HOST --sign-in`: keep a password or passphrase in the laptop's keychain, after it has let you in.

ssh itself logs in again and asks you, through lnode's askpass. lnode keeps an answer that ssh accepted, under its
prompt. It keeps no one-time codes, and no answer to a prompt that came twice.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.locate.address import Address
from lnode.ssh import arguments, failures, kept, keychain, master, sign_in_memory, verdict
from lnode.ssh.keychain import KeychainFailed
from lnode.ssh.log import SshLog
from lnode.ssh.said import Said
from lnode.ssh.target import Target

_SAYS_WHO_ASKS = (8, 5)  # from this OpenSSH on, a prompt of the host begins with (user@host)
# The words with which PAM modules ask for a password. Not `One-time password:`, `New password:`, `Password or code:`.
_WORDS = r"(?:Enter )?(?:your )?(?:{user}'s )?(?:(?:Unix|LDAP|Kerberos) )?password(?: for {user}(?:@\S+)?)? ?: ?"
# so a second prompt with the same words is another question
_INSTALL_AGAIN = "install lnode again, where programs may be executed"
_NOT_NOW = "lnode works without it: ssh asks each time"


class _Asked(NamedTuple):
    """A prompt of ssh and your answer. `own`: the ssh that lnode started asked, not that of a jump host."""

    own: bool
    prompt: str
    answer: str


def sign_in(address: Address) -> ExitCode:
    """Let you sign in, and keep your answers. Raises LnodeError if there is no answer to keep."""
    target, alias = master.without(address.target), address.alias
    if not screen.can_ask():
        raise LnodeError(ExitCode.USAGE, "signing in needs a terminal, and this is a pipe", "run it in a terminal")
    _refuse_old_ssh()
    if not keychain.can_answer():
        raise LnodeError(
            ExitCode.FAILED, "ssh cannot start ask_keychain, a file of lnode that must be executable", _INSTALL_AGAIN
        )
    try:
        keychain.open_keychain()
    except KeychainFailed as failed:
        raise LnodeError(ExitCode.FAILED, str(failed), _NOT_NOW) from None
    asked, said = _ask(target)
    way = failures.signed_in(said, target.place)
    if way is None:
        raise failures.explain(failures.cause_of_ssh(said, target.place), str(said), target.place)
    verdict.learn_sign_in(target, said, asked=bool(asked))
    answers = _worth_keeping(target, asked, _methods(said, way))
    if not answers and _is_repeated(target, asked):
        raise LnodeError(
            ExitCode.FAILED, f"{alias} asked twice in the same words, so which answer is the password is not known",
            f"if you have mistyped it, once more: lnode {alias} --sign-in",
        )  # fmt: skip
    if not answers:
        hint = f"there is nothing to do: lnode {alias}"
        raise LnodeError(ExitCode.FAILED, f"{alias} asked for no password or passphrase that could be kept", hint)
    alone = all(one.prompt in answers for one in asked if one.answer and not _is_about_a_key(one.prompt))
    try:
        names = keychain.keep(target, answers, alone=alone)
    except KeychainFailed as failed:
        raise LnodeError(ExitCode.FAILED, f"{failed}; nothing is kept", _NOT_NOW) from None
    screen.say(f"the keychain keeps {' and '.join(names)}" + ("" if alone else "; the rest is asked as before"))
    return ExitCode.DONE


def _refuse_old_ssh() -> None:
    said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, errors="replace", check=False)
    version = re.match(r"OpenSSH\D*_(\d+)\.(\d+)", said.stderr)
    if version is None or (int(version[1]), int(version[2])) < _SAYS_WHO_ASKS or not hasattr(os, "mkfifo"):
        needed = "it takes OpenSSH 8.5 or newer, on Linux or macOS"
        raise LnodeError(ExitCode.FAILED, "this ssh does not say which host asks, so a keychain cannot answer", needed)


def _ask(target: Target) -> tuple[Sequence[_Asked], Said]:
    """Log in on a new connection, asking you. Return the prompts with your answers, and the words of ssh."""
    confirmed = () if keychain.is_checked(target) else arguments.CONFIRMED  # only a known host's password is kept
    options = (*arguments.FRESH, *arguments.ANSWERED, *confirmed)
    argv = arguments.question_argv(
        target.alias, "true", connect_timeout_s=sign_in_memory.connect_timeout_s(target), options=options,
        config=target.config,
    )  # fmt: skip
    with _lessons() as (path, fifo), SshLog() as log:
        subprocess.run(
            log.argv(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log.fileno(),
            env=keychain.learning(target, path), check=False,
        )  # fmt: skip
        return _heard(fifo), log.said()


@contextmanager
def _lessons() -> Iterator[tuple[str, int]]:
    """Open a fifo for the answers that you give the askpass: they go through the kernel, and never to a disk."""
    folder = folders.private_folder()
    if folder is None:
        raise LnodeError(
            ExitCode.FAILED, "there is no folder that only this user can enter", "see: ls -ld /tmp/lnode-*"
        )
    path = f"{folder}/sign-in-{os.getpid()}"
    with suppress(FileNotFoundError):
        os.unlink(path)  # left by another lnode with this pid
    os.mkfifo(path, 0o600)
    try:
        fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            yield path, fifo
        finally:
            os.close(fifo)
    finally:
        os.unlink(path)


def _heard(fifo: int) -> list[_Asked]:
    import json

    with suppress(BlockingIOError), open(fifo, encoding="utf-8", closefd=False) as lessons:
        return [_Asked(**json.loads(row)) for row in lessons]
    return []


def _methods(said: Said, way: str) -> set[str]:
    """Return the methods by which ssh signed in; a host may ask for several."""
    return {*re.findall(r'^Authenticated using "([a-z-]+)" with partial success', said.own, re.MULTILINE), way}


def _worth_keeping(target: Target, asked: Sequence[_Asked], methods: set[str]) -> Mapping[str, str]:
    """Return prompt -> answer, for passphrases that open their key and for the password that let you in."""
    found = {}
    for one in asked:
        path = kept.key_file(one.prompt)
        if path is not None:
            right = _opens(path, one.answer)
        else:
            way = _method(target, one.prompt)
            right = one.own and _times(one, asked) == 1 and way is not None and (way in methods or "?" in methods)
        if one.answer and one.prompt.isprintable() and right:
            found[one.prompt] = one.answer
    return found


def _times(one: _Asked, asked: Sequence[_Asked]) -> int:
    return sum(other.prompt == one.prompt for other in asked)


def _is_repeated(target: Target, asked: Sequence[_Asked]) -> bool:
    """True if a password was asked for twice: after a mistake, or a password and a code with the same words."""
    return any(_times(one, asked) > 1 and _method(target, one.prompt) for one in asked)


def _method(target: Target, prompt: str) -> str | None:
    """Return the method that asks for a password with this prompt; None if the prompt asks for no password."""
    host = target.host_key_alias or target.hostname
    own = re.escape(f"{target.user}@{host}'s password: ")
    of_host = re.escape(f"({target.user}@{host}) ") + _WORDS.format(user=re.escape(target.user))
    for way, pattern in {"password": own, "keyboard-interactive": of_host}.items():
        if re.fullmatch(pattern, prompt, re.IGNORECASE):
            return way
    return None


def _opens(path: str, passphrase: str) -> bool:
    import asyncssh

    try:
        asyncssh.read_private_key(path, passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError, ValueError):
        return False
    return True


def _is_about_a_key(prompt: str) -> bool:
    """True if the prompt asks whether you trust a new host key."""
    return "continue connecting" in prompt
