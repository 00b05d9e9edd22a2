"""The way in: `lnode`, and `python -m lnode`.

Everyday words, `lnode HOST [SESSION]` and `lnode HOST --ls`, go straight to work; all others through typer, which takes
30 ms to load: half of what lnode takes before ssh starts.
"""

import gc

gc.disable()  # until ssh runs: there is little to collect on the way to it, and looking for it takes 6 ms

import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402

from lnode.cli.dispatch import Words, run, run_for_all, run_picked  # noqa: E402
from lnode.cli.exit import explained  # noqa: E402
from lnode.errors import ExitCode, LnodeError  # noqa: E402
from lnode.laptop import folders, screen  # noqa: E402

_ANYWHERE = (["--version"], ["--help"], ["-h"], ["--man"])  # they look at nothing but lnode itself


def main() -> None:
    """Run the `lnode` command."""
    screen.open_streams()
    folders.leave_out_current_folder()
    code = explained(lambda: _run(sys.argv[1:]))
    gc.freeze()  # what is left needs no collecting: Python would take 20 ms for it where rich is loaded
    sys.exit(code)


def _run(argv: Sequence[str], platform: str = sys.platform) -> ExitCode:
    if platform == "win32" and argv not in _ANYWHERE:
        hint = "open a WSL terminal and install lnode there; for the first time: wsl --install"
        raise LnodeError(
            ExitCode.FAILED, "Windows itself is not supported: lnode runs on macOS, Linux and in WSL", hint
        )
    match argv:
        case []:
            from lnode.laptop import canvas

            if canvas.is_possible():
                return run_picked()
        case ["--ls"]:
            return run_for_all("ls", {})
        case ["--complete", shell, *words]:  # for the shell, at each Tab
            from lnode.cli.complete import complete

            return complete(shell, words)
        case [host, "--ls"] | [host, "--ls", "--json"] | [host, "--way", _] if not host.startswith("-"):
            # --way is for ssh, at each connection
            its: Words = {"node": argv[2]} if argv[1] == "--way" else {"as_json": "--json" in argv}
            return run(argv[1][2:], host, words=its)
        case [host, *session] if len(session) <= 1 and not any(word.startswith("-") for word in argv):
            return run("attach", host, next(iter(session), None))
    from lnode.cli.parser import run_typed

    return run_typed(argv)


if __name__ == "__main__":
    main()
