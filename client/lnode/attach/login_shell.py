"""What your login shell does while lnode's line has not begun on the terminal: from the link's look, and in words."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lnode.errors import ExitCode, LnodeError, Page
from lnode.remote.fields import Word
from lnode.ssh import begun


class LoginShell(NamedTuple):
    """The login shell is in its rc files, which run `program`; with `replaced` the program runs in its place.

    `program` is "" if its name is unknown.
    """

    program: str = ""
    replaced: bool = False


def parse(rows: Sequence[str]) -> LoginShell | None:
    """Read the section `login` of client.sh. None if the line has begun, or if nothing can be seen."""
    kind, _, name = next(iter(rows), "").partition(" ")
    return LoginShell(Word.parse(name) or "", kind == "other") if kind in ("rc", "other") else None


def notice(shell: LoginShell, alias: str, session: str) -> str:
    """Return one line for the terminal, with the fix if a program has taken the login shell's place."""
    if shell.replaced:
        program = shell.program or "another program"
        return f"not in {session}: your rc file runs {program} instead; there: {begun.at_a_prompt(shell.program)}"
    running = f": they run {shell.program}" if shell.program else ""
    return f"not in {session} yet: your rc files on {alias} are not done{running}"


def unseen(alias: str, session: str) -> Iterator[str]:
    """Yield the lines for a login shell that lnode cannot look at, because the link's own line does not begin."""
    yield f"no sign of {session} yet: {begun.not_yet(alias)}"
    yield f"if it runs another program, put into your rc file there: {begun.at_a_prompt('')}"


def blind(alias: str, session: str) -> str:
    """Return the line for a host that ended the link's login shell before lnode's line, perhaps not the terminal's."""
    return f"cannot see if you are in {session}: {alias} runs no command; see: lnode {alias} --doctor"


def never_begun(shell: LoginShell, alias: str, session: str) -> LnodeError:
    """Return the error for a terminal that ended without lnode's line."""
    program = shell.program or "another program"
    how = "in place of your login shell" if shell.replaced else "in your rc files"
    return LnodeError(
        ExitCode.MISSING_THERE,
        f"{program} had this terminal on {alias}, {how}; lnode's line did not begin, and you were not in {session}",
        f"in your rc file there, start it only at a prompt: {begun.at_a_prompt(shell.program)}",
        page=Page.LOGIN_SHELL,
    )
