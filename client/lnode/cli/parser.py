"""Flags in, one call out. The only importer of typer."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from lnode.cli import dispatch
from lnode.errors import ExitCode, LnodeError

_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_EVERYDAY = """\
lnode unity                       attach to your session there, or start it
lnode unity myproject             the same by name, as many as you like
lnode unity --ls                  what is there: node, job, time left
lnode unity myproject --kill      end it, give its allocation back
lnode unity sim --run -- ./train  goes on by itself; --logs -f follows it
lnode demo                        all of this without a cluster"""

_HELP = f"""\
Keep a compute-node session alive on an HPC cluster, from your laptop.

\b
{_EVERYDAY}

`unity` is a Host of your ~/.ssh/config. Ctrl-b d leaves a session running."""

# What --help shows under which heading, by the names of _lnode's parameters.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Arguments": ("host", "session"),
    "What to attach to": (
        "profile", "mem", "time", "partition", "gpus", "cpus", "login", "existing", "here", "detach", "wait", "cc",
    ),
    "Look": ("ls", "watch", "peek", "wait_for", "timeout"),
    "Act": ("send", "no_enter", "renew", "early", "reset", "rescue", "kill", "yes"),
    "Runs": ("run", "cwd", "on", "logs", "follows", "lines", "notify"),
    "Ports and VS Code": ("ports", "code"),
    "Sign-in": ("sign_in", "forget", "close"),
    "Setup and trouble": ("setup", "undo", "profiles", "doctor", "history"),
    "Output": ("as_json", "verbose", "help"),
}  # fmt: skip


class _Grouped(TyperCommand):
    """--help in groups. Typer's own groups, rich_help_panel, are shown by rich only, which takes 40 ms to load."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = {param.name: row for param in self.get_params(ctx) if (row := param.get_help_record(ctx))}
        width = max(len(option) for option, _ in rows.values())
        groups = {heading: [rows.pop(name) for name in names] for heading, names in _GROUPS.items()}
        for heading, shown in {**groups, "Others": list(rows.values())}.items():
            if shown:
                with formatter.section(heading):
                    formatter.write_dl([(option.ljust(width), text) for option, text in shown])


def run_typed(argv: Sequence[str]) -> ExitCode:
    """Do what was typed. Raises LnodeError(USAGE) for what typer cannot read."""
    if not argv:
        raise LnodeError(
            ExitCode.USAGE, "HOST is missing, an ssh alias", "see all there is: lnode --help", detail=_EVERYDAY
        )
    words, command = _parted(argv)
    try:
        return ExitCode(_app(args=_with_peek(words), prog_name="lnode", standalone_mode=False, obj=command))
    except TyperException as error:
        said = error.format_message().rstrip(".")
        raise LnodeError(ExitCode.USAGE, said[:1].lower() + said[1:], "see all there is: lnode --help") from None


def _with_peek(argv: Sequence[str]) -> list[str]:
    """`--peek` and `--peek N` as `--peek=N`: typer knows no option whose value may be left out."""
    words = list(argv)
    end = words.index("--") if "--" in words else len(words)
    for at, word in enumerate(words[:end]):
        if word == "--peek" and words[at - 1] not in ("--send", "--wait-for"):
            above = words[at + 1] if words[at + 1 : end] and words[at + 1].isdecimal() else None
            return [*words[:at], f"--peek={above or 0}", *words[at + 1 + (above is not None) :]]
    return words


def _parted(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What is for lnode, and the command behind `--run --`, of which typer would take the first word for a SESSION."""
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    return (words[:at], tuple(words[at + 1 :])) if "--run" in words[:at] else (words, ())


@_app.command(
    cls=_Grouped, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
def _lnode(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Argument(metavar="HOST", help="an ssh alias; `demo` is a cluster on this laptop")
    ] = None,
    session: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="its name, else the host's default")
    ] = None,
    ls: Annotated[
        bool,
        typer.Option("--ls", help="list every session: state, node, job, time left; without HOST on all known hosts"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="with --ls and --doctor: as JSON")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="with --ls: keep it on the screen")] = False,
    kill: Annotated[
        bool, typer.Option("--kill", help="end the session and give its allocation back; or end a run")
    ] = False,
    renew: Annotated[bool, typer.Option("--renew", help="ask for another allocation in the same session")] = False,
    early: Annotated[bool, typer.Option("--early", help="with --renew: while the old one still runs")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="with --kill, --setup and --code: do not ask")] = False,
    run: Annotated[
        bool, typer.Option("--run", help="start a command that goes on by itself: --run -- COMMAND")
    ] = False,
    cwd: Annotated[str | None, typer.Option("--cwd", metavar="DIR", help="with --run: start in this folder")] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="SESSION", help="with --run: inside that session's allocation")
    ] = None,
    logs: Annotated[bool, typer.Option("--logs", help="print the log of a run")] = False,
    follows: Annotated[bool, typer.Option("-f", help="with --logs: follow it to the end, across drops")] = False,
    lines: Annotated[int | None, typer.Option("-n", metavar="N", help="with --logs: the last N lines only")] = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="with --run or --logs -f: wait for the end, and notify")
    ] = False,
    login: Annotated[bool, typer.Option("--login", help="plain tmux on the login node, no allocation")] = False,
    existing: Annotated[bool, typer.Option("--existing", help="attach only, never start one")] = False,
    here: Annotated[
        bool, typer.Option("--here", help="where HOST leads, whatever runs on its other login nodes")
    ] = False,
    detach: Annotated[bool, typer.Option("-d", help="detach the session's other clients")] = False,
    profile: Annotated[str | None, typer.Option("-P", metavar="NAME", help="a profile of config.toml")] = None,
    mem: Annotated[str | None, typer.Option("-m", metavar="MEM", help="memory to request")] = None,
    time: Annotated[str | None, typer.Option("-t", metavar="TIME", help="time limit to request")] = None,
    partition: Annotated[str | None, typer.Option("-p", metavar="NAME", help="partition to request in")] = None,
    gpus: Annotated[str | None, typer.Option("-g", metavar="GPUS", help="GPUs to request")] = None,
    cpus: Annotated[str | None, typer.Option("-c", metavar="CPUS", help="CPUs to request")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="thaw the session's frozen screen; lnode demo --reset: remove the demo")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="keep trying where there is no network yet")] = False,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="keep a password or passphrase in this laptop's keychain")
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="remove it again")] = False,
    history: Annotated[bool, typer.Option("--history", help="why was I disconnected? what happened, and when")] = False,
    close: Annotated[bool, typer.Option("--close", help="end the connection that a sign-in left open")] = False,
    setup: Annotated[
        bool, typer.Option("--setup", help="livenode() and mouse scrolling on the cluster; shows the change first")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="with --setup: take it back")] = False,
    doctor: Annotated[
        bool, typer.Option("--doctor", help="check every layer, each finding with its fix; without HOST this laptop")
    ] = False,
    cc: Annotated[bool, typer.Option("--cc", help="attach in tmux's control mode, for iTerm2")] = False,
    peek: Annotated[
        int | None,
        typer.Option("--peek", metavar="[N]", help="what the session's screen shows, and N lines above"),
    ] = None,
    send: Annotated[
        str | None, typer.Option("--send", metavar="TEXT", help="type TEXT into the session, and Enter")
    ] = None,
    no_enter: Annotated[bool, typer.Option("--no-enter", help="with --send: no Enter")] = False,
    wait_for: Annotated[
        str | None, typer.Option("--wait-for", metavar="REGEX", help="wait until it shows that, or `idle`, or `bell`")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="S", help="with --wait-for: give up after so many seconds"),
    ] = None,
    ports: Annotated[
        list[str] | None, typer.Option("-L", metavar="PORT", help="a port of this laptop to the session's node")
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", metavar="DIR", help="VS Code on the session's node, in that folder there")
    ] = None,
    way: Annotated[str | None, typer.Option("--way", hidden=True)] = None,
    rescue: Annotated[
        int | None, typer.Option("--rescue", metavar="PID", help="bring a process that nothing protects into a session")
    ] = None,
    profiles: Annotated[bool, typer.Option("--profiles", help="what each profile would request here")] = False,
    verbose: Annotated[bool, typer.Option("-v", help="tell at the end what happened, with times")] = False,
) -> ExitCode:
    """Keep a compute-node session alive on an HPC cluster: attach to it, or start it."""
    typed = dict(locals())
    command = typed.pop("context").obj
    return dispatch.run(dispatch.Typed(**typed, command=command))
