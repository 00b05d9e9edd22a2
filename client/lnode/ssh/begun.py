"""Words for a host that has let lnode in and does not run its line, or that begins the line and then falls silent.

sshd gives the line to your login shell, which reads its rc files first. One of them may take a minute, or start another
program in the shell's place (`exec zsh -l`, `exec tmux`, `newgrp`), and a site may have a menu there (ForceCommand in
sshd_config(5)). So the line says that it has begun, before anything else.
"""

from collections.abc import Sequence

from lnode.errors import ExitCode, LnodeError, Page
from lnode.ssh.target import Target

TOLD_AFTER_S = 6.0  # that the line has not begun
_MOST = 5  # rows of the host's that you are shown


def at_a_prompt(program: str) -> str:
    """Return a line for an rc file that starts the program only in interactive shells; "" for any program."""
    return f"case $- in *i*) exec {program or 'zsh -l'} ;; esac"


class NotBegun(LnodeError):  # noqa: N818 (the state of a host, not an error of the program)
    """The host has let lnode in, and has not run its line. Perhaps the login node is only busy."""


def not_yet(alias: str) -> str:
    """Return the words for a login shell that has not begun lnode's line so far."""
    return f"your login shell on {alias} is still in its rc files, or runs another program"


def not_in_time(alias: str) -> NotBegun:
    """Return the error for a login shell that does not begin lnode's line."""
    return NotBegun(
        ExitCode.MISSING_THERE,
        f"{alias} let you in, but lnode's line did not begin there: {not_yet(alias)}",
        f"in your rc file there, start other programs only at a prompt: {at_a_prompt('')}",
        page=Page.LOGIN_SHELL,
    )


def ended(target: Target, rows: Sequence[str] = (), words: Sequence[str] = ()) -> NotBegun:
    """Return the error for a login shell that ended without lnode's line.

    `rows` is the text that it printed, `words` that on its standard error.
    """
    how = "answered, but not with a shell" if rows else "ended the login before lnode's line could begin"
    return NotBegun(
        ExitCode.MISSING_THERE,
        f"{target.alias} {how}",
        f"see what it says: {target.by_hand} /bin/sh -c true",
        detail="\n".join([*rows[-_MOST:], *words[-_MOST:]]),
        page=Page.LOGIN_SHELL,
    )


def broke_off(alias: str, words: Sequence[str] = ()) -> LnodeError:
    """Return the error for a line that has begun and ended in the middle of its answer. `words`: as for ended()."""
    detail = "\n".join(words[-_MOST:])
    return LnodeError(ExitCode.UNREACHABLE, f"the answer of {alias} broke off", "ask again", detail=detail)


def fell_silent(alias: str) -> LnodeError:
    """Return the error for a line that has begun and does not answer."""
    return LnodeError(ExitCode.UNREACHABLE, f"{alias} began to answer, and then fell silent", "ask again")


def too_late(alias: str, *, has_begun: bool, is_in: bool) -> LnodeError:
    """Return the error for an answer that is not complete in time. `is_in`: the host has let lnode in."""
    if has_begun:
        return fell_silent(alias)
    if is_in:
        return not_in_time(alias)
    return LnodeError(ExitCode.UNREACHABLE, f"{alias} did not answer in time", "ask again")
