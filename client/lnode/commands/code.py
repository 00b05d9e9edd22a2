"""`lnode HOST SESSION --code DIR`: VS Code on the node of a session.

An editor's Remote-SSH starts an ssh of its own, and another one after each drop. So ssh has to know the way: lnode
asks you once, and adds one line to ~/.ssh/config. That ssh then runs `--way` (way.py) each time it connects.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen, your_files
from lnode.laptop.folders import PYTHON, replace_privately, state_folder
from lnode.locate.address import Address
from lnode.locate.node_place import node_place
from lnode.node import names, own_sshd
from lnode.remote.fields import typed
from lnode.schedulers.job import left_in_words
from lnode.ssh.arguments import parse_config, resolve_argv
from lnode.ssh.target import Target

_EDITORS = ("code", "cursor", "codium")
_CONFIG = "~/.ssh/config"


def code(address: Address, *, folder: str, yes: bool = False) -> ExitCode:
    """Open the folder of the node in VS Code on this laptop. Raises LnodeError."""
    target, alias, name = address.target, address.alias, address.name
    host = names.host_of(alias, name)
    if target.config is not None:
        raise LnodeError(ExitCode.USAGE, "the demo has no node for an editor", f"as in: lnode unity {name} --code .")
    there = _from_here(folder)
    place = node_place(address, there)
    if place.folder is None:
        raise LnodeError(
            ExitCode.USAGE,
            f"there is no folder {there} on {alias}",
            "a path in your home there, as in: --code '~/proj'",
        )
    editor = next(filter(None, map(shutil.which, _EDITORS)), None)
    if editor and _is_of_windows(editor, os.environ):
        raise LnodeError(
            ExitCode.FAILED, f"{os.path.basename(editor)} is that of Windows, whose ssh does not know lnode's names",
            f"have a port or a terminal instead: {typed(alias, name)} -L 8888",
        )  # fmt: skip
    _make_known(target, host, yes=yes)
    if editor is None:
        raise LnodeError(
            ExitCode.FAILED, f"there is no `code` on this laptop's PATH; ssh {host} leads there all the same",
            "VS Code's command palette has: Shell Command: Install 'code' command in PATH",
        )  # fmt: skip
    where = place.entry.job.nodes if place.entry.job else place.entry.login_node
    left = left_in_words(place.entry.job) if place.entry.job else ""
    screen.say(f"{os.path.basename(editor)} opens {place.folder} on {', '.join(filter(None, (where, left)))}")
    done = subprocess.run([editor, "--remote", f"ssh-remote+{host}", place.folder], check=False)
    return ExitCode.DONE if done.returncode == 0 else ExitCode.FAILED


def _is_of_windows(editor: str, environment: Mapping[str, str]) -> bool:
    """True in WSL for a program outside of it: its Remote-SSH starts Windows' ssh, with another ~/.ssh/config."""
    return "WSL_DISTRO_NAME" in environment and bool(re.match("/mnt/[a-z]/", os.path.realpath(editor)))


def _from_here(folder: str) -> str:
    """Return the folder as you typed it: this laptop's shell has replaced a ~ with the laptop's own home."""
    home = os.path.expanduser("~")
    return f"~{folder.removeprefix(home)}" if f"{folder}/".startswith(f"{home}/") else folder


def _make_known(target: Target, host: str, *, yes: bool) -> None:
    """Make sure that ssh knows the name. Raises LnodeError, also if lnode has to ask you and there is no terminal."""
    folder, command = f"{state_folder()}/hosts", [*PYTHON, "-m", "lnode", target.alias, "--way"]
    block = own_sshd.host_block(target, command)
    try:
        replace_privately(f"{folder}/{names.domain_of(target.alias)}", block)
    except OSError as error:
        raise LnodeError(ExitCode.FAILED, f"{folder} cannot be written: {error.strerror}", "make room for it") from None
    if not _is_known(_options(host)):
        _include(host, folder, yes=yes)
    if passed_on := names.passed_on(_options(host)):
        screen.say(f"ssh passes on to {host}: {', '.join(passed_on)}; to keep it here, put it below `Host * !*.lnode`")


def _include(host: str, folder: str, *, yes: bool) -> None:
    """Add the line to ~/.ssh/config with which ssh reads the names. Raises LnodeError."""
    line, path = names.include(folder), os.path.expanduser(_CONFIG)
    by_hand = f"make this the first line of {_CONFIG}: {line}"
    if not your_files.is_changeable(path):
        raise LnodeError(
            ExitCode.FAILED, f"ssh does not know {host} yet, and {_CONFIG} is not lnode's to change", by_hand
        )
    if not (yes or (screen.can_ask() and screen.confirm(f"ssh does not know {host} yet; {by_hand}?"))):
        raise LnodeError(ExitCode.FAILED, f"ssh does not know {host} yet", by_hand)
    _put_first(line, path)
    if not _is_known(_options(host)):
        raise LnodeError(
            ExitCode.FAILED, f"ssh does not know {host} though {_CONFIG} says it", f"see why: ssh -G {host}"
        )


def _options(host: str) -> Mapping[str, Sequence[str]]:
    """Return the options that `ssh -G` prints for the host; none if ssh fails."""
    done = subprocess.run(
        resolve_argv(host),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return parse_config(done.stdout)


def _is_known(options: Mapping[str, Sequence[str]]) -> bool:
    return any(" --way " in f"{value} " for value in options.get("proxycommand", ()))


def _put_first(line: str, path: str) -> None:
    """Write the line as the first of the file, before all that the file has. Raises LnodeError."""
    try:
        before = your_files.read(path) or b""
        backup = your_files.replace(path, line.encode() + b"\n" + before)
    except OSError as error:
        raise LnodeError(
            ExitCode.FAILED, f"{_CONFIG} could not be changed: {error.strerror}", f"its first line should be: {line}"
        ) from None
    screen.say(f"{_CONFIG} has it now" + (f"; what it was is {your_files.shown(backup)}" if backup else ""))
