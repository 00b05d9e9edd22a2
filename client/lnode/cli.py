"""Flags in, one call out. The only importer of typer, and the only place where an error becomes an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from lnode import screen
from lnode.errors import ExitCode, LnodeError

_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_EPILOG = "Detach with Ctrl-b d: the session goes on. Try it without a cluster: lnode demo"


@_app.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def _lnode(
    host: Annotated[str, typer.Argument(metavar="HOST", help="an ssh alias; `demo` is a cluster on this laptop")],
    session: Annotated[str | None, typer.Argument(metavar="[SESSION]", help="its name, else the host's default")] = None,
    ls: Annotated[bool, typer.Option("--ls", help="list every session: state, node, job, time left")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="with --ls: as JSON")] = False,
    kill: Annotated[bool, typer.Option("--kill", help="end the session and give its allocation back")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="with --kill: do not ask")] = False,
    login: Annotated[bool, typer.Option("--login", help="plain tmux on the login node, no allocation")] = False,
    existing: Annotated[bool, typer.Option("--existing", help="attach only, never start one")] = False,
    detach: Annotated[bool, typer.Option("-d", help="detach the session's other clients")] = False,
    profile: Annotated[str | None, typer.Option("-P", metavar="NAME", help="a profile of config.toml")] = None,
    mem: Annotated[str | None, typer.Option("-m", metavar="MEM", help="memory to request")] = None,
    time: Annotated[str | None, typer.Option("-t", metavar="TIME", help="time limit to request")] = None,
    partition: Annotated[str | None, typer.Option("-p", metavar="NAME", help="partition to request in")] = None,
    gpus: Annotated[str | None, typer.Option("-g", metavar="GPUS", help="GPUs to request")] = None,
    cpus: Annotated[str | None, typer.Option("-c", metavar="CPUS", help="CPUs to request")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="with demo: remove all that it left here")] = False,
    verbose: Annotated[bool, typer.Option("-v", help="say what the link beside the terminal met")] = False,
) -> None:
    """Keep a compute-node session alive on an HPC cluster: attach to it, or start it."""
    with _explained():
        _refuse_contradictions(host, ls=ls, as_json=as_json, kill=kill, yes=yes, reset=reset)
        from lnode import settings, target
        from lnode.commands import demo

        if reset:
            raise typer.Exit(demo.reset())
        request = settings.load().request(host, profile)
        name = session or request.session
        with demo.reach(host) as config:
            asked = target.Resolving(host, config)
            if ls:
                from lnode.commands.ls import ls as list_sessions

                raise typer.Exit(list_sessions(asked.target(), request, as_json=as_json))
            if kill:
                from lnode.commands.kill import kill as end_session

                raise typer.Exit(end_session(asked.target(), name, request, yes=yes))
            from lnode.commands.attach import attach

            words = request.with_words(mem=mem, time=time, partition=partition, gpus=gpus, cpus=cpus)
            there = asked.target()
            raise typer.Exit(
                attach(there, name, words, login=login, existing=existing, detach_others=detach, verbose=verbose)
            )


def _refuse_contradictions(host: str, *, ls: bool, as_json: bool, kill: bool, yes: bool, reset: bool) -> None:
    def wrong(message: str, hint: str) -> LnodeError:
        return LnodeError(ExitCode.USAGE, message, hint)

    if ls + kill + reset > 1:
        raise wrong("--ls, --kill and --reset are one at a time", "say one of them")
    if as_json and not ls:
        raise wrong("--json goes with --ls", f"as in: lnode {host} --ls --json")
    if yes and not kill:
        raise wrong("--yes goes with --kill", f"as in: lnode {host} SESSION --kill --yes")
    if reset and host != "demo":
        raise wrong(f"--reset is for the demo, not for {host}", "as in: lnode demo --reset")


@contextmanager
def _explained() -> Iterator[None]:
    """One sentence, one hint and the exit code for whatever fails in the block; never a traceback."""
    try:
        yield
    except LnodeError as error:
        screen.show_error(error)
        raise typer.Exit(error.code) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        screen.show_error(_report(error))
        raise typer.Exit(ExitCode.BUG) from None


def _report(error: Exception) -> LnodeError:
    """Write the traceback to a file: argument values stay out of it, so that it can be sent to somebody."""
    import platform
    import traceback
    from importlib.metadata import version

    from platformdirs import user_state_path

    folder = user_state_path("lnode", ensure_exists=True)
    path = folder / f"bug-{type(error).__name__}.txt"
    facts = f"lnode {version('lnode')}, Python {platform.python_version()}, {platform.platform()}\n"
    path.write_text(facts + "".join(traceback.format_exception(error)), encoding="utf-8")
    return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"please send the report {path}")


def main() -> None:
    """The `lnode` command."""
    _app(prog_name="lnode")
    sys.exit()
