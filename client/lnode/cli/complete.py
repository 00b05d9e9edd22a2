"""`lnode --complete SHELL WORD...`: the words that could stand in place of the last one, for the shell's Tab key.

It looks at this laptop only, and must be quick: no ssh, no typer.
"""

from collections.abc import Sequence

from lnode.cli.completing import Known, Names, candidates
from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import load
from lnode.locate import pictures


def complete(shell: str, words: Sequence[str]) -> ExitCode:
    """Print a candidate a line, in zsh and fish with its help text."""
    try:
        settings = load()
        hosts, profiles = settings.hosts, settings.profiles
    except LnodeError:  # a mistake in config.toml, which every other call says
        hosts, profiles = {}, {}
    known = Known(
        hosts=lambda: ["demo", *hosts, *pictures.aliases(), *_aliases()], profiles=lambda: [*profiles], names=_names,
        pages=_pages,
    )  # fmt: skip
    separator = {"zsh": ":", "fish": " "}.get(shell)
    for word, text in candidates(words, known):
        screen.show(word if separator is None or not text else f"{word}{separator}{text}")
    return ExitCode.DONE


def _pages() -> Sequence[str]:
    from lnode.commands.guide import pages

    return pages()


def _aliases() -> Sequence[str]:
    from lnode.laptop.ssh_aliases import ssh_aliases

    return ssh_aliases()


def _names(host: str) -> Names:
    from lnode.locate import routes

    found = pictures.names(host)
    return Names([*found.sessions, *routes.recall(host).sessions], [*found.runs])
