"""One verb, its outcome as an exit code; the only place where an error becomes one."""

import os
from collections.abc import Callable, Mapping

from lnode import laptop, screen
from lnode.commands import demo
from lnode.errors import ExitCode, LnodeError


def run(  # noqa: PLR0911 (one for each verb)
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
    waits: bool = False,
    history: bool = False,
    sign_in: bool = False,
    forget: bool = False,
    close: bool = False,
    verbose: bool = False,
) -> ExitCode:
    """Do one thing. `words` are resource words by name (mem, time, ...), None where not given. Raises LnodeError."""
    given = {name: word for name, word in (words or {}).items() if word is not None}
    starts = bool(given) or login or existing or detach_others or waits
    verbs = {
        "--ls": ls, "--kill": kill, "--sign-in": sign_in, "--forget": forget, "--history": history, "--close": close,
        "--reset": reset,
    }  # fmt: skip
    _refuse_contradictions(host, verbs, as_json=as_json, yes=yes, starts=starts)
    if reset:
        return demo.reset()
    if forget:
        from lnode.commands.forget import forget as take_out

        return take_out(host)
    if history:
        from lnode.commands.history import history as tell

        return tell(host, session)
    from lnode.target import Resolving

    with demo.reach(host) as config:
        asked = Resolving(host, config)  # ssh thinks while the next imports load
        from lnode import settings, sharing

        request = settings.load().request(host, profile)
        name = request.session if session is None else session
        if close:
            from lnode.commands.close import close as end_connection

            return end_connection(sharing.with_own(asked.target()))
        if sign_in:
            from lnode.commands.sign_in import sign_in as keep

            return keep(asked.target())
        target = sharing.with_master(asked.target(), request.keep_warm)
        if ls:
            from lnode.commands.ls import ls as list_sessions

            return list_sessions(target, request, as_json=as_json)
        if kill:
            from lnode.commands.kill import kill as end_session

            return end_session(target, name, request, yes=yes)
        from lnode.commands.attach import attach

        return attach(
            target,
            name,
            request.with_words(**given),
            login=login,
            existing=existing,
            detach_others=detach_others,
            waits=waits,
            verbose=verbose,
        )


def _refuse_contradictions(host: str, verbs: Mapping[str, bool], *, as_json: bool, yes: bool, starts: bool) -> None:
    def wrong(message: str, hint: str) -> LnodeError:
        return LnodeError(ExitCode.USAGE, message, hint)

    said = [verb for verb, is_said in verbs.items() if is_said]
    if len(said) > 1:
        raise wrong(f"{' and '.join(said)} are one at a time", "say one of them")
    if starts and said:
        raise wrong(
            "-m -t -p -g -c -d --login --existing --wait are for attaching", f"as in: lnode {host} SESSION -m 8000"
        )
    if as_json and not verbs["--ls"]:
        raise wrong("--json goes with --ls", f"as in: lnode {host} --ls --json")
    if yes and not verbs["--kill"]:
        raise wrong("--yes goes with --kill", f"as in: lnode {host} SESSION --kill --yes")
    if verbs["--reset"] and host != demo.ALIAS:
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

    facts = f"lnode {version('lnode')}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        os.makedirs(laptop.state_folder(), exist_ok=True)
        path = f"{laptop.state_folder()}/bug-{type(error).__name__}.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write(facts + "".join(traceback.format_exception(error)))
    except OSError as unwritable:
        return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"no report could be kept: {unwritable}")
    return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"please send the report {path}")
