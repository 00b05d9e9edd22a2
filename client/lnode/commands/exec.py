"""`lnode HOST --exec [--on SESSION] -- COMMAND`: run one command on the host, and end with its exit code.

It rides on the open sign-in or signs in without a question, and never asks you. Its input is empty. Loops are refused:
each command is a connection, and with --on a step for the scheduler.
"""

import shlex
from collections.abc import Sequence

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import pace, screen
from lnode.laptop.settings import as_key
from lnode.locate import routes
from lnode.locate.address import Address
from lnode.locate.find import no_session, no_tmux
from lnode.locate.held_job import held_job
from lnode.locate.survey import Survey
from lnode.remote import call
from lnode.ssh import relay
from lnode.ssh.target import Target

_MOST = 20  # in a minute
_MOST_STEPS = 10
_LONGEST = 100_000  # bytes: the line is an argument of a shell (MAX_ARG_STRLEN)


def exec(address: Address, *, command: Sequence[str], on: str | None = None) -> ExitCode:
    """Run the command. Raises LnodeError if it was not run, and SystemExit with its exit code if that is not 0."""
    alias, nonce = address.alias, call.nonce()
    _check_pace(alias, on)
    target, job = (address.target, "") if on is None else _place(address, on)
    line = call.question("exec", nonce, address.settings.cwd, shlex.join(command), job)
    if len(line) > _LONGEST:
        raise LnodeError(ExitCode.USAGE, "the command is too long", "put it into a script there, and run that")
    out, errors = screen.Log(), screen.Log(errors=True)
    left = relay.run(target, nonce, line, out.write, errors.write)
    out.break_line()
    if left.code is None:
        raise _not_run(alias, left.why, command[0])
    if left.code:
        raise SystemExit(left.code)
    return ExitCode.DONE


def _check_pace(alias: str, on: str | None) -> None:
    what, most = ("exec", _MOST) if on is None else ("exec-step", _MOST_STEPS)
    if not pace.is_within(alias, what, most):
        raise LnodeError(
            ExitCode.FAILED, f"{most} commands were run on {alias} within a minute, so this one was not",
            f"to wait, --wait-for or --logs -f; for many commands one script: lnode {alias} NAME --run -- sh script",
        )  # fmt: skip


def _place(address: Address, name: str) -> tuple[Target, str]:
    """Return the login node of a session and its job. Raises LnodeError; asks nobody."""
    alias = address.alias
    with Survey(address, silent=True) as survey, screen.waiting(f"asking {alias} ..."):
        answers = survey.answers()
    from lnode.cluster.sessions import CANNOT_ASK  # loaded by then

    for number, (node, picture) in enumerate(answers.pictures.items()):
        entry = picture.named(name)
        if entry is None:
            continue
        job = held_job(picture, entry, alias, instead="without --on it runs on the login node")
        there = address.target
        if number and node is not None:
            there = routes.to_node(address.target, node, picture.port, address.settings)
        return there, job
    for picture in answers.pictures.values():
        if picture.tmux in CANNOT_ASK:
            raise no_tmux(alias, picture.tmux, picture.tmux_says)
    if answers.silent:
        node = answers.silent[0][0].node
        raise LnodeError(
            ExitCode.UNREACHABLE, f"{node} does not answer, and {name} may be there; nothing was run",
            f"see what is there: lnode {alias} --ls",
        )  # fmt: skip
    raise no_session(alias, name)


def _not_run(alias: str, why: str, program: str) -> LnodeError:
    if why == "no-folder":
        return LnodeError(
            ExitCode.FAILED, f"cannot enter your folder on {alias}; nothing was run",
            f"see cwd under [hosts.{as_key(alias)}] in config.toml",
        )  # fmt: skip
    if why == "no-step":
        return LnodeError(
            ExitCode.MISSING_THERE, f"no program on {alias} starts a step in the allocation, so nothing was run",
            "without --on it runs on the login node",
        )  # fmt: skip
    hint = "the words behind -- are a program and its arguments; for a shell: --exec -- sh -c '...'"
    return LnodeError(ExitCode.MISSING_THERE, f"there is no {program} on {alias}, so nothing was run", hint)
