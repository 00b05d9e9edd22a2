"""`lnode HOST --profiles`: what each profile of config.toml would request on this host. Asks nothing there."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import Settings, load


def profiles(host: str) -> ExitCode:
    """Print what is requested without -P, then with each profile; a profile that does not fit says why."""
    settings = load()
    rows = [_row(host, settings, profile) for profile in (None, *settings.profiles)]
    with screen.output():
        screen.print_table(("PROFILE", "SESSION", "REQUEST"), rows)
    if not settings.profiles:
        screen.say(f"no profiles yet; write [profiles.NAME] into {settings.path}")
    return ExitCode.DONE


def _row(alias: str, settings: Settings, profile: str | None) -> list[tuple[str, str]]:
    name = (profile or "", "bold")
    try:
        there = settings.of_host(alias, profile)
        return [name, (there.session, ""), (there.filled(), "")]
    except LnodeError as error:
        return [name, ("", ""), (error.message, "red")]
