"""What was typed -> one verb, its outcome as an exit code; the only place where an error becomes one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from lnode.demo import demo
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.text import visible

if TYPE_CHECKING:
    from lnode.laptop.settings import HostSettings
    from lnode.ssh.target import Resolving, Target


class Typed(NamedTuple):
    """What was typed, by the names that cli.py gives it. At most one verb of VERBS; none of them is to attach."""

    host: str | None = None
    session: str | None = None
    ls: bool = False
    as_json: bool = False
    watch: bool = False
    kill: bool = False
    renew: bool = False
    early: bool = False
    yes: bool = False
    run: bool = False
    command: tuple[str, ...] = ()
    cwd: str | None = None
    on: str | None = None
    logs: bool = False
    follows: bool = False
    lines: int | None = None
    notify: bool = False
    login: bool = False
    existing: bool = False
    here: bool = False
    detach: bool = False
    profile: str | None = None
    mem: str | None = None
    time: str | None = None
    partition: str | None = None
    gpus: str | None = None
    cpus: str | None = None
    reset: bool = False
    wait: bool = False
    sign_in: bool = False
    forget: bool = False
    history: bool = False
    close: bool = False
    setup: bool = False
    undo: bool = False
    doctor: bool = False
    cc: bool = False
    peek: int | None = None
    send: str | None = None
    no_enter: bool = False
    wait_for: str | None = None
    timeout: float | None = None
    profiles: bool = False
    ports: list[str] | None = None
    code: str | None = None
    way: str | None = None
    rescue: int | None = None
    verbose: bool = False


def run(typed: Typed) -> ExitCode:
    """Do the one thing that was typed. Raises LnodeError."""
    return VERBS[_verb(typed)](typed)


class _Host(NamedTuple):
    """The host that was meant, while ssh still thinks about it; `profiles` are the requests of each -P."""

    resolving: "Resolving"
    request: "HostSettings"
    session: str
    profiles: "Mapping[str, HostSettings]"

    def target(self) -> "Target":
        """How to get there, over the connection that a sign-in left open."""
        from lnode.ssh import master

        return master.with_master(self.resolving.target(), self.request.keep_warm)


@contextmanager
def _reached(typed: Typed) -> Iterator[_Host]:
    from lnode.ssh.target import Resolving

    host = typed.host or ""
    with demo.reach(host) as config:
        resolving = Resolving(host, config)  # ssh thinks while the next imports load
        from lnode.laptop import settings

        known = settings.load()
        request = known.of_host(host, typed.profile)
        profiles = {name: known.of_host(host, name) for name in known.profiles} if typed.setup else {}
        yield _Host(resolving, request, request.session if typed.session is None else typed.session, profiles)


def _attach(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.attach import attach

        return attach(
            target,
            host.session,
            host.request.with_words(**_words(typed)),
            login=typed.login,
            existing=typed.existing,
            detach_others=typed.detach,
            waits=typed.wait,
            verbose=typed.verbose,
            control=typed.cc,
            here=typed.here,
        )


def _ls(typed: Typed) -> ExitCode:
    if typed.host is None:
        return _ls_all(typed)
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.ls.ls import ls

        return ls(target, host.request, as_json=typed.as_json, watch=typed.watch)


def _ls_all(typed: Typed) -> ExitCode:
    from lnode.laptop import settings
    from lnode.locate import pictures
    from lnode.ssh.target import Resolving

    known = settings.load()
    resolving = {alias: Resolving(alias, None) for alias in sorted({*known.hosts, *pictures.hosts()})}
    if not resolving:
        raise _wrong("no host is known yet", "name one: lnode unity --ls; from then on it is among them")
    from lnode.commands.ls.ls import ls_all
    from lnode.commands.ls.views import remembered

    hosts, troubled = {}, []
    for alias, asked in resolving.items():
        host = _Host(asked, known.of_host(alias), "", {})
        try:
            hosts[alias] = (host.target(), host.request)
        except LnodeError as error:
            troubled.append(remembered(alias, error))
    return ls_all(hosts, troubled, as_json=typed.as_json, watch=typed.watch)


def _kill(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.kill import kill

        return kill(target, host.session, host.request, yes=typed.yes)


def _renew(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.attach import attach
        from lnode.commands.renew import renew

        request = host.request.with_words(**_words(typed))
        done = renew(target, host.session, request, early=typed.early)
        if typed.early or not (screen.can_ask() and screen.is_terminal()):
            return done
        return attach(
            host.target(), host.session, request, login=False, existing=True, detach_others=False, waits=False,
            verbose=typed.verbose,
        )  # fmt: skip


def _run(typed: Typed) -> ExitCode:
    name = _run_name(typed)
    if not typed.command or not typed.command[0]:
        raise _wrong("--run needs a command behind --", f"as in: lnode {typed.host} {name} --run -- python long.py")
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.run import run

        return run(target, name, host.request, typed.command, cwd=typed.cwd, on=typed.on, notifies=typed.notify)


def _logs(typed: Typed) -> ExitCode:
    name = _run_name(typed)
    if typed.lines is not None and typed.lines < 0:
        raise _wrong("-n takes a number of lines, from 0 on", f"as in: lnode {typed.host} {name} --logs -n 20")
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.logs import logs

        return logs(target, name, follows=typed.follows or typed.notify, lines=typed.lines, notifies=typed.notify)


def _run_name(typed: Typed) -> str:
    if typed.session is None:
        words = "--run -- COMMAND" if typed.run else "--logs"
        raise _wrong("a run needs a name", f"as in: lnode {typed.host} sim {words}")
    return typed.session


def _sign_in(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        from lnode.commands.sign_in import sign_in

        return sign_in(host.resolving.target())


def _close(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        from lnode.commands.close import close
        from lnode.ssh import master

        return close(master.with_own(host.resolving.target()))


def _setup(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.setup.setup import setup

        return setup(target, host.request, host.profiles, undo=typed.undo, yes=typed.yes)


def _doctor(typed: Typed) -> ExitCode:
    if typed.host is None:
        from lnode.commands.doctor.doctor import doctor_here

        return doctor_here(as_json=typed.as_json)
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.doctor.doctor import doctor

        return doctor(target, host.request, as_json=typed.as_json)


def _forget(typed: Typed) -> ExitCode:
    from lnode.commands.forget import forget

    return forget(typed.host or "")


def _history(typed: Typed) -> ExitCode:
    from lnode.commands.history import history

    return history(typed.host or "", typed.session)


def _reset(typed: Typed) -> ExitCode:
    if typed.host == demo.ALIAS and typed.session is None:
        screen.say("the demo is gone" if demo.reset() else "there was no demo")
        return ExitCode.DONE
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.reset import reset

        return reset(target, host.session, host.request)


def _peek(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.peek import peek

        return peek(target, host.session, host.request, above=typed.peek or 0)


def _send(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.send import send

        return send(target, host.session, host.request, text=typed.send or "", enter=not typed.no_enter)


def _wait_for(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.wait_for import Text, wait_for

        text = None if typed.send is None else Text(typed.send, not typed.no_enter)
        what, timeout_s = typed.wait_for or "", typed.timeout
        return wait_for(target, host.session, host.request, what=what, text=text, timeout_s=timeout_s)


def _ports(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.ports import ports

        return ports(target, host.session, host.request, typed.ports or [])


def _code(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.code import code

        return code(target, host.session, host.request, folder=typed.code or "", yes=typed.yes)


def _way(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.way import way

        return way(target, typed.way or "", host.request)


def _rescue(typed: Typed) -> ExitCode:
    with _reached(typed) as host:
        target = host.target()
        from lnode.commands.rescue.rescue import save

        return save(target, typed.session, host.request, pid=typed.rescue or 0, here=typed.here)


def _profiles(typed: Typed) -> ExitCode:
    from lnode.commands.profiles import profiles
    from lnode.laptop import settings

    return profiles(typed.host or "", settings.load())


VERBS: Mapping[str, Callable[[Typed], ExitCode]] = {
    "attach": _attach,
    "ls": _ls,
    "kill": _kill,
    "renew": _renew,
    "run": _run,
    "logs": _logs,
    "sign_in": _sign_in,
    "forget": _forget,
    "history": _history,
    "close": _close,
    "setup": _setup,
    "doctor": _doctor,
    "reset": _reset,
    "peek": _peek,
    "send": _send,
    "wait_for": _wait_for,
    "profiles": _profiles,
    "ports": _ports,
    "code": _code,
    "way": _way,
    "rescue": _rescue,
}

_OF_A_HOST = ("ls", "doctor", "setup", "sign_in", "forget", "close", "profiles", "way")

_VALUES = {"send": "TEXT", "wait_for": "REGEX"}

_WORDS = {"mem": "-m MEM", "time": "-t TIME", "partition": "-p NAME", "gpus": "-g GPUS", "cpus": "-c CPUS"}

# How an option is spelled, and the verbs that it goes with; -P and what is a verb itself go with all.
_OPTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "as_json": ("--json", ("ls", "doctor")),
    "watch": ("--watch", ("ls",)),
    "yes": ("--yes", ("kill", "setup", "code")),
    "undo": ("--undo", ("setup",)),
    "cwd": ("--cwd DIR", ("run",)),
    "on": ("--on SESSION", ("run",)),
    "follows": ("-f", ("logs",)),
    "lines": ("-n N", ("logs",)),
    "notify": ("--notify", ("run", "logs")),
    "login": ("--login", ("attach",)),
    "existing": ("--existing", ("attach",)),
    "here": ("--here", ("attach", "rescue")),
    "detach": ("-d", ("attach",)),
    "wait": ("--wait", ("attach",)),
    "cc": ("--cc", ("attach",)),
    "no_enter": ("--no-enter", ("send", "wait_for")),
    "timeout": ("--timeout S", ("wait_for",)),
    "early": ("--early", ("renew",)),
    "verbose": ("-v", ("attach", "renew")),
    **{name: (spelled, ("attach", "renew")) for name, spelled in _WORDS.items()},
}


def _words(typed: Typed) -> dict[str, str]:
    """The resource words that were given."""
    return {name: word for name in _WORDS if (word := getattr(typed, name)) is not None}


def _verb(typed: Typed) -> str:
    """The one verb that was typed, with nothing beside it that means something else. Raises LnodeError(USAGE)."""
    said = [verb for verb in VERBS if _is_given(getattr(typed, verb, None))]
    if said == ["send", "wait_for"]:  # one after the other, over one connection
        said = ["wait_for"]
    if len(said) > 1:
        raise _wrong(f"{' and '.join(map(_flag, said))} are one at a time", "say one of them")
    verb = said[0] if said else "attach"
    for option, (spelled, verbs) in _OPTIONS.items():
        if _is_given(getattr(typed, option)) and verb not in verbs:
            flag = spelled.split()[0]
            known = [_flag(other) for other in verbs if other != "attach"]
            *others, last = known if "attach" not in verbs else ["attaching", *known]
            fits = f"{', '.join(others)} or {last}" if others else last
            first = _flag(verbs[0]) if verbs[0] != "attach" else ""
            example = " ".join(filter(None, (first, _VALUES.get(verbs[0]), spelled)))
            host = typed.host or "HOST"
            place = host if verbs[0] in _OF_A_HOST else f"{host} SESSION"
            raise _wrong(f"{flag} goes with {fits}", f"as in: lnode {place} {example}")
    if typed.host is None and verb not in ("ls", "doctor"):
        raise _wrong("HOST is missing, an ssh alias", "as in: lnode unity; see all there is: lnode --help")
    if verb in _OF_A_HOST and typed.session is not None:
        raise _wrong(f"{_flag(verb)} is for a whole host", f"without a session: lnode {typed.host} {_flag(verb)}")
    return verb


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != []


def _flag(verb: str) -> str:
    return "-L" if verb == "ports" else f"--{verb.replace('_', '-')}"


def _wrong(message: str, hint: str) -> LnodeError:
    return LnodeError(ExitCode.USAGE, message, hint)


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
    """Write the traceback to a file for you alone. Argument values stay out of it, so that you can send it."""
    import platform
    import traceback
    from importlib.metadata import version

    facts = f"lnode {version('lnode')}, Python {platform.python_version()}, {platform.platform()}"
    rows = (facts, *"".join(traceback.format_exception(error)).splitlines())
    path = f"{folders.state_folder()}/bug-{type(error).__name__}.txt"
    try:
        folders.replace_privately(path, "".join(f"{visible(row)}\n" for row in rows))
    except OSError as unwritable:
        return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"no report could be kept: {unwritable}")
    return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"please send the report {path}")
