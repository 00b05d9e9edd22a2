"""The words that you typed, read with typer: a verb, its options and its place. The only importer of typer."""

import re
from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from lnode.cli import dispatch
from lnode.cli.words import EVERYDAY, GROUPS, OPTIONS, SUMMARY, VERBS, WORDS, Scope, Verb
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen

_HELP = f"""\
{SUMMARY}

\b
{EVERYDAY}

`unity` is a Host of your ~/.ssh/config. Ctrl-b d leaves a session running."""

_ARGUMENTS = {
    "host": ("HOST", "an ssh alias; `demo` is a cluster on this laptop"),
    "session": ("[SESSION]", "its name, else the host's default"),
}


def run_typed(argv: Sequence[str]) -> ExitCode:
    """Do the verb that you typed. Raises LnodeError(USAGE) for words that are unknown or that do not go together."""
    if not argv:
        raise LnodeError(
            ExitCode.USAGE, "HOST is missing, an ssh alias", "see all there is: lnode --help", detail=EVERYDAY
        )
    words, command = _parted(argv)
    try:
        return ExitCode(_app(args=_with_values(words), prog_name="lnode", standalone_mode=False, obj=command))
    except TyperException as error:
        said = (
            error.format_message()
            .rstrip(".")
            .replace("a valid float", "a number")
            .replace("a valid int", "a whole number")
        )
        raise LnodeError(ExitCode.USAGE, said[:1].lower() + said[1:], "see all there is: lnode --help") from None


_OPTIONAL = {verb.flag: verb.optional for verb in VERBS.values() if verb.optional}
_TAKE_COMMANDS = {verb.flag for verb in VERBS.values() if verb.takes_command}


def _with_values(argv: Sequence[str]) -> list[str]:
    """Return the words with `--peek` and `--peek N` as `--peek=N`: typer has no options with an optional value."""
    words = list(argv)
    end = words.index("--") if "--" in words else len(words)
    for at, word in enumerate(words[:end]):
        if word in _OPTIONAL and words[at - 1] not in ("--send", "--wait-for"):
            usual, form = _OPTIONAL[word]
            value = words[at + 1] if words[at + 1 : end] and re.fullmatch(form, words[at + 1]) else None
            return [*words[:at], f"{word}={value or usual}", *words[at + 1 + (value is not None) :]]
    return words


def _parted(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the words for lnode, and those of a command behind `--`: typer would take the first one for a SESSION."""
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    return (words[:at], tuple(words[at + 1 :])) if _TAKE_COMMANDS & {*words[:at]} else (words, ())


# --- typer's command, made of the table


class _Grouped(TyperCommand):
    """--help in groups. Typer's own groups, rich_help_panel, need rich, which takes 40 ms to load."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = {param.name: row for param in self.get_params(ctx) if (row := param.get_help_record(ctx))}
        width = max(len(option) for option, _ in rows.values())
        groups = {"Arguments": [*_ARGUMENTS]}
        groups |= {group: [word.name for word in WORDS if word.group == group] for group in GROUPS}
        groups[GROUPS[-1]].append("help")
        for heading, names in groups.items():
            with formatter.section(heading):
                formatter.write_dl([(rows[name][0].ljust(width), rows[name][1]) for name in names])


def _show_help(context: Any, _option: object, asked: bool) -> None:
    """Print the help as all other output; typer's own print would make a traceback of a full disk."""
    if asked and not context.resilient_parsing:
        screen.show(*context.get_help().split("\n"))
        context.exit()


def _signature() -> Signature:
    """Return the parameters of typer's command, one for each word of the table; None or False for an absent word."""
    parameters = [Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, (metavar, text) in _ARGUMENTS.items():
        parameters.append(_parameter(name, str, typer.Argument(metavar=metavar, help=text)))
    for word in WORDS:
        if word.flags:
            how = typer.Option(*word.flags, metavar=word.metavar or None, help=word.help, hidden=not word.group)
            parameters.append(_parameter(word.name, word.type, how))
    return Signature(parameters, return_annotation=ExitCode)


def _parameter(name: str, type_: Any, how: Any) -> Parameter:
    default, typed = (False, bool) if type_ is bool else (None, type_ | None)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[typed, how])


def _lnode(context: typer.Context, host: str | None, session: str | None, **typed: Any) -> ExitCode:
    verb, given = _fitting(host, session, typed)
    words = {word.argument: given[word.name] for word in WORDS if word.name in given and word.argument}
    if verb.takes_command:
        said = " ".join(filter(None, (host, session, verb.flag)))
        words["command"] = _command(context.obj, said, verb)
    if verb.name == "man":
        from lnode.cli.manual import page

        words["page"] = page()
    if host is None and verb.scope is Scope.HOSTS:
        return dispatch.run_for_all(verb.name, words)
    if host is None or not verb.connects:
        place = {name: word for name, word in (("host", host), ("session", session)) if word is not None}
        return dispatch.run_here(verb.name, place | words)
    of_settings = {name: given[name] for name, option in OPTIONS.items() if name in given and option.of_settings}
    return dispatch.run(verb.name, host, session, words, of_settings)


_lnode.__signature__ = _signature()  # type: ignore[attr-defined]  # inspect.signature reads it, and so does typer
_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
_app.command(
    cls=_Grouped, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)(_lnode)


# --- the words that go together


def _fitting(host: str | None, session: str | None, typed: Mapping[str, object]) -> tuple[Verb, dict[str, Any]]:
    """Return the verb and the words that you typed. Raises LnodeError(USAGE) for words that do not go together."""
    given = {name: value for name, value in typed.items() if value is not None and value is not False and value != []}
    verb = _verb(given)
    _check_options(verb, given, host)
    _check_place(verb, host, session)
    return verb, given


def _verb(given: Mapping[str, object]) -> Verb:
    """Return the one verb among the words. Raises LnodeError(USAGE) for two that do not go together."""
    said = [verb for name, verb in VERBS.items() if name in given]
    said = [verb for verb in said if not any(other.name in verb.beside for other in said)] or [VERBS["attach"]]
    if len(said) > 1:
        raise _wrong(f"{' and '.join(verb.flag for verb in said)} are one at a time", "say one of them")
    return said[0]


def _check_options(verb: Verb, given: Mapping[str, object], host: str | None) -> None:
    if "profile" in given and (not verb.connects or (host is None and verb.scope in (Scope.HOSTS, Scope.LAPTOP))):
        raise _wrong("-P is for a request, and this asks for none", f"without it: lnode {verb.spelled}")
    for option in OPTIONS.values():
        if option.name in given and option.beside and verb.name not in option.beside:
            takers = [VERBS[name] for name in option.beside]
            *others, last = [taker.flag or "attaching" for taker in takers]
            fits = f"{', '.join(others)} or {last}" if others else last
            place = f"{host or 'HOST'}{' SESSION' if takers[0].scope in (Scope.SESSION, Scope.NAMED) else ''}"
            example = " ".join(filter(None, (place, takers[0].spelled, option.spelled)))
            raise _wrong(f"{option.flags[-1]} goes with {fits}", f"as in: lnode {example}")
    if "no_enter" in given and "send" not in given:
        raise _wrong("--no-enter goes with --send", f"as in: lnode {host or 'HOST'} SESSION --send TEXT --no-enter")
    of_request = (option for option in OPTIONS.values() if option.of_settings and option.name != "profile")
    if "login" in given and (asked := next((option for option in of_request if option.name in given), None)):
        raise _wrong(f"--login asks for no allocation, and {asked.flags[-1]} is for one", "say one of them")


def _check_place(verb: Verb, host: str | None, session: str | None) -> None:
    if host is not None and verb.scope is Scope.LAPTOP:
        raise _wrong(f"{verb.flag} is for this laptop", f"without a host: lnode {verb.spelled}")
    if host is None and verb.scope not in (Scope.HOSTS, Scope.LAPTOP):
        example = f"lnode {'demo' if verb.name == 'drop' else 'unity'} {verb.whole}".strip()
        raise _wrong("HOST is missing, an ssh alias", f"as in: {example}; see all there is: lnode --help")
    if session is not None and verb.scope in (Scope.HOST, Scope.HOSTS):
        raise _wrong(f"{verb.flag} is for a whole host", f"without a session: lnode {host} {verb.whole}")
    if session is None and verb.scope is Scope.NAMED:
        raise _wrong("a run needs a name", f"as in: lnode {host} sim {verb.whole}")


def _command(words: Sequence[str], place: str, verb: Verb) -> Sequence[str]:
    """Return the command behind `--`. Raises LnodeError(USAGE) if there is none."""
    if not words or not words[0]:
        raise _wrong(f"{verb.flag} needs a command behind --", f"as in: lnode {place} -- python long.py")
    return words


def _wrong(message: str, hint: str) -> LnodeError:
    return LnodeError(ExitCode.USAGE, message, hint)
