"""`lnode --guide`: print a page of docs/, or one for an agent on your laptop, such as Claude Code."""

import os
import re

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen

GUIDE = """\
# lnode, for an agent

lnode keeps sessions (tmux) on the compute nodes of a cluster alive, from this laptop. HOST is an ssh alias,
SESSION a name. You have no terminal, so lnode asks you nothing: if a host needs a person to sign in, it ends
with 5. Tell the person to type `lnode HOST` once, and do not try again.

## Look

    lnode HOST --ls --json  # sessions, jobs, runs: one document; `null` means unknown
    lnode --ls --json  # the same of all hosts
    lnode HOST SESSION --peek 100  # its screen and 100 lines above it, as plain text

In the JSON `age_s` says how old a picture is, and `trouble` why there is no newer one. `sessions[].state` is
running, waiting, ending, ended, shell, unknown or orphan (a job that has lost its tmux). `sessions[].agent` says
whether an agent in that session is working, done, or waits for you, and its question. Unknown is not gone.

## Run something

    lnode HOST --exec -- COMMAND  # one short command on the login node; its output, its exit code
    lnode HOST --exec --on SESSION -- COMMAND  # the same inside the session's allocation, on its node
    lnode HOST NAME --run -- COMMAND  # a long command: it goes on without a connection, and has a log
    lnode HOST NAME --run --on SESSION -- COMMAND  # the same inside the session's allocation
    lnode HOST NAME --logs -n 50  # the end of that log; --logs -f follows it, and ends as the run ends
    lnode HOST NAME --kill --yes  # end that run

Each word behind -- is one argument. For a pipe or a variable of the host: -- sh -c 'WORDS'. No heavy work on
the login node.

## Wait

    lnode HOST SESSION --wait-for "passed|failed" --timeout 3600  # a line that matches; also idle, bell, agent
    lnode HOST SESSION --send "make test" --wait-for "passed|failed"  # type it, then wait for output after it
    lnode HOST NAME --logs -f  # to the end of a run; 0 if its exit code is 0

Never loop over --ls, --peek or --exec: each is a connection, and the first asks the scheduler. More than 20
commands of --exec in a minute, or 10 with --on, are refused.

## Another agent in a session

    lnode HOST SESSION --wait-for agent  # returns when it waits or is done; prints its question and the choices
    lnode HOST SESSION --answer 1
        # a visible choice, or y, or n; refused if the question is not the one that you saw
    lnode HOST SESSION --send "use 2 GPUs"  # a text, submitted

## Exit codes

0 it happened, 1 failed as said, 2 your words do not fit, 3 a bug, 4 unreachable, 5 a person must sign in, 6 a
host key, 7 no such session, 8 something is missing on the cluster, 130 interrupted. --exec ends with the exit
code of its command; if lnode itself failed, the standard error ends with a line that begins with `lnode:` and
a `hint:`. The hint is a command.

## Do not

- attach (`lnode HOST SESSION`) without a terminal: it needs one;
- start a session or a job that the person has not asked for: `lnode HOST SESSION` requests an allocation;
- `--kill` a session: it gives its allocation back, and all that runs in it ends. Ask the person, and name the
  session and its job;
- `--answer` a question that you do not understand, or whose consequences the person has not allowed;
- call ssh, tmux or the scheduler around lnode in a loop, or repeat a login that was refused.
"""


# docs/ is in the package of a wheel, and beside the package in a clone.
_PACKAGE = os.path.dirname(os.path.dirname(__file__))
_FOLDERS = (f"{_PACKAGE}/docs", os.path.normpath(f"{_PACKAGE}/../../docs"))


def guide(*, page: str) -> ExitCode:
    """Print a page, or one section as in `field/tmux`; "" is the page for agents. Raises LnodeError(USAGE)."""
    if not page:
        screen.show(*GUIDE.splitlines())
        return ExitCode.DONE
    name, _, wanted = page.partition("/")
    if name not in pages():
        raise LnodeError(ExitCode.USAGE, f"there is no page {name!r}", f"pages are {' '.join(pages())}")
    with open(f"{_folder()}/{name}.md", encoding="utf-8") as file:
        text = without_marks(file.read())
    known = sections(text)
    if wanted and wanted not in known:
        hint = f"as in: {' '.join(f'{name}/{one}' for one in known)}" if known else f"all of it: lnode --guide {name}"
        raise LnodeError(ExitCode.USAGE, f"the page {name} has no section {wanted!r}", hint)
    screen.print_page(known[wanted] if wanted else text)
    return ExitCode.DONE


def pages() -> list[str]:
    """Return the names of the pages."""
    return sorted(name.removesuffix(".md") for name in os.listdir(_folder()) if name.endswith(".md"))


def sections(text: str) -> dict[str, str]:
    """Return the sections of a page by the end of their address on the site of docs/."""
    found = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {_slug(section.partition("\n")[0]): section for section in found}


def without_marks(text: str) -> str:
    """Return a page without comments and pictures, which are not for a terminal."""
    lines = re.sub(r"^(<!--.*?-->|!\[[^]]*\]\([^)]*\))\n+", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r" ?<!--.*?-->", "", lines, flags=re.DOTALL)


def _folder() -> str:
    return next(folder for folder in _FOLDERS if os.path.isdir(folder))


def _slug(heading: str) -> str:
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
