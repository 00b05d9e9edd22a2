"""The man page, made of the table of words (man(7), man-pages(7))."""

from collections.abc import Iterator, Mapping

from lnode.cli.words import EVERYDAY, GROUPS, SUMMARY, WORDS, Option, Verb
from lnode.errors import ExitCode
from lnode.laptop.setting_keys import KEYS

CODES = {
    ExitCode.DONE: "done; for an attach: detached, or the session has ended",
    ExitCode.FAILED: "failed, as said",
    ExitCode.USAGE: "words that are unknown or that do not go together, or a mistake in config.toml",
    ExitCode.BUG: "a bug in lnode; the report's file is named",
    ExitCode.UNREACHABLE: "the host cannot be reached, or lnode gave up",
    ExitCode.LOGIN_REFUSED: "the login was refused",
    ExitCode.HOST_KEY: "the host key is unknown or has changed",
    ExitCode.NO_SESSION: "no such session, or it was gone on the return",
    ExitCode.MISSING_THERE: "something is missing on the cluster",
    ExitCode.TAKEN_OVER: "another machine has taken the session over",
    ExitCode.INTERRUPTED: "interrupted",
}
# What follows from it, for you.
ABOUT = {
    ExitCode.UNREACHABLE: "There is no connection, or no longer. What runs on the cluster goes on.",
    ExitCode.LOGIN_REFUSED: "The host answers, and does not let you in. lnode does not try again by itself.",
    ExitCode.HOST_KEY: "The host cannot prove who it is. lnode and ssh send it nothing.",
    ExitCode.NO_SESSION: "The session or run is not there, and nothing was started in its place.",
    ExitCode.MISSING_THERE: "A program is missing, or your login shell does not let lnode begin.",
    ExitCode.TAKEN_OVER: "Another window or laptop has the session now. It goes on there.",
    ExitCode.FAILED: "lnode did not do all that you asked for, and says why. --doctor finds most causes.",
    ExitCode.USAGE: "lnode did nothing.",
    ExitCode.BUG: "Your session goes on.",
}
_FILES = {
    "~/.ssh/config": "HOST is a Host of it",
    "~/.config/lnode/config.toml": "defaults for each host, and profiles for -P",
    "~/.local/state/lnode": "what lnode remembers; before you remove it: lnode HOST --forget",
    "~/Library/Application Support/lnode": "both of them on a Mac",
}


def page() -> str:
    """Return the page. Its options are those of --help, in the same groups."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ('.TH LNODE 1 "" "lnode" "User Commands"', ".SH NAME", _plain(f"lnode - {SUMMARY}"))
    yield from (".SH SYNOPSIS", ".B lnode", ".I HOST", "[\\fISESSION\\fR] [\\fIOPTIONS\\fR]")
    yield from (".SH DESCRIPTION", ".nf", *map(_plain, EVERYDAY.splitlines()), ".fi", ".PP")
    yield _plain("HOST is an ssh alias, a Host of your ~/.ssh/config. Ctrl-b d leaves a session running.")
    yield ".SH OPTIONS"
    for group in GROUPS:
        yield f".SS {group}"
        for word in WORDS:
            if word.group == group:
                yield from _option(word)
    yield from _terms("EXIT STATUS", {str(int(code)): _status(code) for code in CODES})
    yield from _terms("FILES", _FILES)
    yield ".SH CONFIG.TOML"
    yield _plain("A table [hosts.ALIAS] has the settings of a host, and [profiles.NAME] those that -P NAME replaces.")
    yield from _rows(KEYS)
    yield from (".SH SEE ALSO", ".BR ssh (1),", ".BR ssh_config (5),", ".BR tmux (1)")


def _status(code: ExitCode) -> str:
    return f"{CODES[code]}. {ABOUT[code]}" if code in ABOUT else CODES[code]


def _option(word: Verb | Option) -> Iterator[str]:
    flags = ", ".join(f"\\fB{_plain(flag)}\\fR" for flag in word.flags)
    yield from (".TP", f"{flags} \\fI{_plain(word.metavar)}\\fR" if word.metavar else flags, _plain(word.help))


def _terms(heading: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f".SH {heading}"
    yield from _rows(rows)


def _rows(rows: Mapping[str, str]) -> Iterator[str]:
    for term, text in rows.items():
        yield from (".TP", f".B {_plain(term)}", _plain(text))


def _plain(text: str) -> str:
    """Return text in which roff finds no request and no escape, and whose hyphens can be copied as such."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
