"""One verb, done: its function is called with the address that you typed and with the verb's own words."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lnode.demo import demo
from lnode.errors import ExitCode

Words = Mapping[str, Any]
_NONE: Words = {}


def run(verb: str, host: str, session: str | None = None, words: Words = _NONE, of_settings: Words = _NONE) -> ExitCode:
    """Do the verb at a host. Raises LnodeError.

    `words` are the keyword arguments of its function (cli/words.py), `of_settings` those of Settings.of_host.
    """
    if (verb, host, session) == ("reset", demo.ALIAS, None):
        return _function(verb, "remove_demo")()
    from lnode.ssh.target import Resolving

    with demo.reach(host) as config:
        resolving = Resolving(host, config)  # ssh thinks while the next imports load
        from lnode.laptop import settings
        from lnode.locate import address

        there = settings.load().of_host(host, **of_settings)
        function = _function(verb, verb)
        return function(address.resolved(resolving, session, there), **words)


def run_here(verb: str, words: Words) -> ExitCode:
    """Do a verb that connects to no host, or to all: its function takes no address. Raises LnodeError."""
    return _function(verb, verb)(**words)


def run_for_all(verb: str, words: Words) -> ExitCode:
    """Do a verb for all known hosts. Raises LnodeError."""
    return _function(verb, "without_host")(**words)


def run_picked() -> ExitCode:
    """Let you pick a session or a run, and do its verb as if you had typed it. Raises LnodeError."""
    from lnode.commands.ls.pick import pick

    chosen = pick()
    if chosen is None:
        return ExitCode.DONE
    words = {"above": 0} if chosen.verb == "peek" else chosen.words
    return run(chosen.verb, chosen.host, chosen.session, words)


def _function(verb: str, name: str) -> Callable[..., ExitCode]:
    module = import_module(f"lnode.commands.{verb}")
    if hasattr(module, "__path__"):  # a folder, for a verb that has parts of its own
        module = import_module(f"lnode.commands.{verb}.{verb}")
    function: Callable[..., ExitCode] = getattr(module, name)
    return function
