"""The questions on a terminal: which of your ssh aliases is the cluster, or else its name, address, user and gate."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from lnode.commands.init import new_host
from lnode.commands.init.new_host import NewHost, described
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.ssh_aliases import ssh_aliases
from lnode.ssh.target import Resolving, Target

_MOST = 30  # that are shown
_TRIES = 5
_NOBODY = "no-host-of-yours"
_FORGE = re.compile(r"(.*\.)?(github|gitlab|bitbucket|codeberg|azure|huggingface)\.[a-z]+")


def choose() -> str | NewHost:
    """Return the alias that you chose, or the host that you described. Raises LnodeError(USAGE)."""
    if not screen.can_ask():
        raise LnodeError(
            ExitCode.USAGE, "HOST is missing, and there is no terminal to ask in", "as in: lnode unity --init --yes"
        )
    aliases = ssh_aliases()
    targets = [target for target in _meanings(aliases[:_MOST]) if not _FORGE.fullmatch(target.hostname)]
    question, usual = "your ssh configuration has no cluster yet. A short name for it, as in unity:", ""
    if targets:
        _show(targets, len(aliases) > _MOST)
        usual = "1" if len(targets) == 1 else ""
        numbers = "Enter for this one" if usual else "its number"
        question = f"which is your cluster? {numbers}, or a name that is not in the list:"
    for _ in range(_TRIES):
        if not (answer := screen.ask(question, usual)):
            break
        if answer.isdecimal() and 0 < int(answer[:4]) <= len(targets):
            return targets[int(answer[:4]) - 1].alias
        is_name = new_host.is_alias(answer) and not answer.isdecimal()
        if answer in aliases or (is_name and _is_configured(answer)):
            return answer
        if is_name or new_host.is_address(answer):
            return _describe(answer)
        screen.say(f"{answer!r} is no {'number of the list and no ' if targets else ''}name of a host")
    raise LnodeError(ExitCode.USAGE, "you chose no host, and nothing was changed", "once more: lnode --init")


def _is_configured(name: str) -> bool:
    """True if your ssh configuration has lines for a name that it does not list, as in `Host *.edu` or `Match host`."""
    asked = [Resolving(one) for one in (name, _NOBODY)]
    own, others = (_without_names(one.target(), (name, _NOBODY)) for one in asked)
    return own != others


def _without_names(target: Target, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the options of ssh without the names, which may stand in them."""
    any_name = re.compile("|".join(map(re.escape, names)), re.IGNORECASE)
    return {
        keyword: [any_name.sub("", value) for value in values]
        for keyword, values in target.options.items()
        if keyword not in ("host", "controlpath")  # which may have a digest of the name
    }


def _meanings(aliases: Sequence[str]) -> list[Target]:
    """Return the aliases as `ssh -G` explains them, without those that it does not accept. It connects to no host."""
    asked, targets = [], []
    for alias in aliases:
        with suppress(LnodeError):
            asked.append(Resolving(alias))
    for resolving in asked:
        with suppress(LnodeError):
            targets.append(resolving.target())
    return targets


def _show(targets: Sequence[Target], more: bool) -> None:
    screen.say("the hosts of your ssh configuration:")
    width = max(len(target.alias) for target in targets)
    for number, target in enumerate(targets, 1):
        screen.say(f"{number:3}  {target.alias:{width}}  {target.user}@{target.hostname}")
    if more:
        screen.say("  and more, which you can name")


def _describe(answer: str) -> NewHost:
    """Ask for the rest of a new host: `answer` is its name, or its address."""
    alias, address = ("", answer) if new_host.is_address(answer) else (answer, "")
    if address:
        usual = new_host.short_name(address)
        alias = _ask(f"a short name for {address}, {f'Enter for {usual}' if usual else 'as in unity'}:",
                     new_host.check_alias, usual)  # fmt: skip
    else:
        address = _ask(f"the address of {alias}, as in login.unity.edu:", new_host.check_address)
    user = ""
    if "@" not in address:
        user = _ask("your user name there, empty for the one on this laptop:", new_host.check_user)
    gate = _ask("the host through which you have to jump, empty for none:", new_host.check_gate)
    return described(alias, address, user, gate)


def _ask(question: str, check: Callable[[str], None], usual: str = "") -> str:
    """Ask until the answer fits. Raises LnodeError for an empty one that does not fit, and for too many."""
    for _ in range(_TRIES):
        answer = screen.ask(question, usual)
        try:
            check(answer)
        except LnodeError as wrong:
            last = wrong
            if not answer:
                break
            screen.say(wrong.message)
        else:
            return answer
    raise last
