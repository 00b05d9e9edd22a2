"""The questions on a terminal: which of your ssh aliases is the cluster, or else its name, address, user and gate."""

import re
from collections.abc import Sequence

from lnode.commands.init.new_host import NewHost, described
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.ssh_aliases import ssh_aliases
from lnode.ssh.target import Resolving, Target

_MOST = 30  # that are shown
_FORGE = re.compile(r"(.*\.)?(github|gitlab|bitbucket|codeberg|azure|huggingface)\.[a-z]+")


def choose() -> str | NewHost:
    """Return the alias that you chose, or the host that you described. Raises LnodeError(USAGE)."""
    if not screen.can_ask():
        raise LnodeError(
            ExitCode.USAGE, "HOST is missing, and there is no terminal to ask in", "as in: lnode unity --init --yes"
        )
    aliases = ssh_aliases()
    targets = [target for target in _meanings(aliases[:_MOST]) if not _FORGE.fullmatch(target.hostname)]
    if targets:
        _show(targets, len(aliases) > _MOST)
        alone = len(targets) == 1
        numbers = "Enter for this one" if alone else "its number"
        answer = screen.ask(
            f"which is your cluster? {numbers}, or a name that is not in the list:", "1" if alone else ""
        )
    else:
        answer = screen.ask("your ssh configuration has no cluster yet. A short name for it, as in unity:")
    if answer.isdecimal() and 0 < int(answer[:4]) <= len(targets):
        return targets[int(answer[:4]) - 1].alias
    if answer in aliases:
        return answer
    if not answer:
        raise LnodeError(ExitCode.USAGE, "you chose no host, and nothing was changed", "once more: lnode --init")
    return _describe(answer)


def _meanings(aliases: Sequence[str]) -> list[Target]:
    """Return the aliases as `ssh -G` explains them, without those that it does not accept. It connects to no host."""
    targets = []
    for resolving in [Resolving(alias) for alias in aliases if not alias.startswith("-")]:
        try:
            targets.append(resolving.target())
        except LnodeError:
            continue
    return targets


def _show(targets: Sequence[Target], more: bool) -> None:
    screen.say("the hosts of your ssh configuration:")
    width = max(len(target.alias) for target in targets)
    for number, target in enumerate(targets, 1):
        screen.say(f"{number:3}  {target.alias:{width}}  {target.user}@{target.hostname}")
    if more:
        screen.say("  and more, which you can name")


def _describe(alias: str) -> NewHost:
    address = screen.ask(f"the address of {alias}, as in login.unity.edu:")
    user = screen.ask("your user name there, empty for the one on this laptop:")
    gate = screen.ask("the host through which you have to jump, empty for none:")
    return described(alias, address, user, gate)
