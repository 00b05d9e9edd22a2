"""One verb, its outcome as an exit code; the only place where an error becomes one."""

from collections.abc import Callable, Mapping

from lnode import screen
from lnode.commands import demo
from lnode.errors import ExitCode, LnodeError


def run(
    host: str,
    session: str | None = None,
    *,
    ls: bool = False,
    as_json: bool = False,
    kill: bool = False,
    yes: bool = False,
    login: bool = False,
    existing: bool = False,
    detach_others: bool = False,
    profile: str | None = None,
    words: Mapping[str, str | None] | None = None,
    reset: bool = False,
    verbose: bool = False,
) -> ExitCode:
    """Do one thing. `words` are resource words by name (mem, time, ...), None where not given. Raises LnodeError."""
    given = {name: word for name, word in (words or {}).items() if word is not None}
    starts = bool(given) or login or existing or detach_others
    _refuse_contradictions(host, ls=ls, as_json=as_json, kill=kill, yes=yes, reset=reset, starts=starts)
    if reset:
        return demo.reset()
    from lnode import target

    with demo.reach(host) as config:
        asked = target.Resolving(host, config)  # ssh thinks while the next imports load
        from lnode import settings

        request = settings.load().request(host, profile)
        name = request.session if session is None else session
        if ls:
            from lnode.commands.ls import ls as list_sessions

            return list_sessions(asked.target(), request, as_json=as_json)
        if kill:
            from lnode.commands.kill import kill as end_session

            return end_session(asked.target(), name, request, yes=yes)
        from lnode.commands.attach import attach

        return attach(
            asked.target(),
            name,
            request.with_words(**given),
            login=login,
            existing=existing,
            detach_others=detach_others,
            verbose=verbose,
        )


def _refuse_contradictions(
    host: str, *, ls: bool, as_json: bool, kill: bool, yes: bool, reset: bool, starts: bool
) -> None:
    def wrong(message: str, hint: str) -> LnodeError:
        return LnodeError(ExitCode.USAGE, message, hint)

    if ls + kill + reset > 1:
        raise wrong("--ls, --kill and --reset are one at a time", "say one of them")
    if starts and (ls or kill or reset):
        raise wrong("-m -t -p -g -c -d --login --existing are for attaching", f"as in: lnode {host} SESSION -m 8000")
    if as_json and not ls:
        raise wrong("--json goes with --ls", f"as in: lnode {host} --ls --json")
    if yes and not kill:
        raise wrong("--yes goes with --kill", f"as in: lnode {host} SESSION --kill --yes")
    if reset and host != demo.ALIAS:
        raise wrong(f"--reset is for the demo, not for {host}", "as in: lnode demo --reset")


def explained(work: Callable[[], ExitCode]) -> ExitCode:
    """Whatever fails in `work` becomes one sentence, one hint and an exit code; never a traceback."""
    try:
        return work()
    except LnodeError as error:
        screen.show_error(error)
        return error.code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        screen.close_output()
        return ExitCode.FAILED
    except Exception as error:
        screen.show_error(_bug(error))
        return ExitCode.BUG


def _bug(error: Exception) -> LnodeError:
    """Write the traceback to a file: argument values stay out of it, so that it can be sent to somebody."""
    import platform
    import traceback
    from importlib.metadata import version

    from platformdirs import user_state_path

    facts = f"lnode {version('lnode')}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        path = user_state_path("lnode", ensure_exists=True) / f"bug-{type(error).__name__}.txt"
        path.write_text(facts + "".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as unwritable:
        return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"no report could be kept: {unwritable}")
    return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"please send the report {path}")
