"""`lnode HOST --profiles`: list the requests of your profiles in config.toml for this host, without connecting."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.laptop.settings import Settings, load


def profiles(host: str) -> ExitCode:
    """Print the request without -P, then that of each profile. A profile that does not fit says why."""
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
