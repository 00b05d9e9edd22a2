"""`lnode [HOST] --doctor`: check all layers from this laptop to a node; each finding has its fix. Changes nothing."""

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from lnode.cluster import tmux
from lnode.commands.doctor.checks import HERE, LAYERS, Finding, findings, layers_until, of_failure
from lnode.commands.doctor.facts import parse_facts
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen, settings
from lnode.locate.address import Address
from lnode.ssh import keychain as ssh_keychain
from lnode.ssh import prompts
from lnode.ssh.question import DONE_WITHIN_S, Question
from lnode.ssh.target import Resolving, Target

_LOCAL_S = 5
_WITHOUT_HOST = "localhost"  # the configuration can be read with any name of a host
_OPTIONS = ("remotecommand", "requesttty", "loglevel", "stricthostkeychecking", "userknownhostsfile", "controlpath")


def without_host(*, as_json: bool = False) -> ExitCode:
    """Check this laptop alone; return FAILED if there is anything to fix."""
    facts = {**_of_laptop(ssh_keychain.keeps_any()), **_of_configuration()}
    return _show(None, HERE, findings(facts, HERE), as_json=as_json)


def doctor(address: Address, *, as_json: bool = False) -> ExitCode:
    """Check every layer up to the node, in one question; return FAILED if there is anything to fix."""
    target = address.target
    facts = {
        "host": target.alias,
        "where": address.settings.where,
        **_of_laptop(ssh_keychain.is_kept(target)),
        **_of_alias(target),
    }
    layers: Sequence[str] = LAYERS
    found: list[Finding] = []
    try:
        facts = _of_host(address) | facts  # a host cannot replace the laptop's own facts
    except LnodeError as error:
        ended = of_failure(error.code, error.message, error.hint)
        layers, found = layers_until(ended.layer), [ended]
    found = sorted((*findings(facts, layers), *found), key=lambda one: LAYERS.index(one.layer))
    return _show(target.alias, layers, found, as_json=as_json)


def _of_laptop(keychain: bool) -> dict[str, str]:
    facts = {"ssh": _said_by("ssh", "-V")}
    state = folders.state_folder()
    there = state
    while not os.path.exists(there):
        there = os.path.dirname(there) or "."
    if not os.access(there, os.W_OK | os.X_OK):
        facts["state_readonly"] = there
    if hasattr(os, "getuid") and folders.private_folder() is None:
        facts["no_sockets"] = f"/tmp/lnode-{os.getuid()}"  # noqa: S108 - only its name
    if os.environ.get("TMUX"):
        facts["prefix"] = _said_by("tmux", "show-options", "-gv", "prefix") or "C-b"
    if not (prompts.can_end_ssh() and ssh_keychain.can_answer()):
        facts["askpass_shut"] = os.path.dirname(ssh_keychain.__file__)
    if keychain:
        try:
            ssh_keychain.open_keychain()
        except ssh_keychain.KeychainFailed as error:
            facts["keychain_shut"] = str(error)
    return facts


def _of_configuration() -> dict[str, str]:
    facts = {}
    try:
        settings.load()
    except LnodeError as error:
        facts["config_wrong"] = f"{error.message}; {error.hint}"
    try:
        Resolving(_WITHOUT_HOST).target()
    except LnodeError as error:
        facts["ssh_config_wrong"] = (error.detail or error.message).strip()
    return facts


def _of_alias(target: Target) -> dict[str, str]:
    return {name: " ".join(target.options[name]) for name in _OPTIONS if target.one(name)}


def _of_host(address: Address) -> dict[str, str]:
    asked = int(time.time())
    program = tmux.program_of(address.settings.command)
    question = Question(address.target, "doctor", address.settings.tmux, program, os.environ.get("TERM", ""))
    with question, screen.waiting(f"asking {address.alias} ..."):
        reply = question.reply(within_s=DONE_WITHIN_S)  # each probe has some seconds
    facts = parse_facts(reply.get("facts", ()))
    if not address.settings.push:
        facts.pop("no_poster", None)
    return {**facts, "asked": str(asked), "answered": str(int(time.time()))}


def _said_by(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=_LOCAL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip()


def _show(alias: str | None, layers: Sequence[str], found: Sequence[Finding], *, as_json: bool) -> ExitCode:
    if as_json:
        screen.show_json(_document(alias, layers, found))
    else:
        for layer in LAYERS if alias else HERE:
            screen.show(*_lines(layer, layers, [one for one in found if one.layer == layer]))
    return ExitCode.FAILED if found else ExitCode.DONE


def _lines(layer: str, layers: Sequence[str], found: Sequence[Finding]) -> list[str]:
    if layer not in layers:
        return [f"{layer:9}  not reached"]
    if not found:
        return [f"{layer:9}  ok"]
    rows = [(one.found, f"  fix: {one.fix}") for one in found]
    words = [layer, *[""] * (2 * len(rows) - 1)]
    return [f"{word:9}  {line}" for word, line in zip(words, (line for row in rows for line in row), strict=True)]


def _document(alias: str | None, layers: Sequence[str], found: Sequence[Finding]) -> dict[str, Any]:
    return {
        "host": alias,
        "layers": [*layers] if alias else [*HERE],
        "findings": [one._asdict() for one in found],
    }
